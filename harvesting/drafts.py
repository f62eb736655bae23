"""From a plan to a draft proposal: trades, one sentence, the sums behind it, and the inputs it was computed from."""

from decimal import Decimal

from harvesting import explanation, record
from harvesting.sales import selling_leg
from harvesting.types import (
    ZERO,
    Book,
    Finding,
    Pair,
    Plan,
    Surroundings,
)
from lots.types import Term
from proposals.types import PARKED, DraftProposal, DraftTrade, ProposalKind, Side

REASON = "HARVEST"
_BASIS_POINTS = 10_000
_HUNDREDTH = Decimal("0.01")


def trades_of(plan: Plan) -> tuple[DraftTrade, ...]:
    """Pair by pair: the named lots sold, then the one buy."""
    return tuple(trade for pair in plan.pairs for trade in _legs(pair))


def draft(
    *,
    household: int,
    plan: Plan,
    findings: tuple[Finding, ...],
    book: Book,
    around: Surroundings,
) -> DraftProposal:
    """The proposal of a plan that takes something. ``findings`` are all of the household's."""
    trades = trades_of(plan)
    return DraftProposal(
        household=household,
        kind=ProposalKind.HARVEST,
        as_of=book.as_of,
        sentence=explanation.sentence(plan, book, around),
        reasons=(REASON,),
        trades=trades,
        tax_saved=plan.tax_saved,
        carried_worth=explanation.carried_worth(plan, around.tax),
        cost=plan.cost,
        short_gain=_gain(trades, Term.SHORT),
        long_gain=_gain(trades, Term.LONG),
        net=plan.net,
        wash_deferred=plan.deferred,
        gap_bp=_gap_bp(plan),
        inputs=record.text_of(book, around, plan),
        explanation=explanation.explanation(plan, findings, book, around),
    )


def _gap_bp(plan: Plan) -> Decimal:
    """What a better choice could add at most, in basis points of the dollars sold."""
    sold = sum((one.sale.amount for one in plan.candidates), ZERO)
    return (plan.gap / sold * _BASIS_POINTS).quantize(_HUNDREDTH)


def _legs(pair: Pair) -> tuple[DraftTrade, ...]:
    reason = REASON if pair.substitute is not None else PARKED
    sells = tuple(selling_leg(sale, pair=pair.number, reason=reason) for sale in pair.sales)
    if pair.substitute is None:
        return sells
    buy = DraftTrade(
        account=pair.account,
        security=pair.substitute,
        side=Side.BUY,
        quantity=pair.quantity,
        price=pair.price,
        reason=REASON,
        pair=pair.number,
    )
    return (*sells, buy)


def _gain(trades: tuple[DraftTrade, ...], term: Term) -> Decimal:
    return sum((trade.gain for trade in trades if trade.term == term), ZERO)
