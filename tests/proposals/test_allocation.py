"""A block filled in part, divided among its orders: exact, never too much, fair, and the same again (T49)."""

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal as D
from fractions import Fraction as F

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proposals.allocation import FRACTION, STORED, Wanted, allocate, divide_fee

seeds = st.integers(0, 2**63 - 1)
whole_shares = st.integers(1, 500).map(D)
fractional_shares = st.integers(1, 5_000_000).map(lambda steps: steps * FRACTION)
stored_shares = st.integers(1, 50_000_000_000).map(lambda steps: steps * STORED)


@st.composite
def blocks(
    draw: st.DrawFn, quantities: st.SearchStrategy[D], step: D, fractions: st.SearchStrategy[bool]
) -> tuple[D, list[Wanted]]:
    """Shares filled, from one step to all that is wanted, and the orders."""
    wanted = draw(st.lists(quantities, min_size=1, max_size=40))
    orders = [Wanted(f"{number:03d}", one, draw(fractions)) for number, one in enumerate(wanted)]
    filled = draw(st.integers(1, int(sum(wanted) / step))) * step
    return filled, orders


of_whole = blocks(whole_shares, D(1), st.just(False))
of_fractions = blocks(fractional_shares, FRACTION, st.just(True))
of_both = blocks(whole_shares, FRACTION, st.booleans())
of_any = blocks(st.one_of(whole_shares, fractional_shares, stored_shares), STORED, st.booleans())


def pro_rata(filled: D, orders: Sequence[Wanted]) -> dict[str, F]:
    wanted = F(sum(one.quantity for one in orders))
    return {one.order: F(filled) * F(one.quantity) / wanted for one in orders}


@given(st.one_of(of_whole, of_fractions, of_both, of_any), seeds)
def test_every_share_goes_somewhere_and_no_order_gets_more_than_it_wants(
    block: tuple[D, list[Wanted]], seed: int
):
    filled, orders = block
    found = allocate(filled, orders, seed)
    assert sum(found.shares.values()) + found.untaken == filled
    assert set(found.shares) == {one.order for one in orders}
    assert all(0 <= found.shares[one.order] <= one.quantity for one in orders)
    assert 0 <= found.untaken < 1


@given(st.one_of(of_whole, of_fractions, of_both, of_any), seeds)
def test_each_order_is_within_one_share_of_its_pro_rata(block: tuple[D, list[Wanted]], seed: int):
    filled, orders = block
    found, exact = allocate(filled, orders, seed), pro_rata(*block)
    assert all(
        abs(F(found.shares[one.order]) - exact[one.order]) <= 1 + F(FRACTION) for one in orders
    )


@given(of_whole, seeds)
def test_whole_shares_are_told_whole_and_all_of_them(block: tuple[D, list[Wanted]], seed: int):
    filled, orders = block
    found, exact = allocate(filled, orders, seed), pro_rata(*block)
    assert found.untaken == 0
    assert all(one % 1 == 0 for one in found.shares.values())
    assert all(abs(F(found.shares[key]) - exact[key]) < 1 for key in exact)
    down = [exact[key] % 1 for key in exact if found.shares[key] < exact[key]]
    up = [exact[key] % 1 for key in exact if found.shares[key] > exact[key]]
    assert not down or not up or max(down) <= min(up)  # the larger rests were rounded up


@given(of_fractions, seeds)
def test_fractions_are_told_to_a_ten_thousandth(block: tuple[D, list[Wanted]], seed: int):
    found, exact = allocate(*block, seed), pro_rata(*block)
    assert found.untaken == 0
    assert all(one % FRACTION == 0 for one in found.shares.values())
    assert all(abs(F(found.shares[key]) - exact[key]) < F(FRACTION) for key in exact)


@given(of_both, seeds)
def test_an_account_of_whole_shares_gets_whole_ones_beside_one_of_fractions(
    block: tuple[D, list[Wanted]], seed: int
):
    filled, orders = block
    found = allocate(filled, orders, seed)
    assert all(found.shares[one.order] % 1 == 0 for one in orders if not one.fractions)
    if found.untaken:  # nobody could have taken it: no whole number leaves a rest that fits
        room = sum((one.quantity for one in orders if one.fractions), D(0))
        assert filled % 1 > room
        assert found.untaken == filled % 1 - room


@given(of_any, seeds, st.randoms())
def test_the_order_in_which_orders_are_told_does_not_matter(
    block: tuple[D, list[Wanted]], seed: int, shuffled: random.Random
):
    filled, orders = block
    again = list(orders)
    shuffled.shuffle(again)
    assert allocate(filled, again, seed) == allocate(filled, orders, seed)


