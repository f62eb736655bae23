"""Whether what was booked and given out still says what it was hashed with."""

from collections import defaultdict
from collections.abc import Iterator

from accounts.canonical import sha256_of
from lots.booking import Key, content_sha256
from lots.models import LotSelection, ReportedYear, Transaction
from lots.types import EntryKind, NewTransaction, Pick, Relief

_BATCH = 2_000


def changed_transactions(household_id: int) -> Iterator[tuple[str, str]]:
    """Account number and id of the transactions that have another hash than their content. Two queries."""
    picks: defaultdict[int, list[tuple[Key, Pick]]] = defaultdict(list)
    selected = LotSelection.objects.filter(transaction__account__household=household_id)
    for sale, account, external_id, opening, quantity, part in selected.order_by("pk").values_list(
        "transaction_id", "opening__account_id", "opening__external_id", "opening_id", "quantity", "part"
    ):  # fmt: skip
        picks[sale].append(((account, external_id), Pick(opening, quantity, part)))
    rows = Transaction.objects.filter(account__household=household_id).select_related("account")
    for row in rows.order_by("trade_date", "pk").iterator(chunk_size=_BATCH):
        # The hash has the relief that the row itself asked for, not the one of a standing order (R22).
        said = {None, Relief(row.relief) if row.relief else None}
        if row.content_sha256 not in {_content(row, picks[row.pk], relief) for relief in said}:
            yield row.account.number, row.external_id


def _content(row: Transaction, picks: list[tuple[Key, Pick]], relief: Relief | None) -> str:
    content = NewTransaction(
        account=row.account_id,
        external_id=row.external_id,
        trade_date=row.trade_date,
        kind=EntryKind(row.kind),
        security=row.security_id,
        quantity=row.quantity,
        price=row.price,
        amount=row.amount,
        fee=row.fee,
        settle_date=row.settle_date,
        picks=tuple(pick for _, pick in picks),
        block=row.block,
        to_account=row.to_account_id,
        holding_start=row.holding_start,
        acquired=row.acquired,
        relief=relief,
        to_security=row.to_security_id,
        basis_fraction=row.basis_fraction,
        market_value=row.market_value,
    )
    return content_sha256(content, [key for key, _ in picks])


def changed_reports(household_id: int) -> list[int]:
    """The years given out whose kept figures are not those that were hashed."""
    rows = ReportedYear.objects.filter(household=household_id).order_by("pk")
    return [row.year for row in rows if sha256_of(row.figures) != row.figures_sha256]
