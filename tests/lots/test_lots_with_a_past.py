"""Lots that come with a history of their own: opening lots, gifts, inheritances; and vests, which begin one."""

from decimal import Decimal

import pytest

from lots.errors import BadEntry
from lots.replay import replay
from lots.types import EntryKind, Policy, Relief, SoldReplacementPolicy, Term
from tests.lots.ledger import (
    ACCOUNTS,
    buy,
    day,
    gift,
    lots,
    opening,
    sale,
    sell,
    trade,
    transfer,
)

OLD = buy("old", "2025-02-03", 100, 40)  # outside every window below


def run(*entries, **switches):
    return replay(entries, ACCOUNTS, [], Policy(**switches))


def rows(result):
    return [
        (r.acquired.isoformat(), r.holding_start.isoformat(), r.term, r.basis, r.gain)
        for r in result.realized
    ]


# --- Vests (R19) -------------------------------------------------------------------------------


def test_a_vest_is_a_purchase_at_the_value_taxed():
    vest = trade(EntryKind.VEST, "v", "2026-03-10", 30, 32)
    result = run(OLD, sell("s", "2026-03-02", 100, 31), vest)
    assert sale(result, "s") == [(100, -900, 270)]
    assert lots(result, "v") == [(30, 1230, "2025-02-11")]


# --- Opening lots ------------------------------------------------------------------------------


def test_an_opening_lot_has_the_dates_and_basis_it_came_with():
    taken = opening(
        "o", "2026-01-05", 10, 50, acquired="2024-03-04", holding_start=day("2023-05-08")
    )
    result = run(taken, sell("s", "2026-03-02", 4, 60))
    assert rows(result) == [("2024-03-04", "2023-05-08", Term.LONG, 200, 40)]
    assert lots(result, "o") == [(6, 300, "2023-05-08")]


def test_an_opening_lot_leaves_in_the_order_of_its_purchase():
    later = opening("o", "2026-01-05", 10, 50, acquired="2024-03-04")
    result = run(OLD, later, sell("s", "2026-03-02", 10, 60))
    assert [row.lot for row in result.realized] == ["o"]


@pytest.mark.parametrize(
    ("acquired", "sold", "lost"),
    [
        ("2026-02-20", "2026-03-02", 360),  # bought inside the window
        ("2026-01-31", "2026-03-02", 360),  # day 30
        ("2026-01-30", "2026-03-02", 0),  # day 31, though taken over inside the window
        ("2026-02-20", "2026-02-28", 0),  # sold before it was taken over
        ("2026-02-20", "2026-03-01", 360),  # sold on the day on which it was taken over
    ],
)
def test_an_opening_lot_replaces_by_its_purchase_date_what_is_sold_from_its_first_day_on(
    acquired, sold, lost
):
    taken = opening("o", "2026-03-01", 40, 35, acquired=acquired)
    result = run(OLD, sell("s", sold, 100, 31, of=[("old", 100)]), taken)
    assert sale(result, "s") == [(100, -900, lost)]


def test_an_opening_lot_serves_before_what_was_bought_after_it():
    result = run(
        OLD,
        buy("b", "2026-02-23", 40, 35),
        opening("o", "2026-03-01", 40, 35, acquired="2026-02-20"),
        sell("s", "2026-03-02", 50, 31, of=[("old", 50)]),
    )
    assert [(m.replacement, m.shares) for m in result.matches] == [("o", 40), ("b", 10)]


def test_an_opening_lot_keeps_an_earlier_start_when_it_replaces():
    start = day("2024-06-03")
    taken = opening("o", "2026-03-01", 40, 35, acquired="2026-02-20", holding_start=start)
    result = run(OLD, taken, sell("s", "2026-03-02", 100, 31, of=[("old", 100)]))
    assert lots(result, "o") == [(40, 1760, "2024-06-03")]
    assert result.matches[0].rule_ids == ("R5", "R11", "R13")  # no reading of U3 changes it


def test_an_iras_opening_lot_comes_first_on_the_day_of_its_purchase():
    result = run(
        OLD,
        buy("b", "2026-02-20", 40, 35),
        opening("o", "2026-03-01", 40, 35, acquired="2026-02-20", account="I"),
        sell("s", "2026-03-02", 50, 31, of=[("old", 50)]),
    )
    assert [(m.replacement, "U6" in m.rule_ids) for m in result.matches] == [
        ("o", True),
        ("b", False),
    ]
    assert result.permanently_disallowed == 360


def test_opening_lots_stand_there_before_the_trades_of_their_day():
    taken = opening("o", "2026-03-02", 10, 50, acquired="2025-02-03")
    assert sale(run(sell("s", "2026-03-02", 10, 60), taken), "s") == [(10, 100, 0)]


def test_an_opening_lot_says_when_it_was_bought():
    bare = trade(EntryKind.OPENING, "o", "2026-03-02", 10, 50)
    with pytest.raises(BadEntry, match="needs the date on which it was acquired"):
        run(bare)
    with pytest.raises(BadEntry, match="dates must run"):
        run(opening("o", "2026-03-02", 10, 50, acquired="2026-03-03"))


