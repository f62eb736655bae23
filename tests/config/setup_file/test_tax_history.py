"""What a set-up file may not rewrite, and the days on which securities were identical."""

from datetime import date, timedelta

import pytest

from accounts import selectors as accounts
from accounts.models import Account, Firm, Owner
from config.verification import violations
from lots.models import Disposal
from lots.types import EntryKind
from proposals.models import GainBudget
from securities.models import IdenticalMember, Security
from tests.config.setup_file.texts import SINCE, edited, problems_of, refused, take
from tests.factories import book


@pytest.mark.django_db
def test_kind_owner_and_household_stay_once_there_are_transactions(traded):
    assert refused(edited(('kind = "taxable"                #', 'kind = "trust" #'))) == [
        "households[0].accounts[0].kind: account T-1001 has kind 'taxable' on record:"
        " it has transactions, and this would rewrite its tax history"
    ]
    assert refused(edited(('owner = "Mary Miller"', 'owner = "Mia Miller"'))) == [
        "households[0].accounts[0].owner: account T-1001 has owner 'Mary Miller' on record:"
        " it has transactions, and this would rewrite its tax history"
    ]
    assert refused(edited(('name = "Miller"', 'name = "Muller"'))) == [
        "households[0].accounts[0].number: account T-1001 is in the household 'Miller' on record:"
        " it has transactions, and this would rewrite its tax history"
    ]
    corporation = 'owner = "Mary Miller"\nowner_kind = "corporation"'
    assert refused(edited(('owner = "Mary Miller"', corporation))) == [
        "households[0].accounts[0].owner_kind: 'Mary Miller' is a person on record;"
        " an account of theirs has transactions, and this would rewrite its tax history"
    ]
    traded.refresh_from_db()
    assert (traded.kind, traded.household.name) == ("taxable", "Miller")
    assert not Owner.objects.filter(name="Mia Miller").exists()


@pytest.mark.django_db
def test_other_facts_of_an_account_with_transactions_may_change(traded):
    assert take(edited(('"Joint brokerage"', '"Brokerage"'))) == "1 account changed"
    traded.refresh_from_db()
    assert traded.name == "Brokerage"


@pytest.mark.django_db
def test_an_account_that_received_a_transfer_has_transactions(traded):
    ira_to_be = Account.objects.get(number="R-1002")
    Account.objects.filter(pk=ira_to_be.pk).update(kind="trust", owner=traded.owner)
    googl = Security.objects.get(symbol="GOOGL")
    book(traded, EntryKind.TRANSFER, date(2024, 1, 4), googl, "10", to_account=ira_to_be)
    assert [line.split(":")[0] for line in refused(edited())] == [
        "households[0].accounts[1].owner",
        "households[0].accounts[1].kind",
    ]


@pytest.mark.django_db
def test_an_account_without_transactions_moves():
    take(edited())
    assert take(edited(('name = "Miller"', 'name = "Muller"'))) == (
        "1 harvest policy new, 1 household new, 2 owners new, 1 tax profile new,"
        " 1 budget new, 1 model assignment new, 1 expected cash flow new,"
        " 1 restriction new, 2 accounts changed"
    )
    account = Account.objects.get(number="T-1001")
    assert (account.household.name, account.owner.household.name) == ("Muller", "Muller")


@pytest.mark.django_db
def test_a_budgets_proration_stays_where_the_file_leaves_it_out():
    take(edited(('proration = "none" ', 'proration = "monthly" ')))
    assert GainBudget.objects.get().proration == "monthly"
    take(edited(('proration = "none" ', "# ")))
    assert GainBudget.objects.get().proration == "monthly"
    assert take(edited()) == "1 budget changed"
    assert GainBudget.objects.get().proration == "none"


@pytest.mark.django_db
def test_a_widened_identical_group_recomputes_the_lots(traded):
    """A loss in GOOGL, and MSFT bought the week after: a wash sale once both are identical (R24), whatever the date."""
    googl, msft = (Security.objects.get(symbol=symbol) for symbol in ("GOOGL", "MSFT"))
    book(traded, EntryKind.SELL, date(2024, 3, 4), googl, "100", amount="13000")
    book(traded, EntryKind.BUY, date(2024, 3, 11), msft, "100", amount="13200")
    assert Disposal.objects.get().disallowed == 0
    widened = edited(
        ('symbols = ["GOOGL", "GOOG"]', 'symbols = ["GOOGL", "GOOG", "MSFT"]'),
        ('for = "GOOGL"\nuse = ["MSFT", "QUAL"]', 'for = "GOOGL"\nuse = ["QUAL"]'),
    )
    said = (
        "1 identical group changed, 1 list of substitutes changed,"
        " tax lots of 1 household recomputed"
    )
    assert take(widened, dry_run=True) == said
    assert Disposal.objects.get().disallowed == 0
    assert take(widened) == said
    assert Disposal.objects.get().disallowed == 1000
    assert list(violations()) == []
    assert take(widened) == ""


