"""The set that is taken is the best of its own sum: brute force over subsets, written apart, agrees."""

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from itertools import chain, combinations, product

import pytest

from accounts.types import FilingStatus
from harvesting import bounds, choice, valuation
from harvesting.offers import Offer
from harvesting.sales import resized
from harvesting.types import CASH, HarvestRules, Sale, Trading
from harvesting.valuation import Charges, Destination, Problem
from lots.netting import YearInputs
from lots.types import Term
from lots.year_tax import TaxPosition, added_tax, position_at
from proposals.costs import Commission, TradingCosts
from tests.harvesting.books import AAA, BBB, CCC, DDD, EEE, SPOUSE, TAXABLE, lot, position

ZERO = Decimal(0)
SECURITIES = (AAA, BBB, EEE)
PRICE = Decimal(50)
RATE = Decimal("0.146")  # later tax of a dollar of loss
FLOOR, PAIR_FLOOR = Decimal(50), Decimal(100)
DIVIDED = Decimal("1e-18")  # what divisions of 28 digits may leave behind


def offer(
    opening: int,
    loss: str,
    *,
    security: int = AAA,
    account: int = TAXABLE,
    term: Term = Term.LONG,
    amount: str = "8000",
    requires: Sequence[int] = (),
    companion: bool = False,
) -> Offer:
    """A whole lot with that loss; lots of the other ``requires`` openings go along."""
    dollars = Decimal(amount)
    held = lot(opening, security, "100", str(dollars + Decimal(loss)), account=account)
    return Offer(
        Sale(held, Decimal(100), dollars / 100, dollars, dollars + Decimal(loss), term),
        frozenset((other, 0) for other in requires),
        is_companion=companion,
    )


def charges(one: Offer, to: Destination) -> Charges:
    """Later tax in proportion to the loss, tracking by destination, and a window term for a last destination."""
    rate = Decimal("0.0033") if to.security == CASH else Decimal("0.0007") * (to.security % 3)
    tracking = one.sale.amount * rate
    window = one.sale.amount * Decimal("0.001") if to.is_last else ZERO
    return Charges(later=one.allowed * RATE, tracking=tracking, window=window)


def problem(
    offers: Sequence[Offer],
    tax: TaxPosition,
    *,
    legal: Mapping[int, tuple[int, ...]] | None = None,
    costs: TradingCosts | None = None,
    prices: Mapping[int, Decimal] | None = None,
    parks: bool = False,
) -> Problem:
    return Problem(
        offers=tuple(offers),
        tax=tax,
        rules=HarvestRules(
            minimum_benefit=FLOOR, minimum_pair_benefit=PAIR_FLOOR, parks_in_cash=parks
        ),
        trading=Trading(
            prices=dict.fromkeys((*SECURITIES, CCC, DDD), PRICE) | dict(prices or {}),
            costs=costs
            or TradingCosts(half_spreads=dict.fromkeys((*SECURITIES, CCC, DDD), Decimal("0.0005"))),
        ),
        legal=legal or dict.fromkeys(SECURITIES, (CCC, DDD)),
        groups={security: frozenset({security}) for security in SECURITIES},
        charges_of=charges,
    )


# The same sum, written apart: no function of harvesting.choice is used below.


def subsets(offers: Sequence[Offer]) -> Iterator[tuple[Offer, ...]]:
    return chain.from_iterable(combinations(offers, size) for size in range(len(offers) + 1))