# --- Gifts (IRC 1015, 1223(2)) -----------------------------------------------------------------

PAST = {"holding_start": day("2020-01-06")}
BELOW = gift("g", "2026-01-05", 10, 50, market_value="400", **PAST)  # 500 to the donor


@pytest.mark.parametrize(
    ("price", "row"),
    [
        (60, ("2026-01-05", "2020-01-06", Term.LONG, 500, 100)),  # a gain on the donor's basis
        (50, ("2026-01-05", "2020-01-06", Term.LONG, 500, 0)),
        (45, ("2026-01-05", "2020-01-06", Term.LONG, 450, 0)),  # neither gain nor loss
        (40, ("2026-01-05", "2020-01-06", Term.LONG, 400, 0)),
        (30, ("2026-01-05", "2026-01-05", Term.SHORT, 400, -100)),  # a loss on the value
    ],
)
def test_a_gift_below_its_basis_has_one_basis_for_gains_and_one_for_losses(price, row):
    assert rows(run(BELOW, sell("s", "2026-03-02", 10, price))) == [row]


def test_a_loss_on_a_gift_counts_from_the_gift_even_where_the_donors_purchase_is_told():
    entry = gift("g", "2026-01-05", 10, 50, market_value="400", acquired=day("2020-01-06"), **PAST)
    result = run(entry, sell("s", "2026-03-02", 10, 30))
    assert rows(result) == [("2026-01-05", "2026-01-05", Term.SHORT, 400, -100)]


def test_a_value_that_is_not_below_the_basis_changes_nothing():
    for value in ("500", "600", None):
        told = {} if value is None else {"market_value": value}
        entry = gift("g", "2026-01-05", 10, 50, **told, **PAST)
        result = run(entry, sell("s", "2026-03-02", 4, 30))
        assert rows(result) == [("2026-01-05", "2020-01-06", Term.LONG, 200, -80)]
        (left,) = result.open_lots
        assert (left.loss_basis, left.loss_start) == (None, None)


def test_what_is_left_of_a_gift_shows_both_bases_wherever_it_goes():
    result = run(BELOW, sell("s", "2026-03-02", 5, 60), transfer("t", "2026-03-03", 2, "T2"))
    assert [
        (lot.account, lot.quantity, lot.basis, lot.loss_basis, lot.loss_start)
        for lot in result.open_lots
    ] == [
        ("T", 3, 150, 120, day("2026-01-05")),
        ("T2", 2, 100, 80, day("2026-01-05")),
    ]


def test_a_washed_loss_on_a_gift_is_measured_and_tacked_from_the_gift():
    result = run(BELOW, sell("s", "2026-03-02", 10, 30), buy("b", "2026-03-10", 10, 31))
    assert sale(result, "s") == [(10, -100, 100)]
    assert lots(result, "b") == [(10, 410, "2026-01-13")]  # 56 days held


def test_a_gift_is_no_acquisition():
    result = run(OLD, sell("s", "2026-03-02", 100, 31), gift("g", "2026-03-09", 40, 35))
    assert sale(result, "s") == [(100, -900, 0)]


def test_lowest_tax_looks_at_the_basis_that_would_count():
    """Sold at 45 the gift is neither gain nor loss; a gain of one dollar a share comes after it."""
    entries = (buy("up", "2025-01-06", 10, 44), BELOW)
    result = run(*entries, sell("s", "2026-03-02", 10, 45, relief=Relief.LOWEST_TAX))
    assert [row.lot for row in result.realized] == ["g"]


def test_only_a_gift_has_a_value_of_its_day():
    with pytest.raises(BadEntry, match="only a gift received has one"):
        run(buy("b", "2026-03-02", 10, 50, market_value=Decimal(1)))
    with pytest.raises(BadEntry, match="market value must not be negative"):
        run(gift("g", "2026-03-02", 10, 50, market_value="-1"))


# --- Inheritances (IRC 1014, 1223(9)) ----------------------------------------------------------


def test_an_inherited_lot_is_long_term_on_the_first_day():
    heir = trade(EntryKind.INHERIT, "i", "2026-03-02", 10, 50)
    result = run(heir, sell("s", "2026-03-03", 4, 60))
    assert rows(result) == [("2026-03-02", "2026-03-02", Term.LONG, 200, 40)]
    assert [lot.is_inherited for lot in result.open_lots] == [True]
    assert [lot.is_inherited for lot in run(OLD).open_lots] == [False]


def test_an_inheritance_is_no_acquisition():
    heir = trade(EntryKind.INHERIT, "i", "2026-03-09", 40, 35)
    assert sale(run(OLD, sell("s", "2026-03-02", 100, 31), heir), "s") == [(100, -900, 0)]


def test_a_gift_that_was_sold_is_no_replacement_under_the_literal_reading_either():
    result = run(
        OLD,
        gift("g", "2026-02-20", 40, 35),
        sell("s1", "2026-02-25", 40, 36, of=[("g", 40)]),
        sell("s", "2026-03-02", 100, 31),
        sold_replacement=SoldReplacementPolicy.LITERAL_ACQUIRED,
    )
    assert sale(result, "s") == [(100, -900, 0)]
