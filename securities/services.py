"""Writes about securities: closing prices from a file."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import PurePath
from typing import Any

from django.conf import settings
from django.db import connection, transaction

from accounts import access
from accounts.canonical import decimal_text
from accounts.locks import lock_firm
from accounts.models import Firm, User
from accounts.selectors import business_date
from accounts.services import record_audit
from securities import selectors
from securities.importers.distributions import DistributionRow, read_distributions
from securities.importers.dividends import DividendRow, read_dividends
from securities.importers.file_text import check_bytes, check_size, decoded
from securities.importers.half_spreads import HalfSpreadRow, read_half_spreads
from securities.importers.market_values import MarketValueRow, read_market_values
from securities.importers.prices import PriceRow, read_prices
from securities.importers.refusal import MOST_PROBLEMS, Problems
from securities.models import AnnouncedDistribution, Dividend, HalfSpread, MarketValue

LARGEST_MOVE = Decimal(
    "0.40"
)  # from one close to the next; one mistyped price would trouble every household
_NEXT_CLOSE_DAYS = 10  # further apart, two closes say nothing about each other


@dataclass(frozen=True, slots=True)
class FileImport:
    """What an import did, or with ``dry_run`` would do."""

    rows_new: int
    rows_known: int
    rows_changed: int


def _read(file: bytes, path: str, otherwise: str) -> tuple[str, str]:
    """The file's name, if it has one, and its text. Raises ImportRefused where it is too large, or no text."""
    name = PurePath(path).name[:255] or otherwise
    check_size(name=name, size=len(file), limit=settings.IMPORT_MAX_BYTES)
    check_bytes(name=name, data=file)
    return name, decoded(name=name, data=file)


def _kept(result: FileImport, *, firm: Firm, action: str, name: str, dry_run: bool) -> FileImport:
    """Undo a dry run; else put on record what a command has changed. Inside the transaction of the change."""
    if dry_run:
        transaction.set_rollback(True)
    elif result.rows_new or result.rows_changed:
        record_audit(
            firm=firm,
            actor="command",
            action=action,
            subject=name[:120],
            facts={"new": result.rows_new, "changed": result.rows_changed},
        )
    return result


def import_prices(
    *,
    firm: Firm,
    user: User | None,
    file: bytes,
    name: str,
    as_of: date,
    dry_run: bool = False,
    correct: bool = False,
) -> FileImport:
    """Take a file's closing prices, all or none; the same file again changes nothing.

    Raises ImportRefused with every problem found. A price that differs from the one known for its day, or that moved
    by more than LARGEST_MOVE from the close before without a booked split, is refused unless ``correct``: somebody
    has looked at it.
    """
    if user is not None:
        access.require(user, access.Action.IMPORT)
    name, text = _read(file, name, "prices")
    rows = read_prices(
        text,
        name=name,
        securities=selectors.security_ids(firm.pk),
        as_of=as_of,
    )
    with transaction.atomic():
        result, rows_checked = _store(rows, name=name, correct=correct)
        if dry_run:
            transaction.set_rollback(True)
        elif result.rows_new or result.rows_changed or rows_checked:
            record_audit(
                firm=firm,
                actor=user.username if user is not None else "command",
                action="prices.imported",
                subject=name[:120],
                facts={
                    "new": result.rows_new,
                    "changed": result.rows_changed,
                    "checked": rows_checked,
                },
            )
    return result


def import_dividends(
    *, firm: Firm, file: bytes, name: str, dry_run: bool = False, correct: bool = False
) -> FileImport:
    """Take a file's declared dividends, all or none; the same file again changes nothing.

    Raises ImportRefused with every problem found. A dividend that differs from the one known for its ex-date is refused
    unless ``correct``. A date that moved is another dividend: the one that is not paid must be corrected by hand.
    """
    name, text = _read(file, name, "dividends")
    rows = read_dividends(text, name=name, securities=selectors.security_ids(firm.pk))
    with transaction.atomic():
        result = _store_dividends(rows, name=name, correct=correct)
        return _kept(result, firm=firm, action="dividends.imported", name=name, dry_run=dry_run)


