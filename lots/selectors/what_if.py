"""The what-if page: what a household could sell, and what a sale would do, in the words people know."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from uuid import UUID

from accounts.models import Account, Household
from accounts.types import OwnerKind
from lots.holding_period import term
from lots.models import TaxLot
from lots.netting import YearInputs
from lots.policy_points import POINTS
from lots.rates import rates
from lots.rounding import cents, plain, stored_shares
from lots.selectors.ledger import ledger, market
from lots.selectors.tax_years import tax_or_reason
from lots.types import Ledger, LotPick, RealizedLot, Relief, Term, Treatment, WashMatch
from lots.wash_sales import first_clear_date
from lots.what_if import (
    SALE,
    IntendedSale,
    OtherReading,
    Outcome,
    TooFewShares,
    WhatIfRefused,
    lowest_tax,
    what_if,
)
from lots.year_tax import TaxPosition
from securities import selectors as securities
from securities.models import Security

_POINTS = {point.rule: point for point in POINTS}
_LABELS = {
    None: "Lots picked",
    Relief.FIFO: "First in, first out",
    Relief.LIFO: "Last in, first out",
    Relief.HIFO: "Highest basis first",
    Relief.LOWEST_TAX: "Lowest tax first",
    Relief.AVERAGE: "Average basis",
}


@dataclass(frozen=True, slots=True)
class LotLine:
    """A lot of the position, as held."""

    opening: int
    part: int
    acquired: date
    term: str
    shares: Decimal
    basis: Decimal
    gain: Decimal  # at the price

    @property
    def field(self) -> str:
        """The name of its field in the form."""
        return f"lot-{self.opening}-{self.part}"


@dataclass(frozen=True, slots=True)
class SoldLine:
    """A lot part that one method sells; dollars to the cent."""

    acquired: date
    term: str
    shares: Decimal
    proceeds: Decimal
    basis: Decimal
    gain: Decimal
    disallowed: Decimal


@dataclass(frozen=True, slots=True)
class ReplacementLine:
    """Shares bought that wash a loss of the sale."""

    bought_on: date
    account: str
    symbol: str
    shares: Decimal
    amount: Decimal
    is_permanent: bool
    rules: str


@dataclass(frozen=True, slots=True)
class ReadingLine:
    """A switch that decides the wash sales of the order: the answer in force, and the figures of the other one."""

    rule: str
    question: str
    in_force: str
    reading: str
    disallowed: Decimal
    permanent: Decimal
    short_allowed: Decimal
    long_allowed: Decimal
    tax: Decimal | None
    carried: Decimal | None


@dataclass(frozen=True, slots=True)
class Column:
    """One method; dollars to the cent, each figure rounded once. ``refusal`` stands instead of figures."""

    code: str  # "picked", else the word of the method
    label: str
    is_lowest: bool
    refusal: str
    short: Decimal
    long: Decimal
    disallowed: Decimal
    permanent: Decimal
    short_allowed: Decimal
    long_allowed: Decimal
    tax: Decimal | None
    federal: Decimal | None
    niit: Decimal | None
    state: Decimal | None
    carried: Decimal | None
    open_until: date | None
    clean_from: date | None
    sold: tuple[SoldLine, ...]
    replacements: tuple[ReplacementLine, ...]
    elsewhere: Decimal  # what booked sales lose through this one
    readings: tuple[ReadingLine, ...]


@dataclass(frozen=True, slots=True)
class Chosen:
    """The position that was chosen and the price it is looked at; ``priced_on`` None = the price was typed."""

    account: Account
    security: Security
    price: Decimal
    priced_on: date | None
    lots: tuple[LotLine, ...]

    @property
    def shares(self) -> Decimal:
        return sum((lot.shares for lot in self.lots), Decimal(0))


@dataclass(frozen=True, slots=True)
class Answer:
    """What selling ``shares`` would do, method by method."""

    shares: Decimal
    columns: tuple[Column, ...]
    tax_note: str
    buy_back_from: date  # first day on which a purchase no longer washes a loss of this sale
    held_away: tuple[str, ...]  # accounts that were not looked at (R17)


@dataclass(frozen=True, slots=True)
class _Words:
    """What people call the engine's ids."""

    accounts: dict[str, str]
    bought_on: dict[str, date]
    bought: dict[str, str]  # entry -> symbol


