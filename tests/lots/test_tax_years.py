"""A household's tax year out of its books and its profile."""

from datetime import date
from decimal import Decimal as D
from fractions import Fraction as F

import pytest

from accounts.models import Account, TaxProfile
from accounts.types import AccountKind, OwnerKind
from lots.errors import BadEntry
from lots.netting import net
from lots.rates import UnknownYear
from lots.reports.filings import SeveralReturns
from lots.selectors import realized, tax_or_reason, tax_position, tax_years, year_inputs
from lots.types import EntryKind, YearToDate
from lots.year_tax import MissingIncome
from tests.factories import book, make_account, make_firm, make_household, make_security
from tests.tax_gaps import GAPS, open_gap

pytestmark = pytest.mark.django_db

BUY, SELL = EntryKind.BUY, EntryKind.SELL


@pytest.fixture
def account() -> Account:
    return make_account(make_household(make_firm(pinned_date=date(2024, 12, 31))))


def profile(account: Account, **changes: object) -> TaxProfile:
    """Single, 80,000 of ordinary income and 1,000 of dividends in 2024; the stated rates are far from the brackets."""
    values: dict[str, object] = {
        "year": 2024,
        "filing_status": "single",
        "federal_ordinary_rate": D("0.37"),
        "federal_long_rate": D("0.20"),
        "state_rate": D("0.05"),
        "ordinary_income": D(80000),
        "qualified_dividends": D(1000),
        "modified_agi": D(96000),
        "net_investment_income": D(2500),
    }
    return TaxProfile.objects.create(household=account.household, **{**values, **changes})


def trade(account: Account) -> None:
    """Short-term +300 and -200, of which 100 are disallowed; long-term -500."""
    aaa, bbb, ccc = (make_security(account.firm, symbol) for symbol in ("AAA", "BBB", "CCC"))
    book(account, BUY, date(2024, 1, 8), aaa, "10", amount="1000")
    book(account, SELL, date(2024, 3, 4), aaa, "10", amount="1300")
    book(account, BUY, date(2024, 1, 8), bbb, "20", amount="2000")
    book(account, SELL, date(2024, 3, 4), bbb, "20", amount="1800")
    book(account, BUY, date(2024, 3, 11), bbb, "10", amount="900")
    book(account, BUY, date(2022, 5, 2), ccc, "5", amount="1500")
    book(account, SELL, date(2024, 3, 5), ccc, "5", amount="1000")


def test_the_year_goes_in_by_term_with_wash_sales_apart(account: Account) -> None:
    trade(account)
    profile(
        account, short_outside=D(40), long_outside=D(-60), short_carryover=D(7), long_carryover=D(9)
    )

    inputs = year_inputs(account.household_id, 2024)

    assert inputs is not None
    assert (inputs.st_gain_loss, inputs.st_disallowed) == (D(140), D(100))  # 300 - 200 + 40
    assert (inputs.lt_gain_loss, inputs.lt_disallowed) == (D(-560), D(0))
    assert (inputs.st_carryover_in, inputs.lt_carryover_in) == (D(7), D(9))
    result = net(inputs)
    assert (result.line7, result.line15, result.line16) == (F(233), F(-569), F(-336))
    assert (inputs.magi, inputs.nii) == (D(95664), D(2164))  # the net loss is in them
    assert realized(account.household_id, 2024) == YearToDate(short=D(200), long=D(-500))


def test_retirement_accounts_corporations_and_other_years_stay_out(account: Account) -> None:
    trade(account)
    profile(account)
    aaa = make_security(account.firm, "DDD")
    ira = make_account(account.household, "R-1", kind=AccountKind.ROTH_IRA)
    company = make_account(
        account.household, "C-1", owner="Miller Inc", owner_kind=OwnerKind.CORPORATION
    )
    for other, year in ((ira, 2024), (company, 2024), (account, 2023)):
        book(other, BUY, date(year, 6, 3), aaa, "1", amount="10")
        book(other, SELL, date(year, 6, 4), aaa, "1", amount="9999")

    inputs = year_inputs(account.household_id, 2024)

    assert inputs is not None
    assert (inputs.st_gain_loss, inputs.lt_gain_loss) == (D(100), D(-500))


def test_the_position_takes_its_rates_from_the_brackets_of_the_year(account: Account) -> None:
    profile(account)
    found = tax_position(account.household_id, 2024)
    assert found is not None
    # 81,000 of taxable income in 2024: 22 % from 47,150 to 100,525, long-term gains 15 %; state 5 %.
    assert (found.short_rate, found.long_rate, found.ordinary_rate) == (
        D("0.27"),
        D("0.20"),
        D("0.27"),
    )
    assert found.loss_limit == D(3000)


def test_without_income_the_stated_rates_are_taken(account: Account) -> None:
    profile(account, ordinary_income=None)
    found = tax_position(account.household_id, 2024)
    assert found is not None
    assert (found.short_rate, found.long_rate) == (D("0.42"), D("0.25"))
    assert year_inputs(account.household_id, 2024) is None


def test_a_year_without_rates_is_refused_where_income_is_given(account: Account) -> None:
    profile(account, year=2019)
    with pytest.raises(UnknownYear, match="no tax rates of 2019"):
        tax_position(account.household_id, 2019)
    TaxProfile.objects.update(ordinary_income=None)
    assert tax_position(account.household_id, 2019) is not None


def test_income_without_agi_is_refused_by_name(account: Account) -> None:
    profile(account, modified_agi=None)
    with pytest.raises(MissingIncome, match="Miller for 2024 gives ordinary_income without modif"):
        tax_position(account.household_id, 2024)


def test_there_is_no_tax_year_without_a_profile(account: Account) -> None:
    assert year_inputs(account.household_id, 2024) is None
    assert tax_position(account.household_id, 2024) is None


@pytest.mark.parametrize("gap", GAPS)
def test_where_no_tax_can_be_computed_the_reason_is_told(
    account: Account, gap: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    profile(account)
    assert tax_or_reason(account.household_id, 2024) == (
        tax_position(account.household_id, 2024),
        "",
    )
    said = open_gap(gap, account.household, 2024, monkeypatch)
    position, why = tax_or_reason(account.household_id, 2024)
    assert position is None
    assert said in why


def test_a_ledger_error_is_no_reason_without_tax(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A ledger that contradicts itself is mended, not explained away."""

    def broken(household_id: int, year: int) -> None:
        raise BadEntry(entry="7", problem="it sells what it bought")

    monkeypatch.setattr(tax_years, "tax_position", broken)
    with pytest.raises(BadEntry, match="Entry 7"):
        tax_or_reason(account.household_id, 2024)


@pytest.mark.parametrize("status", ["mfs", "single", "hoh"])
@pytest.mark.parametrize("income", [D(80000), None])
def test_persons_who_file_apart_are_never_netted_together(
    account: Account, status: str, income: D | None
) -> None:
    profile(account, filing_status=status, ordinary_income=income)
    assert tax_position(account.household_id, 2024) is not None
    make_account(account.household, "R-1", owner="Bob", kind=AccountKind.ROTH_IRA)
    assert tax_position(account.household_id, 2024) is not None  # nothing of his is taxed
    make_account(account.household, "T-2", owner="Bob")
    for asked in (year_inputs, tax_position):
        with pytest.raises(SeveralReturns, match="Ann and Bob file separate returns for 2024"):
            asked(account.household_id, 2024)
    TaxProfile.objects.update(filing_status="mfj")
    assert tax_position(account.household_id, 2024) is not None
