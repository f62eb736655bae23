"""Cash that is going to leave a household or to come in: entered by a person, settled or called off by one (F6)."""

from datetime import date
from decimal import Decimal

from django.db import transaction

from accounts import access
from accounts.access import Action
from accounts.locks import lock_household
from accounts.models import Account, Firm, Household, User
from accounts.selectors import business_date
from accounts.services import record_audit
from accounts.types import MONEY_LIMIT
from proposals.errors import BadCashFlow, CashFlowEnded, CashFlowKnown, NoReason
from proposals.models import ExpectedCashFlow
from proposals.services.life import require_now
from proposals.types import CashFlowKind

CENT = Decimal("0.01")


def expect_cash_flow(
    *,
    user: User,
    household_id: int,
    kind: CashFlowKind,
    amount: Decimal,
    due_on: date,
    reason: str,
    account_id: int | None = None,
) -> ExpectedCashFlow:
    """Record dollars that leave, or come into, one account or with none the household, on a day (F6).

    One that was settled or called off gives its place to a new one of the same kind, account and day; the audit trail
    keeps it. Holds the household's lock: nothing is approved while its needs change. Raises NotAllowed, BadCashFlow,
    NoReason, CashFlowKnown, and DoesNotExist for what is not the firm's.
    """
    with transaction.atomic():
        firm = require_now(user, Action.DECIDE)
        household = lock_household(Household.objects.get(firm=firm, pk=household_id).pk)
        account = Account.objects.get(firm=firm, pk=account_id) if account_id else None
        _check_account(kind, account, household)
        _check_figures(amount, due_on, today=business_date(firm))
        if not reason.strip():
            raise NoReason("A cash flow needs a reason: say what the cash is for.")
        same = ExpectedCashFlow.objects.filter(
            household=household, account=account, kind=kind, due_on=due_on
        ).first()
        if same is not None and same.settled_on is None:
            raise CashFlowKnown(
                f"A {kind.told} of {due_on} {_where(kind, account)} is on record already, of ${same.amount:,.2f}: "
                "there is one of a kind an account and day. Call that one off first, or take another day."
            )
        row = same or ExpectedCashFlow(
            household=household, account=account, kind=kind.value, due_on=due_on
        )
        before = None if same is None else {"amount": same.amount, "settled_on": same.settled_on}
        row.amount, row.reason, row.author, row.settled_on = amount, reason.strip(), user, None
        row.save()
        _audit(row, firm, user, "cash_flow.recorded", {"reason": row.reason, "before": before})
    return row


def settle_cash_flow(*, user: User, household_id: int, flow_id: int) -> ExpectedCashFlow:
    """Say that the cash has left, or come in. Raises NotAllowed, CashFlowEnded."""
    return _end(user, household_id, flow_id, "cash_flow.settled", {})


def call_off_cash_flow(
    *, user: User, household_id: int, flow_id: int, reason: str
) -> ExpectedCashFlow:
    """Say that the cash will not leave, or not come in. Raises NotAllowed, NoReason, CashFlowEnded."""
    if not reason.strip():
        raise NoReason("Calling off needs a reason: say why in a sentence.")
    return _end(user, household_id, flow_id, "cash_flow.called_off", {"reason": reason.strip()})


def _end(
    user: User, household_id: int, flow_id: int, action: str, facts: dict[str, object]
) -> ExpectedCashFlow:
    with transaction.atomic():
        firm = require_now(user, Action.DECIDE)
        row = (
            access.visible(user, ExpectedCashFlow)
            .filter(household=household_id, pk=flow_id)
            .select_related("household", "account")
            .first()
        )
        if row is None:
            raise CashFlowEnded("There is no such cash flow here: load the page again.")
        lock_household(row.household_id)
        row.refresh_from_db(fields=["settled_on", "amount"])
        if row.settled_on is not None:
            raise CashFlowEnded(f"This {_told(row)} was settled or called off on {row.settled_on}.")
        row.settled_on = business_date(firm)
        row.save(update_fields=["settled_on"])
        _audit(row, firm, user, action, facts)
    return row


def _check_account(kind: CashFlowKind, account: Account | None, household: Household) -> None:
    """Raises BadCashFlow where the cash cannot leave, or come into, what is named."""
    if kind is CashFlowKind.RMD and (account is None or account.is_taxable):
        named = "none is named" if account is None else f"{account} is none"
        raise BadCashFlow(f"A required distribution leaves a retirement account, and {named}.")
    if account is None:
        return
    if account.household_id != household.pk:
        raise BadCashFlow(f"{account} is no account of {household.name}.")
    if account.held_away:
        raise BadCashFlow(
            f"{account} is held away: its cash is not kept here and cannot be made ready."
        )


def _check_figures(amount: Decimal, due_on: date, *, today: date) -> None:
    """Raises BadCashFlow."""
    if not CENT <= amount < MONEY_LIMIT:
        raise BadCashFlow(
            f"The amount is above zero and below ${MONEY_LIMIT:,.0f}; what comes in is a deposit."
        )
    if amount != amount.quantize(CENT):
        raise BadCashFlow(f"The amount is in dollars and cents, {amount} is finer.")
    if due_on < today:
        raise BadCashFlow(
            f"{due_on} is past: the firm stands at {today}. Take that day or a later one."
        )


def _told(row: ExpectedCashFlow) -> str:
    return f"{CashFlowKind(row.kind).told} of {row.due_on}"


def _where(kind: CashFlowKind, account: Account | None) -> str:
    name = "the household" if account is None else account.name
    return f"{'from' if kind.is_need else 'into'} {name}"


def _audit(
    row: ExpectedCashFlow, firm: Firm, user: User, action: str, facts: dict[str, object]
) -> None:
    record_audit(
        firm=firm,
        actor=user.username,
        action=action,
        subject=f"cash flow {row.pk}",
        facts={
            "kind": row.kind,
            "household": row.household.public_id,
            "account": row.account.public_id if row.account else "",
            "amount": row.amount,
            "due_on": row.due_on,
            **facts,
        },
    )
