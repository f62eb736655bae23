from django.db import migrations

from accounts.append_only import append_only


class Migration(migrations.Migration):
    dependencies = [("securities", "0002_tax_engine"), ("accounts", "0002_append_only_audit")]

    operations = [append_only("securities_identicaloverride")]
