"""What a set of sales is worth in dollars, as one sum. Pure Decimal.

    T(year) - T(year with all its allowed losses) - charges of each sale - trading cost of its orders - hurdles

T is ``lots.year_tax``, so one loss changes what the next is worth. Charges are D, O, G, X, Q of a sale with its
destination (``harvesting.economics``). Orders are one per account and security, and one purchase per account and
substitute, of the shares that the money buys (``harvesting.pairs``): a commission is paid once, impact grows with the
whole order, and the dollars that do not go into the substitute are charged X as cash is. The hurdle is what attention
costs: the policy's floor for a pair of one lot, and its floor for every further lot; so in the best set every lot is
worth its floor beside the others, and every pair the pair's.

The money of a position goes into its first substitute that may be bought and of which the account's money for it buys
a share; nothing that is sold today, nor anything identical to it, is anybody's destination. So where it goes depends on
what else is sold, and a set in which some position has no destination does not exist.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal

from harvesting.economics import saved_by, tax_saved
from harvesting.offers import Offer
from harvesting.pairs import buys_a_share, paired
from harvesting.types import CASH, ZERO, HarvestRules, LotKey, Pair, Place, Sale, Terms, Trading
from lots.types import Term
from lots.year_tax import TaxPosition, with_added


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
    """Where the money of a sale goes; ``is_last``: it could buy no other substitute instead."""

    security: int  # CASH = parked
    is_last: bool


PARKED = Destination(CASH, is_last=True)


@dataclass(frozen=True, slots=True)
class Problem:
    """The offers of a household with all that their value follows from.

    ``legal``: security -> what may be bought instead of it if it is sold alone, by rank. ``groups``: security ->
    everything identical to it, itself included. ``charges_of`` must be in proportion to the shares. ``stays_sold``:
    positions of which nothing is ever bought back.
    """

    offers: tuple[Offer, ...]
    tax: TaxPosition
    rules: HarvestRules
    trading: Trading
    legal: Mapping[int, tuple[int, ...]]
    groups: Mapping[int, frozenset[int]]
    charges_of: Callable[[Offer, Destination], Charges]
    smallest_loss: Decimal = ZERO  # that a cut lot must keep
    stays_sold: Collection[Place] = frozenset()
    # Looked up before: what losses save, charges of an offer, what the orders of an account cost.
    known: dict[tuple[Decimal, Decimal], Decimal] = field(default_factory=dict, init=False)
    charged: dict[tuple[LotKey, Decimal, Destination], Charges] = field(
        default_factory=dict, init=False
    )
    spent: dict[object, Decimal | None] = field(default_factory=dict, init=False)

    def chance_of_going_back(self, place: Place) -> Decimal:
        """How likely what is sold of a position is bought back out of its substitute."""
        return ZERO if place in self.stays_sold else self.rules.swap_back_chance

    def charges(self, offer: Offer, to: Destination) -> Charges:
        """``charges_of``, asked once."""
        key = (offer.key, offer.sale.quantity, to)
        if key not in self.charged:
            self.charged[key] = self.charges_of(offer, to)
        return self.charged[key]


def value(chosen: Sequence[Offer], problem: Problem) -> Decimal | None:
    """What the set is worth in dollars; None for one that cannot be sold (a requirement, a destination missing)."""
    if not chosen:
        return ZERO
    if not is_closed(chosen):
        return None
    total = saved_together(chosen, problem)
    sold = sold_with(chosen, problem)
    accounts: dict[int, list[Offer]] = {}
    for one in chosen:
        accounts.setdefault(one.sale.lot.account, []).append(one)
    for offers in accounts.values():
        spent = _spent(offers, sold, problem)
        if spent is None:
            return None
        total -= spent
    return total


def _spent(offers: Sequence[Offer], sold: frozenset[int], problem: Problem) -> Decimal | None:
    """Charges, orders and hurdles of one account's sales; the other accounts matter only for what is ``sold``."""
    ranks = _open_ranks({one.sale.place for one in offers}, sold, problem)
    key = (
        frozenset((one.key, one.sale.quantity) for one in offers),
        frozenset(ranks.items()),
    )
    if key not in problem.spent:
        ways = routes(offers, problem, sold)
        problem.spent[key] = None if ways.stranded else _spent_on(offers, ways.found, problem)
    return problem.spent[key]


