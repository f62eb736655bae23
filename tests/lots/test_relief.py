"""Which lots leave (R22, U9), with fees, and what cannot leave."""

from fractions import Fraction

import pytest

from lots.errors import BadEntry, Oversold, UnknownLot, Unsupported
from lots.replay import replay
from lots.types import Relief
from tests.lots.ledger import ACCOUNTS, buy, gift, give, lots, receive, sale, sell, split, transfer

TWO_LOTS = (buy("b1", "2025-01-15", 50, 20), buy("b2", "2025-03-03", 50, 30))


def run(*entries):
    return replay(entries, ACCOUNTS, [])


def basis_left(result):
    return sum(lot.basis for lot in result.open_lots)


def test_first_in_first_out_with_the_fee_spread_by_shares():
    result = run(*TWO_LOTS, sell("s", "2026-04-06", 60, 25, fee="6.00"))
    assert [(r.quantity, r.proceeds, r.basis) for r in result.realized] == [
        (50, 1245, 1000),
        (10, 249, 300),
    ]
    assert basis_left(result) == 1200


def test_identified_lots_are_the_ones_sold():
    chosen = [("b2", 50), ("b1", 10)]
    result = run(*TWO_LOTS, sell("s", "2026-04-06", 60, 25, fee="6.00", of=chosen))
    assert {(r.lot, r.gain) for r in result.realized} == {("b2", -255), ("b1", 49)}
    assert basis_left(result) == 800


def test_the_fee_of_a_purchase_is_basis():
    assert lots(run(buy("b", "2026-03-02", 3, 10, fee="1.00")), "b") == [(3, 31, "2026-03-02")]


def test_fifo_stays_in_the_account():
    result = run(
        buy("elsewhere", "2025-01-06", 10, 10, account="T2"),
        buy("here", "2025-02-03", 10, 20),
        sell("s", "2026-03-02", 10, 30),
    )
    assert [row.lot for row in result.realized] == ["here"]


def test_fifo_follows_the_acquisition_date_of_transferred_lots():
    result = run(
        buy("here", "2025-02-03", 10, 20),
        buy("older", "2025-01-06", 10, 10, account="T2"),
        transfer("t", "2025-06-02", 10, "T", account="T2"),
        sell("s", "2026-03-02", 10, 30),
    )
    assert [row.lot for row in result.realized] == ["older"]


def test_adjusted_shares_leave_first_and_parts_can_be_named():
    washed = (
        buy("old", "2025-02-03", 30, 40),
        sell("s1", "2026-03-02", 30, 31),
        buy("b", "2026-03-10", 100, 32),
    )
    result = run(*washed)
    parts = {(lot.part, lot.quantity, lot.basis) for lot in result.open_lots}
    assert parts == {(0, 70, 2240), (1, 30, 1230)}
    mixed = run(*washed, sell("s2", "2026-06-01", 50, 50))
    assert sale(mixed, "s2") == [(30, 270, 0), (20, 360, 0)]
    named = run(*washed, sell("s2", "2026-06-01", 50, 50, of=[("b", 50, 0)]))
    assert sale(named, "s2") == [(50, 900, 0)]


def test_a_partial_transfer_makes_a_part_of_its_own():
    result = run(buy("b", "2026-03-02", 10, 50), transfer("t", "2026-03-09", 4, "T2"))
    assert [(lot.account, lot.part, lot.quantity, lot.basis) for lot in result.open_lots] == [
        ("T", 0, 6, 300),
        ("T2", 1, 4, 200),
    ]


def test_thirds_of_a_lot_lose_nothing():
    result = run(
        buy("b", "2025-01-06", 3, "33.333333"),
        *(sell(f"s{i}", "2026-03-02", 1, 40) for i in range(3)),
    )
    assert sum(row.basis for row in result.realized) == Fraction("99.999999")
    assert result.open_lots == ()


def test_selling_more_than_held_is_refused_with_the_figures():
    entries = (buy("b", "2026-03-02", "10.5", 50), sell("s", "2026-03-09", 11, 50))
    with pytest.raises(Oversold, match=r"account T holds 10\.5 shares of M on 2026-03-09, 11") as e:
        run(*entries)
    assert (e.value.code, e.value.entry, e.value.held) == ("oversold", "s", Fraction(21, 2))
    assert "R26" in str(e.value)


def test_transferring_more_than_held_is_refused():
    with pytest.raises(Oversold):
        run(buy("b", "2026-03-02", 10, 50), transfer("t", "2026-03-09", 11, "T2"))


