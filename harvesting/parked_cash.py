"""Whether money that a harvest parked in cash buys back what it sold: decided anew every night (T9, F30). Pure.

In this order, the first that holds:

1. A swap-back that was meant for all of it bought it back, or so much has gone into the originals that the rest buys no
   whole share: DONE. The cash is not there, so far as the books know it, and was not on the night before: GONE, or DONE
   if a part bought back. All are ends. One night's balance is none: a sweep may be booked a day late.
2. A person decided to stay in cash: WAIVED.
3. Before day 31 after the last fill of its sales: WAITING (T44).
4. A swap-back is approved or ordered: PROPOSED.
5. A price is missing or an original may not be bought, deposits were never booked, the cash is not there tonight, or
   other proposals spend the money: KEEP with that reason, NEW_CASH where they buy the original, or WAITING where a
   window will open on a known day.
6. The best of three ways in dollars: buy back (PROPOSED), new money in the original (NEW_CASH), keep (KEEP).

There is nothing to tax. Cash strays from a security by the whole of that one's volatility, as in term X of the harvest:

    back      =  risk_price x volatility^2 x dollars that buy x horizon - cost of buying
    new cash  =  the part of the same that money going into the original by itself makes up for
"""

from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from harvesting.economics import to_the_cent
from harvesting.pair_decisions import (
    Decision,
    as_text,
    before_day_31,
    closed_window,
    dollars_sold,
    horizon_named,
    in_dollars,
    new_money_named,
    not_priced,
    originals_named,
    told,
    tracking_told,
    verdict_named,
)
from harvesting.types import ZERO
from harvesting.ways_back import (
    Return,
    Situation,
    Way,
    a_year,
    bought_for,
    break_even_days,
    made_up_for,
)
from proposals.types import PairState, ParkedMoney, StandIn


def decided(pair: StandIn, parked: ParkedMoney, situation: Situation) -> Decision:
    """The one state of a pair in cash, with its reason and its sums."""
    ended = None if pair.under_way else _ended(pair, parked, situation)
    if ended is not None:
        return ended
    sums = _sums(pair, parked, situation)
    if pair.waived:
        return sums.decision(PairState.WAIVED, pair.waived)
    if situation.book.as_of < pair.due_on:
        return sums.decision(PairState.WAITING, before_day_31(pair, situation))
    if pair.under_way:
        return sums.decision(PairState.PROPOSED, "The approved swap-back is on its way.")
    if why := _not_possible(pair, parked, situation):
        return sums.decision(PairState.KEEP, why)
    if (closed := closed_window(pair, situation)) is not None:
        until, why = closed
        return sums.decision(PairState.WAITING, why, until=until)
    return sums.best()


def _ended(pair: StandIn, parked: ParkedMoney, situation: Situation) -> Decision | None:
    home = originals_named(pair, situation)
    went = (
        f"{in_dollars(parked.home)} of the {in_dollars(parked.proceeds)} parked bought {home} back"
    )
    if parked.is_back:
        return Decision(pair, PairState.DONE, f"{went}.")
    share = _one_share(pair, situation)
    if parked.home and parked.left < share:
        return Decision(pair, PairState.DONE, f"{went}.")
    as_of = situation.book.as_of
    was_missing = parked.missed_on is not None and parked.missed_on < as_of
    if not was_missing or not _is_missing(pair, parked, situation):
        return None
    there = _what_is_there(pair, parked, situation)
    if parked.home:
        return Decision(pair, PairState.DONE, f"{went}; {there} for the rest.")
    why = f"The {in_dollars(parked.proceeds)} parked is no longer there: {there}."
    return Decision(pair, PairState.GONE, why)


def _is_missing(pair: StandIn, parked: ParkedMoney, situation: Situation) -> bool:
    """Whether the books know of no cash that would buy anything; below zero they do not know."""
    return ZERO <= parked.balance < min(_one_share(pair, situation), parked.left)


def _what_is_there(pair: StandIn, parked: ParkedMoney, situation: Situation) -> str:
    return f"only {in_dollars(parked.balance)} of cash is in {situation.book.account(pair.account)}"


def _one_share(pair: StandIn, situation: Situation) -> Decimal:
    """The least that buys anything; a cent where no price is known."""
    prices = situation.book.prices
    return min(
        (prices[one].price for one in pair.originals if one in prices), default=Decimal("0.01")
    )


def _not_possible(pair: StandIn, parked: ParkedMoney, situation: Situation) -> str:
    """Why nothing can be bought back at all today; a sentence, empty = nothing stands in the way."""
    if why := not_priced(tuple(pair.originals), situation):
        return why
    if parked.balance < ZERO:
        account = situation.book.account(pair.account)
        return (
            f"The books show {in_dollars(parked.balance)} of cash in {account}: book the deposits that are missing, "
            "so that it is known what can be spent."
        )
    if _is_missing(pair, parked, situation):
        there = _what_is_there(pair, parked, situation)
        return (
            f"The {in_dollars(parked.left)} parked is not there: {there}. If the next night does not find it either, "
            "the pair has ended."
        )
    refused = [situation.not_bought[one] for one in pair.originals if one in situation.not_bought]
    if refused:
        return f"{refused[0][0].upper()}{refused[0][1:]}."
    return situation.barred.get(pair.order, "")