def _spent_on(
    offers: Sequence[Offer], found: Mapping[Place, Destination], problem: Problem
) -> Decimal:
    pairs = pairs_of((one.sale for one in offers), found, problem)
    charged = charged_together(offers, found, pairs, problem)
    return (
        sum((charges.total for charges in charged.values()), ZERO)
        + cost_together(pairs, problem)
        + hurdles(offers, found, problem.rules)
    )


def sold_with(chosen: Iterable[Offer], problem: Problem) -> frozenset[int]:
    """What nobody may buy then: the securities sold, and everything identical to them."""
    securities = {one.sale.lot.security for one in chosen}
    return frozenset().union(*(problem.groups[security] for security in securities))


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


@dataclass(frozen=True, slots=True)
class Routes:
    """Where the money of each position goes, and the positions whose money has nowhere to go."""

    found: Mapping[Place, Destination]
    stranded: frozenset[Place] = frozenset()


def routes(chosen: Sequence[Offer], problem: Problem, sold: frozenset[int] | None = None) -> Routes:
    """Each position's first substitute that is not sold itself and of which the money buys a share; else cash.

    Positions of an account with the same destination put their money together; where it does not buy one share, each
    of them looks further down its own ranks. ``sold``: by others as well; None = by these alone.
    """
    if sold is None:
        sold = sold_with(chosen, problem)
    sales: dict[Place, list[Sale]] = {}
    for one in chosen:
        sales.setdefault(one.sale.place, []).append(one.sale)
    ranks = _open_ranks(sales, sold, problem)
    at = dict.fromkeys(sales, 0)
    while poor := _too_poor(sales, ranks, at, problem.trading):
        for place in poor:
            at[place] += 1
    found = {
        place: Destination(
            ranks[place][rank],
            is_last=not _others(place, rank, sales[place], ranks[place], problem),
        )
        for place, rank in at.items()
        if rank < len(ranks[place])
    }
    return Routes(found, frozenset(sales.keys() - found.keys()))


def _open_ranks(
    places: Iterable[Place], sold: frozenset[int], problem: Problem
) -> dict[Place, tuple[int, ...]]:
    parked = (CASH,) if problem.rules.parks_in_cash else ()
    return {
        place: (*(one for one in problem.legal.get(place[1], ()) if one not in sold), *parked)
        for place in places
    }


def _too_poor(
    sales: Mapping[Place, Sequence[Sale]],
    ranks: Mapping[Place, tuple[int, ...]],
    at: Mapping[Place, int],
    trading: Trading,
) -> list[Place]:
    """The positions whose destination the money put together for it does not buy one share of."""
    pools: dict[Place, list[Place]] = {}
    for place, rank in at.items():
        if rank < len(ranks[place]) and ranks[place][rank] != CASH:
            pools.setdefault((place[0], ranks[place][rank]), []).append(place)
    return [
        place
        for target, places in pools.items()
        if not buys_a_share(target, [one for place in places for one in sales[place]], trading)
        for place in places
    ]


def _others(
    place: Place, rank: int, sales: Sequence[Sale], ranks: Sequence[int], problem: Problem
) -> bool:
    """Whether the position's own money could buy another substitute."""
    return any(
        other != CASH and buys_a_share((place[0], other), sales, problem.trading)
        for at, other in enumerate(ranks)
        if at != rank
    )


def pairs_of(
    sales: Iterable[Sale], found: Mapping[Place, Destination], problem: Problem
) -> tuple[Pair, ...]:
    """Both legs of the sales, each position's money going where it was ``found`` to go."""
    return paired(sales, {place: to.security for place, to in found.items()}, problem.trading)


