"""Time-weighted returns against sums done by hand, and what must hold for any portfolio."""

from datetime import date, timedelta
from decimal import Decimal as D

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rebalancing.performance.holdings import Booked, Columns, columns
from rebalancing.performance.model_returns import Move, model_returns, weight_history
from rebalancing.performance.returns import Path, path, periods, year_before

DAYS = [date(2024, 3, 4) + timedelta(days=day) for day in range(5)]  # Monday to Friday
AAA, BBB = 11, 12
ONE, TWO = 1, 2
NONE = [0.0] * 5


def booked(
    day: int, kind: str, security: int | None = None, quantity: str = "0", amount: str = "0",
    *, account: int = ONE, fee: str = "0", to_account: int | None = None, to_security: int | None = None,
) -> Booked:  # fmt: skip
    """An entry on the day of this row; -1: before the first."""
    return Booked(
        DAYS[0] + timedelta(days=day), account, kind, security, D(quantity), D(amount), D(fee), to_account,
        to_security,
    )  # fmt: skip


def measured(held: Columns, closes: dict[int, list[float]]) -> Path:
    """Of all accounts together."""
    prices = np.array([closes[security] for _, security in held.places]).T
    values = held.cash.sum(axis=1) + (held.shares * prices).sum(axis=1)
    delivered = np.zeros(len(DAYS))
    for row, _, security, shares in held.delivered:
        delivered[row] += shares * closes[security][row]
    return path(values, held.deposits.sum(axis=1), delivered)


def of(entries: list[Booked], closes: dict[int, list[float]], accounts: tuple[int, ...] = (ONE,)):
    return measured(columns(entries, DAYS, accounts), closes)


START = [booked(-1, "cash_in", amount="1000"), booked(-1, "buy", AAA, "10", "1000")]


def test_shares_held_return_what_their_price_does() -> None:
    found = of(START, {AAA: [100, 101, 99, 110, 121]})
    assert found.over(0, 4) == pytest.approx(0.21)
    assert found.over(3, 4) == pytest.approx(0.10)


def test_a_deposit_counts_from_the_start_of_its_day() -> None:
    """By hand: 1,000 -> 1,100 (+10 %); 900 come, nothing is bought; 1,100 + 900 -> 1,210 + 900 = 2,110: +5.5 %."""
    found = of([*START, booked(2, "cash_in", amount="900")], {AAA: [100, 110, 121, 121, 121]})
    assert found.growth[2] == pytest.approx(2110 / 2000)
    assert found.over(0, 4) == pytest.approx(1.1 * 1.055 - 1)


def test_a_withdrawal_counts_until_the_end_of_its_day() -> None:
    """1,000 -> 1,100; 5 shares are sold at 121 and leave: (605 + 605) / 1,100 = +10 %; then 605 -> 302.50."""
    entries = [
        *START, booked(2, "sell", AAA, "5", "605"), booked(2, "cash_out", amount="605"),
    ]  # fmt: skip
    found = of(entries, {AAA: [100, 110, 121, 60.5, 60.5]})
    assert found.over(0, 2) == pytest.approx(0.21)
    assert found.over(0, 4) == pytest.approx(0.21 / 2 + 0.5 - 1)


def test_all_is_withdrawn_and_comes_again() -> None:
    entries = [
        *START, booked(1, "sell", AAA, "10", "1100"), booked(1, "cash_out", amount="1100"),
        booked(3, "cash_in", amount="500"), booked(3, "buy", AAA, "5", "500"),
    ]  # fmt: skip
    found = of(entries, {AAA: [100, 105, 999, 104, 130]})
    assert found.invested.tolist() == [False, True, False, True, True]
    # 1,000 -> 1,100 as sold; nothing; 500 -> 520 at the close; 520 -> 650.
    assert found.over(0, 4) == pytest.approx(1.10 * 1.04 * 1.25 - 1)


