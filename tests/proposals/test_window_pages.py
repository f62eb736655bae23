"""The windows pages from the database: who is listed, what agrees with what, and at what price."""

import csv
import io
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from lots.types import EntryKind
from proposals import selectors
from proposals.models import ScheduledPurchase
from proposals.selectors import WindowFilter
from proposals.types import Cadence, Status
from tests.clients import API, make_client
from tests.factories import book, make_account, make_household
from tests.proposals.desk import BOUGHT, TODAY, Desk, make_desk

pytestmark = pytest.mark.django_db


@pytest.fixture
def desk() -> Desk:
    return make_desk()


def neighbours(desk: Desk, count: int) -> list[int]:
    """Households that bought OLD in a taxable account three days ago, and hold older shares at a loss."""
    found = []
    for number in range(count):
        household = make_household(desk.firm, f"Neighbour {number}")
        account = make_account(household, f"N-{number}")
        book(account, EntryKind.BUY, BOUGHT, desk.old, "10", amount="1000")
        book(account, EntryKind.BUY, TODAY - timedelta(days=3), desk.old, "2", amount="150")
        found.append(household.pk)
    return found


def listed(desk: Desk, **wanted: object) -> list[str]:
    rows = selectors.window_households(desk.adviser, TODAY, WindowFilter(**wanted))  # type: ignore[arg-type]
    return [row.name for row in rows]


def test_the_table_and_the_lock_out_list_have_the_same_dates(desk):
    """T36, and the firm's page says what the household's page says."""
    desk.approved()
    book(desk.ira, EntryKind.BUY, TODAY - timedelta(days=4), desk.sub, "1", amount="80")
    (household,) = neighbours(desk, 1)
    firm = selectors.window_rows_of(desk.firm.pk, [desk.household.pk, household], TODAY)
    assert firm[desk.household.pk] == selectors.household_windows(desk.household, TODAY).rows
    found = selectors.windows(desk.household.pk, TODAY)
    for row in firm[desk.household.pk]:
        assert (row.buy and row.buy.clear_on) == (
            found.buy_blocked[row.security].clear_on if row.security in found.buy_blocked else None
        )
        assert (row.sell and row.sell.clear_on) == (
            found.sell_blocked[row.security].clear_on
            if row.security in found.sell_blocked
            else None
        )
    assert {row.symbol for row in firm[desk.household.pk]} == {"OLD", "SUB"}
    assert [row.symbol for row in firm[household]] == ["OLD"]


def test_the_queries_do_not_grow_with_the_households(desk, django_assert_num_queries):
    households = neighbours(desk, 4)
    with CaptureQueriesContext(connection) as one:
        selectors.window_rows_of(desk.firm.pk, households[:1], TODAY)
    with django_assert_num_queries(len(one)):
        found = selectors.window_rows_of(desk.firm.pk, households, TODAY)
    assert all(len(rows) == 1 for rows in found.values())
    assert len(one) < 25


def test_only_households_with_something_open_are_listed_and_filters_narrow_them(desk):
    assert listed(desk) == []
    neighbours(desk, 2)
    assert listed(desk) == ["Neighbour 0", "Neighbour 1"]
    assert listed(desk, search="bour 1") == ["Neighbour 1"]
    assert listed(desk, ira=True) == listed(desk, drip=True) == listed(desk, incomplete=True) == []
    ScheduledPurchase.objects.create(
        account=desk.ira,
        security=desk.old,
        amount=Decimal(100),
        first_on=TODAY,
        cadence=Cadence.WEEKLY,
    )
    assert listed(desk, ira=True) == ["Miller"]


def test_what_is_sold_by_an_approved_proposal_is_not_offered_again(desk):
    book(desk.account, EntryKind.BUY, TODAY - timedelta(days=200), desk.old, "4", amount="400")
    desk.approved()
    (answer,) = selectors.household_windows(desk.household, TODAY).sold
    assert answer.symbol == "OLD"
    assert answer.answer.shares == 4
    assert answer.answer.is_clean


def test_one_share_of_what_was_sold_is_told_by_account(desk):
    book(desk.account, EntryKind.SELL, TODAY - timedelta(days=2), desk.old, "10", amount="800")
    (answer,) = selectors.household_windows(desk.household, TODAY).bought
    assert answer.taxable is not None
    assert answer.retirement is not None
    assert (answer.taxable.deferred, answer.retirement.permanent) == (Decimal(20), Decimal(20))
    assert answer.losses == ("OLD sold on 2022-12-26",)


def downloaded(client: Client, address: str) -> list[dict[str, str]]:
    answer = client.get(address)
    assert answer["Content-Disposition"] == 'attachment; filename="windows-2022-12-28.csv"'
    return list(csv.DictReader(io.StringIO(answer.content.decode())))


def test_the_pages_and_their_files_open_both_ways(desk):
    """A pending proposal that nobody has approved blocks nothing and is told."""
    client = Client()
    client.force_login(desk.adviser)
    neighbours(desk, 1)
    assert desk.submit().status == Status.PENDING
    base = f"/households/{desk.household.public_id}/windows/"
    for address in (base, f"{base}?way=buy", "/windows/", "/windows/?way=buy&drip=1&q=x"):
        assert client.get(address).status_code == 200, address
    assert "if approved" in client.get(f"{base}?way=buy").content.decode()
    (own,) = downloaded(client, f"{base}windows.csv?way=buy")
    assert (own["security"], own["clear_on"], own["if_approved_clear_on"]) == (
        "OLD",
        "",
        "2023-01-28",
    )
    pending, booked = downloaded(client, "/windows/windows.csv")
    assert (pending["household"], pending["security"]) == ("Miller", "SUB")
    assert (booked["household"], booked["security"]) == ("Neighbour 0", "OLD")
    assert (booked["clear_on"], booked["days_until_clear"]) == ("2023-01-25", "28")
    assert booked["outcome"] == "deferred"


def test_a_household_with_accounts_held_away_is_incomplete_on_screen_in_the_api_and_in_its_reports(
    desk, client
):
    """T11: whoever asks for the wash answer is told which accounts nobody saw."""
    away = make_account(desk.household, "B-9", owner="Bob")
    away.held_away = True
    away.save(update_fields=["held_away"])
    book(desk.account, EntryKind.BUY, TODAY - timedelta(days=3), desk.sub, "2", amount="100")
    household = desk.household.public_id
    client.force_login(desk.adviser)
    assert "Coverage incomplete: the transactions of Bob taxable (B-9) are not" in (
        client.get(f"/households/{household}/windows/").text
    )
    answer = make_client(desk.firm).get(f"{API}households/{household}/windows/").json()
    assert answer["not_checked"] == ["Bob taxable (B-9)"]
    assert [row["incomplete"] for row in answer["groups"]] == [True]
    report = client.get(f"/households/{household}/taxes/2022/form-8949.csv")
    text = b"".join(report.streaming_content).decode() if report.streaming else report.text
    assert "NOT CHECKED" in text
    assert "B-9" in text
    pending = desk.submit()
    assert pending.status == "pending"
