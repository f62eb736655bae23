"""What a set of sales is worth in dollars, as one sum. Pure Decimal.

    T(year) - T(year with all its allowed losses) - charges of each sale - trading cost of its orders - hurdles

T is ``lots.year_tax``, so one loss changes what the next is worth. Charges are D, O, G, X, Q of a sale with its
destination (``harvesting.economics``). Orders are one per account and security, and one purchase per account and
substitute: a commission is paid once, impact grows with the whole order. The hurdle is what attention costs: the
policy's floor for a pair of one lot, and its floor for every further lot; so in the best set every lot is worth its
floor beside the others, and every pair the pair's.

The money of a security goes into its first substitute that may be bought; nothing that is sold today, nor anything
identical to it, is anybody's destination. So where it goes depends on what else is sold, and a set in which some
security has no destination does not exist.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal

from harvesting.economics import tax_saved
from harvesting.offers import Offer
from harvesting.types import ZERO, HarvestRules, LotKey
from lots.types import Term
from lots.year_tax import TaxPosition
from proposals.costs import TradingCosts

CASH = 0  # destination of money that is parked


@dataclass(frozen=True, slots=True)
class Charges:
    """Everything of a sale's sum that follows from its destination and from nothing else that is sold; dollars."""

    later: Decimal = ZERO
    window: Decimal = ZERO
    swap_back: Decimal = ZERO
    tracking: Decimal = ZERO
    dividends: Decimal = ZERO

    @property
    def total(self) -> Decimal:
        return self.later + self.window + self.swap_back + self.tracking + self.dividends


@dataclass(frozen=True, slots=True)
class Destination:
    """Where the money of a sale goes; ``is_last``: no other substitute could be bought instead."""

    security: int  # CASH = parked
    is_last: bool


@dataclass(frozen=True, slots=True)
class Problem:
    """The offers of a household with all that their value follows from.

    ``legal``: security -> what may be bought instead of it if it is sold alone, by rank. ``groups``: security ->
    everything identical to it, itself included. ``charges_of`` must be in proportion to the shares.
    """

    offers: tuple[Offer, ...]
    tax: TaxPosition
    rules: HarvestRules
    costs: TradingCosts
    prices: Mapping[int, Decimal]
    legal: Mapping[int, tuple[int, ...]]
    groups: Mapping[int, frozenset[int]]
    charges_of: Callable[[Offer, Destination], Charges]
    smallest_loss: Decimal = ZERO  # that a cut lot must keep
    fractional: frozenset[int] = frozenset()  # accounts that trade fractions
    known: dict[tuple[Decimal, Decimal], Decimal] = field(default_factory=dict)  # looked up before


def value(chosen: Sequence[Offer], problem: Problem) -> Decimal | None:
    """What the set is worth in dollars; None for one that cannot be sold (a requirement, a destination missing)."""
    if not chosen:
        return ZERO
    if not is_closed(chosen):
        return None
    found = destinations(chosen, problem)
    if found is None:
        return None
    charges = sum(
        (problem.charges_of(one, found[one.sale.lot.security]).total for one in chosen), ZERO
    )
    return (
        saved_together(chosen, problem)
        - charges
        - cost_together(chosen, found, problem)
        - hurdles(chosen, found, problem.rules)
    )


def is_closed(chosen: Sequence[Offer]) -> bool:
    """Whether everything required is there, and no companion goes that nobody needs."""
    keys = {one.key for one in chosen}
    if any(not one.requires <= keys for one in chosen):
        return False
    wanted = wanted_companions(chosen)
    return all(one.key in wanted for one in chosen if one.is_companion)


def wanted_companions(chosen: Sequence[Offer]) -> set[LotKey]:
    """Companions that a sale made for its own sake needs, itself or through others."""
    by_key = {one.key: one for one in chosen}
    wanted: set[LotKey] = set()
    waiting = [key for one in chosen if not one.is_companion for key in one.requires]
    while waiting:
        key = waiting.pop()
        if key not in wanted and key in by_key:
            wanted.add(key)
            waiting.extend(by_key[key].requires)
    return wanted


