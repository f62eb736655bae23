"""Which lots leave (R22, U9), with fees, and what cannot leave."""

from fractions import Fraction

import pytest

from lots.errors import Oversold, UnknownLot
from lots.replay import replay
from tests.lots.ledger import ACCOUNTS, buy, lots, receive, sale, sell, split, transfer

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
