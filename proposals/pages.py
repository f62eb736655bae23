"""What the desk's larger pages show, gathered from selectors."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from uuid import UUID

from accounts import access
from accounts.models import Account, User
from accounts.selectors import business_date
from accounts.selectors import household as visible_household
from lots.held_lots import basis_of, term_of
from lots.selectors import cash, open_lots, realized
from lots.types import LotRow
from proposals import order_pages, panels, selectors
from proposals.exposure import CASH, Exposure, bars, exposures
from proposals.forms import BudgetForm
from proposals.lot_sums import lot_sums
from proposals.models import GainBudget, Proposal
from proposals.types import OPEN, Proration, Side, Status
from securities.selectors import latest_prices, symbols


@dataclass(frozen=True, slots=True)
class LotLine:
    """A lot as the household page shows it; price, value and gain are None without a price."""

    symbol: str
    acquired: date
    holding_start: date
    term: str
    quantity: Decimal
    basis: Decimal
    price: Decimal | None

    @property
    def value(self) -> Decimal | None:
        return None if self.price is None else self.quantity * self.price

    @property
    def gain(self) -> Decimal | None:
        return None if self.value is None else self.value - self.basis


@dataclass(frozen=True, slots=True)
class AccountLines:
    """An account with its cash and lots."""

    account: Account
    cash: Decimal
    lots: tuple[LotLine, ...]

    @property
    def value(self) -> Decimal:
        return self.cash + sum((lot.value or Decimal(0) for lot in self.lots), Decimal(0))


def household_context(
    user: User, public_id: UUID, *, budget_form: BudgetForm | None = None
) -> dict[str, object]:
    """Context of the household page, perhaps with a form of limits that was refused.

    Raises Http404 for a household the user cannot see.
    """
    household = visible_household(user, public_id)
    today = business_date(household.firm)
    lines = _account_lines(household.pk, household.firm_id, today)
    budget = selectors.gain_budget(household.pk, today.year)
    return {
        "household": household,
        "accounts": lines,
        "value": sum((line.value for line in lines), Decimal(0)),
        "cash_total": sum((line.cash for line in lines), Decimal(0)),
        "realized": realized(household.pk, today.year),
        "budget": budget,
        "budget_rows": selectors.budget_rows(household, today),
        "budget_form": budget_form or _budget_form(budget, today.year),
        "windows": selectors.window_rows(household.pk, today),
        "open_proposals": [
            proposal
            for proposal in selectors.household_proposals(user, public_id)
            if proposal.status in OPEN
        ],
    }


def _budget_form(budget: GainBudget | None, year: int) -> BudgetForm:
    """The limits as they stand, to be changed."""
    names = ("short_limit", "long_limit", "tax_limit")
    limits = {name: _plain_cents(getattr(budget, name, None)) for name in names}
    proration = budget.proration if budget is not None else Proration.NONE.value
    return BudgetForm(initial={"year": year, "proration": proration, **limits})


def _plain_cents(dollars: Decimal | None) -> Decimal | None:
    return None if dollars is None else dollars.quantize(Decimal("0.01"))


def _account_lines(household_id: int, firm_id: int, today: date) -> list[AccountLines]:
    names, quotes = symbols(firm_id), latest_prices(firm_id, today)
    dollars = cash(household_id)
    by_account: dict[int, list[LotLine]] = defaultdict(list)
    for lot in open_lots(household_id):
        quote = quotes.get(lot.security)
        by_account[lot.account].append(
            _lot_line(lot, names[lot.security], quote.price if quote else None, today)
        )
    accounts = Account.objects.filter(household_id=household_id).select_related("owner")
    return [
        AccountLines(
            account=account,
            cash=dollars.get(account.pk, Decimal(0)),
            lots=tuple(
                sorted(by_account[account.pk], key=lambda line: (line.symbol, line.acquired))
            ),
        )
        for account in accounts
    ]


def _lot_line(lot: LotRow, symbol: str, price: Decimal | None, today: date) -> LotLine:
    return LotLine(
        symbol=symbol,
        acquired=lot.acquired,
        holding_start=lot.holding_start,
        term=term_of(lot, today).value,
        quantity=lot.quantity,
        basis=lot.basis if price is None else basis_of(lot, lot.quantity, lot.quantity * price),
        price=price,
    )


def proposal_context(
    user: User, proposal: Proposal, *, typed: panels.Typed = panels.NOTHING
) -> dict[str, object]:
    """Context of the proposal page, perhaps with what was typed into a panel's form that was refused."""
    household = proposal.household
    today = business_date(household.firm)
    return {
        "proposal": proposal,
        "trades": list(proposal.trades.all()),
        "decisions": proposal.decisions.select_related("user"),
        "can_withdraw": proposal.status == Status.APPROVED
        and access.may(user, access.Action.DECIDE),
        "can_close": proposal.status == Status.ORDERED and access.may(user, access.Action.TRADE),
        "can_decide": proposal.status == Status.PENDING and access.may(user, access.Action.DECIDE),
        "handling": order_pages.handling_lines(proposal, today),
        "bars": bars(_exposures(proposal)),
        "explanation": proposal.explanation,
        "panels": panels.of(user, proposal, typed),
        "lot_sums": lot_sums(proposal.explanation.get("candidates") or ()),
        "windows": selectors.window_rows(household.pk, today),
        "distributions": selectors.distributions_ahead(proposal, today),
        "budget_rows": selectors.budget_of_proposal(proposal, today)
        if proposal.status in (Status.PENDING, Status.APPROVED)
        else (),
    }


def _exposures(proposal: Proposal) -> tuple[Exposure, ...]:
    """Weights at the proposal's prices; a decided proposal is shown against today's lots."""
    household = proposal.household
    names = symbols(household.firm_id)
    quotes = latest_prices(household.firm_id, proposal.as_of)
    values: dict[str, Decimal] = defaultdict(Decimal)
    for lot in open_lots(household.pk):
        if lot.security in quotes:
            values[names[lot.security]] += lot.quantity * quotes[lot.security].price
    values[CASH] = sum(cash(household.pk).values(), Decimal(0))
    changes: dict[str, Decimal] = defaultdict(Decimal)
    for trade in proposal.trades.all():
        sign = 1 if trade.side == Side.BUY else -1
        changes[names[trade.security_id]] += sign * trade.amount
    return exposures(values, changes)
