from importlib import import_module

from django.db import migrations

watch = import_module("securities.migrations.0009_facts_changes").watch

# A weight names its model, a version's weight its version; both name their firm through the model.
FORWARD = """
CREATE FUNCTION rebalancing_of_model_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO securities_factschange (firm_id)
    SELECT DISTINCT model.firm_id
      FROM changed JOIN rebalancing_targetmodel model ON model.id = changed.model_id;
    RETURN NULL;
END $$;
CREATE FUNCTION rebalancing_of_version_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO securities_factschange (firm_id)
    SELECT DISTINCT model.firm_id
      FROM changed JOIN rebalancing_modelversion version ON version.id = changed.version_id
      JOIN rebalancing_targetmodel model ON model.id = version.model_id;
    RETURN NULL;
END $$;
"""
BACKWARD = """
DROP FUNCTION rebalancing_of_model_changed();
DROP FUNCTION rebalancing_of_version_changed();
"""


class Migration(migrations.Migration):

    dependencies = [
        ('rebalancing', '0012_what_versions_meet'),
        ('securities', '0009_facts_changes'),
    ]

    operations = [
        migrations.RunSQL(FORWARD, BACKWARD),
        # What a model would have returned is kept from one household to the next.
        watch("rebalancing_targetmodel"),
        watch("rebalancing_modelweight", function="rebalancing_of_model_changed"),
        watch("rebalancing_modelversion", function="rebalancing_of_model_changed"),
        watch("rebalancing_modelversionweight", function="rebalancing_of_version_changed"),
    ]
