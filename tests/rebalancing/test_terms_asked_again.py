"""T46: an approval asks again for every term that decided a rebalance, and names what moved; what did not, passes."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from decimal import Decimal as D
from typing import Any

import pytest
from django.db import connection, transaction
from django.test import Client

from accounts.locks import lock_household
from accounts.models import AuditEvent
from accounts.types import Role
from lots.types import EntryKind
from proposals import rechecks
from proposals import services as proposal_services
from proposals.errors import AllHeldBack, AlreadyDecided, StaleProposal
from proposals.models import (
    CommissionSchedule,
    ExpectedCashFlow,
    GainBudget,
    Proposal,
    Restriction,
)
from rebalancing.models import (
    Mandate,
    MandateRule,
    ModelAssignment,
    ModelWeight,
    RebalanceBand,
    RebalancePolicy,
    RiskSetting,
    TargetModel,
)
from rebalancing.transition.services import end_plan, start_plan
from rebalancing.versions.edits import resolve
from securities.models import HalfSpread, Price, Security
from tests.factories import book, make_household, make_security, make_user, set_price
from tests.rebalancing.test_services import DAY, Desk, desk, drifted

__all__ = ["desk", "drifted"]  # fixtures

pytestmark = pytest.mark.django_db

Step = Callable[[Desk], object]


def proposed(found: Desk) -> Proposal:
    proposal = found.store(found.examine())
    assert proposal is not None
    return proposal


def moved(proposal: Proposal) -> list[str]:
    """As an approval reads it, of a proposal read afresh."""
    return [str(one) for one in proposal_services.moved_since(Proposal.objects.get(pk=proposal.pk))]


def policy(**said: object) -> Step:
    return lambda found: RebalancePolicy.objects.filter(firm=found.household.firm).update(**said)


def own_policy(**said: object) -> Step:
    """The household's own words."""
    return lambda found: RebalancePolicy.objects.update_or_create(
        firm=found.household.firm, household=found.household, defaults=said
    )


def weight(symbol: str, to: str) -> Step:
    return lambda found: ModelWeight.objects.filter(
        model=found.model, security=found.securities[symbol]
    ).update(weight=D(to))


def other_model(found: Desk) -> None:
    other = TargetModel.objects.create(firm=found.household.firm, name="Growth")
    for row in found.model.weights.all():
        ModelWeight.objects.create(model=other, security=row.security, weight=row.weight)
    ModelAssignment.objects.filter(household=found.household).update(model=other)


def rule(key: str = "tech", **values: object) -> Step:
    def set_rule(found: Desk) -> None:
        mandate, _ = Mandate.objects.get_or_create(
            firm=found.household.firm, name="Miller", household=found.household
        )
        kind = {"kind": "sector", "subject": "technology"} if "kind" not in values else {}
        MandateRule.objects.update_or_create(mandate=mandate, key=key, defaults={**kind, **values})

    return set_rule


def restrict(symbol: str, kind: str, **values: Any) -> Step:
    def set_restriction(found: Desk) -> None:
        Restriction.objects.update_or_create(
            firm=found.household.firm,
            household=found.household,
            security=found.securities[symbol],
            kind=kind,
            account=values.pop("account", None),
            defaults={"since": DAY, "reason": "Asked for.", "author": found.user, **values},
        )

    return set_restriction


def need(amount: str, kind: str = "withdrawal", **values: Any) -> Step:
    return lambda found: ExpectedCashFlow.objects.update_or_create(
        household=found.household,
        kind=kind,
        account=found.taxable,
        due_on=values.pop("due_on", DAY + timedelta(days=3)),
        defaults={"amount": D(amount), "reason": "A car.", "author": found.user, **values},
    )


def charge(per_order: str) -> Step:
    def set_schedule(found: Desk) -> None:
        found.taxable.custodian = "Harbor"
        found.taxable.save()
        CommissionSchedule.objects.update_or_create(
            firm=found.household.firm, custodian="Harbor", defaults={"per_order": D(per_order)}
        )

    return set_schedule


def spread(fraction: str, symbol: str = "", **values: Any) -> Step:
    """A half spread of the firm, or of one security, from a day on: the night's own, unless another is said."""
    return lambda found: HalfSpread.objects.create(
        firm=found.household.firm,
        security=found.securities[symbol] if symbol else None,
        fraction=D(fraction),
        **{"since": DAY, **values},
    )


