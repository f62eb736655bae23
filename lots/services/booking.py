"""Transactions booked: all or none, and what follows from them."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date

from django.db import models, transaction

from accounts.locks import lock_households, share_firm
from accounts.models import Account, Firm
from accounts.selectors import business_date
from accounts.services import record_audit
from lots import selectors
from lots.booking import (
    BookingError,
    Key,
    KnownOpening,
    KnownRow,
    OpeningBook,
    RowProblem,
    Sorted,
    engine_problem,
    sort_rows,
)
from lots.booking_rules import faults
from lots.engine.market_facts import MARKET_FACTS
from lots.errors import LedgerError
from lots.executions import REPORTED, Execution, retold
from lots.models import ImportedFile, LotSelection, Transaction
from lots.retold_facts import BookedFact, told_again
from lots.services.rebuilding import store, touched_ledger
from lots.services.relief import settled_reliefs
from lots.types import Booked, EntryKind, NewTransaction, Relief, Source
from securities.models import Security

_BATCH = 5_000


@transaction.atomic
def book(
    *,
    firm: Firm,
    rows: Sequence[NewTransaction],
    actor: str,
    imported_file: ImportedFile | None = None,
    as_of: date | None = None,
    explained: Collection[int] = (),
) -> Booked:
    """Book transactions, all or none, and rebuild what follows from them.

    Inside a trade date the order of ``rows`` is the order of execution. A row whose (account, external id) is booked
    with the same content is known and changes nothing, and so is a statement's row of an execution that a fill has
    booked (``lots.executions``). Shares the firm, then locks the households in ascending order (``accounts.locks``).
    Raises BookingError naming every row that stands in the way; ``as_of`` (default: the firm's today) bounds dates.
    ``explained`` are transactions of statements that a fill has been linked to: no other fill tells of them.
    """
    share_firm(firm.pk)
    accounts = _checked_accounts(firm, rows, as_of or business_date(firm))
    households = {row.account: accounts[row.account].household_id for row in rows}
    lock_households(households.values())
    booking = _sorted(rows, households, explained)
    inserted = _insert(booking, imported_file)
    touched = tuple(sorted({households[row.account_id] for row in inserted}))
    _rebuild_or_refuse(households, inserted, booking.new)
    if inserted:
        record_audit(
            firm=firm,
            actor=actor,
            action="transactions.booked",
            subject=imported_file.name[:120] if imported_file else f"{len(inserted)} transactions",
            facts={
                "new": len(inserted),
                "known": len(rows) - len(inserted),
                "households": touched,
                "sha256": imported_file.sha256 if imported_file else None,
            },
        )
    return Booked(new=len(inserted), known=len(rows) - len(inserted), households=touched)


def _checked_accounts(
    firm: Firm, rows: Sequence[NewTransaction], today: date
) -> dict[int, Account]:
    """The accounts the rows name. Raises BookingError for rows that are wrong by themselves."""
    wanted = {row.account for row in rows} | {row.to_account for row in rows if row.to_account}
    accounts = Account.objects.filter(firm=firm, pk__in=wanted).in_bulk()
    named = {one for row in rows for one in (row.security, row.to_security) if one is not None}
    securities = dict(Security.objects.filter(firm=firm, pk__in=named).values_list("pk", "is_fund"))
    problems = [
        RowProblem(row.ordinal, column, reason)
        for row in rows
        for column, reason in (
            *faults(row, as_of=today),
            *_foreign(row, accounts, securities),
        )
    ]
    if problems:
        raise BookingError(problems)
    return accounts


def _outside(
    row: NewTransaction, account: Account, *, column: str, day_column: str
) -> Iterator[tuple[str, str]]:
    """What cannot have happened in the account as the firm knows it, said of the columns."""
    if account.held_away:
        yield (
            column,
            "the account is declared as held away, so wash sales through it count as not checked: "
            "take the mark off before its transactions are booked",
        )
    if account.opened_on is not None and row.trade_date < account.opened_on:
        yield (
            day_column,
            f"{row.trade_date} is before the account was opened on {account.opened_on}",
        )


def _foreign(
    row: NewTransaction, accounts: dict[int, Account], securities: dict[int, bool]
) -> Iterator[tuple[str, str]]:
    """What the row names and the firm does not have. ``securities`` says of each whether it is a fund."""
    source = accounts.get(row.account)
    if source is None:
        yield "account", "the account is none of the firm's"
    else:
        yield from _outside(row, source, column="account", day_column="trade_date")
    if row.security is not None and row.security not in securities:
        yield "symbol", "the security is none of the firm's"
    if row.to_security is not None and row.to_security not in securities:
        yield "to_symbol", "the security is none of the firm's"
    if row.relief is Relief.AVERAGE and not securities.get(row.security or 0, True):
        yield (
            "relief",
            "average basis is for funds only (R22b), and the security is not marked as one: name lots or another "
            "relief, or mark the security as a fund",
        )
    if row.to_account is None:
        return
    target = accounts.get(row.to_account)
    if target is None:
        yield "to_account", "the account is none of the firm's"
    elif source is not None and target.household_id != source.household_id:
        yield (
            "to_account",
            "the account belongs to another household: book a receive there and a sale or gift here",
        )
    else:
        yield from _outside(row, target, column="to_account", day_column="to_account")


def _sorted(
    rows: Sequence[NewTransaction], households: dict[int, int], explained: Collection[int]
) -> Sorted:
    """New rows told from known ones. Raises BookingError for contradictions. Three queries."""
    names = {pick.opening for row in rows for pick in row.picks}
    openings = Transaction.objects.filter(
        models.Q(pk__in=[name for name in names if isinstance(name, int)])
        | models.Q(external_id__in=[name for name in names if isinstance(name, str)]),
        account__household__in=set(households.values()),
    ).values_list("pk", "account_id", "external_id", "account__household_id")
    book = OpeningBook(
        rows,
        households,
        [
            KnownOpening(pk=pk, key=(account, external_id), household=household)
            for pk, account, external_id, household in (openings if names else ())
        ],
    )
    booked = Transaction.objects.filter(
        account__in=households, external_id__in={row.external_id for row in rows}
    ).values_list(
        "account_id", "external_id", "content_sha256", "kind", "trade_date", "quantity", "amount", "fee"
    )  # fmt: skip
    known = {
        (account, external_id): KnownRow(content, kind, trade_date, quantity, amount, fee)
        for account, external_id, content, kind, trade_date, quantity, amount, fee in booked
    }
    executed = retold(rows, _executions(rows, explained), known)
    facts = told_again(rows, _market_facts(rows), known)
    result = sort_rows(rows, known, book, executed.known | facts.known)
    if problems := (*executed.problems, *facts.problems, *result.problems):
        raise BookingError(problems)
    return result


def _executions(rows: Sequence[NewTransaction], explained: Collection[int]) -> list[Execution]:
    """What the other source has booked in the accounts and on the days of the rows, and no fill has explained."""
    traded = [row for row in rows if row.kind in REPORTED]
    others = {Source.FILL if row.source is Source.STATEMENT else Source.STATEMENT for row in traded}
    booked = Transaction.objects.filter(
        source__in=others,
        kind__in=REPORTED,
        account__in={row.account for row in traded},
        trade_date__in={row.trade_date for row in traded},
    ).exclude(pk__in=explained).values_list(
        "account_id", "external_id", "source", "kind", "security_id", "trade_date", "quantity", "amount", "fee"
    )  # fmt: skip
    return [
        Execution(
            key=(account, external_id),
            source=Source(source),
            kind=EntryKind(kind),
            security=security,
            trade_date=trade_date,
            quantity=quantity,
            amount=amount,
            fee=fee,
        )
        for account, external_id, source, kind, security, trade_date, quantity, amount, fee in booked
    ]


def _market_facts(rows: Sequence[NewTransaction]) -> list[BookedFact]:
    """The splits, renames, mergers and spin-offs that are booked in the accounts and on the days of the rows."""
    told = [row for row in rows if row.kind in MARKET_FACTS]
    if not told:
        return []
    booked = Transaction.objects.filter(
        kind__in=MARKET_FACTS,
        account__in={row.account for row in told},
        trade_date__in={row.trade_date for row in told},
    ).values_list(
        "account_id", "external_id", "kind", "security_id", "to_security_id", "trade_date",
        "quantity", "basis_fraction", "amount",
    )  # fmt: skip
    return [
        BookedFact(
            key=(account, external_id),
            kind=EntryKind(kind),
            security=security,
            to_security=successor,
            trade_date=trade_date,
            ratio=ratio,
            basis_fraction=fraction,
            amount=amount,
        )
        for account, external_id, kind, security, successor, trade_date, ratio, fraction, amount in booked
    ]


def _insert(booking: Sorted, imported_file: ImportedFile | None) -> list[Transaction]:
    """Write the new rows in their order, with the lots they identify and the relief that is in force."""
    reliefs = settled_reliefs(booking.new)
    inserted = Transaction.objects.bulk_create(
        (
            _model(row, booking.contents[key], reliefs.get(key), imported_file)
            for row in booking.new
            for key in [(row.account, row.external_id)]
        ),
        batch_size=_BATCH,
    )
    pks = {(row.account_id, row.external_id): row.pk for row in inserted}
    pks |= _booked_pks({key for keys in booking.openings.values() for key in keys} - pks.keys())
    LotSelection.objects.bulk_create(
        (
            LotSelection(
                transaction_id=pks[row.account, row.external_id],
                opening_id=pks[opening],
                part=pick.part,
                quantity=pick.quantity,
            )
            for row in booking.new
            for pick, opening in zip(
                row.picks, booking.openings[row.account, row.external_id], strict=True
            )
        ),
        batch_size=_BATCH,
    )
    return inserted


def _booked_pks(keys: set[Key]) -> dict[Key, int]:
    if not keys:
        return {}
    rows = Transaction.objects.filter(
        account__in={account for account, _ in keys}, external_id__in={name for _, name in keys}
    )
    return {
        (account, external_id): pk
        for account, external_id, pk in rows.values_list("account_id", "external_id", "pk")
    }


def _model(
    row: NewTransaction, content: str, relief: Relief | None, imported_file: ImportedFile | None
) -> Transaction:
    return Transaction(
        account_id=row.account,
        external_id=row.external_id,
        kind=row.kind.value,
        trade_date=row.trade_date,
        settle_date=row.settle_date,
        security_id=row.security,
        quantity=row.quantity,
        price=row.price,
        amount=row.amount,
        fee=row.fee,
        block=row.block,
        to_account_id=row.to_account,
        holding_start=row.holding_start,
        acquired=row.acquired,
        relief=relief.value if relief is not None else "",
        to_security_id=row.to_security,
        basis_fraction=row.basis_fraction,
        market_value=row.market_value,
        memo=row.memo,
        source=row.source.value,
        content_sha256=content,
        imported_file=imported_file,
    )


def _rebuild_or_refuse(
    households: Mapping[int, int], inserted: Sequence[Transaction], rows: Sequence[NewTransaction]
) -> None:
    """Rebuild the touched markets; a ledger that the engine cannot follow is refused with the row that broke it."""
    ordinals = {str(booked.pk): row.ordinal for booked, row in zip(inserted, rows, strict=True)}
    touched: dict[int, set[int | None]] = {}
    for row in inserted:
        touched.setdefault(households[row.account_id], set()).add(row.security_id)
    problems = []
    for household_id, securities in sorted(touched.items()):
        ledger, market = touched_ledger(household_id, securities)
        try:
            store(household_id, ledger, market=market)
        except LedgerError as error:
            names = selectors.names(household_id)
            problems.append(engine_problem(ledger, error, names=names, rows=ordinals))
    if problems:
        raise BookingError(problems)
