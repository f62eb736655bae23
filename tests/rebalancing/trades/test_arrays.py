"""The border: what goes out as floats, what comes back as whole shares, and that nothing slips through."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal as D
from random import Random
from typing import Any

import numpy as np
import pytest

from accounts.types import AccountKind
from lots.replay import new_disallowed, replay, simulate
from lots.types import EntryKind, LedgerAccount, LedgerEntry, Term
from lots.year_tax import added_tax
from proposals.compliance import entries_of
from proposals.costs import Commission, TradingCosts, cash_moved
from proposals.types import DraftProposal, DraftTrade, ProposalKind, Side
from rebalancing.errors import Infeasible
from rebalancing.household.cash_bands import cash_bands, household_band
from rebalancing.household.checks import cash_after, verify
from rebalancing.household.state import Substitution, restricted, shifted_targets, substitutions_of
from rebalancing.optimizer import Solution, solve
from rebalancing.optimizer.problem import Problem
from rebalancing.trades import arrays, border, draft_lines, measures
from rebalancing.trades import best_trades as module
from rebalancing.trades.best_trades import best_trades
from rebalancing.trades.index import in_words, universe
from rebalancing.types import HouseholdState, StateLot
from tests.rebalancing.states import DAY, account, lot, random_state, risk, state

LEGACY = 9


@dataclass
class Trades:
    """A stand-in for the optimiser's answer."""

    buys: np.ndarray
    sells: np.ndarray


def two_securities(**changes: object) -> HouseholdState:
    """$10,000: 60 S1 at $100 in two lots, 70 S2 at $50, $500 of cash; half and half is wanted."""
    values: dict[str, object] = {
        "accounts": (account(1, "500"),),
        "lots": (lot(1, "40", "3000", opening=1), lot(1, "20", "2500", opening=2), lot(2, "70", "3500", opening=3)),
        "prices": {1: "100", 2: "50"},
        "targets": {1: "0.48", 2: "0.50"},
    }  # fmt: skip
    return state(**{**values, **changes})  # type: ignore[arg-type]


def trades_of(
    found: HouseholdState, *, buys: dict[int, str], sells: dict[int, str]
) -> list[DraftTrade]:
    """Trades when the optimiser asks for these dollars per security bought and per opening sold."""
    _, index = arrays.build(found, risk(len(universe(found))))
    value = float(index.value)
    asked = Trades(
        np.array([float(buys.get(security, 0)) / value for _, security in index.positions]),
        np.array([float(sells.get(one.opening, 0)) / value for one in index.lots]),
    )
    return draft_lines.to_trades(asked, index)


def summary(trades: Iterable[DraftTrade]) -> list[tuple[str, int, D]]:
    return [(trade.side.value, trade.security, trade.quantity) for trade in trades]


def test_the_problem_is_in_fractions_of_the_household() -> None:
    problem, index = arrays.build(two_securities(), risk(2))
    assert index.value == 10_000
    assert index.positions == ((1, 1), (1, 2))
    assert problem.weights == pytest.approx([0.6, 0.35])
    assert problem.lot_weight == pytest.approx([0.4, 0.2, 0.35])
    assert problem.lot_gain[:2] == pytest.approx([0.25, -0.25])  # per dollar sold
    assert problem.targets == pytest.approx([0.48, 0.5])
    assert problem.tax.loss_limit == pytest.approx(0.3)
    assert problem.min_trade == pytest.approx(0.025)


def test_the_yearly_risk_price_is_multiplied_by_the_horizon() -> None:
    found = two_securities()
    monthly = replace(found, limits=replace(found.limits, horizon_years=D("0.25")))
    assert arrays.build(found, risk(2))[0].risk_aversion == 10.0
    assert arrays.build(monthly, risk(2))[0].risk_aversion == 2.5


def test_a_gain_smaller_than_the_spread_is_on_the_losses_side() -> None:
    found = two_securities(
        lots=(lot(1, "60", "5999.99", opening=1), lot(2, "70", "3500", opening=3))
    )
    problem, _ = arrays.build(found, risk(2))
    assert problem.lot_is_loss.tolist() == [True, True]
    ira = two_securities(
        accounts=(account(1, "500", is_taxable=False),),
        lots=(lot(1, "60", "9000", opening=1, is_taxable=False),),
    )
    assert arrays.build(ira, risk(2))[0].lot_is_loss.tolist() == [False]


