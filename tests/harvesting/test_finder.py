"""Which losses are taken, and one reason for each that is not."""

import random
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from harvesting.types import (
    AccountFacts,
    HarvestRules,
    Outcome,
    PairFigures,
    Plan,
    PricedAt,
    RecentPurchase,
)
from lots.types import LotRow
from tests.harvesting.books import (
    AAA,
    ACCOUNTS,
    BBB,
    CCC,
    DDD,
    EEE,
    IRA,
    OLD,
    PLAIN,
    SPOUSE,
    TAXABLE,
    around,
    book,
    bought,
    days_ago,
    lot,
    only,
    outcomes,
    plan,
    position,
)

NO_FLOORS = HarvestRules(
    minimum_loss=Decimal(0), minimum_loss_fraction=Decimal(0), minimum_benefit=Decimal(0)
)


# A pair


def test_a_loss_is_taken_and_its_money_goes_into_the_first_substitute():
    found = plan(book(lot(1)))
    (candidate,) = found.candidates
    assert (candidate.sale.quantity, candidate.sale.loss) == (Decimal(100), Decimal(2000))
    assert (candidate.substitute, candidate.tax_saved) == (CCC, Decimal("476.00"))
    (pair,) = found.pairs
    assert (pair.quantity, pair.amount, pair.cash_left) == (Decimal(160), Decimal(8000), Decimal(0))
    assert only(found, Outcome.TAKE).detail == (
        "Sell 100 AAA for $8,000.00 (long-term loss $2,000.00) and buy CCC: saves $476.00 of tax "
        "now, net $476.00 after everything that it costs."
    )


def test_the_buy_is_the_proceeds_less_costs_to_one_share():
    spreads = {AAA: Decimal("0.001"), CCC: Decimal("0.002")}
    found = plan(book(lot(1), prices={CCC: "333"}), around(half_spreads=spreads))
    (pair,) = found.pairs
    # 8,000 less 8 of spread buys 23 shares at 333 (7,659 and 15.318 of spread); 24 would cost 8,007.98.
    assert (pair.quantity, pair.amount) == (Decimal(23), Decimal("7659.00"))
    assert pair.cash_left == Decimal("317.68")
    assert found.cost == Decimal("23.32")


def test_an_exact_fit_is_not_rounded_away():
    found = plan(book(lot(1), prices={CCC: "8000"}))
    assert (found.pairs[0].quantity, found.pairs[0].cash_left) == (Decimal(1), Decimal(0))


def test_two_lots_of_two_securities_into_one_substitute_make_one_buy_per_account():
    found = plan(
        book(lot(1), lot(2), lot(3, BBB), lot(4, BBB, account=SPOUSE)),
    )
    assert [(pair.number, pair.account, len(pair.sales)) for pair in found.pairs] == [
        (1, TAXABLE, 3),
        (2, SPOUSE, 1),
    ]
    assert [pair.quantity for pair in found.pairs] == [Decimal(480), Decimal(160)]


def test_only_the_loss_lots_of_a_position_are_sold():
    found = plan(book(lot(1), lot(2, basis="3000")))
    assert outcomes(found) == {1: Outcome.TAKE}


def test_the_shown_figures_add_up_to_the_totals_to_the_cent():
    spreads = {AAA: Decimal("0.00033"), BBB: Decimal("0.00077"), CCC: Decimal("0.00051")}
    lots = [lot(n, AAA if n % 2 else BBB, "33", f"{3300 + n}.37") for n in range(1, 8)]
    found = plan(book(*lots), around(half_spreads=spreads, tax=position(short="900", long="700")))
    assert len(found.candidates) == 7
    assert sum(one.tax_saved for one in found.candidates) == found.tax_saved
    assert sum(one.trading_cost for one in found.candidates) == found.cost
    # 7 x 2,640.00 proceeds; losses 4,648.59 long-term: 1,600 net gain first, 3,000 ordinary, 48.59 carried...
    losses = sum(one.sale.loss for one in found.candidates)
    assert losses == Decimal("4650.59")
    # 700 at 23.8 %, 900 at 40.8 %, 3,000 at 37 %, 50.59 at 12 %
    assert found.tax_saved == Decimal("1649.87")


# Floors


def test_a_loss_under_the_floor_in_dollars_is_below_floor():
    found = plan(book(lot(1, quantity="10", basis="899.99")))
    finding = only(found, Outcome.BELOW_FLOOR)
    assert finding.detail == "A loss of $99.99 is under the floor of $100.00."
    assert (finding.loss, finding.quantity) == (Decimal("99.99"), Decimal(10))