def import_distributions(
    *, firm: Firm, file: bytes, name: str, dry_run: bool = False, correct: bool = False
) -> FileImport:
    """Take a file's announced capital-gain distributions, all or none; the same file again changes nothing.

    Raises ImportRefused with every problem found. One that differs from the one known for its ex-date and kind is
    refused unless ``correct``: estimates are announced before final figures. A date that moved is another
    distribution: the one that is not paid must be corrected by hand.
    """
    name, text = _read(file, name, "distributions")
    rows = read_distributions(text, name=name, securities=selectors.security_ids(firm.pk))
    with transaction.atomic():
        result = _store_distributions(rows, name=name, correct=correct)
        return _kept(result, firm=firm, action="distributions.imported", name=name, dry_run=dry_run)


def import_market_values(
    *, firm: Firm, file: bytes, name: str, dry_run: bool = False, correct: bool = False
) -> FileImport:
    """Take a file's market values, all or none; the same file again changes nothing.

    Raises ImportRefused with every problem found. A value that differs from the one known for its day is refused unless
    ``correct``.
    """
    name, text = _read(file, name, "market values")
    rows = read_market_values(
        text,
        name=name,
        securities=selectors.security_ids(firm.pk),
        as_of=business_date(firm),
    )
    with transaction.atomic():
        result = _store_market_values(rows, name=name, correct=correct)
        return _kept(result, firm=firm, action="market_values.imported", name=name, dry_run=dry_run)


def _store_market_values(rows: Sequence[MarketValueRow], *, name: str, correct: bool) -> FileImport:
    problems, new, changed = Problems(name), [], []
    known = {
        (one.security_id, one.day): one
        for one in MarketValue.objects.select_for_update(of=("self",))
        .filter(security__in={row.security for row in rows}, day__in={row.day for row in rows})
        .select_related("security")
    }
    for row in rows:
        stored = known.get((row.security, row.day))
        if stored is None:
            new.append(MarketValue(security_id=row.security, day=row.day, dollars=row.dollars))
        elif stored.dollars != row.dollars:
            if not correct:
                problems.add(
                    f"the market value of {stored.security} on {row.day} is known as "
                    f"{decimal_text(stored.dollars)}: import it with --correct if the file is right",
                    line=row.line,
                    column="market_value",
                )
            stored.dollars = row.dollars
            changed.append(stored)
    problems.raise_if_any()
    MarketValue.objects.bulk_create(new)
    MarketValue.objects.bulk_update(changed, ["dollars"])
    return FileImport(len(new), len(rows) - len(new) - len(changed), len(changed))


def import_half_spreads(
    *, firm: Firm, file: bytes, name: str, dry_run: bool = False, correct: bool = False
) -> FileImport:
    """Take a file's half spreads, all or none; the same file again changes nothing.

    Raises ImportRefused with every problem found. One that differs from the one known for its day is refused unless
    ``correct``.
    """
    name, text = _read(file, name, "half spreads")
    rows = read_half_spreads(text, name=name, securities=selectors.security_ids(firm.pk))
    with transaction.atomic():
        lock_firm(firm.pk)  # as the set-up file does: nobody else states one meanwhile
        result = _store_half_spreads(firm, rows, name=name, correct=correct)
        return _kept(result, firm=firm, action="half_spreads.imported", name=name, dry_run=dry_run)