def test_sales_and_purchases_are_cut_to_whole_shares() -> None:
    found = trades_of(two_securities(), buys={2: "1149.99"}, sells={1: "1199.99"})
    assert summary(found) == [
        ("sell", 1, D(11)),
        ("buy", 2, D(23)),
    ]  # 22.9998 shares: more than half a share was cut off
    assert [trade.basis for trade in found] == [D("825.0000"), D(0)]


def test_the_complete_lot_goes_with_its_fraction_of_a_share() -> None:
    held = (
        lot(1, "40", "3000", opening=1),
        lot(1, "20.125", "2500", opening=2),
        lot(2, "70", "3500", opening=3),
    )
    found = trades_of(two_securities(lots=held), buys={}, sells={2: "2012.5", 1: "150"})
    assert summary(found) == [("sell", 1, D(1)), ("sell", 1, D("20.125"))]


def test_of_a_lot_that_may_not_go_completely_only_whole_shares_are_sold() -> None:
    held = (lot(1, "40", "3000", opening=1, sellable="12.75"), lot(2, "70", "3500", opening=3))
    found = trades_of(two_securities(lots=held), buys={}, sells={1: "1275"})
    assert summary(found) == [("sell", 1, D(12))]


def test_purchases_shrink_until_the_account_keeps_its_floor() -> None:
    found = two_securities()
    floor = cash_bands(found)[1].floor
    trades = trades_of(found, buys={2: "1700"}, sells={1: "1200"})
    left = cash_after(trades, found)[1]
    # $500 + $1,200 less spread; 34 shares would leave less than the floor of $50
    assert summary(trades) == [("sell", 1, D(12)), ("buy", 2, D(32))]
    assert left == D("500") + D("1200") - D("0.60") - D("1600") - D("0.80")
    assert left >= floor == D("50")


def test_trades_below_the_minimum_are_dropped() -> None:
    assert trades_of(two_securities(), buys={2: "249"}, sells={1: "199"}) == []


def test_one_account_never_sells_and_buys_one_security() -> None:
    trades = trades_of(two_securities(), buys={1: "500"}, sells={1: "1500"})
    assert {trade.side for trade in trades if trade.security == 1} == {Side.SELL}


def test_shares_stay_in_their_account_rather_than_be_sold_here_and_bought_there() -> None:
    ira = lot(2, "40", "100", opening=4, account=2, is_taxable=False)
    start = two_securities(
        accounts=(account(1, "380"), account(2, "10", is_taxable=False)),
        lots=(*two_securities().lots, ira),
    )
    _, index = arrays.build(start, risk(2))
    value = float(index.value)
    moved = Trades(
        np.array([1400 / value if position == (1, 2) else 0.0 for position in index.positions]),
        np.array([{1: 1100.0, 4: 500.0}.get(one.opening, 0.0) / value for one in index.lots]),
    )
    assert summary(draft_lines.to_trades(moved, index)) == [("sell", 1, D(11)), ("buy", 2, D(18))]


def test_every_line_says_why() -> None:
    found = two_securities(
        prices={1: "100", 2: "50", LEGACY: "10"},
        lots=(lot(1, "60", "4000", opening=1), lot(2, "10", "600", opening=2), lot(LEGACY, "100", "900", opening=3)),
    )  # fmt: skip
    trades = trades_of(found, buys={2: "1500"}, sells={1: "1000", 3: "1000"})
    assert [(trade.security, trade.reason) for trade in trades] == [
        (1, "OVERWEIGHT"),
        (LEGACY, "NOT_IN_MODEL"),
        (2, "UNDERWEIGHT"),
    ]


def test_a_loss_in_a_retirement_account_is_no_tax_loss() -> None:
    """The same sale at a loss of what is under its target, in an account that is taxed and in one that is not."""
    reasons = []
    for is_taxable in (True, False):
        found = two_securities(
            prices={1: "100", 2: "50"},
            lots=(
                lot(1, "10", "1400", opening=1, is_taxable=is_taxable),
                lot(2, "100", "4000", opening=2, is_taxable=is_taxable),
            ),
        )
        (trade,) = trades_of(found, buys={}, sells={1: "500"})
        reasons.append(trade.reason)
    assert reasons == ["TAX_LOSS", "RAISE_CASH"]


