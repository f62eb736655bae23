"""What may be sold, what has to go along, and why the rest may not."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from harvesting.offers import offered
from harvesting.types import AccountFacts, Outcome, RecentPurchase
from tests.harvesting.books import (
    AAA,
    ACCOUNTS,
    BBB,
    IRA,
    PLAIN,
    SPOUSE,
    TAXABLE,
    TODAY,
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

D = Decimal


def coming(days: int, *, account: int = TAXABLE, security: int = AAA) -> RecentPurchase:
    """Ten shares that a savings plan buys so many days from now."""
    return RecentPurchase(
        security=security,
        account=account,
        bought_on=TODAY + timedelta(days=days),
        shares=D(10),
        block=("plan 1", security),
        is_coming=True,
        cause="savings plan, monthly",
    )


def test_a_purchase_that_is_going_to_be_made_blocks_until_its_own_window_has_passed():
    finding = only(plan(book(lot(1)), around(coming(12))), Outcome.COMING_PURCHASE)
    assert finding.detail == (
        "10 shares of AAA will be bought on 2023-01-09 in Ann taxable (savings plan, monthly): the loss would be "
        "washed (R10). Free from 2023-02-09."
    )
    assert str(finding.wait_until) == "2023-02-09"


def test_one_in_the_ira_would_take_the_loss_away_for_ever():
    """T10: the look-ahead."""
    found = plan(book(lot(1)), around(coming(12, account=IRA)))
    assert outcomes(found) == {1: Outcome.PERMANENT_WASH}


def test_what_must_not_be_sold_is_restricted():
    surroundings = around(
        no_sell={(TAXABLE, AAA): "AAA is locked until 2023-06-30: founder shares."}
    )
    found = plan(book(lot(1), lot(2, account=SPOUSE)), surroundings)
    assert outcomes(found) == {1: Outcome.RESTRICTED, 2: Outcome.TAKE}
    assert only(found, Outcome.RESTRICTED).detail.endswith("founder shares.")


def test_an_account_that_is_not_reconciled_sells_nothing():
    """T53."""
    surroundings = around(unreconciled={TAXABLE: "AAA: lots 100, custodian 90 on 2022-12-27."})
    assert outcomes(plan(book(lot(1), lot(2, account=SPOUSE)), surroundings)) == {
        1: Outcome.UNRECONCILED,
        2: Outcome.TAKE,
    }


def test_a_security_that_no_longer_trades_is_not_sold():
    found = plan(
        book(lot(1), lot(2, BBB)), around(delisted={AAA: days_ago(3), BBB: TODAY + timedelta(1)})
    )
    assert outcomes(found) == {1: Outcome.DELISTED, 2: Outcome.TAKE}


def test_purchases_of_two_orders_require_each_other():
    """Two recent orders beside an old lot: all three go, or none."""
    surroundings = around(
        bought(10, "5", block="order 2", opening=2),
        bought(12, "7", block="order 3", opening=3),
        blocks={2: ("order 2", AAA), 3: ("order 3", AAA)},
    )
    lots = (
        lot(1),
        lot(2, quantity="5", basis="410", acquired=days_ago(10)),
        lot(3, quantity="7", basis="580", acquired=days_ago(12)),
    )
    the_book = book(*lots)
    found = offered(the_book, lots[:1], surroundings)
    assert found.offers[1, 0].requires == {(2, 0), (3, 0)}
    assert found.offers[2, 0].requires == {(3, 0)}
    assert found.offers[2, 0].is_companion
    assert outcomes(plan(the_book, surroundings)) == dict.fromkeys((1, 2, 3), Outcome.TAKE)


def test_a_part_of_a_recent_share_goes_only_with_the_whole_position():
    """A reinvested 0.7 shares: everything goes, the fraction with it, as long as the whole is worth it."""
    surroundings = around(
        bought(10, "0.7", block="order 2", opening=2), blocks={2: ("order 2", AAA)}
    )
    lots = (lot(1), lot(2, quantity="0.7", basis="60", acquired=days_ago(10)))
    found = plan(book(*lots), surroundings)
    assert outcomes(found) == {1: Outcome.TAKE, 2: Outcome.TAKE}
    assert [one.sale.quantity for one in found.candidates] == [D(100), D("0.7")]


def test_an_account_that_trades_fractions_sells_and_buys_them():
    accounts = {**ACCOUNTS, TAXABLE: AccountFacts("Ann taxable", True, trades_fractions=True)}
    found = plan(
        book(lot(1, quantity="33.333", basis="4000"), lot(2, basis="3000"), accounts=accounts)
    )
    assert outcomes(found) == {1: Outcome.TAKE}
    (pair,) = found.pairs
    assert (pair.sales[0].quantity, pair.quantity) == (D("33.333"), D("53.3328"))
    assert pair.cash_left == 0


def test_a_purchase_in_another_account_cannot_go_along():
    """Nobody knows in which order two accounts' orders are filled."""
    surroundings = around(
        bought(10, "5", block="order 2", opening=2, account=SPOUSE), blocks={2: ("order 2", AAA)}
    )
    recent = lot(2, quantity="5", basis="500", acquired=days_ago(10), account=SPOUSE)
    found = plan(book(lot(1), recent), surroundings)
    assert outcomes(found)[1] is Outcome.RECENT_PURCHASE


def test_a_companion_that_would_be_washed_itself_takes_the_lot_with_it():
    """The old lot needs the recent one along, and the recent one is washed by the spouse's purchase: nothing goes."""
    surroundings = around(
        bought(10, "5", block="order 2", opening=2),
        bought(8, "5", block="order 3", opening=3, account=SPOUSE),
        blocks={2: ("order 2", AAA), 3: ("order 3", AAA)},
    )
    recent = lot(2, quantity="5", basis="410", acquired=days_ago(10))
    theirs = lot(3, quantity="5", basis="300", acquired=days_ago(8), account=SPOUSE)
    found = plan(book(lot(1), recent, theirs), surroundings)
    assert outcomes(found)[1] is Outcome.RECENT_PURCHASE
    assert not found.candidates


def test_best_fit_that_does_not_fit_lets_smaller_ones_be_tried():
    """T35: one lot of 50,000 loss is more than the year can use; shares of it, or the smaller lots, are taken."""
    rules = replace(PLAIN, taxable_sale_chance=D(1))
    found = plan(
        book(lot(1, quantity="2500", basis="250000"), lot(2, basis="9000"), rules=rules),
        around(tax=position(long="5000")),
    )
    used = sum(one.sale.loss for one in found.candidates)
    assert D(7900) <= used <= D(8020)  # 5,000 of gain and 3,000 of other income
    assert found.gap <= 100  # the bound does not see that two lots pay two floors of 50
