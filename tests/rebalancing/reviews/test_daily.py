"""Every kind of line of the daily review, from facts alone, with figures computed by hand."""

from dataclasses import replace
from datetime import date
from decimal import Decimal as D
from typing import Any

import pytest

from rebalancing.policies.drift import Drift, DriftRow
from rebalancing.reviews import daily, weekly
from rebalancing.reviews.daily import (
    DailyFacts,
    KnownBreach,
    Measured,
    NightFacts,
    OpenOrders,
    Pending,
)
from rebalancing.types import Outcome

NIGHT, NEXT = date(2022, 12, 28), date(2022, 12, 29)
# AAA is 3 points above a target with 5 on either side; cash is in the middle of its band.
MEASURED = Measured(
    reason=Outcome.INSIDE_BANDS,
    detail="Nothing is out of band.",
    out_of_band=0,
    largest="AAA",
    largest_drift=D("0.03"),
    target=D("0.3"),
    band=D("0.05"),
    cash_weight=D("0.02"),
    cash_low=D("0.005"),
    cash_high=D("0.05"),
)
BREACH = KnownBreach(rule="House/names", sentence="Number of securities 3.", of="the weekly review")


def facts(measured: Measured | None = MEASURED, **values: object) -> DailyFacts:
    whole = {"next_night": NEXT, "reason": "no_model", "detail": "It follows none.", **values}
    return DailyFacts(measured=measured, **whole)  # type: ignore[arg-type]


def lines(given: DailyFacts) -> dict[str, Any]:
    return {line.topic.value: line for line in daily.findings(given)}


def pending(kind: str = "harvest", expires_on: date = NEXT, sells: str = "1000") -> Pending:
    return Pending(kind=kind, since=NIGHT, expires_on=expires_on, sells=D(sells), buys=D("900.255"))


def test_drift_inside_its_band_is_told_as_by_the_weekly_review() -> None:
    line = lines(facts())["drift"]
    assert line.state == "inside"
    assert (line.key, line.value, line.low, line.high, line.by) == (
        "AAA", D("0.33"), D("0.25"), D("0.35"), 0,
    )  # fmt: skip
    assert (
        line.sentence
        == "AAA weighs 33.00 %, its target is 30.00 % and its band 25.00 % to 35.00 %."
    )
    row = DriftRow(
        security=1, weight=line.value, target=D("0.3"), drift=D("0.03"), low=line.low, high=line.high, breached=False
    )  # fmt: skip
    whole = Drift(
        value=D(1), rows=(row,), cash_weight=D(0), cash_target=D(0), cash_low=D(0), cash_high=D(0)
    )
    by_week, _cash = weekly.of_drift(whole, {1: "AAA"})
    assert by_week == line


def test_a_household_on_its_targets() -> None:
    line = lines(facts(replace(MEASURED, largest_drift=D(0))))["drift"]
    assert (line.state, line.value, line.by) == ("inside", D("0.3"), 0)


def test_drift_out_of_band_says_by_how_much() -> None:
    out = replace(MEASURED, largest_drift=D("-0.0725"), out_of_band=1, reason=Outcome.NO_TRADES)
    line = lines(facts(out))["drift"]
    assert (line.state, line.value, line.by) == ("breached", D("0.2275"), D("0.0225"))
    assert line.sentence.startswith("AAA weighs 22.75 %, its target is 30.00 %")
    assert "out of band" not in line.sentence
    line = lines(facts(replace(out, out_of_band=2)))["drift"]
    assert line.sentence.endswith("; 2 names are out of band.")


@pytest.mark.parametrize("many", [1, 2])
def test_where_another_name_is_out_of_band_nothing_is_beyond_the_largest_ones(many: int) -> None:
    line = lines(facts(replace(MEASURED, out_of_band=many, reason=Outcome.NO_TRADES)))["drift"]
    assert (line.state, line.by) == ("breached", 0)
    assert line.sentence.endswith(
        "1 name is out of band." if many == 1 else "2 names are out of band."
    )


def test_a_speck_of_a_name_outside_the_model_is_inside_by_nothing() -> None:
    """Below the smallest trade a holding without a target is not out of band, though its band is nothing."""
    speck = replace(MEASURED, largest_drift=D("0.001"), target=D(0), band=D(0))
    line = lines(facts(speck))["drift"]
    assert (line.state, line.by) == ("inside", 0)


