"""Every kind of line that a quarter says of a model and of the firm, from facts alone."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import date
from decimal import Decimal as D
from typing import Any
from uuid import UUID

import pytest

from rebalancing.mandates.rules import (
    Classification,
    Portfolio,
    RiskFigures,
    Rule,
    RuleFinding,
    RuleKind,
    State,
)
from rebalancing.model_changes.recipes import ExitRule, VersionKind, VersionState
from rebalancing.model_changes.universe_facts import OpenExit, UniverseChange
from rebalancing.reviews import of_models, of_universe
from rebalancing.reviews.of_models import (
    FollowerFacts,
    PriceFacts,
    RiskModelFacts,
    VersionFacts,
    VolumeFacts,
)
from rebalancing.reviews.of_universe import UniverseFacts

DAY = date(2022, 12, 30)
FIRST = date(2022, 10, 1)


def by_key(found: Iterable[Any]) -> dict[str, Any]:
    return {line.key: line for line in found}


# Weights and rules

MODEL = Portfolio(
    weights={1: D("0.40"), 2: D("0.30"), 3: D("0.27")},
    cash=D("0.03"),
    targets={1: D("0.40"), 2: D("0.30"), 3: D("0.27")},
    classes={one: Classification("us_equity") for one in (1, 2, 3)},
    symbols={1: "AAA", 2: "BBB", 3: "CCC"},
    risk=RiskFigures(tracking_error=D(0), volatility=D("0.151"), exposures={"market": D("0.98")}),
)


def test_weights_risk_and_concentration_of_a_model() -> None:
    found = by_key(of_models.of_weights(MODEL))
    assert found["cash"].value == D("0.03")
    assert found["cash"].sentence == "3 names weigh 97.00 %, 3.00 % stays in cash."
    assert found["largest"].value == D("0.40")
    assert found["largest"].sentence == (
        "Its largest weights: AAA 40.00 %, BBB 30.00 %, CCC 27.00 %."
    )
    assert found["volatility"].value == D("0.151")
    assert found["market"].value == D("0.98")
    assert found["single name"].value == D("0.40")
    assert found["ten largest"].value == D("0.97")
    assert found["securities held"].value == 3


def test_without_a_risk_model_that_is_said() -> None:
    found = by_key(of_models.of_weights(replace(MODEL, risk=None, why_no_risk="No history.")))
    assert (found["risk model"].state, found["risk model"].value) == ("unknown", None)
    assert found["risk model"].sentence == "Risk and factor exposures are not known: No history."


def rule(value: str | None, state: State = State.INSIDE, **limits: str) -> RuleFinding:
    ends = {name: D(limit) for name, limit in limits.items()}
    one = Rule(mandate="House", key="top", kind=RuleKind.SINGLE_NAME, **ends)  # type: ignore[arg-type]
    by = D("0.01") if state is State.BREACHED else D(0)
    return RuleFinding(rule=one, value=None if value is None else D(value), state=state, by=by)


@pytest.mark.parametrize(
    ("found", "state"),
    [
        (rule("0.40", high="0.45"), "inside"),  # 5 points below 45, of which a tenth is 4.5
        (rule("0.41", high="0.45"), "flagged"),
        (rule("0.405", high="0.45"), "flagged"),  # just a tenth
        (rule("0.45", high="0.45"), "flagged"),
        (rule("0.22", low="0.20"), "flagged"),
        (rule("0.23", low="0.20"), "inside"),
        (rule("0.001", low="0"), "inside"),  # a tenth of nothing
        (rule(None, State.UNKNOWN, high="0.45"), "unknown"),
        (rule("0.46", State.BREACHED, high="0.45"), "breached"),
    ],
)
def test_a_rule_that_is_kept_by_a_hair_is_flagged(found: RuleFinding, state: str) -> None:
    (line,) = of_models.of_rules([found], {})
    assert line.state == state
    assert ("It is within 10.00 % of the limit." in line.sentence) == (state == "flagged")


# Prices and volumes


def test_prices_that_are_missing_old_or_without_a_history() -> None:
    facts = PriceFacts(
        never=["BBB", "AAA"],
        stale={"CCC": date(2022, 12, 1)},
        maximum_age_days=5,
        guessed={"DDD": "20 days of prices"},
    )
    found = by_key(of_models.of_prices(facts))
    assert [(one.key, one.value, one.state, one.sentence) for one in found.values()] == [
        ("no price", 2, "flagged", "No price of AAA, BBB."),
        ("old price", 1, "flagged", "The last price is older than 5 days: CCC of 2022-12-01."),
        ("no history", 1, "flagged",
         "The risk model guesses, for want of a history, DDD (20 days of prices)."),
    ]  # fmt: skip


def test_prices_in_order() -> None:
    facts = PriceFacts(never=[], stale={}, maximum_age_days=5, guessed={})
    found = by_key(of_models.of_prices(facts)).values()
    assert [(one.state, one.value, one.sentence) for one in found] == [
        ("inside", 0, "Every name has a price."),
        ("inside", 0, "No price is older than 5 days."),
        ("inside", 0, "Every name has a usable price history."),
    ]


def test_days_to_trade() -> None:
    """At a tenth of a day's volume 6,000 of 10,000 shares take 6 days, 500 of 2,500 two."""
    facts = VolumeFacts(
        held={"AAA": D(6000), "BBB": D(500), "CCC": D(1), "DDD": D(9)},
        volumes={"AAA": D(10_000), "BBB": D(2500), "DDD": D(0), "EEE": D(1)},
        slice_above=D("0.10"),
    )
    found = by_key(of_models.of_volume(facts))
    assert found["not known"].sentence.startswith("No daily volume is on record of CCC:")
    assert found["not known"].state == "unknown"
    assert found["no trading"].sentence == "The daily volume on record is 0: DDD cannot be traded."
    slow = found["days to trade"]
    assert (slow.value, slow.high, slow.by, slow.state) == (D("6.0"), 5, 1, "flagged")
    assert slow.sentence == (
        "More than 5 days to trade the firm's shares at 10.00 % of a day's volume: AAA 6.0 days."
    )


