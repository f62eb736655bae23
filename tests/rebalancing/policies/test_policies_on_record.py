"""Policies on the real database: who inherits what, when a household is looked at, and what is kept of each look."""

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal as D
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.locks import lock_household
from lots.types import EntryKind
from proposals.costs import TradeCost
from proposals.models import Fill, Order, Proposal
from proposals.types import DraftTrade, OrderStatus, Side, Status
from rebalancing import selectors
from rebalancing.backtest.report import select
from rebalancing.backtest.results import shipped
from rebalancing.models import ModelWeight, RebalanceBand, RebalanceLook, RebalancePolicy
from rebalancing.optimizer.problem import Problem
from rebalancing.policies import decision
from rebalancing.policies.decision import Scope
from rebalancing.policies.drift import Drift
from rebalancing.policies.looks import Schedule
from rebalancing.policies.policy import BandType, Cadence, Destination, Horizon, PolicyKind
from rebalancing.policies.worth import weigh
from rebalancing.search import Search
from rebalancing.services import examine, store
from rebalancing.telling.explanation import verdict
from rebalancing.trades import measures
from rebalancing.trades.index import Index
from rebalancing.types import HouseholdState, Limits, Looked, Outcome, RebalanceResult
from rebalancing.versions.ways import AroundRows
from securities.models import Security
from securities.types import AssetClass
from tests.factories import book
from tests.rebalancing.test_services import (  # noqa: F401 - desk and drifted are fixtures
    DAY,
    LONG_AGO,
    Desk,
    desk,
    drifted,
)

pytestmark = pytest.mark.django_db


def night(desk: Desk, day: date) -> RebalanceResult:  # noqa: F811
    """Examine and store, as a scan does."""
    with transaction.atomic():
        lock_household(desk.household.pk)
        result = examine(household_id=desk.household.pk, as_of=day)
        store(result=result)
    return result


def say(desk: Desk, **words: Any) -> None:  # noqa: F811
    """The firm's policy says so."""
    RebalancePolicy.objects.filter(household=None, model=None).update(**words)


def in_force(desk: Desk) -> Limits:  # noqa: F811
    return selectors.limits(desk.household, desk.model.pk)


def schedule_of(desk: Desk, day: date) -> Schedule:  # noqa: F811
    assigned = selectors.assignment(desk.household.pk)
    assert assigned is not None
    concerned = {one.pk for one in desk.securities.values()}
    return selectors.schedule(assigned, in_force(desk), day, concerned=concerned)


# Who inherits what


def test_each_key_is_the_nearest_word_that_anybody_says(desk: Desk) -> None:  # noqa: F811
    say(desk, kind="threshold", relative_band=D("0.2"), cool_down_days=5)
    firm = desk.household.firm
    RebalancePolicy.objects.create(
        firm=firm, model=desk.model, relative_band=D("0.3"), cadence="monthly"
    )
    RebalancePolicy.objects.create(firm=firm, household=desk.household, cool_down_days=0)
    found = in_force(desk)
    assert (found.kind, found.cadence) == (PolicyKind.THRESHOLD, Cadence.MONTHLY)
    assert (found.relative_band, found.cool_down_days) == (D("0.3"), 0)
    say(desk, kind="calendar")
    assert in_force(desk).kind is PolicyKind.CALENDAR  # at once


def test_what_nobody_says_is_what_it_always_was(desk: Desk) -> None:  # noqa: F811
    found = in_force(desk)
    assert (found.kind, found.cadence, found.band_type) == (
        PolicyKind.OPTIMUM, Cadence.DAILY, BandType.TIGHTER,
    )  # fmt: skip
    assert (found.absolute_band, found.relative_band, found.horizon_years) == (
        D("0.05"), D("0.20"), D(1),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("cadence", "horizon", "expected"),
    [
        ("monthly", None, D(1) / 12),
        ("monthly", D(0), D(1) / 12),
        ("monthly", D(2), D(2)),
        ("", None, D(1)),
        ("", D(0), D(1) / 252),
    ],
)
def test_a_horizon_nobody_states_lasts_until_the_next_look(
    desk: Desk,  # noqa: F811
    cadence: str,
    horizon: D | None,
    expected: D,
) -> None:
    say(desk, cadence=cadence, horizon_years=horizon)
    assert in_force(desk).horizon_years == expected