@pytest.mark.parametrize(
    ("drift", "many", "told"),
    [
        ("0.2008", 1, "AAA is 20.08 percentage points above its target, the farthest of all; 1 name is out of band. "),
        ("-0.01", 0, "AAA is 1.00 percentage points below its target, the farthest of all; none is out of band. "),
        ("0", 0, "AAA is on its target, like all others; none is out of band. "),
    ],
)  # fmt: skip
def test_a_band_that_a_substitute_changes_is_left_out_with_the_reason(
    drift: str, many: int, told: str
) -> None:
    changed = replace(
        MEASURED, target=None, band=None, why_no_band="a substitute", out_of_band=many,
        largest_drift=D(drift), reason=Outcome.NO_TRADES,
    )  # fmt: skip
    line = lines(facts(changed))["drift"]
    assert line.state == ("breached" if many else "inside")
    assert (line.value, line.low, line.high, line.by) == (None, None, None, 0)
    assert line.sentence == f"{told}Its band is not told here: a substitute."


def test_a_household_that_holds_and_wants_nothing_has_no_drift() -> None:
    assert "drift" not in lines(facts(replace(MEASURED, largest="")))


@pytest.mark.parametrize(
    ("weight", "restricted", "state", "by"),
    [
        ("0.005", False, "inside", "0"),  # on its limit
        ("0.05", False, "inside", "0"),
        ("0.004", False, "breached", "0.001"),
        ("0.0625", False, "breached", "0.0125"),
        ("0.0625", True, "unknown", "0.0125"),
        ("0.004", True, "breached", "0.001"),  # a restriction never asks for less cash
    ],
)
def test_cash_beside_its_band(weight: str, *, restricted: bool, state: str, by: str) -> None:
    given = replace(MEASURED, cash_weight=D(weight), is_restricted=restricted)
    line = lines(facts(given))["cash"]
    assert (line.state, line.value, line.by) == (state, D(weight), D(by))
    assert (line.low, line.high) == (D("0.005"), D("0.05"))
    assert ("A restriction may leave more" in line.sentence) == (state == "unknown")


def test_a_known_breach_stands_until_a_look_that_would_have_found_it() -> None:
    acted = replace(MEASURED, reason=Outcome.NO_TRADES, detail="None helps.")
    found = lines(facts(acted, breaches=[BREACH]))
    assert (found["rule"].state, found["rule"].is_hard) == ("breached", True)
    assert found["rule"].sentence == "Number of securities 3. (the weekly review)"
    assert found["outcome"].state == "flagged"
    # Inside all bands a broken hard rule is a reason to act: whoever left the household alone found none.
    for reason in (Outcome.INSIDE_BANDS, Outcome.NOT_DUE, Outcome.COOLING_DOWN):
        found = lines(facts(replace(MEASURED, reason=reason), breaches=[BREACH]))
        assert "rule" not in found
        assert found["outcome"].state == "note"
    assert "rule" in lines(facts(None, breaches=[BREACH]))


@pytest.mark.parametrize(
    ("measured", "waits", "state", "sentence"),
    [
        ({}, False, "note", "No rebalance: inside bands. Nothing is out of band."),
        ({"reason": Outcome.PROPOSED, "detail": "AAA is sold.", "out_of_band": 1}, False, "note",
         "A rebalance was proposed. AAA is sold."),
        ({"reason": Outcome.NOT_WORTH_IT, "out_of_band": 1}, False, "flagged", None),
        ({"reason": Outcome.NOT_WORTH_IT, "out_of_band": 1}, True, "note", None),
        ({"reason": Outcome.NOT_WORTH_IT, "cash_weight": D("0.2")}, False, "flagged", None),
        ({"reason": "bad_draft", "out_of_band": 1, "detail": ""}, False, "flagged",
         "No rebalance: bad draft."),
    ],
)  # fmt: skip
def test_what_came_of_it(
    measured: dict[str, object], *, waits: bool, state: str, sentence: str | None
) -> None:
    given = replace(MEASURED, **measured)  # type: ignore[arg-type]
    line = lines(facts(given, pending=[pending("rebalance")] if waits else ()))["outcome"]
    assert (line.state, line.key) == (state, given.reason)
    assert sentence is None or line.sentence == sentence


def test_the_outcome_does_not_say_again_what_the_line_of_the_drift_says() -> None:
    detail = "Largest drift AAA +7.2 points; trades 2 lines."
    out = replace(MEASURED, reason=Outcome.PROPOSED, detail=detail, out_of_band=1)
    assert lines(facts(out))["outcome"].sentence == "A rebalance was proposed. Trades 2 lines."
    out = replace(out, target=None, band=None, why_no_band="a substitute")
    assert lines(facts(out))["outcome"].sentence == "A rebalance was proposed. Trades 2 lines."
    detail = "Largest drift AAA +1.0 points, inside its band of 13.6 % to 20.8 %; cash 1.5 %."
    inside = replace(MEASURED, detail=detail)
    assert lines(facts(inside))["outcome"].sentence == "No rebalance: inside bands."
    inside = replace(inside, target=None, band=None, why_no_band="a substitute")
    assert lines(facts(inside))["outcome"].sentence == f"No rebalance: inside bands. {detail}"


