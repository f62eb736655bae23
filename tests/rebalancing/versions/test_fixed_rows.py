"""Rows that an adviser has fixed, and the rest around them: literal states, the real optimiser."""

from dataclasses import replace
from decimal import Decimal as D
from random import Random

import pytest

from lots.types import Term
from proposals.budgets import Budget, Usage
from proposals.costs import Commission, TradingCosts
from proposals.types import Side
from rebalancing.errors import Infeasible, RebalancingError
from rebalancing.household.checks import cash_after, verify
from rebalancing.household.restrictions import why_kept
from rebalancing.telling.figures import Figures
from rebalancing.trades import budget
from rebalancing.trades.best_trades import best_trades
from rebalancing.trades.index import universe
from rebalancing.types import HouseholdState, Kept
from rebalancing.versions.fixed_rows import BadRows, FixedRow, around, problems_of
from rebalancing.versions.ways import AroundRows, PlanStep
from tests.rebalancing.states import DAY, TAX, account, lot, random_state, risk, state
from tests.rebalancing.trades.test_budget import rows_of


def drifted() -> HouseholdState:
    """$100,000: 56 % in S1 (target 40 %) in a gain lot and a loss lot, S2 21 % (30 %), S3 in the IRA 20 % (27 %)."""
    return state(
        accounts=(account(1, "2000"), account(2, "1000", is_taxable=False)),
        lots=(
            lot(1, "300", "24000", opening=1),
            lot(1, "260", "28600", opening=2),
            lot(2, "210", "20000", opening=3),
            lot(3, "200", "15000", opening=4, account=2, is_taxable=False),
        ),
        prices={1: "100", 2: "100", 3: "100"},
        targets={1: "0.40", 2: "0.30", 3: "0.27"},
    )


def sale(opening: int, shares: str, *, security: int = 1, account: int = 1, is_cap=False):
    return FixedRow(
        account=account,
        security=security,
        side=Side.SELL,
        quantity=D(shares),
        opening=opening,
        part=0,
        is_cap=is_cap,
    )


def purchase(security: int, shares: str, *, account: int = 1, is_cap: bool = False) -> FixedRow:
    return FixedRow(
        account=account, security=security, side=Side.BUY, quantity=D(shares), is_cap=is_cap
    )


def solved(found: HouseholdState, *rows: FixedRow, plan: PlanStep | None = None) -> Figures:
    securities = universe(found)
    way = AroundRows(rows=rows, by="Ada", plan=plan)
    return way.solver(risk(len(securities)), securities, None)(found)


def sold(figures: Figures) -> dict[int | None, D]:
    return {t.opening: t.quantity for t in figures.trades if t.side is Side.SELL}


def bought(figures: Figures) -> dict[tuple[int, int], D]:
    return {(t.account, t.security): t.quantity for t in figures.trades if t.side is Side.BUY}


def test_without_rows_it_is_the_best_rebalance() -> None:
    found = drifted()
    assert solved(found).trades == best_trades(found, risk(3)).trades


def test_a_lot_that_is_left_out_is_not_sold_and_another_takes_its_place() -> None:
    free = solved(drifted())
    assert sold(free)[2] > 0

    without = solved(drifted(), sale(2, "0"))
    assert 2 not in sold(without)
    assert sold(without)[1] > 0
    assert without.proof.gap_bp < D(5)


def test_what_a_fixed_line_keeps_is_told_as_that() -> None:
    left = around(drifted(), [sale(2, "0")], [])
    assert left.kept == {(2, 0): Kept.FIXED}
    [held] = [one for one in left.lots if not one.sellable]
    assert why_kept(held, left) == "a line that somebody fixed keeps them"


def test_a_fixed_sale_is_sold_to_the_share_and_its_money_is_used() -> None:
    figures = solved(drifted(), sale(1, "77"))

    assert sold(figures)[1] == D(77)
    assert verify(figures.trades, drifted()) == []
    assert sum(bought(figures).values()) > 0
    assert figures.long_gain == sum(t.gain for t in figures.trades if t.account == 1)


