"""A substitute inside its own identical group would be a wash sale by construction: refused from both sides."""

from django.db import migrations

CREATE = """
CREATE FUNCTION lotwise_refuse_identical_substitute() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT 1
          FROM harvesting_substitutemapping s
          JOIN securities_identicalmember a ON a.security_id = s.security_id AND a.ended_on IS NULL
          JOIN securities_identicalmember b ON b.security_id = s.substitute_id AND b.ended_on IS NULL
         WHERE a.group_id = b.group_id
    ) THEN
        RAISE EXCEPTION 'a substitute must not be substantially identical to what it replaces'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'substitute_is_not_identical';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER substitute_is_not_identical AFTER INSERT OR UPDATE ON harvesting_substitutemapping
    FOR EACH STATEMENT EXECUTE FUNCTION lotwise_refuse_identical_substitute();
CREATE TRIGGER identical_is_not_substitute AFTER INSERT OR UPDATE ON securities_identicalmember
    FOR EACH STATEMENT EXECUTE FUNCTION lotwise_refuse_identical_substitute();
"""

DROP = """
DROP TRIGGER identical_is_not_substitute ON securities_identicalmember;
DROP TRIGGER substitute_is_not_identical ON harvesting_substitutemapping;
DROP FUNCTION lotwise_refuse_identical_substitute();
"""


class Migration(migrations.Migration):
    dependencies = [("harvesting", "0001_initial"), ("securities", "0001_initial")]

    operations = [migrations.RunSQL(CREATE, DROP)]
