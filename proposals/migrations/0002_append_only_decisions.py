from django.db import migrations

from accounts.append_only import append_only


class Migration(migrations.Migration):
    dependencies = [("proposals", "0001_initial"), ("accounts", "0002_append_only_audit")]

    operations = [append_only("proposals_decision"), append_only("proposals_fill")]
