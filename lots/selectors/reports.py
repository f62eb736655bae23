"""What the tax reports of a household are made of: stored rows, exact, with the words that people know them by."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from fractions import Fraction

from django.db.models import Max
from django.db.models.functions import ExtractYear

from accounts.models import Account, TaxProfile
from accounts.selectors import accounts_of, firm_of
from accounts.types import AccountKind, FilingStatus, OwnerKind
from lots.coverage import Coverage, NamedAccount, coverage
from lots.models import Disposal, ReportedYear, Transaction, WashSale
from lots.reports.filings import TaxOwner
from lots.selectors.policies import identical_groups, policy
from lots.types import (
    DisposalEvent,
    EntryKind,
    IdenticalGroups,
    IndexFundPolicy,
    LedgerAccount,
    RealizedLot,
    Term,
    Treatment,
    WashMatch,
)
from securities.models import Security


@dataclass(frozen=True, slots=True)
class ReportAccount:
    """An account as reports name it."""

    account: LedgerAccount
    name: str
    number: str
    custodian: str
    owner: str
    held_away: bool

    @property
    def label(self) -> str:
        return f"{self.name} ({self.number})"

    @property
    def named(self) -> NamedAccount:
        return NamedAccount(self.account, self.label, self.held_away)


@dataclass(frozen=True, slots=True)
class SoldLot:
    """A stored disposal of a taxable account with the names of what it refers to."""

    row: RealizedLot
    symbol: str
    is_fund: bool
    is_inherited: bool
    sale_name: str  # the custodian's id of the sale
    lot_name: str  # and of the entry that opened the lot
    rule_ids: tuple[str, ...]  # of the matches of this lot in this sale


def report_accounts(household_id: int) -> dict[str, ReportAccount]:
    """The household's accounts, by id."""
    rows = accounts_of(household_id)
    return {
        str(row.pk): ReportAccount(
            account=LedgerAccount(
                id=str(row.pk),
                kind=AccountKind(row.kind),
                owner=str(row.owner_id),
                owner_kind=OwnerKind(row.owner.kind),
            ),
            name=row.name,
            number=row.number,
            custodian=row.custodian,
            owner=row.owner.name,
            held_away=row.held_away,
        )
        for row in rows
    }


def purchases_searched(household_id: int) -> Coverage:
    """Whose purchases the household's proposals looked for, and whose not."""
    firm_id = firm_of(household_id)
    accounts = [one.named for one in report_accounts(household_id).values()]
    return coverage(accounts, policy(firm_id))


def tax_owners(household_id: int) -> tuple[TaxOwner, ...]:
    """The owners with at least one taxable account, in the order of their first account."""
    return owners_taxed(accounts_of(household_id))


def owners_taxed(accounts: Iterable[Account]) -> tuple[TaxOwner, ...]:
    """The owners of those of one household's accounts that are taxable, in their order."""
    found = {
        row.owner_id: TaxOwner(str(row.owner_id), row.owner.name, OwnerKind(row.owner.kind))
        for row in accounts
        if row.is_taxable
    }
    return tuple(found.values())


def filing_status(household_id: int, year: int) -> FilingStatus | None:
    """How the household files the year; None where nobody entered a tax profile."""
    profile = TaxProfile.objects.filter(household=household_id, year=year).first()
    return None if profile is None else FilingStatus(profile.filing_status)


def sold_lots(household_id: int, year: int | None = None) -> tuple[SoldLot, ...]:
    """The lot parts sold in taxable accounts, in the order of their sales; of one tax year, or of all (R6)."""
    rows = Disposal.objects.filter(account__household=household_id, is_taxable=True)
    matches = WashSale.objects.filter(sale__account__household=household_id)
    if year is not None:
        rows = rows.filter(trade_date__year=year)
        matches = matches.filter(sale__trade_date__year=year)
    rules: dict[tuple[int, int], set[str]] = {}
    for sale, opening, ids in matches.values_list("sale_id", "sold_opening_id", "rule_ids"):
        rules.setdefault((sale, opening), set()).update(ids.split())
    stored = rows.select_related("sale", "opening", "security")
    return tuple(
        SoldLot(
            row=realized_lot(row),
            symbol=row.security.symbol,
            is_fund=row.security.is_fund,
            is_inherited=row.opening.kind == EntryKind.INHERIT,
            sale_name=row.sale.external_id,
            lot_name=row.opening.external_id,
            rule_ids=_sorted_rules(rules.get((row.sale_id, row.opening_id), set()))
            if row.disallowed
            else (),
        )
        for row in stored.order_by("trade_date", "sale", "opening", "part")
    )


