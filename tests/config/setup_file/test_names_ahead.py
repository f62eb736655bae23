"""Dividends, scheduled purchases and restrictions in a set-up file."""

from datetime import date
from decimal import Decimal

import pytest

from accounts.models import Account
from proposals.models import ExpectedCashFlow, Restriction, ScheduledPurchase
from proposals.types import CashFlowKind, RestrictionKind
from rebalancing.models import RebalancePolicy
from securities.models import Dividend, Security
from tests.config.setup_file.texts import EXAMPLE, FIRM, edited, problems_of, refused, take

pytestmark = pytest.mark.django_db


def test_the_example_says_what_is_ahead_and_what_is_forbidden():
    summary = take(EXAMPLE.read_text(encoding="utf-8"))
    assert (
        "1 dividend new, 1 distribution new, 1 scheduled purchase new, 1 expected cash flow new, 1 restriction new"
        in summary
    )
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


def test_a_cash_flow_is_written_and_settled():
    take(EXAMPLE.read_text(encoding="utf-8"))
    row = ExpectedCashFlow.objects.get()
    assert row.account is not None
    assert (row.account.number, row.kind, row.amount) == ("R-1002", CashFlowKind.RMD, Decimal(4000))
    assert row.household == row.account.household
    settled = edited(("# settled_on = 2026-12-14", "settled_on = 2026-12-14"))
    assert take(settled) == "1 expected cash flow changed"
    assert ExpectedCashFlow.objects.get().settled_on == date(2026, 12, 14)


def test_a_distribution_and_an_account_of_another_household_are_refused():
    assert refused(edited(('account = "R-1002"\namount', 'account = "C-1"\namount'))) == [
        "households[0].expected_cash_flows[0].account: 'C-1' is no account of the household 'Miller'"
    ]
    said = problems_of(edited(('account = "R-1002"\namount', "amount")))
    assert said == [
        "households[0].expected_cash_flows[0].account: it is missing: a required distribution leaves one account"
    ]


def test_a_limit_goes_with_its_kind():
    of_msft = 'kind = "no_buy"                 # no_sell'
    assert problems_of(edited((of_msft, 'kind = "hold_gains" #'))) == [
        "restrictions[0].limit: it is missing: hold_gains needs a fraction such as 0.1"
    ]
    assert problems_of(edited((of_msft, 'kind = "max_weight"\nlimit = "0.1" #'))) == [
        "restrictions[0].account: a largest weight is one of the household: leave the account out"
    ]
    take(edited((of_msft, 'kind = "hold_gains"\nlimit = "0.1" #')))
    row = Restriction.objects.get()
    assert (row.kind, row.limit) == (RestrictionKind.HOLD_GAINS, Decimal("0.1"))


def test_yields_fractions_and_policy_days_are_taken():
    take(
        edited(
            ('# qualified_yield = "0.012" #', 'qualified_yield = "0.012" #'),
            ("trades_fractions = false ", "trades_fractions = true "),
            ("cash_need_days = 10 ", "cash_need_days = 7 "),
        )
    )
    assert Security.objects.get(symbol="QUAL").qualified_yield == Decimal("0.012")
    assert Account.objects.get(number="T-1001").trades_fractions
    assert RebalancePolicy.objects.get(household=None).cash_need_days == 7