@dataclass(frozen=True, slots=True)
class _TaxYear:
    inputs: YearInputs | None = None
    position: TaxPosition | None = None
    note: str = ""


def sellable(household_id: int) -> tuple[list[Account], list[str]]:
    """The household's taxable accounts that hold lots, and the symbols of those lots."""
    rows = Account.objects.filter(household=household_id).exclude(tax_lots=None)
    accounts = [account for account in rows.distinct().order_by("name", "pk") if account.is_taxable]
    held = TaxLot.objects.filter(account__in=accounts).order_by("security__symbol")
    return accounts, list(held.values_list("security__symbol", flat=True).distinct())


def chosen(
    household: Household, *, account: UUID, symbol: str, price: Decimal | None, today: date
) -> Chosen:
    """The lots of one security in one account, at ``price`` or the latest close. Raises WhatIfRefused."""
    place = Account.objects.filter(household=household, public_id=account).first()
    if place is None:
        raise WhatIfRefused("Choose an account of this household.")
    security = Security.objects.filter(firm=household.firm_id, symbol=symbol).first()
    rows = list(
        TaxLot.objects.filter(account=place, security=security).order_by(
            "acquired", "opening", "part"
        )
    )
    if security is None or not rows:
        raise WhatIfRefused(f"{place} holds no shares of {symbol}.")
    priced_on = None
    if price is None:
        quote = securities.latest_prices(household.firm_id, today).get(security.pk)
        if quote is None:
            raise WhatIfRefused(f"There is no price of {symbol} up to {today}: enter one.")
        price, priced_on = quote.price, quote.day
    lots = tuple(_lot_line(row, price, today) for row in rows)
    return Chosen(place, security, price, priced_on, lots)


def _lot_line(row: TaxLot, price: Decimal, today: date) -> LotLine:
    is_long = row.is_inherited or term(row.holding_start, today) is Term.LONG
    return LotLine(
        opening=row.opening_id,
        part=row.part,
        acquired=row.acquired,
        term=(Term.LONG if is_long else Term.SHORT).value,
        shares=row.quantity,
        basis=row.basis,
        gain=row.quantity * price - row.basis,
    )


def answer(
    household: Household,
    position: Chosen,
    *,
    shares: Decimal,
    picks: Sequence[LotPick],
    today: date,
) -> Answer:
    """The sale of ``shares`` today under every method. Raises WhatIfRefused, LedgerError."""
    _check_picks(position, shares, picks)
    books = ledger(household.pk, securities=market(household.pk, [position.security.pk]))
    sale = IntendedSale(
        account=str(position.account.pk),
        security=str(position.security.pk),
        quantity=shares,
        price=position.price,
        day=today,
        picks=tuple(picks),
    )
    year = _tax_year(household, position.account, today.year)
    try:
        outcomes = what_if(
            books,
            sale,
            averages=position.security.is_fund,
            inputs=year.inputs,
            position=year.position,
        )
    except TooFewShares as few:
        raise WhatIfRefused(
            f"{position.account} holds {plain(few.held)} shares of {position.security}: "
            f"{plain(Fraction(shares))} cannot be sold, short positions are not supported (R26)."
        ) from few
    away = Account.objects.filter(household=household, held_away=True)
    best = lowest_tax(outcomes)
    words = _words(household, books)
    return Answer(
        shares=shares,
        columns=tuple(_column(one, words, position, is_lowest=one in best) for one in outcomes),
        tax_note=year.note,
        buy_back_from=first_clear_date(today),
        held_away=tuple(str(account) for account in away),
    )


def _check_picks(position: Chosen, shares: Decimal, picks: Sequence[LotPick]) -> None:
    """Only shares that the lots shown hold, and as many as are to be sold."""
    held = {(str(lot.opening), lot.part): lot for lot in position.lots}
    for pick in picks:
        lot = held.get((pick.lot, pick.part or 0))
        if lot is None:
            raise WhatIfRefused("A lot that was picked is not held any more: choose again.")
        if pick.quantity > lot.shares:
            raise WhatIfRefused(
                f"The lot of {lot.acquired} holds {plain(Fraction(lot.shares))} shares, "
                f"{plain(Fraction(pick.quantity))} were picked."
            )
    picked = sum((pick.quantity for pick in picks), Decimal(0))
    if picks and picked != shares:
        raise WhatIfRefused(
            f"The lots picked add up to {plain(Fraction(picked))} shares, "
            f"{plain(Fraction(shares))} are to be sold: leave one of the two out."
        )


