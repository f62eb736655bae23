"""From a plan to a draft proposal: trades, one sentence, the sums behind it, and the inputs it was computed from."""

from decimal import Decimal
from fractions import Fraction

from accounts.canonical import canonical_text
from harvesting.economics import after, to_the_cent
from harvesting.types import (
    ZERO,
    Book,
    Candidate,
    Finding,
    Outcome,
    Pair,
    Plan,
    Sale,
    Surroundings,
)
from lots.rounding import plain
from lots.types import LotRow, Term
from lots.wash_sales import first_clear_date
from lots.year_tax import TaxPosition, carried_forward, record, year_tax
from proposals.types import DraftProposal, DraftTrade, ProposalKind, Side

REASON = "HARVEST"


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
    short = _gain(trades, Term.SHORT)
    long = _gain(trades, Term.LONG)
    return DraftProposal(
        household=household,
        kind=ProposalKind.HARVEST,
        as_of=book.as_of,
        sentence=_sentence(plan, book, around),
        reasons=(REASON,),
        trades=trades,
        tax_saved=plan.tax_saved,
        carried_worth=_carried_worth(plan, around.tax),
        cost=plan.cost,
        short_gain=short,
        long_gain=long,
        inputs=_inputs(book, around, plan),
        explanation=_explanation(plan, findings, book, around),
    )


def _legs(pair: Pair) -> tuple[DraftTrade, ...]:
    sells = tuple(_sell(sale, pair.number) for sale in pair.sales)
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


def _sell(sale: Sale, number: int) -> DraftTrade:
    return DraftTrade(
        account=sale.lot.account,
        security=sale.lot.security,
        side=Side.SELL,
        quantity=sale.quantity,
        price=sale.price,
        reason=REASON,
        opening=sale.lot.opening,
        part=sale.lot.part,
        basis=sale.basis,
        term=sale.term,
        pair=number,
    )


def _gain(trades: tuple[DraftTrade, ...], term: Term) -> Decimal:
    return sum((trade.gain for trade in trades if trade.term == term), ZERO)


def _sentence(plan: Plan, book: Book, around: Surroundings) -> str:
    sold = _listed(sorted({book.symbol(one.sale.lot.security) for one in plan.candidates}))
    bought = _listed(sorted({book.symbol(pair.substitute) for pair in plan.pairs}))
    count = len(plan.candidates)
    loss = sum((one.sale.loss for one in plan.candidates), ZERO)
    text = (
        f"Sell {count} {'lot' if count == 1 else 'lots'} of {sold} at a loss of {_money(loss)} and "
        f"buy {bought} for the same dollars: worth {_money(plan.tax_saved)} of tax at this "
        f"household's own rates, for {_money(plan.cost)} of trading cost."
    )
    carried = _newly_carried(plan, around.tax)
    if carried:
        value = _carried_worth(plan, around.tax)
        text += f" {_money(value)} of it is what {_money(carried)} carried to later years is taken to be worth."
    return text


def _newly_carried(plan: Plan, before: TaxPosition) -> Decimal:
    """Dollars of the losses that this year cannot use."""
    return carried_forward(_after(plan, before)) - carried_forward(before)


def _carried_worth(plan: Plan, before: TaxPosition) -> Decimal:
    """Dollars that those losses are taken to be worth, to the cent."""
    return to_the_cent(_newly_carried(plan, before) * before.carried_loss_value)


def _after(plan: Plan, before: TaxPosition) -> TaxPosition:
    return after(before, (candidate.sale for candidate in plan.candidates))


def _explanation(
    plan: Plan, findings: tuple[Finding, ...], book: Book, around: Surroundings
) -> dict[str, object]:
    """For people, numbers as text: ``docs/harvesting.md`` names the fields."""
    cash_left = sum((pair.cash_left for pair in plan.pairs), ZERO)
    return {
        "candidates": [_candidate(one, book) for one in plan.candidates],
        "pairs": [_pair(pair, book) for pair in plan.pairs],
        "cash_left": _plain(cash_left),
        "tax": _tax(plan, around.tax),
        "passed_over": _passed_over(findings),
        "instructions": _reinvestment_switches(plan, book, around),
        "assumptions": _assumptions(plan, around),
        "coverage": around.coverage.sentence,
    }


def _candidate(candidate: Candidate, book: Book) -> dict[str, str]:
    sale = candidate.sale
    return {
        "account": book.account(sale.lot.account),
        "security": book.symbol(sale.lot.security),
        "acquired": sale.lot.acquired.isoformat(),
        "term": sale.term.value,
        "shares": _plain(sale.quantity),
        "price": _plain(sale.price),
        "amount": _plain(sale.amount),
        "basis": _plain(sale.basis),
        "loss": _plain(sale.loss),
        "tax_saved": _plain(candidate.tax_saved),
        "cost": _plain(candidate.cost),
        "net": _plain(candidate.tax_saved - candidate.cost),
        "substitute": book.symbol(candidate.substitute),
    }


