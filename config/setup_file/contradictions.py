"""Hard rules of mandates that no portfolio keeps beside each other, refused where the file states one of them."""

from collections.abc import Mapping

from config.setup_file.contents import SetUpFile
from config.setup_file.records import Records
from rebalancing.mandates.rule_words import at_least, at_most, subject
from rebalancing.mandates.rules import Rule, contradictions
from rebalancing.models import Mandate, MandateRule, ModelAssignment
from rebalancing.selectors import rule_of


def refuse_contradictions(records: Records, contents: SetUpFile) -> None:
    """Note every floor above a ceiling of the same thing that would bind one household, or all of a model.

    Asked of what is on record once the file is applied: the other rule may be of an earlier file. Where neither is
    stated here, nor the model that brings them together, the look at the household names them.
    """
    models = {one.name: f"{one.where}.model" for one in contents.households if one.model}
    if not contents.mandates and not models:
        return
    rows = MandateRule.objects.filter(mandate__firm=records.firm, is_hard=True)
    rows = rows.select_related("mandate__model", "mandate__household", "security").order_by("pk")
    found = {rule_of(row): row for row in rows}
    symbols = {row.security.pk: row.security.symbol for row in found.values() if row.security}
    places = {
        f"{mandate.name}/{rule.key}": rule.where
        for mandate in contents.mandates
        for rule in mandate.rules
    }
    followed = dict(
        ModelAssignment.objects.filter(household__firm=records.firm).values_list(
            "household", "model"
        )
    )
    for floor, ceiling in contradictions(found):
        mandates = found[floor].mandate, found[ceiling].mandate
        bound = _both_bind(*mandates, followed)
        where = _where(floor, ceiling, places) or _assigned(*mandates, models)
        if bound and where:
            least, most = (
                f"{words} ({rule.id}, {places.get(rule.id, 'on record')})"
                for rule, words in ((floor, at_least(floor)), (ceiling, at_most(ceiling)))
            )
            told = f"{subject(floor, symbols)} cannot be {least} and {most}: both bind {bound}"
            records.problems.add(where, told)


def _where(floor: Rule, ceiling: Rule, places: Mapping[str, str]) -> str:
    """The limit of the pair that the file states; empty where it states neither."""
    if floor.id in places:
        return f"{places[floor.id]}.low"
    return f"{places[ceiling.id]}.high" if ceiling.id in places else ""


def _assigned(one: Mandate, other: Mandate, models: Mapping[str, str]) -> str:
    """Where the file gives a household the model whose mandate its own contradicts."""
    households = [each.household for each in (one, other) if each.household is not None]
    return models.get(households[0].name, "") if households else ""


def _both_bind(one: Mandate, other: Mandate, followed: Mapping[int, int]) -> str:
    """Whom both mandates bind, in words; empty where nobody."""
    narrow = [each for each in (one, other) if each.model_id or each.household_id]
    if not narrow:
        return "every household"
    households = {each.household_id for each in narrow if each.household_id}
    models = {each.model_id for each in narrow if each.model_id}
    if len(households) > 1 or len(models) > 1:
        return ""
    for each in narrow:
        if each.household is not None:
            is_bound = not models or followed.get(each.household.pk) in models
            return each.household.name if is_bound else ""
    return f"whoever follows {narrow[0].model}"