def test_held_shares_are_counted_in_units_of_the_day():
    with pytest.raises(Oversold, match="holds 20 shares"):
        run(
            buy("b", "2026-03-02", 10, 50),
            split("x", "2026-03-05", "2"),
            sell("s", "2026-03-09", 21, 25),
        )


def test_an_identified_lot_must_be_held_there():
    entries = (*TWO_LOTS, buy("far", "2025-01-06", 10, 10, account="T2"))
    for lot in ("far", "nowhere", "s"):
        with pytest.raises(UnknownLot, match=f"no shares of lot {lot} of M"):
            run(*entries, sell("s", "2026-04-06", 10, 25, of=[(lot, 10)]))


def test_a_part_that_is_short_is_filled_up_from_its_lot_adjusted_shares_first():
    """Parts follow from wash sales (a late entry can cut them differently); the lot identified is what binds (R22)."""
    washed = (
        buy("old", "2025-02-03", 30, 40),
        sell("s1", "2026-03-02", 30, 31),
        buy("b", "2026-03-10", 100, 32),
    )  # part 1: 30 adjusted shares at 41; part 0: 70 at 32
    short = run(*washed, sell("s2", "2026-06-01", 80, 50, of=[("b", 80, 0)]))
    assert sale(short, "s2") == [(10, 90, 0), (70, 1260, 0)]
    gone = run(*washed, sell("s2", "2026-06-01", 40, 50, of=[("b", 40, 7)]))
    assert sale(gone, "s2") == [(30, 270, 0), (10, 180, 0)]


def test_a_named_part_is_not_used_up_by_a_pick_that_names_none():
    result = run(
        buy("old", "2025-02-03", 30, 40),
        sell("s1", "2026-03-02", 30, 31),
        buy("b", "2026-03-10", 100, 32),
        sell("s2", "2026-06-01", 35, 50, of=[("b", 5), ("b", 30, 1)]),
    )
    assert sale(result, "s2") == [(30, 270, 0), (5, 90, 0)]


def test_a_named_part_does_not_make_its_lot_larger():
    with pytest.raises(Oversold, match="holds 50 shares of M of lot b1") as refusal:
        run(*TWO_LOTS, sell("s", "2026-04-06", 60, 25, of=[("b1", 30, 0), ("b1", 30, 1)]))
    assert refusal.value.wanted == 60


def test_a_wash_between_two_sales_of_one_order_leaves_them_possible():
    """An order over 10 and 6 shares of one lot by part; the IRA's late import undoes the cut before the second."""
    before = (
        buy("old", "2025-02-03", 6, 40),
        buy("b", "2026-03-10", 16, 32),
        sell("s1", "2026-03-20", 6, 31, of=[("old", 6)]),
    )
    fills = (
        sell("f1", "2026-06-01", 10, 50, of=[("b", 10, 0)]),
        sell("f2", "2026-06-02", 6, 50, of=[("b", 6, 1)]),
    )
    booked = run(*before, *fills)
    assert (sale(booked, "f1"), sale(booked, "f2")) == ([(10, 180, 0)], [(6, 54, 0)])

    late = run(*before, *fills, buy("i", "2026-03-05", 6, 33, account="I"))
    assert sale(late, "s1") == [(6, -54, 54)]
    assert late.permanently_disallowed == 54
    assert (sale(late, "f1"), sale(late, "f2")) == ([(10, 180, 0)], [(6, 108, 0)])

    smaller = run(*before, *fills, buy("i", "2026-03-05", 2, 33, account="I"))
    assert (sale(smaller, "f1"), sale(smaller, "f2")) == ([(10, 180, 0)], [(4, 36, 0), (2, 36, 0)])


def test_an_identified_lot_must_be_large_enough():
    with pytest.raises(Oversold, match="holds 50 shares of M of lot b1") as refusal:
        run(*TWO_LOTS, sell("s", "2026-04-06", 60, 25, of=[("b1", 30), ("b1", 30)]))
    assert refusal.value.wanted == 60


def test_a_received_lot_takes_its_place_by_date_of_receipt():
    result = run(
        buy("b", "2025-02-03", 10, 20),
        receive("g", "2025-03-03", 10, 5),
        sell("s", "2026-03-02", 10, 30),
    )
    assert [row.lot for row in result.realized] == ["b"]


# --- Standing orders (R22) ---------------------------------------------------------------------

THREE_LOTS = (*TWO_LOTS, buy("b3", "2026-02-02", 50, 25))


