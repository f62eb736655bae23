"""The page of lots to give on the real database: what it shows, what it refuses, and its file."""

import csv
import io
from datetime import date
from decimal import Decimal as D

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import TaxProfile
from accounts.types import OwnerKind
from harvesting.gift_selectors import household_gifts
from harvesting.gifts import NotToGive
from lots.models import TaxLot
from lots.types import EntryKind
from proposals import services
from proposals.models import Restriction
from proposals.types import ProposalKind, RestrictionKind
from tests.factories import book, make_account, make_security, set_price
from tests.proposals.desk import TODAY, Desk, make_desk
from tests.tax_gaps import GAPS, open_gap

pytestmark = pytest.mark.django_db

OLD = date(2020, 3, 2)


@pytest.fixture
def desk() -> Desk:
    """20 OLD of the same year at a loss, and 50 SUB of 2020 at 20 that stand at 80; 15 % on long-term gains."""
    made = make_desk()
    book(made.account, EntryKind.BUY, OLD, made.sub, "50", amount="1000")
    return made


@pytest.fixture
def browser(desk: Desk) -> Client:
    client = Client()
    client.force_login(desk.adviser)
    return client


def address(desk: Desk, name: str = "household-gifts") -> str:
    return reverse(name, args=[desk.household.public_id])


def reasons(desk: Desk) -> dict[str, NotToGive]:
    found = household_gifts(desk.household.pk, TODAY)
    return {found.book.symbol(one.lot.security): one.why for one in found.found.kept}


def test_the_page_lists_what_to_give_and_what_not(desk: Desk, browser: Client):
    page = browser.get(address(desk))
    assert page.status_code == 200
    (line,) = page.context["gifts"].lines
    assert (line.symbol, line.gift.sale.quantity, line.gift.gain, line.gift.tax) == (
        "SUB",
        D(50),
        D(3000),
        D("450.00"),
    )
    text = page.content.decode()
    assert "$4,000.00" in text
    assert "75.00 %" in text  # 3,000 of 4,000
    assert "$450.00" in text
    assert "A loss of $400.00 is lost with the gift" in text
    assert page.context["gifts"].chosen is None


def test_a_sum_cuts_the_lot_and_is_priced_by_the_year(desk: Desk, browser: Client):
    page = browser.get(address(desk), {"amount": "1000"})
    choice = page.context["gifts"].chosen
    assert [one.sale.quantity for one in choice.gifts] == [D(13)]  # 1,040; twelve would be 960
    assert (choice.amount, choice.gain, choice.tax) == (D(1040), D(780), D("117.00"))
    text = page.content.decode()
    assert "To give $1,000.00" in text
    assert "$117.00" in text
    assert "gifts.csv?amount=1000" in text
    assert "fall short" not in text
    assert "$1,000.00" in browser.get(address(desk), {"amount": "5000"}).content.decode()


@pytest.mark.parametrize("typed", ["nothing", "0", "-5", "1.234", "1e99", "NaN"])
def test_a_sum_that_is_none_is_refused_and_stays_typed(desk: Desk, browser: Client, typed: str):
    page = browser.get(address(desk), {"amount": typed})
    assert page.status_code == 422
    assert "Type the dollars to give" in page.content.decode()
    assert f'value="{typed}"' in page.content.decode()
    assert page.context["gifts"].lines  # the list is still there
    file = browser.get(address(desk, "household-gifts-file"), {"amount": typed})
    assert (file.status_code, file["Content-Type"]) == (422, "text/plain; charset=utf-8")


@pytest.mark.parametrize("gap", GAPS)
def test_without_a_tax_year_the_reason_stands_where_the_tax_would(
    gap: str, desk: Desk, browser: Client, monkeypatch: pytest.MonkeyPatch
):
    said = open_gap(gap, desk.household, 2022, monkeypatch)
    page = browser.get(address(desk), {"amount": "1000"})
    assert page.status_code == 200
    shown = page.context["gifts"]
    assert said in shown.untaxed
    assert [line.gift.tax for line in shown.lines] == [None]
    assert (shown.rate, shown.chosen.tax) == (None, None)
    assert "What giving avoids is not computed." in page.content.decode()


def test_accounts_whose_gains_are_not_the_households(desk: Desk):
    company = make_account(desk.household, "C-1", owner="Co", owner_kind=OwnerKind.CORPORATION)
    for account, symbol in ((desk.ira, "IRA"), (company, "CORP")):
        security = make_security(desk.firm, symbol)
        set_price(security, TODAY, "80")
        book(account, EntryKind.BUY, OLD, security, "10", amount="100")
    found = household_gifts(desk.household.pk, TODAY)
    details = {found.book.symbol(one.lot.security): one.detail for one in found.found.kept}
    assert reasons(desk) == {
        "OLD": NotToGive.LOSS,
        "IRA": NotToGive.NOT_TAXED,
        "CORP": NotToGive.NOT_TAXED,
    }
    assert "retirement account" in details["IRA"]
    assert "corporation" in details["CORP"]


