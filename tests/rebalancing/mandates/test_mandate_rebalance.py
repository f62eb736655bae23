"""Mandates on the real database: who is bound, what a breach sets going, and what is never proposed."""

from decimal import Decimal as D
from random import Random
from typing import Any, cast

import pytest
from django.db import transaction

from accounts.locks import lock_household
from accounts.models import Household, TaxProfile
from accounts.types import FilingStatus, Role
from lots.types import EntryKind
from proposals import services as proposal_services
from proposals.errors import StaleProposal
from proposals.models import Restriction
from proposals.types import ProposalKind, RestrictionKind, Side
from rebalancing import selectors
from rebalancing.models import (
    Mandate,
    MandateRule,
    ModelAssignment,
    ModelWeight,
    RebalancePolicy,
    TargetModel,
)
from rebalancing.services import examine, store
from rebalancing.types import RebalanceResult
from securities.models import Security
from tests.factories import book, make_account, make_firm, make_household, make_security, make_user
from tests.rebalancing.test_services import DAY, LONG_AGO, give_history

pytestmark = pytest.mark.django_db


@pytest.fixture
def household() -> Household:
    """$100,000 in three stocks at $100, as the model wants them: 40, 30 and 27 %, 3 % cash."""
    firm = make_firm(pinned_date=DAY)
    found = make_household(firm)
    model = TargetModel.objects.create(firm=firm, name="Core")
    account, rng = make_account(found, "T-1"), Random(3)
    for symbol, shares in (("AAA", "400"), ("BBB", "300"), ("CCC", "270")):
        security = make_security(firm, symbol)
        give_history(security, rng)
        ModelWeight.objects.create(model=model, security=security, weight=D(shares) / 1000)
        book(account, EntryKind.CASH_IN, LONG_AGO, amount=str(90 * int(shares)))
        book(account, EntryKind.BUY, LONG_AGO, security, shares, amount=str(90 * int(shares)))
    book(account, EntryKind.CASH_IN, LONG_AGO, amount="3000")
    ModelAssignment.objects.create(household=found, model=model)
    TaxProfile.objects.create(
        household=found,
        year=DAY.year,
        filing_status=FilingStatus.SINGLE,
        federal_ordinary_rate=D("0.24"),
        federal_long_rate=D("0.15"),
    )
    RebalancePolicy.objects.create(firm=firm, cash_maximum=D("0.10"))
    return found


def limit(household: Household, kind: str, *, key: str = "one", **values: object) -> MandateRule:
    mandate, _ = Mandate.objects.get_or_create(
        firm=household.firm, name="Miller", household=household
    )
    return MandateRule.objects.create(mandate=mandate, key=key, kind=kind, **values)


def look(household: Household) -> RebalanceResult:
    return examine(household_id=household.pk, as_of=DAY)


def security(household: Household, symbol: str) -> Security:
    return household.firm.securities.get(symbol=symbol)


def weight_after(result: RebalanceResult, symbol: str) -> D:
    assert result.draft is not None
    rows = result.draft.explanation["weights"]
    assert isinstance(rows, list)
    return D(next(row["after"] for row in rows if row["symbol"] == symbol))


def mandate_row(result: RebalanceResult) -> dict[str, Any]:
    assert result.draft is not None
    rows = result.draft.explanation["mandate"]
    assert isinstance(rows, list)
    (row,) = rows
    return cast("dict[str, Any]", row)


def test_without_a_mandate_the_household_is_left_alone(household: Household) -> None:
    assert look(household).reason == "inside_bands"


def test_a_breach_of_a_hard_limit_is_cured_inside_all_bands(household: Household) -> None:
    limit(household, "security", security=security(household, "AAA"), high=D("0.38"))
    found = look(household)
    assert found.reason == "rebalance_proposed", found.detail
    assert found.draft is not None
    assert found.draft.kind is ProposalKind.REBALANCE
    assert found.draft.reasons[0] == "MANDATE"
    assert weight_after(found, "AAA") <= D("0.38")
    rows = found.draft.explanation["mandate"]
    assert isinstance(rows, list)
    (row,) = rows
    assert row["before"] == "40.00 %"
    assert row["cured"]
    assert "Weight of AAA 40.00 % → " in found.draft.sentence