MEMBERS = 'symbols = ["GOOGL", "GOOG"]           # who belongs today\n'


@pytest.mark.django_db
def test_a_member_that_the_file_strikes_has_left_today_and_the_past_stays(washed):
    text = edited((MEMBERS, 'symbols = ["GOOGL", "AAPL"]\n'), (SINCE, ""))
    assert take(text) == "1 identical group changed"
    today = accounts.business_date(washed.firm)
    ended = IdenticalMember.objects.get(security__symbol="GOOG")
    assert (ended.since, ended.ended_on) == (date(2014, 4, 3), today)
    assert Disposal.objects.get().disallowed == 1000
    assert list(violations()) == []
    assert take(text) == ""


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("day", "disallowed"), [("2024-03-04", 1000), ("2024-03-03", 0), ("2024-03-11", 1000)]
)
def test_a_membership_that_ended_counts_on_its_days(washed, day, disallowed):
    text = edited(
        (MEMBERS, 'symbols = ["GOOGL", "AAPL"]\n'), (SINCE, f"ended = {{ GOOG = {day} }}")
    )
    recomputed = "" if disallowed else ", tax lots of 1 household recomputed"
    assert take(text) == f"1 identical group changed{recomputed}"
    assert Disposal.objects.get().disallowed == disallowed
    assert list(violations()) == []
    assert take(text) == ""


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("day", "disallowed"), [("2024-03-04", 1000), ("2024-03-11", 1000), ("2024-03-12", 0)]
)
def test_a_membership_counts_from_its_first_day(washed, day, disallowed):
    text = edited((SINCE, f"since = {{ GOOG = {day} }}"))
    recomputed = "" if disallowed else ", tax lots of 1 household recomputed"
    assert take(text) == f"1 identical group changed{recomputed}"
    assert Disposal.objects.get().disallowed == disallowed
    assert take(text) == ""


@pytest.mark.django_db
def test_a_history_may_be_told_at_once(washed):
    text = edited(
        (MEMBERS, 'symbols = ["GOOGL", "GOOG"]\n'),
        (SINCE, "since = { AAPL = 2020-01-02 }\nended = { AAPL = 2021-06-30 }"),
    )
    assert take(text) == "1 identical group changed"
    ended = IdenticalMember.objects.get(security__symbol="AAPL")
    assert (ended.since, ended.ended_on) == (date(2020, 1, 2), date(2021, 6, 30))
    assert take(text) == ""


@pytest.mark.django_db
def test_who_left_belongs_again_from_a_day_only():
    take(edited())
    dissolved = edited((MEMBERS, "symbols = []\n"), (SINCE, ""))
    assert take(dissolved) == "1 identical group changed"
    assert IdenticalMember.objects.exclude(ended_on=None).count() == 2
    today = accounts.business_date(Firm.objects.get())
    left = f"left the group on {today}, say since when it belongs again"
    assert refused(edited()) == [
        f"identical_groups[0].since.GOOGL: it is missing or too early: GOOGL {left}",
        f"identical_groups[0].since.GOOG: it is missing or too early: GOOG {left}",
    ]
    again = edited((SINCE, f"since = {{ GOOG = {today}, GOOGL = {today} }}"))
    assert take(again) == "1 identical group changed"
    assert take(again) == ""


@pytest.mark.django_db
def test_a_membership_cannot_end_tomorrow_or_before_it_began():
    take(edited())
    today = accounts.business_date(Firm.objects.get())
    for day, reason in (
        (today + timedelta(days=1), "is still to come: end it when it has ended"),
        (date(2014, 4, 2), "GOOG belongs since 2014-04-03: it cannot end on 2014-04-02"),
    ):
        text = edited((MEMBERS, "symbols = []\n"), (SINCE, f"ended = {{ GOOG = {day} }}"))
        [problem] = refused(text)
        assert problem.endswith(reason)


@pytest.mark.parametrize(
    ("days", "problem"),
    [
        ("since = { AAPL = 2020-01-02 }",
         "identical_groups[0].since: AAPL stands neither in symbols nor in ended"),
        ("ended = { GOOG = 2020-01-02 }",
         "identical_groups[0].ended: GOOG stands in symbols too: it has ended or it has not"),
        ("since = { AAPL = 2020-01-02 }\nended = { AAPL = 2020-01-01 }",
         "identical_groups[0].ended: AAPL ends before it begins, on 2020-01-02"),
    ],
)  # fmt: skip
def test_days_of_members_that_contradict_the_file_are_refused(days, problem):
    assert problems_of(edited((SINCE, days))) == [problem]
