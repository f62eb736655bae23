"""The stored figures of households at one moment, and changes of them in the words of people."""

import json
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from accounts.canonical import decimal_text
from accounts.models import Account, Owner
from accounts.selectors import market_date
from lots.changes import (
    LedgerChanges,
    LedgerState,
    LotChange,
    LotFigures,
    OwnerYear,
    SaleFigures,
    Standing,
    YearChange,
)
from lots.models import Disposal, ReportedYear, TaxLot, Transaction
from lots.types import Term
from securities.models import Security

_SHOWN = 200  # lots that a page lists one by one


@dataclass(frozen=True, slots=True)
class NamedYear:
    """A year that changes, with whose it is."""

    household: str
    owner: str
    change: YearChange


@dataclass(frozen=True, slots=True)
class NamedLot:
    """A lot part that changes, with what it is, or was where it is gone."""

    account: str
    account_before: str
    symbol: str
    symbol_before: str
    acquired: date
    external_id: str
    change: LotChange


@dataclass(frozen=True, slots=True)
class ReportedReturn:
    """What was given out last of a return whose year changes: dollars, in cents."""

    household: str
    year: int
    title: str
    reported_on: date
    short: Decimal
    long: Decimal
    disallowed: Decimal


@dataclass(frozen=True, slots=True)
class NamedChanges:
    """Changes as a page or a terminal shows them."""

    years: tuple[NamedYear, ...]
    reported: tuple[ReportedReturn, ...]
    lots: tuple[NamedLot, ...]
    more_lots: int  # not listed
    new_lots: int
    alters_history: bool
    sha256: str

    def __bool__(self) -> bool:
        return bool(self.years or self.lots or self.new_lots)

    def lines(self) -> Iterator[str]:
        """One line a change, for a terminal."""
        for year in self.years:
            yield _year_line(year)
        for one in self.reported:
            yield (
                f"{one.household}: reported on {one.reported_on} for {one.year}, {one.title}: short-term "
                f"{decimal_text(one.short)}, long-term {decimal_text(one.long)}, disallowed "
                f"{decimal_text(one.disallowed)}."
            )
        for lot in self.lots:
            yield _lot_line(lot)
        if self.more_lots:
            yield f"... and {self.more_lots} more lots."
        yield f"{self.new_lots} new lots."


def ledger_state(household_ids: Collection[int]) -> LedgerState:
    """What is stored of the households now. Two queries."""
    lots = TaxLot.objects.filter(account__household__in=household_ids).order_by()
    sales = Disposal.objects.filter(account__household__in=household_ids, is_taxable=True)
    return LedgerState(
        lots={
            (opening, part): LotFigures(account, security, acquired, start, quantity, basis)
            for opening, part, account, security, acquired, start, quantity, basis
            in lots.values_list(
                "opening_id", "part", "account_id", "security_id", "acquired", "holding_start",
                "quantity", "basis",
            )
        },
        sales={
            (sale, opening, part): SaleFigures(
                owner, day.year, start, Term(term), quantity, proceeds, basis, disallowed, permanent
            )
            for sale, opening, part, owner, day, start, term, quantity, proceeds, basis, disallowed,
            permanent in sales.order_by().values_list(
                "sale_id", "opening_id", "part", "account__owner_id", "trade_date", "holding_start",
                "term", "quantity", "proceeds", "basis", "disallowed", "permanent",
            )
        },
    )  # fmt: skip


def households_of(accounts: Iterable[int]) -> frozenset[int]:
    """The households of the accounts."""
    rows = Account.objects.filter(pk__in=set(accounts)).order_by()
    return frozenset(rows.values_list("household_id", flat=True))


def reported_owner_years(household_ids: Collection[int]) -> frozenset[OwnerYear]:
    """The owners' years whose figures were given out: a household's report is one of each of its owners."""
    rows = ReportedYear.objects.filter(household__in=household_ids)
    return frozenset(rows.order_by().values_list("household__owners", "year").distinct())


