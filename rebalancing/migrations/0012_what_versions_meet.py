from django.db import migrations, models


def measure_anew(apps, schema_editor):
    """Rows without what a version meets would tell of no conflict: workers measure open versions again."""
    apps.get_model("rebalancing", "VersionEffect").objects.all().delete()


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0006_account_trades_fractions'),
        ('rebalancing', '0011_performance'),
    ]

    operations = [
        migrations.RunPython(measure_anew, migrations.RunPython.noop),
        migrations.RemoveConstraint(
            model_name='versioneffect',
            name='version_effect_measured',
        ),
        migrations.AddField(
            model_name='versioneffect',
            name='preview',
            field=models.JSONField(blank=True, null=True),
        ),
        migrations.AddConstraint(
            model_name='versioneffect',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('why_not', ''), _negated=True), models.Q(('preview__isnull', False), ('value__isnull', False)), _connector='OR'), name='version_effect_measured'),
        ),
    ]