def worth(taken: Sequence[Offer], given: Problem) -> Decimal | None:
    """T before less T after, less charges, both legs of every order, half a swap back, and the floors.

    What is not invested in the substitute is charged the tracking of cash.
    """
    keys = {one.key for one in taken}
    own = [one for one in taken if not one.is_companion]
    if any(not one.requires <= keys for one in taken):
        return None
    if any(
        not any(one.key in other.requires for other in own) for one in taken if one.is_companion
    ):
        return None
    bought = destinations(taken, given)
    if bought is None:
        return None
    loss = {
        term: sum((one.sale.loss for one in taken if one.sale.term is term), ZERO) for term in Term
    }
    total = -added_tax(given.tax, short=-loss[Term.SHORT], long=-loss[Term.LONG])
    pools: dict[tuple[int, int], list[Offer]] = {}
    for one in taken:
        account = one.sale.lot.account
        pools.setdefault((account, bought[account, one.sale.lot.security]), []).append(one)
    for (account, substitute), pool in pools.items():
        paid, dollars = paid_for(account, substitute, pool, given)
        total -= paid
        again = [one for one in pool if one.sale.place not in given.stays_sold]
        if again and substitute != CASH:
            total -= paid_for(account, substitute, again, given)[0] / 2
        proceeds = sum(one.sale.amount for one in pool)
        for one in pool:
            to = Destination(substitute, is_last=is_last(one, taken, substitute, given))
            there, in_cash = charges(one, to), charges(one, Destination(CASH, is_last=True))
            total -= there.later + there.window
            total -= there.tracking * dollars / proceeds
            total -= in_cash.tracking * (1 - dollars / proceeds)
        own_lots = sum(not one.is_companion for one in pool)
        if own_lots:
            total -= PAIR_FLOOR + FLOOR * (own_lots - 1)
    return total


def paid_for(
    account: int, substitute: int, pool: Sequence[Offer], given: Problem
) -> tuple[Decimal, Decimal]:
    """What both legs cost, and the dollars that are bought."""
    selling, dollars, shares = both_legs(account, substitute, pool, given)
    buying = given.trading.costs.of(
        account=account, security=substitute, shares=shares, amount=dollars
    ).total
    return selling + buying, dollars


def destinations(taken: Sequence[Offer], given: Problem) -> dict[tuple[int, int], int] | None:
    """(account, security) -> substitute: all start with their first rank; a pool that buys no share moves on."""
    ranks = {}
    for one in taken:
        ranks[one.sale.lot.account, one.sale.lot.security] = open_ranks(one, taken, given)
    while all(ranks.values()):
        for account, substitute in {(place[0], open_[0]) for place, open_ in ranks.items()}:
            members = [
                place
                for place, open_ in ranks.items()
                if (place[0], open_[0]) == (account, substitute)
            ]
            pool = [
                one for one in taken if (one.sale.lot.account, one.sale.lot.security) in members
            ]
            if substitute != CASH and not both_legs(account, substitute, pool, given)[2]:
                for place in members:
                    ranks[place] = ranks[place][1:]
                break
        else:
            return {place: open_[0] for place, open_ in ranks.items()}
    return None


def open_ranks(one: Offer, taken: Sequence[Offer], given: Problem) -> list[int]:
    sold = {other.sale.lot.security for other in taken}
    found = [rank for rank in given.legal[one.sale.lot.security] if rank not in sold]
    return [*found, CASH] if given.rules.parks_in_cash else found


def is_last(one: Offer, taken: Sequence[Offer], substitute: int, given: Problem) -> bool:
    """Whether the money of the position alone buys a share of nothing else."""
    account, security = one.sale.lot.account, one.sale.lot.security
    pool = [
        other
        for other in taken
        if (other.sale.lot.account, other.sale.lot.security) == (account, security)
    ]
    return not any(
        both_legs(account, rank, pool, given)[2]
        for rank in open_ranks(one, taken, given)
        if rank not in (substitute, CASH)
    )


