"""Before and after, compared, in literals. Owner 1 has sale 10 of lot 5, owner 2 has sale 20."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from lots.changes import (
    LedgerChanges,
    LedgerState,
    LotChange,
    LotFigures,
    SaleFigures,
    Standing,
    YearChange,
    YearFigures,
    compare,
    standing_of,
)
from lots.types import Term

TODAY = date(2025, 6, 2)
LOT = LotFigures(
    account=3,
    security=4,
    acquired=date(2024, 3, 11),
    holding_start=date(2024, 3, 11),
    quantity=Decimal(30),
    basis=Decimal(960),
)
LOSS = SaleFigures(
    owner=1,
    year=2024,
    holding_start=date(2023, 2, 3),
    term=Term.LONG,
    quantity=Decimal(100),
    proceeds=Decimal(3100),
    basis=Decimal(4000),
    disallowed=Decimal(0),
    permanent=Decimal(0),
)
WASHED = replace(LOSS, disallowed=Decimal(270))
BEFORE = LedgerState(lots={(5, 0): LOT}, sales={(10, 2, 0): LOSS})


def test_equal_states_have_no_changes():
    changes = compare(BEFORE, BEFORE, as_of=TODAY)

    assert changes == LedgerChanges()
    assert not changes


def test_a_disallowance_changes_the_year_and_the_lot_it_goes_into():
    adjusted = replace(LOT, basis=Decimal(1230), holding_start=date(2023, 2, 11))
    after = LedgerState(lots={(5, 0): adjusted}, sales={(10, 2, 0): WASHED})

    changes = compare(BEFORE, after, as_of=TODAY)

    assert changes == LedgerChanges(
        years=(
            YearChange(
                owner=1,
                year=2024,
                standing=Standing.CLOSED,
                before=YearFigures(long=Decimal(-900)),
                after=YearFigures(long=Decimal(-630), disallowed=Decimal(270)),
                added=0,
                removed=0,
                changed=1,
            ),
        ),
        lots=(LotChange(5, 0, LOT, adjusted),),
    )
    assert changes.alters_history


def test_years_come_in_order_with_new_and_lost_sales_counted():
    short = replace(LOSS, owner=2, year=2025, term=Term.SHORT, proceeds=Decimal(4500))
    after = LedgerState(lots=BEFORE.lots, sales={(20, 2, 0): short})

    first, second = compare(BEFORE, after, as_of=TODAY).years

    assert (first.owner, first.year, first.added, first.removed, first.changed) == (
        1,
        2024,
        0,
        1,
        0,
    )
    assert (first.before.long, first.after.long) == (Decimal(-900), Decimal(0))
    assert (second.owner, second.year, second.added, second.removed) == (2, 2025, 1, 0)
    assert (second.after.short, second.standing) == (Decimal(500), Standing.OPEN)


def test_equal_totals_with_other_lines_are_a_change():
    """Two parts change places: what the forms list is not what it was."""
    other = replace(LOSS, basis=Decimal(4100))
    before = LedgerState(lots={}, sales={(10, 2, 0): LOSS, (10, 3, 0): other})
    after = LedgerState(lots={}, sales={(10, 2, 0): other, (10, 3, 0): LOSS})

    [year] = compare(before, after, as_of=TODAY).years

    assert year.before == year.after
    assert year.changed == 2


def test_a_reported_year_is_one_even_while_it_is_open():
    after = LedgerState(lots=BEFORE.lots, sales={(10, 2, 0): WASHED})
    as_of = date(2024, 12, 31)

    assert not compare(BEFORE, after, as_of=as_of).alters_history
    [year] = compare(BEFORE, after, as_of=as_of, reported={(1, 2024)}).years
    assert (year.standing, year.alters_history) == (Standing.REPORTED, True)
    [year] = compare(BEFORE, after, as_of=as_of, reported={(2, 2024), (1, 2023)}).years
    assert year.standing is Standing.OPEN


def test_lots_of_new_transactions_are_counted_and_parts_split_off_are_listed():
    rest = replace(LOT, quantity=Decimal(20), basis=Decimal(640))
    split_off = replace(LOT, quantity=Decimal(10), basis=Decimal(410))
    after = LedgerState(lots={(5, 0): rest, (5, 1): split_off, (99, 0): LOT}, sales=BEFORE.sales)

    changes = compare(BEFORE, after, as_of=TODAY)

    assert changes.lots == (LotChange(5, 0, LOT, rest), LotChange(5, 1, None, split_off))
    assert (changes.years, changes.new_lots) == ((), 1)


def test_the_hash_is_of_the_figures_and_not_of_the_numbers_of_new_rows():
    def after(new: int, basis: int) -> LedgerState:
        lot = replace(LOT, basis=Decimal(basis))
        return LedgerState(
            lots={(5, 0): lot, (new, 0): LOT}, sales={(10, 2, 0): WASHED, (new, 2, 0): LOSS}
        )

    one, again, other = (
        compare(BEFORE, after(new, basis), as_of=TODAY).sha256()
        for new, basis in ((98, 1230), (99, 1230), (98, 1231))
    )
    assert one == again != other


@pytest.mark.parametrize(
    ("as_of", "standing"),
    [
        (date(2024, 12, 31), Standing.OPEN),
        (date(2025, 1, 30), Standing.OPEN),
        (date(2025, 1, 31), Standing.CLOSED),
    ],
)
def test_a_year_is_closed_when_january_can_reach_back_no_more(as_of: date, standing: Standing):
    assert standing_of(2024, as_of) is standing