def test_a_security_has_its_own_band_or_that_of_its_class(desk: Desk) -> None:  # noqa: F811
    aaa, bbb, ccc = (desk.securities[one] for one in ("AAA", "BBB", "CCC"))
    Security.objects.filter(pk__in=(aaa.pk, bbb.pk)).update(asset_class=AssetClass.FIXED_INCOME)
    Security.objects.filter(pk=ccc.pk).update(asset_class=AssetClass.US_EQUITY)
    policy = RebalancePolicy.objects.get()
    RebalanceBand.objects.create(
        policy=policy, asset_class="fixed_income", band_type="absolute", absolute_band=D("0.02")
    )
    RebalanceBand.objects.create(policy=policy, security=bbb, band_type="relative")
    found = in_force(desk)
    assert found.band_of(aaa.pk).width(D("0.4")) == D("0.02")
    assert found.band_of(bbb.pk).width(D("0.3")) == D("0.06")  # relative, a fifth as for all
    assert found.band_of(ccc.pk).width(D("0.27")) == D("0.05")  # the policy's own: the tighter


def test_a_policy_is_a_models_or_a_households_never_of_both(desk: Desk) -> None:  # noqa: F811
    with pytest.raises(IntegrityError), transaction.atomic():
        RebalancePolicy.objects.create(
            firm=desk.household.firm, household=desk.household, model=desk.model
        )
    with pytest.raises(IntegrityError), transaction.atomic():
        RebalancePolicy.objects.filter(household=None).update(kind="guess")


# When a household is looked at


def test_a_monthly_policy_looks_once_a_month_and_catches_up_what_it_missed(
    drifted: Desk,  # noqa: F811
) -> None:
    say(drifted, kind="threshold", cadence="monthly", horizon_years=D(1), relative_band=D("0.9"),
        absolute_band=D("0.5"))  # fmt: skip
    assert night(drifted, DAY).reason == "inside_bands"  # never looked at before
    later = DAY + timedelta(days=1)
    again = night(drifted, later)
    assert again.reason == "not_due"
    assert again.detail.startswith(
        "Largest drift AAA +16.0 points; 0 securities are out of band. The next look is on 2022-12-30. "
        "Tracking error "
    )
    looks = RebalanceLook.objects.order_by("day")
    assert [(look.day, look.reason, look.counted) for look in looks] == [
        (DAY, "inside_bands", True),
        (later, "not_due", False),
    ]
    # 30 December is missed: the night of 2 January looks, once.
    assert night(drifted, date(2023, 1, 2)).reason in ("inside_bands", "no_tax_profile")


def test_an_undecided_proposal_is_renewed_and_a_rejected_one_waits_for_the_next_look(
    drifted: Desk,  # noqa: F811
) -> None:
    say(drifted, kind="threshold", cadence="quarterly", horizon_years=D(1))
    assert night(drifted, DAY).reason == "rebalance_proposed"
    tomorrow = DAY + timedelta(days=1)
    assert night(drifted, tomorrow).reason == "rebalance_proposed"
    assert Proposal.objects.filter(status=Status.PENDING).count() == 1
    Proposal.objects.filter(status=Status.PENDING).update(status=Status.REJECTED)
    # 30 December is the quarter's last business day; the rejected look was on the 29th.
    RebalanceLook.objects.filter(day=tomorrow).update(day=date(2022, 12, 30))
    Proposal.objects.filter(as_of=tomorrow).update(as_of=date(2022, 12, 30))
    found = schedule_of(drifted, date(2023, 1, 3))
    assert (found.due, found.next_on) == (False, date(2023, 3, 31))


def test_the_same_night_twice_is_one_look(drifted: Desk) -> None:  # noqa: F811
    say(drifted, cadence="monthly", horizon_years=D(1))
    assert night(drifted, DAY).reason == night(drifted, DAY).reason == "rebalance_proposed"
    assert RebalanceLook.objects.count() == 1
    assert Proposal.objects.count() == 1


