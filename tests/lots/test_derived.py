"""From exact results to stored rows, for what only corporate actions and gifts make."""

from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

from lots.derived import DISPOSAL_VALUES, LOT_VALUES, derived_rows
from lots.types import DisposalEvent, OpenLot, Policy, RealizedLot, ReplayResult, Term

DAY = date(2024, 3, 1)


def open_lot(part: int, security: str, quantity: Fraction, basis: Fraction, **more: Any) -> OpenLot:
    return OpenLot(
        opening="7", part=part, account="1", security=security, acquired=DAY, holding_start=DAY,
        quantity=quantity, basis=basis, block="7", **more,
    )  # fmt: skip


def distribution(part: int, gain: Fraction, term: Term) -> RealizedLot:
    return RealizedLot(
        sale="9", trade_date=DAY, account="1", security="5", lot="7", part=part, quantity=Fraction(0),
        acquired=DAY, holding_start=DAY, term=term, proceeds=gain, basis=Fraction(0),
        event=DisposalEvent.DISTRIBUTION,
    )  # fmt: skip


def result(*lots: OpenLot, realized: tuple[RealizedLot, ...] = ()) -> ReplayResult:
    return ReplayResult(realized=realized, open_lots=lots, matches=(), policy=Policy())


def test_a_gift_below_its_basis_keeps_the_basis_for_losses_and_its_start() -> None:
    lot = open_lot(
        0,
        "5",
        Fraction(3),
        Fraction(100),
        is_inherited=False,
        loss_basis=Fraction(200, 3),
        loss_start=DAY,
    )
    [values] = derived_rows(result(lot)).lots.values()

    stored = dict(zip(LOT_VALUES, values, strict=True))
    assert (stored["basis"], stored["loss_basis"], stored["loss_start"]) == (
        Decimal(100),
        Decimal("66.6667"),
        DAY,
    )


def test_an_inherited_lot_says_so_and_has_no_basis_for_losses() -> None:
    lot = open_lot(0, "5", Fraction(3), Fraction(100), is_inherited=True)
    [values] = derived_rows(result(lot)).lots.values()

    stored = dict(zip(LOT_VALUES, values, strict=True))
    assert (stored["is_inherited"], stored["loss_basis"], stored["loss_start"]) == (
        True,
        None,
        None,
    )


def test_dollars_of_a_crumb_never_go_to_another_security() -> None:
    """The child of a spin-off shares its opening with the parent, and its cents are its own."""
    parent = open_lot(0, "5", Fraction(10), Fraction(80))
    child = open_lot(1, "6", Fraction(1, 3), Fraction(20))
    crumb = open_lot(2, "6", Fraction(1, 10**10), Fraction(1, 100))

    lots = derived_rows(result(parent, child, crumb)).lots

    assert {key: values[5] for key, values in lots.items()} == {
        (7, 0): Decimal(80),
        (7, 1): Decimal("20.01"),
    }


def test_a_distribution_beyond_the_basis_has_a_row_without_shares() -> None:
    """Two parts gain 1/3 and 2/3 of a dollar: 0.3333 and 0.6667 add up to 1."""
    rows = (
        distribution(0, Fraction(1, 3), Term.SHORT),
        distribution(1, Fraction(2, 3), Term.LONG),
    )
    disposals = derived_rows(result(realized=rows)).disposals

    named = {
        key: dict(zip(DISPOSAL_VALUES, values, strict=True)) for key, values in disposals.items()
    }
    assert {
        key: (row["term"], row["quantity"], row["proceeds"], row["basis"], row["event"])
        for key, row in named.items()
    } == {
        (9, 7, 0): ("short", Decimal(0), Decimal("0.3333"), Decimal(0), "distribution"),
        (9, 7, 1): ("long", Decimal(0), Decimal("0.6667"), Decimal(0), "distribution"),
    }