def risk(**said: object) -> Step:
    return lambda found: RiskSetting.objects.update_or_create(
        firm=found.household.firm, defaults=said
    )


def budget(**limits: object) -> Step:
    return lambda found: GainBudget.objects.update_or_create(
        household=found.household,
        year=DAY.year,
        defaults={"reason": "Asked for.", "author": found.user, **limits},
    )


def start(found: Desk) -> object:
    return start_plan(
        user=found.user,
        household=found.household.public_id,
        short_limit=None,
        long_limit=D(50_000),
        tax_limit=None,
        reason="Over years.",
    )


def end(found: Desk) -> object:
    return end_plan(user=found.user, household=found.household.public_id, reason="Changed.")


def settled(found: Desk) -> None:
    """Every kind of terms is stated before the night."""
    policy(
        band_type="relative",
        relative_band=D("0.2"),
        destination="target",
        cadence="daily",
        horizon="one",
        horizon_years=D(1),
        risk_aversion=D(10),
        cash_minimum=D("0.01"),
        cash_maximum=D("0.05"),
        minimum_trade=D(250),
        only_if_worth_it=True,
        later_sale_years=D(10),
    )(found)
    rule(high=D("0.9"))(found)
    rule("soft", high=D("0.95"), is_hard=False)(found)
    restrict("CCC", "no_sell")(found)
    restrict("AAA", "max_weight", limit=D("0.5"))(found)
    need("1500")(found)
    charge("1")(found)
    risk(observations=90, half_life=126)(found)
    budget(short_limit=D(100_000), long_limit=D(100_000))(found)


