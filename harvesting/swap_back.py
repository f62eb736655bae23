"""Where each filled harvest pair stands tonight: decided anew every night, in dollars (F30, T16, I23). Pure.

In this order, the first that holds:

1. Nothing of the substitute is left, or its own purchase was of what it would go back to: DONE if swap-backs sold it or
   a harvest bought the original back, GONE if anything else did. Both are ends. While that harvest's purchase is not
   filled yet: HARVEST.
2. A person decided to stay: WAIVED.
3. Before day 31 after the last fill of its sales: WAITING (T44).
4. A swap-back is approved or ordered: PROPOSED.
5. Its loss passes the floors and the harvest takes it tonight, waits for a better day, or has not looked: HARVEST. What
   the harvest has passed over is decided here.
6. An original may not be bought, the substitute may not be sold, a price or the tax rates are missing: KEEP with that
   reason, or WAITING where it is a window that will open on a known day.
7. The best of the ways of ``harvesting.ways_back``: PROPOSED, KEEP (with a date where waiting for the long term is
   best), or NEW_CASH.

Pairs are decided in the order of their due days. Each counts the gains, the shares and the new money of those before.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from fractions import Fraction

from harvesting.types import ZERO, Outcome
from harvesting.ways_back import (
    Return,
    Situation,
    Sold,
    Wait,
    Way,
    a_year,
    best_return,
    break_even_days,
    free_lots,
    going_back,
    harvest_floors,
    made_up_for,
    waiting,
    worth_of_harvest,
)
from lots.rounding import plain
from lots.year_tax import TaxPosition
from proposals.types import DraftTrade, Homecoming, PairState, Side, StandIn

REASON = "SWAP_BACK"
# The harvest has not said no to these: it takes the loss, waits for a better day, or could not look.
UNDECIDED = frozenset({Outcome.TAKE, Outcome.WAIT, Outcome.HOUSEHOLD_BUSY})


@dataclass(frozen=True, slots=True)
class Decision:
    """The one state of a pair on a night, with its reason in a sentence and its sums as text."""

    pair: StandIn
    state: PairState
    reason: str
    figures: dict[str, object] = field(default_factory=dict)
    back: Return | None = None  # what is proposed

    @property
    def trades(self) -> tuple[DraftTrade, ...]:
        """Lots sold, then what they stood in for is bought; nothing unless a swap-back is proposed."""
        if self.back is None:
            return ()
        sells = [
            DraftTrade(
                account=self.pair.account,
                security=self.pair.substitute,
                side=Side.SELL,
                quantity=one.quantity,
                price=one.price,
                reason=REASON,
                opening=one.lot.opening,
                part=one.lot.part,
                basis=one.basis,
                term=one.term,
                pair=self.pair.order,
            )
            for one in self.back.sold
        ]
        buys = [
            DraftTrade(
                account=self.pair.account,
                security=one.security,
                side=Side.BUY,
                quantity=one.quantity,
                price=one.price,
                reason=REASON,
                pair=self.pair.order,
            )
            for one in self.back.bought
        ]
        return (*sells, *buys)


def decide(pairs: Iterable[StandIn], situation: Situation) -> tuple[Decision, ...]:
    """Exactly one decision for each pair, by due day."""
    decisions = []
    for pair in sorted(pairs, key=lambda one: (one.due_on, one.proposal, one.pair)):
        decision = _decision(pair, situation)
        decisions.append(decision)
        situation = _after(decision, situation)
    return tuple(decisions)


def _decision(pair: StandIn, situation: Situation) -> Decision:
    ended = _ended(pair, situation)
    if ended is not None:
        return ended
    sums = _Sums(pair, situation)
    as_of = situation.book.as_of
    if pair.waived:
        return sums.decided(PairState.WAIVED, pair.waived)
    if as_of < pair.due_on:
        day = (as_of - pair.sold_on).days
        why = f"Day {day} of 31: {_names(pair, situation)} can be bought from {pair.due_on}."
        return sums.decided(PairState.WAITING, why)
    if pair.under_way:
        return sums.decided(PairState.PROPOSED, "The approved swap-back is on its way.")
    if (harvest := sums.left_to_the_harvest()) is not None:
        return harvest
    if (why := sums.missing) or (why := situation.barred.get(pair.order, "")):
        return sums.decided(PairState.KEEP, why)
    clear, cause = max(
        (situation.closed[one] for one in pair.originals if one in situation.closed),
        default=(as_of, ""),
    )
    if cause:
        return sums.decided(
            PairState.WAITING,
            f"Due since {pair.due_on}, but {_names(pair, situation)} is inside a window until {clear}: {cause}.",
            until=clear,
        )
    return sums.best()


def _ended(pair: StandIn, situation: Situation) -> Decision | None:
    if pair.shares > ZERO:
        return None
    symbol = situation.book.symbol(pair.substitute)
    if pair.swapped > ZERO:
        why = f"{_shares(pair.swapped)} {symbol} went back to {_names(pair, situation)}."
        return Decision(pair, PairState.DONE, why)
    if not pair.originals:
        named = _listed([situation.book.symbol(one) for one in pair.home])
        why = f"Came home: the harvest of {pair.harvested_on} bought {named} back."
        return Decision(pair, PairState.DONE, why, {"sold": _dollars_sold(pair.home, situation)})
    if pair.homecoming is not None:
        return _came_home(pair, pair.homecoming, situation)
    return Decision(pair, PairState.GONE, f"No {symbol} of this pair is held any more.")


def _came_home(pair: StandIn, home: Homecoming, situation: Situation) -> Decision:
    """A later harvest sold the substitute and bought the original back, or is going to."""
    symbol = situation.book.symbol
    named = _listed([symbol(one) for one in home.bought])
    if not home.is_filled:
        why = (
            f"The harvest of {home.harvest_of} sold the {symbol(pair.substitute)} and buys {named} back: "
            "that is not filled yet."
        )
        return Decision(pair, PairState.HARVEST, why)
    why = f"Came home: the harvest of {home.harvest_of} bought {named} back."
    rest = [symbol(one) for one in pair.originals if one not in home.bought]
    if rest:
        why += f" What stands in for {_listed(rest)} is followed as that harvest's pair."
    return Decision(pair, PairState.DONE, why)


class _Sums:
    """What the ways come to for one pair; without a price or tax rates there is only the reason why not."""

    def __init__(self, pair: StandIn, situation: Situation) -> None:
        self._pair = pair
        self._situation = situation
        self._symbol = situation.book.symbol(pair.substitute)
        self._home = _names(pair, situation)
        self._all = self._free_lots()
        self._back: Return | None = None
        self._ways: dict[Way, Decimal] = {}
        self._wait: Wait | None = None
        self._used: dict[int, Decimal] = {}
        self.missing = self._not_possible()
        if self._all and situation.tax is not None:
            self._weigh(situation.tax)

    def _free_lots(self) -> tuple[Sold, ...]:
        """Nothing where a price is missing: no sum can be made then."""
        prices = self._situation.book.prices
        if any(one not in prices for one in (self._pair.substitute, *self._pair.originals)):
            return ()
        return free_lots(self._pair, self._situation)

    def _not_possible(self) -> str:
        """Why nothing can be sold or bought at all today; a sentence, empty = nothing stands in the way."""
        pair, book = self._pair, self._situation.book
        securities = (pair.substitute, *pair.originals)
        unpriced = [book.symbol(one) for one in securities if one not in book.prices]
        if unpriced:
            return f"{' and '.join(unpriced)} has no price."
        stale = [one for one in securities if not book.is_fresh(one)]
        if stale:
            oldest = stale[0]
            return f"The last price of {book.symbol(oldest)} is of {book.prices[oldest].day}."
        if not self._all:
            return f"Every share of {self._symbol} is being sold by another proposal."
        situation = self._situation
        refused = [
            situation.not_bought[one] for one in pair.originals if one in situation.not_bought
        ]
        if pair.substitute in situation.not_sold:
            refused.append(situation.not_sold[pair.substitute])
        if refused:
            return f"{refused[0][0].upper()}{refused[0][1:]}."
        return self._situation.no_tax if self._situation.tax is None else ""

    def _weigh(self, tax: TaxPosition) -> None:
        pair, situation = self._pair, self._situation
        lots = self._all
        if pair.order in situation.only_gains:
            lots = tuple(one for one in lots if one.gain > ZERO)
        self._ways[Way.KEEP] = ZERO
        back = best_return(pair, lots, situation, tax) if lots else None
        if back is not None:
            self._back = back
            self._ways[Way.BACK] = back.net
            taxable = situation.book.accounts[pair.account].is_taxable
            self._wait = waiting(back, situation, tax, taxable=taxable)
            if self._wait is not None:
                self._ways[Way.LATER] = self._wait.net
        elif (whole := going_back(pair, self._all, situation, tax)) is not None:
            self._back = whole
        value = sum((one.amount for one in self._all), ZERO)
        saved, self._used = made_up_for(pair, value, situation)
        if self._used:
            self._ways[Way.NEW_CASH] = saved

    def left_to_the_harvest(self) -> Decision | None:
        """HARVEST where it takes a lot, waits for a better day, or has not looked at a loss above the floors."""
        situation, pair = self._situation, self._pair
        own = [
            one
            for key, one in sorted(situation.findings.items())
            if key[0] in pair.openings or any(key == free.key for free in self._all)
        ]
        losses = harvest_floors(self._all, situation)
        said = [one for one in own if one.outcome in UNDECIDED]
        if not said and (own or not losses or self.missing):
            return None
        if losses and situation.tax is not None:
            self._ways[Way.HARVEST] = worth_of_harvest(pair, losses, situation, situation.tax)
        elif said:
            self._ways[Way.HARVEST] = sum(
                (one.terms.net for one in said if one.terms is not None), ZERO
            )
        if said:
            loss = _money(sum((one.loss for one in said), ZERO))
            why = f"{self._symbol} stands at a loss of {loss}, which the harvest decides about. {said[0].detail}"
            return self.decided(PairState.HARVEST, why.strip())
        loss = _money(-sum((one.gain for one in losses), ZERO))
        why = f"{self._symbol} stands at a loss of {loss}, which passes the floors: the harvest decides about it."
        return self.decided(PairState.HARVEST, why)

    def best(self) -> Decision:
        """The way with the most dollars; staying where none is better."""
        if Way.BACK not in self._ways or self._back is None:
            return self.decided(PairState.KEEP, self._cannot())
        choice = max(
            (way for way in (Way.BACK, Way.NEW_CASH, Way.LATER, Way.KEEP) if way in self._ways),
            key=lambda way: self._ways[way],
        )
        if self._ways[choice] <= ZERO:
            choice = Way.KEEP
        if choice is Way.BACK:
            return self._go()
        if choice is Way.NEW_CASH:
            return self._new_cash()
        if choice is Way.LATER and self._wait is not None:
            why = f"Keep until {self._wait.day}: {self._sum()} {self._long_term()}"
            return self.decided(PairState.KEEP, why, until=self._wait.day)
        why = f"{self._sum()} {self._it_pays()} {self._long_term()}".strip()
        return self.decided(PairState.KEEP, why)

    def _cannot(self) -> str:
        if self._pair.order in self._situation.only_gains:
            return (
                f"Every lot of {self._symbol} stands at a loss that would be washed: not before its own "
                "window closes."
            )
        return f"What {self._symbol} brings buys no whole share of {self._home}."

    def _go(self) -> Decision:
        assert self._back is not None
        if self._situation.is_busy:
            why = f"{self._sum()} It is proposed when the approved swap-back of this household is filled."
            return self.decided(PairState.KEEP, why)
        rest = self._pair.shares - self._back.shares
        why = self._sum()
        if rest > ZERO:
            why += f" {_shares(rest)} {self._symbol} stay: selling them would cost more than it is worth."
        why += f" {self._long_term()}"
        return replace(self.decided(PairState.PROPOSED, why.strip()), back=self._back)

    def _new_cash(self) -> Decision:
        book = self._situation.book
        into = " and ".join(
            f"{_money(dollars)} into {book.symbol(one)}" for one, dollars in self._used.items()
        )
        saved = _money(self._ways[Way.NEW_CASH])
        why = (
            f"{self._sum()} New money goes {into}, which makes up for {saved} of tracking error: "
            f"{self._symbol} stays."
        )
        return self.decided(PairState.NEW_CASH, why)

    def _sum(self) -> str:
        """The sum of going back in one sentence."""
        back = self._back
        assert back is not None
        years = plain(Fraction(self._situation.rules.swap_back_horizon_years))
        tax = (
            f"{_money(back.tax)} of tax"
            if back.tax >= ZERO
            else f"{_money(-back.tax)} of tax saved"
        )
        later = (
            f"less {_money(back.later)} that the higher basis saves later"
            if back.later >= ZERO
            else f"and {_money(-back.later)} that the lower basis costs later"
        )
        verdict = (
            f"{_money(back.net)} to the good"
            if back.net > ZERO
            else f"{_money(-back.net)} too dear"
        )
        return (
            f"Going back to {self._home} avoids {_money(back.avoided)} of tracking error in {years} "
            f"{'year' if years == '1' else 'years'} for {tax}, {later}, and {_money(back.cost)} of "
            f"trading cost: {verdict}."
        )

    def _it_pays(self) -> str:
        days = self._break_even()
        return "" if days is None else f"It would pay after {days:,} days of staying."

    def _break_even(self) -> int | None:
        if self._back is None:
            return None
        return break_even_days(self._back, a_year(self._pair, self._back.value, self._situation))

    def _long_term(self) -> str:
        """The day on which a short-term gain turns, and what waiting for it saves."""
        if self._wait is None:
            return ""
        return (
            f"The short-term gain turns long-term on {self._wait.day}: going back then would save "
            f"{_money(self._wait.tax_saved)} of tax."
        )

    def decided(self, state: PairState, reason: str, *, until: date | None = None) -> Decision:
        return Decision(self._pair, state, reason, self._figures(until))

    def _figures(self, until: date | None) -> dict[str, object]:
        """Numbers as text, for the page and the record; without a price only what was sold."""
        pair, situation = self._pair, self._situation
        book = situation.book
        figures: dict[str, object] = {
            "shares": _text(pair.shares),
            "sold": _dollars_sold(pair.originals, situation),
        }
        if until is not None:
            figures["until"] = until.isoformat()
        if not self._all:
            return figures
        value = sum((one.amount for one in self._all), ZERO)
        figures |= {
            "price": _text(book.prices[pair.substitute].price),
            "value": _text(value),
            "staying_a_year": _text(a_year(pair, value, situation).quantize(Decimal("0.01"))),
            "tracking": [
                {
                    "security": book.symbol(one),
                    "error": _text(situation.tracking[one, pair.substitute].tracking_error),
                    "assumed": situation.tracking[one, pair.substitute].is_assumed,
                }
                for one in pair.originals
            ],
            "risk_price": _text(situation.rules.risk_price),
            "horizon_years": _text(situation.rules.swap_back_horizon_years),
        }
        if self._back is not None:
            figures |= _told(self._back, self._break_even(), book.symbol)
        if self._wait is not None:
            figures |= {
                "long_term_on": self._wait.day.isoformat(),
                "waiting_saves": _text(self._wait.tax_saved),
            }
        if self._used:
            figures["new_money"] = {
                book.symbol(one): _text(sum_) for one, sum_ in self._used.items()
            }
        figures["ways"] = {way.value: _text(dollars) for way, dollars in self._ways.items()}
        return figures


def _dollars_sold(sold: Mapping[int, Decimal], situation: Situation) -> list[dict[str, str]]:
    return [
        {"security": situation.book.symbol(one), "dollars": _text(dollars)}
        for one, dollars in sold.items()
    ]


def _told(back: Return, days: int | None, symbol: object) -> dict[str, object]:
    assert callable(symbol)
    return {
        "short_gain": _text(back.short_gain),
        "long_gain": _text(back.long_gain),
        "avoided": _text(back.avoided),
        "tax": _text(back.tax),
        "later": _text(back.later),
        "cost": _text(back.cost),
        "net": _text(back.net),
        "cash_left": _text(back.cash_left),
        "break_even_days": "" if days is None else str(days),
        "back_shares": _text(back.shares),
        "buys": [
            {
                "security": symbol(one.security),
                "shares": _text(one.quantity),
                "amount": _text(one.amount),
            }
            for one in back.bought
        ],
    }


def _after(decision: Decision, situation: Situation) -> Situation:
    """The household as the next pair finds it."""
    if decision.state is PairState.NEW_CASH:
        return replace(situation, new_money=_spent(decision, situation))
    if decision.back is None:
        return situation
    back, pair = decision.back, decision.pair
    reserved = dict(situation.reserved)
    for one in back.sold:
        reserved[one.key] = reserved.get(one.key, ZERO) + one.quantity
    tax = situation.tax
    if tax is not None and situation.book.accounts[pair.account].is_taxable:
        tax = replace(tax, short=tax.short + back.short_gain, long=tax.long + back.long_gain)
    name = situation.book.symbol
    not_sold, not_bought = dict(situation.not_sold), dict(situation.not_bought)
    for bought in back.bought:
        for security in _identical(bought.security, situation):
            not_sold.setdefault(
                security, f"another swap-back of tonight buys {name(bought.security)}"
            )
    for security in _identical(pair.substitute, situation):
        not_bought.setdefault(
            security, f"another swap-back of tonight sells {name(pair.substitute)}"
        )
    return replace(situation, reserved=reserved, tax=tax, not_sold=not_sold, not_bought=not_bought)


def _spent(decision: Decision, situation: Situation) -> Mapping[int, Decimal]:
    value = Decimal(str(decision.figures["value"]))
    _, used = made_up_for(decision.pair, value, situation)
    return {one: dollars - used.get(one, ZERO) for one, dollars in situation.new_money.items()}


def _identical(security: int, situation: Situation) -> frozenset[int]:
    return frozenset({security}).union(*(group for group in situation.groups if security in group))


def _names(pair: StandIn, situation: Situation) -> str:
    return _listed([situation.book.symbol(one) for one in pair.originals])


def _listed(names: Sequence[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def _money(value: Decimal) -> str:
    return f"{'-' if value < ZERO else ''}${abs(value):,.2f}"


def _shares(quantity: Decimal) -> str:
    return plain(Fraction(quantity))


def _text(value: Decimal) -> str:
    return plain(Fraction(value))