def test_a_loss_of_exactly_the_floors_passes():
    floors = replace(PLAIN, minimum_loss=Decimal(400), minimum_benefit=Decimal("95.20"))
    found = plan(book(lot(1, basis="8000"), prices={AAA: "76"}, rules=floors))  # 400, 5 %, 95.20
    assert outcomes(found) == {1: Outcome.TAKE}
    found = plan(book(lot(1, basis="8000"), prices={AAA: "76.01"}, rules=floors))
    assert outcomes(found) == {1: Outcome.BELOW_FLOOR}


def test_a_loss_under_the_floor_in_per_cent_is_below_floor():
    found = plan(book(lot(1, quantity="1000", basis="84000")))
    assert only(found, Outcome.BELOW_FLOOR).detail == (
        "A loss of $4,000.00 is 4.8 % of the basis, under the floor of 5.0 %."
    )


def gift(value: str) -> LotRow:
    """100 shares given with a donor's basis of 10,000, held for years, worth ``value`` on the day of the gift."""
    return replace(lot(1), loss_basis=Decimal(value), loss_start=days_ago(100), is_inherited=False)


def test_a_gifts_loss_is_measured_on_its_value_at_the_gift_and_counted_from_then():
    """IRC 1015(a): sold for 8,000, the donor's basis of 10,000 says 2,000; the value at the gift says 1,000."""
    sale = only(plan(book(gift("9000"))), Outcome.TAKE)
    assert sale.loss == Decimal(1000)
    assert "(short-term loss $1,000.00)" in sale.detail


@pytest.mark.parametrize("value", ["8000", "7000"])
def test_a_gift_between_its_two_bases_has_no_loss(value):
    assert plan(book(gift(value))).findings == ()


def test_an_inherited_lot_loses_long_term_on_the_next_day():
    inherited = replace(lot(1, acquired=days_ago(60)), is_inherited=True)
    assert "(long-term loss $2,000.00)" in only(plan(book(inherited)), Outcome.TAKE).detail


def test_a_gain_is_no_finding():
    assert plan(book(lot(1, basis="7999.99"), lot(2, basis="8000"))).findings == ()


def test_a_benefit_under_the_floor_is_no_benefit():
    # 2,000 at 12 cents is 240; the floor is 250.
    floors = replace(PLAIN, minimum_benefit=Decimal(250))
    found = plan(book(lot(1), rules=floors), around(tax=position(long="-3000")))
    finding = only(found, Outcome.NO_BENEFIT)
    assert finding.terms is not None
    assert finding.terms.saved == Decimal("240.00")
    assert finding.detail == (
        "It would save $240.00 of tax at this household's rates after netting, less $0.00: net $240.00; "
        "a pair must reach $250.00."
    )


def test_cost_counts_against_the_benefit():
    """Of the shares bought, which are fewer than 8,000 pay for: 151 of CCC, because the spread is paid first."""
    spreads = {AAA: Decimal("0.0273"), CCC: Decimal("0.0273")}  # 218.40 and 206.115 of 476
    assert outcomes(plan(book(lot(1)), around(half_spreads=spreads))) == {1: Outcome.TAKE}
    spreads = {AAA: Decimal("0.0274"), CCC: Decimal("0.0274")}  # 219.20 and 206.87: 49.93 is left
    assert outcomes(plan(book(lot(1)), around(half_spreads=spreads))) == {1: Outcome.NO_BENEFIT}


def test_a_later_lot_is_valued_on_what_the_earlier_ones_left():
    """Both would save 357 alone, but the gains serve once: the second is worth 180 only."""
    floors = replace(PLAIN, minimum_benefit=Decimal(200))
    tax = position(long="1500", carried="0.12", limit="0")
    found = plan(book(lot(1, basis="9500"), lot(2, basis="9500"), rules=floors), around(tax=tax))
    assert outcomes(found) == {1: Outcome.TAKE, 2: Outcome.NO_BENEFIT}
    left = only(found, Outcome.NO_BENEFIT).terms
    assert left is not None
    assert left.saved == Decimal("180.00")
    assert found.tax_saved == Decimal("357.00")


def test_most_tax_saved_per_dollar_of_cost_goes_first():
    spreads = {AAA: Decimal("0.002"), BBB: Decimal("0.001")}
    found = plan(book(lot(1, AAA), lot(2, BBB)), around(half_spreads=spreads))
    assert [one.sale.lot.opening for one in found.candidates] == [2, 1]