def test_a_fixed_purchase_is_bought_to_the_share_and_paid_for_by_its_own_account() -> None:
    figures = solved(drifted(), purchase(2, "80"))

    assert bought(figures)[1, 2] == D(80)
    assert min(cash_after(figures.trades, drifted()).values()) >= 0
    assert sold(figures)  # 2,000 of cash does not pay for 8,000


def test_a_cap_is_not_passed_and_is_used_where_more_was_wanted() -> None:
    free = solved(drifted())
    wanted = bought(free)[1, 2]
    assert wanted > 50

    capped = solved(drifted(), purchase(2, "50", is_cap=True))
    assert bought(capped)[1, 2] <= D(50)
    assert bought(capped)[1, 2] >= D(48)
    low = solved(drifted(), sale(2, "31", is_cap=True))
    assert sold(low).get(2, D(0)) <= D(31)
    loose = solved(drifted(), purchase(2, "5000", is_cap=True))
    assert loose.trades == free.trades


def test_a_purchase_that_is_left_out_is_made_elsewhere_or_not_at_all() -> None:
    figures = solved(drifted(), purchase(2, "0"))

    assert (1, 2) not in bought(figures)
    assert verify(figures.trades, drifted()) == []


def test_a_fixed_loss_bars_the_purchase_and_a_fixed_purchase_the_loss() -> None:
    """T45: AAA's twin S2 is in its group; what is fixed decides the side of the whole group."""
    twins = replace(drifted(), groups=(frozenset({1, 2}),))

    by_loss = solved(twins, sale(2, "100"))
    assert sold(by_loss)[2] == D(100)
    assert not {security for _, security in bought(by_loss)} & {1, 2}
    by_purchase = solved(twins, purchase(2, "40"))
    assert bought(by_purchase)[1, 2] == D(40)
    assert 2 not in sold(by_purchase)  # the loss lot of the twin


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([sale(1, "301")], "301 shares are too many, the lot has 300"),
        ([sale(9, "10")], "not held any more"),
        ([sale(4, "10")], "not held any more"),  # another account's lot
        ([sale(1, "10.5")], "neither whole nor the complete lot"),
        ([sale(1, "-1")], "no number of shares"),
        ([sale(1, "NaN")], "no number of shares"),
        ([sale(1, "5"), sale(1, "5")], "fixed twice"),
        ([sale(1, "5"), purchase(1, "5")], "Trade the difference only"),
        ([sale(2, "5"), purchase(1, "5", account=2)], "the loss would be washed"),
        ([purchase(2, "1.5")], "not whole"),
        ([purchase(2, "5", account=7)], "not the household's"),
        ([purchase(9, "5")], "must not be bought"),
    ],
)
def test_rows_that_cannot_be_are_refused_in_words(rows: list[FixedRow], words: str) -> None:
    assert words in " ".join(problems_of(rows, drifted()))
    with pytest.raises(BadRows, match=words):
        solved(drifted(), *rows)


def test_rows_of_a_window_are_refused() -> None:
    found = replace(
        drifted(),
        buyable=frozenset({1}),
        lots=tuple(
            replace(one, sellable=D(0)) if one.opening == 2 else one for one in drifted().lots
        ),
    )
    told = " ".join(problems_of([sale(2, "10"), purchase(2, "10")], found))

    assert "leaves 0 of its 260 to sell" in told
    assert "must not be bought now" in told


def test_an_account_that_cannot_pay_is_refused_by_name() -> None:
    """The IRA has $1,000 and $20,000 of shares: 250 shares at $100 are beyond all of it."""
    with pytest.raises(Infeasible, match="A2"):
        solved(drifted(), purchase(2, "250", account=2))


def test_a_row_below_the_smallest_trade_is_refused() -> None:
    with pytest.raises(RebalancingError, match="below the smallest trade"):
        solved(drifted(), sale(1, "1"), sale(2, "0"), purchase(2, "0"), purchase(1, "0"),
               purchase(3, "0"), purchase(3, "0", account=2), purchase(2, "0", account=2),
               purchase(1, "0", account=2))  # fmt: skip


