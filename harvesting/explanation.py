"""What people read about a harvest: the sentence, the sum behind each lot, what was assumed. Numbers as text. Pure."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction

from harvesting.economics import to_the_cent, with_loss
from harvesting.types import (
    ZERO,
    Book,
    Candidate,
    Finding,
    Outcome,
    Pair,
    Plan,
    Surroundings,
    Terms,
)
from lots.rounding import plain
from lots.wash_sales import first_clear_date
from lots.year_tax import TaxPosition, carried_forward, year_tax

LAST_FILL = timedelta(days=5)  # after the night: proposals do not live longer
_BASIS_POINTS = 10_000
_HUNDREDTH = Decimal("0.01")
# How the terms are called, in the order of the sum.
TERMS = {
    "saved": "Tax saved now",
    "later": "Later tax on the lower basis",
    "cost": "Trading cost, swap back included",
    "window": "Window opportunity",
    "swap_back": "Tax risk of swapping back",
    "tracking": "Tracking while out",
    "dividends": "Dividends no longer qualified",
    "wash": "Washed part",
}


def terms_told(terms: Terms, amount: Decimal) -> dict[str, str]:
    """A sum in dollars and, of its net, basis points of the dollars sold; numbers as text."""
    told = {name: _plain(getattr(terms, name)) for name in TERMS}
    return {**told, "net": _plain(terms.net), "net_bp": _basis_points(terms.net, amount)}


def _basis_points(dollars: Decimal, amount: Decimal) -> str:
    if not amount:
        return ""
    return _plain((dollars / amount * _BASIS_POINTS).quantize(_HUNDREDTH))


def sentence(plan: Plan, book: Book, around: Surroundings) -> str:
    own = [one for one in plan.candidates if not one.is_companion]
    sold = _listed(sorted({book.symbol(one.sale.lot.security) for one in own}))
    bought = _listed(
        sorted({book.symbol(pair.substitute) for pair in plan.pairs if pair.substitute is not None})
    )
    into = f"buy {bought} for the same dollars" if bought else "hold the money in cash"
    loss = sum((one.sale.loss for one in own), ZERO)
    text = (
        f"Sell {len(own)} {'lot' if len(own) == 1 else 'lots'} of {sold} at a loss of {_money(loss)} and "
        f"{into}: worth {_money(plan.tax_saved)} of tax at this household's own rates, for {_money(plan.cost)} of "
        f"trading cost; {_money(plan.net)} net of all that it costs later."
    )
    carried = _newly_carried(plan, around.tax)
    if carried:
        value = carried_worth(plan, around.tax)
        text += f" {_money(value)} of it is what {_money(carried)} carried to later years is taken to be worth."
    if plan.deferred:
        text += (
            f" {_money(plan.deferred)} of the loss is deferred into shares bought in the window: a strategic wash "
            "sale, which somebody has to accept by name."
        )
    return text


def _newly_carried(plan: Plan, before: TaxPosition) -> Decimal:
    """Dollars of the losses that this year cannot use."""
    return carried_forward(_after(plan, before)) - carried_forward(before)


def carried_worth(plan: Plan, before: TaxPosition) -> Decimal:
    """Dollars that those losses are taken to be worth, to the cent."""
    return to_the_cent(_newly_carried(plan, before) * before.carried_loss_value)


def _after(plan: Plan, before: TaxPosition) -> TaxPosition:
    """The year with the losses in it that count."""
    for one in plan.candidates:
        before = with_loss(before, one.sale.term, one.sale.loss - one.deferred)
    return before


def explanation(
    plan: Plan, findings: tuple[Finding, ...], book: Book, around: Surroundings
) -> dict[str, object]:
    """For people, numbers as text: ``docs/harvesting.md`` names the fields."""
    cash_left = sum((pair.cash_left for pair in plan.pairs), ZERO)
    return {
        "candidates": [_candidate(one, book) for one in plan.candidates],
        "sum": _sum(plan),
        "pairs": [_pair(pair, book) for pair in plan.pairs],
        "cash_left": _plain(cash_left),
        "gap": _plain(plan.gap),
        "tax": _tax(plan, around.tax),
        "passed_over": _passed_over(findings),
        "instructions": _reinvestment_switches(plan, book, around),
        "assumptions": _assumptions(plan, book, around),
        "coverage": around.coverage.sentence,
    }


def _sum(plan: Plan) -> list[dict[str, str]]:
    """The whole sum term by term; terms that are nothing are left out."""
    rows = []
    for name, words in TERMS.items():
        dollars = sum((getattr(one.terms, name) for one in plan.candidates), ZERO)
        if dollars or name == "saved":
            rows.append(
                {"term": words, "dollars": _plain(dollars if name == "saved" else -dollars)}
            )
    sold = sum((one.sale.amount for one in plan.candidates), ZERO)
    return [
        *rows,
        {"term": "Net", "dollars": _plain(plan.net), "bp": _basis_points(plan.net, sold)},
    ]


def _candidate(candidate: Candidate, book: Book) -> dict[str, object]:
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
        "cost": _plain(candidate.trading_cost),
        "net": _plain(candidate.terms.net),
        "terms": terms_told(candidate.terms, sale.amount),
        "deferred": _plain(candidate.deferred),
        "goes_along": "yes" if candidate.is_companion else "",
        "substitute": _destination(candidate.substitute, book),
    }


def _destination(substitute: int | None, book: Book) -> str:
    return "cash" if substitute is None else book.symbol(substitute)


def _pair(pair: Pair, book: Book) -> dict[str, object]:
    return {
        "pair": pair.number,
        "account": book.account(pair.account),
        "sold": sorted({book.symbol(sale.lot.security) for sale in pair.sales}),
        "proceeds": _plain(sum((sale.amount for sale in pair.sales), ZERO)),
        "substitute": _destination(pair.substitute, book),
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
    until = first_clear_date(book.as_of + LAST_FILL)
    sold = {
        one for candidate in plan.candidates for one in around.group_of(candidate.sale.lot.security)
    }
    held = {
        (lot.account, lot.security)
        for lot in book.lots
        if lot.security in sold and book.accounts[lot.account].reinvests_dividends
    }
    dated = {(one.account, one.security): one.instruction for one in around.switches}
    return [
        dated.get(place)
        or f"Switch reinvestment of {book.symbol(place[1])} off in {book.account(place[0])} until {until}."
        for place in sorted(held)
    ]


def _assumptions(plan: Plan, book: Book, around: Surroundings) -> list[str]:
    tax, rules = around.tax, book.rules
    future = tax.long_rate if rules.future_rate is None else rules.future_rate
    value = (
        f"A dollar of loss carried to later years is taken to be worth ${_plain(tax.carried_loss_value)}; "
        f"{_money(_newly_carried(plan, tax))} of these losses are carried."
    )
    rates = (
        f"Rates on one more dollar: short-term {_percent(tax.short_rate)}, long-term "
        f"{_percent(tax.long_rate)}, ordinary income {_percent(tax.ordinary_rate)}; a net loss of "
        f"{_money(tax.loss_limit)} counts against ordinary income."
    )
    later = (
        f"The substitute is taken to be sold in {_plain(rules.horizon_years)} years at a tax rate of "
        f"{_percent(future)}, taxable with a chance of {_percent(rules.taxable_sale_chance)}, discounted at "
        f"{_percent(rules.discount_rate)} a year."
    )
    risk = (
        f"One per cent of tracking error is priced at {_plain(rules.risk_price)} basis points a year; a swap back is "
        f"taken to be as likely as {_percent(rules.swap_back_chance)}."
    )
    costs = "Each leg costs half the spread, the custodian's commission, and impact where a daily volume is known."
    return [
        value,
        rates,
        later,
        risk,
        costs,
        *_staying_sold(plan, around),
        *_left_the_model(plan, around),
    ]


def _staying_sold(plan: Plan, around: Surroundings) -> Iterator[str]:
    """What is sold for good, so that no swap back is counted for it."""
    places = {one.sale.place for one in plan.candidates if one.substitute is not None}
    for why in sorted({around.stays_sold[one] for one in places if one in around.stays_sold}):
        yield f"{why}: it is not bought back, and no swap back is counted for it."


def _left_the_model(plan: Plan, around: Surroundings) -> Iterator[str]:
    """Substitutes that were passed over because they left the model, or are bought all the same (F18)."""
    for security in sorted({one.sale.lot.security for one in plan.candidates}):
        for why in around.left.get(security, ()):
            yield f"{why[0].upper()}{why[1:]}."
    for substitute in sorted({one.substitute for one in plan.pairs if one.substitute}):
        if substitute in around.by_hand:
            yield f"{around.by_hand[substitute]}; the household's own list of substitutes names it all the same."


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
