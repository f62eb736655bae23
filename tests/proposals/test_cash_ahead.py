"""Cash that leaves a household or comes in, as people enter it (F6): the rules, the record, and the page."""

import json
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.errors import NotAllowed
from accounts.models import Account, AuditEvent, Firm
from accounts.types import Role
from proposals import selectors, services
from proposals.errors import BadCashFlow, CashFlowEnded, CashFlowKnown, NoReason
from proposals.models import ExpectedCashFlow
from proposals.types import CashFlowKind
from tests.factories import make_account, make_firm, make_household
from tests.proposals.desk import TODAY, Desk, make_desk, make_person

pytestmark = pytest.mark.django_db

DUE = TODAY + timedelta(days=5)


@pytest.fixture
def desk() -> Desk:
    return make_desk()


@pytest.fixture
def browser(desk: Desk) -> Client:
    client = Client()
    client.force_login(desk.adviser)
    return client


def expect(desk: Desk, **changes: Any) -> ExpectedCashFlow:
    given: dict[str, Any] = {
        "user": desk.adviser,
        "household_id": desk.household.pk,
        "kind": CashFlowKind.WITHDRAWAL,
        "amount": Decimal("1500.50"),
        "due_on": DUE,
        "reason": "A roof.",
    }
    return services.expect_cash_flow(**{**given, **changes})


def told() -> list[tuple[str, dict[str, Any]]]:
    rows = AuditEvent.objects.filter(action__startswith="cash_flow.").order_by("sequence")
    return [(one.action, json.loads(one.payload)["facts"]) for one in rows]


# The service


def test_what_is_entered_is_what_the_night_asks_for(desk: Desk) -> None:
    row = expect(desk, account_id=desk.account.pk)
    (flow,) = selectors.cash_flows(desk.household.pk, TODAY, days=10)
    assert (flow.kind, flow.amount, flow.due_on, flow.account, flow.reason) == (
        CashFlowKind.WITHDRAWAL,
        Decimal("1500.5"),
        DUE,
        desk.account.pk,
        "A roof.",
    )
    assert row.author == desk.adviser
    ((action, facts),) = told()
    assert action == "cash_flow.recorded"
    assert facts["account"] == str(desk.account.public_id)
    assert (facts["amount"], facts["due_on"], facts["reason"], facts["before"]) == (
        "1500.5",
        "2023-01-02",
        "A roof.",
        None,
    )


def test_today_is_early_enough_and_a_cent_is_enough(desk: Desk) -> None:
    assert expect(desk, due_on=TODAY, amount=Decimal("0.01")).pk
    Firm.objects.update(pinned_date=TODAY + timedelta(days=1))
    with pytest.raises(BadCashFlow, match="2022-12-28 is past: the firm stands at 2022-12-29"):
        expect(desk, due_on=TODAY, kind=CashFlowKind.FEE)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"amount": Decimal(0)}, "above zero"),
        ({"amount": Decimal(-5)}, "what comes in is a deposit"),
        ({"amount": Decimal("1.005")}, "dollars and cents, 1.005 is finer"),
        ({"amount": Decimal(10) ** 14}, r"below \$100,000,000,000,000"),
        ({"due_on": TODAY - timedelta(days=1)}, "2022-12-27 is past"),
        ({"kind": CashFlowKind.RMD}, "leaves a retirement account, and none is named"),
    ],
)
def test_what_cannot_be_is_refused(desk: Desk, changes: dict[str, Any], words: str) -> None:
    with pytest.raises(BadCashFlow, match=words):
        expect(desk, **changes)
    assert not ExpectedCashFlow.objects.exists()
    assert told() == []


def test_a_reason_is_asked_for(desk: Desk) -> None:
    with pytest.raises(NoReason, match="say what the cash is for"):
        expect(desk, reason=" ")


def test_a_required_distribution_leaves_a_retirement_account(desk: Desk) -> None:
    with pytest.raises(BadCashFlow, match=r"and Ann taxable \(T-1\) is none"):
        expect(desk, kind=CashFlowKind.RMD, account_id=desk.account.pk)
    assert expect(desk, kind=CashFlowKind.RMD, account_id=desk.ira.pk).account == desk.ira


def test_the_account_is_one_of_the_household_that_is_kept_here(desk: Desk) -> None:
    other = make_account(make_household(desk.firm, "Stone"), "S-1")
    with pytest.raises(BadCashFlow, match=r"\(S-1\) is no account of Miller"):
        expect(desk, account_id=other.pk)
    foreign = make_account(make_household(make_firm("Other"), "Rock"), "F-1")
    with pytest.raises(Account.DoesNotExist):
        expect(desk, account_id=foreign.pk)
    away = make_account(desk.household, "B-9", owner="Bob")
    Account.objects.filter(pk=away.pk).update(held_away=True)
    with pytest.raises(BadCashFlow, match=r"\(B-9\) is held away"):
        expect(desk, account_id=away.pk)


