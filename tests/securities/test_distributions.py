"""Announced capital-gain distributions from a file: all or none, again without effect."""

from datetime import date
from decimal import Decimal
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction

from accounts.models import AuditEvent
from securities.importers.distributions import read_distributions
from securities.importers.refusal import ImportRefused
from securities.models import AnnouncedDistribution
from securities.selectors import announced_distributions
from securities.types import DistributionKind
from tests.factories import make_firm, make_security

GOOD = (
    "symbol,ex_date,kind,amount,source\n"
    "AAA,2026-12-17,long,1.2345,estimate of November\n"
    "AAA,2026-12-17,short,0.08,\n"
)
DAY = date(2026, 12, 17)


def refusals(text: str) -> list[str]:
    with pytest.raises(ImportRefused) as refusal:
        read_distributions(text, name="d.csv", securities={"AAA": 1})
    return [str(problem) for problem in refusal.value.problems]


def test_both_kinds_may_go_ex_on_one_day_and_the_source_may_be_left_out():
    long, short = read_distributions(GOOD, name="d.csv", securities={"AAA": 1})
    assert (long.kind, long.amount, long.source) == (
        DistributionKind.LONG,
        Decimal("1.2345"),
        "estimate of November",
    )
    assert (short.kind, short.amount, short.source) == (
        DistributionKind.SHORT,
        Decimal("0.08"),
        "",
    )
    (bare,) = read_distributions(
        "symbol,ex_date,kind,amount\nAAA,2026-12-17,long,1\n", name="d", securities={"AAA": 1}
    )
    assert bare.source == ""


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("BBB,2026-12-17,long,1,", "line 2, column symbol: 'BBB' is no known symbol"),
        ("AAA,17.12.2026,long,1,", "line 2, column ex_date: '17.12.2026' is not a date"),
        ("AAA,2026-12-17,qualified,1,", "column kind: 'qualified' is none of long, short"),
        ("AAA,2026-12-17,long,0,", "column amount: a distribution must be above zero"),
        ("AAA,2026-12-17,long,-1,", "column amount: '-1' is negative"),
        ("AAA,2026-12-17,long,1,=1+1", "column source: '=1+1' begins like a spreadsheet formula"),
    ],
)
def test_what_is_wrong_is_named(row: str, said: str):
    (found,) = refusals(f"symbol,ex_date,kind,amount,source\n{row}\n")
    assert said in found


def test_a_row_twice_and_a_missing_column_are_refused():
    assert "line 2 already" in refusals(GOOD + "AAA,2026-12-17,long,1.3,\n")[0]
    assert "the column is missing" in refusals("symbol,ex_date,amount\nAAA,2026-12-17,1\n")[0]


@pytest.mark.django_db
def test_a_file_is_taken_once_and_a_contradiction_is_refused_unless_it_is_a_correction(
    tmp_path: Path,
):
    make_security(make_firm())
    path = tmp_path / "gains.csv"
    path.write_text(GOOD)

    def run(*options: str) -> str:
        out = StringIO()
        call_command("import_distributions", str(path), *options, stdout=out, stderr=StringIO())
        return out.getvalue().strip()

    assert (
        run("--dry-run") == "gains.csv: 2 distributions would be new, 0 known, 0 would be changed"
    )
    assert AnnouncedDistribution.objects.count() == 0
    assert run() == "gains.csv: 2 distributions new, 0 known, 0 changed"
    assert run() == "gains.csv: 0 distributions new, 2 known, 0 changed"
    path.write_text(GOOD.replace("1.2345", "1.31") + "AAA,2027-12-16,long,2,\n")
    with pytest.raises(CommandError, match="nothing was changed"):
        run()
    assert AnnouncedDistribution.objects.count() == 2
    assert run("--correct") == "gains.csv: 1 distributions new, 1 known, 1 changed"
    assert AnnouncedDistribution.objects.get(ex_date=DAY, kind="long").amount == Decimal("1.31")
    assert AuditEvent.objects.filter(action="distributions.imported").count() == 2


@pytest.mark.django_db
def test_those_of_some_securities_in_some_days_are_read_in_one_query(django_assert_num_queries):
    firm = make_firm()
    one, other = make_security(firm), make_security(firm, "BBB")
    for day in (16, 17, 18, 19):
        AnnouncedDistribution.objects.create(
            security=one, ex_date=DAY.replace(day=day), kind="long", amount=Decimal(day)
        )
    AnnouncedDistribution.objects.create(security=other, ex_date=DAY, kind="long", amount=1)
    with django_assert_num_queries(1):
        rows = announced_distributions({one.pk}, DAY.replace(day=16), DAY.replace(day=18))
    assert [row[1].day for row in rows] == [17, 18]


@pytest.mark.django_db
@pytest.mark.parametrize("wrong", [{"kind": "other"}, {"amount": Decimal(0)}])
def test_the_database_refuses_what_is_none(wrong: dict[str, object]):
    security = make_security(make_firm())
    row = {"security": security, "ex_date": DAY, "kind": "long", "amount": Decimal(1)}
    with pytest.raises(IntegrityError), transaction.atomic():
        AnnouncedDistribution.objects.create(**{**row, **wrong})
