"""From gains worth taking to a draft proposal: one sentence, the sum behind it, and the inputs it was computed from."""

from decimal import Decimal
from fractions import Fraction

from accounts.canonical import canonical_text
from harvesting.economics import later_rate, to_the_cent
from harvesting.gains import (
    REASON,
    GainOutcome,
    GainPair,
    GainPlan,
    GainSurroundings,
    gain_of,
    trades_of,
)
from harvesting.types import ZERO, Book, Sale
from lots.holding_period import first_long_term_day
from lots.rounding import plain
from lots.year_tax import carried_worth, record, year_tax
from proposals.types import DraftProposal, ProposalKind

NOT_COMPUTED = (
    "A gain raises adjusted gross income: the net investment income tax is counted where the profile states income; "
    "premium credits, Medicare premiums (IRMAA) and other items that depend on it are not computed."
)
RESTART = (
    "The holding period of the shares bought back begins anew: what they gain is short-term if they have "
    "to be sold before {day}. That risk is not in the sum."
)


def draft(*, household: int, plan: GainPlan, book: Book, around: GainSurroundings) -> DraftProposal:
    """The proposal of a plan that takes something.

    What is saved is later tax less tax now; no return of this year shows the later tax, nor what carried losses that
    are used up were worth, so both are in ``carried_worth``.
    """
    used_up = carried_worth(around.tax, short=plan.gains.short, long=plan.gains.long)
    return DraftProposal(
        household=household,
        kind=ProposalKind.GAIN_HARVEST,
        as_of=book.as_of,
        sentence=_sentence(plan, book),
        reasons=(REASON,),
        trades=trades_of(plan),
        tax_saved=plan.later_tax - plan.tax_now,
        carried_worth=plan.later_tax + to_the_cent(used_up),
        cost=plan.cost,
        short_gain=plan.gains.short,
        long_gain=plan.gains.long,
        inputs=_inputs(plan, book, around),
        explanation=_explanation(plan, book, around),
    )


def _sentence(plan: GainPlan, book: Book) -> str:
    names = sorted({book.symbol(pair.security) for pair in plan.pairs})
    listed = (
        ", ".join(names)
        if len(names) <= 4
        else f"{', '.join(names[:3])} and {len(names) - 3} others"
    )
    gain = plan.gains.short + plan.gains.long
    return (
        f"Sell {listed} at a gain of {_money(gain)} and buy the shares back at once: {_money(plan.later_tax)} of later "
        f"tax avoided, {_money(plan.tax_now)} of tax now, {_money(plan.cost)} of cost; worth {_money(plan.net)} in all."
    )


def _explanation(plan: GainPlan, book: Book, around: GainSurroundings) -> dict[str, object]:
    """For people, numbers as text: ``docs/budgets.md`` names the fields."""
    return {
        "gains": [_lot(sale, pair, book, around) for pair in plan.pairs for sale in pair.sales],
        "gain_sum": {
            "gain": _plain(plan.gains.short + plan.gains.long),
            "later_tax": _plain(plan.later_tax),
            "tax_now": _plain(plan.tax_now),
            "cost": _plain(plan.cost),
            "net": _plain(plan.net),
        },
        "gain_pairs": [_pair(pair, book) for pair in plan.pairs],
        "cash_left": _plain(sum((pair.cash_left for pair in plan.pairs), ZERO)),
        "tax": _tax(plan, around),
        "gains_left": _left(plan),
        "assumptions": _assumptions(book, around),
        "coverage": around.coverage.sentence,
    }


def _lot(sale: Sale, pair: GainPair, book: Book, around: GainSurroundings) -> dict[str, str]:
    gain = gain_of(sale)
    return {
        "account": book.account(pair.account),
        "security": book.symbol(pair.security),
        "acquired": sale.lot.acquired.isoformat(),
        "term": sale.term.value,
        "shares": _plain(sale.quantity),
        "basis": _plain(sale.basis),
        "amount": _plain(sale.amount),
        "gain": _plain(gain),
        "later_tax": _plain(to_the_cent(gain * later_rate(book.rules, around.tax))),
    }


def _pair(pair: GainPair, book: Book) -> dict[str, str]:
    return {
        "account": book.account(pair.account),
        "security": book.symbol(pair.security),
        "sold": _plain(pair.sold),
        "bought": _plain(pair.quantity),
        "price": _plain(pair.price),
        "commission": _plain(to_the_cent(pair.cost.commission)),
        "spread": _plain(to_the_cent(pair.cost.spread)),
        "impact": _plain(to_the_cent(pair.cost.impact)),
        "cash_left": _plain(pair.cash_left),
    }


