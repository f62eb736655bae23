"""The windows table and its timeline, from literals."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest

from lots.types import LotRow
from proposals.types import ComingPurchase, Origin, Restrictions
from proposals.window_table import Grade, GroupRow, Lost, Side, TableFacts, Way, rows
from proposals.window_timeline import LABEL, PER_DAY, timeline
from proposals.windows import LossSale, Purchase, windows_on

TODAY = date(2022, 12, 28)
ANN, IRA = 1, 2
A, B, C = 11, 12, 13
GROUPS = (frozenset({A, B}),)


def lot(security: int = A, basis: str = "2000", account: int = ANN) -> LotRow:
    day = date(2022, 3, 1)
    return LotRow(1, 0, account, security, day, day, Decimal(20), Decimal(basis))


def purchase(
    ago: int, security: int = B, *, ira: bool = False, origin: Origin = Origin.TRADE
) -> Purchase:
    day = TODAY - timedelta(days=ago)
    return Purchase(security, day, Decimal(5), f"5 bought on {day}", ira, origin)


def loss_sale(ago: int, security: int = A, origin: Origin = Origin.TRADE) -> LossSale:
    day = TODAY - timedelta(days=ago)
    return LossSale(security, day, Decimal(3), f"3 sold on {day}", origin, Decimal(60))


def facts(*opened: Purchase | LossSale, **changes: object) -> TableFacts:
    """Of the facts the pending ones count only if approved."""

    def windows(*, with_pending: bool):
        counted = [one for one in opened if with_pending or one.origin is not Origin.PENDING]
        return windows_on(
            TODAY,
            loss_sales=[one for one in counted if isinstance(one, LossSale)],
            purchases=[one for one in counted if isinstance(one, Purchase)],
            coming=changes.get("coming", ()),  # type: ignore[arg-type]
            groups=GROUPS,
        )

    given = {key: value for key, value in changes.items() if key != "coming"}
    return replace(
        TableFacts(
            household=7,
            as_of=TODAY,
            windows=windows(with_pending=False),
            if_approved=windows(with_pending=True),
            groups=GROUPS,
            symbols={A: "AAA", B: "BBB", C: "CCC"},
            taxable=frozenset({ANN}),
            reinvesting=frozenset(),
            lots=(lot(),),
            prices={A: Decimal(80), B: Decimal(80)},
            lost={},
        ),
        **given,  # type: ignore[arg-type]
    )


def only(found: tuple[GroupRow, ...], way: Way = Way.SELL) -> tuple[GroupRow, Side]:
    (row,) = found
    side = row.side(way)
    assert side is not None
    return row, side


def test_a_group_is_one_row_under_the_security_that_is_held():
    row, side = only(rows(facts(purchase(10))))
    assert (row.symbol, row.others, row.held) == ("AAA", ("BBB",), Decimal(20))
    assert row.buy is None
    assert (side.shares, side.at_risk, side.days) == (Decimal(5), Decimal(400), 21)
    assert side.clear_on == date(2023, 1, 18)
    assert [one.text for one in side.causes] == ["5 bought on 2022-12-18"]


@pytest.mark.parametrize(("ago", "is_open"), [(30, True), (31, False)])
def test_a_row_ends_with_its_window(ago, is_open):
    """T19: the table has no window of its own."""
    assert bool(rows(facts(purchase(ago)))) == is_open
    assert bool(rows(facts(loss_sale(ago)))) == is_open


def test_the_dates_are_those_that_every_producer_obeys():
    """T36."""
    found = facts(purchase(10), purchase(3), loss_sale(5), loss_sale(20, B))
    row, side = only(rows(found))
    assert row.buy is not None
    for security in (A, B):
        assert side.clear_on == found.windows.sell_blocked[security].clear_on
        assert row.buy.clear_on == found.windows.buy_blocked[security].clear_on


def test_a_retirement_account_makes_it_permanent():
    """T10."""
    _, side = only(rows(facts(purchase(10), purchase(2, ira=True))))
    assert side.grade is Grade.PERMANENT
    assert side.involves_ira


def test_nothing_at_a_loss_is_nothing_at_stake():
    _, side = only(rows(facts(purchase(10), lots=(lot(basis="900"),))))
    assert (side.grade, side.at_risk) == (Grade.NONE, Decimal(0))


def test_a_loss_in_a_retirement_account_is_none():
    _, side = only(rows(facts(purchase(10), lots=(lot(account=IRA),))))
    assert side.grade is Grade.NONE


def test_what_is_not_seen_is_said_beside_every_answer():
    """T11: and it is the answer itself where nothing else is known."""
    away = ("Bob 401(k)",)
    row, side = only(rows(facts(purchase(10), not_checked=away)))
    assert (row.incomplete, side.grade) == (True, Grade.DEFERRED)
    safe = facts(purchase(10), not_checked=away, lots=(lot(basis="900"),))
    assert only(rows(safe))[1].grade is Grade.COVERAGE_INCOMPLETE


def test_a_fund_nobody_has_looked_at_is_said_too():
    row, side = only(rows(facts(purchase(10), unreviewed=frozenset({B}), lots=())))
    assert row.unreviewed
    assert side.grade is Grade.IDENTITY_NOT_REVIEWED


def test_losses_sold_are_at_risk_of_a_purchase_until_they_are_disallowed():
    row, side = only(rows(facts(loss_sale(5), lost={A: Lost(Decimal(7), Decimal(2))})), Way.BUY)
    assert side.at_risk == Decimal(60)
    assert row.lost == Lost(Decimal(7), Decimal(2))
    assert side.grade is Grade.DEFERRED


def test_a_pending_proposal_is_shown_and_blocks_nothing_yet():
    _, side = only(rows(facts(loss_sale(0, origin=Origin.PENDING))), Way.BUY)
    assert (side.clear_on, side.shares, side.grade) == (None, Decimal(0), Grade.NONE)
    assert side.if_approved == date(2023, 1, 28)
    assert [one.origin for one in side.causes] == [Origin.PENDING]
    _, later = only(rows(facts(loss_sale(9), loss_sale(0, origin=Origin.PENDING))), Way.BUY)
    assert later.clear_on == date(2023, 1, 19)
    assert later.if_approved == date(2023, 1, 28)


def test_a_restriction_is_no_row():
    bare = facts()
    assert rows(replace(bare, windows=replace(bare.windows, restricted=Restrictions()))) == ()


def test_the_timeline_draws_61_days_around_each_trade_and_a_line_for_today():
    ahead = ComingPurchase(
        B, IRA, TODAY + timedelta(days=8), Decimal(1), Decimal(80), "a plan",
        is_reinvestment=False, retirement=True,
    )  # fmt: skip
    chart = timeline(rows(facts(purchase(30), loss_sale(0), coming=[ahead])), TODAY)
    assert [bar.width for bar in chart.bars] == [61 * PER_DAY] * 3
    assert [bar.kind for bar in chart.bars] == ["done", "done", "ahead"]
    sold, bought, plan = chart.bars
    assert chart.today_x == LABEL + 60 * PER_DAY
    assert sold.x == chart.today_x - 30 * PER_DAY
    assert bought.x == LABEL  # day -30: its window ends today
    assert bought.x + bought.width == chart.today_x + PER_DAY
    assert plan.x == chart.today_x - 22 * PER_DAY
    assert [name.text for name in chart.names] == ["AAA"]
