"""One return and year of a household: what its tax reports are made of, read once."""

from dataclasses import dataclass
from datetime import date
from functools import cached_property

from accounts.models import Household
from accounts.selectors import business_date
from lots.errors import LedgerError
from lots.replay import replay
from lots.reports.filings import Filing, filings
from lots.reports.form_8949 import BrokerFigures
from lots.reports.reconciliation import (
    MatchKey,
    RowKey,
    as_stored,
    broker_figures,
    broker_replay,
    match_key,
)
from lots.reports.wash_status import seen_to
from lots.selectors import reports as stored
from lots.selectors.ledger import ledger
from lots.selectors.policies import policy
from lots.selectors.reports import ReportAccount, SoldLot
from lots.types import Ledger, Policy, RealizedLot, ReplayResult


class NoSuchReturn(LedgerError):
    """Nobody of the household has a taxable account, or the key is not one of its returns'."""

    code = "no_such_return"


@dataclass(frozen=True)
class Books:
    """A household's ledger and what people call the things in it."""

    household: Household

    @cached_property
    def accounts(self) -> dict[str, ReportAccount]:
        """All accounts of the household."""
        return stored.report_accounts(self.household.pk)

    @cached_property
    def ledger(self) -> Ledger:
        return ledger(self.household.pk)

    @cached_property
    def policy(self) -> Policy:
        return policy(self.household.firm_id)

    @cached_property
    def symbols(self) -> dict[str, str]:
        return stored.symbols(self.household.pk)

    @cached_property
    def brokers(self) -> ReplayResult:
        """What each account's broker computes, of all years. Raises LedgerError."""
        book = self.ledger
        household = replay(book.entries, book.accounts, book.groups, book.policy)
        return broker_replay(book, household)


@dataclass(frozen=True)
class TaxDesk:
    """One return and year as it stands on the firm's business date."""

    books: Books
    year: int
    filing: Filing
    filings: tuple[Filing, ...]
    as_of: date

    @property
    def household(self) -> Household:
        return self.books.household

    @cached_property
    def booked_through(self) -> date | None:
        return stored.booked_through(self.household.pk)

    @property
    def seen_to(self) -> date:
        """The day before which everything is known."""
        return seen_to(self.as_of, self.booked_through)

    @cached_property
    def sold(self) -> tuple[SoldLot, ...]:
        """The return's sales of the year."""
        return tuple(
            sold
            for sold in stored.sold_lots(self.household.pk, self.year)
            if self.books.accounts[sold.row.account].account.owner in self.filing.owners
        )

    @cached_property
    def rows(self) -> tuple[RealizedLot, ...]:
        return tuple(sold.row for sold in self.sold)

    @cached_property
    def brokers(self) -> dict[RowKey, BrokerFigures]:
        """What the brokers' Forms 1099-B show of the sales; nothing where ``why_no_brokers`` says why."""
        if not self.rows or self.why_no_brokers:
            return {}
        sales = {row.sale for row in self.rows}
        return broker_figures(self.rows, as_stored(self.books.brokers, sales))

    @cached_property
    def seen_by_brokers(self) -> frozenset[MatchKey]:
        """The matches that the brokers make."""
        if not self.rows or self.why_no_brokers:
            return frozenset()
        return frozenset(match_key(match) for match in self.books.brokers.matches)

    @cached_property
    def why_no_brokers(self) -> str:
        """Why the brokers' figures cannot be computed; empty where they can."""
        try:
            self.books.brokers  # noqa: B018 - computed once, or refused
        except LedgerError as refused:
            return f"What the brokers report cannot be computed: {refused}"
        return ""


def tax_desk(household: Household, year: int, key: str = "") -> TaxDesk:
    """The return of the key, the first one for an empty key. Raises NoSuchReturn."""
    return desk_of(Books(household), year, key)


def desk_of(books: Books, year: int, key: str = "") -> TaxDesk:
    """The same of a household whose books are open already."""
    household = books.household
    found = filings(stored.tax_owners(household.pk), stored.filing_status(household.pk, year))
    for filing in found:
        if key in ("", filing.key):
            return TaxDesk(books, year, filing, found, business_date(household.firm))
    raise NoSuchReturn(
        f"{household} has no return {key!r}." if found else f"{household} has no taxable account."
    )
