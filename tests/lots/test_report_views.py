"""The tax reports in the browser and as files, on the real tables."""

import io
from datetime import date
from decimal import Decimal

import pytest
from django.test import Client
from django.utils.html import escape
from openpyxl import load_workbook

from accounts.models import Account, AuditEvent, Firm, Household, TaxProfile
from accounts.types import AccountKind, FilingStatus, OwnerKind, Role
from lots import selectors
from lots.models import ReportedYear, TaxPolicy
from lots.services.policies import switches
from lots.types import EntryKind, Policy, SpousePolicy, TaxDeferredPolicy
from securities.models import Security
from tests.factories import (
    book,
    make_account,
    make_firm,
    make_household,
    make_security,
    make_user,
)
from tests.lots.tax_household import address, day, file_rows, make_taxed_household

pytestmark = pytest.mark.django_db

BUY, SELL = EntryKind.BUY, EntryKind.SELL


@pytest.fixture
def firm() -> Firm:
    return make_firm(pinned_date=day("2026-12-10"))


@pytest.fixture
def household(firm: Firm) -> Household:
    return make_taxed_household(firm)


@pytest.fixture
def browser(firm: Firm, client: Client) -> Client:
    client.force_login(make_user(firm))
    return client


def test_the_form_as_csv_has_w_a_positive_adjustment_and_totals(browser, household):
    rows = file_rows(browser, household, "2026/form-8949.csv")

    header = next(row for row in rows if row and row[0] == "(a) Description")
    line, total = rows[rows.index(header) + 1], rows[rows.index(header) + 2]
    assert line[:8] == [
        "100 sh. AAA", "2026-02-03", "2026-03-02", "3100.00", "4000.00", "W", "270.00", "-630.00",
    ]  # fmt: skip
    assert total[:8] == ["Totals", "", "", "3100.00", "4000.00", "", "270.00", "-630.00"]
    assert rows[0] == ["Form 8949 and Schedule D, 2026"]
    assert rows[1][0].startswith("Draft, not tax advice.")


def test_every_report_opens_as_page_csv_and_workbook(browser, household):
    for report in (
        "form-8949",
        "gains",
        "unrealized",
        "reconciliation",
        "carryforward",
        "readings",
    ):
        assert browser.get(address(household, f"2026/{report}/")).status_code == 200
        assert browser.get(address(household, f"2026/{report}.csv")).status_code == 200
        answer = browser.get(address(household, f"2026/{report}.xlsx"))
        assert load_workbook(io.BytesIO(answer.content)).sheetnames[0] == "About"


def test_only_the_form_itself_offers_a_txf_file(browser, household):
    form = browser.get(address(household, "2026/form-8949/")).content.decode()
    gains = browser.get(address(household, "2026/gains/")).content.decode()

    assert f'href="{address(household, "2026/form-8949.txf")}?return=' in form
    assert ".txf" not in gains


def test_the_workbook_holds_numbers_and_dates(browser, household):
    answer = browser.get(address(household, "2026/form-8949.xlsx"))

    sheet = load_workbook(io.BytesIO(answer.content))["Form 8949 box A"]

    line = [cell.value for cell in sheet[2]]
    assert line[3:8] == [3100, 4000, "W", 270, -630]
    assert sheet["B2"].is_date
    assert str(line[1])[:10] == "2026-02-03"
    assert {cell.data_type for cell in sheet[2][3:5]} == {"n"}


def test_the_form_comes_as_txf_too_and_no_other_report_does(browser, household):
    text = browser.get(address(household, "2026/form-8949.txf")).content.decode()

    assert text.splitlines()[4:] == [
        "TD", "N321", "C1", "L1", "P100 sh. AAA", "D02/03/2026", "D03/02/2026",
        "$4000.00", "$3100.00", "$270.00", "^",
    ]  # fmt: skip
    assert browser.get(address(household, "2026/gains.txf")).status_code == 404


def test_why_the_broker_differs_stands_on_a_line_of_its_own(browser, household):
    """At the right of eleven columns it was out of sight; files keep it in its column."""
    page = browser.get(address(household, "2026/reconciliation/")).content.decode()
    rows = file_rows(browser, household, "2026/reconciliation.csv")

    header = next(row for row in rows if row and row[0] == "Account")
    why = rows[rows.index(header) + 1][-1]
    assert header[-1] == "Why"
    assert "(R17): 270.00" in why
    assert f'<tr class="note"><td colspan="11">Why: {escape(why)}</td></tr>' in page
    assert ">Why</th>" not in page


