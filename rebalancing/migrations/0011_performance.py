from decimal import Decimal
from importlib import import_module

from django.db import migrations, models

import accounts.fields

watch = import_module("securities.migrations.0009_facts_changes").watch
OF_SECURITY = "securities_facts_of_security_changed"


class Migration(migrations.Migration):

    dependencies = [
        ('rebalancing', '0010_model_views_and_effects'),
        ('securities', '0011_security_sector'),
    ]

    operations = [
        migrations.AddField(
            model_name='targetmodel',
            name='weights_since',
            field=models.DateField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='rebalancepolicy',
            name='factor_gain_limit',
            field=accounts.fields.MoneyField(blank=True, null=True),
        ),
        migrations.AddConstraint(
            model_name='rebalancepolicy',
            constraint=models.CheckConstraint(condition=models.Q(('factor_gain_limit__gte', 0), ('factor_gain_limit__lt', Decimal('100000000000000'))), name='rebalance_factor_gain_limit'),
        ),
        # Total returns are kept from one household to the next.
        watch("securities_dividend", function=OF_SECURITY),
    ]