def test_a_soft_limit_is_reported_and_trades_nothing(household: Household) -> None:
    limit(household, "security", security=security(household, "AAA"), high=D("0.38"), is_hard=False)
    assert look(household).reason == "inside_bands"


def test_a_model_that_wants_more_than_the_mandate_allows_is_followed_up_to_the_limit(
    household: Household,
) -> None:
    wanted = security(household, "CCC")
    ModelWeight.objects.filter(security=security(household, "AAA")).update(weight=D("0.20"))
    ModelWeight.objects.filter(security=wanted).update(weight=D("0.47"))
    free = weight_after(look(household), "CCC")
    assert free > D("0.35")
    limit(household, "security", security=wanted, high=D("0.35"))
    found = look(household)
    assert D("0.33") < weight_after(found, "CCC") <= D("0.35")


def wants_more_energy(household: Household) -> Security:
    """The model moves 20 points from AAA to CCC, the only name of its sector."""
    wanted = security(household, "CCC")
    ModelWeight.objects.filter(security=security(household, "AAA")).update(weight=D("0.20"))
    ModelWeight.objects.filter(security=wanted).update(weight=D("0.47"))
    household.firm.securities.update(sector="Industry")
    household.firm.securities.filter(pk=wanted.pk).update(sector="Energy")
    return wanted


def test_a_model_that_wants_more_of_a_sector_than_allowed_is_followed_up_to_the_limit(
    household: Household,
) -> None:
    wants_more_energy(household)
    assert weight_after(look(household), "CCC") > D("0.35")
    limit(household, "sector", subject="Energy", high=D("0.30"))
    found = look(household)
    assert found.reason == "rebalance_proposed", found.detail
    assert D("0.29") < weight_after(found, "CCC") <= D("0.30")


def test_trades_that_would_break_what_nothing_aims_at_are_not_proposed(
    household: Household,
) -> None:
    """Nobody can say of what is bought whether it belongs to the sector."""
    wants_more_energy(household)
    bought = make_security(household.firm, "DDD")
    give_history(bought, Random(5))
    model = TargetModel.objects.get()
    ModelWeight.objects.create(model=model, security=bought, weight=D("0.10"))
    ModelWeight.objects.filter(security=security(household, "CCC")).update(weight=D("0.37"))
    limit(household, "names", high=D(3))
    found = look(household)
    assert (found.draft, found.reason) == (None, "breaks_mandate")
    assert "Number of securities 4 is outside at most 3" in found.detail


@pytest.mark.parametrize(
    ("rule", "what", "most"),
    [
        ({"kind": "sector", "subject": "Tech", "high": D("0.65")}, "sector", D("0.65")),
        ({"kind": "asset_class", "subject": "us_equity", "high": D("0.90")}, "all", D("0.90")),
        ({"kind": "top_ten", "high": D("0.93")}, "all", D("0.93")),
        ({"kind": "active_weight", "high": D("0.08")}, "far", D("0.08")),
    ],
    ids=lambda one: one.get("kind") if isinstance(one, dict) else "",
)
def test_a_rule_on_several_securities_is_cured_inside_all_bands(
    household: Household, rule: dict[str, object], what: str, most: D
) -> None:
    """AAA and BBB are Tech: 70 %. All are stocks: 97 %. AAA is 10 points from what the model wants."""
    household.firm.securities.update(sector="Industry")
    household.firm.securities.exclude(symbol="CCC").update(sector="Tech")
    if what == "far":
        RebalancePolicy.objects.update(
            risk_aversion=D("0.01"), absolute_band=D("0.2"), relative_band=D(1)
        )
        ModelWeight.objects.filter(security=security(household, "AAA")).update(weight=D("0.30"))
        ModelWeight.objects.filter(security=security(household, "BBB")).update(weight=D("0.40"))
    RebalancePolicy.objects.update(cash_maximum=D("0.30"))
    assert look(household).reason == "inside_bands"
    limit(household, **rule)  # type: ignore[arg-type]
    found = look(household)
    assert found.reason == "rebalance_proposed", found.detail
    weights = {one: weight_after(found, one) for one in ("AAA", "BBB", "CCC")}
    measured = {
        "sector": weights["AAA"] + weights["BBB"],
        "all": sum(weights.values(), D(0)),
        "far": max(abs(weights["AAA"] - D("0.3")), abs(weights["BBB"] - D("0.4"))),
    }[what]
    assert most - D("0.006") < measured <= most  # no further than a few shares
    row = mandate_row(found)
    assert row["cured"]


