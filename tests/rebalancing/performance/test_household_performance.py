"""A household's performance on the real database: the ledger once, the firm's year kept, every refusal by name."""

from datetime import date
from decimal import Decimal as D

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Account, Firm
from accounts.one_look import one_look
from lots import selectors as lots
from lots.types import EntryKind
from proposals.models import Fill, Order, Proposal
from proposals.types import OrderStatus, ProposalKind, Side, Status
from rebalancing.models import ModelAssignment, ModelWeight, TargetModel
from rebalancing.performance.household import Figure, Measured, measured, told
from rebalancing.performance.market import year_of_days
from rebalancing.reviews.types import NewFinding, Topic
from securities.models import CorporateAction, Dividend, Price, Security
from securities.types import ActionKind
from tests.factories import book, make_account, make_firm, make_household, make_security, set_price

DAY = date(2022, 12, 30)
LONG_AGO = date(2020, 1, 2)
DEPOSIT = date(2022, 12, 15)

pytestmark = pytest.mark.django_db


@pytest.fixture
def firm() -> Firm:
    """AAA rises from 100 to 120 on 15 December; BBB stays at 50."""
    firm = make_firm(pinned_date=DAY)
    model = TargetModel.objects.create(firm=firm, name="Core")
    for symbol, weight in (("AAA", "0.50"), ("BBB", "0.50")):
        security = make_security(firm, symbol)
        ModelWeight.objects.create(model=model, security=security, weight=D(weight))
        Price.objects.bulk_create(
            Price(security=security, day=day, close=_close(symbol, day))
            for day in year_of_days(DAY)
        )
    return firm


def _close(symbol: str, day: date) -> D:
    return D(50) if symbol == "BBB" else D(120) if day >= DEPOSIT else D(100)


@pytest.fixture
def account(firm: Firm) -> Account:
    """100 AAA for $10,000, bought long ago."""
    account = make_account(make_household(firm))
    book(account, EntryKind.CASH_IN, LONG_AGO, amount="10000")
    book(account, EntryKind.BUY, LONG_AGO, _named(firm, "AAA"), "100", amount="10000")
    ModelAssignment.objects.create(
        household=account.household, model=TargetModel.objects.get(firm=firm)
    )
    return account


def _named(firm: Firm, symbol: str) -> Security:
    return Security.objects.get(firm=firm, symbol=symbol)


def looked(account: Account) -> Measured | str:
    assigned = ModelAssignment.objects.select_related("model").get(household=account.household)
    with one_look():
        return measured(household_id=account.household_id, assigned=assigned, as_of=DAY)


def figures(account: Account) -> dict[str, Figure]:
    found = looked(account)
    assert isinstance(found, Measured)
    return {one.period.key: one for one in found.household.figures}


def lines(account: Account) -> dict[str, NewFinding]:
    found = told(looked(account))
    return {one.key: one for one in found if one.topic is Topic.PERFORMANCE}


def test_a_household_is_measured_beside_its_model_on_the_same_days(
    firm: Firm, account: Account
) -> None:
    """Half of what is there comes in on the day of the rise: (120 * 100 + 5,000) / 15,000."""
    book(account, EntryKind.CASH_IN, DEPOSIT, amount="5000")
    month = figures(account)["month"]
    assert month.own == pytest.approx(17_000 / 15_000 - 1)
    assert month.model == pytest.approx(0.10)
    assert {one.own for one in figures(account).values()} == {month.own}
    line = lines(account)["month"]
    assert line.value == D("0.13333333")
    assert line.sentence == (
        "Return, month, from the close of 2022-11-30 to 2022-12-30: +13.33 %; Core over the same days +10.00 %, "
        "a difference of +3.33 points."
    )
    assert lines(account)["account T-1"].sentence == (
        "Return of Ann taxable (T-1): month +13.33 %, quarter to date +13.33 %, year to date +13.33 %, "
        "12 months +13.33 %."
    )


def test_the_ledger_is_asked_once_and_the_firms_year_is_kept(firm: Firm, account: Account) -> None:
    looked(account)
    with CaptureQueriesContext(connection) as asked:
        looked(account)
    # assignment, firm, accounts, two stamps, ledger, lots, the last fill of a rebalance
    assert len(asked) == 8, [query["sql"][:80] for query in asked]


@pytest.mark.parametrize("change", ["price", "dividend", "split"])
def test_a_change_of_the_market_is_seen_in_the_next_look(
    firm: Firm, account: Account, change: str
) -> None:
    before, bbb = figures(account)["month"].model, _named(firm, "BBB")
    if change == "price":
        set_price(bbb, DAY, "55")
    elif change == "dividend":
        Dividend.objects.create(security=bbb, ex_date=DAY, pay_date=DAY, amount=D(5))
    else:
        CorporateAction.objects.create(
            security=bbb, kind=ActionKind.SPLIT, effective_on=DAY, ratio=D("1.1")
        )
    after = figures(account)["month"].model
    assert before == pytest.approx(0.10)
    assert after == pytest.approx(1.10 * 1.05 - 1)


