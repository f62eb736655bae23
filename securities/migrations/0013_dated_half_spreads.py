from importlib import import_module

import django.db.models.deletion
from django.db import migrations, models

import accounts.fields

watch = import_module("securities.migrations.0009_facts_changes").watch

# The column's old default says that nobody has stated another one: by now such a security follows its asset class.
FORWARD = "UPDATE securities_security SET half_spread = NULL WHERE half_spread = 0.0005;"
BACKWARD = "UPDATE securities_security SET half_spread = 0.0005 WHERE half_spread IS NULL;"


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0006_account_trades_fractions'),
        ('securities', '0012_market_values'),
    ]

    operations = [
        migrations.AlterField(
            model_name='security',
            name='half_spread',
            field=accounts.fields.FractionField(blank=True, decimal_places=8, max_digits=14, null=True),
        ),
        migrations.RunSQL(FORWARD, BACKWARD),
        migrations.CreateModel(
            name='HalfSpread',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('asset_class', models.CharField(blank=True, choices=[('us_equity', 'Us equity'), ('international_equity', 'International equity'), ('fixed_income', 'Fixed income'), ('real_estate', 'Real estate'), ('commodity', 'Commodity'), ('cash', 'Cash'), ('other', 'Other')], max_length=24)),
                ('since', models.DateField()),
                ('fraction', accounts.fields.FractionField(decimal_places=8, max_digits=14)),
                ('firm', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='half_spreads', to='accounts.firm')),
                ('security', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='half_spreads', to='securities.security')),
            ],
            options={
                'ordering': ['security__symbol', 'asset_class', 'since'],
                'constraints': [models.UniqueConstraint(condition=models.Q(('security__isnull', False)), fields=('security', 'since'), name='half_spread_of_security_once_a_day'), models.UniqueConstraint(condition=models.Q(('security', None)), fields=('firm', 'asset_class', 'since'), name='half_spread_default_once_a_day'), models.CheckConstraint(condition=models.Q(('security', None), ('asset_class', ''), _connector='OR'), name='half_spread_of_one_thing'), models.CheckConstraint(condition=models.Q(('asset_class__in', ['', 'us_equity', 'international_equity', 'fixed_income', 'real_estate', 'commodity', 'cash', 'other'])), name='half_spread_class_known'), models.CheckConstraint(condition=models.Q(('fraction__gte', 0), ('fraction__lt', 1)), name='half_spread_fraction')],
            },
        ),
        watch("securities_halfspread"),
    ]