MOVED: dict[str, tuple[Step, str]] = {
    "band": (
        policy(relative_band=D("0.1")),
        "the policy's band was 20 % of the target and is now 10 % of the target",
    ),
    "the household's own word": (
        own_policy(cool_down_days=30),
        "the policy's cool-down was none and is now 30 days",
    ),
    "trade-to": (
        policy(destination="edge"),
        "the policy's aim for what is out of band was its target and is now the edge of its band",
    ),
    "kind": (
        policy(kind="threshold"),
        "the policy's kind was cost-aware optimum and is now threshold",
    ),
    "cadence": (
        policy(cadence="monthly"),
        "the policy's look was every business night and is now on the last business day of each month",
    ),
    "horizon": (
        policy(horizon_years=D("0.25")),
        "the policy's horizon was a year and is now a quarter",
    ),
    "horizons by name": (
        policy(horizon="by_name"),
        "the policy's horizon was a year and is now each security's own, a year outside the model",
    ),
    "price of risk": (
        policy(risk_aversion=D("12.5")),
        "the policy's price of 1 % of tracking error was 10 basis points a year and is now 12.5 basis points a year",
    ),
    "cash band": (
        policy(cash_maximum=D("0.04")),
        "the policy's cash band was 1 % to 5 % and is now 1 % to 4 %",
    ),
    "cash flows": (
        policy(cash_flows="invest_and_raise_only"),
        "the policy's answer to cash outside its band was a rebalance like any other and is now only investing or "
        "raising it",
    ),
    "smallest trade": (
        policy(minimum_trade=D(1000)),
        "the policy's smallest trade was $250.00 and is now $1,000.00",
    ),
    "worth it": (
        policy(only_if_worth_it=False),
        "the policy's demand that trades be worth their cost was made and is now not made",
    ),
    "later tax": (
        policy(later_sale_years=D(20)),
        "the policy's view of later tax was a sale in 10 years, taxed with a chance of 100 %, discounted at 5 % a "
        "year and is now a sale in 20 years, taxed with a chance of 100 %, discounted at 5 % a year",
    ),
    "band of a security": (
        lambda found: RebalanceBand.objects.create(
            policy=RebalancePolicy.objects.get(firm=found.household.firm),
            security=found.securities["AAA"],
            band_type="absolute",
            absolute_band=D("0.02"),
        ),
        "the policy's band for AAA was 20 % of the target and is now 2 points of the household",
    ),
    "weight of the model": (
        weight("AAA", "0.333333"),
        "the model's target of AAA was 40 % and is now 33.33 %",
    ),
    "a weight that moved a little": (
        weight("AAA", "0.400004"),
        "the model's target of AAA was 40 % and is now 40.0004 %",
    ),
    "model": (other_model, "the household followed Core and now follows Growth"),
    "no model": (
        lambda found: ModelAssignment.objects.all().delete(),
        "the household followed Core and follows no model now",
    ),
    "hard rule": (
        rule(high=D("0.825")),
        "the mandate's rule Miller/tech (sector technology) was at most 90 % and is now at most 82.5 %",
    ),
    "soft rule": (
        rule("soft", low=D("0.1"), high=D("0.95"), is_hard=False),
        "the mandate's rule Miller/soft (sector technology) was at most 95 % and is now 10 % to 95 %",
    ),
    "a soft rule becomes hard": (
        rule("soft", high=D("0.95"), is_hard=True),
        "the mandate's rule Miller/soft (sector technology) was at most 95 % and soft and is now at most 95 % and hard",
    ),
    "a new rule": (
        rule("names", kind="names", subject="", low=D(1)),
        "the mandate's rule Miller/names is new: number of securities at least 1",
    ),
    "a rule is gone": (
        lambda found: MandateRule.objects.filter(key="tech").delete(),
        "the mandate's rule Miller/tech is gone: sector technology at most 90 %",
    ),
    "do not buy": (
        restrict("BBB", "no_buy"),
        "a restriction is new: BBB must not be bought",
    ),
    "do not sell any more": (
        lambda found: Restriction.objects.filter(kind="no_sell").delete(),
        "a restriction is over: CCC must not be sold",
    ),
    "must sell": (
        lambda found: restrict("AAA", "must_sell", account=found.taxable)(found),
        "a restriction is new: AAA must be sold in Ann taxable",
    ),
    "largest weight": (
        restrict("AAA", "max_weight", limit=D("0.45")),
        "the limit of a restriction (AAA has a largest weight) was 50 % and is now 45 %",
    ),
    "a new need": (
        need("300", "fee"),
        "the cash for the fee of 2022-12-31 from Ann taxable ($300.00) is a need that is new",
    ),
    "a larger need": (
        need("2500"),
        "the cash for the withdrawal of 2022-12-31 from Ann taxable was $1,500.00 and is now $2,500.00",
    ),
    "a need that is settled": (
        need("1500", settled_on=DAY),
        "the cash for the withdrawal of 2022-12-31 from Ann taxable ($1,500.00) is not needed any more",
    ),
    "fewer days ahead of a need": (
        policy(cash_need_days=1),
        "the cash for the withdrawal of 2022-12-31 from Ann taxable ($1,500.00) is not needed any more",
    ),
    "commissions": (
        charge("4.95"),
        "the commission in Ann taxable was $1 an order and is now $4.95 an order",
    ),
    "a wider half spread": (
        spread("0.006", "AAA"),
        "the half spread of AAA was 5 bp and is now 60 bp",
    ),
    "risk method": (
        risk(method="exponential"),
        "the risk setting's method was statistical and is now exponential",
    ),
    "risk observations": (
        risk(observations=504),
        "the risk setting's number of daily returns was 90 and is now 504",
    ),
    "budget": (
        budget(short_limit=D(90_000)),
        "the short-term gain budget of 2022 was at most $100,000.00 and is now at most $90,000.00",
    ),
    "no budget any more": (
        lambda found: GainBudget.objects.all().delete(),
        "the long-term gain budget of 2022 was at most $100,000.00 and is now without a limit",
    ),
    "a plan began": (
        start,
        f"a transition plan began on {DAY} (long-term gain at most $50,000.00 a year)",
    ),
}
# Nothing that the trades follow from is another.
UNMOVED: dict[str, Step] = {
    "a policy saved again": lambda found: RebalancePolicy.objects.get(
        firm=found.household.firm
    ).save(),
    "the firm's word becomes the household's": own_policy(relative_band=D("0.20")),
    "a width that the band does not use": policy(absolute_band=D("0.03")),
    "how orders are handled": policy(slice_above=D("0.02"), spread_limit=D("0.01")),
    "a limit of rebalances that only a factor opens": policy(factor_gain_limit=D(1)),
    "the policy of another household": lambda found: RebalancePolicy.objects.create(
        firm=found.household.firm,
        household=make_household(found.household.firm, "Stone"),
        relative_band=D("0.5"),
    ),
    "a band of what is not held": lambda found: RebalanceBand.objects.create(
        policy=RebalancePolicy.objects.get(firm=found.household.firm),
        security=make_security(found.household.firm, "ZZZ"),
        relative_band=D("0.5"),
    ),
    "a model with another name": lambda found: TargetModel.objects.filter(pk=found.model.pk).update(
        name="Core II"
    ),
    "weights published again": weight("AAA", "0.40000000"),
    "weights of another model": lambda found: ModelWeight.objects.create(
        model=TargetModel.objects.create(firm=found.household.firm, name="Growth"),
        security=found.securities["AAA"],
        weight=D(1),
    ),
    "rules under other names": lambda found: (
        Mandate.objects.update(name="Miller family"),
        MandateRule.objects.filter(key="tech").update(key="technology"),
    ),
    "a rule of another household": lambda found: MandateRule.objects.create(
        mandate=Mandate.objects.create(
            firm=found.household.firm,
            name="Stone",
            household=make_household(found.household.firm, "Stone"),
        ),
        key="cash",
        kind="cash",
        high=D("0.01"),
    ),
    "a restriction of another household": lambda found: Restriction.objects.create(
        firm=found.household.firm,
        household=make_household(found.household.firm, "Stone"),
        security=found.securities["BBB"],
        kind="no_buy",
        since=DAY,
        reason="Theirs.",
        author=found.user,
    ),
    "a restriction on what is not held": lambda found: Restriction.objects.create(
        firm=found.household.firm,
        security=make_security(found.household.firm, "ZZZ"),
        kind="no_buy",
        since=DAY,
        reason="Nobody buys it.",
        author=found.user,
    ),
    "a restriction told otherwise": restrict("CCC", "no_sell", reason="The client is fond of it."),
    # A deposit counts when it is booked: no trade follows from one that is planned.
    "a planned deposit": need("9000", "deposit"),
    "a need beyond the days ahead": need("800", "fee", due_on=DAY + timedelta(days=40)),
    "the commission of another custodian": lambda found: CommissionSchedule.objects.create(
        firm=found.household.firm, custodian="Elsewhere", per_order=D(9)
    ),
    "a setting that the method does not use": risk(half_life=60),
    "the budget of another year": lambda found: GainBudget.objects.create(
        household=found.household,
        year=DAY.year + 1,
        short_limit=D(0),
        reason="Next year.",
        author=found.user,
    ),
}


