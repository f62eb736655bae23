from importlib import import_module

from django.db import migrations

watch = import_module("securities.migrations.0009_facts_changes").watch

# What joins two securities for good. The ledger is append-only, and a file is booked by one statement.
FORWARD = """
CREATE FUNCTION lots_succession_booked() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO securities_factschange (firm_id)
    SELECT DISTINCT account.firm_id
      FROM changed JOIN accounts_account account ON account.id = changed.account_id
     WHERE changed.kind IN ('rename', 'merge');
    RETURN NULL;
END $$;
CREATE TRIGGER facts_after_succession AFTER INSERT ON lots_transaction
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION lots_succession_booked();
"""
BACKWARD = """
DROP TRIGGER facts_after_succession ON lots_transaction;
DROP FUNCTION lots_succession_booked();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("lots", "0008_harvesting_at_length"),
        ("securities", "0009_facts_changes"),
    ]

    operations = [watch("lots_taxpolicy"), migrations.RunSQL(FORWARD, BACKWARD)]
