"""From records to a proposal: restrictions, cash needs, fractions, yields and costs on the real database."""

from datetime import date, timedelta
from decimal import Decimal as D
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.test import Client

from accounts.errors import Conflict
from lots.types import EntryKind
from proposals import services as proposal_services
from proposals.errors import BadDraft
from proposals.models import CommissionSchedule, ExpectedCashFlow, Restriction
from proposals.selectors import cash_flows
from proposals.types import CashFlowKind, RestrictionKind, Side
from rebalancing.models import RebalancePolicy
from tests.factories import book
from tests.rebalancing.test_services import DAY, Desk, desk, drifted

pytestmark = pytest.mark.django_db
__all__ = ["desk", "drifted"]  # fixtures


def restrict(found: Desk, kind: RestrictionKind, symbol: str, **changes: Any) -> Restriction:
    given: dict[str, Any] = {"household_id": found.household.pk, "reason": "Ethics.", **changes}
    return proposal_services.restrict(
        user=found.user, kind=kind, security_id=found.securities[symbol].pk, **given
    )


def need(found: Desk, amount: str, **changes: Any) -> ExpectedCashFlow:
    values: dict[str, Any] = {
        "household": found.household,
        "kind": CashFlowKind.WITHDRAWAL,
        "amount": D(amount),
        "due_on": DAY + timedelta(days=5),
        "reason": "Roof",
        "author": found.user,
        **changes,
    }
    return ExpectedCashFlow.objects.create(**values)


def expect(found: Desk, amount: str, **changes: Any) -> ExpectedCashFlow:
    """As a person enters it."""
    values: dict[str, Any] = {
        "kind": CashFlowKind.WITHDRAWAL,
        "due_on": DAY + timedelta(days=5),
        "reason": "Roof",
        **changes,
    }
    return proposal_services.expect_cash_flow(
        user=found.user, household_id=found.household.pk, amount=D(amount), **values
    )


@pytest.fixture
def calm(desk: Desk) -> Desk:
    """On its model: 40, 30 and 27 % of $100,000, cash 3 %; the taxable account holds the first two."""
    desk.buy(desk.taxable, "AAA", "400", "30000")
    desk.buy(desk.taxable, "BBB", "300", "29000")
    desk.buy(desk.ira, "CCC", "270", "20000")
    book(desk.taxable, EntryKind.CASH_IN, date(2021, 3, 1), amount="2000")
    book(desk.ira, EntryKind.CASH_IN, date(2021, 3, 1), amount="1000")
    return desk


def test_a_household_inside_its_bands_sells_what_must_be_sold(calm: Desk) -> None:
    assert calm.examine().reason == "inside_bands"
    restrict(calm, RestrictionKind.MUST_SELL, "BBB")
    result = calm.examine()
    assert result.draft is not None
    [sale] = [one for one in result.draft.trades if one.side is Side.SELL]
    assert (sale.security, sale.quantity, sale.reason) == (
        calm.securities["BBB"].pk,
        D(300),
        "MUST_SELL",
    )
    assert "RESTRICTION" in result.draft.reasons
    assert calm.store(result) is not None


def test_a_household_that_cannot_sell_what_it_must_says_why(calm: Desk) -> None:
    restrict(calm, RestrictionKind.MUST_SELL, "CCC")
    restrict(calm, RestrictionKind.NO_SELL, "CCC")
    result = calm.examine()
    told = " must be sold and are kept: they must not be sold, Ethics"
    if result.draft is None:
        assert told in result.detail
    else:
        needs = result.draft.explanation["needs"]
        assert isinstance(needs, list)
        assert any(text.startswith("270 shares of CCC") and told in text for text in needs)
        assert calm.securities["CCC"].pk not in {one.security for one in result.draft.trades}