def test_a_symbol_is_never_a_formula(firm, browser):
    household = make_household(firm)
    account = make_account(household)
    evil = make_security(firm, "=1+1")
    book(account, BUY, day("2026-02-03"), evil, "1", amount="10")
    book(account, SELL, day("2026-03-02"), evil, "1", amount="30")

    workbook = load_workbook(io.BytesIO(browser.get(address(household, "2026/gains.xlsx")).content))
    cell = workbook["Realised gains"]["C2"]
    assert (cell.value, cell.data_type) == ("=1+1", "s")
    rows = file_rows(browser, household, "2026/gains.csv")
    assert any("'=1+1" in row for row in rows)


def test_a_year_is_provisional_and_names_the_sales_still_open(firm, browser, household):
    account = Account.objects.get(number="T-2")
    bbb = make_security(firm, "BBB")
    book(account, BUY, day("2026-02-03"), bbb, "10", amount="1000")
    book(account, SELL, day("2026-12-01"), bbb, "10", amount="600", external_id="S-9")

    text = browser.get(address(household)).content.decode()

    assert "no figure of 2026 is final before 31 January 2027" in text
    assert (
        "Still open: BBB sold on 1 December 2026 (S-9), $400.00 of its loss through 31 December 2026."
        in text
    )


@pytest.mark.parametrize(("today", "is_final"), [("2027-01-30", False), ("2027-01-31", True)])
def test_a_year_is_final_from_31_january(firm, browser, household, today, is_final):
    Firm.objects.filter(pk=firm.pk).update(pinned_date=day(today))
    book(Account.objects.get(number="T-1"), EntryKind.CASH_IN, day("2027-01-30"), amount="1")

    text = browser.get(address(household, "2026/")).content.decode()

    assert ("Every wash-sale window of the year has closed." in text) is is_final
    assert ("PROVISIONAL" in text) is not is_final


def test_a_year_is_not_final_where_the_ledger_ends_inside_a_window(firm, browser):
    """The loss of 10 June 2024 is the last thing booked: nobody knows what was bought until 10 July."""
    silent = make_household(firm, "Silent")
    account = make_account(silent, "S-1")
    bbb = make_security(firm, "BBB")
    book(account, BUY, day("2024-02-01"), bbb, "10", amount="1000")
    book(account, SELL, day("2024-06-10"), bbb, "10", amount="600", external_id="S-9")

    text = browser.get(address(silent, "2024/")).content.decode()
    rows = file_rows(browser, silent, "2024/gains.csv")

    assert "Every wash-sale window" not in text
    assert (
        "NOT CLOSED: the ledger is booked through 10 June 2024 only. Purchases up to 30 January "
        "2025 would not be seen."
    ) in text
    assert "Not booked to the end of its window: BBB sold on 10 June 2024 (S-9), $400.00" in text
    assert (
        "Nothing is booked in Ann taxable (S-1) after 10 June 2024: purchases up to 10 July 2024 "
        "would not be seen."
    ) in text
    assert any("provisional" in row for row in rows)


def test_a_quiet_account_is_named_but_does_not_keep_the_year_open(firm, browser, household):
    """T-1 is booked through 30 January; T-2 ends on 10 March, inside the window of the loss of 2 March."""
    Firm.objects.filter(pk=firm.pk).update(pinned_date=day("2027-02-01"))
    book(Account.objects.get(number="T-1"), EntryKind.CASH_IN, day("2027-01-30"), amount="1")

    text = browser.get(address(household, "2026/")).content.decode()

    assert "Every wash-sale window of the year has closed." in text
    assert "Nothing is booked in Ann taxable (T-2) after 10 March 2026" in text
    assert "Nothing is booked in Ann taxable (T-1)" not in text


def test_accounts_held_away_are_named_as_not_checked(browser, household):
    away = make_account(household, "X-1", kind=AccountKind.K401)
    Account.objects.filter(pk=away.pk).update(held_away=True)
    book(Account.objects.get(number="T-1"), EntryKind.CASH_IN, day("2026-04-01"), amount="1")

    rows = file_rows(browser, household, "2026/form-8949.csv")

    assert any("NOT CHECKED" in row[0] and "X-1" in row[0] for row in rows if row)
    assert any("not checked" in row for row in rows)