def _tax(plan: GainPlan, around: GainSurroundings) -> dict[str, str]:
    """The two computations whose difference is the tax now."""
    tax = around.tax
    short, long = tax.short + plan.gains.short, tax.long + plan.gains.long
    return {
        "short_before": _plain(tax.short),
        "long_before": _plain(tax.long),
        "tax_before": _plain(to_the_cent(year_tax(tax, short=tax.short, long=tax.long))),
        "short_after": _plain(short),
        "long_after": _plain(long),
        "tax_after": _plain(to_the_cent(year_tax(tax, short=short, long=long))),
    }


def _left(plan: GainPlan) -> dict[str, dict[str, object]]:
    """Outcome -> how many lots, the dollars of gain in them, and the sentence of the largest."""
    found: dict[str, dict[str, object]] = {}
    for outcome in GainOutcome:
        rows = [one for one in plan.findings if one.outcome is outcome]
        if rows and outcome is not GainOutcome.TAKE:
            largest = max(rows, key=lambda one: (one.gain, one.opening, one.part))
            found[outcome.value] = {
                "lots": len(rows),
                "gain": _plain(sum((one.gain for one in rows), ZERO)),
                "largest": largest.detail,
            }
    return found


def _assumptions(book: Book, around: GainSurroundings) -> list[str]:
    rules, tax = book.rules, around.tax
    rate = tax.long_rate if rules.future_rate is None else rules.future_rate
    whose = (
        "today's rate on one more long-term dollar" if rules.future_rate is None else "the policy's"
    )
    later = (
        f"Later tax: {_percent(rate)} ({whose}), a chance of {_percent(rules.taxable_sale_chance)} that the sale is "
        f"taxed, in {_plain(rules.horizon_years)} years at {_percent(rules.discount_rate)} a year: "
        f"${_plain(later_rate(rules, tax))} for each dollar of gain taken now."
    )
    restart = RESTART.format(day=first_long_term_day(book.as_of))
    carried = (
        f"A dollar of loss carried to later years is taken to be worth ${_plain(tax.carried_loss_value)}; the gains "
        "use such losses up first."
    )
    tonight = "The year's other open proposals, and tonight's, are counted as if they were filled."
    return [later, carried, tonight, restart, NOT_COMPUTED]


def _inputs(plan: GainPlan, book: Book, around: GainSurroundings) -> str:
    """Canonical text of everything the decision was computed from."""
    securities = {lot.security for lot in book.lots}
    costs = around.costs
    usage = around.usage
    return canonical_text(
        {
            "as_of": book.as_of,
            "prices": {
                one: [book.prices[one].price, book.prices[one].day]
                for one in sorted(securities)
                if one in book.prices
            },
            "lots": [[getattr(lot, name) for name in lot.__slots__] for lot in book.lots],
            "rules": {name: getattr(book.rules, name) for name in book.rules.__slots__},
            "tax": record(around.tax),
            "half_spreads": {
                one: costs.half_spreads[one]
                for one in sorted(securities)
                if one in costs.half_spreads
            },
            "commissions": {
                account: [one.per_order, one.per_share, one.of_amount, one.minimum]
                for account, one in sorted(costs.commissions.items())
            },
            "volatilities": {
                one: costs.volatilities[one]
                for one in sorted(securities)
                if one in costs.volatilities
            },
            "daily_volumes": {
                one: costs.daily_volumes[one]
                for one in sorted(securities)
                if one in costs.daily_volumes
            },
            "budget": None
            if usage is None
            else {
                "limits": {limit.value: most for limit, most in usage.budget.limits.items()},
                "realised": [usage.realised.short, usage.realised.long],
                "drawn": [usage.drawn.short, usage.drawn.long],
            },
            "buy_blocked": around.buy_blocked,
            "restricted": [[*key, why] for key, why in sorted(around.restricted.items())],
            "sold_tonight": sorted(around.sold_tonight),
            "identical": sorted(sorted(group) for group in around.groups),
            "reserved": [[*key, shares] for key, shares in sorted(around.reserved.items())],
            "taken": [[*sale.key, sale.quantity] for pair in plan.pairs for sale in pair.sales],
        }
    )


def _plain(value: Decimal) -> str:
    return plain(Fraction(value))


def _money(value: Decimal) -> str:
    return f"${value:,.2f}" if value >= ZERO else f"-${-value:,.2f}"


def _percent(rate: Decimal) -> str:
    return f"{_plain(rate * 100)} %"