def both_legs(
    account: int, substitute: int, pool: Sequence[Offer], given: Problem
) -> tuple[Decimal, Decimal, Decimal]:
    """What the sales cost; dollars and shares that the rest buys, counted down share by share."""
    costs = given.trading.costs
    selling = ZERO
    for security in {one.sale.lot.security for one in pool}:
        order = [one.sale for one in pool if one.sale.lot.security == security]
        shares = sum((sale.quantity for sale in order), ZERO)
        amount = sum((sale.amount for sale in order), ZERO)
        selling += costs.of(account=account, security=security, shares=shares, amount=amount).total
    if substitute == CASH:
        return selling, ZERO, ZERO
    money = sum((one.sale.amount for one in pool), ZERO) - selling
    price = given.trading.prices[substitute]
    shares = money // price
    while shares > 0:
        amount = shares * price
        paid = costs.of(account=account, security=substitute, shares=shares, amount=amount).total
        if amount + paid <= money:
            return selling, amount, shares
        shares -= 1
    return selling, ZERO, ZERO


def same(one: Decimal | None, other: Decimal) -> bool:
    return one is not None and abs(one - other) < DIVIDED


def best_by_brute_force(given: Problem) -> Decimal:
    return max(
        found for taken in subsets(given.offers) if (found := worth(taken, given)) is not None
    )


def random_offers(chance: random.Random, count: int) -> list[Offer]:
    """Some large, some borderline, some with a recent lot that must go along."""
    offers = []
    for opening in range(1, count + 1):
        offers.append(
            offer(
                opening,
                str(chance.choice([250, 400, 900, 2500, 7000]) + chance.randint(0, 200)),
                security=chance.choice(SECURITIES),
                account=chance.choice([TAXABLE, TAXABLE, SPOUSE]),
                term=chance.choice(list(Term)),
                amount=str(chance.choice([2000, 8000, 30000])),
            )
        )
    if chance.random() < 0.5:
        first = offers[0]
        along = offer(
            90,
            str(chance.choice([-900, -60, 40])),
            security=first.sale.lot.security,
            account=first.sale.lot.account,
            term=Term.SHORT,
            amount="1500",
            companion=True,
        )
        offers[0] = replace(first, requires=frozenset({along.key}))
        offers.append(along)
    return offers


def flat_year(chance: random.Random) -> TaxPosition:
    """Short, long, both, none, or losses already."""
    return position(
        short=str(chance.choice([-4000, 0, 0, 1500, 6000])),
        long=str(chance.choice([-2000, 0, 1000, 5000, 100000])),
        carried=chance.choice(["0", "0.12", "0.2"]),
    )


def bracket_year(chance: random.Random) -> TaxPosition:
    return position_at(
        YearInputs(
            year=2025,
            filing_status=FilingStatus.MARRIED_JOINTLY,
            ordinary_taxable_income=Decimal(chance.choice([20000, 92000, 250000, 600000])),
            st_gain_loss=Decimal(chance.choice([0, 3000, 9000])),
            lt_gain_loss=Decimal(chance.choice([-3000, 0, 12000])),
            magi=Decimal(300000),
            nii=Decimal(20000),
            state_rate=Decimal("0.05"),
        ),
        carried_loss_value=Decimal("0.12"),
    )


@pytest.mark.parametrize("block", range(4))
def test_the_set_that_is_taken_is_the_best_of_all_subsets(block):
    """Whole lots, years without brackets: the search proves it, and brute force over every subset agrees."""
    taken = 0
    for seed in range(block * 15, block * 15 + 15):
        chance = random.Random(seed)
        given = problem(random_offers(chance, chance.randint(1, 7)), flat_year(chance))
        found = choice.best(given, partial=False)
        assert same(found.value, best_by_brute_force(given)), f"seed {seed}"
        assert same(worth(found.offers, given), found.value), f"seed {seed}"
        assert found.gap < DIVIDED, f"seed {seed}"
        taken += len(found.offers)
    assert taken > 15


