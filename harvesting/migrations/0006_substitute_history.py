"""An ended mapping stays on record and stands in nobody's way; one may be taken back before it was ever used."""

import datetime

import django.db.models.expressions
from django.db import migrations, models

FUNCTION = """
CREATE OR REPLACE FUNCTION lotwise_refuse_identical_substitute() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT 1
          FROM harvesting_substitutemapping s
         WHERE {in_force}
           coalesce(
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
"""


class Migration(migrations.Migration):
    dependencies = [
        ("harvesting", "0005_harvesting_at_length"),
        ("securities", "0007_checked_prices"),
    ]

    operations = [
        migrations.RunSQL(
            FUNCTION.format(in_force="s.ended_on IS NULL AND"), FUNCTION.format(in_force="")
        ),
        migrations.RemoveConstraint(
            model_name="substitutemapping",
            name="substitute_dates",
        ),
        migrations.AddConstraint(
            model_name="substitutemapping",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("since", None),
                    ("ended_on", None),
                    (
                        "since__lte",
                        django.db.models.expressions.CombinedExpression(
                            models.F("ended_on"), "+", models.Value(datetime.timedelta(days=1))
                        ),
                    ),
                    _connector="OR",
                ),
                name="substitute_dates",
            ),
        ),
    ]
