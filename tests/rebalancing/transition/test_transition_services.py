"""Plans on the real database: who may start and end one, the budget they set, and the nights that follow it."""

from datetime import date
from decimal import Decimal as D
from io import StringIO
from random import Random
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction
from django.http import Http404
from django.test import Client

from accounts.errors import NotAllowed
from accounts.locks import lock_household
from accounts.models import AuditEvent, TaxProfile
from accounts.types import Role
from lots.types import EntryKind
from proposals import services as proposal_services
from proposals.models import GainBudget, Proposal
from proposals.selectors import budget_usage
from proposals.types import Proration, Side
from rebalancing import selectors, services
from rebalancing.household.state import assemble
from rebalancing.models import ModelAssignment, ModelWeight, TargetModel, TransitionPlan
from rebalancing.services import examine, store
from rebalancing.transition import selectors as transition_selectors
from rebalancing.transition.services import BadPlan, PlanUnderWay, end_plan, keep_budget, start_plan
from rebalancing.versions.edits import NotResolved, resolve
from rebalancing.versions.fixed_rows import FixedRow
from tests.factories import (
    book,
    make_account,
    make_firm,
    make_household,
    make_security,
    make_user,
)
from tests.rebalancing.test_services import DAY, LONG_AGO, Desk, give_history

pytestmark = pytest.mark.django_db


@pytest.fixture
def desk() -> Desk:
    """$100,000: $97,000 in OLD at half its price, bought long ago; the model holds NEW and MORE."""
    firm = make_firm(pinned_date=DAY)
    household = make_household(firm)
    rng = Random(5)
    securities = {symbol: make_security(firm, symbol) for symbol in ("OLD", "NEW", "MORE")}
    for security in securities.values():
        give_history(security, rng)
    model = TargetModel.objects.create(firm=firm, name="Core")
    for symbol, weight in (("NEW", "0.5"), ("MORE", "0.47")):
        ModelWeight.objects.create(model=model, security=securities[symbol], weight=D(weight))
    ModelAssignment.objects.create(household=household, model=model)
    TaxProfile.objects.create(
        household=household,
        year=DAY.year,
        filing_status="mfj",
        federal_ordinary_rate=D("0.24"),
        federal_long_rate=D("0.15"),
        state_rate=D("0.05"),
    )
    found = Desk(
        household=household,
        taxable=make_account(household, "T-1"),
        ira=make_account(household, "I-1"),
        securities=securities,
        model=model,
        user=make_user(firm, role=Role.APPROVER),
    )
    found.buy(found.taxable, "OLD", "500", "25000")
    found.buy(found.taxable, "OLD", "470", "23500")
    book(found.taxable, EntryKind.CASH_IN, LONG_AGO, amount="3000")
    return found


def start(desk: Desk, **given: Any) -> TransitionPlan:
    asked = {"short_limit": D(0), "long_limit": D(12_000), "tax_limit": None, "reason": "Agreed."}
    return start_plan(user=desk.user, household=desk.household.public_id, **{**asked, **given})


def test_a_plan_sets_the_budget_of_the_year_and_is_told_in_the_audit_chain(desk: Desk) -> None:
    plan = start(desk)

    assert transition_selectors.plan(desk.household.pk) == plan
    budget = GainBudget.objects.get(household=desk.household, year=DAY.year)
    assert (budget.short_limit, budget.long_limit, budget.tax_limit) == (D(0), D(12_000), None)
    assert "Agreed." in budget.reason
    actions = list(AuditEvent.objects.order_by("sequence").values_list("action", flat=True))
    assert actions[-2:] == ["budget.set", "transition.started"]


def test_the_tighter_limit_of_budget_and_plan_is_kept(desk: Desk) -> None:
    proposal_services.set_budget(
        user=desk.user,
        household=desk.household.public_id,
        year=DAY.year,
        short_limit=None,
        long_limit=D(5_000),
        tax_limit=D(900),
        reason="Review.",
        proration=Proration.QUARTERLY,
    )
    start(desk)

    budget = GainBudget.objects.get(household=desk.household, year=DAY.year)
    assert budget.proration == "quarterly"
    assert (budget.short_limit, budget.long_limit, budget.tax_limit) == (D(0), D(5_000), D(900))
    assert budget.reason.endswith("Before: Review.")


@pytest.mark.parametrize(
    ("given", "refusal"),
    [
        ({"reason": "  "}, BadPlan),
        ({"short_limit": None, "long_limit": None}, BadPlan),
    ],
)
def test_a_plan_needs_a_reason_and_a_limit(
    desk: Desk, given: dict[str, Any], refusal: type[Exception]
) -> None:
    with pytest.raises(refusal):
        start(desk, **given)
    assert not TransitionPlan.objects.exists()
    assert not GainBudget.objects.exists()


def test_a_household_without_a_model_has_nowhere_to_go(desk: Desk) -> None:
    ModelAssignment.objects.all().delete()
    with pytest.raises(BadPlan, match="follows no model"):
        start(desk)