def test_a_sale_that_costs_more_than_it_brings_takes_from_the_pool_in_the_bound():
    """2,000 buys a share of CCC at 1,830, but not beside a sale of 5 that costs 60: then DDD, which is better."""
    lots = [offer(1, "3000", amount="2000"), offer(2, "3000", security=BBB, amount="5")]
    costs = TradingCosts(commissions={TAXABLE: Commission(minimum=Decimal(60))})
    dear = problem(
        lots, position(short="50000", long="50000"), costs=costs, prices={CCC: Decimal(1830)}
    )
    rates = {CCC: Decimal("0.2"), DDD: Decimal("0.001"), CASH: Decimal("0.3")}
    given = replace(
        dear,
        charges_of=lambda one, to: Charges(tracking=one.sale.amount * rates[to.security]),
        rules=replace(dear.rules, minimum_benefit=ZERO, minimum_pair_benefit=ZERO),
    )
    found = choice.best(given, partial=False)
    alone = valuation.value(lots[:1], given)
    assert len(found.offers) == 2
    assert alone is not None
    assert found.value > alone
    assert bounds.bound_of_parts(given) >= found.value


def test_it_is_the_best_through_the_brackets_too():
    for seed in range(12):
        chance = random.Random(1000 + seed)
        given = problem(random_offers(chance, chance.randint(2, 5)), bracket_year(chance))
        found = choice.best(given, partial=False)
        assert same(found.value, best_by_brute_force(given)), f"seed {seed}"
        assert found.gap < DIVIDED, f"seed {seed}"


def test_it_is_the_best_where_each_is_anothers_destination():
    """AAA goes into BBB or EEE, BBB into AAA or EEE, EEE into AAA or BBB: not all three can be sold."""
    circle = {AAA: (BBB, EEE), BBB: (AAA, EEE), EEE: (AAA, BBB)}
    stuck = 0
    for seed in range(30):
        chance = random.Random(2000 + seed)
        given = problem(random_offers(chance, 6), flat_year(chance), legal=circle)
        found = choice.best(given, partial=False)
        assert same(found.value, best_by_brute_force(given)), f"seed {seed}"
        sold = {one.sale.lot.security for one in given.offers}
        stuck += len(sold) == 3
        assert len({one.sale.lot.security for one in found.offers}) < 3
    assert stuck > 10


def test_it_is_the_best_where_some_of_it_is_never_bought_back():
    """What goes back pays tickets, minimums and impact again; BBB does not in one of the accounts."""
    mixed = 0
    for seed in range(40):
        chance = random.Random(7000 + seed)
        costs = TradingCosts(
            half_spreads=dict.fromkeys((*SECURITIES, CCC, DDD), Decimal("0.001")),
            commissions={TAXABLE: Commission(per_order=Decimal(9), minimum=Decimal(12))},
            volatilities=dict.fromkeys((*SECURITIES, CCC), Decimal("0.3")),
            daily_volumes=dict.fromkeys((*SECURITIES, CCC), Decimal(9000)),
        )
        plain = problem(random_offers(chance, chance.randint(2, 6)), flat_year(chance), costs=costs)
        given = replace(plain, stays_sold=frozenset({(TAXABLE, BBB)}))
        found = choice.best(given, partial=False)
        assert same(found.value, best_by_brute_force(given)), f"seed {seed}"
        assert same(worth(found.offers, given), found.value), f"seed {seed}"
        assert found.gap < DIVIDED, f"seed {seed}"
        assert bounds.bound_of_parts(given) >= found.value, f"seed {seed}"
        assert found.value >= choice.best(plain, partial=False).value, f"seed {seed}"
        stays = {one.sale.place in given.stays_sold for one in found.offers}
        mixed += len(stays) == 2
    assert mixed > 5


