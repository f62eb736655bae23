"""How much gain, and tax on it, a household accepts in a year: what is used, what is left, what fits (F35). Pure.

- Short- and long-term gains count apart and net, each within its term; a term at a net loss uses nothing.
- The tax is what this year's sales here add to this year's return: the tax of the year with them less the tax without
  them. A carried loss that a gain uses up is no tax of the year. Less than nothing counts as nothing.
- Sales in retirement accounts, and those of a corporation, are not on the household's return and count nowhere.
- What others sold elsewhere, and losses carried in, use no room for gains; the tax is computed on top of them.
- An open proposal draws its net gain of each term down at once. Its net loss gives room back only once it is booked: it
  may be rejected, taken back or not filled. A draft may net its own gains and losses.
- A prorated budget opens with the months or quarters of the year: on a day, each limit is its whole times the months
  (or quarters) begun, over 12 (or 4), rounded down to the cent. What was not used earlier in the year is still there.
- A rebalance that was opened for the factor reason alone has a limit of its own (F17), whatever the year: on the net
  gain of its own sales, both terms together. Nothing else draws on it, and it is not prorated.
- A draft is over the budget where it raises the use of a limit beyond it. A budget that is overdrawn already stops only
  what adds to it, never a loss.

Dollars; figures are compared to the cent. A float is a TypeError.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from typing import Protocol

from lots.held_lots import basis_of, term_of
from lots.rounding import cents
from lots.types import LotRow, Term
from lots.year_tax import TaxPosition, added_tax, with_added
from proposals.types import Proration, Side

ZERO = Decimal(0)


class Line(Protocol):
    """What a proposed trade and what is left of an approved one have in common."""

    @property
    def account(self) -> int: ...
    @property
    def side(self) -> Side: ...
    @property
    def quantity(self) -> Decimal: ...
    @property
    def amount(self) -> Decimal: ...
    @property
    def opening(self) -> int | None: ...
    @property
    def part(self) -> int | None: ...


class Limit(StrEnum):
    """What a budget limits; the text is read by people."""

    SHORT = "short-term gain"
    LONG = "long-term gain"
    TAX = "tax"
    FACTOR = "net gain for the factor reason"  # of one rebalance, not of a year

    @property
    def named(self) -> str:
        """As sentences call it."""
        return (
            "limit on net gain for the factor reason" if self is Limit.FACTOR else f"{self} budget"
        )


YEARLY = (Limit.SHORT, Limit.LONG, Limit.TAX)
_PERIODS = {Proration.MONTHLY: 12, Proration.QUARTERLY: 4}  # of a year


@dataclass(frozen=True, slots=True)
class Share:
    """The part of a year's limits that may be used up to and with a day, less than the whole."""

    parts: int
    of: int
    until: date

    def __str__(self) -> str:
        return f"{self.parts}/{self.of}"

    @property
    def by(self) -> str:
        """Until when, for people."""
        return f"by {self.until.day} {self.until:%B}"

    def usable(self, whole: Decimal) -> Decimal:
        """Dollars of a whole limit, rounded down to the cent."""
        return Decimal(int(Fraction(whole) * 100 * self.parts / self.of)).scaleb(-2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """A household's limits of one year in dollars; None = no limit. ``share`` is what of them may be used so far.

    ``factor_limit`` is that of a rebalance opened for the factor reason alone.
    """

    year: int
    short_limit: Decimal | None = None
    long_limit: Decimal | None = None
    tax_limit: Decimal | None = None
    proration: Proration = Proration.NONE
    share: Share | None = None  # None = the whole
    factor_limit: Decimal | None = None

    def __post_init__(self) -> None:
        for name in ("short_limit", "long_limit", "tax_limit", "factor_limit"):
            value = getattr(self, name)
            if not isinstance(value, Decimal | None):
                raise TypeError(f"{name} is a {type(value).__name__}; limits are Decimal.")

    def usable_on(self, day: date) -> "Budget":
        """The budget as it stands on a day of its year. Raises ValueError for a day of another year."""
        if day.year != self.year:
            raise ValueError(f"{day} is no day of {self.year}: a budget opens within its year.")
        periods = _PERIODS.get(self.proration)
        if periods is None:
            return replace(self, share=None)
        months = 12 // periods
        begun = (day.month - 1) // months + 1
        if begun == periods:
            return replace(self, share=None)
        until = date(self.year, begun * months + 1, 1) - timedelta(days=1)
        return replace(self, share=Share(begun, periods, until))

    @property
    def limits(self) -> dict[Limit, Decimal]:
        """What may be used of the limits that there are."""
        found = self.whole_limits
        if self.share is not None:
            found = {limit: self.share.usable(whole) for limit, whole in found.items()}
        if self.factor_limit is not None:
            found[Limit.FACTOR] = self.factor_limit
        return found

    @property
    def whole_limits(self) -> dict[Limit, Decimal]:
        """The limits of the whole year that there are."""
        said = {
            Limit.SHORT: self.short_limit,
            Limit.LONG: self.long_limit,
            Limit.TAX: self.tax_limit,
        }
        return {limit: dollars for limit, dollars in said.items() if dollars is not None}


@dataclass(frozen=True, slots=True)
class Gains:
    """Net gains by term in dollars, losses negative."""

    short: Decimal = ZERO
    long: Decimal = ZERO

    def __add__(self, other: "Gains") -> "Gains":
        return Gains(self.short + other.short, self.long + other.long)

    def __sub__(self, other: "Gains") -> "Gains":
        return Gains(self.short - other.short, self.long - other.long)

    @property
    def drawn(self) -> "Gains":
        """What they draw down as long as they are not booked: no net loss gives room back."""
        return Gains(max(self.short, ZERO), max(self.long, ZERO))


NOTHING = Gains()


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """A household's budget of a year, and what draws on it. ``accounts`` are those whose sales count."""

    budget: Budget
    accounts: frozenset[int]
    realised: Gains = NOTHING  # booked sales of the year, after wash sales
    committed: tuple[Gains, ...] = ()  # the rest of each approved or ordered proposal
    pending: tuple[Gains, ...] = ()  # each proposal of this night that comes first
    tax: TaxPosition | None = field(default=None)  # the year without any sale here
    why_no_tax: str = ""  # a sentence; empty too where nobody asked for the tax

    @property
    def drawn(self) -> Gains:
        """What open proposals draw down."""
        return sum((gains.drawn for gains in (*self.committed, *self.pending)), NOTHING)

    @property
    def worlds(self) -> tuple[Gains, ...]:
        """The year as it may become: with the open gains alone; and with all that is approved, losses too."""
        return self.realised + self.drawn, sum(self.committed, self.realised)

    def use(self, limit: Limit, gains: Gains) -> Decimal | None:
        """What gains of the year use of a limit, to the cent; None where the tax is not known."""
        if limit is Limit.TAX:
            if self.tax is None:
                return None
            plain = replace(self.tax, carried_loss_value=ZERO)
            used = added_tax(plain, short=gains.short, long=gains.long)
        elif limit is Limit.FACTOR:
            used = gains.short + gains.long
        else:
            used = gains.short if limit is Limit.SHORT else gains.long
        return cents(Fraction(max(used, ZERO)))


@dataclass(frozen=True, slots=True)
class Excess:
    """A limit that a draft would break: what is used before it, and with it; dollars. None = it cannot be computed.

    ``most`` is what may be used so far; where that is less than the year's ``whole``, ``share`` says which part it is.
    """

    limit: Limit
    year: int
    most: Decimal
    before: Decimal | None
    after: Decimal | None
    why_unknown: str = ""
    whole: Decimal | None = None
    share: Share | None = None

    @property
    def allowed(self) -> str:
        """The limit in words, with its share where it is prorated."""
        if self.whole is None or self.share is None:
            return f"${self.most:,.2f}"
        return f"${self.whole:,.2f}, of which {self.share} (${self.most:,.2f}) may be used {self.share.by}"

    @property
    def over(self) -> Decimal:
        """Dollars above the limit."""
        return ZERO if self.after is None else self.after - self.most

    @property
    def sentence(self) -> str:
        """The figures."""
        if self.limit is Limit.FACTOR:
            return (
                f"A rebalance for the factor reason alone may realise a net gain of {self.allowed}, and with these "
                f"trades it would be ${self.after or ZERO:,.2f}."
            )
        if self.before is None or self.after is None:
            return (
                f"The {self.limit} budget of {self.year} is {self.allowed}, and what these gains add "
                f"cannot be computed: {self.why_unknown}"
            )
        return (
            f"The {self.limit} budget of {self.year} is {self.allowed}, ${self.before:,.2f} of it is "
            f"used, and with these trades it would be ${self.after:,.2f}."
        )


def gains_of(
    lines: Iterable[Line],
    lots: Mapping[tuple[int, int], LotRow],
    *,
    accounts: Collection[int],
    as_of: date,
) -> Gains:
    """What sales on ``as_of`` realise, from the lots as they are held; a sale of a lot that is not held counts not."""
    gains = {Term.SHORT: ZERO, Term.LONG: ZERO}
    for line in lines:
        lot = lots.get((line.opening or 0, line.part or 0))
        if line.side is not Side.SELL or lot is None or line.account not in accounts:
            continue
        gain = line.amount - basis_of(lot, line.quantity, line.amount)
        gains[term_of(lot, as_of, is_loss=gain < ZERO)] += gain
    return Gains(gains[Term.SHORT], gains[Term.LONG])


def without(position: TaxPosition, realised: Gains) -> TaxPosition:
    """The year as it would be without the sales here."""
    return with_added(position, short=-realised.short, long=-realised.long)


def excesses(usage: Usage, gains: Gains) -> tuple[Excess, ...]:
    """The limits that a draft with these gains breaks; empty = it fits. At most one excess a limit."""
    return tuple(_excesses(usage, gains))


def capped(
    usage: Usage | None, most: Decimal | None, *, accounts: Collection[int], year: int
) -> Usage | None:
    """The usage with a limit for a rebalance opened for the factor reason alone; as it is where there is none.

    ``accounts`` and ``year`` are asked where the household has no budget.
    """
    if most is None:
        return usage
    known = usage or Usage(budget=Budget(year=year), accounts=frozenset(accounts))
    return replace(known, budget=replace(known.budget, factor_limit=most))


def fits(usage: Usage | None, gains: Gains) -> bool:
    """Whether a draft with these gains may be made; without a budget always."""
    return usage is None or not any(_excesses(usage, gains))


def _excesses(usage: Usage, gains: Gains) -> Iterator[Excess]:
    year, share = usage.budget.year, usage.budget.share
    for limit, most in usage.budget.limits.items():
        whole = usage.budget.whole_limits.get(limit)
        if limit is Limit.TAX and usage.tax is None:
            if gains.short > ZERO or gains.long > ZERO:
                yield Excess(limit, year, most, None, None, usage.why_no_tax, whole, share)
            continue
        for world in (NOTHING,) if limit is Limit.FACTOR else usage.worlds:
            before, after = usage.use(limit, world), usage.use(limit, world + gains)
            assert before is not None
            assert after is not None
            if after > most and after > before:
                of = None if limit is Limit.FACTOR else share
                yield Excess(limit, year, most, before, after, "", whole, of)
                break


@dataclass(frozen=True, slots=True)
class BudgetRow:
    """One limit as pages show it; dollars, None = not known. ``left`` is never below zero.

    ``most`` is what may be used so far: ``share`` of the year's ``whole``, where the budget is prorated.
    """

    limit: Limit
    most: Decimal | None
    realised: Decimal | None
    drawn: Decimal | None
    after: Decimal | None  # with the proposal that is looked at; else as without it
    why_unknown: str = ""  # a sentence where a figure could not be computed
    whole: Decimal | None = None
    share: Share | None = None

    @property
    def used(self) -> Decimal | None:
        if self.realised is None or self.drawn is None:
            return None
        return self.realised + self.drawn

    @property
    def left(self) -> Decimal | None:
        if self.most is None or self.used is None:
            return None
        return max(self.most - self.used, ZERO)


def rows(usage: Usage, gains: Gains = NOTHING) -> Sequence[BudgetRow]:
    """The three limits: what booked sales use, what open proposals draw down, and what ``gains`` would make of it."""
    found = []
    for limit in YEARLY:
        booked = usage.use(limit, usage.realised)
        world = usage.worlds[0]
        both, after = usage.use(limit, world), usage.use(limit, world + gains)
        drawn = None if booked is None or both is None else both - booked
        why = usage.why_no_tax if after is None else ""
        budget = usage.budget
        most, whole = budget.limits.get(limit), budget.whole_limits.get(limit)
        found.append(BudgetRow(limit, most, booked, drawn, after, why, whole, budget.share))
    return found