def test_cash_that_a_rule_wants_is_raised(household: Household) -> None:
    RebalancePolicy.objects.update(cash_maximum=D("0.30"))
    limit(household, "cash", low=D("0.08"), high=D("0.12"))
    found = look(household)
    assert found.reason == "rebalance_proposed", found.detail
    row = mandate_row(found)
    assert (row["what"], row["before"], row["cured"]) == ("Cash", "3.00 %", True)
    assert D("8.00") <= D(row["after"].removesuffix(" %")) < D("8.60")


def test_a_rule_out_of_reach_is_not_brought_nearer_by_trading_costs(household: Household) -> None:
    """Three names are 97 % and 70 % is allowed, while 10 % may be cash: 7 % is sold and nothing bought back."""
    limit(household, "top_ten", high=D("0.70"))
    found = look(household)
    assert found.reason == "rebalance_proposed", found.detail
    assert found.draft is not None
    assert {trade.side for trade in found.draft.trades} == {Side.SELL}
    assert sum(trade.amount for trade in found.draft.trades) < 8000


def test_a_sector_that_cannot_be_brought_inside_comes_as_near_as_it_can(
    household: Household,
) -> None:
    """Of AAA nothing may be sold: Tech comes from 70 to 40 %, and the proposal says that this is not enough."""
    household.firm.securities.update(sector="Industry")
    household.firm.securities.exclude(symbol="CCC").update(sector="Tech")
    RebalancePolicy.objects.update(cash_maximum=D("0.50"))
    Restriction.objects.create(
        household=household, firm=household.firm, security=security(household, "AAA"),
        kind=RestrictionKind.NO_SELL, since=LONG_AGO, reason="x", author=make_user(household.firm),
    )  # fmt: skip
    limit(household, "sector", subject="Tech", high=D("0.35"))
    found = look(household)
    assert found.reason == "rebalance_proposed", found.detail
    assert weight_after(found, "BBB") <= D("0.003")  # but for what trading could cost
    row = mandate_row(found)
    assert not row["cured"]
    assert found.draft is not None
    proof = found.draft.explanation["proof"]
    assert isinstance(proof, dict)
    assert "with Sector Tech (Miller/one) as near its limit as the others allow" in proof["among"]


def test_to_come_near_a_limit_out_of_reach_no_money_is_burnt(household: Household) -> None:
    """97 % in stocks, 50 % allowed, 10 % cash at most: 7 points are sold, and nothing is traded to and fro."""
    limit(household, "asset_class", subject="us_equity", high=D("0.50"))
    found = look(household)
    assert found.draft is not None, found.detail
    assert {trade.side for trade in found.draft.trades} == {Side.SELL}
    sold = sum(trade.quantity * trade.price for trade in found.draft.trades)
    assert D(6500) < sold <= D(7000)
    assert D("90.0") < D(mandate_row(found)["after"].removesuffix(" %")) < D("90.5")


def test_a_factor_limit_is_aimed_at_without_making_risk_dearer(household: Household) -> None:
    RebalancePolicy.objects.update(
        risk_aversion=D("0.01"), absolute_band=D("0.2"), relative_band=D(1)
    )
    ModelWeight.objects.filter(security=security(household, "AAA")).update(weight=D("0.30"))
    ModelWeight.objects.filter(security=security(household, "BBB")).update(weight=D("0.40"))
    limit(household, "factor", subject="statistical factor 1", high=D("0.002"), low=D("-0.002"))
    found = look(household)
    assert found.draft is not None, found
    assert found.draft.reasons[0] == "FACTOR"
    proof = found.draft.explanation["proof"]
    assert isinstance(proof, dict)
    assert not any("times as dear" in one for one in proof["among"])
    row = mandate_row(found)
    assert row["cured"]


