"""Writes to the ledger, and of the tables that follow from it."""

import hashlib
from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal
from pathlib import PurePath
from typing import TypeVar
from uuid import UUID

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.db import models, transaction

from accounts import access
from accounts.canonical import decimal_text
from accounts.errors import Conflict
from accounts.locks import lock_household, lock_households
from accounts.models import Account, Firm, User
from accounts.selectors import business_date
from accounts.services import record_audit
from lots import derived, selectors
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
from lots.errors import LedgerError
from lots.importers import ReadFile, read_file
from lots.models import Disposal, ImportedFile, LotSelection, TaxLot, Transaction, WashSale
from lots.replay import replay
from lots.types import (
    Booked,
    EntryKind,
    ImportSummary,
    Ledger,
    NewTransaction,
    RebuildChanges,
)
from securities.importers.file_text import check_size
from securities.importers.refusal import MOST_PROBLEMS, ImportRefused, Problem
from securities.models import CorporateAction, Security
from securities.services import import_prices
from securities.types import ActionKind

_BATCH = 5_000
M = TypeVar("M", bound=models.Model)


@transaction.atomic
def book(
    *,
    firm: Firm,
    rows: Sequence[NewTransaction],
    actor: str,
    imported_file: ImportedFile | None = None,
    as_of: date | None = None,
) -> Booked:
    """Book transactions, all or none, and rebuild what follows from them.

    Inside a trade date the order of ``rows`` is the order of execution. A row whose (account, external id) is booked
    with the same content is known and changes nothing. Locks the households in ascending order.
    Raises BookingError naming every row that stands in the way; ``as_of`` (default: the firm's today) bounds dates.
    """
    accounts = _checked_accounts(firm, rows, as_of or business_date(firm))
    households = {row.account: accounts[row.account].household_id for row in rows}
    lock_households(households.values())
    booking = _sorted(rows, households)
    inserted = _insert(booking, imported_file)
    touched = tuple(sorted({households[row.account_id] for row in inserted}))
    _rebuild_or_refuse(touched, inserted, booking.new)
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
    securities = set(
        Security.objects.filter(
            firm=firm, pk__in={row.security for row in rows if row.security}
        ).values_list("pk", flat=True)
    )
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


def _foreign(
    row: NewTransaction, accounts: dict[int, Account], securities: set[int]
) -> Iterator[tuple[str, str]]:
    source = accounts.get(row.account)
    if source is None:
        yield "account", "the account is none of the firm's"
    if row.security is not None and row.security not in securities:
        yield "symbol", "the security is none of the firm's"
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


def _sorted(rows: Sequence[NewTransaction], households: dict[int, int]) -> Sorted:
    """New rows told from known ones. Raises BookingError for contradictions. Two queries."""
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
    result = sort_rows(rows, known, book)
    if result.problems:
        raise BookingError(result.problems)
    return result