def realized_lot(row: Disposal) -> RealizedLot:
    """A stored row as the pure modules take it; exact."""
    return RealizedLot(
        sale=str(row.sale_id),
        trade_date=row.trade_date,
        account=str(row.account_id),
        security=str(row.security_id),
        lot=str(row.opening_id),
        part=row.part,
        quantity=Fraction(row.quantity),
        acquired=row.acquired,
        holding_start=row.holding_start,
        term=Term(row.term),
        proceeds=Fraction(row.proceeds),
        basis=Fraction(row.basis),
        disallowed=Fraction(row.disallowed),
        permanent=Fraction(row.permanent),
        event=DisposalEvent(row.event),
    )


def wash_matches(household_id: int, year: int) -> tuple[WashMatch, ...]:
    """The stored matches of the year's sales; exact."""
    rows = WashSale.objects.filter(
        sale__account__household=household_id, sale__trade_date__year=year
    ).select_related("replacement")
    return tuple(
        WashMatch(
            sale=str(row.sale_id),
            sold_lot=str(row.sold_opening_id),
            replacement=str(row.replacement_id),
            replacement_account=str(row.replacement.account_id),
            shares=Fraction(row.shares),
            amount=Fraction(row.amount),
            treatment=Treatment(row.treatment),
            rule_ids=tuple(row.rule_ids.split()),
        )
        for row in rows.order_by("sale", "ordinal")
    )


def bought_securities(household_id: int) -> dict[str, str]:
    """Entry -> the security it was booked in, for the household's purchases and receipts."""
    rows = Transaction.objects.filter(account__household=household_id).exclude(security=None)
    return {str(pk): str(security) for pk, security in rows.values_list("pk", "security_id")}


def tax_years(household_id: int) -> list[int]:
    """The years with taxable sales or a tax profile, newest first."""
    sold = Disposal.objects.filter(account__household=household_id, is_taxable=True)
    years = set(sold.annotate(year=ExtractYear("trade_date")).values_list("year", flat=True))
    years |= set(TaxProfile.objects.filter(household=household_id).values_list("year", flat=True))
    return sorted(years, reverse=True)


def booked_through(household_id: int) -> date | None:
    """The trade date of the household's latest entry; None for an empty ledger."""
    rows = Transaction.objects.filter(account__household=household_id)
    last: date | None = rows.aggregate(last=Max("trade_date"))["last"]
    return last


def last_booked(household_id: int) -> dict[str, date]:
    """Account -> the trade date of its latest entry, of the accounts that have one; a transfer is both accounts'."""
    rows = Transaction.objects.filter(account__household=household_id)
    own = rows.values_list("account").annotate(last=Max("trade_date"))
    received = (
        rows.exclude(to_account=None).values_list("to_account").annotate(last=Max("trade_date"))
    )
    found: dict[str, date] = {}
    for account, last in (*own, *received):
        found[str(account)] = max(last, found.get(str(account), last))
    return found


def groups_under(household_id: int, reading: IndexFundPolicy) -> IdenticalGroups:
    """The identical groups as they would be under another reading of U1."""
    firm_id = firm_of(household_id)
    return identical_groups(firm_id, replace(policy(firm_id), index_funds=reading))


def entry_names(entries: Iterable[int]) -> dict[int, str]:
    """Entry -> the id that its custodian gave it."""
    rows = Transaction.objects.filter(pk__in=set(entries))
    return dict(rows.values_list("pk", "external_id"))


def symbols(household_id: int) -> dict[str, str]:
    """Security -> symbol, for all that the household ever traded."""
    firm_id = firm_of(household_id)
    rows = Security.objects.filter(firm=firm_id).values_list("pk", "symbol")
    return {str(pk): symbol for pk, symbol in rows}


def reported_years(household_id: int, year: int) -> list[ReportedYear]:
    """What was given out for the year, newest first."""
    rows = ReportedYear.objects.filter(household=household_id, year=year)
    return list(rows.select_related("author").order_by("-pk"))


def _sorted_rules(rules: set[str]) -> tuple[str, ...]:
    return tuple(sorted(rules, key=lambda rule: (rule[0], int(rule[1:].rstrip("ab")))))
