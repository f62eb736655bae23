"""A supplied risk model from a file: all or nothing, dated, again without effect."""

from datetime import date
from decimal import Decimal as D
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from accounts.models import AuditEvent
from rebalancing.models import SuppliedLoading, SuppliedRisk, SuppliedSpecific
from rebalancing.risk_data.risk_files import read_figures
from securities.importers.refusal import ImportRefused
from tests.factories import make_firm, make_security

KEYS = {"AAA": 1, "BBB": 2}
GOOD = """figure,of,factor,value
loading,AAA,Market,1.08
loading,AAA,Value,-0.2
loading,BBB,Market,0.9
loading,BBB,Value,0
covariance,Market,Market,0.03
covariance,Value,Market,-0.0021
covariance,Value,Value,0.01
specific_variance,AAA,,0.046
specific_variance,BBB,,0.03
"""


def refusals(text: str) -> list[str]:
    with pytest.raises(ImportRefused) as refusal:
        read_figures(text, name="r.csv", securities=KEYS)
    return [str(problem) for problem in refusal.value.problems]


def test_figures_are_read_exactly() -> None:
    figures = read_figures(GOOD, name="r.csv", securities=KEYS)
    assert figures.factors == ("Market", "Value")
    assert figures.loadings[1, "Value"] == D("-0.2")
    assert figures.covariances["Market", "Value"] == D("-0.0021")
    assert figures.specific_variances == {1: D("0.046"), 2: D("0.03")}


def test_every_problem_of_a_row_is_named_with_its_line() -> None:
    said = refusals(
        "figure,of,factor,value\n"
        "beta,AAA,Market,1\n"
        "loading,XXX,Market,1\n"
        "loading,AAA,=Market,1\n"
        "loading,AAA,Market,1e3\n"
        "specific_variance,AAA,Market,0.1\n"
        "specific_variance,BBB,,-0.1\n"
        "covariance,Market,Value,nan\n"
        "loading,AAA,Market,1.000000001\n"
    )
    lines = [int(line.split("line ")[1].split(",")[0].split(":")[0]) for line in said]
    assert lines == [2, 3, 4, 5, 6, 7, 8, 9, 9]
    assert "none of loading, covariance" in said[0]
    assert "'XXX' is no known symbol" in said[1]
    assert "stands on line 5 already" in said[7] + said[8]


@pytest.mark.parametrize(
    ("left_out", "reason"),
    [
        ("loading,BBB,Value,0\n", "the loading of BBB on Value is missing: give 0"),
        ("covariance,Value,Market,-0.0021\n", "the covariance of Market and Value is missing"),
        ("specific_variance,BBB,,0.03\n", "the specific variance of BBB is missing"),
    ],
)
def test_what_is_left_out_is_named(left_out: str, reason: str) -> None:
    assert GOOD.count(left_out) == 1
    said = refusals(GOOD.replace(left_out, ""))
    assert len(said) == 1
    assert reason in said[0]


def test_a_pair_of_factors_stands_once_in_either_order() -> None:
    said = refusals(GOOD + "covariance,Market,Value,-0.0021\n")
    assert said == ["r.csv, line 11: the figure stands on line 7 already"]


def run(path: Path, *options: str) -> str:
    out = StringIO()
    call_command("import_loadings", str(path), *options, stdout=out, stderr=out)
    return out.getvalue()


@pytest.mark.django_db
def test_a_file_is_taken_once_and_another_of_its_day_only_as_a_correction(tmp_path: Path) -> None:
    firm = make_firm(pinned_date=date(2022, 12, 28))
    for symbol in KEYS:
        make_security(firm, symbol)
    path = tmp_path / "risk.csv"
    path.write_text(GOOD)
    day = ("--as-of", "2022-12-20")

    assert "would be new" in run(path, *day, "--dry-run")
    assert not SuppliedRisk.objects.exists()
    assert "2 securities on 2 factors as of 2022-12-20, new" in run(path, *day)
    assert "known" in run(path, *day)
    assert AuditEvent.objects.filter(action="risk_model.imported").count() == 1

    path.write_text(GOOD.replace("1.08", "1.2"))
    with pytest.raises(CommandError):
        run(path, *day)
    assert SuppliedLoading.objects.filter(loading=D("1.08")).exists()
    assert "changed" in run(path, *day, "--correct")
    assert not SuppliedLoading.objects.filter(loading=D("1.08")).exists()
    assert (SuppliedRisk.objects.count(), SuppliedSpecific.objects.count()) == (1, 2)
    assert "new" in run(path, "--as-of", "2022-12-27")
    assert SuppliedRisk.objects.count() == 2


@pytest.mark.django_db
def test_what_is_no_covariance_or_lies_ahead_is_refused(tmp_path: Path) -> None:
    firm = make_firm(pinned_date=date(2022, 12, 28))
    for symbol in KEYS:
        make_security(firm, symbol)
    path = tmp_path / "risk.csv"
    path.write_text(GOOD.replace("-0.0021", "0.9"))
    out = StringIO()
    with pytest.raises(CommandError):
        call_command("import_loadings", str(path), "--as-of", "2022-12-29", stderr=out)
    assert "lies ahead: today is 2022-12-28" in out.getvalue()
    assert "it is no covariance matrix" in out.getvalue()
    assert not SuppliedRisk.objects.exists()