def test_an_account_that_begins_in_the_period_is_measured_from_its_first_day() -> None:
    found = of(
        [booked(2, "cash_in", amount="1000"), booked(2, "buy", AAA, "9", "990", fee="10")],
        {AAA: [1, 1, 110, 110, 121]},
    )
    assert found.invested.tolist() == [False, False, True, True, True]
    assert found.growth[2] == pytest.approx(0.99)  # the commission
    assert found.over(0, 4) == pytest.approx(9 * 121 / 1000 - 1)


def test_commissions_and_fees_are_costs() -> None:
    entries = [
        *START, booked(2, "sell", AAA, "1", "100", fee="5"), booked(3, "fee", amount="20"),
    ]  # fmt: skip
    found = of(entries, {AAA: [100] * 5})
    assert found.over(0, 4) == pytest.approx(-0.025)


def test_a_split_is_no_return_and_its_fraction_is_paid_for() -> None:
    """10.5 shares at 100 become 31.5 at 33.33333333; half a share is paid with its price."""
    entries = [
        booked(-1, "cash_in", amount="1050"), booked(-1, "buy", AAA, "10.5", "1050"),
        booked(2, "split", AAA, "3", "20"),
    ]  # fmt: skip
    held = columns(entries, DAYS, [ONE])
    assert held.shares[:, 0].tolist() == [10.5, 10.5, 31.0, 31.0, 31.0]
    found = measured(held, {AAA: [100, 100, 40, 40, 40]})
    assert found.over(0, 4) == pytest.approx((31 * 40 + 20) / 1050 - 1)


def test_a_split_told_by_two_accounts_is_one() -> None:
    entries = [
        booked(-1, "buy", AAA, "10", "0"), booked(-1, "buy", AAA, "7", "0", account=TWO),
        booked(2, "split", AAA, "2"), booked(2, "split", AAA, "2", account=TWO),
    ]  # fmt: skip
    held = columns(entries, DAYS, [ONE, TWO])
    assert held.shares[-1].tolist() == [20.0, 14.0]


def test_dividends_are_a_return_in_cash_and_reinvested() -> None:
    """$50 in cash with the security's name; then half a share for $50."""
    paid = of([*START, booked(2, "cash_in", AAA, amount="50")], {AAA: [100, 100, 95, 95, 95]})
    assert paid.over(0, 4) == pytest.approx(0.0)
    again = of([*START, booked(2, "reinvest", AAA, "0.5", "50")], {AAA: [100, 100, 100, 100, 100]})
    assert again.over(0, 4) == pytest.approx(0.05)


def test_a_merger_a_spin_off_and_a_buy_out() -> None:
    merged = of([*START, booked(2, "merge", AAA, "0.5", to_security=BBB)], {
        AAA: [100, 100, 0, 0, 0], BBB: [200, 200, 210, 210, 220],
    })  # fmt: skip
    assert merged.over(0, 4) == pytest.approx(0.10)
    spun = of([*START, booked(2, "spin_off", AAA, "0.2", to_security=BBB)], {
        AAA: [100, 100, 90, 90, 90], BBB: [0, 0, 60, 60, 60],
    })  # fmt: skip
    assert spun.over(0, 4) == pytest.approx(0.02)
    bought_out = of(
        [*START, booked(2, "cash_merger", AAA, "10", "1300")], {AAA: [100, 100, 0, 0, 0]}
    )
    assert bought_out.over(0, 4) == pytest.approx(0.30)


def test_shares_delivered_and_given_away_are_flows_at_the_close() -> None:
    entries = [*START, booked(2, "receive", BBB, "4", "1"), booked(3, "give", AAA, "5")]
    found = of(entries, {AAA: [100, 110, 121, 121, 121], BBB: [50, 50, 50, 50, 100]})
    assert found.over(0, 3) == pytest.approx(0.21)
    # left: 5 AAA at 121 and 4 BBB at 50, which double: 805 -> 1,005
    assert found.growth[4] == pytest.approx(1005 / 805)


def test_a_first_delivery_begins_the_return() -> None:
    found = of([booked(2, "opening", AAA, "10", "700")], {AAA: [100, 100, 100, 110, 121]})
    assert found.over(0, 4) == pytest.approx(0.21)