@contextmanager
def taken_back() -> Iterator[None]:
    """One night serves many cases: what each does is undone (a block of its own would forbid ``durable`` ones)."""
    mark = transaction.savepoint()
    try:
        yield
    finally:
        transaction.savepoint_rollback(mark)


def approve(found: Desk, proposal: Proposal) -> Proposal:
    return proposal_services.approve(
        user=found.user, public_id=proposal.public_id, content_sha256=proposal.content_sha256
    )


def refused(found: Desk, proposal: Proposal) -> str:
    """What an approval is refused with; empty where it is not."""
    refusal: StaleProposal | None = None
    try:
        approve(found, proposal)
    except StaleProposal as error:
        refusal = error
    proposal.refresh_from_db()
    if refusal is None:
        assert proposal.status == "approved"
        return ""
    assert proposal.status == "stale"
    event = AuditEvent.objects.get(action="proposal.stale")
    assert json.loads(event.payload)["facts"]["moved"] == [str(one) for one in refusal.moved]
    return str(refusal)


def test_what_moved_is_refused_in_words_and_what_did_not_passes(drifted: Desk) -> None:
    settled(drifted)
    proposal = proposed(drifted)
    assert moved(proposal) == []
    told: dict[str, str] = {}
    for name, (after, words) in MOVED.items():
        with taken_back():
            after(drifted)
            answer = refused(drifted, proposal)
        if words not in answer:
            told[name] = answer
    assert told == {}
    for name, after in UNMOVED.items():
        with taken_back():
            after(drifted)
            if answer := refused(drifted, proposal):
                told[name] = answer
    assert told == {}
    assert moved(proposal) == []


