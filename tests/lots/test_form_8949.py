"""Form 8949 by hand: columns, codes, boxes, and cents that tie (R28)."""

from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lots.reports.form_8949 import Box, BrokerFigures, Form8949, FormSale, Totals, form_8949
from lots.rounding import cents
from lots.types import DisposalEvent, RealizedLot, Term

D = Decimal


def sold(proceeds: Any, basis: Any, *, disallowed: Any = 0, **more: Any) -> FormSale:
    """100 AAA bought on 5 January 2026 and sold on 2 March 2026, unless told otherwise."""
    fields: dict[str, Any] = {
        "sale": "s1",
        "trade_date": date(2026, 3, 2),
        "account": "T",
        "security": "1",
        "lot": "b1",
        "part": 0,
        "quantity": Fraction(100),
        "acquired": date(2026, 1, 5),
        "holding_start": date(2026, 1, 5),
        "term": Term.SHORT,
    }
    words = {name: more.pop(name) for name in ("is_fund", "is_inherited", "broker") if name in more}
    row = RealizedLot(
        **(fields | more),
        proceeds=Fraction(proceeds),
        basis=Fraction(basis),
        disallowed=Fraction(disallowed),
    )
    return FormSale(row, symbol="AAA", **words)


def printed(form: Form8949) -> list[tuple[Decimal, Decimal, str, Decimal, Decimal]]:
    """Columns (d) to (h)."""
    return [
        (line.proceeds, line.basis, line.codes, line.adjustment, line.gain) for line in form.lines
    ]


def test_a_plain_sale_has_no_code_and_nothing_in_g():
    (line,) = form_8949([sold(5000, 4000)]).lines

    assert (line.description, line.acquired, line.sold) == (
        "100 sh. AAA",
        date(2026, 1, 5),
        date(2026, 3, 2),
    )
    assert printed(form_8949([sold(5000, 4000)])) == [(D(5000), D(4000), "", D(0), D(1000))]
    assert line.box is Box.A


def test_a_wash_sale_is_w_with_a_positive_adjustment():
    form = form_8949([sold(3100, 4000, disallowed=270)])

    assert printed(form) == [(D(3100), D(4000), "W", D(270), D(-630))]


def test_thirds_of_cents_add_up_to_the_printed_totals():
    """One sale of 100.00 takes three lots: 33.33 each would be a cent short, and so would the basis."""
    third = Fraction(100, 3)
    parts = [sold(third, Fraction(200, 3), part=part, lot=f"b{part}") for part in range(3)]

    form = form_8949(parts)

    assert printed(form) == [
        (D("33.34"), D("66.67"), "", D(0), D("-33.33")),
        (D("33.33"), D("66.66"), "", D(0), D("-33.33")),
        (D("33.33"), D("66.67"), "", D(0), D("-33.34")),
    ]
    assert form.of_box(Box.A) == Totals(
        proceeds=D(100), basis=D(200), gain=D(-100), own_basis=D(200)
    )


def test_a_loss_disallowed_altogether_shows_no_gain_whatever_the_rounding():
    """Lines of 1/3 cents beside it must not leave a cent of loss behind."""
    third = Fraction(1, 300)
    rows = [
        sold(100, 110 + third, disallowed=10 + third),
        sold(50 + third, 20),
        sold(50 + third, 20),
    ]

    form = form_8949(rows)

    assert printed(form)[0] == (D("100.00"), D("110.00"), "W", D("10.00"), D("0.00"))


def test_b_shows_the_brokers_basis_and_corrects_it():
    """A replacement bought for 4,100 carries 1,000 of another broker's wash sale: the broker reports 4,100."""
    broker = BrokerFigures(basis=Fraction(4100), disallowed=Fraction(0), term=Term.SHORT)

    form = form_8949([sold(4500, 5100, broker=broker)])

    assert printed(form) == [(D(4500), D(4100), "B", D(-1000), D(-600))]
    assert form.lines[0].own_basis == D(5100)


def test_b_and_w_stand_together_and_g_is_their_sum():
    broker = BrokerFigures(basis=Fraction(4100), disallowed=Fraction(0), term=Term.SHORT)

    (line,) = form_8949([sold(4500, 5100, disallowed=600, broker=broker)]).lines

    assert (line.codes, line.adjustment, line.gain) == ("BW", D(-400), D(0))
    assert (line.correction, line.disallowed) == (D(-1000), D(600))


def test_a_noncovered_lot_shows_the_right_basis_without_a_correction():
    broker = BrokerFigures(basis=Fraction(4100), disallowed=Fraction(0), term=Term.LONG)
    old = date(2010, 12, 31)

    (line,) = form_8949(
        [sold(4500, 5100, acquired=old, holding_start=old, term=Term.LONG, broker=broker)]
    ).lines

    assert (line.box, line.basis, line.codes, line.adjustment) == (Box.E, D(5100), "", D(0))


