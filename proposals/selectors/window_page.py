"""What the windows pages show: the table of many households at once, and the exact answers for one."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal

from django.db.models import Q, QuerySet, Sum

from accounts import access
from accounts.models import Account, Household, User
from accounts.types import AccountKind
from lots import selectors as lot_selectors
from lots.engine.entry_checks import PURCHASES
from lots.errors import LedgerError
from lots.models import Disposal, TaxLot, WashSale
from lots.types import LotRow, Treatment
from lots.wash_sales import window
from proposals.coming import LATE_DAYS
from proposals.compliance import LotKey, feasible
from proposals.if_today import Desk, IfBought, IfSold
from proposals.models import Proposal, Restriction, ScheduledPurchase
from proposals.selectors.check_facts import facts
from proposals.selectors.intentions import COMMITTED, intentions
from proposals.selectors.open_windows import (
    WindowFacts,
    booked_facts,
    planned_trades,
    with_planned,
)
from proposals.types import OPEN, Intention, Status
from proposals.window_table import GroupRow, Lost, TableFacts, rows
from securities import selectors as securities
from securities.models import Dividend, IdenticalMember, IdenticalOverride, Security

ZERO = Decimal(0)
_LATE = timedelta(days=LATE_DAYS)
_TAXABLE = [kind.value for kind in AccountKind if kind.is_taxable]


@dataclass(frozen=True, slots=True)
class WindowFilter:
    """Which households to list."""

    ira: bool = False
    drip: bool = False
    incomplete: bool = False
    search: str = ""


@dataclass(frozen=True, slots=True)
class SoldAnswer:
    """If I sell today, with the names people know."""

    account: str
    symbol: str
    answer: IfSold
    clear_on: date | None
    is_endless: bool  # a plan goes on: no clear day can be seen


@dataclass(frozen=True, slots=True)
class BoughtAnswer:
    """If I buy one share today, in a taxable and in a retirement account; None = the household has none."""

    symbol: str
    clear_on: date
    taxable: IfBought | None
    retirement: IfBought | None
    losses: tuple[str, ...]  # which would be washed, in clauses


@dataclass(frozen=True, slots=True)
class AheadLine:
    """Something that will be bought by itself."""

    day: date
    symbol: str
    shares: Decimal
    cause: str
    counts: bool


@dataclass(frozen=True, slots=True)
class HouseholdWindows:
    """Everything on a household's windows page. ``refusal`` says why there are no exact answers."""

    rows: tuple[GroupRow, ...]
    sold: tuple[SoldAnswer, ...]
    bought: tuple[BoughtAnswer, ...]
    ahead: tuple[AheadLine, ...]
    switches: tuple[str, ...]  # what to switch off, in sentences (F31)
    restrictions: tuple[Restriction, ...]
    not_checked: tuple[str, ...]  # accounts held away
    refusal: str = ""


def window_households(user: User, as_of: date, wanted: WindowFilter) -> QuerySet[Household]:
    """The user's households in which something may keep a window open on ``as_of``, by name.

    The filters are looked at household by household here and row by row in the table: a household may have none left.
    """
    found = access.visible(user, Household).filter(_with_something(as_of)).order_by("name", "pk")
    if wanted.ira:
        found = found.filter(pk__in=_accounts("household").exclude(kind__in=_TAXABLE))
    if wanted.drip:
        found = found.filter(pk__in=_accounts("household").filter(reinvests_dividends=True))
    if wanted.incomplete:
        found = found.filter(pk__in=_accounts("household").filter(held_away=True))
    if wanted.search:
        found = found.filter(name__icontains=wanted.search)
    return found


def _accounts(field: str) -> QuerySet[Account, int]:
    return Account.objects.order_by().values_list(field, flat=True)


def _with_something(as_of: date) -> Q:
    """Each of these is one index look-up or one pass over the recent rows, not one per household."""
    days = window(as_of)
    ahead = (as_of - _LATE, days[1])
    sold = Disposal.objects.filter(is_taxable=True, trade_date__range=days)
    bought = TaxLot.objects.filter(acquired__range=days, opening__kind__in=PURCHASES)
    planned = ScheduledPurchase.objects.filter(first_on__lte=days[1]).filter(
        Q(ended_on=None) | Q(ended_on__gte=ahead[0])
    )
    paying = TaxLot.objects.filter(
        account__reinvests_dividends=True,
        security__in=Dividend.objects.filter(pay_date__range=ahead).values("security"),
    )
    found = Q(pk__in=Proposal.objects.filter(status__in=OPEN).order_by().values("household"))
    for one in (sold, bought, planned, paying):
        found |= Q(pk__in=one.order_by().values("account__household"))
    return found


