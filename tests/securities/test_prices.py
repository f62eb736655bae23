from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from accounts.models import AuditEvent, Firm
from securities.importers.refusal import ImportRefused
from securities.models import CorporateAction, Price, Security
from securities.services import FileImport, import_prices
from securities.types import ActionKind
from tests.factories import make_firm, make_security

pytestmark = pytest.mark.django_db

LONG = "date,symbol,close\n2024-01-02,AAA,10\n2024-01-02,BBB,20.5\n2024-01-03,AAA,11\n"
WIDE = "date,AAA,BBB\n2024-01-02,10,20.5\n2024-01-03,11,\n"


@pytest.fixture
def firm() -> Firm:
    firm = make_firm(pinned_date=date(2024, 1, 31))
    for symbol in ("AAA", "BBB"):
        make_security(firm, symbol)
    return firm


def imported(firm: Firm, text: str, **options: bool) -> FileImport:
    return import_prices(
        firm=firm, user=None, file=text.encode(), name="p", as_of=date(2024, 1, 31), **options
    )


def refused(firm: Firm, text: str) -> list[str]:
    with pytest.raises(ImportRefused) as refusal:
        imported(firm, text)
    return [str(problem) for problem in refusal.value.problems]


def stored() -> list[tuple[str, date, Decimal]]:
    return list(
        Price.objects.order_by("day", "security__symbol").values_list(
            "security__symbol", "day", "close"
        )
    )


@pytest.mark.parametrize("text", [LONG, WIDE], ids=["long", "wide"])
def test_both_shapes_give_the_same_prices_and_again_nothing_new(firm: Firm, text: str) -> None:
    assert imported(firm, text) == FileImport(rows_new=3, rows_known=0, rows_changed=0)
    assert stored() == [
        ("AAA", date(2024, 1, 2), Decimal(10)),
        ("BBB", date(2024, 1, 2), Decimal("20.5")),
        ("AAA", date(2024, 1, 3), Decimal(11)),
    ]
    assert imported(firm, text) == FileImport(rows_new=0, rows_known=3, rows_changed=0)
    assert AuditEvent.objects.filter(action="prices.imported").count() == 1


def test_a_changed_price_is_refused_unless_it_is_a_correction(firm: Firm) -> None:
    imported(firm, LONG)
    changed = LONG.replace(",11\n", ",11.5\n") + "2024-01-04,AAA,12\n"

    assert refused(firm, changed) == [
        "p, line 4, column close: the close of AAA on 2024-01-03 is known as 11, not 11.5: import "
        "it as checked if the new one is right"
    ]
    assert Price.objects.count() == 3
    assert imported(firm, changed, correct=True) == FileImport(1, 2, 1)
    assert ("AAA", date(2024, 1, 3), Decimal("11.5")) in stored()


def test_a_dry_run_counts_and_stores_nothing(firm: Firm) -> None:
    assert imported(firm, LONG, dry_run=True) == FileImport(3, 0, 0)
    assert not Price.objects.exists()


BAD = [
    (
        "",
        "p: the file is empty",
    ),
    (
        "date,symbol,close\n",
        "p, line 1: the file has a header line and no rows",
    ),
    (
        "date,symbol,close,open\n2024-01-02,AAA,1,1\n",
        "p, line 1, column open: 'open' is no column of this format; accepted are date, symbol, close",
    ),
    (
        "date,symbol\n2024-01-02,AAA\n",
        "p, line 1, column close: the column is missing",
    ),
    (
        "day,AAA\n2024-01-02,1\n",
        "p, line 1: the first column is 'day'; accepted are a long file "
        "(date,symbol,close) and a wide one (date, then one column a symbol)",
    ),
    (
        "date\n2024-01-02\n",
        "p, line 1: there is no column of prices",
    ),
    (
        "date,AAA,ZZZ\n2024-01-02,1,1\n",
        "p, line 1, column ZZZ: 'ZZZ' is no known symbol",
    ),
    (
        "date,AAA,AAA\n2024-01-02,1,1\n",
        "p, line 1, column AAA: the column stands twice",
    ),
    (
        "date,AAA\n2024-01-02,\n",
        "p: the file holds no price",
    ),
    (
        "date,symbol,close\n2024-01-02,ZZZ,1\n",
        "p, line 2, column symbol: 'ZZZ' is no known symbol",
    ),
    (
        "date,symbol,close\n2024-02-01,AAA,1\n",
        "p, line 2, column date: 2024-02-01 is in the future: today is 2024-01-31",
    ),
    (
        "date,symbol,close\n2024-01-02,AAA,0\n",
        "p, line 2, column close: a price must be above zero",
    ),
    (
        "date,symbol,close\n2024-01-02,AAA,NaN\n",
        "p, line 2, column close: 'NaN' is not a plain number such as 1000 or 12.5",
    ),
    (
        "date,symbol,close\n2024-01-02,AAA,-1\n",
        "p, line 2, column close: '-1' is negative: numbers are given without a sign",
    ),
    (
        "date,symbol,close\n2024-01-02,AAA,\n",
        "p, line 2, column close: '' is not a plain number such as 1000 or 12.5",
    ),
    (
        "date,symbol,close\n2024-01-02,AAA,1.1234567\n",
        "p, line 2, column close: '1.1234567' has 7 decimals, at most 6 are accepted",
    ),
    (
        "date,symbol,close\n2024-01-02,AAA,10000000000\n",
        "p, line 2, column close: '10000000000' is too large: it must be below 10,000,000,000",
    ),
    (
        "date,symbol,close\n2024-01-02,AAA,1\n2024-01-02,AAA,2\n",
        "p, line 3, column close: 2 contradicts 1 on line 2 for 2024-01-02",
    ),
    (
        "date,AAA\n2024-01-02,x\n",
        "p, line 2, column AAA: 'x' is not a plain number such as 1000 or 12.5",
    ),
]