@dataclass(frozen=True, slots=True)
class _Sums:
    """What the ways come to; without a price there are none."""

    pair: StandIn
    parked: ParkedMoney
    situation: Situation
    here: Decimal = ZERO  # dollars that are parked still
    money: Decimal = ZERO  # of them can be spent tonight
    back: Return | None = None
    new_cash: Decimal = ZERO
    used: tuple[tuple[int, Decimal], ...] = ()  # new money that counts, original by original

    def best(self) -> Decision:
        """The way with the most dollars; keeping where none is better."""
        if self.back is None:
            return self._cannot()
        if self.back.net <= ZERO and self.new_cash <= ZERO:
            return self.decision(PairState.KEEP, self._sum(self.back))
        if self.new_cash > self.back.net:
            saved = in_dollars(self.new_cash)
            why = f"{self._sum(self.back)} {self._into()}, which makes up for {saved} of tracking error."
            return self.decision(PairState.NEW_CASH, why)
        if self.situation.is_busy:
            why = f"{self._sum(self.back)} It is proposed when the approved swap-back of this household is filled."
            return self.decision(PairState.KEEP, why)
        return replace(self.decision(PairState.PROPOSED, self._sum(self.back)), back=self.back)

    def _cannot(self) -> Decision:
        home = originals_named(self.pair, self.situation)
        if self.money < self.parked.left and self.money < self.parked.balance:
            why = f"Other proposals spend the cash: what is left buys no whole share of {home}."
            if self.used:
                return self.decision(PairState.NEW_CASH, f"{why} {self._into()}.")
            return self.decision(PairState.KEEP, why)
        why = f"{in_dollars(self.money)} buys no whole share of {home}."
        return self.decision(PairState.KEEP, why)

    def _into(self) -> str:
        return f"New money goes {new_money_named(dict(self.used), self.situation)}"

    def _sum(self, back: Return) -> str:
        home = originals_named(self.pair, self.situation)
        return (
            f"Buying {home} back out of cash avoids {in_dollars(back.avoided)} of tracking error in "
            f"{horizon_named(self.situation)} for {in_dollars(back.cost)} of trading cost: {verdict_named(back.net)}."
        )

    def decision(self, state: PairState, reason: str, *, until: date | None = None) -> Decision:
        return Decision(self.pair, state, reason, self._figures(until))

    def _figures(self, until: date | None) -> dict[str, object]:
        """Numbers as text, for the page and the record."""
        pair, situation = self.pair, self.situation
        figures: dict[str, object] = {
            "parked": as_text(self.parked.left),
            "home": as_text(self.parked.home),
            "sold": dollars_sold(pair.originals, situation),
        }
        if until is not None:
            figures["until"] = until.isoformat()
        if _is_missing(pair, self.parked, situation):
            figures["missed_on"] = situation.book.as_of.isoformat()
        if not self.here:
            return figures
        ways = {Way.KEEP: ZERO}
        figures |= {
            "value": as_text(self.here),
            "staying_a_year": as_text(to_the_cent(a_year(pair, self.here, situation))),
            "tracking": tracking_told(pair, situation),
            "risk_price": as_text(situation.rules.risk_price),
            "horizon_years": as_text(situation.rules.swap_back_horizon_years),
        }
        if self.back is not None:
            ways[Way.BACK] = self.back.net
            amount = sum((one.amount for one in self.back.bought), ZERO)
            days = break_even_days(self.back, a_year(pair, amount, situation))
            figures |= told(self.back, days, situation.book.symbol)
        if self.used:
            ways[Way.NEW_CASH] = self.new_cash
            figures["new_money"] = {
                situation.book.symbol(one): as_text(dollars) for one, dollars in self.used
            }
        figures["ways"] = {way.value: as_text(dollars) for way, dollars in ways.items()}
        return figures


def _sums(pair: StandIn, parked: ParkedMoney, situation: Situation) -> _Sums:
    """Nothing is summed without every price, nor of cash that the books do not know."""
    prices = situation.book.prices
    if parked.balance < ZERO or any(one not in prices for one in pair.originals):
        return _Sums(pair, parked, situation)
    here = min(parked.left, parked.balance)
    money = max(min(here, situation.cash.get(pair.account, here)), ZERO)
    saved, used = made_up_for(pair, here, situation)
    back = _back(pair, money, situation)
    return _Sums(pair, parked, situation, here, money, back, saved, tuple(used.items()))


def _back(pair: StandIn, money: Decimal, situation: Situation) -> Return | None:
    """The originals bought for the money, by the dollars that were sold of each; None where it buys no share."""
    bought, cost = bought_for(money, pair, situation)
    if not bought:
        return None
    amount = sum((one.amount for one in bought), ZERO)
    horizon = situation.rules.swap_back_horizon_years
    return Return(
        sold=(),
        bought=bought,
        cash_left=to_the_cent(money - amount - cost),
        avoided=to_the_cent(a_year(pair, amount, situation) * horizon),
        tax=ZERO,
        later=ZERO,
        cost=to_the_cent(cost),
    )