def charged_together(
    offers: Iterable[Offer],
    found: Mapping[Place, Destination],
    pairs: Iterable[Pair],
    problem: Problem,
) -> dict[LotKey, Charges]:
    """Each offer's charges, with X of what does not go into the substitute as of cash."""
    outside = {sale.key: pair.out_of_market for pair in pairs for sale in pair.sales}
    charged = {}
    for one in offers:
        charges = problem.charges(one, found[one.sale.place])
        in_cash = problem.charges(one, PARKED)
        more = (in_cash.tracking - charges.tracking) * outside[one.key]
        charged[one.key] = replace(charges, tracking=charges.tracking + more)
    return charged


def saved_together(chosen: Iterable[Offer], problem: Problem) -> Decimal:
    """S of all allowed losses at once."""
    short, long = allowed_losses(chosen)
    return saved(short, long, problem)


def allowed_losses(chosen: Iterable[Offer]) -> tuple[Decimal, Decimal]:
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


def cost_together(pairs: Iterable[Pair], problem: Problem) -> Decimal:
    """K of all orders: both legs now, and of what may go back both again as likely as the swap back is."""
    chance = problem.rules.swap_back_chance
    total = ZERO
    for pair in pairs:
        again = going_back(pair, problem)
        total += pair.cost if again is None else pair.cost + chance * again.cost
    return total


def going_back(pair: Pair, problem: Problem) -> Pair | None:
    """The pair that those of its sales make which may be bought back, itself if they all may; None = nothing may."""
    if pair.substitute is None:
        return None
    sales = [one for one in pair.sales if one.place not in problem.stays_sold]
    if len(sales) == len(pair.sales):
        return pair
    if not sales:
        return None
    (alone,) = paired(sales, {one.place: pair.substitute for one in sales}, problem.trading)
    return alone


def alone(offer: Offer, problem: Problem, later_rate: Decimal) -> Terms:
    """The sum of one offer by itself, into the substitute that its own money would go to."""
    ways = routes([offer], problem)
    ranked = problem.legal.get(offer.sale.lot.security, ())
    first = Destination(ranked[0], is_last=len(ranked) == 1) if ranked else PARKED
    return terms_of(offer, ways.found.get(offer.sale.place, first), problem, later_rate)


def terms_of(offer: Offer, to: Destination, problem: Problem, later_rate: Decimal) -> Terms:
    """The sum of one offer alone in its orders on the problem's year, exact; ``later_rate``: D of a dollar of loss."""
    found = {offer.sale.place: to}
    pairs = pairs_of([offer.sale], found, problem)
    charges = charged_together([offer], found, pairs, problem)[offer.key]
    gross = saved_by(problem.tax, offer.sale)
    allowed = saved_by(problem.tax, offer.sale, allowed=offer.allowed)
    later_of_washed = offer.deferred * later_rate
    return Terms(
        saved=gross,
        later=charges.later + later_of_washed,
        cost=cost_together(pairs, problem),
        window=charges.window,
        swap_back=charges.swap_back,
        tracking=charges.tracking,
        dividends=charges.dividends,
        wash=gross - allowed - later_of_washed,
    )


def hurdles(
    chosen: Iterable[Offer], found: Mapping[Place, Destination], rules: HarvestRules
) -> Decimal:
    """What the set must be worth before it is worth anybody's attention; companions count for nothing."""
    lots: dict[tuple[int, int], int] = {}
    for one in chosen:
        if not one.is_companion:
            pair = (one.sale.lot.account, found[one.sale.place].security)
            lots[pair] = lots.get(pair, 0) + 1
    return sum((hurdle(count, rules) for count in lots.values()), ZERO)


def hurdle(lots: int, rules: HarvestRules) -> Decimal:
    """Dollars that a pair of so many lots must be worth."""
    return max(rules.minimum_pair_benefit, rules.minimum_benefit) + rules.minimum_benefit * (
        lots - 1
    )


def year_with(chosen: Iterable[Offer], tax: TaxPosition) -> TaxPosition:
    """The year with the allowed losses of the offers in it."""
    short, long = allowed_losses(chosen)
    return with_added(tax, short=-short, long=-long)