@pytest.mark.parametrize(
    ("reading", "said"),
    [
        (
            {"spouse": SpousePolicy.TAXPAYER_ONLY},
            "U2 against losses of another owner: purchases in Bob taxable (B-1).",
        ),
        (
            {"tax_deferred": TaxDeferredPolicy.IRA_AND_ROTH_ONLY},
            "U7, being neither taxable nor an IRA: purchases in Ann 401k (K-1).",
        ),
    ],
)
def test_accounts_that_a_reading_leaves_out_are_named(firm, browser, household, reading, said):
    """The firm may read U2 and U7 the other way; the warning stays, for accounts held away too."""
    make_account(household, "B-1", owner="Bob")
    plan = make_account(household, "K-1", kind=AccountKind.K401)
    Account.objects.filter(pk=plan.pk).update(held_away=True)
    owner = Account.objects.get(number="T-1").owner_id

    def heading() -> str:
        answer = browser.get(address(household, f"2026/gains/?return={owner}"))
        return str(answer.content, "utf-8")

    assert "Not counted" not in heading()
    TaxPolicy.objects.create(
        firm=firm, author=make_user(firm, "counsel"), reason="Ours.", **switches(Policy(**reading))
    )
    assert f"Not counted under {said}" in heading()


def test_sales_in_a_taxable_account_held_away_are_said_to_be_missing(browser, household):
    away = make_account(household, "X-2")
    Account.objects.filter(pk=away.pk).update(held_away=True)

    text = browser.get(address(household, "2026/gains/")).content.decode()

    assert "NOT LISTED: sales in Ann taxable (X-2)." in text


def test_another_persons_held_away_account_does_not_concern_a_corporation(browser, household):
    corp = make_account(household, "C-1", owner="Miller Inc", owner_kind=OwnerKind.CORPORATION)
    away = make_account(household, "X-1", kind=AccountKind.K401)
    Account.objects.filter(pk=away.pk).update(held_away=True)

    hers = browser.get(address(household, "2026/")).content.decode()
    company = browser.get(address(household, f"2026/?return={corp.owner_id}")).content.decode()

    assert ("NOT CHECKED" in hers, "NOT CHECKED" in company) == (True, False)


def test_the_reports_tie_to_the_stored_disposals(browser, household):
    account = Account.objects.get(number="T-1")
    bbb = make_security(household.firm, "BBB")
    for month in (4, 5, 6):
        book(account, BUY, date(2026, month, 3), bbb, "3", amount="100", fee="0.01")
    for month in (8, 9, 10):
        book(account, SELL, date(2026, month, 3), bbb, "2", amount="33.34")

    rows = file_rows(browser, household, "2026/gains.csv")

    header = next(row for row in rows if row and row[0] == "Owner")
    gain = header.index("Gain or loss")
    (total,) = (row for row in rows if row and row[0] == "Year to date")
    lines = [row for row in rows if row and row[0] == "Ann"]
    told = selectors.realized(household.pk, 2026)
    assert Decimal(total[gain]) == round(told.short + told.long, 2)
    assert sum(Decimal(row[gain]) for row in lines) == Decimal(total[gain])


def test_funds_on_one_index_are_told_under_u1(browser, household):
    account = Account.objects.get(number="T-2")
    one, two = make_security(household.firm, "ONE"), make_security(household.firm, "TWO")
    Security.objects.filter(pk__in=[one.pk, two.pk]).update(is_fund=True, tracks_index="Big 500")
    book(account, BUY, day("2026-04-01"), one, "10", amount="1000")
    book(account, SELL, day("2026-08-03"), one, "10", amount="600")
    book(account, BUY, day("2026-08-10"), two, "10", amount="600")

    rows = file_rows(browser, household, "2026/reconciliation.csv")
    page = browser.get(address(household, "2026/")).content.decode()

    assert any("another CUSIP" in row[-1] for row in rows if row)
    assert "distinct unless listed" in page


