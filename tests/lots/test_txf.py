"""Form 8949 as TXF: fields in the order of the specification, version 042."""

from datetime import date
from fractions import Fraction

import pytest

from lots.reports.form_8949 import BrokerFigures, FormSale, form_8949
from lots.reports.txf import txf_text
from lots.types import DisposalEvent, Term
from tests.lots.test_form_8949 import sold

OLD = date(2010, 5, 4)


def text(*sales: FormSale) -> str:
    return txf_text(form_8949(sales), program="Test", exported_on=date(2027, 2, 1))


def test_a_washed_loss_is_a_record_of_format_5():
    assert text(sold(1300, 1500, disallowed=200)).split("\r\n") == [
        "V042", "ATest", "D 02/01/2027", "^",
        "TD", "N321", "C1", "L1", "P100 sh. AAA", "D01/05/2026", "D03/02/2026",
        "$1500.00", "$1300.00", "$200.00", "^", "",
    ]  # fmt: skip


def test_without_a_disallowed_loss_the_last_field_is_empty():
    assert text(sold(2, 1)).split("\r\n")[-4:] == ["$2.00", "$", "^", ""]


@pytest.mark.parametrize(
    ("sale", "reference"),
    [
        (sold(2, 1), "N321"),
        (sold(2, 1, term=Term.LONG), "N323"),
        (sold(2, 1, term=Term.LONG, acquired=OLD, holding_start=OLD), "N713"),
        (sold(0, 1, event=DisposalEvent.WORTHLESS), "N712"),
        (sold(0, 1, event=DisposalEvent.WORTHLESS, term=Term.LONG), "N714"),
        (sold(2, 1, acquired=OLD), "N711"),
    ],
)
def test_the_reference_number_says_the_box(sale, reference):
    assert reference in text(sale).split("\r\n")


def test_a_basis_that_the_broker_has_wrong_is_the_right_one_here():
    broker = BrokerFigures(basis=Fraction(1), disallowed=Fraction(0), term=None)

    assert "$900.00" in text(sold(1000, 900, broker=broker)).split("\r\n")


def test_no_name_can_break_a_record():
    sale = sold(2, 1)
    evil = FormSale(sale.row, symbol="A^\r\n^B\u00fc")

    assert "P100 sh. A    B?" in text(evil).split("\r\n")
    assert text(evil).count("^") == 2