def test_after_an_executed_rebalance_drift_is_left_alone_for_a_while(
    drifted: Desk,  # noqa: F811
) -> None:
    say(drifted, cool_down_days=30)
    result = night(drifted, DAY - timedelta(days=5))
    assert result.draft is not None
    proposal = Proposal.objects.get()
    trade = proposal.trades.first()
    assert trade is not None
    order = Order.objects.create(
        proposal=proposal, account=trade.account, security=trade.security, side=Side.SELL,
        quantity=D(1), reference_price=D(100), status=OrderStatus.FILLED,
    )  # fmt: skip
    entry = book(drifted.ira, EntryKind.CASH_IN, LONG_AGO, amount="1")
    Fill.objects.create(
        order=order, external_id="f", trade_date=DAY - timedelta(days=4), quantity=D(1),
        price=D(100), transaction=entry,
    )  # fmt: skip
    Proposal.objects.update(status=Status.FILLED)
    found = drifted.examine()
    assert (found.draft, found.reason) == (None, "cooling_down")
    assert found.detail.startswith(
        "Largest drift AAA +16.0 points; 3 securities are out of band. "
        "Nothing is traded for drift before 2023-01-23. Tracking error "
    )
    say(drifted, cool_down_days=4)
    assert drifted.examine().reason == "rebalance_proposed"


def test_a_deposit_does_not_wait_for_the_look(desk: Desk) -> None:  # noqa: F811
    say(desk, kind="threshold", cadence="none", horizon_years=D(1))
    desk.buy(desk.taxable, "AAA", "320", "32000")
    desk.buy(desk.taxable, "BBB", "330", "20000")
    desk.buy(desk.ira, "CCC", "255", "25500")
    book(desk.taxable, EntryKind.CASH_IN, LONG_AGO, amount="9500")
    result = night(desk, DAY)
    assert result.reason == "rebalance_proposed"
    assert result.draft is not None
    assert {trade.side for trade in result.draft.trades} == {Side.BUY}
    assert not RebalanceLook.objects.get().counted
    assert desk.securities["BBB"].pk not in {trade.security for trade in result.draft.trades}


# What is kept and told


def test_what_is_not_worth_it_keeps_both_sides_the_ratio_and_the_break_even(
    desk: Desk,  # noqa: F811
) -> None:
    """The example of F5, with a tax bill that is too large."""
    worth = weigh(
        value=D(1_000_000), risk_aversion=D(10), horizon_years=D(1) / 12, risk_before=D("0.02"),
        risk_after=D("0.008"), trading=TradeCost(spread=D(60), impact=D(2)), tax=D(498),
    )  # fmt: skip
    looked = Looked(
        counted=True, out_of_band=1, largest=desk.securities["AAA"].pk, largest_drift=D("0.07"),
        cash_weight=D("0.03"), risk_before=D("0.02"), risk_after=D("0.008"), worth=worth,
    )  # fmt: skip
    result = RebalanceResult(
        desk.household.pk, DAY, None, Outcome.NOT_WORTH_IT, "Too dear.", looked
    )
    with transaction.atomic():
        lock_household(desk.household.pk)
        store(result=result)
    look = RebalanceLook.objects.get()
    assert (look.reason, look.detail, look.avoided) == ("not_worth_it", "Too dear.", D(280))
    assert look.worth is not None
    assert look.worth.ratio == D("0.5")
    assert round(look.worth.break_even_days or 0) == 61
    assert verdict(look.worth) == ": ratio 0.50, breaks even after 61 days"


def test_the_verdict_says_risk_price_and_horizon_in_words(
    drifted: Desk,  # noqa: F811
) -> None:
    say(drifted, kind="threshold", only_if_worth_it=False)
    result = drifted.examine()
    assert result.draft is not None
    worth = result.draft.explanation["worth"]
    assert isinstance(worth, dict)
    assert worth["risk_price"].startswith("1 % of tracking error costs 10 basis points a year")
    assert worth["horizon"] == "a year"