def test_shares_between_two_accounts_are_a_flow_of_both_and_none_of_the_household() -> None:
    closes = {AAA: [100, 110, 121, 121, 133.1]}
    held = columns([*START, booked(2, "transfer", AAA, "4", to_account=TWO)], DAYS, [ONE, TWO])
    assert measured(held, closes).over(0, 4) == pytest.approx(0.331)
    assert held.delivered == ()
    assert held.between == ((2, ONE, AAA, -4.0), (2, TWO, AAA, 4.0))


def test_cash_between_two_accounts_on_one_day_cancels() -> None:
    entries = [
        *START, booked(-1, "cash_in", amount="500"),
        booked(2, "cash_out", amount="500"), booked(2, "cash_in", amount="500", account=TWO),
    ]  # fmt: skip
    found = of(entries, {AAA: [100, 110, 121, 121, 121]}, (ONE, TWO))
    assert found.growth[2] == pytest.approx(1710 / 1600)


def test_a_day_without_a_price_is_passed_over_where_no_flow_needs_it() -> None:
    values = np.array([100.0, np.nan, 121.0, 121.0, 121.0])
    found = path(values, np.array(NONE), np.array(NONE))
    assert found.over(0, 4) == pytest.approx(0.21)
    assert found.over(1, 4) is None
    assert found.invested.tolist() == [False, True, True, True, True]


@pytest.mark.parametrize(("row", "dollars"), [(1, -50.0), (2, 50.0)])
def test_a_flow_beside_a_day_without_a_price_breaks_the_chain(row: int, dollars: float) -> None:
    """Going out on the day without a price, or coming in on the next, when the close before is what counts."""
    deposits = np.array(NONE)
    deposits[row] = dollars
    found = path(np.array([100.0, np.nan, 121.0, 121.0, 133.1]), deposits, np.array(NONE))
    assert (found.start, found.broken) == (2, (0, 2))
    assert found.over(0, 4) is None
    assert found.over(2, 4) == pytest.approx(0.10)


def test_a_deposit_on_the_first_day_without_a_price_still_meets_a_close() -> None:
    """100 and 50 become 165 over two days."""
    values = np.array([100.0, np.nan, 165.0, 165.0, 181.5])
    found = path(values, np.array([0.0, 50.0, 0.0, 0.0, 0.0]), np.array(NONE))
    assert found.over(0, 4) == pytest.approx(0.21)
    late = path(
        np.array([100.0, np.nan, np.nan, 165.0, 181.5]),
        np.array([0.0, 0.0, 50.0, 0.0, 0.0]),
        np.array(NONE),
    )
    assert (late.start, late.broken) == (3, (0, 3))


def test_a_portfolio_that_is_worth_nothing_or_less_has_no_return() -> None:
    found = path(np.array([100.0, -5.0, 50.0, 55.0, 55.0]), np.array(NONE), np.array(NONE))
    assert found.start == 2
    assert found.over(2, 4) == pytest.approx(0.10)


def test_no_day_is_valued() -> None:
    found = path(np.full(5, np.nan), np.array(NONE), np.array(NONE))
    assert found.over(0, 4) is None


PRICES = st.lists(st.floats(1, 1000), min_size=5, max_size=5)


@given(prices=PRICES, shares=st.decimals("0.01", "10000", places=4))
def test_one_security_held_returns_as_the_security(prices: list[float], shares: D) -> None:
    found = of([booked(-1, "opening", AAA, str(shares), "1")], {AAA: prices})
    assert found.over(0, 4) == pytest.approx(prices[4] / prices[0] - 1)


@given(
    prices=PRICES,
    flows=st.lists(st.tuples(st.integers(1, 4), st.integers(-90, 5000)), max_size=6),
    middle=st.integers(0, 4),
)
def test_sub_periods_chain_to_the_whole(
    prices: list[float], flows: list[tuple[int, int]], middle: int
) -> None:
    entries = [*START, booked(-1, "cash_in", amount="600")]
    for day, dollars in sorted(flows):
        kind = "cash_in" if dollars > 0 else "cash_out"
        entries.append(booked(day, kind, amount=str(abs(dollars))))
    found = of(entries, {AAA: prices})
    whole, first, second = found.over(0, 4), found.over(0, middle), found.over(middle, 4)
    assert whole is not None
    assert first is not None
    assert second is not None
    assert (1 + first) * (1 + second) == pytest.approx(1 + whole)


