"""Figures on pages."""

from decimal import Decimal

import pytest

from accounts.templatetags import figures


@pytest.mark.parametrize(
    ("figure", "value", "text"),
    [
        (figures.dollars, Decimal("-1234.5"), "−$1,234.50"),
        (figures.dollars, "9738.96", "$9,738.96"),
        (figures.dollars, Decimal("-0.001"), "$0.00"),
        (figures.whole_dollars, Decimal("1234567.89"), "$1,234,568"),
        (figures.percent, Decimal("-0.0312"), "−3.12 %"),
        (figures.shares, Decimal("1234.50000000"), "1,234.5"),
        (figures.shares, Decimal(100), "100"),
        (figures.basis_points, Decimal("0.0144"), "0.01 bp"),
        (figures.words, "recent_purchase", "Recent purchase"),
        (figures.words, "no_losses+inside_bands", "No losses and inside bands"),
    ],
)
def test_a_figure_reads_as_people_write_it(figure, value, text):
    assert figure(value) == text


@pytest.mark.parametrize(
    ("plain", "read"),
    [
        (
            "Since 2021-12-28 it has returned -2.5 %.",
            "Since 28 December 2021 it has returned −2.5 %.",
        ),
        ("It pays -$1,234.50 (tax -507.48).", "It pays −$1,234.50 (tax −507.48)."),
        ("2022-12-28", "28 December 2022"),
        # no day, no number: symbols, rules, marked-up text
        ("BRK-2 and F-150 keep 2022-13-45 and x2022-12-28.", None),
        ("<b>-x</b> a - 1 5 %-6 %", None),
    ],
)
def test_a_sentence_of_ours_has_days_and_minus_signs_as_the_rest_of_the_page(plain, read):
    assert figures.told(plain) == (read or plain)


@pytest.mark.parametrize(
    "figure",
    [figures.dollars, figures.whole_dollars, figures.percent, figures.shares, figures.basis_points],
)
@pytest.mark.parametrize("nothing", [None, ""])
def test_what_is_not_there_is_a_dash(figure, nothing):
    assert figure(nothing) == "—"