def test_one_of_a_kind_an_account_and_day(desk: Desk) -> None:
    expect(desk)
    with pytest.raises(
        CashFlowKnown,
        match=r"A withdrawal of 2023-01-02 from the household is on record already, of \$1,500.50",
    ):
        expect(desk, amount=Decimal(7))
    expect(desk, kind=CashFlowKind.FEE)
    expect(desk, account_id=desk.account.pk)
    expect(desk, due_on=DUE + timedelta(days=1))
    assert ExpectedCashFlow.objects.count() == 4


def test_an_amount_is_corrected_by_calling_off_and_entering_anew(desk: Desk) -> None:
    first = expect(desk)
    services.call_off_cash_flow(
        user=desk.adviser, household_id=desk.household.pk, flow_id=first.pk, reason="A typo."
    )
    assert selectors.cash_flows(desk.household.pk, TODAY, days=10) == ()
    again = expect(desk, amount=Decimal(15), reason="A roof tile.")
    assert (again.pk, again.amount, again.settled_on) == (first.pk, Decimal(15), None)
    assert [action for action, _ in told()] == [
        "cash_flow.recorded",
        "cash_flow.called_off",
        "cash_flow.recorded",
    ]
    assert told()[1][1]["reason"] == "A typo."
    assert told()[2][1]["before"] == {"amount": "1500.5", "settled_on": str(TODAY)}


def test_settling_is_dated_by_the_firm_and_done_once(desk: Desk) -> None:
    row = expect(desk)
    which: dict[str, Any] = {
        "user": desk.adviser,
        "household_id": desk.household.pk,
        "flow_id": row.pk,
    }
    with pytest.raises(NoReason, match="Calling off needs a reason"):
        services.call_off_cash_flow(**which, reason="  ")
    assert services.settle_cash_flow(**which).settled_on == TODAY
    assert told()[-1][0] == "cash_flow.settled"
    with pytest.raises(CashFlowEnded, match="was settled or called off on 2022-12-28"):
        services.settle_cash_flow(**which)
    with pytest.raises(CashFlowEnded):
        services.call_off_cash_flow(**which, reason="Again.")
    assert selectors.open_cash_flows(desk.household) == ()


def test_whose_it_is_and_who_may(desk: Desk) -> None:
    row = expect(desk)
    which: dict[str, Any] = {"household_id": desk.household.pk, "flow_id": row.pk}
    with pytest.raises(NotAllowed):
        expect(desk, user=desk.operations, kind=CashFlowKind.FEE)
    with pytest.raises(NotAllowed):
        services.settle_cash_flow(user=desk.operations, **which)
    with pytest.raises(NotAllowed):
        services.call_off_cash_flow(user=desk.operations, reason="No.", **which)
    stranger = make_person(make_firm("Other"), "eve", Role.ADVISER)
    with pytest.raises(CashFlowEnded, match="no such cash flow"):
        services.settle_cash_flow(user=stranger, **which)
    neighbour = make_household(desk.firm, "Stone")
    with pytest.raises(CashFlowEnded, match="no such cash flow"):
        services.settle_cash_flow(user=desk.adviser, household_id=neighbour.pk, flow_id=row.pk)
    row.refresh_from_db()
    assert row.settled_on is None


# The page

TYPED = {
    "kind": "withdrawal",
    "account": "",
    "amount": "$1,500.50",
    "due_on": str(DUE),
    "reason": "A <roof>.",
}


def post(browser: Client, desk: Desk, **changes: str) -> Any:
    address = reverse("expect-cash-flow", args=[desk.household.public_id])
    return browser.post(address, {**TYPED, **changes})


def end(browser: Client, desk: Desk, **said: object) -> Any:
    return browser.post(reverse("end-cash-flow", args=[desk.household.public_id]), said)


def shown(browser: Client, desk: Desk) -> str:
    return browser.get(reverse("household-windows", args=[desk.household.public_id])).text