def window_rows_of(
    firm_id: int, households: Collection[int], as_of: date
) -> dict[int, tuple[GroupRow, ...]]:
    """Household (of the firm) -> its rows. A few queries for all, and a few for each with an open proposal."""
    return {
        household: rows(found)
        for household, found in table_facts(firm_id, households, as_of).items()
    }


@dataclass(frozen=True, slots=True)
class WindowTable:
    """One household's rows, and the accounts held away."""

    rows: tuple[GroupRow, ...]
    not_checked: tuple[str, ...]


def window_table(household: Household, as_of: date) -> WindowTable:
    """The table of one household, without the exact answers."""
    found = table_facts(household.firm_id, [household.pk], as_of)[household.pk]
    return WindowTable(rows(found), found.not_checked)


def table_facts(firm_id: int, households: Collection[int], as_of: date) -> dict[int, TableFacts]:
    """Household -> what its table is made from, by the same facts as ``windows``."""
    accounts = {one.pk: one for one in Account.objects.filter(household__in=households)}
    symbols = securities.symbols(firm_id)
    booked = booked_facts(firm_id, accounts, as_of, symbols)
    lots = lot_selectors.open_lots_in(households)
    groups = lot_selectors.identical_sets(firm_id, as_of)
    prices = {pk: q.price for pk, q in securities.latest_prices(firm_id, as_of).items()}
    lost = _lost(households, as_of)
    unreviewed = _unreviewed(firm_id)
    busy = _busy(households)
    found = {}
    for household in households:
        known = booked.get(household, WindowFacts())
        own = {(lot.opening, lot.part): lot for lot in lots[household]}
        now, then = (
            _planned(known, household, statuses, as_of, symbols, accounts, own)
            if household in busy
            else known
            for statuses in (COMMITTED, OPEN)
        )
        mine = [one for one in accounts.values() if one.household_id == household]
        found[household] = TableFacts(
            household=household,
            as_of=as_of,
            windows=now.windows(as_of, groups=groups),
            if_approved=then.windows(as_of, groups=groups),
            groups=groups,
            symbols=symbols,
            taxable=frozenset(one.pk for one in mine if one.is_taxable),
            reinvesting=frozenset(one.pk for one in mine if one.reinvests_dividends),
            lots=lots[household],
            prices=prices,
            lost=lost.get(household, {}),
            not_checked=_not_checked(household, mine),
            unreviewed=unreviewed,
        )
    return found


def _planned(
    known: WindowFacts,
    household: int,
    statuses: Collection[Status],
    as_of: date,
    symbols: Mapping[int, str],
    accounts: Mapping[int, Account],
    lots: Mapping[tuple[int, int], LotRow],
) -> WindowFacts:
    on_the_way = intentions(household, statuses=statuses, as_of=as_of)
    return with_planned(known, planned_trades(on_the_way), as_of, symbols, accounts, lots)


def _busy(households: Collection[int]) -> frozenset[int]:
    rows = Proposal.objects.filter(household__in=households, status__in=OPEN).order_by()
    return frozenset(rows.values_list("household_id", flat=True))


def _not_checked(household: int, accounts: Collection[Account]) -> tuple[str, ...]:
    """Asked only where an account was declared and never imported."""
    if not any(one.held_away for one in accounts):
        return ()
    return lot_selectors.purchases_searched(household).not_checked


def _lost(households: Collection[int], as_of: date) -> dict[int, dict[int, Lost]]:
    """Household -> security sold -> what wash sales of the window have disallowed already."""
    totals = (
        WashSale.objects.filter(
            sale__account__household__in=households, sale__trade_date__range=window(as_of)
        )
        .order_by()
        .values_list("sale__account__household_id", "sale__security_id", "treatment")
        .annotate(Sum("amount"))
    )
    sums: dict[tuple[int, int], dict[str, Decimal]] = {}
    for household, security, treatment, amount in totals:
        if security is not None:
            sums.setdefault((household, security), {})[treatment] = amount
    found: dict[int, dict[int, Lost]] = {}
    for (household, security), by in sums.items():
        found.setdefault(household, {})[security] = Lost(
            deferred=by.get(Treatment.DEFERRED, ZERO), permanent=by.get(Treatment.PERMANENT, ZERO)
        )
    return found


def _unreviewed(firm_id: int) -> frozenset[int]:
    """Funds that follow no index on record, belong to no group, and of which the firm never said a word (R24)."""
    said = IdenticalOverride.objects.filter(firm=firm_id)
    rows = (
        Security.objects.filter(firm=firm_id, is_fund=True, tracks_index="")
        .exclude(pk__in=IdenticalMember.objects.filter(group__firm=firm_id).values("security"))
        .exclude(pk__in=said.values("first"))
        .exclude(pk__in=said.values("second"))
    )
    return frozenset(rows.order_by().values_list("pk", flat=True))