def test_what_must_be_sold_waits_for_no_look(calm: Desk) -> None:
    """A monthly cadence on a day that is not its last: what must be done is done all the same."""
    RebalancePolicy.objects.update(cadence="annual")
    assert calm.examine().draft is None
    restrict(calm, RestrictionKind.MUST_SELL, "BBB")
    assert calm.examine().draft is not None


def test_what_must_be_sold_is_refused_as_a_purchase(calm: Desk, drifted: Desk) -> None:
    result = drifted.examine()
    assert result.draft is not None
    bought = next(one for one in result.draft.trades if one.side is Side.BUY)
    symbol = next(name for name, one in drifted.securities.items() if one.pk == bought.security)
    restrict(drifted, RestrictionKind.MUST_SELL, symbol)
    with pytest.raises(BadDraft, match=f"{symbol} must not be bought"):
        drifted.store(result)


def test_a_held_gain_is_refused_at_submission_and_left_out_by_the_next_look(drifted: Desk) -> None:
    result = drifted.examine()
    assert result.draft is not None
    gains = [one for one in result.draft.trades if one.side is Side.SELL and one.gain > 0]
    restrict(drifted, RestrictionKind.HOLD_GAINS, "AAA", limit=D("0.05"))
    again = drifted.examine()
    sold = (
        [] if again.draft is None else [one for one in again.draft.trades if one.side is Side.SELL]
    )
    aaa = drifted.securities["AAA"].pk
    assert not [one for one in sold if one.security == aaa and one.gain > 0]
    if [one for one in gains if one.security == aaa]:
        with pytest.raises(BadDraft, match="must not be sold at a gain above 5 %"):
            drifted.store(result)


def test_a_weight_above_the_largest_is_refused_and_cut(calm: Desk) -> None:
    restrict(calm, RestrictionKind.MAX_WEIGHT, "AAA", limit=D("0.2"))
    result = calm.examine()
    assert result.draft is not None
    sold = sum(
        one.amount for one in result.draft.trades if one.security == calm.securities["AAA"].pk
    )
    assert D(20_000) <= sold < D(20_200)
    assert calm.store(result) is not None


def test_a_purchase_beyond_the_largest_weight_is_refused(drifted: Desk) -> None:
    result = drifted.examine()
    assert result.draft is not None
    bought = next(one for one in result.draft.trades if one.side is Side.BUY)
    symbol = next(name for name, one in drifted.securities.items() if one.pk == bought.security)
    restrict(drifted, RestrictionKind.MAX_WEIGHT, symbol, limit=D("0.1"))
    with pytest.raises(BadDraft, match=f"{symbol} must not be bought beyond 10 % of the household"):
        drifted.store(result)


def test_a_limit_goes_with_the_kinds_that_have_one(desk: Desk) -> None:
    with pytest.raises(Conflict, match="needs a limit"):
        restrict(desk, RestrictionKind.MAX_WEIGHT, "AAA")
    with pytest.raises(Conflict, match="has no limit"):
        restrict(desk, RestrictionKind.NO_BUY, "AAA", limit=D("0.1"))
    with pytest.raises(Conflict, match="leave the account out"):
        restrict(desk, RestrictionKind.MAX_WEIGHT, "AAA", limit=D("0.1"), account_id=desk.ira.pk)
    with pytest.raises((IntegrityError, ValidationError)), transaction.atomic():
        Restriction.objects.create(
            firm=desk.household.firm, security=desk.securities["AAA"], kind=RestrictionKind.NO_BUY,
            since=DAY, reason="x", author=desk.user, limit=D("0.1"),
        )  # fmt: skip


def test_a_distribution_that_comes_up_is_raised_in_its_account(calm: Desk) -> None:
    need(calm, "9000", account=calm.ira, kind=CashFlowKind.RMD)
    result = calm.examine()
    assert result.draft is not None
    ira = [one for one in result.draft.trades if one.account == calm.ira.pk]
    assert sum(one.amount for one in ira if one.side is Side.SELL) >= 8000
    [said] = [text for text in result.draft.explanation["needs"] if "required distribution" in text]  # type: ignore[attr-defined]
    assert said.startswith("Set aside: $9,000.00 for the required distribution of 2023-01-02")
    assert calm.store(result) is not None


