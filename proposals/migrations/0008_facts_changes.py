from importlib import import_module

from django.db import migrations

watch = import_module("securities.migrations.0009_facts_changes").watch


class Migration(migrations.Migration):
    dependencies = [
        ("proposals", "0007_pairs_in_cash"),
        ("securities", "0009_facts_changes"),
    ]

    operations = [watch("proposals_commissionschedule")]
