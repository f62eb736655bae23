"""One draft for all swap-backs of a household's night: trades, a sentence, the sums of each pair, the inputs. Pure."""

from collections.abc import Sequence
from decimal import ROUND_CEILING, Decimal

from accounts.canonical import canonical_text
from harvesting.economics import later_rate, to_the_cent
from harvesting.pair_decisions import REASON, Decision, as_text, holding_named, in_dollars
from harvesting.types import ZERO
from harvesting.ways_back import DAYS_A_YEAR, Return, Situation
from lots.coverage import Coverage
from lots.year_tax import carried_worth, record
from proposals.types import CASH, DraftProposal, PairState, ProposalKind, StandIn


def draft(
    *,
    household: int,
    decisions: Sequence[Decision],
    situation: Situation,
    coverage: Coverage | None = None,
) -> DraftProposal | None:
    """The proposal of every pair that goes back tonight, atomic pair by pair; None where none does.

    ``situation`` is the one that the first pair was decided in: its tax position has none of these gains. Without one
    nothing is sold, and only parked money goes back.
    """
    going = [one for one in decisions if one.back is not None]
    if not going:
        return None
    sums = [one.back for one in going if one.back is not None]
    taxable = [
        one.back
        for one in going
        if one.back is not None and situation.book.accounts[one.pair.account].is_taxable
    ]
    short = sum((one.short_gain for one in taxable), ZERO)
    long = sum((one.long_gain for one in taxable), ZERO)
    cost = sum((one.cost for one in sums), ZERO)
    tax = sum((one.tax for one in sums), ZERO)
    year = situation.tax
    return DraftProposal(
        household=household,
        kind=ProposalKind.SWAP_BACK,
        as_of=situation.book.as_of,
        sentence=_sentence(going, sums, situation),
        reasons=(REASON,),
        trades=tuple(trade for one in going for trade in one.trades),
        tax_saved=-tax,
        carried_worth=ZERO
        if year is None
        else to_the_cent(carried_worth(year, short=short, long=long)),
        cost=cost,
        net=sum((one.net for one in sums), ZERO),
        short_gain=short,
        long_gain=long,
        inputs=_inputs(going, situation),
        explanation={
            "worth": _worth(sums, tax, cost, situation),
            "swap_backs": [_told(one, situation) for one in going],
            "stays": [
                {"pair": _route(one.pair, situation), "reason": one.reason}
                for one in decisions
                if one.back is None and one.state not in (PairState.DONE, PairState.GONE)
            ],
            "cash_left": as_text(sum((one.cash_left for one in sums), ZERO)),
            "assumptions": _assumptions(going, situation),
            "coverage": coverage.sentence if coverage else "",
        },
    )


def _sentence(going: Sequence[Decision], sums: Sequence[Return], situation: Situation) -> str:
    """What goes where, and the whole sum."""
    routes = list(dict.fromkeys(_route(one.pair, situation) for one in going))
    named = " and ".join([", ".join(routes[:-1]), routes[-1]] if len(routes) > 1 else routes)
    avoided = sum((one.avoided for one in sums), ZERO)
    tax = sum((one.tax for one in sums), ZERO)
    later = sum((one.later for one in sums), ZERO)
    cost = sum((one.cost for one in sums), ZERO)
    net = sum((one.net for one in sums), ZERO)
    said = f"{in_dollars(tax)} of tax" if tax >= ZERO else f"{in_dollars(-tax)} of tax saved"
    basis = (
        f"less {in_dollars(later)} that the higher basis saves later"
        if later >= ZERO
        else f"and {in_dollars(-later)} that the lower basis costs later"
    )
    return (
        f"Swap back {named}: {in_dollars(avoided)} of tracking error avoided, for {said}, {basis}, and "
        f"{in_dollars(cost)} of trading cost: {in_dollars(net)} to the good."
    )


def _route(pair: StandIn, situation: Situation) -> str:
    names = [situation.book.symbol(one) for one in pair.originals]
    return f"{holding_named(pair, situation)} to {' and '.join(names)}"


