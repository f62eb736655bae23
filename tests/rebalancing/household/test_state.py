"""What of a household's lots the optimiser may sell."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

from lots.types import LotRow, Term
from proposals.types import RestrictionKind, RestrictionRow, Restrictions, Windows
from rebalancing.household.restrictions import why_kept
from rebalancing.household.state import Underway, assemble, forbidden, lots_after
from rebalancing.types import Kept, StateLot
from tests.rebalancing import legacy, states

LOT = LotRow(
    1, 0, 7, 1, date(2024, 3, 1), date(2024, 3, 1), quantity=Decimal(10), basis=Decimal(100)
)


def state_lot(row: LotRow) -> StateLot:
    [lot] = lots_after(rows=[row], taxable={7: True}, coming=Underway(), as_of=date(2024, 6, 3))
    return lot


def test_a_gift_worth_less_than_its_basis_is_not_the_optimisers_to_sell() -> None:
    """Between its two bases it has neither gain nor loss: no one gain per dollar describes it (IRC 1015(a))."""
    gift = replace(LOT, loss_basis=Decimal(60), loss_start=date(2024, 3, 1))

    assert (state_lot(LOT).sellable, state_lot(gift).sellable) == (Decimal(10), Decimal(0))


def test_why_a_gift_is_kept_is_told_apart_from_the_others() -> None:
    held = [
        legacy.lot(1, 1, "500", "20000"),
        replace(
            legacy.lot(2, 1, "100", "12000"), loss_basis=Decimal(9000), loss_start=date(2020, 3, 2)
        ),
    ]
    found = assemble(legacy.books(lots=held, targets={1: "0.2", 2: "0.77"}))

    assert found.kept == {(2, 0): Kept.GIFT}
    assert why_kept(found.lots[1], found) == (
        "a gift with two bases has no one gain: a person decides about it"
    )


def test_an_inherited_lot_is_long_term_at_once() -> None:
    assert state_lot(LOT).term is Term.SHORT
    assert state_lot(replace(LOT, is_inherited=True)).term is Term.LONG


def test_what_is_restricted_is_neither_bought_nor_sold() -> None:
    """F37: a NO_SELL of one account leaves the others alone; a NO_BUY of one account bars the purchase there."""
    before = states.state(
        accounts=(states.account(1), states.account(2)),
        lots=(
            states.lot(1, "10", "100", opening=1),
            states.lot(1, "10", "100", opening=2, account=2),
        ),
        prices={1: "9", 2: "5"},
        targets={1: "0.5", 2: "0.5"},
    )
    row = RestrictionRow(2, RestrictionKind.NO_BUY, 2, states.DAY, None, "Employer.")
    windows = Windows({}, {}, {}, restricted=Restrictions((row,)), no_sell=frozenset({(2, 1)}))

    after = forbidden(before, windows)

    assert [lot.sellable for lot in after.lots] == [Decimal(10), Decimal(0)]
    assert (after.buyable, after.barred) == (frozenset({1, 2}), frozenset({(2, 2)}))
    household = replace(windows, restricted=Restrictions((replace(row, account=None),)))
    assert forbidden(before, household).buyable == {1}
    assert forbidden(before, Windows({}, {}, {})) == before