def _pair(pair: Pair, book: Book) -> dict[str, object]:
    return {
        "pair": pair.number,
        "account": book.account(pair.account),
        "sold": sorted({book.symbol(sale.lot.security) for sale in pair.sales}),
        "proceeds": _plain(sum((sale.amount for sale in pair.sales), ZERO)),
        "substitute": book.symbol(pair.substitute),
        "shares": _plain(pair.quantity),
        "price": _plain(pair.price),
        "amount": _plain(pair.amount),
        "cash_left": _plain(pair.cash_left),
    }


def _tax(plan: Plan, before: TaxPosition) -> dict[str, str]:
    """The two computations whose difference is the tax saved."""
    then = _after(plan, before)
    return {
        "short_before": _plain(before.short),
        "long_before": _plain(before.long),
        "tax_before": _plain(to_the_cent(year_tax(before, short=before.short, long=before.long))),
        "short_after": _plain(then.short),
        "long_after": _plain(then.long),
        "tax_after": _plain(to_the_cent(year_tax(then, short=then.short, long=then.long))),
        "tax_saved": _plain(plan.tax_saved),
    }


def _passed_over(findings: tuple[Finding, ...]) -> dict[str, dict[str, object]]:
    """Outcome -> how many lots, and the dollars of loss in them."""
    groups: dict[Outcome, list[Finding]] = {}
    for finding in findings:
        if finding.outcome is not Outcome.TAKE:
            groups.setdefault(finding.outcome, []).append(finding)
    return {
        outcome.value: {"lots": len(rows), "loss": _plain(sum((row.loss for row in rows), ZERO))}
        for outcome, rows in sorted(groups.items())
    }


def _reinvestment_switches(plan: Plan, book: Book, around: Surroundings) -> list[str]:
    """Where the next dividend would buy back what was sold, in any account of the household (R25, F31)."""
    until = first_clear_date(book.as_of)
    sold = {
        one for candidate in plan.candidates for one in around.group_of(candidate.sale.lot.security)
    }
    held = {
        (lot.account, lot.security)
        for lot in book.lots
        if lot.security in sold and book.accounts[lot.account].reinvests_dividends
    }
    return [
        f"Switch reinvestment of {book.symbol(security)} off in {book.account(account)} until {until}."
        for account, security in sorted(held)
    ]


def _assumptions(plan: Plan, around: Surroundings) -> list[str]:
    tax = around.tax
    value = (
        f"A dollar of loss carried to later years is taken to be worth ${_plain(tax.carried_loss_value)}; "
        f"{_money(_newly_carried(plan, tax))} of these losses are carried."
    )
    rates = (
        f"Rates on one more dollar: short-term {_percent(tax.short_rate)}, long-term "
        f"{_percent(tax.long_rate)}, ordinary income {_percent(tax.ordinary_rate)}; a net loss of "
        f"{_money(tax.loss_limit)} counts against ordinary income."
    )
    spreads = "Each leg costs half the spread on the dollars traded; no commission."
    return [value, rates, spreads]


def _inputs(book: Book, around: Surroundings, plan: Plan) -> str:
    """Canonical text of everything the decision was computed from."""
    securities = {lot.security for lot in book.lots}
    securities.update(*around.substitutes.values())
    priced = sorted(one for one in securities if one in book.prices)
    floors = book.rules
    return canonical_text(
        {
            "as_of": book.as_of,
            "prices": {one: [book.prices[one].price, book.prices[one].day] for one in priced},
            "half_spreads": {
                one: around.half_spreads[one] for one in priced if one in around.half_spreads
            },
            "lots": [_lot(lot) for lot in book.lots],
            "floors": {name: getattr(floors, name) for name in floors.__slots__},
            "tax": record(around.tax),
            "substitutes": around.substitutes,
            "identical": sorted(sorted(group) for group in around.groups),
            "buy_blocked": around.buy_blocked,
            "reserved": [[*key, shares] for key, shares in sorted(around.reserved.items())],
            "purchases": [
                [one.security, one.account, one.bought_on, one.shares, *one.block]
                for one in around.purchases
            ],
            "taken": [[*one.sale.key, one.sale.quantity] for one in plan.candidates],
        }
    )


def _lot(lot: LotRow) -> list[object]:
    return [getattr(lot, name) for name in lot.__slots__]


def _listed(names: list[str]) -> str:
    if len(names) > 4:
        return f"{', '.join(names[:3])} and {len(names) - 3} others"
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def _plain(value: Decimal) -> str:
    return plain(Fraction(value))


def _money(value: Decimal) -> str:
    return f"${value:,.2f}"


def _percent(rate: Decimal) -> str:
    return f"{_plain(rate * 100)} %"
