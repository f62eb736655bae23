"""What is bought shortly before a capital-gain distribution: the dollars, the day, and who is warned."""

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal as D

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import TaxProfile
from accounts.types import OwnerKind
from lots.types import Term
from lots.year_tax import TaxPosition
from proposals import selectors
from proposals.distributions import Announced, bought_before
from proposals.models import Proposal
from proposals.types import ProposalKind, Side
from securities.models import AnnouncedDistribution
from tests.factories import make_account
from tests.proposals.desk import TODAY, Desk, make_desk

ANN, BOB, IRA = 1, 2, 3
FUND, OTHER = 11, 12
DAY = date(2026, 12, 10)
POSITION = TaxPosition(
    short_rate=D("0.408"),
    long_rate=D("0.238"),
    ordinary_rate=D("0.37"),
    loss_limit=D(3000),
    carried_loss_value=D(0),
    short=D(0),
    long=D(0),
)
YEARS = {2026: (POSITION, ""), 2027: (None, "Nobody entered it.")}


@dataclass
class Trade:
    quantity: D
    side: str = Side.BUY
    account_id: int = ANN
    security_id: int = FUND


def announced(days: int = 7, amount: str = "1.25", *, term: Term = Term.LONG) -> Announced:
    return Announced(FUND, DAY + timedelta(days=days), term, D(amount))


def found(*trades: Trade, ahead: tuple[Announced, ...] = ()):
    return bought_before(
        trades, ahead or (announced(),), today=DAY, taxable={ANN, BOB}, years=YEARS
    )


def test_shares_times_amount_times_the_rate_of_its_kind():
    long, short = found(
        Trade(D("120.5")), ahead=(announced(), announced(amount="0.333333", term=Term.SHORT))
    )
    # 120.5 x 1.25 = 150.625; 23.8 % of 150.63 = 35.85
    assert (long.shares, long.received, long.rate, long.tax) == (
        D("120.5"),
        D("150.63"),
        D("0.238"),
        D("35.85"),
    )
    # 120.5 x 0.333333 = 40.1666; 40.8 % of 40.17 = 16.39
    assert (short.received, short.rate, short.tax) == (D("40.17"), D("0.408"), D("16.39"))


@pytest.mark.parametrize(
    ("days", "is_warned"), [(-1, False), (0, False), (1, True), (20, True), (30, True), (31, False)]
)
def test_only_what_is_bought_before_an_ex_date_of_the_next_thirty_days(days, is_warned):
    """A purchase on the ex-date receives nothing."""
    ahead = (
        Announced(FUND, DAY + timedelta(days=days), Term.LONG, D(1)),
    )  # 30 days are 9 January: another year
    assert bool(found(Trade(D(10)), ahead=ahead)) is is_warned


def test_the_year_of_the_ex_date_prices_it_or_says_what_is_missing():
    (one,) = found(Trade(D(10)), ahead=(announced(25),))  # 4 January 2027
    assert (one.received, one.rate, one.tax, one.untaxed) == (
        D("12.50"),
        None,
        None,
        "Nobody entered it.",
    )


def test_sales_other_securities_and_retirement_accounts_are_not_warned_of():
    assert found(Trade(D(10), Side.SELL)) == ()
    assert found(Trade(D(10), security_id=OTHER)) == ()
    assert found(Trade(D(10), account_id=IRA)) == ()


def test_shares_that_the_same_account_sells_received_it_anyway():
    """A gain harvest buys back what it sells."""
    assert found(Trade(D(50), Side.SELL), Trade(D(49))) == ()
    (one,) = found(Trade(D(50), Side.SELL), Trade(D(60)), Trade(D(5)))
    assert one.shares == D(15)
    (other,) = found(Trade(D(50), Side.SELL, account_id=BOB), Trade(D(20)))
    assert (other.account, other.shares) == (ANN, D(20))


