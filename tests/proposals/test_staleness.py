"""Each input that can move between proposal and approval, named with its old and new value."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest

from lots.types import EntryKind, LedgerEntry
from proposals.staleness import UNSAID, PriceAge, moved_inputs
from proposals.types import BuyBlock, RestrictionKind, RestrictionRow, Restrictions, Windows
from securities.types import Quote
from tests.proposals.trades import (
    BOUGHT,
    IRA,
    LOT,
    OLD,
    SUB,
    TAXABLE,
    TODAY,
    TWIN,
    facts,
    purchase,
    sale,
)

PROFILE = {"federal_long_rate": "0.15", "state_rate": "0.05"}


def moved(
    *,
    made_on=TODAY,
    expires_on=date(2023, 1, 2),
    profile_now=PROFILE,
    trades=None,
    price_age=UNSAID,
    **changes,
):
    """(input, old, new) of everything that moved for the balanced pair."""
    found = moved_inputs(
        trades or (sale(), purchase()),
        facts(**changes),
        as_of=made_on,
        expires_on=expires_on,
        tax_profile=PROFILE,
        tax_profile_now=profile_now,
        price_age=price_age,
    )
    return [(change.input, change.old, change.new) for change in found]


def quoted(old: str, sub: str = "80", day: date = TODAY) -> dict[int, Quote]:
    return {OLD: Quote(Decimal(old), day), SUB: Quote(Decimal(sub), day)}


def lot(**changes):
    base = facts().lots[LOT, 0]
    return {(LOT, 0): replace(base, **changes)}


def test_nothing_moved():
    assert moved() == []


def test_a_proposal_is_valid_on_its_last_day_and_not_after():
    assert moved(expires_on=TODAY) == []
    assert moved(expires_on=date(2022, 12, 27)) == [
        ("age of the proposal", "valid to 2022-12-27", "today is 2022-12-28")
    ]


@pytest.mark.parametrize("price", ["80.80", "79.20"])
def test_a_price_may_drift_by_one_per_cent(price: str):
    assert moved(quotes=quoted(price)) == []


@pytest.mark.parametrize("price", ["80.81", "79.19"])
def test_a_price_beyond_one_per_cent_is_named(price: str):
    assert moved(quotes=quoted(price)) == [("price of OLD", "$80.00", f"${price}")]


def test_the_substitutes_price_counts_too():
    assert moved(quotes=quoted("80", "81")) == [("price of SUB", "$80.00", "$81.00")]


def test_a_missing_price_is_named():
    assert moved(quotes={OLD: Quote(Decimal(80), TODAY)}) == [
        ("price of SUB", "$80.00", "no price")
    ]


@pytest.mark.parametrize(
    ("age", "oldest", "told"),
    [
        (PriceAge(10), date(2022, 12, 18), "at most 10 days old"),
        (PriceAge(1), date(2022, 12, 27), "at most 1 day old"),
        (PriceAge(0), TODAY, "at most 0 days old"),
        # Christmas was observed on the Monday.
        (PriceAge(5, of_trading=True), date(2022, 12, 20), "at most 5 trading days old"),
        (PriceAge(1, of_trading=True), date(2022, 12, 27), "at most 1 trading day old"),
    ],
)
def test_a_price_may_be_as_old_as_the_proposals_policy_says(age: PriceAge, oldest: date, told: str):
    assert moved(price_age=age, quotes=quoted("80", day=oldest)) == []
    before = oldest - timedelta(days=1)
    assert moved(price_age=age, quotes=quoted("80", day=before))[0] == (
        "price of OLD",
        told,
        f"of {before}",
    )
    assert [row[0] for row in moved(price_age=age, quotes=quoted("80.81", day=oldest))] == [
        "price of OLD"
    ]


def test_a_price_may_be_five_days_old_where_the_proposal_does_not_say():
    assert moved(quotes=quoted("80", day=date(2022, 12, 23))) == []
    assert moved(quotes=quoted("80", day=date(2022, 12, 22)))[0] == (
        "price of OLD",
        "at most 5 days old",
        "of 2022-12-22",
    )


def test_a_loss_that_has_become_a_gain_is_stale_within_the_drift():
    lots = lot(basis=Decimal(1602))
    trades = (sale(basis=Decimal(1602)), purchase())
    assert moved(trades=trades, lots=lots, quotes=quoted("80.2")) == [
        ("gain or loss on OLD", "$-2.00", "$2.00")
    ]


def test_shares_that_have_left_are_named():
    assert moved(lots=lot(quantity=Decimal(15), basis=Decimal(1500))) == [
        ("shares of OLD lot of 2022-03-01", "20 to sell", "15")
    ]
    assert moved(lots={}) == [("shares of lot 100 of OLD", "20 to sell", "not held")]


def test_a_changed_basis_is_named_and_a_cent_is_not():
    assert moved(lots=lot(basis=Decimal("2000.01"))) == []
    assert moved(lots=lot(basis=Decimal("2100"))) == [
        ("basis of OLD lot of 2022-03-01", "$2000.00", "$2100.00")
    ]


def test_a_split_shows_in_basis_and_price():
    found = moved(lots=lot(quantity=Decimal(40)), quotes=quoted("40"))
    assert [row[0] for row in found] == ["price of OLD", "basis of OLD lot of 2022-03-01"]


def test_a_lot_that_became_long_term_is_named():
    assert moved(lots=lot(holding_start=date(2021, 12, 27))) == [
        ("holding period of OLD lot of 2022-03-01", "short", "long")
    ]


def test_shares_reserved_by_another_proposal_are_named():
    assert moved(windows=Windows({}, {}, {(LOT, 0): Decimal(5)})) == [
        (
            "shares of OLD lot of 2022-03-01",
            "20 to sell",
            "15 free, 5 reserved by another proposal",
        )
    ]


def test_a_window_that_has_opened_is_named():
    windows = Windows({SUB: BuyBlock(date(2023, 1, 9), "10 SUB sold at a loss")}, {}, {})
    assert moved(windows=windows) == [
        ("wash window of SUB", "clear", "closed until 2023-01-09: 10 SUB sold at a loss")
    ]


def test_a_restriction_is_a_sentence_of_its_own():
    ethics = RestrictionRow(
        SUB, RestrictionKind.NO_BUY, None, TODAY, None, "Ethics.", "for the firm"
    )
    base = facts()
    (change,) = moved_inputs(
        (sale(), purchase()),
        replace(base, windows=replace(base.windows, restricted=Restrictions((ethics,)))),
        as_of=TODAY,
        expires_on=date(2023, 1, 2),
        tax_profile=PROFILE,
        tax_profile_now=PROFILE,
    )
    told = (
        "SUB must not be bought in Ann taxable: Ethics (restricted for the firm since 2022-12-28)."
    )
    assert (change.input, change.old, change.new) == ("restrictions", "none", told)
    assert change.sentence == told


def test_a_purchase_since_then_that_washes_the_loss_is_named():
    base = facts().ledger
    bought = LedgerEntry(
        "101", TODAY, str(IRA), EntryKind.BUY, str(TWIN), Decimal(20), Decimal(1600)
    )
    ((what, old, new),) = moved(ledger=replace(base, entries=(*base.entries, bought)))
    assert (what, old) == ("wash sales", "none")
    assert new == (
        "$400.00 of the loss on OLD sold on 2022-12-28 in Ann taxable would be disallowed, "
        "$400.00 of it for ever."
    )


def test_cash_must_cover_what_the_sales_do_not():
    trades = (purchase("10", pair=0),)
    assert moved(trades=trades, cash={TAXABLE: Decimal("800.40")}) == []
    assert moved(trades=trades, cash={TAXABLE: Decimal("800.39")}) == [
        ("cash in Ann taxable", "$800.40 needed", "$800.39")
    ]


def test_both_sides_of_a_pair_cost_their_half_spread():
    trades = (sale(), purchase("20"))
    assert moved(trades=trades, cash={TAXABLE: Decimal("1.60")}) == []
    assert moved(trades=trades, cash={TAXABLE: Decimal("1.59")}) == [
        ("cash in Ann taxable", "$1.60 needed", "$1.59")
    ]


def test_a_proposal_of_another_tax_year_is_stale():
    assert moved(made_on=date(2021, 12, 31)) == [("tax year", "2021", "2022")]


def test_an_account_short_of_cash_may_still_sell():
    assert moved(cash={TAXABLE: Decimal(-5000)}) == []


def test_a_changed_tax_profile_is_named_field_by_field():
    assert moved(profile_now={**PROFILE, "state_rate": "0.09"}) == [
        ("tax profile, state rate", "0.05", "0.09")
    ]
    assert moved(profile_now={})[0] == ("tax profile, federal long rate", "0.15", "none")


def test_every_input_that_moved_is_listed():
    found = moved(expires_on=BOUGHT, quotes=quoted("100"), lots=lot(basis=Decimal(1500)))
    assert [row[0] for row in found] == [
        "age of the proposal",
        "price of OLD",
        "gain or loss on OLD",
        "basis of OLD lot of 2022-03-01",
    ]


def test_an_account_that_no_longer_adds_up_is_named():
    wrong = {TAXABLE: "OLD: lots 20, custodian 15 on 2022-12-28"}
    assert moved(unreconciled=wrong) == [
        ("positions of Ann taxable", "reconciled", "OLD: lots 20, custodian 15 on 2022-12-28")
    ]
    assert moved(unreconciled={IRA: "SUB: lots 0, custodian 3 on 2022-12-28"}) == []