def _store_half_spreads(
    firm: Firm, rows: Sequence[HalfSpreadRow], *, name: str, correct: bool
) -> FileImport:
    problems, new, changed = Problems(name), [], []
    known = {
        (one.security_id, one.asset_class, one.since): one
        for one in HalfSpread.objects.filter(
            firm=firm, since__in={row.since for row in rows}
        ).select_related("security")
    }
    for row in rows:
        stored = known.get(row.key)
        if stored is None:
            new.append(
                HalfSpread(
                    firm=firm,
                    security_id=row.security,
                    asset_class=row.asset_class,
                    since=row.since,
                    fraction=row.fraction,
                )
            )
        elif stored.fraction != row.fraction:
            if not correct:
                problems.add(
                    f"the half spread of {stored.security or stored.asset_class} from {row.since} is known as "
                    f"{decimal_text(stored.fraction)}: import it with --correct if the file is right",
                    line=row.line,
                    column="half_spread",
                )
            stored.fraction = row.fraction
            changed.append(stored)
    problems.raise_if_any()
    HalfSpread.objects.bulk_create(new)
    HalfSpread.objects.bulk_update(changed, ["fraction"])
    return FileImport(len(new), len(rows) - len(new) - len(changed), len(changed))


def _store_dividends(rows: Sequence[DividendRow], *, name: str, correct: bool) -> FileImport:
    problems = Problems(name)
    new = changed = 0
    known = {
        (one.security_id, one.ex_date): one
        for one in Dividend.objects.select_for_update()
        .filter(security__in={row.security for row in rows})
        .select_related("security")
    }
    for row in rows:
        said = {"pay_date": row.pay_date, "amount": row.amount, "is_qualified": row.qualified}
        stored = known.get((row.security, row.ex_date))
        if stored is None:
            Dividend.objects.create(security_id=row.security, ex_date=row.ex_date, **said)
            new += 1
        elif any(getattr(stored, column) != value for column, value in said.items()):
            if not correct:
                problems.add(
                    f"the dividend of {stored.security} with the ex-date {row.ex_date} is known as "
                    f"{decimal_text(stored.amount)} paid on {stored.pay_date}: import it with --correct if "
                    "the file is right",
                    line=row.line,
                )
            Dividend.objects.filter(pk=stored.pk).update(**said)
            changed += 1
    problems.raise_if_any()
    return FileImport(new, len(rows) - new - changed, changed)


def _store_distributions(
    rows: Sequence[DistributionRow], *, name: str, correct: bool
) -> FileImport:
    problems, new, changed = Problems(name), [], []
    known = {
        (one.security_id, one.ex_date, one.kind): one
        for one in AnnouncedDistribution.objects.select_for_update(of=["self"])
        .filter(security__in={row.security for row in rows})
        .select_related("security")
    }
    for row in rows:
        stored = known.get(row.key)
        if stored is None:
            new.append(
                AnnouncedDistribution(
                    security_id=row.security,
                    ex_date=row.ex_date,
                    kind=row.kind,
                    amount=row.amount,
                    source=row.source,
                )
            )
        elif (stored.amount, stored.source) != (row.amount, row.source):
            if stored.amount != row.amount and not correct:
                problems.add(
                    f"the {row.kind}-term distribution of {stored.security} with the ex-date {row.ex_date} is known "
                    f"as {decimal_text(stored.amount)}: import it with --correct if the file is right",
                    line=row.line,
                    column="amount",
                )
            stored.amount, stored.source = row.amount, row.source
            changed.append(stored)
    problems.raise_if_any()
    AnnouncedDistribution.objects.bulk_create(new)
    AnnouncedDistribution.objects.bulk_update(changed, ["amount", "source"])
    return FileImport(len(new), len(rows) - len(new) - len(changed), len(changed))


def _store(rows: Sequence[PriceRow], *, name: str, correct: bool) -> tuple[FileImport, int]:
    """COPY into a temporary table, insert what is new, then look at what was there before.

    Returns what was done, and of how many prices it is known only now that somebody has looked at them.
    """
    with connection.cursor() as cursor:
        _stage(cursor, rows)
        cursor.execute(
            "INSERT INTO securities_price (security_id, day, close)"
            " SELECT security_id, day, close FROM staged_price"
            " ON CONFLICT (security_id, day) DO NOTHING"
        )
        rows_new = cursor.rowcount
        # After the insert: a price that somebody else stored meanwhile is compared as well.
        if correct:
            cursor.execute(
                "UPDATE securities_price p SET close = s.close FROM staged_price s"
                " WHERE p.security_id = s.security_id AND p.day = s.day AND p.close <> s.close"
            )
            rows_changed = cursor.rowcount
            rows_checked = _mark_checked(cursor)
        else:
            _refuse_changed(cursor, name=name)
            _refuse_jumps(cursor, name=name)
            rows_changed = rows_checked = 0
        cursor.execute("DROP TABLE staged_price")
    result = FileImport(
        rows_new=rows_new, rows_known=len(rows) - rows_new - rows_changed, rows_changed=rows_changed
    )
    return result, rows_checked