def test_a_float_comes_back_digit_by_digit() -> None:
    assert border.decimal(0.1) == D("0.1")
    assert border.decimal(np.float64(1e-7)) == D("1E-7")


# Restrictions


def test_a_restricted_security_takes_its_identical_ones_with_it() -> None:
    found = two_securities(groups=(frozenset({1, 2}),))
    barred = restricted(found, no_buys=[1], no_loss_sales=[2])
    assert barred.buyable == frozenset()
    # lot 2 is at a loss, lot 3 would be after the spread; lot 1 has a gain
    assert [one.sellable for one in barred.lots] == [D(40), D(0), D(0)]


def test_a_substitute_counts_as_its_original_up_to_what_is_held() -> None:
    prices, value = {1: D(100), 2: D(50), 3: D(20)}, D(10_000)
    targets = {1: D("0.4"), 2: D("0.5")}

    def shifted(bought: str, held: str) -> dict[int, D]:
        return shifted_targets(
            targets=targets,
            substitutions=[Substitution(sold=1, substitute=3, quantity=D(bought))],
            shares={3: D(held)},
            prices=prices,
            value=value,
        )

    assert shifted("100", "100") == {1: D("0.2"), 2: D("0.5"), 3: D("0.2")}
    assert shifted("100", "60") == {1: D("0.28"), 2: D("0.5"), 3: D("0.12")}  # 40 were sold since
    assert shifted("300", "300") == {2: D("0.5"), 3: D("0.4")}  # never more than the original's


# Cash bands


def test_accounts_keep_the_same_part_of_their_cash_where_there_is_enough() -> None:
    found = two_securities(accounts=(account(1, "300"), account(2, "100")))
    low, _ = household_band(found)
    bands = cash_bands(found)
    assert (bands[1].floor, bands[2].floor) == (low * 3 / 4, low / 4)


def test_missing_cash_is_raised_where_there_is_something_to_sell() -> None:
    found = two_securities(accounts=(account(1, "0"), account(2, "10")))
    low, _ = household_band(found)
    bands = cash_bands(found)
    assert (bands[1].floor, bands[2].floor) == (low - 10, D(10))


def test_too_much_cash_is_given_up_where_it_lies() -> None:
    found = two_securities(accounts=(account(1, "0"), account(2, "3000")))
    _, high = household_band(found)
    assert cash_bands(found)[2].ceiling <= high
    nothing_to_buy = replace(found, buyable=frozenset())
    assert cash_bands(nothing_to_buy)[2].ceiling == 3000


# From state to trades, with the real optimiser


def test_the_best_trades_bring_a_household_back_into_its_cash_band() -> None:
    start = two_securities(
        accounts=(account(1, "100"),),
        limits=replace(two_securities().limits, cash_maximum=D("0.02")),
    )
    found = best_trades(start, risk(2))
    low, high = household_band(start)
    assert found.risk_after < found.risk_before
    assert low <= found.cash_after[1] <= high


def test_a_household_short_of_cash_raises_its_minimum() -> None:
    start = two_securities(accounts=(account(1, "10"), account(2, "5", is_taxable=False)))
    low, high = household_band(start)
    found = best_trades(start, risk(2))
    assert low <= sum(found.cash_after.values()) <= high
    assert found.cash_after[2] == 5


def test_the_proof_is_about_the_whole_shares_that_are_proposed() -> None:
    """At $1,900 a share rounding costs something; the fractions the optimiser found are nearer to the bound."""
    start = two_securities(
        accounts=(account(1, "6000"),),
        lots=(lot(1, "60", "3000", opening=1), lot(2, "2", "3800", opening=2)),
        prices={1: "100", 2: "1900"},
    )
    problem, index = arrays.build(start, risk(2))
    solution = solve(problem)
    found = best_trades(start, risk(2))
    assert found.trades
    assert found.proof.gap_bp == measures.gap_bp(found.trades, problem, index, solution.bound)
    assert found.proof.gap_bp > border.decimal(solution.gap_bp) + 1
    assert found.proof.objective == measures.reckoned(found.trades, problem, index)
    assert found.proof.bound == border.decimal(solution.bound) * index.value
    apart = (found.proof.objective - found.proof.bound) / index.value * 10_000
    assert abs(found.proof.gap_bp - apart) <= measures.GAP_QUANTUM