def _insert(booking: Sorted, imported_file: ImportedFile | None) -> list[Transaction]:
    """Write the new rows in their order, with the lots they identify."""
    inserted = Transaction.objects.bulk_create(
        (
            _model(row, booking.contents[row.account, row.external_id], imported_file)
            for row in booking.new
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


def _model(row: NewTransaction, content: str, imported_file: ImportedFile | None) -> Transaction:
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
        memo=row.memo,
        content_sha256=content,
        imported_file=imported_file,
    )


def _rebuild_or_refuse(
    households: Sequence[int], inserted: Sequence[Transaction], rows: Sequence[NewTransaction]
) -> None:
    """Rebuild each household; a ledger that the engine cannot follow is refused with the row that broke it."""
    ordinals = {str(booked.pk): row.ordinal for booked, row in zip(inserted, rows, strict=True)}
    problems = []
    for household_id in households:
        ledger = selectors.ledger(household_id)
        try:
            _store(household_id, ledger)
        except LedgerError as error:
            names = selectors.names(household_id)
            problems.append(engine_problem(ledger, error, names=names, rows=ordinals))
    if problems:
        raise BookingError(problems)


@transaction.atomic
def rebuild_lots(*, household_id: int) -> RebuildChanges:
    """Replay the household's ledger and write what differs: a second rebuild changes nothing.

    Raises LedgerError for a ledger that cannot be followed, Household.DoesNotExist.
    """
    lock_household(household_id)
    return _store(household_id, selectors.ledger(household_id))


def _store(household_id: int, ledger: Ledger) -> RebuildChanges:
    rows = derived.derived_rows(
        replay(ledger.entries, ledger.accounts, ledger.groups, ledger.policy)
    )
    changes = [
        _sync(
            TaxLot.objects.filter(account__household=household_id),
            derived.LOT_KEY, derived.LOT_VALUES, rows.lots,
        ),
        _sync(
            Disposal.objects.filter(account__household=household_id),
            derived.DISPOSAL_KEY, derived.DISPOSAL_VALUES, rows.disposals,
        ),
        _sync(
            WashSale.objects.filter(sale__account__household=household_id),
            derived.WASH_KEY, derived.WASH_VALUES, rows.washes,
        ),
    ]  # fmt: skip
    return RebuildChanges(
        inserted=sum(change.inserted for change in changes),
        updated=sum(change.updated for change in changes),
        deleted=sum(change.deleted for change in changes),
    )


def _sync(
    stored: models.QuerySet[M], key: tuple[str, ...], values: tuple[str, ...], wanted: derived.Rows
) -> RebuildChanges:
    """Make the stored rows equal to the wanted ones, touching only what differs. At most three queries."""
    present = {
        row[1 : len(key) + 1]: (row[0], row[len(key) + 1 :])
        for row in stored.order_by().values_list("pk", *key, *values)
    }
    gone = [pk for natural, (pk, _) in present.items() if natural not in wanted]
    new = [natural for natural in wanted if natural not in present]
    changed = [
        natural
        for natural, content in wanted.items()
        if natural in present and present[natural][1] != content
    ]
    manager = stored.model._default_manager
    if gone:
        manager.filter(pk__in=gone).delete()
    manager.bulk_create(
        (
            stored.model(**dict(zip((*key, *values), (*natural, *wanted[natural]), strict=True)))
            for natural in (*new, *changed)
        ),
        update_conflicts=True,
        unique_fields=key,
        update_fields=values,
        batch_size=_BATCH,
    )
    return RebuildChanges(inserted=len(new), updated=len(changed), deleted=len(gone))


def import_file(
    *,
    firm: Firm,
    user: User | None,
    file: bytes,
    name: str,
    format: str | None,
    account: Account | None,
    as_of: date,
) -> ImportSummary:
    """Book a file of transactions, all or nothing; the same file or the same rows again change nothing.

    ``account`` is the one the file is for, where the file does not say; ``format`` None is told from the content.
    Raises ImportRefused with every problem found, each with file, line, column and reason.
    """
    if user is not None:
        access.require(user, access.Action.IMPORT)
    name = _file_name(name)
    if account is not None and account.firm_id != firm.pk:
        raise ImportRefused([Problem(name, 0, "", "the account is none of the firm's")])
    check_size(name=name, size=len(file), limit=settings.IMPORT_MAX_BYTES)
    fingerprint = {
        "firm": firm,
        "sha256": hashlib.sha256(file).hexdigest(),
        "target": str(account.public_id) if account is not None else "",
    }
    if (known := ImportedFile.objects.filter(**fingerprint).first()) is not None:
        return _known_file(known)
    read = read_file(
        file,
        name=name,
        format=format,
        directory=selectors.directory(firm.pk, account),
        as_of=as_of,
        limit=settings.IMPORT_MAX_BYTES,
    )
    with transaction.atomic():
        record, is_first = ImportedFile.objects.get_or_create(
            **fingerprint, defaults={"name": name, "format": read.format, "imported_by": user}
        )
        if not is_first:  # somebody else's import of the same file has just finished
            return _known_file(record)
        return _book_file(firm, user, read, record, as_of)


def _known_file(record: ImportedFile) -> ImportSummary:
    return ImportSummary(
        format=record.format,
        new=0,
        known=record.rows_new + record.rows_known,
        file_known=True,
        households=(),
    )


def _book_file(
    firm: Firm, user: User | None, read: ReadFile, record: ImportedFile, as_of: date
) -> ImportSummary:
    try:
        booked = book(
            firm=firm,
            rows=read.rows,
            actor=user.username if user is not None else "command",
            imported_file=record,
            as_of=as_of,
        )
    except BookingError as error:
        raise ImportRefused(
            [
                Problem(record.name, problem.row, problem.column, problem.reason)
                for problem in error.problems[:MOST_PROBLEMS]
            ]
        ) from error
    if booked.new:
        record.rows_new, record.rows_known = booked.new, booked.known
        record.save(update_fields=["rows_new", "rows_known"])
    else:
        record.delete()  # it brought nothing: other rows or bytes than a booked file, the same facts
    return ImportSummary(
        format=read.format,
        new=booked.new,
        known=booked.known,
        file_known=False,
        households=booked.households,
    )


def _file_name(name: str) -> str:
    """The last part of a path, fit to be stored and shown."""
    last = PurePath(name.replace("\\", "/")).name[:255]
    return "".join(letter if letter.isprintable() else "?" for letter in last) or "upload"


def upload(*, user: User, what: str, file: "UploadedFile[bytes]", account: UUID | None) -> str:
    """Take an uploaded file of ``transactions`` or ``prices`` and say in one sentence what it did.

    ``account`` is the public id of the account a file of transactions is for. Raises ImportRefused, NotAllowed, and
    Http404 for an account that the user may not see.
    """
    access.require(user, access.Action.IMPORT)
    assert user.firm is not None, "require refuses users without a firm"
    firm, name = user.firm, _file_name(file.name or "")
    check_size(name=name, size=file.size or 0, limit=settings.IMPORT_MAX_BYTES)
    as_of = business_date(firm)
    if what == "prices":
        prices = import_prices(firm=firm, user=user, file=file.read(), name=name, as_of=as_of)
        return f"{name}: {prices.rows_new} prices new, {prices.rows_known} known."
    summary = import_file(
        firm=firm,
        user=user,
        file=file.read(),
        name=name,
        format=None,
        account=access.visible_or_404(user, Account, account) if account is not None else None,
        as_of=as_of,
    )
    return summary_sentence(name, summary)


def summary_sentence(name: str, summary: ImportSummary) -> str:
    """What an import did, for people."""
    if summary.file_known:
        return f"{name}: this file was imported before, nothing changed."
    if not summary.new:
        return f"{name}: all {summary.known} transactions are known, nothing changed."
    return (
        f"{name}: {summary.new} transactions new, {summary.known} known, "
        f"in {len(summary.households)} households."
    )


@transaction.atomic
def book_split(
    *, firm: Firm, security_id: int, effective_on: date, ratio: Decimal, actor: str
) -> Booked:
    """Book a split (``ratio`` new shares per old) in every account that ever traded the security.

    The same split again changes nothing. Raises Conflict for another ratio on the day, and where trades of that day
    are booked: they would count as executed before the split; BookingError as ``book`` does.
    """
    security = Security.objects.select_for_update().get(firm=firm, pk=security_id)
    action, is_new = CorporateAction.objects.get_or_create(
        security=security,
        kind=ActionKind.SPLIT,
        effective_on=effective_on,
        defaults={"ratio": ratio},
    )
    if action.ratio != ratio:
        raise Conflict(
            f"{security.symbol} is known to split by {decimal_text(action.ratio)} on {effective_on}, "
            f"not by {decimal_text(ratio)}."
        )
    trades = Transaction.objects.filter(security=security)
    if is_new and trades.filter(trade_date=effective_on).exclude(kind=EntryKind.CASH_IN).exists():
        raise Conflict(
            f"Transactions of {security.symbol} on {effective_on} are booked already and would count as "
            "executed before the split: book the split before the trades of its day."
        )
    accounts = {
        account
        for pair in trades.values_list("account_id", "to_account_id")
        for account in pair
        if account is not None
    }
    rows = [
        NewTransaction(
            account=account,
            external_id=f"split:{security.symbol}:{effective_on}",
            trade_date=effective_on,
            kind=EntryKind.SPLIT,
            security=security.pk,
            quantity=ratio,
            ordinal=place,
        )
        for place, account in enumerate(sorted(accounts), start=1)
    ]
    return book(firm=firm, rows=rows, actor=actor)