def test_retirement_sales_appear_nowhere(browser, household):
    ira = make_account(household, "I-1", kind=AccountKind.ROTH_IRA)
    ccc = make_security(household.firm, "CCC")
    book(ira, BUY, day("2026-02-03"), ccc, "10", amount="1000")
    book(ira, SELL, day("2026-05-04"), ccc, "10", amount="600")

    for report in ("form-8949", "gains", "unrealized", "reconciliation"):
        assert not any(
            "CCC" in "".join(row) for row in file_rows(browser, household, f"2026/{report}.csv")
        )


def test_a_joint_return_has_one_form_and_a_corporation_its_own(browser, household):
    bob = make_account(household, "B-1", owner="Bob")
    corp = make_account(household, "C-1", owner="Miller Inc", owner_kind=OwnerKind.CORPORATION)
    ddd = make_security(household.firm, "DDD")
    for account in (bob, corp):
        book(account, BUY, day("2026-05-04"), ddd, "1", amount="10")
        book(account, SELL, day("2026-08-03"), ddd, "1", amount="30")
    TaxProfile.objects.create(
        household=household, year=2026, filing_status=FilingStatus.MARRIED_JOINTLY,
        federal_ordinary_rate=Decimal("0.35"), federal_long_rate=Decimal("0.15"),
    )  # fmt: skip

    joint = "".join(map("".join, file_rows(browser, household, "2026/gains.csv")))
    company = "".join(
        map("".join, file_rows(browser, household, f"2026/gains.csv?return={corp.owner_id}"))
    )
    his = "".join(
        map("".join, file_rows(browser, household, f"2026/gains.csv?return={bob.owner_id}"))
    )

    assert "Joint return of Ann and Bob" in joint
    assert ("T-1" in joint, "B-1" in joint, "C-1" in joint) == (True, True, False)
    assert ("T-1" in company, "B-1" in company, "C-1" in company) == (False, False, True)
    assert "Bob, part of the joint return" in his
    assert "T-1" not in his


def profile(household: Household, **more: Decimal) -> TaxProfile:
    return TaxProfile.objects.create(
        household=household, year=2026, filing_status=FilingStatus.SINGLE,
        federal_ordinary_rate=Decimal("0.22"), federal_long_rate=Decimal("0.15"), **more,
    )  # fmt: skip


def test_losses_are_carried_forward_by_the_worksheet(browser, household):
    """5,000 come in, 630 are added, 3,000 are used: 2,630 go on."""
    profile(
        household, ordinary_income=Decimal(90000), modified_agi=Decimal(100000),
        net_investment_income=Decimal(0), short_carryover=Decimal(5000),
    )  # fmt: skip

    rows = file_rows(browser, household, "2026/carryforward.csv")

    header = next(row for row in rows if row and row[0] == "Year")
    assert rows[rows.index(header) + 1] == [
        "2026", "5000.00", "0.00", "-5630.00", "0.00", "-5630.00", "-3000.00", "2630.00", "0.00", "",
    ]  # fmt: skip
    assert ["8", "Short-term carryover to the next year", "2630.00"] in rows


def test_the_carryforward_ties_to_the_form_of_a_fund_to_the_cent(browser, household):
    """Fund shares of 2011 are box E, those of 2013 box D: each box rounds its 0.33 by itself."""
    for symbol, bought in (("OLD", "2011-06-01"), ("NEW", "2013-06-03")):
        fund = make_security(household.firm, symbol)
        account = household.accounts.get(number="T-1")
        book(account, BUY, day(bought), fund, "3", amount="10")
        book(account, SELL, day("2026-05-04"), fund, "1", amount="1")
    household.firm.securities.update(is_fund=True)

    schedule = browser.get(address(household, "2026/")).context["schedule"]
    rows = file_rows(browser, household, "2026/carryforward.csv")

    assert schedule.line15 == Decimal("-4.66")
    header = next(row for row in rows if row and row[0] == "Year")
    line = dict(zip(header, rows[rows.index(header) + 1], strict=True))
    assert (line["Line 7"], line["Line 15"]) == (str(schedule.line7), "-4.66")


def test_a_tax_profile_that_lacks_income_says_what_to_enter(browser, household):
    incomplete = profile(household, ordinary_income=Decimal(90000))
    with_part = browser.get(address(household, "2026/")).content.decode()
    TaxProfile.objects.filter(pk=incomplete.pk).update(ordinary_income=None)
    without = browser.get(address(household, "2026/")).content.decode()

    assert "modified_agi" in with_part
    assert "the carryover depends on it" in without


