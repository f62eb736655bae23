"""What a sale would do: one order under every relief method side by side, by the engine that will book it. Pure.

The order is put behind the ledger as if it were traded on its day, once per method (R22, R22b), and compared with the
ledger without it: gain by term, what wash sales disallow and through which replacement shares, what they change about
sales already booked, and the tax at the margin (``lots.netting``). Only what is in the ledger is seen: a purchase
of the next 30 days, or one in an account held away, can still wash the loss (R5, R17).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction

from accounts.types import OwnerKind
from lots.errors import LedgerError
from lots.netting import TaxChange, YearInputs, marginal, with_gains
from lots.replay import new_disallowed, replay, simulate
from lots.reports.alternatives import switches, variants
from lots.rounding import stored_money
from lots.types import (
    EntryKind,
    Ledger,
    LedgerEntry,
    LotPick,
    NewDisallowance,
    RealizedLot,
    Relief,
    ReplayResult,
    Term,
    WashMatch,
)
from lots.wash_sales import first_clear_date, in_window
from lots.year_tax import TaxPosition, added_tax, carried_forward, carried_worth

ZERO = Fraction(0)
SALE = "what-if"  # the order's id among the entries
_OF_GROUPS = "U1"  # its other reading is other identical groups, which the ledger does not hold
METHODS = (Relief.FIFO, Relief.LIFO, Relief.HIFO, Relief.LOWEST_TAX)


class WhatIfRefused(LedgerError):
    """A sale that has no answer: the text says what to change."""

    code = "what_if_refused"


class TooFewShares(WhatIfRefused):
    """More shares than the account holds; short positions are refused (R26)."""

    code = "too_few_shares"

    def __init__(self, *, held: Fraction, wanted: Decimal) -> None:
        self.held = held
        self.wanted = wanted
        super().__init__("The account does not hold that many shares (R26).")


@dataclass(frozen=True, slots=True, kw_only=True)
class IntendedSale:
    """Shares of one security out of one account, all at one price; ``picks`` are one more way to choose the lots."""

    account: str
    security: str
    quantity: Decimal
    price: Decimal  # dollars a share
    day: date
    picks: tuple[LotPick, ...] = ()


@dataclass(frozen=True, slots=True)
class TaxEffect:
    """The year's tax with the sale less without it; dollars, negative = saved."""

    tax: Fraction  # federal, net investment income tax and state
    carried: Fraction  # loss that goes into the next year instead (negative: gain that eats what was carried)
    parts: TaxChange | None  # None at stated rates, which are not told apart


@dataclass(frozen=True, slots=True)
class Outcome:
    """The order under one method; dollars and shares, exact. ``refusal`` says why there are no figures."""

    relief: Relief | None  # None = the lots picked
    rows: tuple[RealizedLot, ...] = ()  # the lots that leave
    matches: tuple[WashMatch, ...] = ()  # the replacement shares that wash them
    elsewhere: tuple[NewDisallowance, ...] = ()  # booked sales that lose more through this one
    clean_from: date | None = (
        None  # first day on which the order would not be washed; None: it is not
    )
    effect: TaxEffect | None = None  # None without a tax profile of the year
    refusal: str = ""
    others: tuple["OtherReading", ...] = ()  # of the switches that a match names among its rules

    def gain(self, term: Term) -> Fraction:
        """Before wash sales."""
        return _sum(row.gain for row in self.rows if row.term is term)

    def allowed(self, term: Term) -> Fraction:
        """What of it counts this year."""
        return _sum(row.allowed for row in self.rows if row.term is term)

    @property
    def disallowed(self) -> Fraction:
        return _sum(row.disallowed for row in self.rows)

    @property
    def permanent(self) -> Fraction:
        """The part of ``disallowed`` that is gone for ever (R16)."""
        return _sum(row.permanent for row in self.rows)

    @property
    def open_until(self) -> date | None:
        """Last day on which a purchase can still wash a loss that is allowed so far (R5); None: there is none."""
        days = [row.trade_date for row in self.rows if row.allowed < 0]
        return first_clear_date(days[0]) - timedelta(days=1) if days else None