def test_a_half_spread_is_asked_of_what_is_traded_whoever_says_it(drifted: Desk) -> None:
    proposal = proposed(drifted)

    def after(*steps: Step) -> list[str]:
        with taken_back():
            for step in steps:
                step(drifted)
            return moved(proposal)

    assert after(spread("0.006", "AAA")) == ["the half spread of AAA was 5 bp and is now 60 bp"]
    with taken_back():
        spread("0.006", "AAA")(drifted)
        # Orders wait for it too.
        assert [str(one) for one in rechecks.moved_before_release(proposal, DAY)] == [
            "the half spread of AAA was 5 bp and is now 60 bp"
        ]
    assert after(spread("0.006", "AAA"), spread("0.00055", "BBB")) == after(spread("0.006", "AAA"))
    # The class's default counts where the securities have no figure of their own any more.
    unsaid: Step = lambda found: Security.objects.update(half_spread=None)  # noqa: E731
    (told,) = after(unsaid, spread("0.00035", asset_class="us_equity"))
    assert told.startswith("the half spread of AAA was 5 bp and is now 3.5 bp; the half spread of ")
    assert after(spread("0.00035", asset_class="us_equity")) == []
    assert after(spread("0.0006", "AAA")) == []  # measured anew
    assert after(spread("0.006", "AAA", since=DAY + timedelta(days=400))) == []
    assert after(lambda found: make_security(found.household.firm, "ZZZ", half_spread="0.02")) == []


def test_a_need_that_has_been_paid_since_is_no_change(drifted: Desk) -> None:
    need("1500")(drifted)
    proposal = proposed(drifted)
    drifted.household.firm.pinned_date = DAY + timedelta(days=1)
    drifted.household.firm.save()
    for security in drifted.securities.values():
        set_price(security, DAY + timedelta(days=1), "100")
    book(drifted.taxable, EntryKind.CASH_OUT, DAY + timedelta(days=1), amount="1500")
    assert moved(proposal) == []


def priced_last(found: Desk, day: date) -> None:
    """Nothing has a price of a later day."""
    Price.objects.filter(day__gt=day).delete()
    for security in found.securities.values():
        set_price(security, day, "100")


def pin(found: Desk, day: date) -> None:
    found.household.firm.pinned_date = day
    found.household.firm.save()


def test_a_price_that_the_night_was_permitted_is_permitted_to_the_approval(drifted: Desk) -> None:
    policy(maximum_price_age_days=10)(drifted)
    priced_last(drifted, DAY - timedelta(days=7))
    proposal = proposed(drifted)
    assert moved(proposal) == []
    pin(drifted, DAY + timedelta(days=3))
    assert moved(proposal) == []
    assert approve(drifted, proposal).status == "approved"


def test_a_price_too_old_for_the_night_is_too_old_for_the_approval(drifted: Desk) -> None:
    policy(maximum_price_age_days=2)(drifted)
    proposal = proposed(drifted)
    pin(drifted, DAY + timedelta(days=2))
    assert moved(proposal) == []
    pin(drifted, DAY + timedelta(days=3))
    # The policy of the proposal counts, not that of today.
    policy(maximum_price_age_days=10)(drifted)
    told = refused(drifted, proposal)
    assert f"price of AAA: at most 2 days old → of {DAY}" in told
    assert drifted.examine().reason != "stale_prices"


def test_mandates_are_asked_at_prices_that_the_proposals_policy_permits(drifted: Desk) -> None:
    policy(maximum_price_age_days=10)(drifted)
    priced_last(drifted, DAY - timedelta(days=7))
    proposal = proposed(drifted)
    policy(maximum_price_age_days=2)(drifted)
    rule("cash", kind="cash", subject="", high=D("0.001"))(drifted)
    assert any(one.startswith("mandate ") for one in moved(proposal))


def test_a_plan_that_has_ended_is_told(drifted: Desk) -> None:
    start(drifted)
    proposal = proposed(drifted)
    assert moved(proposal) == []  # what the night wrote down of the plan is no change
    end(drifted)
    assert moved(proposal) == [f"the transition plan of {DAY} has ended"]


def test_a_plan_in_the_place_of_another_is_told(drifted: Desk) -> None:
    start(drifted)
    proposal = proposed(drifted)
    end(drifted)
    start_plan(
        user=drifted.user,
        household=drifted.household.public_id,
        short_limit=None,
        long_limit=D(20_000),
        tax_limit=None,
        reason="Slower.",
    )
    (told,) = [one for one in moved(proposal) if "plan" in one]
    assert "long-term gain at most $50,000.00 a year) has ended and one of" in told
    assert "long-term gain at most $20,000.00 a year) is under way" in told


