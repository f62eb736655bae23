"""Market values from a file: all or none, again without effect."""

from datetime import date
from decimal import Decimal as D
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from accounts.models import AuditEvent
from securities import selectors
from securities.importers.market_values import read_market_values
from securities.importers.refusal import ImportRefused
from securities.models import MarketValue
from tests.factories import make_firm, make_security

TODAY = date(2022, 12, 28)
GOOD = "symbol,day,market_value\nAAA,2022-12-27,2066941000000.00\nBBB,2022-12-27,1747600000000\n"


def refusals(text: str) -> list[str]:
    with pytest.raises(ImportRefused) as refusal:
        read_market_values(text, name="mv.csv", securities={"AAA": 1, "BBB": 2}, as_of=TODAY)
    return [str(problem) for problem in refusal.value.problems]


def test_values_are_read_exactly() -> None:
    rows = read_market_values(GOOD, name="mv.csv", securities={"AAA": 1, "BBB": 2}, as_of=TODAY)
    assert [(row.security, row.day, row.dollars, row.line) for row in rows] == [
        (1, date(2022, 12, 27), D("2066941000000"), 2),
        (2, date(2022, 12, 27), D("1747600000000"), 3),
    ]


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ("ZZZ,2022-12-27,1", "line 2, column symbol: 'ZZZ' is no known symbol"),
        ("AAA,2022-12-29,1", "line 2, column day: 2022-12-29 is in the future"),
        ("AAA,27.12.2022,1", "line 2, column day"),
        ("AAA,2022-12-27,0", "line 2, column market_value: a market value must be above zero"),
        ("AAA,2022-12-27,-5", "column market_value: '-5' is negative"),
        ("AAA,2022-12-27,1e12", "column market_value: '1e12' is not a plain number"),
        ("AAA,2022-12-27,1.23456", "has 5 decimals"),
        ("AAA,2022-12-27,100000000000000", "is too large"),
        ("AAA,2022-12-27,1\nAAA,2022-12-27,1", "line 3: the market value of that day stands on line 2"),
    ],
)  # fmt: skip
def test_every_problem_is_named_with_its_line(row: str, told: str) -> None:
    (said,) = refusals(f"symbol,day,market_value\n{row}\n")
    assert told in said


def test_a_missing_or_an_unknown_column_is_refused() -> None:
    assert "the column is missing" in refusals("symbol,day\nAAA,2022-12-27\n")[0]
    assert (
        "no column of this format"
        in refusals("symbol,day,market_value,shares\nAAA,2022-12-27,1,1\n")[0]
    )


@pytest.mark.django_db
def test_a_file_is_taken_once_and_another_value_only_as_a_correction(tmp_path: Path) -> None:
    firm = make_firm(pinned_date=TODAY)
    first, second = make_security(firm, "AAA"), make_security(firm, "BBB")
    path = tmp_path / "mv.csv"
    path.write_text(GOOD, encoding="utf-8")

    def run(*options: str) -> str:
        out = StringIO()
        call_command("import_market_values", str(path), *options, stdout=out, stderr=out)
        return out.getvalue()

    assert "2 market values would be new" in run("--dry-run")
    assert not MarketValue.objects.exists()
    assert "2 market values new" in run()
    assert "0 market values new, 2 known, 0 changed" in run()
    assert AuditEvent.objects.filter(action="market_values.imported").count() == 1
    path.write_text(GOOD.replace("1747600000000", "1747700000000"), encoding="utf-8")
    with pytest.raises(CommandError, match="nothing was changed"):
        run()
    assert "1 known, 1 changed" in run("--correct")
    day = date(2022, 12, 27)
    assert selectors.market_values([first.pk, second.pk], day)[second.pk] == D("1747700000000")
    assert selectors.newest_market_values([first.pk, second.pk], date(2022, 12, 26)) == {}
    assert selectors.newest_market_values([first.pk], TODAY) == {first.pk: day}
