"""What a look says, without the drift that it began with: of every sentence that a look may begin so."""

from datetime import date
from decimal import Decimal as D

import pytest

from rebalancing.policies.drift import Drift, DriftRow
from rebalancing.policies.looks import Schedule
from rebalancing.telling import explanation
from rebalancing.telling.explanation import without_drift

SYMBOLS = {1: "BRK B"}


def drift(*, cash: str = "0.02", breached: bool = False) -> Drift:
    row = DriftRow(
        security=1, weight=D("0.2"), target=D("0.25"), drift=D("-0.05"), low=D("0.2"), high=D("0.3"), breached=breached
    )  # fmt: skip
    return Drift(
        value=D(1000), rows=(row,), cash_weight=D(cash), cash_target=D(0), cash_low=D(0), cash_high=D("0.05"),
    )  # fmt: skip


@pytest.mark.parametrize("cash", ["0.02", "0.2", "-0.01"])
@pytest.mark.parametrize(
    ("behind", "left"),
    [
        ("; trades 2 lines for $5.00.", "Trades 2 lines for $5.00."),
        (", but the best trades avoid $1.00; no.", "The best trades avoid $1.00; no."),
        ("; 3 securities are out of band. The next look is on 2023-01-03.", "The next look is on 2023-01-03."),
    ],
)  # fmt: skip
def test_what_is_behind_the_drift_stays(cash: str, behind: str, left: str) -> None:
    told = explanation.far_out(drift(cash=cash), SYMBOLS)
    assert told.startswith("Largest drift BRK B -5.0 points")
    assert without_drift(f"{told}{behind}") == left


def test_a_household_inside_its_bands_has_nothing_more_to_say_but_what_was_put_behind() -> None:
    told = explanation.inside(drift(), SYMBOLS)
    assert without_drift(told) == ""
    assert without_drift(f"{told} The version has given way.") == "The version has given way."


def test_a_household_that_is_not_looked_at_says_until_when() -> None:
    schedule = Schedule(due=False, next_on=date(2023, 1, 3))
    told = explanation.left_alone(drift(breached=True), SYMBOLS, schedule)
    assert told.startswith("Largest drift")
    assert without_drift(told) == "The next look is on 2023-01-03."


@pytest.mark.parametrize(
    "told", ["", "AAA is sold.", "The household holds cash only, as its model does."]
)
def test_what_has_no_drift_in_front_stays_as_it_is(told: str) -> None:
    assert without_drift(told) == told