def test_one_conflict_for_a_kind_and_a_long_table_is_cut(drifted: Desk) -> None:
    firm, model = drifted.household.firm, drifted.model
    proposal = proposed(drifted)
    for number in range(5):
        security = make_security(firm, f"N{number}")
        ModelWeight.objects.create(model=model, security=security, weight=D("0.001") * (5 - number))
    policy(relative_band=D("0.1"), cash_maximum=D("0.04"))(drifted)

    found = {one.input: one for one in proposal_services.moved_since(proposal)}
    assert set(found) == {"model", "policy"}
    assert found["model"].sentence == (
        "The model's target of N0 was 0 % and is now 0.5 %; the model's target of N1 was 0 % and is now 0.4 %; "
        "the model's target of N2 was 0 % and is now 0.3 %; 2 more have moved."
    )
    assert "cash band" in str(found["policy"])
    assert "band was 5 points" in str(found["policy"])


def test_a_proposal_from_before_terms_were_kept_passes_as_before(drifted: Desk) -> None:
    proposal = proposed(drifted)
    inputs = json.loads(proposal.inputs)
    del inputs["terms"]
    proposal.inputs = json.dumps(inputs)
    proposal.save()
    policy(relative_band=D("0.1"))(drifted)
    assert moved(proposal) == []

    weight("AAA", "0.3333333")(drifted)
    assert moved(proposal) == ["target of AAA: 40 % → 33.33 %"]


def test_the_same_night_again_under_other_terms_is_a_new_proposal(drifted: Desk) -> None:
    """Else what is stale would never be renewed where the trades stay the same."""
    old = proposed(drifted)
    rule(high=D("0.99"), is_hard=False)(drifted)
    new = proposed(drifted)

    assert new.pk != old.pk
    assert new.content_sha256 == old.content_sha256
    assert moved(new) == []


def test_an_edited_version_keeps_the_terms_that_it_was_solved_under(drifted: Desk) -> None:
    old = proposed(drifted)
    policy(relative_band=D("0.1"))(drifted)
    new = resolve(
        user=drifted.user,
        public_id=old.public_id,
        content_sha256=old.content_sha256,
        fixed=(),
    )
    assert any("the policy's band was" in text for text in new.explanation["moved"])
    assert moved(new) == []
    policy(relative_band=D("0.3"))(drifted)
    assert len(moved(new)) == 1


def test_the_page_says_what_moved(drifted: Desk) -> None:
    policy(band_type="relative", relative_band=D("0.2"))(drifted)
    proposal = proposed(drifted)
    policy(relative_band=D("0.1"))(drifted)
    client = Client()
    client.force_login(drifted.user)
    page = client.post(
        f"/proposals/{proposal.public_id}/decision/",
        {"verdict": "approve", "content_sha256": proposal.content_sha256},
    )
    assert page.status_code == 409
    assert (
        "The policy&#x27;s band was 20 % of the target and is now 10 % of the target."
        in page.content.decode()
    )


def test_what_was_approved_does_not_leave_under_other_terms(drifted: Desk) -> None:
    proposal = proposed(drifted)
    approve(drifted, proposal)
    trader = make_user(drifted.household.firm, "olga", role=Role.OPERATIONS)
    rule("cash", kind="cash", subject="", high=D("0.2"))(drifted)
    with pytest.raises(AllHeldBack, match="rule Miller/cash is new: cash at most 20 %"):
        proposal_services.export_orders(user=trader)

    MandateRule.objects.all().delete()
    assert proposal_services.export_orders(user=trader).number == 1
    proposal.refresh_from_db()
    assert (proposal.status, proposal.held_back) == ("ordered", [])


@pytest.mark.django_db(transaction=True)
def test_terms_that_move_while_an_approval_waits_are_seen(drifted: Desk) -> None:
    """They are read under the household's lock: whoever held it before has written by then."""
    proposal = proposed(drifted)
    errors: list[Exception] = []

    def decide() -> None:
        try:
            approve(drifted, proposal)
        except (StaleProposal, AlreadyDecided) as error:
            errors.append(error)
        finally:
            connection.close()

    with transaction.atomic():
        lock_household(drifted.household.pk)
        workers = [threading.Thread(target=decide) for _ in range(2)]
        for one in workers:
            one.start()
        workers[0].join(timeout=0.5)
        assert all(one.is_alive() for one in workers)
        policy(relative_band=D("0.1"))(drifted)
    for one in workers:
        one.join(timeout=30)

    assert sorted(type(one).__name__ for one in errors) == ["AlreadyDecided", "StaleProposal"]
    (stale,) = [one for one in errors if isinstance(one, StaleProposal)]
    assert [one.input for one in stale.moved] == ["policy"]
    assert not proposal.orders.exists()
