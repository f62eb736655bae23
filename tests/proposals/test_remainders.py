"""What is left of an order's lots."""

from decimal import Decimal

from proposals.remainders import LotShares, split_off, unsold


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
