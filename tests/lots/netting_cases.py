"""Netting cases as files: reading one, running it through ``lots.netting``, and comparing to the cent.

A case is JSON: ``inputs`` (a year, a filing status, money as decimal strings; absent money is 0) and ``expected``, of
which only the keys present are checked. Every key is a figure of ``YearResult``.
"""

from decimal import Decimal
from typing import Any

from accounts.types import FilingStatus
from lots.netting import YearInputs, YearResult, net
from lots.rounding import cents

Row = dict[str, Any]


def run(case: Row) -> YearResult:
    """Net the case's year. Raises TypeError for an input that the engine does not know."""
    given = dict(case["inputs"])
    year, status = given.pop("year"), given.pop("filing_status")
    money = {name: Decimal(value) for name, value in given.items() if value is not None}
    return net(YearInputs(year=year, filing_status=FilingStatus(status), **money))


def failures(case: Row) -> list[str]:
    """Everything in which the engine differs from the case, in words; empty if nothing does."""
    result = run(case)
    return [
        f"{name}: expected {value}, got {cents(getattr(result, name))}"
        for name, value in case["expected"].items()
        if value is not None and cents(getattr(result, name)) != Decimal(value)
    ]
