"""The what-if page: what it shows, and that a refusal keeps what was typed."""

from datetime import date
from decimal import Decimal as D
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import Account, TaxProfile
from accounts.types import AccountKind
from lots.models import TaxLot, Transaction
from lots.types import EntryKind
from tests.factories import (
    book,
    make_account,
    make_firm,
    make_household,
    make_security,
    make_user,
    set_price,
)

pytestmark = pytest.mark.django_db

TODAY = date(2026, 4, 6)


@pytest.fixture
def account() -> Account:
    """A 50 at 20 and B 50 at 30 of 2025; C 20 at 28 of 20 March 2026; the last close is 25."""
    held = make_account(make_household(make_firm(pinned_date=TODAY)))
    stock = make_security(held.firm, "MMM")
    book(held, EntryKind.BUY, date(2025, 1, 15), stock, "50", amount="1000")
    book(held, EntryKind.BUY, date(2025, 3, 3), stock, "50", amount="1500")
    book(held, EntryKind.BUY, date(2026, 3, 20), stock, "20", amount="560")
    set_price(stock, date(2026, 4, 2), "25")
    return held


@pytest.fixture
def browser(account: Account) -> Client:
    client = Client()
    client.force_login(make_user(account.firm))
    return client


def ask(browser: Client, account: Account, **typed: str):
    asked = {"account": str(account.public_id), "security": "MMM", **typed}
    return browser.get(reverse("what-if", args=[account.household.public_id]), asked)


def income(account: Account) -> None:
    TaxProfile.objects.create(
        household=account.household,
        year=2026,
        filing_status="single",
        federal_ordinary_rate=D("0.37"),
        federal_long_rate=D("0.20"),
        ordinary_income=D(80000),
        modified_agi=D(95000),
        net_investment_income=D(0),
    )


def column(answer, code: str):
    return next(one for one in answer.context["answer"].columns if one.code == code)


def test_the_page_offers_taxable_positions_only(account: Account, browser: Client):
    ira = make_account(account.household, "R-1", kind=AccountKind.ROTH_IRA)
    book(ira, EntryKind.BUY, date(2025, 1, 15), make_security(account.firm, "ZZZ"), "1", amount="5")
    page = browser.get(reverse("what-if", args=[account.household.public_id]))
    assert page.status_code == 200
    assert page.context["accounts"] == [account]
    assert page.context["symbols"] == ["MMM"]


def test_a_chosen_position_shows_its_lots_at_the_latest_close(account: Account, browser: Client):
    page = ask(browser, account)
    assert page.status_code == 200
    position = page.context["position"]
    assert (position.price, position.priced_on) == (D(25), date(2026, 4, 2))
    assert [(lot.shares, lot.term, lot.gain) for lot in position.lots] == [
        (D(50), "long", D(250)),
        (D(50), "long", D(-250)),
        (D(20), "short", D(-60)),
    ]
    assert "answer" not in page.context


def test_every_method_stands_side_by_side_with_its_tax(account: Account, browser: Client):
    income(account)
    page = ask(browser, account, shares="60")
    assert [one.code for one in page.context["answer"].columns] == [
        "fifo", "lifo", "hifo", "lowest_tax",
    ]  # fmt: skip
    fifo, lifo = column(page, "fifo"), column(page, "lifo")
    assert (fifo.long, fifo.disallowed, fifo.long_allowed, fifo.tax) == (
        D("200.00"), D("50.00"), D("250.00"), D("37.50"),
    )  # fmt: skip
    assert (lifo.short, lifo.long, lifo.disallowed, lifo.tax) == (
        D("-60.00"), D("-200.00"), D("0.00"), D("-57.20"),
    )  # fmt: skip
    assert fifo.clean_from == date(2026, 4, 20)
    assert [one.is_lowest for one in page.context["answer"].columns] == [False, True, False, True]
    [line] = fifo.replacements
    assert (line.bought_on, line.account, line.shares, line.amount) == (
        date(2026, 3, 20), str(account), D(10), D("50.00"),
    )  # fmt: skip
    shown = page.content.decode()
    assert "−$57.20" in shown
    assert "Rev. Proc. 2025-32" in shown
    assert "table-labels" in shown  # the labels stay in sight on a phone
    assert "before 7 May 2026" in shown


def test_a_spouse_who_files_apart_lends_no_losses(account: Account, browser: Client):
    """Bob lost 5,000 of his own: Ann's gain is not netted with it, and no tax is named."""
    income(account)
    TaxProfile.objects.update(filing_status="mfs")
    assert column(ask(browser, account, shares="50"), "fifo").tax == D("37.50")  # 250 at 15 %
    his = make_account(account.household, "T-2", owner="Bob")
    other = make_security(account.firm, "ZZZ")
    book(his, EntryKind.BUY, date(2025, 1, 15), other, "10", amount="9000")
    book(his, EntryKind.SELL, date(2026, 2, 2), other, "10", amount="4000")
    page = ask(browser, account, shares="50")
    fifo = column(page, "fifo")
    assert (fifo.long, fifo.tax, fifo.carried) == (D("250.00"), None, None)
    assert not any(one.is_lowest for one in page.context["answer"].columns)
    assert "No tax is shown. Ann and Bob file separate returns for 2026" in page.content.decode()