def test_it_is_the_best_where_a_share_of_the_substitute_costs_more_than_some_lots_bring():
    """A lot of 2,000 buys no share of CCC at 3,000: alone it goes into DDD or cash, with others into CCC."""
    seconds = parked = 0
    for seed in range(80):
        chance = random.Random(6000 + seed)
        given = problem(
            random_offers(chance, chance.randint(2, 6)),
            flat_year(chance),
            prices={CCC: Decimal(3000), DDD: Decimal(chance.choice([900, 2500]))},
            parks=chance.random() < 0.4,
        )
        found = choice.best(given, partial=False)
        assert same(found.value, best_by_brute_force(given)), f"seed {seed}"
        assert same(worth(found.offers, given), found.value), f"seed {seed}"
        assert found.gap < DIVIDED, f"seed {seed}"
        bought = {to.security for to in found.destinations.values()}
        seconds += DDD in bought
        parked += CASH in bought
    assert seconds > 3
    assert parked > 2


def test_a_commission_is_paid_once_an_order():
    """Four lots of 400 save 95.20 less 58.40 of later tax each: alone none pays a ticket of 5, together they do."""
    costs = TradingCosts(commissions={TAXABLE: Commission(per_order=Decimal(5))})
    lots = [offer(number, "900", amount="4000") for number in range(1, 5)]
    given = problem(lots, position(), costs=costs)
    found = choice.best(given, partial=False)
    assert same(found.value, best_by_brute_force(given))
    pairs = valuation.pairs_of((one.sale for one in found.offers), found.destinations, given)
    charged = valuation.cost_together(pairs, given)
    assert charged == Decimal("15.0")  # one sale, one purchase, and half of both again


def test_parts_of_lots_are_never_worse_than_whole_lots_and_end_where_the_rate_changes():
    better = 0
    for seed in range(40):
        chance = random.Random(3000 + seed)
        given = problem(random_offers(chance, chance.randint(1, 6)), flat_year(chance))
        whole = choice.best(given, partial=False)
        found = choice.best(given)
        assert found.value >= whole.value - DIVIDED, f"seed {seed}"
        assert same(worth(found.offers, given), found.value)
        better += found.value > whole.value + DIVIDED
        cut = [one for one in found.offers if one.sale.quantity != 100]
        assert all(one.sale.quantity == one.sale.quantity.to_integral_value() for one in cut)
    assert better > 5


@pytest.mark.parametrize("first", [7, 22])
def test_with_parts_of_lots_it_is_the_best_of_all_numbers_of_shares(first):
    """Three lots of twelve shares, flat years and brackets: brute force over every number of shares of each agrees."""
    cut = 0
    for seed in range(first, first + 7):
        chance = random.Random(9000 + seed)
        lots = [twelve_shares(chance, number) for number in (1, 2, 3)]
        year = bracket_year(chance) if chance.random() < 0.3 else flat_year(chance)
        given = problem(lots, year)
        found = choice.best(given)
        most = max(
            value
            for counts in product(range(13), repeat=3)
            if (value := worth(shares_of(lots, counts), given)) is not None
        )
        assert same(most, found.value), f"seed {seed}"
        cut += any(one.sale.quantity < 12 for one in found.offers)
    assert cut > 1


def twelve_shares(chance: random.Random, number: int) -> Offer:
    one = offer(
        number,
        str(chance.choice([600, 1500, 3000, 6000]) + chance.randint(0, 300)),
        security=chance.choice(SECURITIES),
        account=chance.choice([TAXABLE, SPOUSE]),
        term=chance.choice(list(Term)),
        amount=str(chance.choice([2400, 6000, 12000])),
    )
    held = replace(one.sale.lot, quantity=Decimal(12))
    price = one.sale.amount / 12
    return replace(one, sale=replace(one.sale, lot=held, quantity=Decimal(12), price=price))


def shares_of(lots: Sequence[Offer], counts: Sequence[int]) -> list[Offer]:
    return [
        replace(one, sale=resized(one.sale, Decimal(count))) if count < 12 else one
        for one, count in zip(lots, counts, strict=True)
        if count
    ]