def test_a_need_that_a_person_enters_opens_a_look_the_same_night(calm: Desk) -> None:
    """As one from the set-up file does, whatever the calendar says; called off, it opens none."""
    RebalancePolicy.objects.update(cadence="annual")
    assert calm.examine().draft is None
    row = expect(calm, "9000", account_id=calm.taxable.pk)
    result = calm.examine()
    assert result.draft is not None
    assert "CASH_NEED" in result.draft.reasons
    assert calm.store(result) is not None
    proposal_services.call_off_cash_flow(
        user=calm.user, household_id=calm.household.pk, flow_id=row.pk, reason="Not needed."
    )
    assert calm.examine().draft is None
    expect(calm, "9000", kind=CashFlowKind.DEPOSIT)
    assert calm.examine().draft is None  # it counts when it is booked


def test_the_households_need_never_empties_the_ira(calm: Desk) -> None:
    need(calm, "9000")
    result = calm.examine()
    assert result.draft is not None
    sales = [one for one in result.draft.trades if one.side is Side.SELL]
    assert sum(one.amount for one in sales if one.account == calm.taxable.pk) >= 7000


def test_a_need_beyond_means_sells_nothing_and_is_asked_again_the_next_night(
    calm: Desk, client: Client
) -> None:
    """$80,000 of taxable accounts worth $72,000; the IRA's $28,000 are told and not asked."""
    need(calm, "80000")
    found = calm.examine()
    assert (found.draft, found.reason) == (None, "need_beyond_means")
    assert "is worth $72,000.00, and $8,000.00 is missing." in found.detail
    assert "A retirement account pays only a need that names it: $28,000.00" in found.detail
    assert found.looked is not None
    assert not found.looked.counted
    client.force_login(calm.user)
    page = client.get(f"/households/{calm.household.public_id}/drift/").text
    assert (
        "More cash is needed than can be raised: $80,000.00 for the withdrawal of 2 January 2023"
        in page
    )
    assert "Weights are parts of the $100,000.00 that are there; nothing is set aside." in page


def test_a_need_of_which_nothing_can_be_raised_is_told_and_opens_no_look(calm: Desk) -> None:
    """Nothing in the account is for sale: what is inside its band stays as it is."""
    RebalancePolicy.objects.update(cash_minimum=0)
    before = calm.examine()
    for symbol in ("AAA", "BBB", "CCC"):
        restrict(calm, RestrictionKind.NO_SELL, symbol, account_id=calm.taxable.pk)
    need(calm, "9000", account=calm.taxable)
    found = calm.examine()
    assert (found.draft, found.reason) == (None, before.reason) == (None, "inside_bands")
    assert found.detail.startswith(
        "Only $2,000.00 of the $9,000.00 needed can be made ready; $7,000.00 is missing: "
    )
    assert "they must not be sold, Ethics" in found.detail


def test_a_proposal_that_cannot_raise_all_says_so_first(calm: Desk) -> None:
    """Of $50,000 what BBB and the cash bring: AAA must not be sold."""
    need(calm, "50000")
    restrict(calm, RestrictionKind.NO_SELL, "AAA")
    found = calm.examine()
    assert found.draft is not None
    said = found.draft.sentence
    assert said.startswith(
        "Only $31,984.99 of the $50,000.00 needed can be made ready; $18,015.01 is missing: "
    )
    assert (
        "shares worth $40,000.00 are not for sale (they must not be sold, Ethics (restricted"
        in said
    )
    assert ". Largest drift" in said
    assert found.draft.explanation["needs"][0] in said  # type: ignore[index]
    assert found.detail == said