def test_one_plan_at_a_time_by_service_and_by_the_database(desk: Desk) -> None:
    plan = start(desk)
    with pytest.raises(PlanUnderWay):
        start(desk)
    with pytest.raises(IntegrityError, match="transition_plan_one_under_way"), transaction.atomic():
        TransitionPlan.objects.create(
            household=desk.household,
            long_limit=D(1),
            reason="Twice.",
            author=desk.user,
            started_on=DAY,
        )
    ended = end_plan(user=desk.user, household=desk.household.public_id, reason="Moved away.")
    assert (ended.pk, ended.ended_on, ended.ended_by) == (plan.pk, DAY, desk.user)
    with pytest.raises(PlanUnderWay, match="No plan"):
        end_plan(user=desk.user, household=desk.household.public_id, reason="Again.")
    assert start(desk).pk != plan.pk
    assert GainBudget.objects.count() == 1  # the year's budget outlives the plan


@pytest.mark.parametrize(
    "broken",
    [
        {"long_limit": None},
        {"reason": ""},
        {"long_limit": D(-1)},
        {"ended_on": DAY},
        {"ended_on": date(2022, 1, 1), "end_reason": "Before it began."},
    ],
)
def test_the_database_refuses_a_plan_that_says_nothing(desk: Desk, broken: dict[str, Any]) -> None:
    whole: dict[str, Any] = {
        "household": desk.household,
        "long_limit": D(1),
        "reason": "Agreed.",
        "author": desk.user,
        "started_on": DAY,
    }
    if "end_reason" in broken:
        broken = {**broken, "ended_by": desk.user}
    with pytest.raises(IntegrityError), transaction.atomic():
        TransitionPlan.objects.create(**{**whole, **broken})


def test_only_who_decides_starts_and_ends_a_plan_and_only_of_its_own_firm(desk: Desk) -> None:
    operations = make_user(desk.household.firm, "olga", role=Role.OPERATIONS)
    stranger = make_user(make_firm("Other"), "sam", role=Role.APPROVER)
    for user, refusal in ((operations, NotAllowed), (stranger, Http404)):
        with pytest.raises(refusal):
            start_plan(
                user=user,
                household=desk.household.public_id,
                short_limit=None,
                long_limit=D(1),
                tax_limit=None,
                reason="Mine.",
            )
    start(desk)
    for user, refusal in ((operations, NotAllowed), (stranger, Http404)):
        with pytest.raises(refusal):
            end_plan(user=user, household=desk.household.public_id, reason="Mine.")


def night(desk: Desk) -> Proposal | None:
    result = examine(household_id=desk.household.pk, as_of=DAY)
    with transaction.atomic():
        lock_household(desk.household.pk)
        return store(result=result)


def test_a_night_under_a_plan_goes_as_far_as_the_budget_and_says_so(desk: Desk) -> None:
    """Without the plan the tax of 20 % weighs against the risk; with it the budget alone does."""
    start(desk)
    proposal = night(desk)

    assert proposal is not None
    assert "TRANSITION" in proposal.reasons
    assert D(11_900) < proposal.long_gain <= D(12_000)
    trades = list(proposal.trades.all())
    assert {t.security.symbol for t in trades if t.side == Side.SELL} == {"OLD"}
    assert all(t.quantity == int(t.quantity) for t in trades)
    step = transition_selectors.planner(desk.household.pk, DAY).schedule(
        transition_selectors.limits_of(TransitionPlan.objects.get(), DAY.year)
    )
    assert step.steps[0].long_gain == proposal.long_gain  # the page says what the night does
    assert {(t.security, t.side, t.quantity) for t in step.steps[0].trades} == {
        (t.security_id, t.side, t.quantity) for t in trades
    }


def test_who_changes_a_step_stays_inside_the_limits_of_the_plan(desk: Desk) -> None:
    """Somebody has given the year a larger budget since: the plan still says how far its steps go."""
    start(desk)
    old = night(desk)
    assert old is not None
    proposal_services.set_budget(
        user=desk.user,
        household=desk.household.public_id,
        year=DAY.year,
        short_limit=None,
        long_limit=D(30_000),
        tax_limit=None,
        reason="Room for something else.",
    )
    sale = old.trades.filter(side=Side.SELL).first()
    assert sale is not None
    row = FixedRow(
        account=sale.account_id,
        security=sale.security_id,
        side=Side.SELL,
        quantity=sale.quantity + 200,
        opening=sale.opening_id,
        part=sale.part,
    )
    with pytest.raises(NotResolved, match=r"long-term gain budget of 2022 is \$12,000"):
        resolve(
            user=desk.user,
            public_id=old.public_id,
            content_sha256=old.content_sha256,
            fixed=[row],
        )


def test_a_years_first_night_keeps_the_plans_limits_before_the_year_has_them(desk: Desk) -> None:
    start(desk)
    GainBudget.objects.all().delete()
    assigned = selectors.assignment(desk.household.pk)
    assert assigned is not None
    books = selectors.books(assigned, tax=selectors.UNTAXED, as_of=DAY, intentions=())
    usage = services._usage(assemble(books), tax=selectors.UNTAXED, drafts=(), way=None)
    assert usage is not None
    assert (usage.budget.short_limit, usage.budget.long_limit) == (D(0), D(12_000))


