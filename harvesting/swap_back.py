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

Money parked in cash is decided about in ``harvesting.parked_cash``. Pairs are decided in the order of their due days.
Each counts the gains, the shares, the cash and the new money of those before.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal

from harvesting import parked_cash
from harvesting.pair_decisions import (
    Decision,
    as_text,
    before_day_31,
    closed_window,
    dollars_sold,
    horizon_named,
    in_dollars,
    in_shares,
    listed,
    new_money_named,
    not_priced,
    originals_named,
    told,
    tracking_told,
    verdict_named,
)
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
from lots.year_tax import TaxPosition
from proposals.types import CASH, Homecoming, PairState, StandIn

# The harvest has not said no to these: it takes the loss, waits for a better day, or could not look.
UNDECIDED = frozenset({Outcome.TAKE, Outcome.WAIT, Outcome.HOUSEHOLD_BUSY})


def decide(pairs: Iterable[StandIn], situation: Situation) -> tuple[Decision, ...]:
    """Exactly one decision for each pair, by due day."""
    decisions = []
    for pair in sorted(pairs, key=lambda one: (one.due_on, one.proposal, one.pair)):
        decision = _decision(pair, situation)
        decisions.append(decision)
        situation = _after(decision, situation)
    return tuple(decisions)


def _decision(pair: StandIn, situation: Situation) -> Decision:
    if pair.parked is not None:
        return parked_cash.decided(pair, pair.parked, situation)
    ended = _ended(pair, situation)
    if ended is not None:
        return ended
    sums = _Sums(pair, situation)
    if pair.waived:
        return sums.decided(PairState.WAIVED, pair.waived)
    if situation.book.as_of < pair.due_on:
        return sums.decided(PairState.WAITING, before_day_31(pair, situation))
    if pair.under_way:
        return sums.decided(PairState.PROPOSED, "The approved swap-back is on its way.")
    if (harvest := sums.left_to_the_harvest()) is not None:
        return harvest
    if (why := sums.missing) or (why := situation.barred.get(pair.order, "")):
        return sums.decided(PairState.KEEP, why)
    if (closed := closed_window(pair, situation)) is not None:
        until, why = closed
        return sums.decided(PairState.WAITING, why, until=until)
    return sums.best()


def _ended(pair: StandIn, situation: Situation) -> Decision | None:
    if pair.shares > ZERO:
        return None
    symbol = situation.book.symbol(pair.substitute)
    if pair.swapped > ZERO:
        why = f"{in_shares(pair.swapped)} {symbol} went back to {originals_named(pair, situation)}."
        return Decision(pair, PairState.DONE, why)
    if not pair.originals:
        named = listed([situation.book.symbol(one) for one in pair.home])
        why = f"Came home: the harvest of {pair.harvested_on} bought {named} back."
        return Decision(pair, PairState.DONE, why, {"sold": dollars_sold(pair.home, situation)})
    if pair.homecoming is not None:
        return _came_home(pair, pair.homecoming, situation)
    return Decision(pair, PairState.GONE, f"No {symbol} of this pair is held any more.")


def _came_home(pair: StandIn, home: Homecoming, situation: Situation) -> Decision:
    """A later harvest sold the substitute and bought the original back, or is going to."""
    symbol = situation.book.symbol
    named = listed([symbol(one) for one in home.bought])
    if not home.is_filled:
        why = (
            f"The harvest of {home.harvest_of} sold the {symbol(pair.substitute)} and buys {named} back: "
            "that is not filled yet."
        )
        return Decision(pair, PairState.HARVEST, why)
    why = f"Came home: the harvest of {home.harvest_of} bought {named} back."
    rest = [symbol(one) for one in pair.originals if one not in home.bought]
    if rest:
        why += f" What stands in for {listed(rest)} is followed as that harvest's pair."
    return Decision(pair, PairState.DONE, why)