def _worth(
    sums: Sequence[Return], tax: Decimal, cost: Decimal, situation: Situation
) -> dict[str, object]:
    rules = situation.rules
    avoided = sum((one.avoided for one in sums), ZERO)
    going = sum((one.price_of_going for one in sums), ZERO)
    horizon = rules.swap_back_horizon_years
    days = max(going, ZERO) * horizon * DAYS_A_YEAR / avoided if avoided > ZERO else None
    return {
        "horizon_years": as_text(horizon),
        "risk_aversion": as_text(rules.risk_price),
        "tracking_cost_avoided": as_text(avoided),
        "trading_cost": as_text(cost),
        "tax": as_text(tax),
        "later": as_text(sum((one.later for one in sums), ZERO)),
        "net": as_text(sum((one.net for one in sums), ZERO)),
        "break_even_days": "" if days is None else str(int(days.to_integral_value(ROUND_CEILING))),
    }


def _told(one: Decision, situation: Situation) -> dict[str, object]:
    return {
        "pair": one.pair.order,
        "account": situation.book.account(one.pair.account),
        "substitute": holding_named(one.pair, situation),
        "sold_on": one.pair.sold_on.isoformat(),
        "due_on": one.pair.due_on.isoformat(),
        "reason": one.reason,
        **one.figures,
    }


def _assumptions(going: Sequence[Decision], situation: Situation) -> list[str]:
    rules, tax = situation.rules, situation.tax
    assumed = any(one.is_assumed for one in situation.tracking.values())
    lines = [
        f"Tracking error costs {as_text(rules.risk_price)} times its square times the value a year; going back "
        f"is measured over {as_text(rules.swap_back_horizon_years)} year(s).",
    ]
    if tax is not None:
        lines += [
            f"A dollar of higher basis saves ${as_text(later_rate(rules, tax))} of later tax at today's value.",
            f"Rates on one more dollar: short-term {as_text(tax.short_rate * 100)} %, long-term "
            f"{as_text(tax.long_rate * 100)} %; the gains of tonight's other proposals are counted.",
        ]
    if any(one.pair.substitute == CASH for one in going):
        lines.append(
            "Parked cash strays from what was sold by the whole of that security's volatility; buying it back is "
            "not taxed."
        )
    if assumed:
        lines.append("Where there is no price history the tracking error is assumed.")
    return lines


def _inputs(going: Sequence[Decision], situation: Situation) -> str:
    """Canonical text of what the decisions were computed from."""
    book, rules = situation.book, situation.rules
    securities = sorted(
        {one for pair in going for one in (pair.pair.substitute, *pair.pair.originals)} - {CASH}
    )
    positions = {(one.pair.account, one.pair.substitute) for one in going}
    return canonical_text(
        {
            "as_of": book.as_of,
            "prices": {one: [book.prices[one].price, book.prices[one].day] for one in securities},
            "half_spreads": {
                one: situation.costs.half_spreads[one]
                for one in securities
                if one in situation.costs.half_spreads
            },
            "lots": [
                [getattr(lot, name) for name in lot.__slots__]
                for lot in book.lots
                if (lot.account, lot.security) in positions
            ],
            "rules": {name: getattr(rules, name) for name in rules.__slots__},
            "tax": None if situation.tax is None else record(situation.tax),
            "cash": {
                one.pair.account: situation.cash.get(one.pair.account)
                for one in going
                if one.pair.substitute == CASH
            },
            "tracking": [
                [*pair, error.tracking_error, error.is_assumed]
                for pair, error in sorted(situation.tracking.items())
            ],
            "reserved": [[*key, shares] for key, shares in sorted(situation.reserved.items())],
            "pairs": [
                [
                    one.pair.order,
                    one.pair.shares if one.pair.parked is None else one.pair.parked.left,
                    one.pair.sold_on,
                    one.pair.originals,
                ]
                for one in going
            ],
        }
    )