def sold_by(relief, *entries, shares=60, price=26):
    result = run(*entries, sell("s", "2026-04-06", shares, price, relief=relief))
    return [(row.lot, row.quantity, row.gain) for row in result.realized]


@pytest.mark.parametrize(
    ("relief", "rows"),
    [
        (None, [("b1", 50, 300), ("b2", 10, -40)]),
        (Relief.FIFO, [("b1", 50, 300), ("b2", 10, -40)]),
        (Relief.LIFO, [("b2", 10, -40), ("b3", 50, 50)]),
        (Relief.HIFO, [("b2", 50, -200), ("b3", 10, 10)]),
        (Relief.LOWEST_TAX, [("b1", 10, 60), ("b2", 50, -200)]),
    ],
)
def test_each_method_takes_its_own_lots_and_tells_them_by_acquisition(relief, rows):
    assert sold_by(relief, *THREE_LOTS) == rows


def test_last_in_of_one_day_is_what_was_executed_last():
    fills = (buy("m", "2026-02-02", 10, 20), buy("n", "2026-02-02", 10, 21))
    assert sold_by(Relief.LIFO, *fills, shares=10) == [("n", 10, 50)]


def test_of_equal_basis_the_first_acquired_leaves_first():
    alike = (buy("m", "2025-02-03", 10, 30), buy("n", "2025-02-04", 20, 30))
    for relief in (Relief.HIFO, Relief.LOWEST_TAX):
        assert sold_by(relief, *alike, shares=15) == [("m", 10, -40), ("n", 5, -20)]


def test_lowest_tax_takes_losses_short_first_then_gains_long_first():
    entries = [
        buy("long, up 6", "2025-01-06", 10, 20),
        buy("long, up 1", "2025-01-07", 10, 25),
        buy("long, down 10", "2025-01-08", 10, 36),
        buy("short, down 1", "2026-01-05", 10, 27),
        buy("short, up", "2026-01-06", 10, "25.5"),
        buy("short, down 3", "2026-01-07", 10, 29),
    ]
    sales = [sell(f"s{i}", "2026-03-02", 10, 26, relief=Relief.LOWEST_TAX) for i in range(6)]
    assert [row.lot for row in run(*entries, *sales).realized] == [
        "short, down 3",
        "short, down 1",
        "long, down 10",
        "long, up 1",
        "long, up 6",
        "short, up",
    ]


def test_highest_basis_counts_what_wash_sales_added():
    washed = (
        buy("old", "2025-02-03", 30, 40),
        sell("s1", "2026-03-02", 30, 31),
        buy("b", "2026-03-10", 100, 32),
        buy("c", "2026-06-10", 10, 35),
    )  # part 1 of b: 30 adjusted shares at 41
    result = run(*washed, sell("s2", "2026-09-01", 50, 50, relief=Relief.HIFO))
    assert [(r.lot, r.part, r.quantity) for r in result.realized if r.sale == "s2"] == [
        ("b", 1, 30),
        ("b", 0, 10),
        ("c", 0, 10),
    ]


def test_identified_lots_bind_against_a_standing_order():
    result = run(*THREE_LOTS, sell("s", "2026-04-06", 5, 26, relief=Relief.HIFO, of=[("b1", 5)]))
    assert [row.lot for row in result.realized] == ["b1"]


def test_without_a_price_lowest_tax_is_first_in_first_out():
    result = run(*THREE_LOTS, transfer("t", "2026-04-06", 50, "T2", relief=Relief.LOWEST_TAX))
    assert [lot.opening for lot in result.open_lots if lot.account == "T2"] == ["b1"]


@pytest.mark.parametrize("relief", list(Relief))
def test_no_method_sells_short(relief):
    with pytest.raises(Oversold, match="holds 150 shares of M on 2026-04-06, 151 are to leave"):
        sold_by(relief, *THREE_LOTS, shares=151)


def test_a_purchase_has_no_relief_method():
    with pytest.raises(BadEntry, match="takes no shares, so it has no relief method"):
        run(buy("b", "2026-03-02", 10, 50, relief=Relief.LIFO))


# --- Average basis (R22b) ----------------------------------------------------------------------

FUND = (buy("f1", "2024-01-05", 100, 10), buy("f2", "2025-02-03", 50, 16))  # 1,800 for 150 shares


def test_every_share_has_the_average_basis_and_the_first_acquired_leave():
    result = run(*FUND, sell("s", "2026-03-02", 120, 15, relief=Relief.AVERAGE))
    assert [(r.lot, r.quantity, r.basis, r.gain) for r in result.realized] == [
        ("f1", 100, 1200, 300),
        ("f2", 20, 240, 60),
    ]
    assert lots(result, "f2") == [(30, 360, "2025-02-03")]


