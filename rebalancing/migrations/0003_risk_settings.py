from decimal import Decimal
from importlib import import_module

import django.db.models.deletion
import django.db.models.functions.comparison
from django.db import migrations, models

import accounts.fields
import rebalancing.types

watch = import_module("securities.migrations.0009_facts_changes").watch

# Rows of a version name their firm by it alone.
FORWARD = """
CREATE FUNCTION rebalancing_supplied_risk_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO securities_factschange (firm_id)
    SELECT DISTINCT version.firm_id
      FROM changed JOIN rebalancing_suppliedrisk version ON version.id = changed.version_id;
    RETURN NULL;
END $$;
"""
BACKWARD = "DROP FUNCTION rebalancing_supplied_risk_changed();"


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0005_account_opened_on'),
        ('rebalancing', '0002_policies_and_looks'),
        ('securities', '0009_facts_changes'),
    ]

    operations = [
        migrations.CreateModel(
            name='RiskSetting',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('method', models.CharField(choices=[('statistical', 'Statistical'), ('exponential', 'Exponential'), ('factor_etfs', 'Factor etfs'), ('supplied', 'Supplied')], default=rebalancing.types.RiskMethod['STATISTICAL'], max_length=16)),
                ('observations', models.PositiveSmallIntegerField(default=504)),
                ('half_life', models.PositiveSmallIntegerField(default=126)),
                ('factor_count', models.PositiveSmallIntegerField(default=10)),
                ('maximum_staleness_days', models.PositiveSmallIntegerField(default=10)),
                ('minimum_coverage', accounts.fields.FractionField(decimal_places=8, default=Decimal('0.8'), max_digits=14)),
                ('firm', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='risk_setting', to='accounts.firm')),
            ],
        ),
        migrations.CreateModel(
            name='RiskFactor',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=60)),
                ('security', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='securities.security')),
                ('setting', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='factors', to='rebalancing.risksetting')),
            ],
            options={
                'ordering': ['name'],
            },
        ),
        migrations.CreateModel(
            name='SuppliedRisk',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('as_of', models.DateField()),
                ('imported_at', models.DateTimeField(auto_now_add=True)),
                ('firm', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='supplied_risks', to='accounts.firm')),
            ],
            options={
                'ordering': ['-as_of'],
            },
        ),
        migrations.CreateModel(
            name='SuppliedLoading',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('factor', models.CharField(max_length=60)),
                ('loading', accounts.fields.FractionField(decimal_places=8, max_digits=14)),
                ('security', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='securities.security')),
                ('version', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='loadings', to='rebalancing.suppliedrisk')),
            ],
        ),
        migrations.CreateModel(
            name='SuppliedCovariance',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('factor_a', models.CharField(max_length=60)),
                ('factor_b', models.CharField(max_length=60)),
                ('covariance', accounts.fields.FractionField(decimal_places=8, max_digits=14)),
                ('version', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='covariances', to='rebalancing.suppliedrisk')),
            ],
        ),
        migrations.CreateModel(
            name='SuppliedSpecific',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('variance', accounts.fields.FractionField(decimal_places=8, max_digits=14)),
                ('security', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='securities.security')),
                ('version', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='specifics', to='rebalancing.suppliedrisk')),
            ],
        ),
        migrations.AddConstraint(
            model_name='risksetting',
            constraint=models.CheckConstraint(condition=models.Q(('method__in', ['statistical', 'exponential', 'factor_etfs', 'supplied'])), name='risk_method_known'),
        ),
        migrations.AddConstraint(
            model_name='risksetting',
            constraint=models.CheckConstraint(condition=models.Q(('observations__gte', 60), ('observations__lt', 5001)), name='risk_observations'),
        ),
        migrations.AddConstraint(
            model_name='risksetting',
            constraint=models.CheckConstraint(condition=models.Q(('half_life__gte', 20), ('half_life__lt', 5001)), name='risk_half_life'),
        ),
        migrations.AddConstraint(
            model_name='risksetting',
            constraint=models.CheckConstraint(condition=models.Q(('factor_count__gte', 1), ('factor_count__lt', 51)), name='risk_factor_count'),
        ),
        migrations.AddConstraint(
            model_name='risksetting',
            constraint=models.CheckConstraint(condition=models.Q(('maximum_staleness_days__gte', 1), ('maximum_staleness_days__lt', 3651)), name='risk_staleness'),
        ),
        migrations.AddConstraint(
            model_name='risksetting',
            constraint=models.CheckConstraint(condition=models.Q(('minimum_coverage__gte', 0), ('minimum_coverage__lt', Decimal('1.00000001'))), name='risk_coverage'),
        ),
        migrations.AddConstraint(
            model_name='riskfactor',
            constraint=models.UniqueConstraint(fields=('setting', 'name'), name='risk_factor_name_once'),
        ),
        migrations.AddConstraint(
            model_name='riskfactor',
            constraint=models.UniqueConstraint(fields=('setting', 'security'), name='risk_factor_security_once'),
        ),
        migrations.AddConstraint(
            model_name='suppliedrisk',
            constraint=models.UniqueConstraint(fields=('firm', 'as_of'), name='supplied_risk_once_a_day'),
        ),
        migrations.AddConstraint(
            model_name='suppliedloading',
            constraint=models.UniqueConstraint(fields=('version', 'security', 'factor'), name='supplied_loading_once'),
        ),
        migrations.AddConstraint(
            model_name='suppliedloading',
            constraint=models.CheckConstraint(condition=models.Q(('loading__gte', -1000), ('loading__lt', 1000)), name='supplied_loading'),
        ),
        migrations.AddConstraint(
            model_name='suppliedcovariance',
            constraint=models.UniqueConstraint(models.F('version'), django.db.models.functions.comparison.Least('factor_a', 'factor_b'), django.db.models.functions.comparison.Greatest('factor_a', 'factor_b'), name='supplied_covariance_once'),
        ),
        migrations.AddConstraint(
            model_name='suppliedcovariance',
            constraint=models.CheckConstraint(condition=models.Q(('covariance__gte', -1000), ('covariance__lt', 1000)), name='supplied_covariance'),
        ),
        migrations.AddConstraint(
            model_name='suppliedspecific',
            constraint=models.UniqueConstraint(fields=('version', 'security'), name='supplied_specific_once'),
        ),
        migrations.AddConstraint(
            model_name='suppliedspecific',
            constraint=models.CheckConstraint(condition=models.Q(('variance__gte', 0), ('variance__lt', 1000)), name='supplied_specific'),
        ),
        migrations.RunSQL(FORWARD, BACKWARD),
        watch("rebalancing_risksetting"),
        watch("rebalancing_riskfactor", function="securities_facts_of_security_changed"),
        watch("rebalancing_suppliedrisk"),
        watch("rebalancing_suppliedloading", function="rebalancing_supplied_risk_changed"),
        watch("rebalancing_suppliedcovariance", function="rebalancing_supplied_risk_changed"),
        watch("rebalancing_suppliedspecific", function="rebalancing_supplied_risk_changed"),
        # A split that is booked late changes the returns of days long gone.
        watch("securities_corporateaction", function="securities_facts_of_security_changed"),
    ]