def household_windows(household: Household, as_of: date) -> HouseholdWindows:
    """The table, and what the tax engine says of selling each position and buying each blocked group today."""
    table = table_facts(household.firm_id, [household.pk], as_of)[household.pk]
    on_the_way = intentions(household.pk, as_of=as_of)
    fresh = facts(household.pk, as_of, on_the_way=on_the_way)
    desk = Desk(fresh.ledger, as_of=as_of, prices=table.prices)
    accounts = list(Account.objects.filter(household=household).order_by("pk"))
    found, refusal = rows(table), ""
    sold: tuple[SoldAnswer, ...] = ()
    bought: tuple[BoughtAnswer, ...] = ()
    try:
        sold = _sold(desk, table, accounts, _unsold(feasible(on_the_way, fresh.lots), fresh.lots))
        bought = _bought(desk, table, found, accounts)
    except LedgerError as error:
        refusal = f"The tax engine cannot follow this household's trades: {error}"
    return HouseholdWindows(
        rows=found,
        sold=sold,
        bought=bought,
        ahead=tuple(
            AheadLine(one.day, table.symbols[one.security], one.shares, one.cause, one.counts)
            for one in fresh.windows.coming
        ),
        switches=tuple(one.instruction for one in fresh.windows.switches),
        not_checked=table.not_checked,
        restrictions=tuple(household_restrictions(household, as_of)),
        refusal=refusal,
    )


def household_restrictions(household: Household, as_of: date) -> QuerySet[Restriction]:
    """The restrictions that reach the household and are not over, those that begin later included."""
    reach = Q(household=household) | Q(household=None)
    rows = Restriction.objects.filter(reach, firm=household.firm_id)
    rows = rows.filter(Q(until=None) | Q(until__gte=as_of))
    return rows.select_related("security", "account", "author")


def _unsold(on_the_way: Collection[Intention], lots: Mapping[LotKey, LotRow]) -> tuple[LotRow, ...]:
    """The lots less the shares that approved proposals sell, each with its part of the basis."""
    going: dict[LotKey, Decimal] = {}
    for one in on_the_way:
        if one.opening is not None and one.part is not None:
            key = (one.opening, one.part)
            going[key] = going.get(key, ZERO) + one.quantity
    left = []
    for key, lot in lots.items():
        quantity = lot.quantity - going.get(key, ZERO)
        if quantity == lot.quantity:
            left.append(lot)
        elif quantity > ZERO:
            part = quantity / lot.quantity
            loss_basis = None if lot.loss_basis is None else lot.loss_basis * part
            left.append(
                replace(lot, quantity=quantity, basis=lot.basis * part, loss_basis=loss_basis)
            )
    return tuple(left)


def _sold(
    desk: Desk, table: TableFacts, accounts: list[Account], lots: Collection[LotRow]
) -> tuple[SoldAnswer, ...]:
    """Every position of a taxable account that holds a lot at a loss; the largest loss first."""
    positions: dict[tuple[int, int], list[LotRow]] = {}
    for lot in lots:
        if lot.account in table.taxable:
            positions.setdefault((lot.account, lot.security), []).append(lot)
    names = {account.pk: account.name for account in accounts}
    found = []
    for (account, security), position in positions.items():
        answer = desk.if_sold(position)
        if answer is not None:
            block = table.windows.sell_blocked.get(security)
            found.append(
                SoldAnswer(
                    account=names[account],
                    symbol=table.symbols[security],
                    answer=answer,
                    clear_on=block.clear_on if block and not answer.is_clean else None,
                    is_endless=bool(block and block.is_endless),
                )
            )
    return tuple(sorted(found, key=lambda one: (-one.answer.loss, one.symbol, one.account)))


def _bought(
    desk: Desk, table: TableFacts, found: Collection[GroupRow], accounts: list[Account]
) -> tuple[BoughtAnswer, ...]:
    """One share of every group whose purchase is blocked, in the first account of either kind."""
    taxable = next((one.pk for one in accounts if one.is_taxable), None)
    retirement = next((one.pk for one in accounts if not one.is_taxable), None)

    def asked(account: int | None, security: int) -> IfBought | None:
        return None if account is None else desk.if_bought(account=account, security=security)

    answers = []
    for row in found:
        if row.buy is None or row.buy.clear_on is None:
            continue
        one, other = asked(taxable, row.security), asked(retirement, row.security)
        either = one or other
        washed = either.washed if either else ()
        answers.append(
            BoughtAnswer(
                symbol=row.symbol,
                clear_on=row.buy.clear_on,
                taxable=one,
                retirement=other,
                losses=tuple(
                    f"{table.symbols[loss.security]} sold on {loss.sold_on}" for loss in washed
                ),
            )
        )
    return tuple(answers)
