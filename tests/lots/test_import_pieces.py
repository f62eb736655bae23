"""A book is the same book however it was cut into files (I20): twice, in halves, or sorted by security."""

import csv
import io
from collections.abc import Sequence

import pytest

from accounts.models import Account, Household
from lots import services
from lots.types import ImportSummary, NewTransaction
from securities.models import Security
from tests.lots.books_in_pieces import (
    LAST_DAY,
    dump_sha256,
    make_book_place,
    random_rows,
    told,
)

pytestmark = pytest.mark.django_db

COLUMNS = (
    "account", "external_id", "trade_date", "kind", "symbol", "quantity", "amount", "to_account",
    "to_symbol", "basis_fraction",
)  # fmt: skip
SEEDS = range(6)


def as_file(rows: Sequence[NewTransaction]) -> bytes:
    """The rows as a canonical file."""
    numbers = dict(Account.objects.values_list("pk", "number"))
    symbols = dict(Security.objects.values_list("pk", "symbol"))
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    for row in rows:
        writer.writerow(
            [
                numbers[row.account],
                row.external_id,
                row.trade_date,
                row.kind.value,
                symbols[row.security] if row.security else "",
                row.quantity or "",
                row.amount or "",
                numbers[row.to_account] if row.to_account else "",
                symbols[row.to_security] if row.to_security else "",
                row.basis_fraction or "",
            ]
        )
    return text.getvalue().encode()


def imported(household: Household, *files: Sequence[NewTransaction]) -> list[ImportSummary]:
    return [
        services.import_file(
            firm=household.firm,
            user=None,
            file=as_file(rows),
            name=f"{number}.csv",
            format=None,
            account=None,
            as_of=LAST_DAY,
        )
        for number, rows in enumerate(files)
    ]


def place(seed: int, name: str) -> tuple[Household, list[NewTransaction]]:
    household, accounts, securities = make_book_place(name)
    return household, random_rows(seed, accounts, securities)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_file_twice_is_the_file_once(seed):
    household, rows = place(seed, "Twice")
    imported(household, rows)
    once, derived = dump_sha256(), told(household)

    [again] = imported(household, rows)
    [renumbered] = imported(household, rows[::-1])

    assert (again.new, again.file_known) == (0, True)
    assert (renumbered.new, renumbered.known) == (0, len(rows))
    assert dump_sha256() == once
    assert told(household) == derived


@pytest.mark.parametrize("seed", SEEDS)
def test_a_file_in_pieces_is_the_file_at_once(seed):
    whole, rows = place(seed, "Whole")
    cut, twins = place(seed, "Cut")
    imported(whole, rows)
    # The middle comes twice: files of custodians overlap.
    imported(cut, twins[:25], twins[15:])

    assert told(cut) == told(whole)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_order_of_files_means_nothing(seed):
    """One file has the identical securities, the other all else; each can come first."""
    first, rows = place(seed, "First")
    second, twins = place(seed, "Second")
    imported(first, *by_market(rows))
    imported(second, *reversed(by_market(twins)))

    assert told(first) == told(second)


def by_market(rows: Sequence[NewTransaction]) -> list[list[NewTransaction]]:
    symbols = dict(Security.objects.values_list("pk", "symbol"))
    alone = [row for row in rows if row.security and symbols[row.security] in ("DDD", "EEE")]
    others = [row for row in rows if row not in alone]
    assert alone
    assert others
    return [alone, others]
