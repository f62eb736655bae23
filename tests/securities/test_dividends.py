"""Declared dividends from a file: all or none, again without effect."""

from datetime import date
from decimal import Decimal
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from accounts.models import AuditEvent
from securities.importers.dividends import read_dividends
from securities.importers.refusal import ImportRefused
from securities.models import Dividend
from tests.factories import make_firm, make_security

GOOD = (
    "symbol,ex_date,pay_date,amount,qualified\n"
    "AAA,2026-11-27,2026-12-10,0.83,yes\n"
    "AAA,2027-02-26,2027-03-10,0.85,no\n"
)


def refusals(text: str) -> list[str]:
    with pytest.raises(ImportRefused) as refusal:
        read_dividends(text, name="d.csv", securities={"AAA": 1})
    return [str(problem) for problem in refusal.value.problems]


def test_a_dividend_may_lie_in_the_future_and_is_qualified_unless_the_file_says_no():
    first, second = read_dividends(GOOD, name="d.csv", securities={"AAA": 1})
    assert (first.amount, first.qualified, second.qualified) == (Decimal("0.83"), True, False)
    bare = read_dividends(
        "symbol,ex_date,pay_date,amount\nAAA,2026-11-27,2026-12-10,1\n",
        name="d",
        securities={"AAA": 1},
    )
    assert bare[0].qualified


def test_every_problem_is_named_with_its_line():
    said = refusals(
        "symbol,ex_date,pay_date,amount,qualified\n"
        "BBB,2026-11-27,2026-12-10,0.83,\n"
        "AAA,2026-11-27,2026-11-20,0,perhaps\n"
        "AAA,27.11.2026,2026-12-10,1e3,\n"
    )
    assert len(said) == 6
    assert "BBB" in said[0]
    assert refusals("symbol,ex_date,pay_date\nAAA,2026-11-27,2026-12-10\n")
    assert "line 2 already" in refusals(GOOD + "AAA,2026-11-27,2026-12-11,0.83,yes\n")[0]


@pytest.mark.django_db
def test_a_file_is_taken_once_and_a_contradiction_is_refused_unless_it_is_a_correction(
    tmp_path: Path,
):
    firm = make_firm()
    make_security(firm)
    path = tmp_path / "dividends.csv"
    path.write_text(GOOD)

    def run(*options: str) -> str:
        out = StringIO()
        call_command("import_dividends", str(path), *options, stdout=out, stderr=StringIO())
        return out.getvalue().strip()

    assert (
        run("--dry-run") == "dividends.csv: 2 dividends would be new, 0 known, 0 would be changed"
    )
    assert Dividend.objects.count() == 0
    assert run() == "dividends.csv: 2 dividends new, 0 known, 0 changed"
    assert run() == "dividends.csv: 0 dividends new, 2 known, 0 changed"
    path.write_text(GOOD.replace("0.83", "0.84") + "AAA,2027-05-26,2027-06-10,0.85,no\n")
    with pytest.raises(CommandError, match="nothing was changed"):
        run()
    assert Dividend.objects.count() == 2
    assert run("--correct") == "dividends.csv: 1 dividends new, 1 known, 1 changed"
    assert Dividend.objects.get(ex_date=date(2026, 11, 27)).amount == Decimal("0.84")
    assert AuditEvent.objects.filter(action="dividends.imported").count() == 2