@dataclass(frozen=True, slots=True)
class OtherReading:
    """The order under one method with one deciding switch turned, the others as the firm decided."""

    rule: str  # U2 .. U7
    in_force: StrEnum
    reading: StrEnum
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class _TaxYear:
    """The year as it is booked under one policy; both None: no tax is asked for."""

    inputs: YearInputs | None
    position: TaxPosition | None

    def moved(self, short: Fraction, long: Fraction) -> "_TaxYear":
        """The year with other gains booked."""
        inputs, position = self.inputs, self.position
        return _TaxYear(
            None if inputs is None else with_gains(inputs, short=short, long=long),
            None
            if position is None
            else replace(
                position,
                short=position.short + stored_money(short),
                long=position.long + stored_money(long),
            ),
        )


def what_if(
    ledger: Ledger,
    sale: IntendedSale,
    *,
    averages: bool = False,
    inputs: YearInputs | None = None,
    position: TaxPosition | None = None,
) -> tuple[Outcome, ...]:
    """The lots picked first, if there are any, then every method; AVERAGE only with ``averages`` (R22b: funds).

    ``inputs`` is the tax year of the sale's day as it is booked so far, else ``position`` prices at stated rates; with
    neither there is no tax. Raises WhatIfRefused for a retirement account, for a corporation's where tax is asked for,
    for no shares or no price, and where the account does not hold the shares; LedgerError for a ledger that cannot be
    followed without the sale.
    """
    before = replay(ledger.entries, ledger.accounts, ledger.groups, ledger.policy)
    _check(ledger, sale, before)
    year = _TaxYear(inputs, position)
    if _is_company(ledger, sale.account):
        year = _TaxYear(None, None)
    outcomes = []
    for relief in _ways(sale, averages=averages):
        order = _order(sale, relief)
        try:
            outcome = _outcome(ledger, before, order, year)
            clean_from = _clean_from(ledger, order) if outcome.disallowed else None
            others = _others(ledger, before, order, outcome, year)
        except LedgerError as error:
            outcomes.append(Outcome(relief=relief, refusal=str(error)))
            continue
        outcomes.append(replace(outcome, clean_from=clean_from, others=others))
    return tuple(outcomes)


def _others(
    ledger: Ledger, before: ReplayResult, order: LedgerEntry, outcome: Outcome, year: _TaxYear
) -> tuple[OtherReading, ...]:
    """Every other position of the switches that decide the order's wash sales; what is booked is read alike."""
    named = {rule for match in outcome.matches for rule in match.rule_ids} - {_OF_GROUPS}
    in_force = dict(switches(ledger.policy))
    found = []
    for rule, reading, policy in variants(ledger.policy):
        if rule in named:
            turned = replace(ledger, policy=policy)
            booked = replay(turned.entries, turned.accounts, turned.groups, policy)
            moved = year.moved(*_added(ledger, before, booked, order.trade_date))
            other = _outcome(turned, booked, order, moved)
            found.append(OtherReading(rule, in_force[rule], reading, other))
    return tuple(found)


def lowest_tax(outcomes: Sequence[Outcome]) -> tuple[Outcome, ...]:
    """The outcomes with the least tax this year and, among those, the most loss carried on; none without tax.

    Several only where they are equal in both: a carried loss is worth something in a later year.
    """
    priced = [outcome for outcome in outcomes if outcome.effect is not None]
    best = min(map(_cost, priced), default=None)
    return tuple(outcome for outcome in priced if _cost(outcome) == best)


def _cost(outcome: Outcome) -> tuple[Fraction, Fraction]:
    assert outcome.effect is not None
    return outcome.effect.tax, -outcome.effect.carried


def _ways(sale: IntendedSale, *, averages: bool) -> tuple[Relief | None, ...]:
    picked: tuple[Relief | None, ...] = (None,) if sale.picks else ()
    return (*picked, *METHODS, *((Relief.AVERAGE,) if averages else ()))