def test_the_gap_bounds_what_any_number_of_shares_could_add():
    """Brute force over shares of one or two lots in steps of five: nothing beats the plan by more than its gap."""
    for seed in range(12):
        chance = random.Random(4000 + seed)
        lots = [
            offer(number, str(chance.choice([3000, 9000, 20000])), term=chance.choice(list(Term)))
            for number in (1, 2)
        ]
        given = problem(lots, flat_year(chance))
        found = choice.best(given)
        most = max(
            value
            for first in range(0, 101, 5)
            for second in range(0, 101, 5)
            if (value := worth(cut_to(lots, first, second), given)) is not None
        )
        assert most <= found.value + found.gap + DIVIDED, f"seed {seed}"


def test_a_lot_is_cut_where_impact_outgrows_what_it_saves():
    """Impact grows with the power 3/2: brute force over shares finds little above the plan, nothing beyond the gap."""
    cut = 0
    for seed in range(32):
        chance = random.Random(7000 + seed)
        one = offer(1, str(chance.choice([2000, 4000, 6000])), term=chance.choice(list(Term)))
        volumes = dict.fromkeys((*SECURITIES, CCC, DDD), Decimal(chance.choice([10, 20, 60])))
        costs = TradingCosts(
            volatilities=dict.fromkeys(volumes, Decimal("0.3")), daily_volumes=volumes
        )
        given = problem([one], position(short="60000", long="60000"), costs=costs)
        found = choice.best(given)
        most = max(
            value
            for shares in range(101)
            if (value := worth(cut_to([one], shares), given)) is not None
        )
        assert most <= found.value + found.gap + DIVIDED, f"seed {seed}"
        assert most <= found.value * Decimal("1.02") + 2, (
            f"seed {seed}"
        )  # whole shares of CCC apart
        cut += any(one.sale.quantity < 100 for one in found.offers)
    assert cut > 3


def cut_to(lots: Sequence[Offer], *shares: int) -> list[Offer]:
    taken = []
    for one, count in zip(lots, shares, strict=True):
        if count:
            part = Decimal(count) / 100
            sale = replace(
                one.sale,
                quantity=Decimal(count),
                amount=one.sale.amount * part,
                basis=one.sale.basis * part,
            )
            taken.append(replace(one, sale=sale))
    return taken


def test_every_lot_is_worth_its_floor_beside_the_others_and_every_pair_the_pairs():
    checked = 0
    for seed in range(25):
        chance = random.Random(5000 + seed)
        given = problem(random_offers(chance, 6), flat_year(chance))
        found = choice.best(given, partial=False)
        for one in found.offers:
            rest = [other for other in found.offers if other is not one]
            without = worth(rest, given)
            if without is not None and not one.is_companion:
                # The hurdles are part of the sum: the lot's own floor has been taken off already.
                assert found.value >= without - DIVIDED
                checked += 1
    assert checked > 20


def test_exactly_the_floor_is_enough():
    """What 1,000 of long-term loss is worth after its charges meets a floor of that much, not one of a cent more."""
    one = offer(1, "1000")
    given = problem([one], position(), costs=TradingCosts(commissions={}))
    net = Decimal(238) - charges(one, Destination(CCC, is_last=False)).total
    for floor, taken in ((net, True), (net + Decimal("0.01"), False)):
        rules = HarvestRules(minimum_benefit=ZERO, minimum_pair_benefit=floor)
        assert bool(choice.best(replace(given, rules=rules)).offers) is taken


def test_a_hundred_lots_are_decided_at_once():
    """A bound on the sets looked at, not on the clock: the search gives up and says by how much it may be off."""
    chance = random.Random(1)
    offers = [
        offer(
            number,
            str(chance.randint(200, 9000)),
            security=chance.choice(SECURITIES),
            term=chance.choice(list(Term)),
            amount=str(chance.randint(2000, 40000)),
        )
        for number in range(1, 101)
    ]
    found = choice.best(problem(offers, position(short="40000", long="30000")))
    assert found.value > 0
    assert found.gap <= found.value / 100
