"""The set that is taken is the best of its own sum: brute force over subsets, written apart, agrees."""

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from itertools import chain, combinations

import pytest

from accounts.types import FilingStatus
from harvesting import choice, valuation
from harvesting.offers import Offer
from harvesting.types import HarvestRules, Sale
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
    tracking = one.sale.amount * Decimal("0.0007") * (to.security % 3)
    window = one.sale.amount * Decimal("0.001") if to.is_last else ZERO
    return Charges(later=one.allowed * RATE, tracking=tracking, window=window)


def problem(
    offers: Sequence[Offer],
    tax: TaxPosition,
    *,
    legal: Mapping[int, tuple[int, ...]] | None = None,
    costs: TradingCosts | None = None,
) -> Problem:
    return Problem(
        offers=tuple(offers),
        tax=tax,
        rules=HarvestRules(minimum_benefit=FLOOR, minimum_pair_benefit=PAIR_FLOOR),
        costs=costs
        or TradingCosts(half_spreads=dict.fromkeys((*SECURITIES, CCC, DDD), Decimal("0.0005"))),
        prices=dict.fromkeys((*SECURITIES, CCC, DDD), PRICE),
        legal=legal or dict.fromkeys(SECURITIES, (CCC, DDD)),
        groups={security: frozenset({security}) for security in SECURITIES},
        charges_of=charges,
    )


# The same sum, written apart: no function of harvesting.choice is used below.


def subsets(offers: Sequence[Offer]) -> Iterator[tuple[Offer, ...]]:
    return chain.from_iterable(combinations(offers, size) for size in range(len(offers) + 1))


def worth(taken: Sequence[Offer], given: Problem) -> Decimal | None:
    """T before less T after, less charges, both legs of every order, half a swap back, and the floors."""
    keys = {one.key for one in taken}
    own = [one for one in taken if not one.is_companion]
    if any(not one.requires <= keys for one in taken):
        return None
    if any(
        not any(one.key in other.requires for other in own) for one in taken if one.is_companion
    ):
        return None
    sold = {one.sale.lot.security for one in taken}
    bought = {}
    for security in sold:
        ranks = [one for one in given.legal[security] if one not in sold]
        if not ranks:
            return None
        bought[security] = Destination(ranks[0], is_last=len(ranks) == 1)
    loss = {
        term: sum((one.sale.loss for one in taken if one.sale.term is term), ZERO) for term in Term
    }
    total = -added_tax(given.tax, short=-loss[Term.SHORT], long=-loss[Term.LONG])
    orders: dict[tuple[int, int, str], Decimal] = {}
    for one in taken:
        to = bought[one.sale.lot.security]
        total -= charges(one, to).total
        account = one.sale.lot.account
        for key in ((account, one.sale.lot.security, "sell"), (account, to.security, "buy")):
            orders[key] = orders.get(key, ZERO) + one.sale.amount
    for (account, security, side), amount in orders.items():
        prices = {one.sale.lot.security: one.sale.price for one in taken}
        shares = amount / (PRICE if side == "buy" else prices[security])
        cost = given.costs.of(account=account, security=security, shares=shares, amount=amount)
        total -= cost.total * Decimal("1.5")
    pairs: dict[tuple[int, int], int] = {}
    for one in own:
        pair = (one.sale.lot.account, bought[one.sale.lot.security].security)
        pairs[pair] = pairs.get(pair, 0) + 1
    return total - sum(PAIR_FLOOR + FLOOR * (lots - 1) for lots in pairs.values())


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
        assert found.value == best_by_brute_force(given), f"seed {seed}"
        assert worth(found.offers, given) == found.value, f"seed {seed}"
        assert found.gap == 0, f"seed {seed}"
        taken += len(found.offers)
    assert taken > 15


def test_it_is_the_best_through_the_brackets_too():
    for seed in range(12):
        chance = random.Random(1000 + seed)
        given = problem(random_offers(chance, chance.randint(2, 5)), bracket_year(chance))
        found = choice.best(given, partial=False)
        assert found.value == best_by_brute_force(given), f"seed {seed}"
        assert found.gap == 0, f"seed {seed}"


def test_it_is_the_best_where_each_is_anothers_destination():
    """AAA goes into BBB or EEE, BBB into AAA or EEE, EEE into AAA or BBB: not all three can be sold."""
    circle = {AAA: (BBB, EEE), BBB: (AAA, EEE), EEE: (AAA, BBB)}
    stuck = 0
    for seed in range(30):
        chance = random.Random(2000 + seed)
        given = problem(random_offers(chance, 6), flat_year(chance), legal=circle)
        found = choice.best(given, partial=False)
        assert found.value == best_by_brute_force(given), f"seed {seed}"
        sold = {one.sale.lot.security for one in given.offers}
        stuck += len(sold) == 3
        assert len({one.sale.lot.security for one in found.offers}) < 3
    assert stuck > 10


def test_a_commission_is_paid_once_an_order():
    """Four lots of 400 save 95.20 less 58.40 of later tax each: alone none pays a ticket of 5, together they do."""
    costs = TradingCosts(commissions={TAXABLE: Commission(per_order=Decimal(5))})
    lots = [offer(number, "900", amount="4000") for number in range(1, 5)]
    given = problem(lots, position(), costs=costs)
    found = choice.best(given, partial=False)
    assert found.value == best_by_brute_force(given)
    (charged,) = {valuation.cost_together(found.offers, found.destinations, given)}
    assert charged == Decimal("15.0")  # one sale, one purchase, and half of both again


def test_parts_of_lots_are_never_worse_than_whole_lots_and_end_where_the_rate_changes():
    better = 0
    for seed in range(40):
        chance = random.Random(3000 + seed)
        given = problem(random_offers(chance, chance.randint(1, 6)), flat_year(chance))
        whole = choice.best(given, partial=False)
        found = choice.best(given)
        assert found.value >= whole.value, f"seed {seed}"
        assert worth(found.offers, given) == found.value
        better += found.value > whole.value
        cut = [one for one in found.offers if one.sale.quantity != 100]
        assert all(one.sale.quantity == one.sale.quantity.to_integral_value() for one in cut)
    assert better > 5


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
        assert most <= found.value + found.gap, f"seed {seed}"


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
                assert found.value >= without
                checked += 1
    assert checked > 20


def test_exactly_the_floor_is_enough():
    """What 1,000 of long-term loss is worth after its charges meets a floor of that much, not one of a cent more."""
    one = offer(1, "1000")
    given = replace(problem([one], position()), costs=TradingCosts())
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