@given(prices=PRICES, deposit=st.integers(1, 100_000), day=st.integers(1, 4))
def test_money_that_is_invested_at_the_close_before_changes_no_return(
    prices: list[float], deposit: int, day: int
) -> None:
    shares = D(deposit) / D(prices[day - 1])
    entries = [
        *START, booked(day, "cash_in", amount=str(deposit)),
        booked(day, "buy", AAA, str(shares), str(deposit)),
    ]  # fmt: skip
    found = of(entries, {AAA: prices})
    assert found.over(0, 4) == pytest.approx(prices[4] / prices[0] - 1)


def test_the_periods_begin_at_the_close_before() -> None:
    days = [date(2022, 12, 30) - timedelta(days=back) for back in range(370, -1, -1)]
    days = [day for day in days if day.weekday() < 5]
    found = {one.key: days[one.first] for one in periods(days)}
    assert found == {
        "month": date(2022, 11, 30),
        "quarter to date": date(2022, 9, 30),
        "year to date": date(2021, 12, 31),
        "12 months": date(2021, 12, 30),
    }
    assert year_before(date(2024, 2, 29)) == date(2023, 2, 28)


def test_a_model_keeps_its_weights_every_day_and_changes_them_after_the_close() -> None:
    returns = np.array([[np.nan, np.nan], [0.10, 0.0], [0.10, 0.0], [0.0, 0.20], [0.0, np.nan]])
    before, after = {AAA: D("0.5")}, {AAA: D("0.5"), BBB: D("0.4")}
    history = weight_history(
        after,
        [Move(before=before, after=after, step_days=(DAYS[2],), steps=1)],
        changed_on=None,
        today=DAYS[4],
    )
    found = model_returns(history, DAYS, {AAA: 0, BBB: 1}, returns)
    assert found.returns[1:4] == pytest.approx([0.05, 0.05, 0.08])
    assert found.lacking == {4: (BBB,)}
    busy = np.array([True, True, True, True, False])
    assert found.over(0, busy) == pytest.approx(1.05 * 1.05 * 1.08 - 1)
    assert found.over(0, np.ones(5, dtype=bool)) is None
    assert found.first_unknown(0, np.ones(5, dtype=bool)) == 4


def test_a_model_moves_step_by_step() -> None:
    before, after = {AAA: D("0.8")}, {AAA: D("0.4")}
    history = weight_history(
        after,
        [Move(before=before, after=after, step_days=(DAYS[1], DAYS[2]), steps=2)],
        changed_on=None,
        today=DAYS[4],
    )
    assert [weights[AAA] for _, weights in history.weights] == [D("0.8"), D("0.6"), D("0.4")]
    assert [day for day, _ in history.weights] == [None, DAYS[1], DAYS[2]]


def test_weights_given_by_a_set_up_file_are_known_from_that_day_only() -> None:
    move = Move(before={AAA: D("0.8")}, after={AAA: D("0.4")}, step_days=(DAYS[1],), steps=1)
    history = weight_history({BBB: D(1)}, [move], changed_on=DAYS[2], today=DAYS[4])
    assert history.weights == ((DAYS[2], {BBB: D(1)}),)
    returns = np.full((5, 1), 0.01)
    found = model_returns(history, DAYS, {BBB: 0}, returns)
    assert found.known_from == 2
    assert found.over(1, np.ones(5, dtype=bool)) is None
    assert found.over(2, np.ones(5, dtype=bool)) == pytest.approx(1.01**2 - 1)


def test_weights_that_no_record_explains_are_known_today_only() -> None:
    move = Move(before={AAA: D("0.8")}, after={AAA: D("0.4")}, step_days=(DAYS[1],), steps=1)
    history = weight_history({BBB: D(1)}, [move], changed_on=None, today=DAYS[4])
    assert history.weights == ((DAYS[4], {BBB: D(1)}),)
