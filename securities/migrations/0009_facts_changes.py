import django.db.models.deletion
from django.db import migrations, models

from accounts.append_only import append_only

# Statement triggers of any table: one whose rows name their firm, or one whose rows name a security of it.
FORWARD = """
CREATE FUNCTION securities_facts_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO securities_factschange (firm_id) SELECT DISTINCT firm_id FROM changed;
    RETURN NULL;
END $$;
CREATE FUNCTION securities_facts_of_security_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO securities_factschange (firm_id)
    SELECT DISTINCT security.firm_id
      FROM changed JOIN securities_security security ON security.id = changed.security_id;
    RETURN NULL;
END $$;
"""
BACKWARD = """
DROP FUNCTION securities_facts_changed();
DROP FUNCTION securities_facts_of_security_changed();
"""


def watch(table: str, *, function: str = "securities_facts_changed") -> migrations.RunSQL:
    """Tell of every statement that changes rows of the table."""
    seen = (("INSERT", "NEW"), ("UPDATE", "NEW"), ("DELETE", "OLD"))
    return migrations.RunSQL(
        "".join(
            f"CREATE TRIGGER facts_after_{event.lower()} AFTER {event} ON {table} "
            f"REFERENCING {rows} TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION {function}();\n"
            for event, rows in seen
        ),
        "".join(f"DROP TRIGGER facts_after_{event.lower()} ON {table};\n" for event, _ in seen),
    )


class Migration(migrations.Migration):
    dependencies = [("securities", "0008_price_stamp"), ("accounts", "0002_append_only_audit")]

    operations = [
        migrations.CreateModel(
            name="FactsChange",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "firm",
                    models.ForeignKey(
                        db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name="+",
                        to="accounts.firm",
                    ),
                ),
            ],
        ),
        append_only("securities_factschange"),
        migrations.RunSQL(FORWARD, BACKWARD),
        watch("securities_security"),
        watch("securities_identicaloverride"),
        watch("securities_identicalmember", function="securities_facts_of_security_changed"),
        watch("securities_pricestatistic", function="securities_facts_of_security_changed"),
    ]
