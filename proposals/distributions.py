"""Purchases shortly before a capital-gain distribution: what they bring to this year's tax. Pure Decimal.

A fund that distributes its gains pays them to whoever holds it before the ex-date, and its price falls by as much. Who
buys in a taxable account just before pays tax on gains that he never had; who buys on the ex-date or later does not.
Long-term distributions are long-term gains however long the shares were held (IRC 852(b)(3)(B)), short-term ones are
ordinary income. Both are priced at the household's rate on one more dollar, the short ones at its short-term rate. The
year is that of the ex-date.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Protocol

from lots.rounding import cents
from lots.types import Term
from lots.year_tax import TaxPosition
from proposals.types import Side

DAYS_AHEAD = 30
ZERO = Decimal(0)
_Year = tuple[TaxPosition | None, str]


class Trade(Protocol):
    """A proposed trade; account and security are primary keys, ``side`` a ``Side``."""

    account_id: int
    security_id: int
    side: str
    quantity: Decimal


@dataclass(frozen=True, slots=True)
class Announced:
    """A capital-gain distribution that lies ahead; ``amount`` is dollars a share."""

    security: int
    ex_date: date
    term: Term
    amount: Decimal
    source: str = ""


@dataclass(frozen=True, slots=True)
class BoughtBefore:
    """Shares bought before a distribution that they will receive; dollars.

    ``rate`` and ``tax`` are None where ``untaxed`` says what is missing.
    """

    account: int
    announced: Announced
    shares: Decimal
    received: Decimal
    rate: Decimal | None
    tax: Decimal | None
    untaxed: str


def is_ahead(ex_date: date, today: date) -> bool:
    """Whether a purchase on ``today`` still receives it, and it goes ex in the next 30 days."""
    return today < ex_date <= today + timedelta(days=DAYS_AHEAD)


def bought_before(
    trades: Iterable[Trade],
    announced: Iterable[Announced],
    *,
    today: date,
    taxable: Collection[int],
    years: Mapping[int, _Year],
) -> tuple[BoughtBefore, ...]:
    """Every distribution that purchases of today in the ``taxable`` accounts would receive, by ex-date.

    Shares count net of what the same account sells of the security: those received the distribution anyway. ``years``
    are the tax positions, or the reasons why there is none, of the years in which something goes ex.
    """
    net: dict[tuple[int, int], Decimal] = {}
    for trade in trades:
        if trade.account_id in taxable:
            sign = 1 if trade.side == Side.BUY else -1
            key = (trade.account_id, trade.security_id)
            net[key] = net.get(key, ZERO) + sign * trade.quantity
    ahead = [one for one in announced if is_ahead(one.ex_date, today)]
    found = [
        _bought(account, shares, one, years[one.ex_date.year])
        for (account, security), shares in net.items()
        if shares > ZERO
        for one in ahead
        if one.security == security
    ]
    return tuple(
        sorted(
            found,
            key=lambda one: (
                one.announced.ex_date,
                one.announced.security,
                one.account,
                one.announced.term,
            ),
        )
    )


def _bought(account: int, shares: Decimal, one: Announced, year: _Year) -> BoughtBefore:
    received = cents(Fraction(shares) * Fraction(one.amount))
    position, why = year
    if position is None:
        return BoughtBefore(account, one, shares, received, None, None, why)
    rate = position.long_rate if one.term is Term.LONG else position.short_rate
    tax = cents(Fraction(received) * Fraction(rate))
    return BoughtBefore(account, one, shares, received, rate, tax, "")