def _readable(refusal: str, position: Chosen) -> str:
    """The engine's sentence in people's names."""
    return (
        refusal.removeprefix(f"Entry {SALE}: ")
        .replace(f"account {position.account.pk} ", f"account {position.account.number} ")
        .replace(f"shares of {position.security.pk} ", f"shares of {position.security} ")
    )


def _tax_year(household: Household, account: Account, year: int) -> _TaxYear:
    if account.owner.kind == OwnerKind.CORPORATION:
        return _TaxYear(note="A corporation's sales are on its own return: no tax is shown.")
    position, why = tax_or_reason(household.pk, year)
    if position is None:
        return _TaxYear(note=f"No tax is shown. {why}")
    if position.brackets is not None:
        return _TaxYear(
            inputs=position.brackets,
            note=f"Tax at the household's place in the brackets of {year} ({rates(year).source}), "
            "with its gains so far.",
        )
    return _TaxYear(
        position=position,
        note=f"Tax at the rates stated in the tax profile for {year}; with its income the rates "
        "would follow from the brackets.",
    )


def _words(household: Household, books: Ledger) -> _Words:
    symbols = securities.symbols(household.firm_id)
    accounts = Account.objects.filter(household=household)
    return _Words(
        accounts={str(account.pk): str(account) for account in accounts},
        bought_on={entry.id: entry.acquired or entry.trade_date for entry in books.entries},
        bought={
            entry.id: symbols[int(entry.security)] for entry in books.entries if entry.security
        },
    )


def _column(outcome: Outcome, words: _Words, position: Chosen, *, is_lowest: bool) -> Column:
    parts = effect.parts if (effect := outcome.effect) is not None else None
    return Column(
        code=outcome.relief.value if outcome.relief else "picked",
        label=_LABELS[outcome.relief],
        is_lowest=is_lowest,
        refusal=_readable(outcome.refusal, position),
        short=cents(outcome.gain(Term.SHORT)),
        long=cents(outcome.gain(Term.LONG)),
        disallowed=cents(outcome.disallowed),
        permanent=cents(outcome.permanent),
        short_allowed=cents(outcome.allowed(Term.SHORT)),
        long_allowed=cents(outcome.allowed(Term.LONG)),
        tax=cents(effect.tax) if effect is not None else None,
        federal=cents(parts.income_tax) if parts is not None else None,
        niit=cents(parts.niit) if parts is not None else None,
        state=cents(parts.state_tax) if parts is not None else None,
        carried=cents(effect.carried) if effect is not None else None,
        open_until=outcome.open_until,
        clean_from=outcome.clean_from,
        sold=tuple(_sold_line(row) for row in outcome.rows),
        replacements=tuple(_replacement_line(match, words) for match in outcome.matches),
        elsewhere=cents(sum((lost.amount for lost in outcome.elsewhere), Fraction(0))),
        readings=tuple(_reading_line(other) for other in outcome.others),
    )


def _reading_line(other: OtherReading) -> ReadingLine:
    point = _POINTS[other.rule]
    outcome, effect = other.outcome, other.outcome.effect
    return ReadingLine(
        rule=other.rule,
        question=point.question,
        in_force=point.answer(other.in_force),
        reading=point.answer(other.reading),
        disallowed=cents(outcome.disallowed),
        permanent=cents(outcome.permanent),
        short_allowed=cents(outcome.allowed(Term.SHORT)),
        long_allowed=cents(outcome.allowed(Term.LONG)),
        tax=cents(effect.tax) if effect is not None else None,
        carried=cents(effect.carried) if effect is not None else None,
    )


def _sold_line(row: RealizedLot) -> SoldLine:
    return SoldLine(
        acquired=row.acquired,
        term=row.term.value,
        shares=stored_shares(row.quantity),
        proceeds=cents(row.proceeds),
        basis=cents(row.basis),
        gain=cents(row.gain),
        disallowed=cents(row.disallowed),
    )


def _replacement_line(match: WashMatch, words: _Words) -> ReplacementLine:
    return ReplacementLine(
        bought_on=words.bought_on[match.replacement],
        account=words.accounts[match.replacement_account],
        symbol=words.bought[match.replacement],
        shares=stored_shares(match.shares),
        amount=cents(match.amount),
        is_permanent=match.treatment is Treatment.PERMANENT,
        rules=", ".join(match.rule_ids),
    )
