"""Mandates in a set-up file: what is refused, and what a second file changes."""

import pytest

from accounts.models import Household
from config.setup_file.applying import set_up
from config.setup_file.changes import Changes
from config.setup_file.reading import read
from config.setup_file.refusal import SetUpRefused
from rebalancing.model_changes.recipes import Recipe
from rebalancing.models import Mandate, MandateRule, TargetModel
from securities.models import Security

BASE = """
[firm]
name = "Harbor"
[[securities]]
symbol = "AAA"
sector = "Energy"
[[models]]
name = "Core"
weights = { AAA = "0.9" }
[[households]]
name = "Miller"
"""
MANDATE = """
[[mandates]]
name = "House"
model = "Core"
[[mandates.rules]]
key = "energy"
kind = "sector"
sector = "Energy"
low = "0.1"
high = "0.4"
[[mandates.rules]]
key = "aaa"
kind = "security"
symbol = "AAA"
high = "0.3"
hard = false
"""


def applied(text: str) -> Changes:
    return set_up(contents=read((BASE + text).encode()), name="firm.toml", actor="command")


def refused(text: str) -> str:
    with pytest.raises(SetUpRefused) as found:
        applied(text)
    return str(found.value)


def rules() -> list[tuple[object, ...]]:
    columns = ("key", "kind", "subject", "security__symbol", "low", "high", "is_hard")
    return [
        tuple(float(cell) if hasattr(cell, "as_tuple") else cell for cell in row)
        for row in MandateRule.objects.order_by("key").values_list(*columns)
    ]


def test_a_mandate_and_a_sector_are_read_and_the_same_file_changes_nothing(db: None) -> None:
    assert applied(MANDATE)
    assert Security.objects.get().sector == "Energy"
    assert Mandate.objects.get().model.name == "Core"  # type: ignore[union-attr]
    assert rules() == [
        ("aaa", "security", "", "AAA", None, 0.3, False),
        ("energy", "sector", "Energy", None, 0.1, 0.4, True),
    ]
    assert not applied(MANDATE)


def test_a_changed_limit_is_told_and_a_rule_that_is_left_out_binds_nobody(db: None) -> None:
    applied(MANDATE)
    changes = applied(MANDATE.split('[[mandates.rules]]\nkey = "aaa"')[0].replace('"0.4"', '"0.5"'))
    assert list(changes.lines()) == [
        "mandate House: rule aaa -> none",
        "mandate rule House/energy: high 0.4 -> 0.5",
    ]
    assert [row[0] for row in rules()] == ["energy"]


def test_a_mandate_can_bind_one_household(db: None) -> None:
    applied(MANDATE.replace('model = "Core"', 'household = "Miller"'))
    assert Mandate.objects.get().household == Household.objects.get()


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('model = "Core"', 'model = "Gone"', "mandates[0].model: 'Gone' is no model"),
        ('model = "Core"', 'household = "Gone"', "'Gone' is no household"),
        ('model = "Core"', 'model = "Core"\nhousehold = "Miller"', "not both"),
        ('low = "0.1"', 'low = "0.5"', "0.5 is above the high limit, 0.4"),
        ('high = "0.4"', 'high = "40"', "rules[0].high: 40 is above 1: write a fraction"),
        ('kind = "sector"\nsector = "Energy"\nlow = "0.1"\nhigh', 'kind = "names"\nhigh', "0.4 is no number"),
        ('low = "0.1"\nhigh = "0.4"', "", "a rule has a low limit, a high one, or both"),
        ('kind = "sector"', 'kind = "mood"', "'mood' is none of"),
        ('sector = "Energy"\nlow', "low", "rules[0].sector: it is missing"),
        ('symbol = "AAA"\nhigh', 'symbol = "ZZZ"\nhigh', "'ZZZ' is no security"),
        ('key = "aaa"', 'key = "energy"', "'energy' stands in the file twice"),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_refused(db: None, old: str, new: str, told: str) -> None:
    assert old in MANDATE
    assert told in refused(MANDATE.replace(old, new))
    assert not Mandate.objects.exists()