def test_each_security_counts_over_its_own_horizon_where_the_policy_says_so(
    drifted: Desk,  # noqa: F811
) -> None:
    say(drifted, horizon="by_name", kind="optimum", cadence="daily")
    policy = in_force(drifted)
    assert (policy.horizon, policy.horizon_years) == (Horizon.BY_NAME, D(1))
    result = drifted.examine()
    assert result.draft is not None
    worth = result.draft.explanation["worth"]
    assert isinstance(worth, dict)
    assert worth["horizon"] == "each security's own horizon"
    rows = worth["horizons"]
    traded = {trade.security for trade in result.draft.trades}
    symbols = Security.objects.filter(pk__in=traded).values_list("symbol", flat=True)
    assert {row["name"] for row in rows} >= set(symbols)
    assert sum(D(row["dollars"]) for row in rows) == D(worth["tracking_cost_avoided"])
    assert worth["is_worth_it"]
    with transaction.atomic():
        lock_household(drifted.household.pk)
        store(result=result)
    kept = RebalanceLook.objects.get().avoided
    assert kept is not None
    assert kept.quantize(D("0.01")) == D(worth["tracking_cost_avoided"])


def test_a_horizon_by_name_is_a_word_like_any_other(desk: Desk) -> None:  # noqa: F811
    say(desk, horizon="by_name")
    assert in_force(desk).horizon is Horizon.BY_NAME
    RebalancePolicy.objects.create(firm=desk.household.firm, model=desk.model, horizon="one")
    assert in_force(desk).horizon is Horizon.ONE
    with pytest.raises(IntegrityError), transaction.atomic():
        RebalancePolicy.objects.filter(model=desk.model).update(horizon="by_lot")


def test_the_optimum_stands_beside_no_trade_and_the_band_rule(drifted: Desk) -> None:  # noqa: F811
    draft = drifted.examine().draft
    assert draft is not None
    choices = draft.explanation["choices"]
    assert isinstance(choices, dict)
    dollars = {row["name"]: D(row["dollars"]) for row in choices["rows"]}
    rule = dollars["Band rule, to half a band from its target"]
    assert dollars["Optimum"] <= rule <= dollars["No trade"]
    assert choices["sentence"].startswith("Proposed is the optimum: $")
    assert "tax of this year and later" in choices["priced"]