def test_a_household_without_a_look_at_its_drift_says_why() -> None:
    found = lines(facts(None, reason="no_model+no_loss_above_floor"))
    assert set(found) == {"not_reviewed"}
    assert found["not_reviewed"].sentence == (
        "Drift was not measured: no model, no loss above floor. It follows none."
    )


def test_a_household_that_failed_says_so_and_what_waits() -> None:
    found = daily.findings(facts(None, failed=True, detail="An error.", pending=[pending()]))
    assert [(line.topic.value, line.state.value) for line in found] == [
        ("not_reviewed", "unknown"), ("proposals", "note"),
    ]  # fmt: skip
    assert found[0].sentence == "The night's look at this household failed. An error."


def test_a_proposal_that_waits_and_one_that_expires() -> None:
    line = lines(facts(pending=[pending("swap_back")]))["proposals"]
    assert (line.key, line.state, line.unit) == ("swap_back", "note", "dollars")
    assert line.value == D("1900.26")  # 1,000 and 900.255, half to even
    assert line.sentence == (
        "Swap back of 2022-12-28 waits for a decision: sells $1,000.00, buys $900.26; good until 2022-12-29."
    )
    line = lines(facts(pending=[pending(expires_on=NIGHT)]))["proposals"]
    assert line.state == "flagged"
    assert line.sentence.endswith("; it expires with the night of 2022-12-29.")


def test_orders_that_are_not_sent_or_not_filled() -> None:
    orders = OpenOrders(not_sent=1, not_sent_dollars=D("1500.5"), sent=2, sent_dollars=D(70))
    found: list[Any] = [
        line for line in daily.findings(facts(orders=orders)) if line.topic == "orders"
    ]
    assert [(line.key, line.value, line.sentence) for line in found] == [
        ("not sent", D("1500.50"), "1 order of $1,500.50 approved and in no order file yet."),
        ("not filled", D(70), "2 orders of $70.00 sent and not filled."),
    ]
    assert "orders" not in lines(facts())


def night(**values: object) -> list[Any]:
    whole = {
        "households": 2,
        "scanned": 3,
        "skipped": 1,
        "alarms": (),
        "next_night": NEXT,
        **values,
    }
    return list(daily.of_night(NightFacts(**whole)))  # type: ignore[arg-type]


def test_the_night_in_numbers_and_its_alarms() -> None:
    first, alarm, other = night(alarms=["Bad price: AAA.", "1 household failed."])
    assert (first.key, first.value, first.unit) == ("accounts", 4, "count")
    assert first.sentence == "2 households with 4 accounts: 3 scanned, 1 skipped."
    assert [(one.key, one.state, one.sentence) for one in (alarm, other)] == [
        ("alarm 1", "flagged", "Bad price: AAA."), ("alarm 2", "flagged", "1 household failed."),
    ]  # fmt: skip


def test_the_trade_list_of_the_firm_by_kind() -> None:
    given = [pending(), pending("rebalance", NIGHT, "10"), pending("rebalance", NEXT, "20")]
    _, harvest, rebalance, orders = night(
        pending=given, orders=OpenOrders(sent=5, sent_dollars=D(1))
    )
    assert (harvest.key, harvest.state) == ("harvest", "note")
    assert harvest.sentence == (
        "Harvest: 1 pending, selling $1,000.00 and buying $900.26; 0 expire with the night of 2022-12-29."
    )
    assert (rebalance.key, rebalance.state, rebalance.value) == (
        "rebalance",
        "flagged",
        D("1830.51"),
    )
    assert rebalance.sentence == (
        "Rebalance: 2 pending, selling $30.00 and buying $1,800.51; 1 expires with the night of 2022-12-29."
    )
    assert (orders.key, orders.value) == ("not filled", 1)


def test_a_trade_list_that_a_later_night_has_taken_over() -> None:
    _, line = night(later_night=NEXT)
    assert (line.topic, line.key, line.state) == ("not_reviewed", "trade list", "unknown")
    assert line.sentence.startswith("The night of 2022-12-29 had begun when this one ended")


def test_breaches_that_a_proposal_names() -> None:
    row = {
        "rule": "House/one",
        "what": "Weight of AAA",
        "before": "44.00 %",
        "limit": "40.00 %",
        "after": "40.00 %",
    }
    (known,) = daily.breaches_of_explanation([row], "the rebalance of 2022-12-28")
    assert known == KnownBreach(
        rule="House/one",
        sentence="Weight of AAA was 44.00 %, the limit is 40.00 %.",
        of="the rebalance of 2022-12-28",
    )