def named_changes(changes: LedgerChanges) -> NamedChanges:
    """The changes with the names of households, owners, accounts and securities. Four queries at most."""
    owners = Owner.objects.select_related("household").in_bulk(
        {year.owner for year in changes.years}
    )
    shown = changes.lots[:_SHOWN]
    places = {figures for lot in shown for figures in (lot.before, lot.after) if figures}
    openings = Transaction.objects.select_related("security").in_bulk(
        {lot.opening for lot in shown}
    )
    accounts = _accounts(places)
    symbols = _symbols(places)
    return NamedChanges(
        years=tuple(
            NamedYear(owners[year.owner].household.name, owners[year.owner].name, year)
            for year in changes.years
        ),
        reported=_reported(
            {
                (owners[year.owner].household_id, year.year)
                for year in changes.years
                if year.standing is Standing.REPORTED
            }
        ),
        lots=tuple(
            NamedLot(
                account=accounts[figures.account],
                account_before=accounts[(lot.before or figures).account],
                symbol=symbols[figures.security],
                symbol_before=symbols[(lot.before or figures).security],
                acquired=figures.acquired,
                external_id=openings[lot.opening].external_id,
                change=lot,
            )
            for lot in shown
            if (figures := lot.after or lot.before)
        ),
        more_lots=len(changes.lots) - len(shown),
        new_lots=changes.new_lots,
        alters_history=changes.alters_history,
        sha256=changes.sha256(),
    )


def _reported(years: Collection[tuple[int, int]]) -> tuple[ReportedReturn, ...]:
    """The returns of the newest report of each household and year."""
    rows = ReportedYear.objects.filter(
        household__in={household for household, _ in years}, year__in={year for _, year in years}
    )
    newest = {
        (row.household_id, row.year): row
        for row in rows.select_related("household").order_by("pk")
        if (row.household_id, row.year) in years
    }
    return tuple(
        ReportedReturn(
            household=row.household.name,
            year=row.year,
            title=one["title"],
            reported_on=market_date(row.reported_at),
            short=Decimal(one["short"]),
            long=Decimal(one["long"]),
            disallowed=Decimal(one["disallowed"]),
        )
        for _, row in sorted(newest.items())
        for one in json.loads(row.figures)["returns"]
    )


def _accounts(places: Collection[LotFigures]) -> dict[int, str]:
    rows = Account.objects.filter(pk__in={one.account for one in places})
    return dict(rows.values_list("pk", "number"))


def _symbols(places: Collection[LotFigures]) -> dict[int, str]:
    rows = Security.objects.filter(pk__in={one.security for one in places})
    return dict(rows.values_list("pk", "symbol"))


def _year_line(year: NamedYear) -> str:
    change = year.change
    was, becomes = change.before, change.after
    figures = ", ".join(
        f"{word} {_moved(old, new)}"
        for word, old, new in (
            ("short-term", was.short, becomes.short),
            ("long-term", was.long, becomes.long),
            ("disallowed", was.disallowed, becomes.disallowed),
            ("for ever", was.permanent, becomes.permanent),
        )
        if old != new
    )
    rows = f"{change.added} sales new, {change.changed} changed, {change.removed} gone"
    mark = f" ({change.standing} year)" if change.alters_history else ""
    return (
        f"{year.household}: {year.owner}, {change.year}{mark}: {figures or 'equal totals'}; {rows}."
    )


def _lot_line(lot: NamedLot) -> str:
    was, becomes = lot.change.before, lot.change.after
    name = f"{lot.account}: lot {lot.external_id} of {lot.symbol}, {lot.acquired}"
    if was is None or becomes is None:
        figures = was or becomes
        assert figures is not None, "a change has a before or an after"
        what = "gone" if becomes is None else "split off"
        return f"{name}: {decimal_text(figures.quantity)} shares {what}."
    moved = ", ".join(
        f"{word} {old} -> {new}"
        for word, old, new in (
            ("shares", decimal_text(was.quantity), decimal_text(becomes.quantity)),
            ("basis", decimal_text(was.basis), decimal_text(becomes.basis)),
            ("holding since", was.holding_start, becomes.holding_start),
            ("account", lot.account_before, lot.account),
            ("security", lot.symbol_before, lot.symbol),
        )
        if old != new
    )
    return f"{name}: {moved}."


def _moved(old: Decimal, new: Decimal) -> str:
    return f"{decimal_text(old)} -> {decimal_text(new)}"