@pytest.mark.parametrize(("text", "problem"), BAD)
def test_a_bad_file_of_prices_is_refused_with_its_place(
    firm: Firm, text: str, problem: str
) -> None:
    assert refused(firm, text) == [problem]
    assert not Price.objects.exists()


def test_the_command_imports_once(
    firm: Firm, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "p.csv"
    path.write_text(LONG)

    for options in ({"dry_run": True}, {}, {}):
        call_command("import_prices", path, firm=firm.name, **options)

    assert capsys.readouterr().out.splitlines() == [
        "p.csv: 3 prices would be new, 0 known, 0 would be changed",
        "p.csv: 3 prices new, 0 known, 0 changed",
        "p.csv: 0 prices new, 3 known, 0 changed",
    ]


def test_the_command_needs_the_firm_only_where_there_are_several(
    firm: Firm, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "p.csv"
    path.write_text(LONG)

    call_command("import_prices", path)
    assert capsys.readouterr().out == "p.csv: 3 prices new, 0 known, 0 changed\n"

    make_firm("Another")
    there_are = f"there are: Another, {firm.name}."
    with pytest.raises(CommandError) as refusal:
        call_command("import_prices", path)
    assert str(refusal.value) == f"Name the firm with --firm; {there_are}"
    with pytest.raises(CommandError) as refusal:
        call_command("import_prices", path, firm="Nobody")
    assert str(refusal.value) == f"There is no firm 'Nobody'; {there_are}"


def test_the_command_names_every_problem_on_a_line_of_its_own(
    firm: Firm, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "p.csv"
    path.write_text("date,symbol,close\n2024-01-02,YYY,1\n2024-01-02,ZZZ,1\n")

    with pytest.raises(CommandError, match=r"p\.csv is refused, nothing was changed"):
        call_command("import_prices", path, firm=str(firm.pk))

    assert capsys.readouterr().err.splitlines() == [
        "p.csv, line 2, column symbol: 'YYY' is no known symbol",
        "p.csv, line 3, column symbol: 'ZZZ' is no known symbol",
    ]


def test_a_close_that_jumps_is_refused_until_somebody_has_looked(firm: Firm) -> None:
    imported(firm, "date,symbol,close\n2024-01-02,AAA,100\n")
    jump = "date,symbol,close\n2024-01-03,AAA,1000000\n"
    assert refused(firm, jump) == [
        "p, line 2, column close: the close of AAA goes from 100 to 1000000 on 2024-01-03: book the split, mend the "
        "price, or import it as checked"
    ]
    assert Price.objects.count() == 1
    imported(firm, jump, correct=True)
    assert Price.objects.count() == 2


def test_a_booked_split_explains_a_jump(firm: Firm) -> None:
    imported(firm, "date,symbol,close\n2024-01-02,AAA,100\n")
    CorporateAction.objects.create(
        security=Security.objects.get(symbol="AAA"),
        kind=ActionKind.SPLIT,
        effective_on=date(2024, 1, 3),
        ratio=2,
    )
    imported(firm, "date,symbol,close\n2024-01-03,AAA,50\n")
    assert Price.objects.count() == 2


def test_no_market_closes_on_a_saturday(firm: Firm) -> None:
    assert refused(firm, "date,symbol,close\n2024-01-06,AAA,10\n") == [
        "p, line 2, column date: 2024-01-06 is a Saturday: no market closes on it"
    ]


def test_a_price_that_was_looked_at_is_known_as_checked_and_not_asked_about_again(
    firm: Firm,
) -> None:
    imported(firm, "date,symbol,close\n2024-01-02,AAA,100\n2024-01-03,BBB,5\n")
    jump = "date,symbol,close\n2024-01-03,AAA,1000000\n"
    imported(firm, jump, correct=True)
    checked = Price.objects.filter(is_checked=True)
    assert [(row.security.symbol, row.day) for row in checked] == [("AAA", date(2024, 1, 3))]
    assert imported(firm, jump) == FileImport(0, 1, 0)
    event = AuditEvent.objects.latest("sequence")
    assert '"facts":{"changed":0,"checked":1,"new":1}' in event.payload


def test_a_price_on_record_may_be_looked_at_later(firm: Firm) -> None:
    """The harvest doubts what was stored before anybody was asked: the same row as checked settles it."""
    imported(firm, "date,symbol,close\n2024-01-02,AAA,100\n")
    row = Price.objects.get()
    imported(firm, "date,symbol,close\n2024-01-02,AAA,100\n", correct=True)
    row.refresh_from_db()
    assert row.is_checked
    assert AuditEvent.objects.filter(action="prices.imported").count() == 2
    imported(firm, "date,symbol,close\n2024-01-02,AAA,100\n", correct=True)
    assert AuditEvent.objects.filter(action="prices.imported").count() == 2