def test_the_broker_sees_nothing_of_the_other_account(browser, household):
    rows = file_rows(browser, household, "2026/reconciliation.csv")

    header = next(row for row in rows if row and row[0] == "Account")
    line = rows[rows.index(header) + 1]
    assert line[4:9] == ["270.00", "0.00", "270.00", "4000.00", "4000.00"]
    assert line[-1] == "Another account of the owner bought (R17): 270.00"


def test_unrealised_gains_count_the_days_to_long_term(browser, household):
    rows = file_rows(browser, household, "2026/unrealized.csv")

    header = next(row for row in rows if row and row[0] == "Owner")
    line = dict(zip(header, rows[rows.index(header) + 1], strict=True))
    # 27 days held by the sold shares come on top: held from 11 February 2026.
    assert (line["Held from"], line["Long-term from"]) == ("2026-02-11", "2027-02-12")
    assert line["Days to long-term"] == "64"
    assert (line["Value"], line["Basis"], line["Gain or loss"]) == ("1500.00", "1230.00", "270.00")


def test_u4_is_always_shown_beside_the_figures(browser, household):
    text = browser.get(address(household)).content.decode()

    assert "literal acquired" in text


def test_the_reading_in_force_ties_to_the_form_where_a_cent_hangs_on_stored_digits(browser, firm):
    """Three thirds of 10,000.01: exactly 499.995 of gain, 499.9949 as the tables keep it."""
    household = make_household(firm)
    account = make_account(household)
    for symbol, proceeds in (("XAA", "2500"), ("XBB", "3500"), ("XCC", "4500.005")):
        security = make_security(firm, symbol)
        book(account, BUY, day("2026-02-03"), security, "300", amount="10000.01")
        book(account, SELL, day("2026-05-04"), security, "100", amount=proceeds)

    readings = file_rows(browser, household, "2026/readings.csv")
    gains = file_rows(browser, household, "2026/gains.csv")

    (in_force,) = (row for row in readings if len(row) > 1 and row[1] == "in force")
    (short,) = (row for row in gains if row and row[0] == "Short-term")
    assert in_force[2] == short[11] == "499.99"


def test_a_year_is_marked_as_reported_once_more_each_time_with_an_audit_event(browser, household):
    before = browser.get(address(household, "2026/")).content.decode()
    answer = browser.post(address(household, "2026/reported/"), follow=True)
    text = answer.content.decode()

    assert "Nothing of 2026 has been marked as reported." in before
    assert "They have not changed since." in text
    row = ReportedYear.objects.get()
    assert (row.household, row.year, row.author.username) == (household, 2026, "ada")
    assert '"short":"-630"' in row.figures
    assert AuditEvent.objects.filter(action="tax_year.reported").count() == 1


def test_a_late_purchase_shows_that_reported_figures_have_changed(browser, household):
    browser.post(address(household, "2026/reported/"))
    account = Account.objects.get(number="T-2")
    book(account, BUY, day("2026-03-20"), household.firm.securities.get(), "10", amount="320")

    text = browser.get(address(household, "2026/")).content.decode()

    assert "The figures are other ones now." in text


def test_a_role_that_decides_nothing_reports_nothing(firm, client, household):
    client.force_login(make_user(firm, "otto", role=Role.OPERATIONS))

    assert client.post(address(household, "2026/reported/")).status_code == 403
    assert "Mark 2026 as reported" not in client.get(address(household, "2026/")).content.decode()
    assert not ReportedYear.objects.exists()


@pytest.mark.parametrize(
    "rest",
    [
        "1/",
        "99999/",
        "2026/nonsense/",
        "2026/gains.exe",
        "2026/gains.csv?return=7777777",
        "2026/?return=x",
    ],
)
def test_what_is_not_there_is_404(browser, household, rest):
    assert browser.get(address(household, rest)).status_code == 404


def test_a_household_without_taxable_accounts_has_nothing_to_report(firm, browser):
    household = make_household(firm, "Retired")
    make_account(household, "I-9", kind=AccountKind.TRADITIONAL_IRA)

    assert "There is nothing to report." in browser.get(address(household)).content.decode()
    assert browser.get(address(household, "2026/gains/")).status_code == 404
    assert browser.post(address(household, "2026/reported/")).status_code == 404
