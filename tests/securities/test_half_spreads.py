"""Half spreads from a day on: which one is in force, where it comes from, and how a file brings them in (F9)."""

from datetime import date
from decimal import Decimal as D
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction

from accounts.models import AuditEvent, Firm
from securities import selectors
from securities.importers.half_spreads import read_half_spreads
from securities.importers.refusal import ImportRefused
from securities.models import HalfSpread, Security
from securities.types import BUILT_IN_SPREAD, AssetClass
from tests.factories import make_firm, make_security

FIRST, SECOND = date(2026, 1, 5), date(2026, 3, 2)
BEFORE, BETWEEN = date(2026, 1, 4), date(2026, 3, 1)


def state(firm: Firm, since: date, fraction: str, **of: object) -> HalfSpread:
    return HalfSpread.objects.create(firm=firm, since=since, fraction=D(fraction), **of)


def told(firm: Firm, security: Security, day: date) -> tuple[D, str]:
    found = selectors.trading_facts(firm.pk, day)[security.pk]
    return found.half_spread, found.spread_source.words


# Which one is in force


@pytest.mark.django_db
def test_a_security_of_which_nobody_has_said_anything_has_the_built_in_one() -> None:
    firm = make_firm()
    aapl = make_security(firm, "AAPL", half_spread=None)
    assert told(firm, aapl, FIRST) == (BUILT_IN_SPREAD, "built in")
    assert D("0.0005") == BUILT_IN_SPREAD


@pytest.mark.django_db
def test_each_of_its_own_holds_from_its_day_to_the_next() -> None:
    firm = make_firm()
    aapl = make_security(firm, "AAPL", half_spread="0.0002")
    other = make_security(firm, "MSFT", half_spread="0.0007")
    state(firm, SECOND, "0.0004", security=aapl)
    state(firm, FIRST, "0.0003", security=aapl)
    assert told(firm, aapl, BEFORE) == (D("0.0002"), "AAPL's own")
    assert told(firm, aapl, FIRST) == (D("0.0003"), "AAPL's own, of 5 January 2026")
    assert told(firm, aapl, BETWEEN) == (D("0.0003"), "AAPL's own, of 5 January 2026")
    assert told(firm, aapl, SECOND) == (D("0.0004"), "AAPL's own, of 2 March 2026")
    assert told(firm, other, SECOND) == (D("0.0007"), "MSFT's own")


@pytest.mark.django_db
def test_the_default_of_the_class_then_the_firms_then_the_built_in_one() -> None:
    firm, stranger = make_firm(), make_firm("Other")
    stock = make_security(firm, "AAPL", half_spread=None)
    bond = make_security(firm, "AGG", half_spread=None, asset_class=AssetClass.FIXED_INCOME)
    own = make_security(firm, "MSFT", half_spread="0.0002")
    state(firm, SECOND, "0.0006", asset_class="us_equity")
    state(firm, FIRST, "0.0009")
    state(stranger, FIRST, "0.08")
    state(stranger, FIRST, "0.09", asset_class="us_equity")
    assert told(firm, stock, BEFORE) == (BUILT_IN_SPREAD, "built in")
    assert told(firm, stock, BETWEEN) == (D("0.0009"), "the firm's default, of 5 January 2026")
    assert told(firm, stock, SECOND) == (D("0.0006"), "default of US equity, of 2 March 2026")
    assert told(firm, bond, SECOND) == (D("0.0009"), "the firm's default, of 5 January 2026")
    assert told(firm, own, SECOND) == (D("0.0002"), "MSFT's own")
    state(firm, SECOND, "0", security=own)
    assert told(firm, own, SECOND) == (D(0), "MSFT's own, of 2 March 2026")


@pytest.mark.django_db
def test_figures_are_exact_to_the_last_place() -> None:
    firm = make_firm()
    aapl = make_security(firm, "AAPL", half_spread=None)
    state(firm, FIRST, "0.12345678", security=aapl)
    assert told(firm, aapl, FIRST)[0] == D("0.12345678")


@pytest.mark.django_db
@pytest.mark.parametrize("fraction", ["1", "-0.1"])
def test_the_database_refuses_what_is_no_half_spread(fraction: str) -> None:
    firm = make_firm()
    with pytest.raises(IntegrityError), transaction.atomic():
        state(firm, FIRST, fraction)