def test_a_missing_price_is_refused_by_name_where_it_is_needed(
    firm: Firm, account: Account
) -> None:
    lonely = make_security(firm, "ZZZ")
    set_price(lonely, date(2022, 12, 19), "10")
    set_price(lonely, DAY, "10")
    book(account, EntryKind.CASH_IN, DEPOSIT, amount="1000")
    book(account, EntryKind.BUY, DEPOSIT, lonely, "100", amount="1000")
    line = lines(account)["month"]
    assert (line.state, line.value) == (
        "note",
        D("0.18181818"),
    )  # the deposit's day before is valued
    book(account, EntryKind.CASH_IN, date(2022, 12, 19), amount="1000")
    line = lines(account)["month"]
    assert (line.state, line.value) == ("unknown", None)
    assert line.sentence == (
        "Return, month: not measured. There is no price of ZZZ between 2022-12-15 and 2022-12-16. It is measured from "
        "2022-12-19 on."
    )


def test_cash_far_below_zero_is_a_deposit_that_nobody_booked(firm: Firm, account: Account) -> None:
    book(account, EntryKind.BUY, DEPOSIT, _named(firm, "BBB"), "100", amount="5000")
    line = lines(account)["month"]
    assert line.state == "unknown"
    assert line.sentence == (
        "Return, month: not measured. Cash of Ann taxable (T-1) is below zero on 2022-12-30: a deposit may not be "
        "booked."
    )


def test_an_account_that_is_opened_in_the_period_says_since_when(
    firm: Firm, account: Account
) -> None:
    young = make_account(account.household, "T-2")
    opened = date(2022, 12, 20)
    book(young, EntryKind.CASH_IN, opened, amount="1000")
    book(young, EntryKind.BUY, opened, _named(firm, "BBB"), "19", amount="950", fee="50")
    found = lines(account)["account T-2"]
    assert found.value == D("-0.05")
    assert "month, since 2022-12-20 -5.00 %" in found.sentence
    household = figures(account)["month"]
    assert household.own == pytest.approx(1.2 * 12_950 / 13_000 - 1)


def test_a_transfer_inside_the_household_changes_its_return_by_nothing(
    firm: Firm, account: Account
) -> None:
    before = figures(account)["month"].own
    other = make_account(account.household, "T-2")
    book(account, EntryKind.TRANSFER, DEPOSIT, _named(firm, "AAA"), "40", to_account=other)
    assert figures(account)["month"].own == pytest.approx(before)
    found = looked(account)
    assert isinstance(found, Measured)
    first, second = (one.figures[0].own for one in found.accounts)
    assert first == pytest.approx(0.20)
    assert second == pytest.approx(0.0)


def test_weights_of_a_set_up_file_are_compared_from_their_day_on(
    firm: Firm, account: Account
) -> None:
    TargetModel.objects.filter(firm=firm).update(weights_since=date(2022, 12, 1))
    line = lines(account)["month"]
    assert line.value == D("0.2")
    assert line.sentence.endswith(
        "the model's is not known. The model's weights before 2022-12-01 are not on record."
    )


def test_a_split_and_cash_in_lieu_come_to_the_lots(firm: Firm, account: Account) -> None:
    aaa = _named(firm, "AAA")
    book(account, EntryKind.SELL, date(2022, 12, 1), aaa, "99.5", amount="9950")
    book(account, EntryKind.SPLIT, date(2022, 12, 20), aaa, "3", amount="20")
    Price.objects.filter(security=aaa, day__gte=date(2022, 12, 20)).update(close=D(40))
    found = looked(account)
    assert isinstance(found, Measured)
    (lot,) = lots.open_lots(account.household_id)
    assert found.columns.shares[-1].tolist() == [float(lot.quantity)] == [1.0]
    assert found.household.figures[0].own == pytest.approx((9950 + 40 + 20) / 10_000 - 1)


def test_nothing_is_booked(firm: Firm) -> None:
    household = make_household(firm, "Stone")
    make_account(household, "S-1")
    assert measured(household_id=household.pk, assigned=None, as_of=DAY) == "Nothing is booked."


def test_a_rebalance_is_set_beside_what_was_held_before_it(firm: Firm, account: Account) -> None:
    """On 14 December half of the AAA go for BBB; AAA rises by a fifth the next day: +10 % for +20 %."""
    assert looked_premium(account) is None
    aaa, bbb, day = _named(firm, "AAA"), _named(firm, "BBB"), date(2022, 12, 14)
    sale = book(account, EntryKind.SELL, day, aaa, "50", amount="5000")
    book(account, EntryKind.BUY, day, bbb, "100", amount="5000")
    proposal = Proposal.objects.create(
        household=account.household, kind=ProposalKind.REBALANCE, status=Status.FILLED, as_of=day,
        sentence="Rebalance.", inputs="{}", tax_saved=0, cost=0, short_gain=0, long_gain=0,
        expires_on=day,
    )  # fmt: skip
    order = Order.objects.create(
        proposal=proposal, account=account, security=aaa, side=Side.SELL, quantity=D(50),
        reference_price=D(100), status=OrderStatus.FILLED,
    )  # fmt: skip
    Fill.objects.create(
        order=order, external_id="f", trade_date=day, quantity=D(50), price=D(100), transaction=sale
    )
    line = lines(account)["12 months"]
    assert line.value == D("0.10")
    found = looked_premium(account)
    assert found is not None
    assert found.value == D("-0.1")
    assert found.sentence == (
        "From the close of 2022-12-13, before the first rebalance of the last 12 months, to 2022-12-30 the household "
        "returned +10.00 %; what it held then, untouched, would have returned +20.00 %. The rebalancing premium is "
        "-10.00 points, -$1,000.00 on the $10,000.00 held then. It is a fact about the past, not a forecast."
    )


def looked_premium(account: Account) -> NewFinding | None:
    return next((one for one in told(looked(account)) if one.topic is Topic.PREMIUM), None)
