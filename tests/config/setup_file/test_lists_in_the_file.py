"""A household's own substitutes, the days of a list, and commission schedules."""

from datetime import date, timedelta
from decimal import Decimal

import pytest

from accounts import selectors as accounts
from accounts.models import Firm
from harvesting.models import SubstituteMapping
from proposals.models import CommissionSchedule
from tests.config.setup_file.texts import edited, problems_of, refused, take

OWN_LIST = """
[[substitutes]]
for = "AAPL"
household = "Miller"
use = ["QUAL"]
reason = "They work at MSFT."
author = "ann.adviser"
reviewed_on = 2026-01-02
since = 2026-02-02
valid_until = 2099-01-02
"""


@pytest.mark.django_db
def test_a_household_has_substitutes_of_its_own():
    text = edited() + OWN_LIST
    assert "3 lists of substitutes new" in take(text)
    own = SubstituteMapping.objects.get(household__name="Miller")
    assert (own.substitute.symbol, own.since, own.valid_until) == (
        "QUAL", date(2026, 2, 2), date(2099, 1, 2),
    )  # fmt: skip
    assert take(text) == ""
    firms = SubstituteMapping.objects.filter(security__symbol="AAPL", household=None)
    assert [row.substitute.symbol for row in firms] == ["MSFT", "QUAL"]


@pytest.mark.django_db
def test_the_household_of_a_list_is_one_of_the_firm():
    strange = OWN_LIST.replace('"Miller"', '"Nobody"')
    assert refused(edited() + strange) == [
        "substitutes[2].household: 'Nobody' is no household of the firm: add it to [[households]]"
    ]


def test_a_list_stands_once_for_the_firm_and_once_for_a_household():
    assert problems_of(edited() + OWN_LIST + OWN_LIST) == [
        "substitutes[3].for: 'AAPL (Miller)' stands in the file twice"
    ]


def test_a_list_is_not_valid_until_a_day_before_its_review():
    late = OWN_LIST.replace("2099-01-02", "2026-01-01")
    assert problems_of(edited() + late) == [
        "substitutes[2].valid_until: it is before the review on 2026-01-02"
    ]


@pytest.mark.django_db
def test_a_changed_list_ends_what_it_drops_and_keeps_it_on_record():
    take(edited())
    swap = ('for = "AAPL"\nuse = ["MSFT", "QUAL"]', 'for = "AAPL"\nuse = ["MSFT", "GOOG"]')
    text = edited(swap)
    assert take(text) == "1 list of substitutes changed"
    today = accounts.business_date(Firm.objects.get())
    rows = SubstituteMapping.objects.filter(security__symbol="AAPL").order_by("pk")
    assert [(row.substitute.symbol, row.rank, row.since, row.ended_on) for row in rows] == [
        ("MSFT", 1, None, None),
        ("QUAL", 2, None, today - timedelta(days=1)),
        ("GOOG", 2, today, None),
    ]
    assert take(text) == ""


@pytest.mark.django_db
def test_a_review_in_the_file_renews_the_list_in_place():
    take(edited())
    kept = list(SubstituteMapping.objects.order_by("pk").values_list("pk", flat=True))
    assert take(edited(("reviewed_on = 2026-01-02", "reviewed_on = 2026-06-01"))) == (
        "2 lists of substitutes changed"
    )
    rows = SubstituteMapping.objects.order_by("pk")
    assert [row.pk for row in rows] == kept
    assert {row.reviewed_on for row in rows} == {date(2026, 6, 1)}


@pytest.mark.django_db
def test_a_commission_schedule_is_changed_where_it_differs():
    take(edited())
    schedule = CommissionSchedule.objects.get()
    assert (schedule.custodian, schedule.per_order, schedule.minimum) == ("Example Custody", 0, 0)
    text = edited(
        ("per_order = 0\n", 'per_order = "4.95"\n'), ("per_share = 0 ", 'per_share = "0.005" ')
    )
    assert take(text) == "1 commission schedule changed"
    schedule.refresh_from_db()
    assert (schedule.per_order, schedule.per_share) == (Decimal("4.95"), Decimal("0.005"))


@pytest.mark.django_db
def test_a_schedule_of_a_custodian_that_no_account_names_is_refused():
    text = edited(
        ('[[commissions]]\ncustodian = "Example', '[[commissions]]\ncustodian = "Exampel')
    )
    assert refused(text) == [
        "commissions[0].custodian: 'Exampel Custody' is the custodian of no account of the firm"
    ]
    assert not CommissionSchedule.objects.exists()


@pytest.mark.django_db
def test_a_custodian_has_one_schedule_with_numbers_in_range():
    text = (
        edited(("of_amount = 0 ", 'of_amount = "1.5" '))
        + '[[commissions]]\ncustodian = "Example Custody"\n'
    )
    assert refused(text) == [
        "commissions[0].of_amount: '1.5' is out of range: it must be at least 0 and below 1; 24 percent is 0.24",
        "commissions[1].custodian: 'Example Custody' stands in the file twice",
    ]


@pytest.mark.django_db
def test_cash_bands_that_cross_are_refused_also_against_the_firms():
    text = edited(
        ('name = "Stone"\n', 'name = "Stone"\nrebalance_policy = { cash_minimum = "0.1" }\n')
    )
    assert refused(text) == [
        "households[1].rebalance_policy: cash_minimum 0.1 is above cash_maximum 0.05"
    ]