def test_the_page_records_lists_and_ends(desk: Desk, browser: Client) -> None:
    assert "No withdrawal, required distribution, fee or deposit is on record." in shown(
        browser, desk
    )
    answer = post(browser, desk, kind="rmd", account=str(desk.ira.public_id))
    assert answer.status_code == 302
    assert answer["Location"].endswith("/windows/#cash-ahead")
    row = ExpectedCashFlow.objects.get()
    assert (row.account, row.amount) == (desk.ira, Decimal("1500.5"))
    page = shown(browser, desk)
    assert "The required distribution of 2023-01-02 is on record." in page
    for said in ("Required distribution", str(desk.ira), "$1,500.50", "2 Jan 2023", "ada"):
        assert said in page
    assert "A &lt;roof&gt;." in page

    assert end(browser, desk, flow=row.pk, how="called_off", reason=" ").status_code == 302
    assert "Say in a sentence why it is called off." in shown(browser, desk)
    row.refresh_from_db()
    assert row.settled_on is None
    end(browser, desk, flow=row.pk, how="called_off", reason="Not needed.")
    assert "The required distribution of 2023-01-02 is called off." in shown(browser, desk)
    answer = end(browser, desk, flow=row.pk, how="settled")
    assert answer.status_code == 409
    assert "was settled or called off on" in answer.text

    post(browser, desk)
    end(browser, desk, flow=ExpectedCashFlow.objects.get(settled_on=None).pk, how="settled")
    assert "The withdrawal of 2023-01-02 is settled." in shown(browser, desk)
    assert told()[-1][0] == "cash_flow.settled"


@pytest.mark.parametrize(
    ("changes", "status", "words"),
    [
        ({"amount": "1,5"}, 422, "Amount, $: Enter dollars as a number"),
        ({"amount": "1.005"}, 422, "Amount, $: Enter dollars and cents"),
        ({"amount": "NaN"}, 422, "Amount, $: Enter dollars as a number"),
        ({"amount": "0"}, 422, "The amount is above zero"),
        ({"due_on": "soon"}, 422, "Due on: Enter a valid date."),
        ({"due_on": "2022-12-27"}, 422, "2022-12-27 is past"),
        ({"kind": "gift"}, 422, "What: Select a valid choice."),
        ({"kind": "rmd"}, 422, "leaves a retirement account, and none is named"),
        ({"reason": " "}, 422, "What for: This field is required."),
        ({"account": "x"}, 422, "Account: Enter a valid UUID."),
        ({"kind": "fee"}, 409, "A fee of 2023-01-02 from the household is on record already"),
    ],
)
def test_a_refusal_says_why_and_keeps_what_was_typed(
    desk: Desk, browser: Client, changes: dict[str, str], status: int, words: str
) -> None:
    expect(desk, kind=CashFlowKind.FEE)
    answer = post(browser, desk, **changes)
    assert answer.status_code == status
    page = answer.text
    assert words in page
    assert '<details class="card card-body mb-4 no-print" open>' in page
    for name in ("amount", "due_on"):
        assert f'value="{changes.get(name, TYPED[name])}"' in page
    if changes.get("reason") is None:
        assert 'value="A &lt;roof&gt;."' in page
    if changes.get("kind") in ("fee", "rmd"):
        assert f'<option value="{changes["kind"]}" selected>' in page
    assert ExpectedCashFlow.objects.count() == 1


def test_the_account_that_was_chosen_stays_chosen(desk: Desk, browser: Client) -> None:
    account = str(desk.account.public_id)
    page = post(browser, desk, kind="rmd", account=account).text
    assert "and Ann taxable (T-1) is none" in page
    assert f'<option value="{account}" selected>' in page
    # The refused page stands at an address that only takes forms: its links lead back.
    assert f'href="{reverse("household-windows", args=[desk.household.public_id])}?way=buy"' in page
    assert post(browser, desk, account=str(desk.household.public_id)).status_code == 404


def test_who_may_not_decide_reads_the_list_alone(desk: Desk) -> None:
    row = expect(desk)
    client = Client()
    client.force_login(desk.operations)
    page = shown(client, desk)
    assert "A roof." in page
    assert reverse("expect-cash-flow", args=[desk.household.public_id]) not in page
    assert reverse("end-cash-flow", args=[desk.household.public_id]) not in page
    for answer in (
        post(client, desk),
        post(client, desk, amount=""),
        end(client, desk, flow=row.pk, how="settled"),
    ):
        assert answer.status_code == 403
    assert ExpectedCashFlow.objects.filter(settled_on=None).count() == 1


def test_a_post_without_its_token_is_refused(desk: Desk) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(desk.adviser)
    assert post(client, desk).status_code == 403
    assert end(client, desk, flow=1, how="settled").status_code == 403
    assert not ExpectedCashFlow.objects.exists()


def test_what_is_past_and_not_settled_is_marked(desk: Desk, browser: Client) -> None:
    expect(desk)
    assert "past: nothing is made ready for it" not in shown(browser, desk)
    Firm.objects.update(pinned_date=DUE + timedelta(days=1))
    assert "past: nothing is made ready for it" in shown(browser, desk)


def test_the_list_costs_one_query_however_long(desk: Desk) -> None:
    for days in range(6):
        expect(desk, due_on=DUE + timedelta(days=days), account_id=desk.account.pk)
    with CaptureQueriesContext(
        connection,
    ) as queries:
        assert len(selectors.open_cash_flows(desk.household)) == 6
    assert len(queries) == 1