# Prices and accounts


def test_a_security_without_a_price_is_reported():
    found = plan(book(lot(1), prices={AAA: ""}))
    assert only(found, Outcome.NO_PRICE).loss == Decimal(0)


@pytest.mark.parametrize(("age", "outcome"), [(5, Outcome.TAKE), (6, Outcome.STALE_PRICE)])
def test_a_price_older_than_the_limit_is_stale(age, outcome):
    found = plan(book(lot(1), days={AAA: days_ago(age)}))
    assert outcomes(found) == {1: outcome}


def test_a_price_that_jumped_is_not_trusted():
    jump = "the price of AAA went from $800.00 to $80.00 on 2022-12-20: book the split"
    found = plan(book(lot(1)), around(doubtful={AAA: jump}))
    assert only(found, Outcome.PRICE_JUMP).detail == f"T{jump[1:]}."


def test_an_account_that_is_not_tax_managed_is_left_alone():
    accounts = {**ACCOUNTS, TAXABLE: AccountFacts("Ann", is_taxable=True, tax_managed=False)}
    found = plan(book(lot(1), accounts=accounts))
    assert outcomes(found) == {1: Outcome.NOT_TAX_MANAGED}


def test_a_loss_in_an_ira_is_no_loss():
    assert plan(book(lot(1, account=IRA))).findings == ()


# Shares


def test_a_part_of_a_share_stays_unless_the_position_goes():
    found = plan(book(lot(1, quantity="100.7", basis="10070"), lot(2, basis="3000")))
    assert only(found, Outcome.TAKE).quantity == Decimal(100)
    assert only(found, Outcome.TAKE).loss == Decimal(2000)
    whole = plan(book(lot(1, quantity="100.7", basis="10070"), lot(2)))
    assert [one.sale.quantity for one in whole.candidates] == [Decimal("100.7"), Decimal(100)]


def test_less_than_one_share_is_too_small():
    found = plan(
        book(lot(1, quantity="0.9", basis="9000"), lot(2, basis="3000"), prices={AAA: "5000"})
    )
    assert only(found, Outcome.TOO_SMALL).detail == (
        "0.9 shares are less than one whole share to sell."
    )


def test_money_that_buys_no_share_of_the_first_substitute_buys_the_second():
    found = plan(book(lot(1, quantity="10", basis="1200"), prices={CCC: "800.01"}))
    (pair,) = found.pairs
    assert (pair.substitute, pair.amount) == (DDD, Decimal("800.00"))


def test_an_account_with_the_money_buys_the_first_substitute_beside_one_without():
    small = lot(1, quantity="10", basis="1200")
    found = plan(book(small, lot(2, account=SPOUSE), prices={CCC: "800.01"}))
    assert [(pair.account, pair.substitute) for pair in found.pairs] == [
        (TAXABLE, DDD),
        (SPOUSE, CCC),
    ]


def test_lots_that_buy_no_share_alone_buy_one_together():
    lots = (lot(1, quantity="10", basis="1200"), lot(2, BBB, quantity="10", basis="1200"))
    found = plan(book(*lots, prices={CCC: "900", DDD: "900"}))
    (pair,) = found.pairs
    assert (len(pair.sales), pair.substitute, pair.quantity) == (2, CCC, Decimal(1))


def test_money_that_buys_no_share_of_any_substitute_is_no_pair():
    found = plan(
        book(lot(1, quantity="10", basis="1200"), prices={CCC: "800.01", DDD: "1200"}),
        around(half_spreads={AAA: Decimal("0.001")}),
    )
    assert (found.candidates, found.pairs) == ((), ())
    assert only(found, Outcome.TOO_SMALL).detail == (
        "$799.20 do not buy one share of CCC at $800.01; $799.20 do not buy one share of DDD at $1,200.00."
    )


def test_money_that_buys_no_share_is_parked_if_the_policy_says_so():
    rules = replace(PLAIN, parks_in_cash=True)
    small = lot(1, quantity="10", basis="1200")
    found = plan(book(small, rules=rules, prices={CCC: "800.01", DDD: "1200"}))
    (pair,) = found.pairs
    assert (pair.substitute, pair.cash_left) == (None, Decimal("800.00"))