def test_commissions_of_an_order_shared_with_a_fixed_row_are_paid() -> None:
    """One order of the fixed and the free lot pays more impact than the two apart: cash still suffices."""
    dear = replace(
        drifted(),
        costs=TradingCosts(
            half_spreads=dict.fromkeys((1, 2, 3), D("0.0005")),
            commissions={1: Commission(per_order=D(5)), 2: Commission(per_order=D(5))},
            volatilities=dict.fromkeys((1, 2, 3), D("0.3")),
            daily_volumes=dict.fromkeys((1, 2, 3), D(300)),
        ),
    )
    figures = solved(dear, sale(1, "60"), purchase(2, "70"))

    assert sold(figures)[1] == D(60)
    assert bought(figures)[1, 2] == D(70)
    assert min(cash_after(figures.trades, dear).values()) >= 0


def test_around_rows_the_budget_of_gains_is_kept() -> None:
    found = drifted()
    securities = universe(found)
    usage = Usage(budget=Budget(year=DAY.year, long_limit=D(500)), accounts=frozenset({1}), tax=TAX)
    way = AroundRows(rows=(sale(2, "0"),), by="Ada")
    solve = way.solver(risk(3), securities, usage)
    bounded = budget.within(found, usage, rows_of(found), solve)

    assert bounded.is_bound
    assert not bounded.left_over
    assert bounded.figures.long_gain <= D(500)
    assert 2 not in sold(bounded.figures)


def test_rows_beyond_the_budget_are_left_over_with_the_figures() -> None:
    found = drifted()
    usage = Usage(budget=Budget(year=DAY.year, long_limit=D(500)), accounts=frozenset({1}), tax=TAX)
    way = AroundRows(rows=(sale(1, "100"), sale(2, "0")), by="Ada")
    bounded = budget.within(
        found, usage, rows_of(found), way.solver(risk(3), universe(found), usage)
    )

    assert bounded.left_over
    assert "$500.00" in budget.why_not(bounded)


def test_a_plans_step_goes_around_rows_too() -> None:
    found = drifted()
    plan = PlanStep(DAY)
    figures = solved(found, sale(1, "0"), plan=plan)

    assert 1 not in sold(figures)
    assert figures.risk_after < figures.risk_before
    told = AroundRows(rows=(sale(1, "0"),), by="Ada", plan=plan).told(figures.trades, found)
    assert told["edited"] == {"by": "Ada", "rows": ["No sale of S1 in A1."]}
    assert "transition" in told


def test_any_rows_are_kept_to_the_share_or_refused() -> None:
    """Random households and random rows: what comes back passes every check and keeps every row."""
    kept = sum(_kept(seed) for seed in range(60))
    assert kept >= 25  # the others are refused: windows, ceilings of cash, orders too small


def _kept(seed: int) -> bool:
    """Whether there were trades; False where the rows were refused."""
    rng = Random(seed)
    found = random_state(rng)
    rows: list[FixedRow] = []
    for one in rng.sample(found.lots, min(2, len(found.lots))):
        share = rng.choice([D(0), D("0.3"), D("0.7"), D(1)])
        quantity = (one.sellable * share).to_integral_value("ROUND_FLOOR")
        rows.append(
            sale(
                one.opening,
                str(one.quantity if share == 1 else quantity),
                security=one.security,
                account=one.account,
                is_cap=rng.random() < 0.3,
            )
        )
    if found.buyable:
        rows.append(
            purchase(
                rng.choice(sorted(found.buyable)),
                str(rng.randrange(0, 30)),
                account=rng.choice(found.accounts).id,
                is_cap=rng.random() < 0.4,
            )
        )
    try:
        figures = solved(found, *rows)
    except RebalancingError:
        return False
    assert not figures.trades or verify(figures.trades, found) == []
    assert {t.term for t in figures.trades if t.side is Side.SELL} <= {Term.SHORT, Term.LONG}
    sales = {(t.opening, t.part): t.quantity for t in figures.trades if t.side is Side.SELL}
    for row in rows:
        done = (
            sales.get((row.opening, row.part), D(0))
            if row.side is Side.SELL
            else bought(figures).get(row.position, D(0))
        )
        assert done <= row.quantity if row.is_cap else done == row.quantity
    return bool(figures.trades)