def test_a_tracking_error_beyond_its_limit_makes_risk_dearer_until_it_is_inside(
    household: Household,
) -> None:
    # A gain of 11 % in every lot, and a policy to which risk is nearly nothing.
    RebalancePolicy.objects.update(
        risk_aversion=D("0.01"), absolute_band=D("0.2"), relative_band=D(1)
    )
    ModelWeight.objects.filter(security=security(household, "AAA")).update(weight=D("0.30"))
    ModelWeight.objects.filter(security=security(household, "BBB")).update(weight=D("0.40"))
    assert look(household).reason == "inside_bands"
    limit(household, "tracking_error", high=D("0.015"))
    found = look(household)
    assert found.draft is not None, found
    assert found.draft.reasons[0] == "RISK_LIMIT"
    assert found.draft.risk_before is not None
    assert found.draft.risk_after is not None
    assert found.draft.risk_before > D("0.015") >= found.draft.risk_after
    proof = found.draft.explanation["proof"]
    assert isinstance(proof, dict)
    assert len(proof["among"]) == 1
    assert "times as dear as the policy says" in proof["among"][0]
    assert {trade.side for trade in found.draft.trades} == {Side.BUY, Side.SELL}


def test_a_breach_that_nothing_can_cure_is_told(household: Household) -> None:
    limit(household, "names", low=D(9))
    found = look(household)
    assert (found.draft, found.reason) == (None, "no_trades")
    assert "Number of securities 3 is outside at least 9, by 6" in found.detail


def test_a_breach_that_no_trades_bring_nearer_opens_nothing_and_is_no_reason(
    household: Household,
) -> None:
    """A little drift that would be worth its cost stays inside its bands all the same (F23)."""
    RebalancePolicy.objects.update(risk_aversion=D(1000))
    account = household.accounts.get()
    book(account, EntryKind.SELL, LONG_AGO, security(household, "AAA"), "20", amount="1800")
    bought = security(household, "BBB")
    book(account, EntryKind.BUY, LONG_AGO, bought, "20", amount="1800")
    assert look(household).reason == "inside_bands"
    limit(household, "names", low=D(9))
    found = look(household)
    assert (found.draft, found.reason) == (None, "no_trades")
    assert "no trades bring it nearer its limit" in found.detail
    assert "Number of securities 3 is outside at least 9, by 6" in found.detail
    ModelWeight.objects.filter(security=security(household, "AAA")).update(weight=D("0.20"))
    ModelWeight.objects.filter(security=security(household, "CCC")).update(weight=D("0.47"))
    found = look(household)  # out of band: that is the reason, and the rule is told beside it
    assert found.draft is not None, found.detail
    assert "DRIFT" in found.draft.reasons
    assert "RISK_LIMIT" not in found.draft.reasons
    assert "Number of securities 3 → 3" in found.draft.sentence


def test_hard_rules_that_contradict_each_other_are_named_and_nothing_is_traded_for_one(
    household: Household,
) -> None:
    limit(household, "security", key="floor", security=security(household, "AAA"), low=D("0.5"))
    limit(household, "security", key="cap", security=security(household, "AAA"), high=D("0.1"))
    found = look(household)
    assert (found.draft, found.reason) == (None, "breaks_mandate")
    told = "Weight of AAA cannot be at least 50 % (Miller/floor) and at most 10 % (Miller/cap)."
    assert told in found.detail
    MandateRule.objects.filter(key="cap").update(is_hard=False)
    assert "contradicts itself" not in look(household).detail


def test_a_hard_rule_about_cash_outside_the_policys_band_is_named(household: Household) -> None:
    limit(household, "cash", low=D("0.2"))
    found = look(household)
    assert (found.draft, found.reason) == (None, "breaks_mandate")
    assert "Cash at least 20 % (Miller/one) is outside the policy's 0.5 % to 10 %." in found.detail