def test_cash_that_is_left_strays_like_cash():
    """X: 0.5 x (0.02^2 of the 5,000 in CCC and 0.3^2 of the 3,000 that buy no second share) x 31 / 365, to the cent."""
    figures = {(AAA, CCC): PairFigures(Decimal("0.02"), Decimal("0.9"), Decimal(1), 252)}
    rules = replace(PLAIN, risk_price=Decimal("0.5"))
    found = plan(
        book(lot(1), rules=rules, prices={CCC: "5000"}),
        around(pairs=figures, volatilities={AAA: Decimal("0.3")}),
    )
    (candidate,) = found.candidates
    assert candidate.terms.tracking == Decimal("11.55")
    assert found.pairs[0].cash_left == Decimal("3000.00")
    assert found.net == Decimal("476.00") - Decimal("11.55")


def test_what_is_shown_is_what_was_decided():
    """The net of a plan is the value of the best set and its hurdles, to the cents that each lot is rounded by."""
    lots, cents = 0, Decimal("0.05")
    for seed in range(25):
        chance = random.Random(seed)
        held = [
            lot(
                number,
                chance.choice([AAA, BBB]),
                quantity=str(chance.randint(5, 120)),
                basis=str(chance.randint(9000, 14000)),
                account=chance.choice([TAXABLE, SPOUSE]),
            )
            for number in range(1, chance.randint(2, 6))
        ]
        rules = replace(PLAIN, risk_price=Decimal("0.5"), swap_back_chance=Decimal("0.5"))
        found = plan(
            book(*held, rules=rules, prices={CCC: str(chance.choice([50, 700, 3100]))}),
            around(
                tax=position(short=str(chance.randint(-5000, 9000))),
                half_spreads=dict.fromkeys((AAA, BBB, CCC, DDD), Decimal("0.002")),
                volatilities={AAA: Decimal("0.3"), BBB: Decimal("0.4")},
            ),
        )
        decided = decided_value(found, rules)
        assert abs(found.net - decided) <= cents * max(len(found.candidates), 1), f"seed {seed}"
        lots += len(found.candidates)
    assert lots > 40


def decided_value(found: Plan, rules: HarvestRules) -> Decimal:
    """S, K and X of the plan's own trades at their spreads and volatilities, computed apart, dollars."""
    total = found.tax_saved
    for pair in found.pairs:
        proceeds = sum(sale.amount for sale in pair.sales)
        total -= (proceeds + pair.amount) * Decimal("0.002") * Decimal("1.5")
        for sale in pair.sales:
            variance = Decimal("0.09") if sale.lot.security == AAA else Decimal("0.16")
            outside = sale.amount * (1 - pair.amount / proceeds)
            total -= rules.risk_price * variance * outside * 31 / 365
    return total


def test_shares_that_an_open_proposal_sells_are_reserved():
    found = plan(book(lot(1)), around(reserved={(1, 0): Decimal(100)}))
    assert outcomes(found) == {1: Outcome.RESERVED}


def test_the_shares_not_reserved_may_be_taken():
    found = plan(book(lot(1)), around(reserved={(1, 0): Decimal(60)}))
    assert only(found, Outcome.RESERVED).quantity == Decimal(60)
    taken = only(found, Outcome.TAKE)
    assert (taken.quantity, taken.loss) == (Decimal(40), Decimal(800))


def test_what_is_left_of_a_reserved_lot_must_pass_the_floor_itself():
    found = plan(book(lot(1)), around(reserved={(1, 0): Decimal(96)}))
    assert only(found, Outcome.BELOW_FLOOR).loss == Decimal(80)


# The look-back


def test_one_share_bought_in_the_window_blocks_every_loss_of_the_security():
    found = plan(book(lot(1), lot(2), lot(3, BBB)), around(bought(20, "1")))
    assert outcomes(found) == {
        1: Outcome.RECENT_PURCHASE,
        2: Outcome.RECENT_PURCHASE,
        3: Outcome.TAKE,
    }


def test_the_reason_names_the_purchase_and_the_day_it_is_free():
    found = plan(book(lot(1)), around(bought(30, "12.5")))
    assert only(found, Outcome.RECENT_PURCHASE).detail == (
        "12.5 shares of AAA bought on 2022-11-28 in Ann taxable are still held: the loss would be "
        "washed (R10). Free from 2022-12-29."
    )


def test_an_ira_purchase_blocks_absolutely_and_says_so():
    found = plan(book(lot(1)), around(bought(10, "0.5", account=IRA)))
    assert only(found, Outcome.PERMANENT_WASH).detail == (
        "0.5 shares of AAA bought on 2022-12-18 in Ann IRA are still held: the loss would be lost "
        "for ever (R16). Free from 2023-01-18."
    )


