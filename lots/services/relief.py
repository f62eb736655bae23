"""The standing orders of accounts: which lots a sale takes where it identifies none (R22, R22b)."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from datetime import date

from django.db import transaction
from django.db.models import QuerySet

from accounts import access
from accounts.errors import Conflict, LotwiseError
from accounts.locks import lock_household
from accounts.models import Account, User
from accounts.services import record_audit
from lots.booking import Key
from lots.booking_rules import RELIEF_KINDS, takes_relief
from lots.engine.market_facts import MARKET_FACTS
from lots.models import ReliefElection, Transaction
from lots.types import NewTransaction, Relief
from securities.models import Security


class ReasonMissing(LotwiseError):
    """A decision about taxes is kept with its reason."""

    code = "reason_missing"

    def __init__(self) -> None:
        super().__init__("Say why: the standing order is kept with its author and its reason.")


@transaction.atomic
def elect_relief(
    *, account: Account, method: Relief, effective_on: date, author: User, reason: str
) -> ReliefElection:
    """Give the account a standing order for sales from ``effective_on`` on; the newest one in force on a day counts.

    AVERAGE reaches the account's funds alone (R22b); its other securities stay with FIFO from that day on.
    Raises NotAllowed, ReasonMissing, and Conflict where a sale of that day or a later one is booked that named no lots:
    its lots are settled, and nothing is chosen again afterwards (R22).
    """
    access.require(author, access.Action.DECIDE)
    if author.firm_id != account.firm_id:
        raise Account.DoesNotExist
    if not reason.strip():
        raise ReasonMissing
    lock_household(account.household_id)
    last = _relieved(account).order_by("-trade_date", "-pk").first()
    if last is not None and effective_on <= last.trade_date:
        raise Conflict(
            f"A {last.kind} of {last.trade_date} ({last.external_id}) is booked in account {account.number}: its lots "
            f"are settled and cannot be chosen again (R22). Let the standing order begin after {last.trade_date}."
        )
    election = ReliefElection.objects.create(
        account=account,
        method=method.value,
        effective_on=effective_on,
        author=author,
        reason=reason.strip(),
    )
    record_audit(
        firm=account.firm,
        actor=author.username,
        action="relief.elected",
        subject=account.number,
        facts={
            "account": account.public_id,
            "method": method,
            "effective_on": effective_on,
            "reason": election.reason,
        },
    )
    return election


def _relieved(account: Account) -> QuerySet[Transaction]:
    """What took lots by a relief method: ``takes_relief`` of booked transactions."""
    rows = Transaction.objects.filter(account=account, kind__in=RELIEF_KINDS)
    return rows.exclude(kind__in=MARKET_FACTS, amount=0).filter(selections=None)


def settled_reliefs(rows: Sequence[NewTransaction]) -> dict[Key, Relief]:
    """The relief of each row that takes one: its own word, else the account's standing order on its trade date.

    A row that is not named goes first in, first out. At most two queries.
    """
    reliefs = {_key(row): row.relief for row in rows if row.relief is not None}
    silent = [row for row in rows if row.relief is None and takes_relief(row)]
    orders = _standing_orders({row.account for row in silent})
    elected = {_key(row): _in_force(orders.get(row.account, []), row.trade_date) for row in silent}
    funds = _funds(row.security for row in silent if elected[_key(row)] is Relief.AVERAGE)
    for row in silent:
        relief = elected[_key(row)]
        if relief is not None and (relief is not Relief.AVERAGE or row.security in funds):
            reliefs[_key(row)] = relief
    return reliefs


def _funds(securities: Iterable[int | None]) -> set[int]:
    asked = {security for security in securities if security is not None}
    if not asked:
        return set()
    return set(Security.objects.filter(pk__in=asked, is_fund=True).values_list("pk", flat=True))


def _standing_orders(accounts: set[int]) -> dict[int, list[tuple[date, Relief]]]:
    """Account -> its elections by the day they took effect; of one day the newest stands last."""
    orders: dict[int, list[tuple[date, Relief]]] = {}
    if accounts:
        rows = ReliefElection.objects.filter(account__in=accounts).order_by("effective_on", "pk")
        for account, method, day in rows.values_list("account_id", "method", "effective_on"):
            orders.setdefault(account, []).append((day, Relief(method)))
    return orders


def _in_force(orders: list[tuple[date, Relief]], day: date) -> Relief | None:
    place = bisect_right(orders, day, key=lambda order: order[0])
    return orders[place - 1][1] if place else None


def _key(row: NewTransaction) -> Key:
    return row.account, row.external_id