def _mark_checked(cursor: Any) -> int:
    """A price that somebody has looked at is not asked about again, here or before a harvest."""
    cursor.execute(
        "UPDATE securities_price p SET is_checked = true FROM staged_price s"
        " WHERE p.security_id = s.security_id AND p.day = s.day AND NOT p.is_checked"
    )
    return int(cursor.rowcount)


def _stage(cursor: Any, rows: Sequence[PriceRow]) -> None:
    cursor.execute(
        "CREATE TEMPORARY TABLE staged_price"
        " (security_id bigint, day date, close numeric(18, 6), line integer) ON COMMIT DROP"
    )
    with cursor.copy("COPY staged_price (security_id, day, close, line) FROM STDIN") as copy:
        for row in rows:
            copy.write_row((row.security, row.day, row.close, row.line))


def _refuse_changed(cursor: Any, *, name: str) -> None:
    cursor.execute(
        "SELECT s.line, y.symbol, s.day, p.close, s.close FROM staged_price s"
        " JOIN securities_price p ON p.security_id = s.security_id AND p.day = s.day"
        " JOIN securities_security y ON y.id = s.security_id"
        " WHERE p.close <> s.close ORDER BY s.line, y.symbol LIMIT %s",
        [MOST_PROBLEMS],
    )
    problems = Problems(name)
    for line, symbol, day, known, new in cursor.fetchall():
        problems.add(
            f"the close of {symbol} on {day} is known as {decimal_text(known)}, not "
            f"{decimal_text(new)}: import it as checked if the new one is right",
            line=line,
            column="close",
        )
    problems.raise_if_any()


def _refuse_jumps(cursor: Any, *, name: str) -> None:
    """A close far from the one before it, and no corporate action in between, is taken for a mistype."""
    cursor.execute(
        """
        WITH series AS (
            SELECT p.security_id, p.day, p.close, p.is_checked,
                   lag(p.close) OVER history AS before, lag(p.day) OVER history AS day_before
              FROM securities_price p
             WHERE p.security_id IN (SELECT security_id FROM staged_price)
            WINDOW history AS (PARTITION BY p.security_id ORDER BY p.day)
        )
        SELECT s.line, y.symbol, x.day, x.before, x.close
          FROM series x
          JOIN staged_price s ON s.security_id = x.security_id AND s.day = x.day
          JOIN securities_security y ON y.id = x.security_id
         WHERE x.day - x.day_before <= %(days)s AND NOT x.is_checked
           AND (x.close > x.before * (1 + %(move)s) OR x.close * (1 + %(move)s) < x.before)
           AND NOT EXISTS (
               SELECT 1 FROM securities_corporateaction a
                WHERE a.security_id = x.security_id
                  AND a.effective_on > x.day_before AND a.effective_on <= x.day)
         ORDER BY s.line, y.symbol LIMIT %(most)s
        """,
        {"days": _NEXT_CLOSE_DAYS, "move": LARGEST_MOVE, "most": MOST_PROBLEMS},
    )
    problems = Problems(name)
    for line, symbol, day, before, close in cursor.fetchall():
        problems.add(
            f"the close of {symbol} goes from {decimal_text(before)} to {decimal_text(close)} on {day}: book the "
            "split, mend the price, or import it as checked",
            line=line,
            column="close",
        )
    problems.raise_if_any()