def test_the_earliest_comes_first():
    rows = found(Trade(D(10), account_id=BOB), Trade(D(20)), ahead=(announced(9), announced(3)))
    assert [(row.announced.ex_date.day, row.account) for row in rows] == [
        (13, ANN),
        (13, BOB),
        (19, ANN),
        (19, BOB),
    ]


# The page


@pytest.fixture
def desk() -> Desk:
    """SUB, which the harvest buys, goes ex in two days; 15 % on long-term gains."""
    made = make_desk()
    announce(made, TODAY + timedelta(days=2), "2.10", source="estimate of December")
    return made


def announce(desk: Desk, day: date, amount: str, *, kind: str = "long", source: str = ""):
    AnnouncedDistribution.objects.create(
        security=desk.sub, ex_date=day, kind=kind, amount=D(amount), source=source
    )


def page(desk: Desk, proposal: Proposal) -> str:
    client = Client()
    client.force_login(desk.adviser)
    answer = client.get(reverse("proposal", args=[proposal.public_id]))
    assert answer.status_code == 200
    return answer.content.decode()


@pytest.mark.django_db
@pytest.mark.parametrize("kind", [ProposalKind.HARVEST, ProposalKind.REBALANCE])
def test_the_page_warns_with_the_dollars_and_the_ex_date(desk: Desk, kind: ProposalKind):
    text = " ".join(page(desk, desk.submit(kind=kind)).split())
    assert "This buys shortly before a capital-gain distribution" in text
    # 19 shares x 2.10 = 39.90, of it 15 %
    assert (
        "19 SUB in Ann taxable would receive $39.90 of long-term gain, $2.10 a share, with the ex-date "
        "30 December 2022 (estimate of December): $5.99 of tax at 15.00 %."
    ) in text


@pytest.mark.django_db
def test_a_decided_proposal_warns_until_it_is_through(desk: Desk):
    proposal = desk.approved()
    assert "capital-gain distribution" in page(desk, proposal)
    closed = Proposal.objects.get(pk=proposal.pk)
    closed.status = "filled"
    assert not selectors.distributions_ahead(closed, TODAY)


@pytest.mark.django_db
def test_nothing_is_said_where_nothing_is_announced_or_the_purchase_is_not_taxed(
    desk: Desk, django_assert_num_queries
):
    company = make_account(desk.household, "C-1", owner="Co", owner_kind=OwnerKind.CORPORATION)
    for account in (desk.ira, company):
        purchase = desk.purchase(account=account.pk, pair=0)
        proposal = desk.submit(purchase, kind=ProposalKind.REBALANCE)
        assert not selectors.distributions_ahead(proposal, TODAY)
    AnnouncedDistribution.objects.all().delete()
    proposal = selectors.proposal(desk.adviser, desk.submit().public_id)
    with django_assert_num_queries(1):
        assert not selectors.distributions_ahead(proposal, TODAY)
    assert "capital-gain distribution" not in page(desk, proposal)


@pytest.mark.django_db
def test_the_queries_do_not_grow_with_the_distributions(desk: Desk, django_assert_num_queries):
    proposal = selectors.proposal(desk.adviser, desk.submit().public_id)
    announce(desk, TODAY + timedelta(days=2), "0.5", kind="short")
    for days in range(5, 20):
        announce(desk, TODAY + timedelta(days=days), "0.5")
    with django_assert_num_queries(6):
        lines = selectors.distributions_ahead(proposal, TODAY)
    assert len(lines) == 17
    untaxed = [one.bought for one in lines if one.bought.announced.ex_date.year == 2023]
    assert untaxed
    assert all("tax profile for 2023" in one.untaxed and one.tax is None for one in untaxed)


@pytest.mark.django_db
def test_without_a_tax_year_the_warning_stands_with_the_reason(desk: Desk):
    proposal = desk.submit()
    TaxProfile.objects.filter(household=desk.household).delete()
    text = page(desk, proposal)
    assert "would receive $39.90" in text
    assert "the tax is not computed. Nobody entered this household" in text
