"""Dividends, scheduled purchases and restrictions in a set-up file."""

from datetime import date
from decimal import Decimal

import pytest

from accounts.models import Account
from proposals.models import Restriction, ScheduledPurchase
from securities.models import Dividend
from tests.config.test_setup_file import EXAMPLE, FIRM, edited, problems_of, refused, take

pytestmark = pytest.mark.django_db


def test_the_example_says_what_is_ahead_and_what_is_forbidden():
    summary = take(EXAMPLE.read_text(encoding="utf-8"))
    assert "1 dividend new, 1 scheduled purchase new, 1 restriction new" in summary
    dividend = Dividend.objects.get()
    assert (dividend.amount, dividend.pay_date) == (Decimal("0.83"), date(2026, 12, 10))
    plan = ScheduledPurchase.objects.get()
    assert (plan.account.number, plan.amount, plan.ended_on) == ("R-1002", Decimal(500), None)
    row = Restriction.objects.get()
    assert row.account == Account.objects.get(number="T-1001")
    assert row.household == row.account.household
    assert row.reason == "Mary works there."


def test_the_file_again_changes_nothing_and_an_end_is_a_change():
    take(EXAMPLE.read_text(encoding="utf-8"))
    assert take(EXAMPLE.read_text(encoding="utf-8")) == ""
    ended = edited(("# ended_on = 2026-12-31", "ended_on = 2026-12-31"))
    assert take(ended) == "1 scheduled purchase changed"


def test_a_restriction_of_the_firm_names_neither_account_nor_household():
    take(
        edited(
            ('account = "T-1001"              # or household = "Miller"; neither: the firm\n', "")
        )
    )
    row = Restriction.objects.get()
    assert (row.account, row.household) == (None, None)


def test_what_cannot_be_is_refused_with_its_path():
    text = (
        f"{FIRM}"
        '[[dividends]]\nsymbol = "A"\nex_date = 2026-02-01\npay_date = 2026-01-01\namount = 0\n'
        '[[restrictions]]\nsymbol = "A"\nkind = "no_hold"\nsince = 2026-02-01\nuntil = 2026-01-01\n'
        'reason = "x"\nauthor = "a"\nhousehold = "M"\naccount = "T"\n'
    )
    said = problems_of(text)
    assert [line.split(":")[0] for line in said] == [
        "dividends[0].amount",
        "dividends[0].pay_date",
        "restrictions[0].kind",
        "restrictions[0].until",
        "restrictions[0].household",
    ]


def test_names_that_the_firm_does_not_have_are_refused():
    assert refused(edited(('account = "T-1001" ', 'account = "T-9" '))) == [
        "restrictions[0].account: 'T-9' is no account of the firm"
    ]
    assert refused(edited(('symbol = "QUAL"\namount', 'symbol = "QUAX"\namount')))[0].startswith(
        "households[0].accounts[1].scheduled_purchases[0].symbol: 'QUAX' is no security"
    )
