"""Wash sales that trades would make, in words; and the one a named person may accept (F28, I9).

A strategic wash sale is a deferral of the trades' own sales in taxable accounts. Nobody can accept more: no dollar that
is gone for ever (R16), no loss of a sale that is not among the trades.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction

from lots.errors import LedgerError
from lots.rounding import plain
from proposals.compliance import Facts, Trade, entries_of, washed_by
from proposals.types import (
    NEARLY_A_LOSS,
    AcceptedWash,
    DraftTrade,
    NewWash,
    Problem,
    Side,
)

ZERO = Decimal(0)
NOTHING_ACCEPTED = AcceptedWash()
Place = tuple[int, int]  # account and security of a sale


@dataclass(frozen=True, slots=True)
class _Washes:
    """What the tax engine says of trades: losses of their own sales, and losses of anybody else's."""

    own: tuple[NewWash, ...]
    others: tuple[NewWash, ...]

    @property
    def deferring(self) -> frozenset[Place]:
        """The own sales that lose nothing for ever."""
        return frozenset((wash.account, wash.security) for wash in self.own if not _takes(wash))

    @property
    def deferred(self) -> Decimal:
        """Dollars of the own sales."""
        return sum((wash.amount for wash in self.own), ZERO)

    def refused(self, accepted: frozenset[Place]) -> tuple[NewWash, ...]:
        """All but deferrals of the accepted sales."""
        lost = [
            wash
            for wash in self.own
            if _takes(wash) or (wash.account, wash.security) not in accepted
        ]
        return (*self.others, *lost)


def deferred_by(trades: Sequence[Trade], facts: Facts) -> tuple[NewWash, ...]:
    """Losses of the trades' own sales that they would defer, or lose for ever, at their prices.

    Raises a LedgerError where the trades cannot be made at all.
    """
    return _washes(trades, facts).own


def wash_problems(
    trades: Sequence[Trade], facts: Facts, *, accepted: AcceptedWash = NOTHING_ACCEPTED
) -> list[Problem]:
    """What the tax engine says against the trades, made on ``facts.as_of`` at their prices.

    Where it says nothing, it is asked again as if the sales at nearly a loss were filled that much lower. ``accepted``
    lets own sales defer a loss: as much as was shown at its prices, and what a fill 2 % lower adds.
    """
    try:
        return list(_problems(trades, facts, accepted))
    except LedgerError as error:
        return [Problem("ledger", f"The ledger cannot follow these trades: {error}")]


def deferral_problems(
    trades: Sequence[DraftTrade], facts: Facts, *, stated: Decimal
) -> list[Problem]:
    """What speaks against trades that say how much loss they defer: their sum must be the engine's, to the cent."""
    problems = wash_problems(trades, facts, accepted=accepted_at(trades, stated))
    if problems and problems[0].code != "wash_not_accepted":
        return problems
    deferred = sum((wash.amount for wash in deferred_by(trades, facts)), ZERO)
    if deferred == stated:
        return problems
    return [
        Problem(
            "wash_deferred",
            f"The proposal says that ${stated} of loss is deferred, the engine says ${deferred}.",
        )
    ]


def accepted_at(trades: Sequence[DraftTrade], amount: Decimal) -> AcceptedWash:
    """The sum, counted at the prices of the trades that were shown."""
    return AcceptedWash(amount, {trade.security: trade.price for trade in trades})


def _problems(trades: Sequence[Trade], facts: Facts, accepted: AcceptedWash) -> Iterator[Problem]:
    shown_trades = [_at_shown_price(trade, accepted) for trade in trades]
    shown = _washes(shown_trades, facts)
    deferring = shown.deferring if accepted.amount else frozenset()
    yield from _refused(shown, deferring, facts)
    if shown.refused(deferring):
        return
    if shown.deferred > accepted.amount:
        yield _not_accepted(shown.deferred, accepted)
        return
    if shown_trades != list(trades):
        washes = _washes(trades, facts)
        yield from _refused(washes, deferring, facts)
        if washes.refused(deferring):
            return
        if washes.deferred > accepted.amount + _lower_fill(washes, accepted):
            yield _not_accepted(washes.deferred, accepted)
            return
    if any(_is_nearly_a_loss(trade, facts) for trade in trades):
        prefix = f"With a fill {plain(Fraction(100 * NEARLY_A_LOSS))} % lower, "
        for problem in _refused(_washes(_filled_lower(trades, facts), facts), deferring, facts):
            yield Problem("nearly_a_wash_sale", prefix + problem.text)


def _refused(washes: _Washes, accepted: frozenset[Place], facts: Facts) -> Iterator[Problem]:
    for wash in washes.refused(accepted):
        yield Problem("wash_sale", wash_sentence(wash, facts))


def _washes(trades: Sequence[Trade], facts: Facts) -> _Washes:
    intended = entries_of(trades, facts.as_of)
    mine = {entry.id for entry in intended}
    found = washed_by(facts.ledger, intended)
    return _Washes(
        own=tuple(wash for wash in found if wash.sale in mine),
        others=tuple(wash for wash in found if wash.sale not in mine),
    )


def _takes(wash: NewWash) -> bool:
    """Whether any of the loss is gone for ever, be it less than a cent."""
    return bool(wash.permanent) or any(one.is_permanent for one in wash.into)


def _at_shown_price(trade: Trade, accepted: AcceptedWash) -> Trade:
    return replace(trade, price=accepted.prices.get(trade.security, trade.price))


def _lower_fill(washes: _Washes, accepted: AcceptedWash) -> Decimal:
    """Dollars that the same shares would defer more at prices as much lower as a fill may be."""
    dollars = [
        one.shares * accepted.prices.get(wash.security, ZERO)
        for wash in washes.own
        for one in wash.into
    ]
    return sum(dollars, ZERO) * NEARLY_A_LOSS


def _not_accepted(deferred: Decimal, accepted: AcceptedWash) -> Problem:
    return Problem(
        "wash_not_accepted",
        f"${deferred} of the loss would be deferred, ${accepted.amount:.2f} was accepted.",
    )


def _filled_lower(trades: Sequence[Trade], facts: Facts) -> list[Trade]:
    """The whole order is filled lower: a lot's part alone would hardly move the order's one price."""
    nearly = {
        (trade.account, trade.security) for trade in trades if _is_nearly_a_loss(trade, facts)
    }
    return [
        replace(trade, price=trade.price * (1 - NEARLY_A_LOSS))
        if trade.side is Side.SELL and (trade.account, trade.security) in nearly
        else trade
        for trade in trades
    ]


def _is_nearly_a_loss(trade: Trade, facts: Facts) -> bool:
    """A gain today that may be filled as a loss; an intention does not say which of the two it is."""
    is_loss = isinstance(trade, DraftTrade) and trade.gain < 0
    return facts.sells_at_loss(trade) and not is_loss


def wash_sentence(wash: NewWash, facts: Facts) -> str:
    """One wash sale in words, with what is lost for ever."""
    text = (
        f"${wash.amount} of the loss on {facts.symbol(wash.security)} sold on {wash.trade_date} in "
        f"{facts.account(wash.account)} would be disallowed"
    )
    return f"{text}, ${wash.permanent} of it for ever." if wash.permanent else f"{text}."