@pytest.mark.parametrize(
    ("kind", "limit", "expected"),
    [
        (RestrictionKind.NO_SELL, None, NotToGive.RESTRICTED),
        (RestrictionKind.HOLD_GAINS, "0.1", None),  # giving realises no gain
        (RestrictionKind.NO_BUY, None, None),
    ],
)
def test_only_what_must_not_be_sold_must_not_be_given(desk: Desk, kind, limit, expected):
    Restriction.objects.create(
        firm=desk.firm,
        household=desk.household,
        security=desk.sub,
        kind=kind,
        limit=None if limit is None else D(limit),
        since=OLD,
        reason="Pledged.",
        author=desk.adviser,
    )
    assert reasons(desk).get("SUB") is expected


def test_what_an_approved_proposal_sells_is_reserved_and_counts_in_the_year(desk: Desk):
    lot = TaxLot.objects.get(security=desk.sub)
    sale = desk.sale(
        "30",
        security=desk.sub.pk,
        opening=lot.opening_id,
        basis=D(600),
        term="long",
        pair=0,
    )
    before = household_gifts(desk.household.pk, TODAY)
    pending = desk.submit(sale, kind=ProposalKind.REBALANCE)
    assert household_gifts(desk.household.pk, TODAY).found == before.found
    services.approve(
        user=desk.adviser, public_id=pending.public_id, content_sha256=pending.content_sha256
    )
    after = household_gifts(desk.household.pk, TODAY)
    (gift,) = after.found.gifts
    assert gift.sale.quantity == D(20)
    assert reasons(desk)["SUB"] is NotToGive.RESERVED
    assert before.tax is not None
    assert after.tax is not None
    assert after.tax.long - before.tax.long == D(1800)


def test_prices_and_delistings_of_the_firm_count(desk: Desk):
    desk.sub.prices.update(day=date(2022, 11, 1))
    assert reasons(desk)["SUB"] is NotToGive.STALE_PRICE
    desk.sub.prices.all().delete()
    assert reasons(desk)["SUB"] is NotToGive.NO_PRICE
    desk.sub.delisted_on = date(2022, 12, 1)
    desk.sub.save()
    assert reasons(desk)["SUB"] is NotToGive.DELISTED


def test_a_price_that_doubled_is_not_believed(desk: Desk):
    set_price(desk.sub, date(2022, 12, 27), "20")
    assert reasons(desk)["SUB"] is NotToGive.PRICE_JUMP


def test_the_file_has_every_lot_in_the_order_of_the_page(desk: Desk, browser: Client):
    best = make_security(desk.firm, "TOP")
    set_price(best, TODAY, "100")
    book(desk.account, EntryKind.BUY, OLD, best, "5.5", amount="55")
    answer = browser.get(address(desk, "household-gifts-file"), {"amount": "600"})
    assert answer["Content-Disposition"] == f'attachment; filename="gifts-{TODAY}.csv"'
    rows = list(csv.DictReader(io.StringIO(answer.content.decode())))
    assert [(row["place"], row["symbol"], row["shares"]) for row in rows] == [
        ("1", "TOP", "5"),
        ("2", "SUB", "50"),
        ("", "OLD", "20"),
    ]
    assert [row["give_shares"] for row in rows] == ["5", "2", ""]
    assert rows[0] | {} == {
        "place": "1",
        "account": "Ann taxable",
        "symbol": "TOP",
        "acquired": "2020-03-02",
        "holding_period_from": "2020-03-02",
        "shares": "5",
        "basis": "50.00",
        "value": "500.00",
        "gain": "450.00",
        "gain_of_value": "0.9000",
        "tax_avoided": "67.50",
        "give_shares": "5",
        "give_value": "500.00",
        "give_gain": "450.00",
        "not_given_because": "",
    }
    assert rows[2]["gain"] == "-400.00"
    assert rows[2]["not_given_because"].startswith("below its basis: A loss of $400.00")


def test_the_queries_do_not_grow_with_the_lots(desk: Desk, django_assert_num_queries):
    with CaptureQueriesContext(connection) as few:
        household_gifts(desk.household.pk, TODAY)
    for number in range(8):
        security = make_security(desk.firm, f"S{number}")
        set_price(security, TODAY, "80")
        book(desk.account, EntryKind.BUY, OLD, security, "10", amount="100")
        book(desk.ira, EntryKind.BUY, OLD, security, "10", amount="100")
    with django_assert_num_queries(len(few)):
        found = household_gifts(desk.household.pk, TODAY)
    assert len(found.found.gifts) == 9
    assert len(few) < 30


def test_the_household_page_leads_to_it(desk: Desk, browser: Client):
    overview = browser.get(reverse("household", args=[desk.household.public_id]))
    assert f'href="{address(desk)}"' in overview.content.decode()


def test_the_rate_of_the_profile_is_the_one_shown(desk: Desk, browser: Client):
    TaxProfile.objects.filter(household=desk.household).update(federal_long_rate=D("0.20"))
    page = browser.get(address(desk))
    assert page.context["gifts"].lines[0].gift.tax == D("600.00")
    assert "Tax avoided at 20.00 %" in page.content.decode()
