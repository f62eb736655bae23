"""Lots to give: the order, the sum that is asked for, and why a lot is no gift. Literals by hand."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal as D
from fractions import Fraction

import pytest

from accounts.types import FilingStatus
from harvesting.gifts import GiftSurroundings, NotToGive, chosen, gift_list, tax_avoided
from lots.netting import YearInputs
from lots.year_tax import position_at
from tests.harvesting.books import (
    AAA,
    BBB,
    CCC,
    IRA,
    OLD,
    SPOUSE,
    TAXABLE,
    TODAY,
    book,
    days_ago,
    lot,
    position,
)

A_YEAR_AGO = date(2021, 12, 28)  # long-term from 29 December 2022 on (R3)


def around(**others: object) -> GiftSurroundings:
    others.setdefault("tax", position())
    return GiftSurroundings(**others)  # type: ignore[arg-type]


def why(found) -> dict[int, NotToGive]:
    return {one.lot.opening: one.why for one in found.kept}


def openings(found) -> list[int]:
    return [gift.sale.lot.opening for gift in found.gifts]


def test_the_largest_gain_a_dollar_given_comes_first_not_the_largest_gain():
    # At 80: gains of 5,000 of 8,000 (62.5 %), 900 of 1,000 at 50 a share (90 %), 2,000 of 8,000 (25 %).
    found = gift_list(
        book(
            lot(1, AAA, "100", "3000"),
            lot(2, CCC, "20", "100"),
            lot(3, BBB, "100", "6000"),
        ),
        around(),
    )
    assert openings(found) == [2, 1, 3]
    assert [gift.gain for gift in found.gifts] == [D(900), D(5000), D(2000)]
    assert [gift.gain_of_value for gift in found.gifts] == [
        Fraction(9, 10),
        Fraction(5, 8),
        Fraction(1, 4),
    ]
    # 23.8 % of each gain.
    assert [gift.tax for gift in found.gifts] == [D("214.20"), D("1190.00"), D("476.00")]
    assert found.kept == ()


def test_of_equal_ones_the_lot_held_longest_comes_first():
    lots = (lot(2, AAA, basis="4000"), lot(1, AAA, basis="4000", acquired=date(2019, 5, 6)))
    assert openings(gift_list(book(*lots), around())) == [1, 2]


def test_a_year_to_the_day_is_not_more_than_one_year():
    """R3: held more than one year; the day after the same day of the next year is the first."""
    lots = (
        lot(1, AAA, basis="3000", acquired=A_YEAR_AGO),
        lot(2, AAA, basis="3000", acquired=A_YEAR_AGO - timedelta(days=1)),
    )
    found = gift_list(book(*lots), around())
    assert openings(found) == [2]
    (kept,) = found.kept
    assert kept.why is NotToGive.SHORT_TERM
    assert "until 2022-12-29" in kept.detail
    assert "$3,000.00" in kept.detail


def test_the_holding_period_decides_not_the_purchase_and_an_inherited_lot_is_long_term():
    tacked = replace(lot(1, AAA, basis="3000", acquired=days_ago(10)), holding_start=OLD)
    inherited = replace(lot(2, AAA, basis="3000", acquired=days_ago(10)), is_inherited=True)
    assert openings(gift_list(book(tacked, inherited), around())) == [1, 2]


def test_a_loss_is_to_be_sold_even_if_it_is_short_term():
    found = gift_list(
        book(lot(1, AAA, basis="10000", acquired=days_ago(20)), lot(2, BBB, basis="8000")), around()
    )
    assert why(found) == {1: NotToGive.LOSS, 2: NotToGive.NO_GAIN}
    assert "A loss of $2,000.00" in found.kept[0].detail
    assert "sell it and give the cash" in found.kept[0].detail


def test_a_gift_between_its_two_bases_has_no_gain():
    """IRC 1015(a): bought by the donor for 10,000, worth 7,000 when it was given, 8,000 today."""
    received = replace(lot(1, AAA, basis="10000"), loss_basis=D(7000), loss_start=OLD)
    assert why(gift_list(book(received), around())) == {1: NotToGive.NO_GAIN}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"not_taxed": {TAXABLE: "In a retirement account."}}, NotToGive.NOT_TAXED),
        ({"unreconciled": {TAXABLE: "They differ."}}, NotToGive.UNRECONCILED),
        ({"restricted": {(TAXABLE, AAA): "AAA must not be sold."}}, NotToGive.RESTRICTED),
        ({"doubtful": {AAA: "it doubled"}}, NotToGive.PRICE_JUMP),
        ({"reserved": {(1, 0): D(100)}}, NotToGive.RESERVED),
    ],
)
def test_what_keeps_a_lot_is_named(changes, expected):
    found = gift_list(book(lot(1, basis="3000")), around(**changes))
    assert found.gifts == ()
    (kept,) = found.kept
    assert (kept.why, kept.quantity, kept.amount, kept.basis) == (
        expected,
        D(100),
        D(8000),
        D(3000),
    )


def test_a_restriction_of_another_account_keeps_nothing():
    lots = (lot(1, basis="3000"), lot(2, basis="3000", account=SPOUSE))
    found = gift_list(book(*lots), around(restricted={(SPOUSE, AAA): "AAA must not be sold."}))
    assert (openings(found), why(found)) == ([1], {2: NotToGive.RESTRICTED})


def test_prices_that_are_missing_or_old_or_of_what_no_longer_trades():
    known = book(
        lot(1, AAA, basis="3000"),
        lot(2, BBB, basis="3000"),
        lot(3, CCC, basis="3000"),
        prices={AAA: ""},
        days={BBB: days_ago(6)},
    )
    found = gift_list(replace(known, delisted={CCC: date(2022, 6, 1)}), around())
    assert why(found) == {
        1: NotToGive.NO_PRICE,
        2: NotToGive.STALE_PRICE,
        3: NotToGive.DELISTED,
    }
    assert [one.amount for one in found.kept] == [None, D(8000), D(5000)]
    assert "2022-06-01" in found.kept[2].detail


def test_a_retirement_account_goes_before_everything_that_is_known_of_the_lot():
    unpriced = book(lot(1, AAA, account=IRA), prices={AAA: ""})
    found = gift_list(unpriced, around(not_taxed={IRA: "In a retirement account (R16)."}))
    assert (why(found), found.kept[0].detail) == (
        {1: NotToGive.NOT_TAXED},
        "In a retirement account (R16).",
    )


def test_the_part_that_an_approved_proposal_leaves_can_be_given():
    found = gift_list(book(lot(1, basis="3000")), around(reserved={(1, 0): D(60)}))
    (gift,) = found.gifts
    assert (gift.sale.quantity, gift.sale.amount, gift.gain) == (D(40), D(3200), D(2000))
    (kept,) = found.kept
    assert (kept.why, kept.quantity, kept.amount) == (NotToGive.RESERVED, D(60), D(4800))
    assert kept.detail == "An approved proposal sells 60 of 100 AAA."


def test_whole_shares_only():
    found = gift_list(
        book(lot(1, AAA, "2.75", "110"), lot(2, BBB, "0.5", "20"), lot(3, CCC, "2", "40")),
        around(reserved={(3, 0): D("1.5")}),
    )
    (gift,) = found.gifts
    assert (gift.sale.quantity, gift.sale.amount, gift.sale.basis) == (D(2), D(160), D(80))
    assert [(one.lot.opening, one.why, one.quantity) for one in found.kept] == [
        (2, NotToGive.TOO_SMALL, D("0.5")),
        (3, NotToGive.RESERVED, D("1.5")),
        (3, NotToGive.TOO_SMALL, D("0.5")),
    ]


def test_the_sum_takes_lots_in_their_order_and_cuts_the_last():
    gifts = gift_list(
        book(lot(1, AAA, "100", "3000"), lot(2, CCC, "20", "100"), lot(3, BBB, "100", "6000")),
        around(),
    ).gifts
    # 1,000 of CCC, and 4,001 of AAA: 51 shares of 80 are 4,080, 50 would be 4,000.
    choice = chosen(gifts, D(5001), position())
    assert [(one.sale.lot.opening, one.sale.quantity) for one in choice.gifts] == [
        (2, D(20)),
        (1, D(51)),
    ]
    assert (choice.amount, choice.gain, choice.missing) == (D(5080), D("3450.00"), D(0))
    assert choice.tax == D("821.10")  # 23.8 % of 3,450


def test_a_sum_that_is_met_to_the_cent_takes_no_further_share():
    gifts = gift_list(book(lot(1, AAA, "100", "3000"), lot(2, CCC, "20", "100")), around()).gifts
    choice = chosen(gifts, D(5000), position())
    assert [one.sale.quantity for one in choice.gifts] == [D(20), D(50)]
    assert chosen(gifts, D(1000), position()).gifts[0].sale.quantity == D(20)
    assert len(chosen(gifts, D(1000), position()).gifts) == 1
    assert [one.sale.quantity for one in chosen(gifts, D("0.01"), position()).gifts] == [D(1)]


def test_cents_of_a_price_with_six_places_count_as_the_order_does():
    # Three shares at 0.333333 come to 1.00 to the cent.
    gifts = gift_list(book(lot(1, AAA, "100", "3"), prices={AAA: "0.333333"}), around()).gifts
    assert chosen(gifts, D("1.00"), None).gifts[0].sale.quantity == D(3)
    assert chosen(gifts, D("1.01"), None).gifts[0].sale.quantity == D(4)


def test_a_sum_beyond_the_lots_says_what_is_missing():
    gifts = gift_list(book(lot(1, AAA, "100", "3000")), around()).gifts
    choice = chosen(gifts, D(10000), position())
    assert (choice.amount, choice.missing) == (D(8000), D(2000))
    assert chosen((), D(10), position()).missing == D(10)


@pytest.mark.parametrize("amount", [D(0), D(-5), D("NaN")])
def test_no_sum_is_refused(amount):
    with pytest.raises((ValueError, ArithmeticError)):
        chosen((), amount, None)


def test_a_float_is_refused():
    with pytest.raises(TypeError):
        chosen((), 100.0, None)  # type: ignore[arg-type]


def test_losses_of_the_year_would_have_met_the_gain():
    """A year with 3,000 of net long-term loss: the first 3,000 of gain would cost what they save as ordinary loss."""
    gifts = gift_list(book(lot(1, AAA, "100", "3000")), around()).gifts  # a gain of 5,000
    with_loss = position(long="-3000")
    # 37 % of 3,000 that no longer meet income, and 23.8 % of the 2,000 beyond.
    assert tax_avoided(gifts, with_loss) == D("1586.00")
    assert gifts[0].tax == D("1190.00")  # at the rate of the next dollar of a net gain


def test_brackets_price_the_whole_gift_and_its_next_dollar_the_lot():
    """Ordinary income 40,000, single, 2026: the 0 % bracket of long-term gains ends at 49,450."""
    single = YearInputs(
        year=2026, filing_status=FilingStatus.SINGLE, ordinary_taxable_income=Fraction(40000)
    )
    tax = position_at(single, carried_loss_value=D(0))
    assert tax.long_rate == D(0)
    gifts = gift_list(book(lot(1, AAA, "1000", "60000")), around(tax=tax)).gifts  # gain of 20,000
    assert gifts[0].tax == D("0.00")
    assert tax_avoided(gifts, tax) == D("1582.50")  # 15 % of 20,000 - 9,450


def test_without_a_tax_profile_the_order_stands_and_no_tax_is_told():
    found = gift_list(book(lot(1, AAA, basis="6000"), lot(2, BBB, basis="3000")), around(tax=None))
    assert openings(found) == [2, 1]
    assert [gift.tax for gift in found.gifts] == [None, None]
    assert chosen(found.gifts, D(100), None).tax is None


def test_every_share_of_the_book_is_told_of_once():
    """Nothing is lost between the two lists but the fraction of a share that no custodian delivers."""
    lots = (
        lot(1, AAA, "100", "3000"),
        lot(2, AAA, "7.25", "100"),
        lot(3, BBB, "10", "2000"),
        lot(4, BBB, "10", "100", acquired=days_ago(3)),
    )
    found = gift_list(book(*lots), around(reserved={(1, 0): D(30)}))
    told = {one.opening: D(0) for one in lots}
    for gift in found.gifts:
        told[gift.sale.lot.opening] += gift.sale.quantity
    for kept in found.kept:
        told[kept.lot.opening] += kept.quantity
    assert {one.opening: one.quantity - told[one.opening] for one in lots} == {
        1: D(0),
        2: D("0.25"),
        3: D(0),
        4: D(0),
    }
    assert TODAY  # the book's day