def destinations(chosen: Sequence[Offer], problem: Problem) -> dict[int, Destination] | None:
    """Security sold -> where its money goes; None where one has nowhere to go."""
    securities = {one.sale.lot.security for one in chosen}
    sold = frozenset().union(*(problem.groups[security] for security in securities))
    found = {}
    for security in securities:
        open_ranks = [one for one in problem.legal.get(security, ()) if one not in sold]
        if open_ranks:
            found[security] = Destination(open_ranks[0], is_last=len(open_ranks) == 1)
        elif problem.rules.parks_in_cash:
            found[security] = Destination(CASH, is_last=True)
        else:
            return None
    return found


def saved_together(chosen: Iterable[Offer], problem: Problem) -> Decimal:
    """S of all allowed losses at once."""
    short, long = _allowed(chosen)
    return saved(short, long, problem)


def _allowed(chosen: Iterable[Offer]) -> tuple[Decimal, Decimal]:
    """The allowed losses, short and long."""
    short = long = ZERO
    for one in chosen:
        if one.sale.term is Term.SHORT:
            short += one.allowed
        else:
            long += one.allowed
    return short, long


def saved(short: Decimal, long: Decimal, problem: Problem) -> Decimal:
    known = problem.known.get((short, long))
    if known is None:
        known = tax_saved(problem.tax, short_loss=short, long_loss=long)
        problem.known[short, long] = known
    return known


def cost_together(
    chosen: Iterable[Offer], found: Mapping[int, Destination], problem: Problem
) -> Decimal:
    """K of all orders: both legs now, and both again as likely as the swap back is."""
    back = 1 + problem.rules.swap_back_chance
    sells: dict[tuple[int, int], tuple[Decimal, Decimal]] = {}
    buys: dict[tuple[int, int], Decimal] = {}
    total = ZERO
    for one in chosen:
        sale = one.sale
        place = (sale.lot.account, sale.lot.security)
        shares, amount = sells.get(place, (ZERO, ZERO))
        sells[place] = (shares + sale.quantity, amount + sale.amount)
    for (account, security), (shares, amount) in sells.items():
        destination = found[security].security
        cost = problem.costs.of(account=account, security=security, shares=shares, amount=amount)
        total += cost.total * (1 if destination == CASH else back)
        if destination != CASH:
            buys[account, destination] = buys.get((account, destination), ZERO) + amount
    for (account, security), amount in buys.items():
        shares = amount / problem.prices[security]
        cost = problem.costs.of(account=account, security=security, shares=shares, amount=amount)
        total += cost.total * back
    return total


def hurdles(
    chosen: Iterable[Offer], found: Mapping[int, Destination], rules: HarvestRules
) -> Decimal:
    """What the set must be worth before it is worth anybody's attention; companions count for nothing."""
    lots: dict[tuple[int, int], int] = {}
    for one in chosen:
        if not one.is_companion:
            pair = (one.sale.lot.account, found[one.sale.lot.security].security)
            lots[pair] = lots.get(pair, 0) + 1
    return sum((hurdle(count, rules) for count in lots.values()), ZERO)


def hurdle(lots: int, rules: HarvestRules) -> Decimal:
    """Dollars that a pair of so many lots must be worth."""
    return max(rules.minimum_pair_benefit, rules.minimum_benefit) + rules.minimum_benefit * (
        lots - 1
    )


def year_with(chosen: Iterable[Offer], tax: TaxPosition) -> TaxPosition:
    """The year with the allowed losses of the offers in it."""
    short, long = _allowed(chosen)
    return moved(tax, short=short, long=long)


def moved(tax: TaxPosition, *, short: Decimal, long: Decimal) -> TaxPosition:
    """The year with so many dollars of loss in it."""
    return replace(tax, short=tax.short - short, long=tax.long - long)