def test_days_to_trade_within_the_limit() -> None:
    facts = VolumeFacts(held={"AAA": D(5000)}, volumes={"AAA": D(10_000)}, slice_above=D("0.10"))
    (line,) = by_key(of_models.of_volume(facts)).values()
    assert (line.value, line.state, line.by) == (5, "inside", 0)
    assert list(of_models.of_volume(VolumeFacts(held={}, volumes={}, slice_above=D(1)))) == []


# Versions, followers, risk model


def test_the_newest_version() -> None:
    (line,) = of_models.of_version(
        VersionFacts(number=4, state="published", as_of=DAY, by="ada"), "risk_parity"
    )
    assert line.value == 4
    assert line.sentence == (
        "The newest version of its weights is number 4 (published), of 2022-12-30, by ada; its recipe is risk parity."
    )
    (line,) = by_key(of_models.of_version(None, "fixed")).values()
    assert (line.value, line.sentence) == (
        None, "Its weights have no version on record; its recipe is fixed.",
    )  # fmt: skip


def test_who_follows_it_and_with_how_much() -> None:
    few = by_key(
        of_models.of_followers(FollowerFacts(households=1, dollars=D("1.005"), unpriced=["X"]))
    )
    assert few["households"].sentence == "1 household follows it."
    assert few["dollars"].value == D("1.00")  # to the cent, half to even
    assert few["dollars"].sentence == (
        "It is worth $1.00, shares and cash, without X, which has no price."
    )
    many = by_key(of_models.of_followers(FollowerFacts(households=3, dollars=D(9), unpriced=())))
    assert many["dollars"].sentence == "They are worth $9.00, shares and cash."


RISK = RiskModelFacts(
    method="statistical",
    source="two years of prices",
    estimated_to=date(2022, 12, 20),
    day=DAY,
    maximum_staleness_days=10,
    coverage=D("0.95"),
    minimum_coverage=D("0.95"),
    guessed=["ZZZ"],
)


def test_the_risk_models_age_and_coverage() -> None:
    found = by_key(of_models.of_risk_model(RISK))
    assert found["method"].sentence == "The risk model is statistical: two years of prices."
    assert (found["age"].value, found["age"].high, found["age"].state) == (10, 10, "inside")
    assert (found["coverage"].value, found["coverage"].low) == (D("0.95"), D("0.95"))
    assert found["coverage"].state == "inside"
    assert found["coverage"].sentence.endswith("95.00 % is asked for; guessed: ZZZ.")
    old = replace(RISK, estimated_to=date(2022, 12, 19), coverage=D("0.91"))
    found = by_key(of_models.of_risk_model(old))
    assert (found["age"].state, found["age"].by) == ("flagged", 1)
    assert (found["coverage"].state, found["coverage"].by) == ("flagged", D("0.04"))


def test_a_risk_model_that_cannot_be_estimated() -> None:
    (line,) = of_models.of_risk_model(replace(RISK, why_none="No prices."))
    assert (line.state, line.value) == ("unknown", None)


# The universe

