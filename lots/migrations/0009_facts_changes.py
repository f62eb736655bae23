from importlib import import_module

from django.db import migrations

watch = import_module("securities.migrations.0009_facts_changes").watch

# Few entries join two securities; the ledger is append-only.
FORWARD = """
CREATE FUNCTION lots_succession_booked() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO securities_factschange (firm_id)
    SELECT firm_id FROM accounts_account WHERE id = NEW.account_id;
    RETURN NULL;
END $$;
CREATE TRIGGER facts_after_succession AFTER INSERT ON lots_transaction
    FOR EACH ROW WHEN (NEW.to_security_id IS NOT NULL) EXECUTE FUNCTION lots_succession_booked();
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