def _check(ledger: Ledger, sale: IntendedSale, before: ReplayResult) -> None:
    account = next(one for one in ledger.accounts if one.id == sale.account)
    if not account.kind.is_taxable:
        raise WhatIfRefused(
            "Sales in a retirement account are neither gains nor losses (R16): choose a taxable account."
        )
    if sale.quantity <= 0 or sale.price <= 0:
        raise WhatIfRefused("Shares and price are above 0.")
    if sale.picks and sum(pick.quantity for pick in sale.picks) != sale.quantity:
        raise WhatIfRefused("The lots picked do not add up to the shares to sell.")
    held = _sum(
        lot.quantity
        for lot in before.open_lots
        if lot.account == sale.account and lot.security == sale.security
    )
    if held < sale.quantity:
        raise TooFewShares(held=held, wanted=sale.quantity)


def _is_company(ledger: Ledger, account: str) -> bool:
    """A corporation's gains are not on the household's return."""
    kinds = {one.id: one.owner_kind for one in ledger.accounts}
    return kinds[account] is OwnerKind.CORPORATION


def _order(sale: IntendedSale, relief: Relief | None) -> LedgerEntry:
    return LedgerEntry(
        id=SALE,
        trade_date=sale.day,
        account=sale.account,
        kind=EntryKind.SELL,
        security=sale.security,
        quantity=sale.quantity,
        amount=sale.quantity * sale.price,
        picks=sale.picks if relief is None else (),
        relief=relief,
    )


def _with(ledger: Ledger, order: LedgerEntry) -> ReplayResult:
    return simulate(ledger.entries, [order], ledger.accounts, ledger.groups, ledger.policy)


def _outcome(ledger: Ledger, before: ReplayResult, order: LedgerEntry, year: _TaxYear) -> Outcome:
    """Raises LedgerError."""
    after = _with(ledger, order)
    return Outcome(
        relief=order.relief,
        rows=_sold(after),
        matches=tuple(match for match in after.matches if match.sale == SALE),
        elsewhere=tuple(lost for lost in new_disallowed(before, after) if lost.sale != SALE),
        effect=_effect(_added(ledger, before, after, order.trade_date), year.inputs, year.position),
    )


def _sold(result: ReplayResult) -> tuple[RealizedLot, ...]:
    return tuple(row for row in result.realized if row.sale == SALE)


def _clean_from(ledger: Ledger, order: LedgerEntry) -> date | None:
    """First day on which the same order would not be washed at all if nothing else were bought."""
    days = {day for entry in ledger.entries for day in (entry.trade_date, entry.acquired) if day}
    for day in sorted(first_clear_date(day) for day in days if in_window(day, order.trade_date)):
        moved = replace(order, trade_date=day)
        if day > order.trade_date and not any(
            row.disallowed for row in _sold(_with(ledger, moved))
        ):
            return day
    return None


def _added(
    ledger: Ledger, before: ReplayResult, after: ReplayResult, day: date
) -> tuple[Fraction, Fraction]:
    """Short- and long-term gain that the sale adds to the household's year, wash sales of other sales included."""
    people = {one.id for one in ledger.accounts if one.owner_kind is not OwnerKind.CORPORATION}

    def total(result: ReplayResult, term: Term) -> Fraction:
        return _sum(
            row.allowed
            for row in result.realized
            if row.term is term and row.trade_date.year == day.year and row.account in people
        )

    short, long = (total(after, term) - total(before, term) for term in (Term.SHORT, Term.LONG))
    return short, long


def _effect(
    added: tuple[Fraction, Fraction], inputs: YearInputs | None, position: TaxPosition | None
) -> TaxEffect | None:
    short, long = added
    if inputs is not None:
        change = marginal(inputs, short=short, long=long)
        return TaxEffect(change.tax, change.st_carryover + change.lt_carryover, change)
    if position is None:
        return None
    stated = {"short": stored_money(short), "long": stored_money(long)}
    later = replace(
        position, short=position.short + stated["short"], long=position.long + stated["long"]
    )
    return TaxEffect(
        tax=Fraction(added_tax(position, **stated) + carried_worth(position, **stated)),
        carried=Fraction(carried_forward(later) - carried_forward(position)),
        parts=None,
    )


def _sum(values: Iterable[Fraction]) -> Fraction:
    return sum(values, ZERO)