CHANGE = UniverseChange(
    id=7,
    model="Core",
    number=3,
    public_id=UUID(int=1),
    kind=VersionKind.UNIVERSE,
    state=VersionState.PUBLISHED,
    drafted_on=date(2022, 12, 1),
    effective_on=date(2022, 12, 5),
    begun_on=date(2022, 12, 5),
    steps=1,
    steps_done=1,
    author="ada",
    added={"DDD": D("0.25"), "EEE": D("0.15")},
    deleted={"AAA": D("0.40")},
    exit_rules={"AAA": ExitRule.NO_GAINS},
    turnover=D("0.40"),
    lapse="",
)
LEFT = OpenExit(
    model="Core",
    symbol="AAA",
    rule=ExitRule.NO_GAINS,
    since=date(2022, 12, 5),
    version=7,
    households=12,
    dollars=D("123456.789"),
    gain=D("-5000"),
)


def universe(*changes: UniverseChange, exits: tuple[OpenExit, ...] = ()) -> list[Any]:
    facts = UniverseFacts(since=FIRST, day=DAY, changes=changes, exits=exits)
    return list(of_universe.of_universe(facts))


def test_a_quarter_without_a_change_says_so() -> None:
    (line,) = universe()
    assert (line.key, line.value, line.state) == ("changes", 0, "note")
    assert line.sentence == (
        "Since 2022-10-01 no universe change or reconstitution came into force."
    )


def test_a_change_in_force_with_what_came_and_left() -> None:
    first, line = universe(CHANGE)
    assert first.value == 1
    assert first.sentence == (
        "Since 2022-10-01 1 change of the universe came into force: 2 names in, 1 name out."
    )
    assert (line.topic, line.key, line.value, line.version, line.state) == (
        "universe", "version 3", D("0.40"), 7, "note",
    )  # fmt: skip
    assert line.sentence == (
        "Universe change of 2022-12-01 by ada: in force since 2022-12-05. Comes in: DDD 25.00 %, EEE 15.00 %. Leaves: "
        "AAA 40.00 % (sell without a gain only). One-way turnover 40.00 %."
    )


@pytest.mark.parametrize(
    ("values", "state", "stands"),
    [
        ({"state": VersionState.DRAFT}, "flagged", "a draft that waits for a decision."),
        ({"state": VersionState.SCHEDULED, "effective_on": date(2023, 1, 9)}, "note",
         "published, and to be in force from 2023-01-09."),
        ({"state": VersionState.SCHEDULED, "effective_on": DAY}, "flagged",
         "published, and to be in force from 2022-12-30, which no night has done."),
        ({"state": VersionState.LAPSED, "lapse": "Somebody changed it."}, "flagged",
         "it has lapsed. Somebody changed it."),
        ({"state": VersionState.WITHDRAWN, "steps_done": 0}, "note", "withdrawn."),
        ({"state": VersionState.WITHDRAWN, "steps": 4, "steps_done": 2}, "note",
         "withdrawn after step 2 of 4."),
        ({"steps": 4, "steps_done": 2}, "note", "in force since 2022-12-05, step 2 of 4 taken."),
    ],
)  # fmt: skip
def test_where_a_version_stands(values: dict[str, object], state: str, stands: str) -> None:
    _, line = universe(replace(CHANGE, **values))  # type: ignore[arg-type]
    assert line.state == state
    assert f"by ada: {stands} Comes in" in line.sentence


def test_a_version_that_began_before_the_period_is_not_counted_again() -> None:
    first, line = universe(replace(CHANGE, begun_on=date(2022, 9, 30), steps=90, steps_done=60))
    assert (first.value, line.key) == (0, "version 3")


@pytest.mark.parametrize(
    ("values", "state", "value", "told"),
    [
        ({}, "note", "123456.79", "of it, with an unrealised loss of $5,000.00"),
        ({"rule": ExitRule.HOLD, "gain": D(1)}, "note", "123456.79", "unrealised gain of $1.00"),
        ({"rule": ExitRule.SELL}, "flagged", "123456.79", "(sell out)"),
        ({"dollars": None, "gain": None, "households": 1}, "unknown", None,
         "1 household still holds it, which has no price."),
    ],
)  # fmt: skip
def test_a_name_that_left_and_is_still_held(
    values: dict[str, object], state: str, value: str | None, told: str
) -> None:
    _, line = universe(exits=(replace(LEFT, **values),))  # type: ignore[arg-type]
    assert (line.topic, line.key, line.state, line.version) == ("exits", "AAA", state, 7)
    assert line.value == (None if value is None else D(value))
    assert told in line.sentence
