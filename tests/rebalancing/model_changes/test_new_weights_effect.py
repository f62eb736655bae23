"""What going to other weights would sell and realise, by hand."""

from decimal import Decimal as D

from lots.types import Term
from rebalancing.model_changes.new_weights_effect import Effect, effect
from tests.rebalancing.states import account, lot, state


def test_tax_free_accounts_sell_first_and_then_the_lots_that_gained_least() -> None:
    start = state(
        accounts=(account(1, "0"), account(2, "0", is_taxable=False)),
        lots=(
            lot(1, "100", "5000", opening=1),  # gained 50 a share
            lot(1, "100", "9000", opening=2, term=Term.SHORT),  # gained 10
            lot(1, "50", "1000", opening=3, account=2, is_taxable=False),
            lot(2, "250", "25000", opening=4),
        ),
        prices={1: "100", 2: "100"},
        targets={1: "0.5", 2: "0.5"},
    )
    # 25,000 of security 1 down to 10 % of 50,000: 20,000 to sell, 5,000 of it free of tax.
    found = effect(start, {1: D("0.1"), 2: D("0.9")})
    assert found == Effect(D(20_000), D(1_000), D(2_500))


def test_what_cannot_be_sold_is_not_counted() -> None:
    start = state(
        accounts=(account(1, "0"),),
        lots=(lot(1, "100", "5000", opening=1, sellable="40"), lot(2, "100", "5000", opening=2)),
        prices={1: "100", 2: "100"},
        targets={1: "0.5", 2: "0.5"},
    )
    assert effect(start, {2: D(1)}) == Effect(D(4_000), D(0), D(2_000))


def test_at_the_weights_nothing_is_sold() -> None:
    start = state(
        accounts=(account(1, "0"),),
        lots=(lot(1, "100", "5000", opening=1),),
        prices={1: "100"},
        targets={1: "1"},
    )
    assert effect(start, {1: D(1)}) == Effect(D(0), D(0), D(0))