def test_trades_that_rounding_brings_past_the_bound_are_at_no_distance(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = best_trades(two_securities(), risk(2)).proof
    assert found.objective is not None
    assert found.bound is not None
    solve_once = module._whatever_the_smallest

    def past(problem: Problem) -> Solution:
        solution = solve_once(problem)
        return replace(solution, bound=solution.objective + 0.001)

    monkeypatch.setattr(module, "_whatever_the_smallest", past)
    beyond = best_trades(two_securities(), risk(2)).proof
    assert beyond.bound == beyond.objective == found.objective > found.bound
    assert beyond.gap_bp == D(0)


def test_messages_name_accounts_and_securities_instead_of_rows() -> None:
    _, index = arrays.build(two_securities(), risk(2))
    assert in_words("cash floor of account 0 (short by 1 %)", index) == (
        "cash floor of account A1 (short by 1 %)"
    )
    assert in_words("column 1 has 5 returns", index) == "S2 has 5 returns"
    assert in_words("upper bound of security 0", index) == "upper bound of S1"


def test_a_loss_is_never_sold_while_the_security_or_its_twin_is_bought() -> None:
    start = state(
        accounts=(account(1, "1000"), account(2, "9000", is_taxable=False)),
        lots=(lot(1, "100", "20000", opening=1), lot(3, "80", "4000", opening=2)),
        prices={1: "100", 2: "100", 3: "100"},
        targets={1: "0.2", 2: "0.4", 3: "0.35"},
        groups=(frozenset({1, 2}),),
    )
    found = best_trades(start, risk(3))
    sold_at_loss = [trade for trade in found.trades if trade.gain < 0]
    bought = {trade.security for trade in found.trades if trade.side is Side.BUY}
    assert found.trades
    assert not (sold_at_loss and bought & {1, 2})


def test_an_overdrawn_account_with_nothing_to_sell_is_named() -> None:
    start = two_securities(accounts=(account(1, "500"), account(2, "-20")))
    with pytest.raises(Infeasible, match="account A2"):
        best_trades(start, risk(2))


def test_the_same_state_gives_the_same_trades() -> None:
    start = random_state(Random(7))
    first, again = (best_trades(start, risk(len(universe(start)))) for _ in range(2))
    assert first == again


@pytest.mark.parametrize("seed", range(60))
def test_random_households_break_no_rule(seed: int) -> None:
    start = random_state(Random(seed))
    try:
        found = best_trades(start, risk(len(universe(start))))
    except Infeasible:
        assert start.cash < household_band(start)[0] or not start.buyable
        return
    assert verify(found.trades, start) == []
    assert all(dollars >= 0 for dollars in found.cash_after.values())
    assert_the_engine_agrees(
        start, found.trades, found.short_gain, found.long_gain, found.worth.tax
    )


def assert_the_engine_agrees(
    start: HouseholdState, trades: tuple[DraftTrade, ...], short: D, long: D, tax: D
) -> None:
    """No wash sale by replay, and its realized gains and their tax are the proposal's to the cent a lot."""
    accounts = [
        LedgerAccount(
            str(one.id),
            AccountKind.TAXABLE if one.is_taxable else AccountKind.ROTH_IRA,
            "ann",
        )
        for one in start.accounts
    ]
    groups = [frozenset(map(str, group)) for group in start.groups]
    booked = [_purchase(one) for one in start.lots]
    intended = entries_of(trades, DAY)
    before = replay(booked, accounts, groups)
    after = simulate(booked, intended, accounts, groups)
    assert new_disallowed(before, after) == ()
    gains = {
        term: sum((row.allowed for row in after.realized if row.term is term), start=0)
        for term in Term
    }
    room = D("0.01") * (len(trades) + 1)
    assert abs(float(gains[Term.SHORT]) - float(short)) <= room
    assert abs(float(gains[Term.LONG]) - float(long)) <= room
    engine = added_tax(
        start.tax,
        short=D(gains[Term.SHORT].numerator) / D(gains[Term.SHORT].denominator),
        long=D(gains[Term.LONG].numerator) / D(gains[Term.LONG].denominator),
    )
    assert abs(engine - tax) <= room


def _purchase(one: StateLot) -> LedgerEntry:
    days = 40 if one.term is Term.SHORT else 800
    return LedgerEntry(
        id=str(one.opening),
        trade_date=DAY - timedelta(days=days),
        account=str(one.account),
        kind=EntryKind.BUY,
        security=str(one.security),
        quantity=one.quantity,
        amount=one.basis,
    )


def test_verify_names_every_broken_rule() -> None:
    start = two_securities(groups=(frozenset({1, 2}),), buyable=frozenset({1, 2}))

    def trade(side: Side, security: int, quantity: str, price: str, **more: Any) -> DraftTrade:
        return DraftTrade(
            account=1,
            security=security,
            side=side,
            quantity=D(quantity),
            price=D(price),
            reason="",
            **more,
        )

    loss = trade(Side.SELL, 1, "20", "100", opening=2, part=0, basis=D(2500))
    assert any(
        "sold at a loss" in text for text in verify([loss, trade(Side.BUY, 2, "20", "50")], start)
    )
    too_many = trade(Side.SELL, 1, "41", "100", opening=1, part=0, basis=D(3000))
    assert any("40 may be" in text for text in verify([too_many], start))
    assert any("sold twice" in text for text in verify([loss, loss], start))
    assert any("would owe" in text for text in verify([trade(Side.BUY, 2, "11", "50")], start))
    assert any("not whole" in text for text in verify([trade(Side.BUY, 2, "5.5", "50")], start))
    assert any("smallest trade" in text for text in verify([trade(Side.BUY, 2, "1", "50")], start))
    assert any(
        "price of the day" in text for text in verify([trade(Side.BUY, 2, "6", "49")], start)
    )
    barred = replace(start, buyable=frozenset())
    assert any(
        "must not be bought" in text for text in verify([trade(Side.BUY, 2, "6", "50")], barred)
    )
    unknown = trade(Side.SELL, 1, "5", "100", opening=77, part=0, basis=D(500))
    assert any("not held" in text for text in verify([unknown], start))


def test_a_substitute_bought_for_two_securities_stands_in_for_both_by_dollars() -> None:
    def leg(security: int, side: Side, quantity: str) -> DraftTrade:
        return DraftTrade(
            account=1,
            security=security,
            side=side,
            quantity=D(quantity),
            price=D(10),
            reason="x",
            pair=1,
        )

    draft = DraftProposal(
        household=1,
        kind=ProposalKind.HARVEST,
        as_of=DAY,
        sentence="",
        reasons=(),
        trades=(leg(1, Side.SELL, "30"), leg(2, Side.SELL, "10"), leg(3, Side.BUY, "36")),
        tax_saved=D(0),
        cost=D(0),
        short_gain=D(0),
        long_gain=D(0),
    )
    assert substitutions_of(draft) == (Substitution(1, 3, D(27)), Substitution(2, 3, D(9)))


def test_a_gain_that_a_fill_may_turn_into_a_loss_is_kept_while_a_replacement_is_held() -> None:
    start = two_securities(
        lots=(
            lot(1, "40", "3950", opening=1),  # $4,000 today: a gain of 1.25 %
            lot(1, "20", "1900", opening=2),  # $2,000 today: a gain of 5 %
            lot(2, "70", "3500", opening=3),
        )
    )
    found = restricted(start, no_buys=(), no_loss_sales=(1,))
    assert [one.sellable for one in found.lots] == [0, 20, 70]


@pytest.mark.parametrize("seed", range(20))
def test_commissions_and_impact_of_every_order_are_left_in_cash(seed: int) -> None:
    """No account ends below zero although the policy keeps no cash at all and the optimiser knows of no commission."""
    start = random_state(Random(seed))
    costs = TradingCosts(
        commissions=dict.fromkeys((one.id for one in start.accounts), Commission(per_order=D("9.95"))),
        volatilities=dict.fromkeys(start.prices, D("0.3")),
        daily_volumes=dict.fromkeys(start.prices, D(5000)),
    )  # fmt: skip
    start = replace(start, costs=costs, limits=replace(start.limits, cash_minimum=D(0)))
    found = best_trades(start, risk(len(universe(start))))
    assert verify(found.trades, start) == []
    moved = cash_moved(found.trades, replace(costs, half_spreads=start.half_spreads))
    for one in start.accounts:
        assert one.cash + moved.get(one.id, D(0)) >= min(one.cash, D(0))