def test_a_purchase_changes_the_average_for_what_leaves_later():
    result = run(
        *FUND,
        sell("s1", "2026-03-02", 120, 15, relief=Relief.AVERAGE),  # leaves 30 for 360
        buy("f3", "2026-04-06", 30, 20),
        sell("s2", "2026-06-01", 40, 18, relief=Relief.AVERAGE),  # 960 for 60 shares: 16 each
    )
    assert sale(result, "s2") == [(30, 60, 0), (10, 20, 0)]
    assert lots(result, "f3") == [(20, 320, "2026-04-06")]


def test_a_washed_loss_is_part_of_the_average():
    result = run(
        buy("a", "2025-01-06", 100, 10),
        sell("s1", "2026-03-02", 50, 6, relief=Relief.AVERAGE),
        buy("b", "2026-03-10", 50, 7),  # 350 + 200 washed; with the 500 left 10.50 a share
        sell("s2", "2026-06-01", 60, 12, relief=Relief.AVERAGE),
    )
    assert sale(result, "s1") == [(50, -200, 200)]
    assert sale(result, "s2") == [(50, 75, 0), (10, 15, 0)]
    assert lots(result, "b") == [(40, 420, "2025-01-14")]


def test_the_average_is_of_one_account():
    elsewhere = buy("far", "2024-01-05", 100, 99, account="T2")
    result = run(*FUND, elsewhere, sell("s", "2026-03-02", 10, 15, relief=Relief.AVERAGE))
    assert sale(result, "s") == [(10, 30, 0)]
    assert lots(result, "far") == [(100, 9900, "2024-01-05")]


def test_shares_are_transferred_at_the_average():
    result = run(*FUND, transfer("t", "2026-03-02", 120, "T2", relief=Relief.AVERAGE))
    assert [(lot.account, lot.opening, lot.quantity, lot.basis) for lot in result.open_lots] == [
        ("T2", "f1", 100, 1200),
        ("T", "f2", 30, 360),
        ("T2", "f2", 20, 240),
    ]


def test_averaged_thirds_lose_nothing():
    thirds = (buy("a", "2024-01-05", 1, 10), buy("b", "2024-01-08", 2, 11))
    result = run(*thirds, sell("s", "2026-03-02", 1, 15, relief=Relief.AVERAGE))
    assert [row.basis for row in result.realized] == [Fraction(32, 3)]
    assert basis_left(result) == Fraction(64, 3)


def test_where_basis_is_averaged_no_lot_is_identified():
    with pytest.raises(BadEntry, match="cannot be identified where the basis is averaged"):
        run(*FUND, sell("s", "2026-03-02", 5, 15, relief=Relief.AVERAGE, of=[("f1", 5)]))


def test_a_gift_with_two_bases_is_not_averaged():
    given = gift("g", "2025-06-02", 10, 50, market_value="400")
    with pytest.raises(Unsupported, match="one basis for gains and one for losses") as refusal:
        run(*FUND, given, sell("s", "2026-03-02", 5, 15, relief=Relief.AVERAGE))
    assert (refusal.value.rule, refusal.value.entry) == ("R22b", "s")


# --- Shares given away -------------------------------------------------------------------------


def test_what_is_given_away_leaves_with_its_basis_and_is_no_sale():
    result = run(*TWO_LOTS, give("g", "2026-04-06", 60))
    assert result.realized == ()
    assert lots(result, "b2") == [(40, 1200, "2025-03-03")]
    chosen = run(*TWO_LOTS, give("g", "2026-04-06", 10, of=[("b2", 10)]))
    assert lots(chosen, "b2") == [(40, 1200, "2025-03-03")]
    by_order = run(*TWO_LOTS, give("g", "2026-04-06", 10, relief=Relief.LIFO))
    assert lots(by_order, "b2") == [(40, 1200, "2025-03-03")]


def test_nobody_gives_more_than_the_account_holds():
    with pytest.raises(Oversold, match="holds 100 shares"):
        run(*TWO_LOTS, give("g", "2026-04-06", 101))


def test_shares_given_away_no_longer_replace():
    result = run(
        *TWO_LOTS,
        buy("n", "2026-04-01", 10, 22),
        give("g", "2026-04-03", 10, of=[("n", 10)]),
        sell("s", "2026-04-06", 50, 15, of=[("b1", 50)]),
    )
    assert sale(result, "s") == [(50, -250, 0)]