def test_a_band_rule_without_trades_never_takes_the_optimums_place(
    drifted: Desk,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As if rounding had cost the optimum more than no trade does, in a household whose cash must be raised."""
    book(drifted.ira, EntryKind.CASH_OUT, DAY, amount="990")
    book(drifted.taxable, EntryKind.CASH_OUT, DAY, amount="1990")
    monkeypatch.setattr(measures, "objective", lambda trades, problem, index: D(len(trades)))
    narrowed = decision.narrowed

    def nothing_to_trade(state: HouseholdState, drift: Drift, touched: Scope) -> HouseholdState:
        found = narrowed(state, drift, touched)
        if touched is not Scope.OUTSIDE:
            return found
        lots = tuple(replace(lot, sellable=D(0)) for lot in found.lots)
        return replace(found, lots=lots, buyable=frozenset())

    monkeypatch.setattr(decision, "narrowed", nothing_to_trade)
    found = drifted.examine()
    assert found.draft is not None
    assert found.draft.trades
    lines = len(found.draft.trades)
    told = found.draft.explanation["choices"]
    assert isinstance(told, dict)
    assert told["sentence"].startswith(
        f"Proposed is the optimum: ${lines}.00 worse than no trade, which would leave cash outside its limits. "
    )


@pytest.mark.parametrize("kind", ["optimum", "threshold", "calendar"])
def test_trades_that_are_worse_than_none_by_their_own_objective_are_not_proposed(
    drifted: Desk,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
) -> None:
    """As if rounding to whole shares had cost a dollar a trade, and the drift nothing."""
    say(drifted, kind=kind, only_if_worth_it=False)
    assert drifted.examine().draft is not None
    monkeypatch.setattr(measures, "objective", lambda trades, problem, index: D(len(trades)))
    found = drifted.examine()
    assert (found.draft, found.reason) == (None, "no_trades")
    assert found.detail.startswith("Largest drift AAA +16.0 points, but in whole shares the best ")
    assert re.search(
        r"trades are \$(\d\.00) worse than no trade: \$\1 against \$0\.00 of tracking cost over a year, cost, and tax",
        found.detail,
    )
    assert found.looked is not None
    assert found.looked.counted
    # What an adviser asks for is done all the same.
    way = AroundRows(rows=(), by="Ada")
    assert examine(household_id=drifted.household.pk, as_of=DAY, way=way).draft is not None


def test_why_the_better_band_rule_is_not_proposed_is_told(
    drifted: Desk,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    say(drifted, only_if_worth_it=False)
    optimum = drifted.examine().draft
    assert optimum is not None

    def dearer(trades: Sequence[DraftTrade], problem: Problem, index: Index) -> D:
        return D(9) if not trades else D(4) if tuple(trades) == optimum.trades else D(3)

    monkeypatch.setattr(measures, "objective", dearer)
    washed = Search._washed
    aaa = drifted.securities["AAA"].pk

    def but_the_rule(self: Search, trades: Sequence[DraftTrade]) -> frozenset[int]:
        return washed(self, trades) if tuple(trades) == optimum.trades else frozenset({aaa})

    monkeypatch.setattr(Search, "_washed", but_the_rule)
    found = drifted.examine().draft
    assert found is not None
    assert found.trades == optimum.trades
    told = found.explanation["choices"]
    assert isinstance(told, dict)
    assert told["sentence"] == (
        "Proposed is the optimum: $5.00 better than no trade. $1.00 better still would be the band rule, which would "
        "wash a loss of AAA."
    )


def test_the_band_rule_is_told_by_its_distance_to_the_optimums_bound(
    drifted: Desk,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its own bound is of a problem with other aims."""
    say(drifted, only_if_worth_it=False)
    optimum = drifted.examine().draft
    say(drifted, kind="threshold")
    rule = drifted.examine().draft
    say(drifted, kind="optimum")
    assert optimum is not None
    assert rule is not None
    assert optimum.gap_bp
    # As if rounding had cost the optimum half of its distance, and the rule nothing: $100,000 in basis points.
    more = optimum.gap_bp / 2 / 10_000 * 100_000

    def dearer(trades: Sequence[DraftTrade], problem: Problem, index: Index) -> D:
        return D(0) if tuple(trades) == rule.trades else more

    monkeypatch.setattr(measures, "objective", dearer)
    found = drifted.examine().draft
    assert found is not None
    assert found.trades == rule.trades != optimum.trades
    assert found.gap_bp == (optimum.gap_bp / 2).quantize(D("0.0001"))
    first, now = optimum.explanation["proof"], found.explanation["proof"]
    assert isinstance(first, dict)
    assert isinstance(now, dict)
    assert now["bound"] == first["bound"]
    assert abs(D(first["objective"]) - more - D(now["objective"])) <= D("0.01")


def test_a_threshold_policy_stops_at_its_destination(drifted: Desk) -> None:  # noqa: F811
    after = {}
    for to in Destination:
        say(drifted, kind="threshold", destination=to, risk_aversion=D(1000),
            absolute_band=D("0.1"), relative_band=D("0.3"))  # fmt: skip
        draft = drifted.examine().draft
        assert draft is not None
        rows = draft.explanation["weights"]
        assert isinstance(rows, list)
        after[to] = next(D(row["after"]) for row in rows if row["symbol"] == "AAA")
    assert after[Destination.TARGET] == pytest.approx(D("0.40"), abs=D("0.006"))
    assert after[Destination.HALF] == pytest.approx(D("0.45"), abs=D("0.006"))
    assert after[Destination.EDGE] == pytest.approx(D("0.50"), abs=D("0.006"))


def test_reasons_come_with_their_figures(drifted: Desk) -> None:  # noqa: F811
    draft = drifted.examine().draft
    assert draft is not None
    told = draft.explanation["lines"]
    assert isinstance(told, list)
    for trade, line in zip(draft.trades, told, strict=True):
        taxed = trade.side is Side.SELL and trade.account == drifted.taxable.pk
        assert ("-term" in line) == taxed, line  # no gain in a retirement account
    found = draft.explanation["evidence"]
    assert isinstance(found, list)
    assert [one["reason"] for one in found][:2] == ["RISK", "FACTOR"]
    risk = {row["name"]: row for row in found[0]["rows"]}
    assert D(risk["Tracking error"]["before"]) == draft.risk_before
    top = risk["Weight of the largest name, AAA"]
    assert D(top["before"]) == D("0.56")
    assert D(top["after"]) < D("0.56")
    assert {"RISK", "FACTOR"} <= set(draft.reasons)
    for one in found:
        assert one["reason"] in draft.reasons


def test_the_drift_page_says_the_policy_and_shows_the_looks(drifted: Desk) -> None:  # noqa: F811
    say(drifted, kind="threshold", cadence="monthly", horizon_years=D(0))
    night(drifted, DAY)
    shown = selectors.drift_page(drifted.household)
    policy = shown["policy"]
    assert isinstance(policy, list)
    assert policy[0].startswith("Threshold: looks on the last business day of each month;")
    assert "What trading saves is counted over a month." in policy
    looks = shown["looks"]
    assert isinstance(looks, list)
    assert [look.day for look in looks] == [DAY]
    schedule = shown["schedule"]
    assert isinstance(schedule, Schedule)
    assert (schedule.due, schedule.next_on) == (False, date(2022, 12, 30))


def test_the_drift_page_shows_what_each_cadence_cost_on_past_prices(
    drifted: Desk,  # noqa: F811
    client: Client,
) -> None:
    """F1: from the shipped results, with what they were measured on and the way to all of them."""
    say(drifted, kind="calendar", cadence="monthly", horizon_years=D(0))
    client.force_login(drifted.user)
    text = client.get(f"/households/{drifted.household.public_id}/drift/").text
    (shown,) = select(shipped(), table="L3", rule="calendar", look="21")
    cells = (
        "monthly (this policy)</th><td>calendar, monthly",
        f"{shown.te:.0f}",
        f"{shown.turnover:.1f}",
    )
    row = '</td><td class="number">'.join((*cells, f"{shown.drag:.1f}"))
    assert row in text
    assert "Measured on an equal weight of 20 large US stocks" in text
    assert 'href="/backtests/rebalance/"' in text


def test_a_daily_policy_asks_for_no_looks(drifted: Desk) -> None:  # noqa: F811
    with CaptureQueriesContext(connection) as few:
        assert schedule_of(drifted, DAY).due
    assert not [one for one in few if "rebalancelook" in one["sql"]]
    assert not [one for one in few if "modelversion" in one["sql"]]


def test_cash_only_never_counts_as_the_look(desk: Desk) -> None:  # noqa: F811
    """Between two looks cash is invested; the month's look comes all the same."""
    say(desk, kind="threshold", cadence="monthly", horizon_years=D(1))
    ModelWeight.objects.filter(security__symbol="CCC").update(weight=D("0.27"))
    desk.buy(desk.taxable, "AAA", "370", "37000")
    desk.buy(desk.taxable, "BBB", "280", "28000")
    desk.buy(desk.ira, "CCC", "255", "25500")
    RebalanceLook.objects.create(
        household=desk.household, day=DAY - timedelta(days=1), reason="inside_bands", counted=True,
        out_of_band=0, largest_drift=D(0), cash_weight=D(0),
    )  # fmt: skip
    book(desk.taxable, EntryKind.CASH_IN, LONG_AGO, amount="9500")
    result = night(desk, DAY)
    assert result.draft is not None
    assert result.draft.reasons[0] == "DEPOSIT"
    assert selectors.last_look(desk.household.pk, DAY + timedelta(days=1)) is not None
    newest = selectors.last_look(desk.household.pk, DAY + timedelta(days=1))
    assert newest is not None
    assert newest.day == DAY - timedelta(days=1)
