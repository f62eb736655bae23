import csv
from datetime import UTC, date, datetime, timedelta
from io import StringIO

import pytest

from accounts.models import Account
from lots.models import Transaction
from scans import operations, services
from scans.alarms import AlarmKind
from scans.models import AccountOutcome, ScanItem, ScanRun
from scans.types import AccountState, ItemState
from securities import calendar
from tests.factories import make_firm, make_user

NIGHT = date(2022, 12, 28)
NOW = datetime(2022, 12, 29, 15, tzinfo=UTC)


@pytest.fixture
def adams(add_household):
    return add_household("Adams")


@pytest.fixture
def adviser(firm):
    return make_user(firm, "ada")


def scan(firm, day=NIGHT):
    run = services.open_run(firm_id=firm.pk, as_of=day, wake_workers=False)
    list(services.work_through(run_id=run.pk))
    return run


def start_clock(firm):
    """The firm is no demonstration, and its accounts have been there for long."""
    firm.pinned_date = None
    firm.save()


def record(firm, account, day, state=AccountState.SCANNED, reason=""):
    """A night of the past as it stands on record."""
    run, _ = ScanRun.objects.get_or_create(
        firm=firm, business_date=day, defaults={"finished_at": NOW}
    )
    run.started_at = run.finished_at = datetime(day.year, day.month, day.day, 23, 30, tzinfo=UTC)
    run.save()
    item, _ = ScanItem.objects.get_or_create(
        run=run, household=account.household, state=ItemState.DONE
    )
    AccountOutcome.objects.create(item=item, account=account, state=state, reason=reason)


def days_before(last, count):
    days = [last]
    while len(days) < count:
        days.append(calendar.previous_business_date(days[-1]))
    return days[::-1]


def kinds(found):
    return [alarm.kind for alarm in found.alarms]


def test_a_night_is_shown_with_its_counts(firm, adams, adviser):
    scan(firm)
    found = operations.operations(adviser, NOW)
    (row,) = found.nights
    assert (row.done, row.failed, row.open, row.skipped, row.quiet) == (1, 0, 0, 0, 0)
    assert row.proposals == {"harvest": 1}
    assert row.reasons == {"harvest_proposed": 1, "no_model": 1}
    assert [bar.scanned for bar in found.coverage.bars] == [1]
    assert found.alarms == []


def test_a_pinned_firm_does_not_miss_the_days_after_its_date(firm, adams, adviser):
    assert operations.operations(adviser, NOW).alarms == []
    scan(firm)
    years_later = NOW + timedelta(days=1500)
    found = operations.operations(adviser, years_later)
    assert found.alarms == []
    assert operations.due_nights(firm, years_later) == [NIGHT]


def test_a_firm_whose_clock_runs_misses_every_night_that_was_not_opened(
    firm, adams, adviser, monkeypatch
):
    account = Account.objects.get(number="T-Adams")
    start_clock(firm)
    record(firm, account, date(2022, 12, 27))
    found = operations.operations(adviser, NOW)
    assert [(one.kind, one.night) for one in found.alarms] == [(AlarmKind.MISSED_NIGHT, NIGHT)]


def test_an_account_that_was_enabled_and_not_scanned_for_ten_nights_is_listed_n3(
    firm, adams, adviser
):
    account = Account.objects.get(number="T-Adams")
    days = days_before(NIGHT, 12)
    for day in days:
        record(firm, account, day, AccountState.SKIPPED, "no_tax_profile")
    found = operations.operations(adviser, NOW)
    assert [row.account.id for row in found.idle] == [account.pk]
    assert AlarmKind.NOT_ACTED in kinds(found)
    Account.objects.filter(pk=account.pk).update(tax_managed=False)
    assert operations.operations(adviser, NOW).idle == []


def test_an_account_that_came_yesterday_is_not_listed(firm, adams, adviser):
    """Its bookings were made just now, long after the nights: it could not be part of them."""
    account = Account.objects.get(number="T-Adams")
    start_clock(firm)
    days = days_before(NIGHT, 12)
    run = ScanRun.objects.create(firm=firm, business_date=days[0], finished_at=NOW)
    assert run is not None
    assert Transaction.objects.filter(account=account).exists()
    found = operations.operations(adviser, NOW)
    assert found.idle == []
    assert AlarmKind.OFF_SCHEDULE not in kinds(found)


def test_every_other_night_raises_an_alarm_t2(firm, adams, adviser):
    account = Account.objects.get(number="T-Adams")
    days = days_before(NIGHT, 8)
    for place, day in enumerate(days):
        if place % 2:
            record(firm, account, day)
        else:
            ScanRun.objects.create(firm=firm, business_date=day, finished_at=NOW)
    found = operations.operations(adviser, NOW)
    assert kinds(found) == [AlarmKind.OFF_SCHEDULE]
    assert found.rows[0].gaps == tuple(days[::2])
    assert [bar.missing for bar in found.coverage.bars] == [1, 0] * 4