def test_a_deciding_switch_shows_its_answer_and_the_other_figures(
    account: Account, browser: Client
):
    income(account)
    TaxProfile.objects.update(filing_status="mfj")
    his = make_account(account.household, "T-2", owner="Bob")
    book(his, EntryKind.BUY, date(2026, 4, 1), account.firm.securities.get(), "30", amount="810")
    page = ask(browser, account, shares="60", price="25")
    lifo = column(page, "lifo")
    [line] = [one for one in lifo.readings if one.rule == "U2"]
    assert line.in_force == "Yes: into the basis of the spouse's lot"
    assert line.reading == "No: only the taxpayer's own purchases count"
    assert (lifo.disallowed, line.disallowed) == (D("150.00"), D("0.00"))  # 30 of B at 5
    assert "Does a purchase by the spouse wash a loss" in page.content.decode()


def test_looking_books_nothing(account: Account, browser: Client):
    income(account)
    before = (Transaction.objects.count(), TaxLot.objects.count())
    assert ask(browser, account, shares="60").status_code == 200
    assert (Transaction.objects.count(), TaxLot.objects.count()) == before


def test_lots_picked_are_one_more_column(account: Account, browser: Client):
    first, second, _ = TaxLot.objects.order_by("acquired")
    picks = {f"lot-{first.opening_id}-0": "40", f"lot-{second.opening_id}-0": "20"}
    page = ask(browser, account, price="26", **picks)
    picked = column(page, "picked")
    assert (picked.long, picked.disallowed) == (D("160.00"), D("80.00"))  # 240 - 80
    assert picked.tax is None
    assert "Nobody entered this household&#x27;s tax profile for 2026" in page.content.decode()


def test_funds_may_be_averaged(account: Account, browser: Client):
    account.firm.securities.update(is_fund=True)
    found = column(ask(browser, account, shares="60"), "average")
    assert (found.long, found.disallowed) == (D("-30.00"), D("10.00"))


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"shares": "121"}, "holds 120 shares of MMM: 121 cannot be sold"),
        ({"shares": "many"}, "Shares: Enter a number."),
        ({"shares": "-1"}, "Shares: Ensure this value is greater than"),
        ({"shares": "60", "price": "NaN"}, "Price: Enter a number."),
        ({"security": "NONE"}, "holds no shares of NONE"),
        ({"security": ""}, "Choose a security."),
    ],
)
def test_a_refusal_keeps_what_was_typed(
    account: Account, browser: Client, typed: dict[str, str], said: str
):
    page = ask(browser, account, **typed)
    assert page.status_code == 422
    shown = page.content.decode()
    assert said in shown
    assert f'value="{typed.get("shares", "")}"' in shown


def test_picks_must_be_there_and_add_up(account: Account, browser: Client):
    lot = TaxLot.objects.order_by("acquired")[0]
    field = f"lot-{lot.opening_id}-0"
    for shares, typed, said in (
        ("60", "40", "The lots picked add up to 40 shares, 60 are to be sold"),
        ("", "51", "The lot of 2025-01-15 holds 50 shares, 51 were picked."),
        ("", "few", "Shares of a lot, &#x27;few&#x27;: Enter a number."),
    ):
        page = ask(browser, account, shares=shares, **{field: typed})
        assert page.status_code == 422
        assert said in page.content.decode()
    unknown = ask(browser, account, **{"lot-999999999-0": "1"})
    assert "not held any more" in unknown.content.decode()


def test_a_year_without_rates_is_said_and_gains_are_shown_all_the_same(
    account: Account, browser: Client
):
    income(account)
    account.firm.pinned_date = date(2027, 1, 4)
    account.firm.save()
    TaxProfile.objects.update(year=2027)
    page = ask(browser, account, shares="60")
    assert column(page, "fifo").tax is None
    assert column(page, "fifo").long == D("200.00")
    assert "There are no tax rates of 2027" in page.content.decode()


def test_a_retirement_account_is_refused_with_its_reason(account: Account, browser: Client):
    ira = make_account(account.household, "R-1", kind=AccountKind.ROTH_IRA)
    stock = account.firm.securities.get()
    book(ira, EntryKind.BUY, date(2025, 1, 15), stock, "5", amount="100")
    page = ask(browser, ira, shares="1")
    assert page.status_code == 422
    assert "Sales in a retirement account are neither gains nor losses" in page.content.decode()


def test_a_foreign_account_answers_like_none(account: Account, browser: Client):
    other = make_account(make_household(make_firm("Other")), "O-1")
    address = reverse("what-if", args=[account.household.public_id])
    for name in (other.public_id, uuid4()):
        page = browser.get(address, {"account": str(name), "security": "MMM", "shares": "1"})
        assert page.status_code == 422
        assert "Choose an account of this household." in page.content.decode()
