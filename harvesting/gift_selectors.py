"""Reads for the page of lots to give: a household's lots, its tax year, and what keeps a lot from being given."""

from dataclasses import dataclass
from datetime import date

from accounts import selectors as accounts
from accounts.types import OwnerKind
from harvesting import selectors
from harvesting.gifts import GiftList, GiftSurroundings, gift_list
from harvesting.types import Book
from lots import selectors as lot_selectors
from lots.year_tax import TaxPosition
from proposals import selectors as proposal_selectors
from proposals.types import Restrictions, Side
from proposals.year_ahead import year_ahead


@dataclass(frozen=True, slots=True)
class HouseholdGifts:
    """The lots of a household sorted into gifts and the rest. ``tax`` None: ``untaxed`` says what is missing."""

    book: Book
    found: GiftList
    tax: TaxPosition | None
    untaxed: str


def household_gifts(household_id: int, as_of: date) -> HouseholdGifts:
    """What a household can give on ``as_of``, with approved and ordered proposals counted as traded.

    The number of queries does not depend on how many lots there are. Raises Household.DoesNotExist, LedgerError for a
    ledger that cannot be followed.
    """
    book = selectors.book(household_id, as_of)
    tax, why = lot_selectors.tax_or_reason(household_id, as_of.year)
    if tax is not None:
        tax = year_ahead(
            tax,
            under_way=proposal_selectors.intentions(household_id, as_of=as_of),
            lots=book.lots,
            accounts=proposal_selectors.accounts_on_the_return(household_id),
            as_of=as_of,
        )
    around = _surroundings(household_id, book, tax)
    return HouseholdGifts(book, gift_list(book, around), tax, why)


def _surroundings(household_id: int, book: Book, tax: TaxPosition | None) -> GiftSurroundings:
    as_of = book.as_of
    windows = proposal_selectors.windows(household_id, as_of)
    differing = lot_selectors.unreconciled(household_id, as_of)
    return GiftSurroundings(
        tax=tax,
        not_taxed=_not_taxed(household_id),
        unreconciled={
            account: f"The lots of {book.account(account)} are not what its custodian holds: {text}."
            for account, text in differing.items()
        },
        restricted=_not_to_leave(book, windows.restricted),
        reserved=windows.reserved,
        doubtful=selectors.price_jumps(
            {lot.security for lot in book.lots},
            as_of,
            book.symbols,
            book.rules.maximum_price_jump,
        ),
    )


def _not_taxed(household_id: int) -> dict[int, str]:
    """Account -> why giving out of it avoids no tax on the household's return."""
    found = {}
    for account in accounts.accounts_of(household_id):
        if not account.is_taxable:
            found[account.pk] = (
                "In a retirement account no gain is taxed: what is taken out of it is a distribution (R16)."
            )
        elif account.owner.kind == OwnerKind.CORPORATION:
            found[account.pk] = "It belongs to a corporation, which is another taxpayer (R18)."
    return found


def _not_to_leave(book: Book, restricted: Restrictions) -> dict[tuple[int, int], str]:
    """Positions that must not be sold, and so not be given either, each with the sentence why (F37).

    One that is held for its gains may be given: that realises none.
    """
    found = {}
    for account, security in {(lot.account, lot.security) for lot in book.lots}:
        row = restricted.against(Side.SELL, account=account, security=security)
        if row is not None:
            found[account, security] = f"{book.symbol(security)} must not be sold: {row.dated}."
    return found