def test_t_marks_a_term_that_the_broker_reports_otherwise():
    """Tacked across brokers the shares are long-term: they stand in Part II, without an amount."""
    broker = BrokerFigures(basis=Fraction(4000), disallowed=Fraction(0), term=Term.SHORT)

    (line,) = form_8949([sold(5000, 4000, term=Term.LONG, broker=broker)]).lines

    assert (line.box, line.codes, line.adjustment) == (Box.D, "T", D(0))


def test_a_difference_below_half_a_cent_is_no_correction():
    broker = BrokerFigures(
        basis=Fraction(4000) + Fraction(1, 250), disallowed=Fraction(0), term=None
    )

    assert printed(form_8949([sold(5000, 4000, broker=broker)]))[0][1:4] == (D(4000), "", D(0))


@pytest.mark.parametrize(
    ("acquired", "is_fund", "box"),
    [
        (date(2011, 1, 1), False, Box.D),
        (date(2010, 12, 31), False, Box.E),
        (date(2011, 12, 31), True, Box.E),
        (date(2012, 1, 1), True, Box.D),
    ],
)
def test_stock_is_covered_since_2011_and_funds_since_2012(acquired, is_fund, box):
    form = form_8949(
        [sold(2, 1, acquired=acquired, holding_start=acquired, term=Term.LONG, is_fund=is_fund)]
    )

    assert [sheet.box for sheet in form.sheets] == [box]


def test_worthless_shares_are_on_no_1099_b_and_say_so():
    (line,) = form_8949(
        [sold(0, 4000, event=DisposalEvent.WORTHLESS, trade_date=date(2026, 12, 31))]
    ).lines

    assert (line.box, line.sold, line.proceeds, line.gain) == (Box.C, "WORTHLESS", D(0), D(-4000))


def test_inherited_shares_are_long_term_and_bear_the_word():
    (line,) = form_8949([sold(10, 9, is_inherited=True, term=Term.LONG)]).lines

    assert (line.box, line.acquired) == (Box.D, "INHERITED")


@pytest.mark.parametrize(
    ("event", "quantity", "words"),
    [
        (DisposalEvent.CASH_IN_LIEU, Fraction(1, 2), "0.5 sh. AAA (cash in lieu)"),
        (DisposalEvent.CASH_MERGER, Fraction(100), "100 sh. AAA (cash merger)"),
        (DisposalEvent.DISTRIBUTION, Fraction(0), "AAA, distribution beyond basis"),
    ],
)
def test_column_a_says_what_made_the_shares_leave(event, quantity, words):
    assert form_8949([sold(10, 0, event=event, quantity=quantity)]).lines[0].description == words


def test_a_permanent_loss_is_told_within_w():
    (line,) = form_8949([sold(70, 80, disallowed=6, permanent=Fraction(6))]).lines

    assert (line.disallowed, line.permanent) == (D(6), D(6))


def test_shares_without_basis_never_show_a_negative_one():
    """Twice a third of a cent of basis-free gain beside a sale: the cent must come from the sale's basis."""
    third = Fraction(1, 300)
    rows = [
        sold(Fraction(50) + third * 2, Fraction(0)),
        sold(Fraction(50) + third * 2, Fraction(20) + third),
        sold(Fraction(50) + third * 2, Fraction(20) + third),
    ]

    form = form_8949(rows)

    assert all(line.own_basis >= 0 for line in form.lines)
    assert form.of_box(Box.A).gain == cents(sum((row.row.allowed for row in rows), Fraction(0)))


amounts = st.fractions(min_value=0, max_value=100_000, max_denominator=999)


@st.composite
def sales(draw: st.DrawFn) -> FormSale:
    proceeds, basis = draw(amounts), draw(amounts)
    loss = max(basis - proceeds, Fraction(0))
    disallowed = loss * draw(
        st.sampled_from([Fraction(0), Fraction(1), Fraction(1, 3), Fraction(2, 7)])
    )
    broker = draw(
        st.none() | st.builds(BrokerFigures, basis=amounts, disallowed=amounts, term=st.none())
    )
    term = draw(st.sampled_from(Term))
    return sold(proceeds, basis, disallowed=disallowed, term=term, broker=broker)


@given(st.lists(sales(), max_size=30))
def test_lines_tie_across_and_down_for_random_disposals(rows):
    form = form_8949(rows)

    for line in form.lines:
        assert line.gain == line.proceeds - line.basis + line.adjustment
        assert line.adjustment == line.disallowed + line.correction
        assert line.disallowed >= 0
        assert line.own_basis >= 0
        assert abs(Fraction(line.own_basis) - line.sale.row.basis) < Fraction(4, 100)
        if not line.codes:
            assert line.adjustment == 0
    for term in Term:
        of_term = [row.row for row in rows if row.row.term is term]
        total = form.of_term(term)
        assert total.proceeds == cents(sum((row.proceeds for row in of_term), Fraction(0)))
        assert total.disallowed == cents(sum((row.disallowed for row in of_term), Fraction(0)))
        assert total.gain == total.proceeds - total.basis + total.adjustment
        exact = sum((row.allowed for row in of_term), Fraction(0))
        assert abs(Fraction(total.gain) - exact) <= Fraction(3, 100)