@given(of_whole, seeds, st.integers(2, 50))
def test_a_block_so_many_times_as_large_is_divided_as_much_larger_but_for_a_share(
    block: tuple[D, list[Wanted]], seed: int, times: int
):
    filled, orders = block
    small = allocate(filled, orders, seed).shares
    larger = [replace(one, quantity=one.quantity * times) for one in orders]
    large = allocate(filled * times, larger, seed).shares
    assert all(abs(large[key] - small[key] * times) < 1 + times for key in small)


def test_a_block_that_divides_evenly_is_the_same_under_every_seed():
    orders = [Wanted("a", D(10)), Wanted("b", D(20)), Wanted("c", D(30))]
    for seed in range(50):
        assert allocate(D(30), orders, seed).shares == {"a": 5, "b": 10, "c": 15}


def test_what_is_filled_whole_is_what_was_wanted():
    orders = [Wanted("a", D(7)), Wanted("b", D("0.5")), Wanted("c", D("3.1234"), fractions=True)]
    found = allocate(D("10.6234"), orders, 1)
    assert found.shares == {one.order: one.quantity for one in orders}
    assert found.untaken == 0


def test_what_is_beyond_all_that_is_wanted_is_told():
    assert allocate(D(12), [Wanted("a", D(7)), Wanted("b", D(3))], 1).untaken == 2


def test_a_part_of_a_share_that_nobody_can_take_is_told():
    found = allocate(D("5.5"), [Wanted("a", D(7)), Wanted("b", D(3))], 1)
    assert sum(found.shares.values()) == 5
    assert found.untaken == D("0.5")


@pytest.mark.parametrize(
    ("filled", "part_wanted", "to_whole", "to_part"),
    [
        ("2.5", "10", "1", "1.5"),  # of 20: pro rata is 1.25 each, and 1 is the nearer
        ("3.5", "10", "2", "1.5"),  # 1.75 each, and 2 is
        ("19.35", "1", "19", "0.35"),  # of 20: 18.38 and 0.97, but 18 would leave 1.35 for one
    ],
)
def test_whole_shares_beside_a_fraction_are_the_nearest_that_leave_no_rest(
    filled: str, part_wanted: str, to_whole: str, to_part: str
):
    whole = D(20) - D(part_wanted)
    orders = [Wanted("whole", whole), Wanted("part", D(part_wanted), fractions=True)]
    found = allocate(D(filled), orders, 1)
    assert found.shares == {"whole": D(to_whole), "part": D(to_part)}
    assert found.untaken == 0


def test_ties_fall_on_everybody_alike_over_many_seeds():
    """One share for four equal orders, 8,000 times: 2,000 each, give or take five standard deviations (38.7)."""
    orders = [Wanted(name, D(5)) for name in "abcd"]
    served = Counter(
        next(key for key, shares in allocate(D(1), orders, seed).shares.items() if shares)
        for seed in range(8_000)
    )
    assert all(abs(served[one.order] - 2_000) < 194 for one in orders)


def test_the_same_seed_gives_the_same_again_and_what_it_gives_is_kept_for_good():
    """Recorded divisions must be found again in years: a changed draw would break them."""
    orders = [Wanted(name, D(3)) for name in "abcdef"]
    found = allocate(D(8), orders, 2022).shares
    assert found == allocate(D(8), orders, 2022).shares
    assert found == {"a": 1, "b": 1, "c": 2, "d": 2, "e": 1, "f": 1}


@pytest.mark.parametrize(
    ("filled", "orders"),
    [
        (D(0), [Wanted("a", D(1))]),
        (D(1), [Wanted("a", D(0))]),
        (D(1), [Wanted("a", D(1)), Wanted("a", D(2))]),
    ],
)
def test_what_cannot_be_meant_is_refused(filled: D, orders: list[Wanted]):
    with pytest.raises(ValueError, match=r"shares above zero|told twice"):
        allocate(filled, orders, 1)


@given(of_whole, seeds, st.integers(0, 100_000))
def test_a_fee_is_divided_to_the_cent(block: tuple[D, list[Wanted]], seed: int, cents: int):
    shares = {key: one for key, one in allocate(*block, seed).shares.items() if one}
    fee = D(cents).scaleb(-2)
    found = divide_fee(fee, shares, seed)
    assert sum(found.values()) == fee
    assert all(one >= 0 and one.as_tuple().exponent == -2 for one in found.values())


def test_a_fee_finer_than_a_cent_is_divided_exactly():
    found = divide_fee(D("0.0101"), {"a": D(1), "b": D(1)}, 1)
    assert sorted(found.values()) == [D("0.0050"), D("0.0051")]
