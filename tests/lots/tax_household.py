"""A household with one wash sale across two brokers, and the addresses of its tax reports."""

import csv
import io
from datetime import date

from django.test import Client

from accounts.models import Firm, Household
from lots.types import EntryKind
from tests.factories import book, make_account, make_household, make_security, set_price


def day(text: str) -> date:
    return date.fromisoformat(text)


def make_taxed_household(firm: Firm) -> Household:
    """Ann loses 900 on 100 AAA of T-1; 30 are bought back in T-2, so 270 are disallowed (R11)."""
    household = make_household(firm)
    ann, other = make_account(household), make_account(household, "T-2")
    aaa = make_security(firm)
    book(ann, EntryKind.BUY, day("2026-02-03"), aaa, "100", amount="4000")
    book(ann, EntryKind.SELL, day("2026-03-02"), aaa, "100", amount="3100")
    book(other, EntryKind.BUY, day("2026-03-10"), aaa, "30", amount="960")
    set_price(aaa, day("2026-12-09"), "50")
    return household


def address(household: Household, rest: str = "") -> str:
    return f"/households/{household.public_id}/taxes/{rest}"


def file_rows(browser: Client, household: Household, rest: str) -> list[list[str]]:
    """The rows of a report as CSV."""
    answer = browser.get(address(household, rest))
    assert answer.status_code == 200, answer.content[:300]
    return list(csv.reader(io.StringIO(answer.content.decode())))
