"""``[[distributions]]`` of a set-up file: gains that funds have announced to distribute (F39)."""

from datetime import date
from decimal import Decimal

import pytest

from securities.models import AnnouncedDistribution
from tests.config.setup_file.texts import FIRM, problems_of, refused, take

FUND = """
[[securities]]
symbol = "VTSAX"
is_fund = true
"""
LONG = """
[[distributions]]
symbol = "VTSAX"
ex_date = 2026-12-17
kind = "long"
amount = "1.2345"
source = "estimate of November"
"""
SHORT = """
[[distributions]]
symbol = "VTSAX"
ex_date = "2026-12-17"
kind = "short"
amount = 0.08
"""


def on_record() -> list[tuple[str, date, str, Decimal, str]]:
    rows = AnnouncedDistribution.objects.order_by("kind")
    return list(rows.values_list("security__symbol", "ex_date", "kind", "amount", "source"))


@pytest.mark.django_db
def test_both_kinds_of_one_day_are_taken_in() -> None:
    assert "2 distributions new" in take(FIRM + FUND + LONG + SHORT)
    day = date(2026, 12, 17)
    assert on_record() == [
        ("VTSAX", day, "long", Decimal("1.2345"), "estimate of November"),
        ("VTSAX", day, "short", Decimal("0.08"), ""),
    ]


@pytest.mark.django_db
def test_the_same_file_twice_changes_nothing_and_a_final_figure_replaces_the_estimate() -> None:
    take(FIRM + FUND + LONG + SHORT)
    assert take(FIRM + FUND + LONG + SHORT) == ""
    assert take(FIRM + FUND) == "", "what is left out stays"
    final = LONG.replace("1.2345", "1.31").replace("estimate of November", "final")
    assert take(FIRM + FUND + final) == "1 distribution changed"
    assert take(FIRM + FUND + final.replace('source = "final"', "")) == "", "the source stays"
    assert [row[3:] for row in on_record()] == [
        (Decimal("1.31"), "final"),
        (Decimal("0.08"), ""),
    ]


@pytest.mark.django_db
def test_a_fund_that_the_firm_does_not_have_is_refused_by_its_entry() -> None:
    (said,) = refused(FIRM + FUND + LONG + SHORT.replace("VTSAX", "VTSAZ"))
    assert said.startswith("distributions[1].symbol: 'VTSAZ' is no security of the firm")
    assert on_record() == []


@pytest.mark.parametrize(
    ("stands", "instead", "said"),
    [
        ('symbol = "VTSAX"\n', "", "distributions[0].symbol: it is missing"),
        ("ex_date = 2026-12-17\n", "", "distributions[0].ex_date: it is missing"),
        ("2026-12-17", '"17 December"', "distributions[0].ex_date: "),
        ('kind = "long"\n', "", "distributions[0].kind: it is missing"),
        ('"long"', '"unrecaptured"', "distributions[0].kind: 'unrecaptured' is none of long, short"),
        ('amount = "1.2345"\n', "", "distributions[0].amount: it is missing"),
        ('"1.2345"', "0", "distributions[0].amount: '0' is out of range: it must be above 0"),
        ('"1.2345"', '"-1"', "distributions[0].amount: '-1' is out of range"),
        ('"1.2345"', '"1.2345678"', "distributions[0].amount: 1.2345678 has more than 6 decimals"),
        ("estimate of November", "x" * 121, "distributions[0].source: "),
        ("source", "pay_date", "distributions[0].pay_date: there is no such key; the keys here are"),
    ],
)  # fmt: skip
def test_every_problem_has_its_path(stands: str, instead: str, said: str) -> None:
    (found,) = problems_of(FIRM + FUND + LONG.replace(stands, instead))
    assert found.startswith(said)


def test_one_a_day_and_kind_stands_once() -> None:
    (found,) = problems_of(FIRM + FUND + LONG + SHORT + LONG)
    assert found.startswith("distributions[2].ex_date: 'VTSAX 2026-12-17 long' stands in the file")
