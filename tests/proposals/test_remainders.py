"""What is left of an order's lots."""

from decimal import Decimal

from proposals.remainders import LotShares, filled_of, split_off, unsold


def lots(*rows: tuple[int, int, int]) -> tuple[LotShares, ...]:
    return tuple(LotShares(opening, part, Decimal(shares)) for opening, part, shares in rows)


def test_sold_shares_leave_their_own_lot_whatever_the_order():
    ordered = lots((2, 0, 10), (1, 0, 20))
    assert unsold(ordered, {1: Decimal(20)}, Decimal(20)) == lots((2, 0, 10))
    assert unsold(ordered, {2: Decimal(10), 1: Decimal(5)}, Decimal(15)) == lots((1, 0, 15))


def test_shares_of_a_lot_in_several_parts_leave_the_first_part_first():
    ordered = lots((1, 0, 4), (1, 1, 6))
    assert unsold(ordered, {1: Decimal(7)}, Decimal(7)) == lots((1, 1, 3))


def test_shares_relieved_from_elsewhere_count_against_the_first_lots():
    ordered = lots((2, 0, 10), (1, 0, 20))
    assert unsold(ordered, {7: Decimal(4)}, Decimal(4)) == lots((2, 0, 6), (1, 0, 20))
    assert unsold(ordered, {7: Decimal(4), 1: Decimal(20)}, Decimal(24)) == lots((2, 0, 6))


def test_the_next_shares_are_taken_in_the_order_of_the_lots():
    ordered = lots((2, 0, 10), (1, 0, 20))
    assert split_off(ordered, Decimal(12)) == (lots((2, 0, 10), (1, 0, 2)), lots((1, 0, 18)))
    assert split_off(ordered, Decimal(30)) == (ordered, ())


def test_what_is_filled_of_each_trade_follows_the_lots_of_the_order():
    """Two pairs sell of lot 1, which comes after lot 2: nothing is cut in proportion."""
    first, second, third = (
        LotShares(1, 0, Decimal(60)),
        LotShares(2, 0, Decimal(50)),
        LotShares(1, 0, Decimal(40)),
    )
    lots = [LotShares(2, 0, Decimal(50)), LotShares(1, 0, Decimal(100))]
    found = [
        filled_of([first, second, third], lots, Decimal(shares)) for shares in (0, 49, 90, 130, 150)
    ]
    expected = ("0 0 0", "0 49 0", "40 50 0", "60 50 20", "60 50 40")
    assert found == [tuple(map(Decimal, row.split())) for row in expected]
