"""What is still to be made ready of expected withdrawals, once some of it has left. Pure Decimal (F6)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal

from proposals.types import CashFlow, CashFlowKind


@dataclass(frozen=True, slots=True)
class Paid:
    """Cash that left an account, or a fee that was charged there."""

    account: int
    day: date
    amount: Decimal  # dollars
    is_fee: bool


def still_needed(
    flows: Sequence[CashFlow], paid: Iterable[Paid], *, days: int
) -> tuple[CashFlow, ...]:
    """The flows less what was taken out for them within ``days`` before their day; those that are paid are left out.

    Fees are paid by fees, all else by cash that left; of the account that a need names, of any where it names none. A
    dollar pays one need only, the earlier first. Deposits stay as they are.
    """
    left = [(one, [one.amount]) for one in paid]
    found = []
    for flow in sorted(flows, key=lambda flow: flow.due_on):
        amount = flow.amount
        for one, rest in left if flow.kind.is_need else ():
            mine = flow.account in (None, one.account)
            if not mine or one.is_fee != (flow.kind is CashFlowKind.FEE):
                continue
            if one.day < flow.due_on - timedelta(days=days):
                continue
            taken = min(amount, rest[0])
            amount -= taken
            rest[0] -= taken
        if amount > 0:
            found.append(replace(flow, amount=amount))
    return tuple(found)