def test_a_purchase_of_an_identical_security_by_the_spouse_blocks():
    groups = (frozenset({AAA, EEE}),)
    found = plan(book(lot(1)), around(bought(3, security=EEE, account=SPOUSE), groups=groups))
    assert outcomes(found) == {1: Outcome.RECENT_PURCHASE}
    assert outcomes(plan(book(lot(1)), around(bought(3, security=EEE)))) == {1: Outcome.TAKE}


def test_the_remainder_of_the_same_order_is_no_replacement():
    """R9: 60 + 40 of one order; the 40 are sold at a loss, the 60 stay."""
    found = plan(
        book(lot(1, acquired=days_ago(10), quantity="40", basis="4000")),
        around(
            bought(10, "40", block="order 7", opening=1),
            bought(10, "60", block="order 7", opening=2),
            blocks={1: ("order 7", AAA)},
        ),
    )
    assert outcomes(found) == {1: Outcome.TAKE}


def test_a_recent_lot_sold_along_in_the_same_order_is_no_replacement():
    """T21: everything sold, including a lot of ten days ago."""
    found = plan(
        book(lot(1), lot(2, acquired=days_ago(10))),
        around(bought(10, "100", block="entry 2", opening=2), blocks={2: ("entry 2", AAA)}),
    )
    assert outcomes(found) == {1: Outcome.TAKE, 2: Outcome.TAKE}


def test_a_recent_lot_that_stays_blocks_the_old_one_but_not_itself():
    """The recent lot is sold today; the day after nothing bought is held and the old one is free."""
    found = plan(
        book(lot(1), lot(2, acquired=days_ago(10), account=SPOUSE)),
        around(
            bought(10, "100", account=SPOUSE, block="entry 2", opening=2),
            blocks={2: ("entry 2", AAA)},
        ),
    )
    assert outcomes(found) == {1: Outcome.RECENT_PURCHASE, 2: Outcome.TAKE}


def test_a_recent_lot_below_the_floor_goes_along_so_that_nothing_is_washed():
    """T21: everything of the security is sold and nothing bought, so the ten days old share washes nothing."""
    found = plan(
        book(lot(1), lot(2, acquired=days_ago(10), quantity="1", basis="90")),
        around(bought(10, "1", block="entry 2", opening=2), blocks={2: ("entry 2", AAA)}),
    )
    assert outcomes(found) == {1: Outcome.TAKE, 2: Outcome.TAKE}
    assert [one.is_companion for one in found.candidates] == [False, True]
    assert found.candidates[1].terms.saved == Decimal("2.38")


def test_a_recent_lot_without_benefit_of_its_own_goes_along_too():
    rules = replace(PLAIN, minimum_benefit=Decimal(100))
    found = plan(
        book(lot(1), lot(2, acquired=days_ago(10), quantity="10", basis="1100"), rules=rules),
        around(bought(10, "10", block="entry 2", opening=2), blocks={2: ("entry 2", AAA)}),
    )
    assert outcomes(found) == {1: Outcome.TAKE, 2: Outcome.TAKE}


def test_a_recent_gain_goes_along_only_if_its_tax_is_worth_it():
    """10 shares with a gain of 300 cost 71.40 of tax and free 476; with a gain of 3,000 they would cost 714."""
    small, large = (
        plan(
            book(
                lot(1),
                lot(2, acquired=days_ago(10), quantity=shares, basis=basis),
            ),
            around(
                bought(10, shares, block="entry 2", opening=2),
                blocks={2: ("entry 2", AAA)},
                tax=position(short="-100000", long="200000"),
            ),
        )
        for shares, basis in (("10", "500"), ("100", "5000"))
    )
    assert outcomes(small) == {1: Outcome.TAKE, 2: Outcome.TAKE}
    assert small.tax_saved == Decimal("404.60")
    assert outcomes(large) == {1: Outcome.NO_BENEFIT}


def test_a_fraction_of_a_recent_lot_that_stays_blocks_the_old_one():
    found = plan(
        book(
            lot(1),
            lot(2, acquired=days_ago(10), quantity="50.5", basis="5050"),
            lot(3, basis="3000"),
        ),
        around(bought(10, "50.5", block="entry 2", opening=2), blocks={2: ("entry 2", AAA)}),
    )
    assert outcomes(found) == {1: Outcome.RECENT_PURCHASE, 2: Outcome.TAKE}
    assert found.candidates[0].sale.quantity == Decimal(50)