@pytest.mark.django_db
def test_one_a_day_and_of_one_thing() -> None:
    firm = make_firm()
    aapl = make_security(firm, "AAPL")
    for of in ({"security": aapl}, {"asset_class": "us_equity"}, {}):
        state(firm, FIRST, "0.001", **of)
        with pytest.raises(IntegrityError), transaction.atomic():
            state(firm, FIRST, "0.002", **of)
    with pytest.raises(IntegrityError), transaction.atomic():
        state(firm, SECOND, "0.001", security=aapl, asset_class="us_equity")
    with pytest.raises(IntegrityError), transaction.atomic():
        state(firm, SECOND, "0.001", asset_class="stocks")


# From a file

GOOD = (
    "symbol,asset_class,since,half_spread\nAAPL,,2026-03-02,0.0004\n,us_equity,2026-03-02,0.0006\n"
)


def refusals(text: str) -> list[str]:
    with pytest.raises(ImportRefused) as refusal:
        read_half_spreads(text, name="spreads.csv", securities={"AAPL": 1, "MSFT": 2})
    return [str(problem) for problem in refusal.value.problems]


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("ZZZ,,2026-03-02,0.0004", "line 2, column symbol: 'ZZZ' is no known symbol"),
        (",stocks,2026-03-02,0.0004", "line 2, column asset_class: 'stocks' is none of us_equity"),
        ("AAPL,us_equity,2026-03-02,0.0004", "line 2, column symbol: name a symbol or an asset class"),
        (",,2026-03-02,0.0004", "line 2, column symbol: name a symbol or an asset class"),
        ("AAPL,,02.03.2026,0.0004", "line 2, column since"),
        ("AAPL,,2026-03-02,4", "line 2, column half_spread: '4' is too large"),
        ("AAPL,,2026-03-02,-0.1", "line 2, column half_spread: '-0.1' is negative"),
        ("AAPL,,2026-03-02,0.000000001", "has 9 decimals"),
        ("AAPL,,2026-03-02,0\nAAPL,,2026-03-02,0", "line 3: the half spread from that day stands on line 2"),
    ],
)  # fmt: skip
def test_every_problem_is_named_with_its_line(row: str, said: str) -> None:
    (found,) = refusals(f"symbol,asset_class,since,half_spread\n{row}\n")
    assert said in found


def test_a_file_of_securities_needs_no_column_of_classes() -> None:
    rows = read_half_spreads(
        "symbol,since,half_spread\nAAPL,2026-03-02,0.0004\n", name="s.csv", securities={"AAPL": 7}
    )
    assert [(row.security, row.asset_class, row.fraction) for row in rows] == [(7, "", D("0.0004"))]
    assert "the column is missing" in refusals("symbol,half_spread\nAAPL,0.1\n")[0]


@pytest.mark.django_db
def test_a_file_is_taken_once_and_another_figure_only_as_a_correction(tmp_path: Path) -> None:
    firm = make_firm()
    aapl = make_security(firm, "AAPL", half_spread=None)
    msft = make_security(firm, "MSFT", half_spread=None)
    path = tmp_path / "spreads.csv"
    path.write_text(GOOD, encoding="utf-8")

    def run(*options: str) -> str:
        out = StringIO()
        call_command("import_half_spreads", str(path), *options, stdout=out, stderr=out)
        return out.getvalue()

    assert "2 half spreads would be new" in run("--dry-run")
    assert not HalfSpread.objects.exists()
    assert "2 half spreads new" in run()
    assert "0 half spreads new, 2 known, 0 changed" in run()
    assert AuditEvent.objects.filter(action="half_spreads.imported").count() == 1
    path.write_text(GOOD.replace("0.0006", "0.0008"), encoding="utf-8")
    with pytest.raises(CommandError, match="nothing was changed"):
        run()
    assert told(firm, msft, SECOND)[0] == D("0.0006")
    assert "1 known, 1 changed" in run("--correct")
    assert told(firm, msft, SECOND) == (D("0.0008"), "default of US equity, of 2 March 2026")
    assert told(firm, aapl, SECOND) == (D("0.0004"), "AAPL's own, of 2 March 2026")