OWN = """
[[mandates]]
name = "Miller"
household = "Miller"
[[mandates.rules]]
key = "more energy"
kind = "sector"
sector = "Energy"
low = "0.5"
"""
FOLLOWING = BASE.replace('name = "Miller"', 'name = "Miller"\nmodel = "Core"')


def refusals(text: str) -> list[str]:
    with pytest.raises(SetUpRefused) as found:
        set_up(contents=read(text.encode()), name="firm.toml", actor="command")
    return [str(one) for one in found.value.problems]


def test_hard_rules_that_contradict_each_other_are_refused_by_name(db: None) -> None:
    both = (
        "Sector Energy cannot be at least 50 % (Miller/more energy, mandates[1].rules[0]) and at most 40 % "
        "(House/energy, mandates[0].rules[0]): both bind Miller"
    )
    assert refusals(FOLLOWING + MANDATE + OWN) == [f"mandates[1].rules[0].low: {both}"]
    assert not Mandate.objects.exists()
    # The firm's rules bind every household, whatever it follows.
    every = MANDATE.replace('model = "Core"\n', "")
    assert refusals(BASE + every + OWN) == [f"mandates[1].rules[0].low: {both}"]
    firms = OWN.replace('household = "Miller"\n', "")
    assert refusals(BASE + every + firms)[0].endswith("both bind every household")
    assert refusals(BASE + MANDATE + firms)[0].endswith("both bind whoever follows Core")


def test_a_rule_on_record_and_the_model_that_brings_two_together_are_named(db: None) -> None:
    set_up(contents=read((FOLLOWING + OWN).encode()), name="firm.toml", actor="command")
    firm = '[firm]\nname = "Harbor"\n'
    assert refusals(firm + MANDATE) == [
        "mandates[0].rules[0].high: Sector Energy cannot be at least 50 % (Miller/more energy, on record) and at most "
        "40 % (House/energy, mandates[0].rules[0]): both bind Miller"
    ]
    other = MANDATE.replace("Core", "Growth")
    model = '[[models]]\nname = "Growth"\nweights = { AAA = "0.9" }\n'
    set_up(contents=read((firm + model + other).encode()), name="firm.toml", actor="command")
    moved = refusals(firm + '[[households]]\nname = "Miller"\nmodel = "Growth"\n')
    assert moved == [
        "households[0].model: Sector Energy cannot be at least 50 % (Miller/more energy, on record) and at most 40 % "
        "(House/energy, on record): both bind Miller"
    ]


def test_rules_that_bind_nobody_together_or_are_soft_may_differ(db: None) -> None:
    assert applied(MANDATE + OWN)  # Miller follows no model
    assert applied(OWN + "hard = false" + MANDATE.replace('model = "Core"\n', ""))


def test_an_unknown_kind_is_refused_once(db: None) -> None:
    """Neither again in each rule that has it, nor for the keys that it would or would not take."""
    wrong = MANDATE.replace('kind = "sector"', 'kind = "mood"').replace(
        'kind = "security"', 'kind = "mood"'
    )
    with pytest.raises(SetUpRefused) as refusal:
        read((BASE + wrong).encode())
    (problem,) = refusal.value.problems
    assert problem.where == "mandates[0].rules[0].kind"
    assert problem.reason.startswith("'mood' is none of asset_class, sector")


def test_a_model_says_how_its_weights_are_drafted_and_keeps_it_where_nothing_is_said(
    db: None,
) -> None:
    said = BASE.replace('name = "Core"', 'name = "Core"\nrecipe = "risk_parity"')
    set_up(contents=read(said.encode()), name="firm.toml", actor="command")
    assert TargetModel.objects.get().recipe == Recipe.RISK_PARITY
    assert not applied("")
    with pytest.raises(SetUpRefused, match="'luck' is none of fixed, equal"):
        read(said.replace("risk_parity", "luck").encode())
