from django.db import migrations, models
from django.db.models.functions import Cast, Coalesce

# Both in one statement: each writes the whole table anew.
FORWARD = """
ALTER TABLE lots_taxlot
    ADD COLUMN screen_quantity double precision GENERATED ALWAYS AS (quantity::double precision) STORED,
    ADD COLUMN screen_basis double precision
        GENERATED ALWAYS AS (coalesce(loss_basis, basis)::double precision) STORED
"""
BACKWARD = "ALTER TABLE lots_taxlot DROP COLUMN screen_quantity, DROP COLUMN screen_basis"


def _column(expression: Cast) -> models.GeneratedField:
    return models.GeneratedField(
        expression=expression, output_field=models.FloatField(), db_persist=True
    )


class Migration(migrations.Migration):
    dependencies = [("lots", "0009_facts_changes")]

    operations = [
        migrations.RunSQL(
            FORWARD,
            BACKWARD,
            state_operations=[
                migrations.AddField("taxlot", name, _column(expression))
                for name, expression in (
                    ("screen_quantity", Cast("quantity", models.FloatField())),
                    ("screen_basis", Cast(Coalesce("loss_basis", "basis"), models.FloatField())),
                )
            ],
        )
    ]