class _Sums:
    """What the ways come to for one pair; without a price or tax rates there is only the reason why not."""

    def __init__(self, pair: StandIn, situation: Situation) -> None:
        self._pair = pair
        self._situation = situation
        self._symbol = situation.book.symbol(pair.substitute)
        self._home = originals_named(pair, situation)
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
        pair = self._pair
        if why := not_priced((pair.substitute, *pair.originals), self._situation):
            return why
        if not self._all:
            if pair.shares < 1:
                return f"Less than one whole share of {self._symbol} stands in: it is not sold by itself."
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
            loss = in_dollars(sum((one.loss for one in said), ZERO))
            why = f"{self._symbol} stands at a loss of {loss}, which the harvest decides about. {said[0].detail}"
            return self.decided(PairState.HARVEST, why.strip())
        loss = in_dollars(-sum((one.gain for one in losses), ZERO))
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
            why += f" {in_shares(rest)} {self._symbol} stay: selling them would cost more than it is worth."
        why += f" {self._long_term()}"
        return replace(self.decided(PairState.PROPOSED, why.strip()), back=self._back)

    def _new_cash(self) -> Decision:
        into = new_money_named(self._used, self._situation)
        saved = in_dollars(self._ways[Way.NEW_CASH])
        why = (
            f"{self._sum()} New money goes {into}, which makes up for {saved} of tracking error: "
            f"{self._symbol} stays."
        )
        return self.decided(PairState.NEW_CASH, why)

    def _sum(self) -> str:
        """The sum of going back in one sentence."""
        back = self._back
        assert back is not None
        tax = (
            f"{in_dollars(back.tax)} of tax"
            if back.tax >= ZERO
            else f"{in_dollars(-back.tax)} of tax saved"
        )
        later = (
            f"less {in_dollars(back.later)} that the higher basis saves later"
            if back.later >= ZERO
            else f"and {in_dollars(-back.later)} that the lower basis costs later"
        )
        return (
            f"Going back to {self._home} avoids {in_dollars(back.avoided)} of tracking error in "
            f"{horizon_named(self._situation)} for {tax}, {later}, and {in_dollars(back.cost)} of trading cost: "
            f"{verdict_named(back.net)}."
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
            f"{in_dollars(self._wait.tax_saved)} of tax."
        )

    def decided(self, state: PairState, reason: str, *, until: date | None = None) -> Decision:
        return Decision(self._pair, state, reason, self._figures(until))

    def _figures(self, until: date | None) -> dict[str, object]:
        """Numbers as text, for the page and the record; without a price only what was sold."""
        pair, situation = self._pair, self._situation
        book = situation.book
        figures: dict[str, object] = {
            "shares": as_text(pair.shares),
            "sold": dollars_sold(pair.originals, situation),
        }
        if until is not None:
            figures["until"] = until.isoformat()
        if not self._all:
            return figures
        value = sum((one.amount for one in self._all), ZERO)
        figures |= {
            "price": as_text(book.prices[pair.substitute].price),
            "value": as_text(value),
            "staying_a_year": as_text(a_year(pair, value, situation).quantize(Decimal("0.01"))),
            "tracking": tracking_told(pair, situation),
            "risk_price": as_text(situation.rules.risk_price),
            "horizon_years": as_text(situation.rules.swap_back_horizon_years),
        }
        if self._back is not None:
            figures |= told(self._back, self._break_even(), book.symbol)
        if self._wait is not None:
            figures |= {
                "long_term_on": self._wait.day.isoformat(),
                "waiting_saves": as_text(self._wait.tax_saved),
            }
        if self._used:
            figures["new_money"] = {
                book.symbol(one): as_text(sum_) for one, sum_ in self._used.items()
            }
        figures["ways"] = {way.value: as_text(dollars) for way, dollars in self._ways.items()}
        return figures


def _after(decision: Decision, situation: Situation) -> Situation:
    """The household as the next pair finds it."""
    if decision.state is PairState.NEW_CASH:
        return replace(situation, new_money=_spent(decision, situation))
    if decision.back is None:
        return situation
    back, pair = decision.back, decision.pair
    cash = {**situation.cash}
    if pair.substitute == CASH:
        cash[pair.account] = cash.get(pair.account, ZERO) - back.spent
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
    sold = () if pair.substitute == CASH else _identical(pair.substitute, situation)
    for security in sold:
        not_bought.setdefault(
            security, f"another swap-back of tonight sells {name(pair.substitute)}"
        )
    return replace(
        situation,
        reserved=reserved,
        tax=tax,
        cash=cash,
        not_sold=not_sold,
        not_bought=not_bought,
    )


def _spent(decision: Decision, situation: Situation) -> Mapping[int, Decimal]:
    value = Decimal(str(decision.figures["value"]))
    _, used = made_up_for(decision.pair, value, situation)
    return {one: dollars - used.get(one, ZERO) for one, dollars in situation.new_money.items()}


def _identical(security: int, situation: Situation) -> frozenset[int]:
    return frozenset({security}).union(*(group for group in situation.groups if security in group))