def test_cash_below_the_minimum_is_raised_in_part_and_the_rest_is_told(desk: Desk) -> None:
    """No cash at all, and nothing for sale but $300 of CCC: less than the policy's minimum of $500."""
    desk.buy(desk.taxable, "AAA", "420", "30000")
    desk.buy(desk.taxable, "BBB", "300", "29000")
    desk.buy(desk.ira, "CCC", "277", "20000")
    desk.buy(desk.taxable, "CCC", "3", "290")
    for symbol in ("AAA", "BBB"):
        restrict(desk, RestrictionKind.NO_SELL, symbol)
    restrict(desk, RestrictionKind.NO_SELL, "CCC", account_id=desk.ira.pk)
    found = desk.examine()
    assert found.draft is not None, found.detail
    assert [(one.side, one.quantity) for one in found.draft.trades] == [(Side.SELL, D(3))]
    assert "less than the policy's minimum of $500.00: shares worth" in found.draft.sentence


def test_what_is_far_off_settled_or_paid_needs_nothing_yet(calm: Desk) -> None:
    need(calm, "9000", due_on=DAY + timedelta(days=11))
    need(calm, "8000", settled_on=DAY, due_on=DAY + timedelta(days=3))
    assert cash_flows(calm.household.pk, DAY, days=10) == ()
    assert calm.examine().reason == "inside_bands"
    need(calm, "1000", account=calm.taxable)
    book(calm.taxable, EntryKind.CASH_OUT, DAY - timedelta(days=1), amount="400")
    [left] = cash_flows(calm.household.pk, DAY, days=10)
    assert left.amount == 600


def test_a_distribution_names_its_account(desk: Desk) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        need(desk, "1000", kind=CashFlowKind.RMD)


def test_an_account_that_trades_fractions_buys_them(drifted: Desk) -> None:
    drifted.taxable.trades_fractions = True
    drifted.taxable.save()
    result = drifted.examine()
    assert result.draft is not None
    bought = [one.quantity for one in result.draft.trades if one.side is Side.BUY]
    assert any(one != one.to_integral_value() for one in bought)
    stored = drifted.store(result)
    assert stored is not None
    assert {one.quantity for one in stored.trades.all() if one.side == Side.BUY} == set(bought)


def test_fractions_reach_the_order_file_and_its_lot_instructions(drifted: Desk) -> None:
    drifted.taxable.trades_fractions = True
    drifted.taxable.save()
    stored = drifted.store(drifted.examine())
    assert stored is not None
    proposal_services.approve(
        user=drifted.user, public_id=stored.public_id, content_sha256=stored.content_sha256
    )
    drifted.user.role = "operations"
    drifted.user.save()
    export = proposal_services.export_orders(user=drifted.user)
    quantities = {one.quantity for one in stored.orders.all()}
    assert any(one != one.to_integral_value() for one in quantities)
    for one in quantities:
        assert f"{one.normalize():f}" in export.orders_csv


def test_yields_move_what_is_taxed_and_say_what_it_saves(calm: Desk) -> None:
    aaa = calm.securities["AAA"]
    aaa.ordinary_yield = D("0.09")
    aaa.save()
    restrict(calm, RestrictionKind.MAX_WEIGHT, "BBB", limit=D("0.29"))  # a reason to look
    result = calm.examine()
    assert result.draft is not None
    saves = result.draft.explanation["location"]
    assert isinstance(saves, dict)
    assert D(saves["after"]) > D(saves["before"])


def test_commissions_are_on_the_proposal(drifted: Desk) -> None:
    CommissionSchedule.objects.create(
        firm=drifted.household.firm, custodian=drifted.taxable.custodian, per_order=D(1)
    )
    result = drifted.examine()
    assert result.draft is not None
    worth = result.draft.explanation["worth"]
    assert isinstance(worth, dict)
    orders = {(one.account, one.security, one.side) for one in result.draft.trades}
    assert D(worth["commission"]) == len(orders)
    parts = sum(D(worth[name]) for name in ("commission", "spread", "tax", "later_tax"))
    assert D(worth["cost"]) == parts