def test_a_night_without_a_plan_is_no_transition(desk: Desk) -> None:
    start(desk)
    end_plan(user=desk.user, household=desk.household.public_id, reason="No more.")
    proposal = night(desk)

    assert proposal is None or "TRANSITION" not in proposal.reasons


def test_what_was_approved_uses_the_budget_of_the_year_up(desk: Desk) -> None:
    start(desk)
    proposal = night(desk)
    assert proposal is not None
    proposal_services.approve(
        user=desk.user, public_id=proposal.public_id, content_sha256=proposal.content_sha256
    )
    usage = budget_usage(desk.household.pk, DAY)

    assert usage is not None
    assert usage.drawn.long == proposal.long_gain


def test_a_new_year_begins_with_the_limits_of_the_plan(desk: Desk) -> None:
    start(desk)
    new_year = date(2023, 1, 3)
    with transaction.atomic():
        lock_household(desk.household.pk)
        row = keep_budget(household_id=desk.household.pk, as_of=new_year)
        again = keep_budget(household_id=desk.household.pk, as_of=new_year)
        before = keep_budget(household_id=desk.household.pk, as_of=date(2021, 1, 4))

    assert row is not None
    assert (row.year, row.short_limit, row.long_limit, row.author) == (
        2023,
        D(0),
        D(12_000),
        desk.user,
    )
    assert (again, before) == (None, None)


def test_the_command_prints_the_scenarios_and_the_years(desk: Desk) -> None:
    out = StringIO()
    call_command("transition", "Miller", "--as-of", str(DAY), "--budget", "gain=25000", stdout=out)
    text = out.getvalue()

    assert "$97,000 of it not in the model with $48,500 of unrealised gain" in text
    assert [line.split()[0] for line in text.splitlines()[2:8]] == [
        "0%", "10%", "25%", "50%", "75%", "100%",
    ]  # fmt: skip
    assert "Year by year, at today's prices: 2." in text
    assert not TransitionPlan.objects.exists()


@pytest.mark.parametrize("budget", ["long", "long=-1", "long=many", "wealth=1", "tax=NaN"])
def test_a_budget_that_is_none_is_refused(desk: Desk, budget: str) -> None:
    with pytest.raises(CommandError, match="is no budget"):
        call_command("transition", str(desk.household.pk), "--budget", budget)


def test_an_unknown_household_is_refused() -> None:
    with pytest.raises(CommandError, match="no single household"):
        call_command("transition", "Nobody")


def client_of(desk: Desk) -> Client:
    client = Client()
    client.force_login(desk.user)
    return client


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("abc", "“abc”: Enter dollars as a number, such as 25,000 or 1250.50."),
        ("-5", "“-5”: Enter dollars from 0 up, such as 25,000."),
        ("1e400", "“1e400”: Enter dollars below 100,000,000,000,000, such as 25,000."),
        ("NaN", "“NaN”: Enter dollars as a number, such as 25,000 or 1250.50."),
    ],
)
def test_a_limit_that_cannot_be_read_is_named_with_what_to_type(
    desk: Desk, typed: str, told: str
) -> None:
    client = Client()
    client.force_login(desk.user)
    address = f"/households/{desk.household.public_id}/transition/"
    page = client.get(address, {"long_limit": typed})
    assert page.status_code == 422
    shown = page.content.decode()
    assert f"Net long-term gain a year, $, {told}" in shown
    assert f'value="{typed}"' in shown
    with pytest.raises(CommandError, match=f"'long={typed}' is no budget: "):
        call_command("transition", str(desk.household.pk), "--budget", f"long={typed}")


def test_the_page_shows_the_scenarios_starts_a_plan_and_ends_it(desk: Desk) -> None:
    client, address = client_of(desk), f"/households/{desk.household.public_id}/transition/"
    page = client.get(address).content.decode()
    assert "What each budget comes to" in page
    assert "Years of 25" in page.replace(" ", " ") or "of 25 %" in page

    asked = client.get(address, {"long_limit": "24000"}).content.decode()
    assert "These limits, year by year" in asked
    assert 'value="24000.00"' in asked

    refused = client.post(f"{address}start/", {"long_limit": "1000", "reason": ""})
    assert refused.status_code == 422
    assert 'value="1000"' in refused.content.decode()
    nothing = client.post(f"{address}start/", {"reason": "Agreed."})
    assert nothing.status_code == 422
    assert "Set one limit at least." in nothing.content.decode()

    done = client.post(
        f"{address}start/", {"long_limit": "24250", "reason": "Agreed."}, follow=True
    ).content.decode()
    assert "Plan since 28 December 2022" in done
    assert "in year 2" in done
    ended = client.post(f"{address}end/", {"reason": "Moved."}, follow=True).content.decode()
    assert "Plans that have ended" in ended
    assert "Start a plan" in ended


def test_the_page_says_what_is_missing(desk: Desk) -> None:
    TaxProfile.objects.all().delete()
    page = client_of(desk).get(f"/households/{desk.household.public_id}/transition/")

    assert page.status_code == 200
    assert "tax profile" in page.content.decode()