def test_the_page_and_the_file_state_the_dates_on_which_an_account_was_really_scanned(
    client, firm, adams, adviser
):
    """T2: the policy says daily; what was scanned every other night says on which nights it was not."""
    account = Account.objects.get(number="T-Adams")
    days = days_before(NIGHT, 8)
    for place, day in enumerate(days):
        if place % 2:
            record(firm, account, day)
        else:
            ScanRun.objects.create(firm=firm, business_date=day, finished_at=NOW)
    client.force_login(adviser)
    page = client.get("/operations/").content.decode()
    assert "1 enabled account not looked at on every business night: the policy says daily" in page
    row = page[page.index('<h2 id="effective">') :]
    row = row[row.index("<tbody>") : row.index("</tbody>")]
    for told in ("16 Dec 2022", "28 Dec 2022", '<td class="number">8</td>', '<td class="number">4'):
        assert told in row
    for day in days[::2][-3:]:
        assert f"{day:%b} {day.day}" in row
    file = b"".join(client.get("/operations/coverage.csv").streaming_content).decode()
    scanned = [
        line["night"]
        for line in csv.DictReader(StringIO(file))
        if line["number"] == "T-Adams" and line["state"] == "scanned"
    ]
    assert sorted(scanned) == [day.isoformat() for day in days[1::2]]


@pytest.mark.parametrize(("nights", "listed"), [(9, False), (10, True)])
def test_ten_nights_without_a_row_list_an_enabled_account_and_notify(
    client, firm, adams, adviser, nights, listed
):
    """T3: harvesting is on in the settings, no row was ever written: listed by name from the tenth night on."""
    account = Account.objects.get(number="T-Adams")
    days = days_before(NIGHT, nights + 1)
    record(firm, account, days[0])
    for day in days[1:]:
        ScanRun.objects.create(firm=firm, business_date=day, finished_at=NOW)
    assert not AccountOutcome.objects.exclude(item__run__business_date=days[0]).exists()
    found = operations.operations(adviser, NOW)
    assert [row.account.id for row in found.idle] == ([account.pk] if listed else [])
    assert (AlarmKind.NOT_ACTED in kinds(found)) is listed
    client.force_login(adviser)
    page = client.get("/operations/").content.decode()
    told = "1 enabled account not looked at for 10 business nights: Adams, Ann taxable"
    assert (told in page) is listed


def test_a_failed_household_is_an_alarm_t29(firm, adams, adviser):
    run = services.open_run(firm_id=firm.pk, as_of=NIGHT, wake_workers=False)
    run.items.update(state=ItemState.POISON, reason="failed")
    assert AlarmKind.FAILED_HOUSEHOLDS in kinds(operations.operations(adviser, NOW))


def test_the_page_shows_alarms_nights_and_a_chart(client, firm, adams, adviser):
    scan(firm)
    client.force_login(adviser)
    page = client.get("/operations/").content.decode()
    assert "Harvest 1" in page
    assert "<svg" in page
    assert "T-Adams" not in page or "Ann taxable" in page
    assert "Effective dates of every enabled account" in page


def test_the_coverage_file_has_a_line_for_each_account_and_night_rp10(client, firm, adams, adviser):
    scan(firm)
    client.force_login(adviser)
    answer = client.get("/operations/coverage.csv")
    text = b"".join(answer.streaming_content).decode()
    rows = list(csv.DictReader(StringIO(text)))
    assert [(row["number"], row["enabled"], row["state"], row["reason"]) for row in rows] == [
        ("T-Adams", "yes", "scanned", "no_model"),
        ("I-Adams", "no", "skipped", "empty_account"),
    ]
    assert [row["last_acted"] for row in rows] == ["2022-12-28", ""]


def test_another_firm_sees_nothing_of_it(firm, adams, adviser):
    scan(firm)
    eve = make_user(make_firm("Other", pinned_date=NIGHT), "eve")
    found = operations.operations(eve, NOW)
    assert (found.alarms, found.nights, found.rows) == ([], [], [])
    assert len(list(operations.coverage_lines(eve, NOW))) == 1


def test_a_night_under_way_raises_no_alarm(firm, adams, add_household, adviser):
    add_household("Baker")
    run = services.open_run(firm_id=firm.pk, as_of=NIGHT, wake_workers=False)
    services.work(item_id=run.items.order_by("pk")[0].pk)
    found = operations.operations(adviser, NOW)
    assert (found.alarms, found.rows) == ([], [])
    assert (found.nights[0].done, found.nights[0].open) == (1, 1)
