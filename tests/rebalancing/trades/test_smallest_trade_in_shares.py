"""A trade wanted at the smallest size is not lost to whole shares: the smallest trade is $250."""

from dataclasses import replace
from decimal import Decimal as D

import pytest

from rebalancing.trades.whole_shares import Wanted, in_whole_shares
from rebalancing.types import HouseholdState
from tests.rebalancing.states import account, lot, state


def holding(price: str, *, quantum: str = "1") -> HouseholdState:
    """$40,000 in one security in two lots and another that may be bought, with cash for either."""
    shares = D(20_000) / D(price)
    return state(
        accounts=(replace(account(1, "2000"), quantum=D(quantum)),),
        lots=(
            lot(1, str(shares), "19000", opening=1),
            lot(1, str(shares), "21000", opening=2),
        ),
        prices={1: price, 2: price},
        targets={1: "0.5", 2: "0.47"},
    )


@pytest.mark.parametrize(
    ("price", "wanted", "shares"),
    [
        ("40", "250", "7"),  # 6 are $240: 7 are $280, 12 % more
        ("40", "249", "0"),  # it was not wanted at the smallest size
        ("40", "250.0001", "7"),
        ("40", "249.9999999", "7"),  # a float's last digits
        ("40", "275", "7"),  # 6 are too few here too
        ("40", "290", "7"),  # 7 anyway
        ("160", "250", "0"),  # 2 are $320: more than a quarter above
        ("400", "250", "0"),  # one share is $400
        ("125", "250", "2"),
    ],
)
def test_a_purchase_takes_a_share_more_where_that_is_little_more(price, wanted, shares) -> None:
    found = in_whole_shares(holding(price), Wanted(buys={(1, 2): D(wanted)}, sells={}))
    assert found.buys.get((1, 2), D(0)) == D(shares)
    assert not found.sells


@pytest.mark.parametrize(
    ("price", "wanted", "shares"),
    [
        ("40", {1: "250"}, "7"),
        ("40", {1: "249"}, "0"),
        ("40", {1: "125", 2: "125"}, "7"),  # 3 and 3 of two lots: one order of $250
        ("160", {1: "250"}, "0"),
        ("125", {1: "250"}, "2"),
    ],
)
def test_so_does_a_sale_out_of_one_lot_or_several(price, wanted, shares) -> None:
    sells = {(opening, 0): D(dollars) for opening, dollars in wanted.items()}
    found = in_whole_shares(holding(price), Wanted(buys={}, sells=sells))
    assert sum(found.sells.values(), D(0)) == D(shares)


def test_where_fractions_are_traded_it_is_the_smallest_size_itself() -> None:
    found = in_whole_shares(
        holding("37", quantum="0.0001"), Wanted(buys={(1, 2): D("250")}, sells={})
    )
    assert found.buys[1, 2] == D("6.7567")  # $250.00 to the cent
