from django.db import migrations

from accounts.append_only import append_only


class Migration(migrations.Migration):
    dependencies = [("lots", "0004_tax_engine"), ("accounts", "0002_append_only_audit")]

    operations = [
        append_only("lots_taxpolicy"),
        append_only("lots_reliefelection"),
        append_only("lots_reportedyear"),
    ]
