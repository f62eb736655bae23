import django.db.models.deletion
from django.db import migrations, models

# A number from a sequence, so that one which was rolled back never comes again; a row of the firm, so that it is seen
# with the prices and not before.
FORWARD = """
CREATE SEQUENCE securities_price_changes;
CREATE FUNCTION securities_stamp_prices() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO securities_pricestamp (firm_id, number)
    SELECT firm_id, nextval('securities_price_changes')
      FROM (SELECT DISTINCT security.firm_id
              FROM changed JOIN securities_security security ON security.id = changed.security_id
             ORDER BY security.firm_id) AS firms
    ON CONFLICT (firm_id) DO UPDATE SET number = EXCLUDED.number;
    RETURN NULL;
END $$;
CREATE TRIGGER prices_inserted AFTER INSERT ON securities_price
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION securities_stamp_prices();
CREATE TRIGGER prices_updated AFTER UPDATE ON securities_price
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION securities_stamp_prices();
CREATE TRIGGER prices_deleted AFTER DELETE ON securities_price
    REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION securities_stamp_prices();
INSERT INTO securities_pricestamp (firm_id, number)
    SELECT id, nextval('securities_price_changes') FROM accounts_firm;
"""
BACKWARD = """
DROP TRIGGER prices_inserted ON securities_price;
DROP TRIGGER prices_updated ON securities_price;
DROP TRIGGER prices_deleted ON securities_price;
DROP FUNCTION securities_stamp_prices();
DROP SEQUENCE securities_price_changes;
"""


class Migration(migrations.Migration):
    dependencies = [("securities", "0007_checked_prices")]

    operations = [
        migrations.CreateModel(
            name="PriceStamp",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.BigIntegerField()),
                (
                    "firm",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="accounts.firm"
                    ),
                ),
            ],
        ),
        migrations.RunSQL(FORWARD, BACKWARD),
    ]
