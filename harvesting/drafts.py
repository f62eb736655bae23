"""From a plan to a draft proposal: trades, one sentence, the sums behind it, and the inputs it was computed from."""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from decimal import Decimal

from accounts.canonical import canonical_text
from harvesting import explanation
from harvesting.sales import selling_leg
from harvesting.types import (
    ZERO,
    Book,
    Finding,
    Pair,
    Plan,
    Surroundings,
)
from lots.types import LotRow, Term
from lots.year_tax import record
from proposals.costs import TradingCosts
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
        inputs=_inputs(book, around, plan),
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


def _inputs(book: Book, around: Surroundings, plan: Plan) -> str:
    """Canonical text of everything the decision was computed from."""
    securities = {lot.security for lot in book.lots}
    securities.update(*around.substitutes.values())
    priced = sorted(one for one in securities if one in book.prices)
    rules = book.rules
    return canonical_text(
        {
            "as_of": book.as_of,
            "prices": {one: [book.prices[one].price, book.prices[one].day] for one in priced},
            "costs": _costs(around.costs, priced),
            "volatilities": {
                one: around.volatilities[one] for one in priced if one in around.volatilities
            },
            "pairs": [
                [*pair, figures.tracking_error, figures.correlation, figures.beta]
                for pair, figures in sorted(around.pairs.items())
            ],
            "dividends": [[one.security, one.ex_date, one.amount] for one in around.dividends],
            "lots": [_lot(lot) for lot in book.lots],
            "rules": {item.name: getattr(rules, item.name) for item in fields(rules)},
            "tax": record(around.tax),
            "substitutes": around.substitutes,
            "identical": sorted(sorted(group) for group in around.groups),
            "buy_blocked": around.buy_blocked,
            "no_sell": [[*place, why] for place, why in sorted(around.no_sell.items())],
            "unreconciled": around.unreconciled,
            "doubtful": around.doubtful,
            "delisted": around.delisted,
            "reserved": [[*key, shares] for key, shares in sorted(around.reserved.items())],
            "purchases": [
                [one.security, one.account, one.bought_on, one.shares, *one.block, one.is_coming]
                for one in around.purchases
            ],
            "taken": [[*one.sale.key, one.sale.quantity] for one in plan.candidates],
        }
    )


def _costs(costs: TradingCosts, securities: Sequence[int]) -> dict[str, object]:
    """The figures behind commission, spread and impact of these securities."""

    def of(figures: Mapping[int, Decimal]) -> dict[int, Decimal]:
        return {one: figures[one] for one in securities if one in figures}

    return {
        "half_spreads": of(costs.half_spreads),
        "daily_volumes": of(costs.daily_volumes),
        "commissions": {
            account: [getattr(schedule, item.name) for item in fields(schedule)]
            for account, schedule in sorted(costs.commissions.items())
        },
    }


def _lot(lot: LotRow) -> list[object]:
    return [getattr(lot, name) for name in lot.__slots__]
