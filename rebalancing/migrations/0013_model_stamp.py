from importlib import import_module

from django.db import migrations

watch = import_module("securities.migrations.0009_facts_changes").watch

# A weight names its model, a version's weight its version; both name their firm through the model. Drafts and versions
# that wait are no fact of a model: whoever drafts for a firm's models one by one changes nothing that is kept.
FORWARD = """
CREATE FUNCTION rebalancing_model_weight_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO securities_factschange (firm_id)
    SELECT DISTINCT model.firm_id
      FROM changed JOIN rebalancing_targetmodel model ON model.id = changed.model_id;
    RETURN NULL;
END $$;
CREATE FUNCTION rebalancing_version_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO securities_factschange (firm_id)
    SELECT DISTINCT model.firm_id
      FROM changed JOIN rebalancing_targetmodel model ON model.id = changed.model_id
     WHERE changed.begun_on IS NOT NULL;
    RETURN NULL;
END $$;
CREATE FUNCTION rebalancing_version_updated() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO securities_factschange (firm_id)
    SELECT DISTINCT model.firm_id
      FROM (SELECT model_id, begun_on FROM changed UNION SELECT model_id, begun_on FROM earlier) version
      JOIN rebalancing_targetmodel model ON model.id = version.model_id
     WHERE version.begun_on IS NOT NULL;
    RETURN NULL;
END $$;
CREATE FUNCTION rebalancing_version_weight_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO securities_factschange (firm_id)
    SELECT DISTINCT model.firm_id
      FROM changed JOIN rebalancing_modelversion version ON version.id = changed.version_id
      JOIN rebalancing_targetmodel model ON model.id = version.model_id
     WHERE version.begun_on IS NOT NULL;
    RETURN NULL;
END $$;
CREATE TRIGGER facts_after_insert AFTER INSERT ON rebalancing_modelversion
  REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION rebalancing_version_changed();
CREATE TRIGGER facts_after_update AFTER UPDATE ON rebalancing_modelversion
  REFERENCING OLD TABLE AS earlier NEW TABLE AS changed
  FOR EACH STATEMENT EXECUTE FUNCTION rebalancing_version_updated();
CREATE TRIGGER facts_after_delete AFTER DELETE ON rebalancing_modelversion
  REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION rebalancing_version_changed();
"""
BACKWARD = """
DROP TRIGGER facts_after_insert ON rebalancing_modelversion;
DROP TRIGGER facts_after_update ON rebalancing_modelversion;
DROP TRIGGER facts_after_delete ON rebalancing_modelversion;
DROP FUNCTION rebalancing_model_weight_changed();
DROP FUNCTION rebalancing_version_changed();
DROP FUNCTION rebalancing_version_updated();
DROP FUNCTION rebalancing_version_weight_changed();
"""


class Migration(migrations.Migration):

    dependencies = [
        ('rebalancing', '0012_what_versions_meet'),
        ('securities', '0009_facts_changes'),
    ]

    operations = [
        # What a model would have returned is kept from one household to the next.
        migrations.RunSQL(FORWARD, BACKWARD),
        watch("rebalancing_targetmodel"),
        watch("rebalancing_modelweight", function="rebalancing_model_weight_changed"),
        watch("rebalancing_modelversionweight", function="rebalancing_version_weight_changed"),
    ]