def test_what_an_open_proposal_is_about_to_buy_blocks():
    planned = RecentPurchase(
        security=AAA,
        account=IRA,
        bought_on=date(2022, 12, 28),
        shares=Decimal(5),
        block=("proposal 9", AAA),
    )
    found = plan(book(lot(1)), around(planned))
    assert only(found, Outcome.PERMANENT_WASH).detail.startswith(
        "An open proposal buys 5 shares of AAA in Ann IRA"
    )


def test_what_the_engine_objects_to_is_passed_over():
    found = plan(book(lot(1), lot(2, BBB)), around(washing={AAA: "The engine says no."}))
    assert outcomes(found) == {1: Outcome.RECENT_PURCHASE, 2: Outcome.TAKE}
    assert only(found, Outcome.RECENT_PURCHASE).detail == "The engine says no."


# Substitutes


def test_a_security_without_a_mapping_has_no_substitute():
    found = plan(book(lot(1)), around(substitutes={}))
    assert only(found, Outcome.NO_SUBSTITUTE).detail == "No substitute is mapped for AAA."


def test_a_substitute_inside_a_window_is_skipped_for_the_next_rank():
    found = plan(book(lot(1)), around(buy_blocked={CCC: "blocked until 2023-01-10: sold"}))
    assert found.candidates[0].substitute == DDD


def test_each_rank_that_fell_out_is_named():
    found = plan(
        book(lot(1), days={DDD: days_ago(9)}, prices={EEE: ""}),
        around(
            substitutes={AAA: (CCC, DDD, EEE)},
            buy_blocked={CCC: "blocked until 2023-01-10: 5 CCC sold at a loss"},
        ),
    )
    assert only(found, Outcome.SUBSTITUTE_BLOCKED).detail == (
        "No substitute can be bought: CCC is blocked until 2023-01-10: 5 CCC sold at a loss; "
        "the price of DDD is of 2022-12-19; EEE has no price."
    )


def test_a_substitute_whose_price_jumped_is_not_bought():
    found = plan(book(lot(1)), around(doubtful={CCC: "the price of CCC jumped"}))
    assert found.candidates[0].substitute == DDD


def test_a_substitute_identical_to_what_is_sold_is_not_bought():
    found = plan(book(lot(1)), around(substitutes={AAA: (CCC,)}, groups=(frozenset({AAA, CCC}),)))
    assert only(found, Outcome.SUBSTITUTE_BLOCKED).detail == (
        "No substitute can be bought: CCC is substantially identical to AAA."
    )


def test_what_is_sold_at_a_loss_is_nobodys_destination():
    found = plan(book(lot(1), lot(2, BBB)), around(substitutes={AAA: (BBB, CCC), BBB: (CCC,)}))
    assert {one.substitute for one in found.candidates} == {CCC}


def test_nor_is_what_is_identical_to_it():
    found = plan(
        book(lot(1), lot(2, BBB)),
        around(substitutes={AAA: (EEE, DDD), BBB: (CCC,)}, groups=(frozenset({BBB, EEE}),)),
    )
    assert [one.substitute for one in found.candidates] == [DDD, CCC]


def test_of_two_that_would_buy_each_other_the_larger_loss_goes():
    found = plan(
        book(lot(1, AAA), lot(2, BBB, basis="20000")),
        around(substitutes={AAA: (BBB,), BBB: (AAA,)}),
    )
    assert outcomes(found) == {1: Outcome.SUBSTITUTE_BLOCKED, 2: Outcome.TAKE}
    assert only(found, Outcome.SUBSTITUTE_BLOCKED).detail == (
        "No substitute can be bought: BBB is sold at a loss in this proposal."
    )


def test_a_loss_that_leaves_for_another_reason_frees_its_security_as_destination():
    """BBB is refused for its benefit, so AAA may go into it after all."""
    floors = replace(PLAIN, minimum_benefit=Decimal(200))
    found = plan(
        book(lot(1, AAA), lot(2, BBB, quantity="20", basis="2000"), rules=floors),
        around(substitutes={AAA: (BBB,), BBB: (CCC,)}),
    )
    assert outcomes(found) == {1: Outcome.TAKE, 2: Outcome.NO_BENEFIT}
    assert found.candidates[0].substitute == BBB


def test_a_float_price_is_refused():
    with pytest.raises(TypeError, match="price is a float"):
        PricedAt(80.0, OLD)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="minimum_loss is a int"):
        replace(NO_FLOORS, minimum_loss=100)  # type: ignore[arg-type]