def test_of_a_rule_about_the_largest_that_no_trades_keep_the_largest_gives_least(
    household: Household,
) -> None:
    """40, 30 and 27 % where 20 are allowed: the 7 points that cash may take come from the first alone."""
    limit(household, "single_name", high=D("0.2"))
    found = look(household)
    assert found.draft is not None, found.detail
    assert {trade.security for trade in found.draft.trades} == {security(household, "AAA").pk}
    row = mandate_row(found)
    assert (row["before"], row["cured"]) == ("40.00 %", False)
    assert D("33") <= D(row["after"].removesuffix(" %")) < D("33.5")


def test_rules_of_the_firm_the_model_and_the_household_add_up(household: Household) -> None:
    firm = household.firm
    other = TargetModel.objects.create(firm=firm, name="Other")
    neighbour = make_household(firm, "Stone")
    for name, whose in (
        ("Firm", {}),
        ("Core", {"model": household.assignment.model}),
        ("Other", {"model": other}),
        ("Miller", {"household": household}),
        ("Stone", {"household": neighbour}),
    ):
        mandate = Mandate.objects.create(firm=firm, name=name, **whose)
        MandateRule.objects.create(mandate=mandate, key="cash", kind="cash", high=D(1))
    stranger = Mandate.objects.create(firm=make_firm("Elsewhere"), name="Theirs")
    MandateRule.objects.create(mandate=stranger, key="cash", kind="cash", high=D(0))
    assigned = selectors.assignment(household.pk)
    assert assigned is not None
    assert [rule.id for rule in selectors.rules(assigned)] == [
        "Core/cash", "Firm/cash", "Miller/cash",
    ]  # fmt: skip


def test_an_approval_asks_for_the_mandates_of_today(household: Household) -> None:
    """A limit that came after the night: the trades would break it, so they are not approved."""
    RebalancePolicy.objects.update(only_if_worth_it=False, absolute_band=D("0.02"))
    ModelWeight.objects.filter(security=security(household, "AAA")).update(weight=D("0.30"))
    ModelWeight.objects.filter(security=security(household, "BBB")).update(weight=D("0.40"))
    found = look(household)
    assert found.draft is not None, found
    with transaction.atomic():
        lock_household(household.pk)
        proposal = store(result=found)
    assert proposal is not None
    assert proposal_services.moved_since(proposal) == ()

    limit(household, "security", security=security(household, "BBB"), high=D("0.32"))
    moved = proposal_services.moved_since(proposal)
    assert [one.input for one in moved] == ["mandates", "mandate Miller/one"]
    assert moved[0].told == "the mandate's rule Miller/one is new: weight of BBB at most 32 %"
    assert "is outside at most 32 %" in moved[1].new
    adviser = make_user(household.firm, role=Role.APPROVER)
    with pytest.raises(StaleProposal):
        proposal_services.approve(
            user=adviser, public_id=proposal.public_id, content_sha256=proposal.content_sha256
        )


def test_an_approval_asks_for_the_model_of_today(household: Household) -> None:
    """New weights were published after the night: the trades aim at what the model was."""
    RebalancePolicy.objects.update(only_if_worth_it=False, absolute_band=D("0.02"))
    ModelWeight.objects.filter(security=security(household, "AAA")).update(weight=D("0.30"))
    ModelWeight.objects.filter(security=security(household, "BBB")).update(weight=D("0.40"))
    with transaction.atomic():
        lock_household(household.pk)
        proposal = store(result=look(household))
    assert proposal is not None
    assert proposal_services.moved_since(proposal) == ()

    ModelWeight.objects.filter(security=security(household, "AAA")).update(weight=D("0.31"))
    assert [str(one) for one in proposal_services.moved_since(proposal)] == [
        "the model's target of AAA was 30 % and is now 31 %"
    ]
    adviser = make_user(household.firm, role=Role.APPROVER)
    with pytest.raises(StaleProposal):
        proposal_services.approve(
            user=adviser, public_id=proposal.public_id, content_sha256=proposal.content_sha256
        )
