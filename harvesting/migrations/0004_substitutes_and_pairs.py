"""A firm's newest word on a pair stands above their group, also where a substitute is concerned."""

from django.db import migrations

FUNCTION = """
CREATE OR REPLACE FUNCTION lotwise_refuse_identical_substitute() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT 1
          FROM harvesting_substitutemapping s
         WHERE coalesce(
               (SELECT o.is_identical
                  FROM securities_identicaloverride o
                 WHERE o.first_id = least(s.security_id, s.substitute_id)
                   AND o.second_id = greatest(s.security_id, s.substitute_id)
                 ORDER BY o.id DESC LIMIT 1),
               EXISTS (
                   SELECT 1
                     FROM securities_identicalmember a
                     JOIN securities_identicalmember b ON b.group_id = a.group_id
                    WHERE a.security_id = s.security_id AND a.ended_on IS NULL
                      AND b.security_id = s.substitute_id AND b.ended_on IS NULL))
    ) THEN
        RAISE EXCEPTION 'a substitute must not be substantially identical to what it replaces'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'substitute_is_not_identical';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER override_is_not_substitute AFTER INSERT ON securities_identicaloverride
    FOR EACH STATEMENT EXECUTE FUNCTION lotwise_refuse_identical_substitute();
"""

BACK = """
DROP TRIGGER override_is_not_substitute ON securities_identicaloverride;
CREATE OR REPLACE FUNCTION lotwise_refuse_identical_substitute() RETURNS trigger LANGUAGE plpgsql AS $$
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
"""


class Migration(migrations.Migration):
    dependencies = [("harvesting", "0003_more_outcomes"), ("securities", "0003_append_only_overrides")]

    operations = [migrations.RunSQL(FUNCTION, BACK)]
