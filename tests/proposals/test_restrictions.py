"""Restrictions and what is bought by itself, from the database to every gate (F31, F37, T1, T5, T10, T50)."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.db import transaction

from accounts.errors import Conflict, NotAllowed
from accounts.models import AuditEvent
from accounts.types import AccountKind, Role
from lots.types import EntryKind
from proposals import selectors, services
from proposals.errors import AllHeldBack, BadDraft, StaleProposal
from proposals.models import Restriction, ScheduledPurchase
from proposals.types import Cadence, ProposalKind, RestrictionKind, Status
from securities.models import Dividend
from tests.factories import book, make_account, make_firm
from tests.proposals.desk import TODAY, Desk, make_desk, make_person

pytestmark = pytest.mark.django_db


@pytest.fixture
def desk() -> Desk:
    return make_desk()


def restrict(desk: Desk, kind: RestrictionKind = RestrictionKind.NO_SELL, **changes: object):
    given = {"security_id": desk.old.pk, "reason": "The client's employer.", **changes}
    given.setdefault("household_id", desk.household.pk)
    return services.restrict(user=desk.adviser, kind=kind, **given)  # type: ignore[arg-type]


def schedule(desk: Desk, day: date, **changes: object) -> ScheduledPurchase:
    given = {"account": desk.ira, "security": desk.old, "amount": Decimal(160), **changes}
    return ScheduledPurchase.objects.create(first_on=day, cadence=Cadence.MONTHLY, **given)


def approve(desk: Desk, proposal):
    return services.approve(
        user=desk.adviser, public_id=proposal.public_id, content_sha256=proposal.content_sha256
    )


# Restrictions


def test_a_restriction_is_refused_at_submission_approval_and_release_with_reason_and_date(desk):
    """T50: a note that somebody wrote in January still stands at each of the three doors."""
    pending = desk.submit()
    row = restrict(desk, since=date(2022, 1, 3))
    with pytest.raises(
        BadDraft, match=r"OLD must not be sold in Ann taxable: The client's employer"
    ) as bad:
        desk.submit(as_of=TODAY, kind=ProposalKind.HARVEST)
    assert "since 2022-01-03" in str(bad.value)
    assert "reserved by other proposals" not in str(bad.value)
    with pytest.raises(StaleProposal, match="restricted for the household since 2022-01-03"):
        approve(desk, pending)
    row.delete()
    desk.approved()
    restrict(desk, since=TODAY)
    with pytest.raises(AllHeldBack, match="OLD must not be sold"):
        services.export_orders(user=desk.operations)


def test_who_must_not_buy_in_one_account_buys_in_another(desk):
    restrict(desk, RestrictionKind.NO_BUY, security_id=desk.sub.pk, account_id=desk.account.pk)
    found = selectors.windows(desk.household.pk, TODAY)
    assert desk.sub.pk not in found.buy_blocked
    with pytest.raises(BadDraft, match="SUB must not be bought in Ann taxable"):
        desk.submit()
    book(desk.ira, EntryKind.CASH_IN, TODAY, amount="5000")
    desk.submit(desk.purchase("1", account=desk.ira.pk, pair=0), kind=ProposalKind.REBALANCE)


def test_the_firm_the_household_and_their_windows(desk):
    restrict(desk, RestrictionKind.NO_BUY, household_id=None, until=TODAY + timedelta(days=3))
    block = selectors.windows(desk.household.pk, TODAY).buy_blocked[desk.old.pk]
    assert block.is_restricted
    assert not block.is_window
    assert block.clear_on == TODAY + timedelta(days=4)
    assert selectors.window_rows(desk.household.pk, TODAY) == []  # a restriction is no window
    later = selectors.windows(desk.household.pk, TODAY + timedelta(days=4))
    assert later.buy_blocked == {}


def test_no_sell_reserves_the_shares(desk):
    restrict(desk)
    found = selectors.windows(desk.household.pk, TODAY)
    assert found.no_sell == {(desk.account.pk, desk.old.pk)}
    assert found.reserved == {(desk.lot.pk, 0): Decimal(20)}


def test_lifting_leaves_the_row_and_the_audit_tells_both(desk):
    row = restrict(desk, since=TODAY - timedelta(days=9))
    with pytest.raises(Conflict, match="needs a reason"):
        services.lift_restriction(user=desk.adviser, restriction_id=row.pk, reason=" ")
    services.lift_restriction(user=desk.adviser, restriction_id=row.pk, reason="Left the firm.")
    row.refresh_from_db()
    assert row.until == TODAY - timedelta(days=1)
    assert selectors.restrictions(desk.household.pk, TODAY).rows == ()
    assert len(selectors.restrictions(desk.household.pk, TODAY - timedelta(days=1)).rows) == 1
    with pytest.raises(Conflict, match="ended on"):
        services.lift_restriction(user=desk.adviser, restriction_id=row.pk, reason="Again.")
    events = AuditEvent.objects.filter(action__startswith="restriction.").order_by("sequence")
    assert list(events.values_list("action", flat=True)) == [
        "restriction.made",
        "restriction.lifted",
    ]


def test_a_restriction_needs_a_reason_a_role_dates_in_order_and_stands_once(desk):
    with pytest.raises(Conflict, match="needs a reason"):
        restrict(desk, reason="  ")
    with pytest.raises(Conflict, match="cannot end"):
        restrict(desk, until=TODAY - timedelta(days=1))
    restrict(desk)
    with pytest.raises(Conflict, match="restricted in this way already"):
        restrict(desk)
    with pytest.raises(NotAllowed):
        services.restrict(
            user=desk.operations, security_id=desk.old.pk, kind=RestrictionKind.NO_BUY, reason="No."
        )
    other = make_firm("Other")
    stranger = make_person(other, "eve", Role.ADVISER)
    with pytest.raises(Conflict, match="no such restriction"):
        services.lift_restriction(
            user=stranger, restriction_id=Restriction.objects.get().pk, reason="Mine."
        )


# What is bought by itself


@pytest.mark.parametrize(("days", "blocked"), [(30, True), (33, False)])
def test_a_plan_of_the_next_30_days_blocks_a_loss_sale(desk, days, blocked):
    """T19 on the side of tomorrow; 2023-01-27 is a Friday, the 30th a Monday."""
    schedule(desk, TODAY + timedelta(days=days))
    found = selectors.windows(desk.household.pk, TODAY)
    assert (desk.old.pk in found.sell_blocked) == blocked
    if not blocked:
        desk.submit()
        return
    assert found.sell_blocked[desk.old.pk].permanent  # T10: an IRA buys
    assert found.sell_blocked[desk.old.pk].is_endless
    with pytest.raises(BadDraft, match=r"\$40.00 of the loss on OLD .* \$40.00 of it for ever"):
        desk.submit()


def test_a_plan_entered_after_approval_holds_the_orders_back(desk):
    """T1: nothing that leaves is asked less than a harvest is."""
    pending = desk.submit()
    plan = schedule(desk, TODAY + timedelta(days=5), account=desk.account)
    with pytest.raises(StaleProposal, match="wash sales: none"):
        approve(desk, pending)
    plan.delete()
    desk.approved()
    schedule(desk, TODAY + timedelta(days=5), account=desk.account)
    with pytest.raises(AllHeldBack, match="would be disallowed"):
        services.export_orders(user=desk.operations)


def test_an_ordinary_rebalance_passes_the_same_check(desk):
    """T1: a deposit is invested after a harvest; what was sold at a loss is not bought back."""
    desk.approved()
    book(desk.account, EntryKind.CASH_IN, TODAY, amount="10000")
    with pytest.raises(BadDraft, match="OLD must not be bought before 2023-01-28"):
        desk.submit(desk.purchase("5", security=desk.old.pk, pair=0), kind=ProposalKind.REBALANCE)


def reinvesting(desk: Desk) -> None:
    desk.account.reinvests_dividends = True
    desk.account.save(update_fields=["reinvests_dividends"])


def test_a_dividend_that_can_be_switched_off_is_an_instruction(desk):
    reinvesting(desk)
    Dividend.objects.create(
        security=desk.old,
        ex_date=date(2023, 1, 10),
        pay_date=date(2023, 1, 20),
        amount=Decimal("0.4"),
    )
    (one,) = selectors.coming_purchases(desk.household.pk, TODAY)
    assert (one.counts, one.shares) == (False, Decimal("0.1"))
    assert selectors.windows(desk.household.pk, TODAY).switches == (one,)
    assert desk.submit().status == Status.PENDING
    assert selectors.household_windows(desk.household, TODAY).switches == (one.instruction,)


def test_a_dividend_whose_ex_date_is_past_counts_on_what_was_held_then(desk):
    """Shares bought on the ex-date earn nothing; shares sold on it do."""
    reinvesting(desk)
    ex_date = TODAY - timedelta(days=6)
    book(desk.account, EntryKind.BUY, ex_date, desk.old, "7", amount="700")
    book(desk.account, EntryKind.SELL, ex_date, desk.old, "5", amount="500")
    Dividend.objects.create(
        security=desk.old, ex_date=ex_date, pay_date=TODAY + timedelta(days=6), amount=Decimal(4)
    )
    (one,) = selectors.coming_purchases(desk.household.pk, TODAY)
    assert one.counts
    assert one.shares == Decimal(1)  # 20 shares at $4 buy one at $80
    assert selectors.windows(desk.household.pk, TODAY).sell_blocked[desk.old.pk].coming == 1


def test_the_queries_do_not_grow_with_plans_and_dividends(desk, django_assert_max_num_queries):
    reinvesting(desk)
    for days in range(1, 30):
        schedule(desk, TODAY + timedelta(days=days))
        Dividend.objects.create(
            security=desk.old,
            ex_date=TODAY + timedelta(days=days),
            pay_date=TODAY + timedelta(days=days),
            amount=Decimal("0.4"),
        )
    with django_assert_max_num_queries(22):
        selectors.windows(desk.household.pk, TODAY)


# Orders


def test_a_cancelled_approval_leaves_its_record_and_both_answers_can_be_given_again(desk):
    """T5: the effect goes by a recorded reversal alone; nothing is deleted."""
    proposal = desk.approved()
    during = selectors.windows(desk.household.pk, TODAY)
    assert desk.old.pk in during.buy_blocked
    services.cancel(user=desk.adviser, public_id=proposal.public_id, note="Not today.")
    after = selectors.windows(desk.household.pk, TODAY)
    assert (after.buy_blocked, after.sell_blocked) == ({}, {})
    assert AuditEvent.objects.filter(action="proposal.cancelled").count() == 1
    proposal.refresh_from_db()
    kept = desk.draft(*selectors.draft_trades(proposal))
    again = selectors.windows(desk.household.pk, TODAY, drafts=[kept])
    assert again.buy_blocked.keys() == during.buy_blocked.keys()
    assert {pk: one.clear_on for pk, one in again.buy_blocked.items()} == {
        pk: one.clear_on for pk, one in during.buy_blocked.items()
    }


def test_an_order_that_no_statement_has_told_of_counts(desk):
    """T6: shares, cash and windows of what is out count before the custodian confirms them."""
    desk.ordered()
    found = selectors.windows(desk.household.pk, TODAY)
    assert found.reserved == {(desk.lot.pk, 0): Decimal(20)}
    assert found.sell_blocked[desk.sub.pk].shares == Decimal(19)
    with transaction.atomic(), pytest.raises(BadDraft, match="are reserved by other proposals"):
        services.submit(draft=desk.draft(desk.sale("20", pair=0), kind=ProposalKind.REBALANCE))


def test_accounts_held_away_make_the_answer_incomplete(desk):
    """T11: in table, page and API the state is named, whatever else is known."""
    away = make_account(desk.household, "B-9", kind=AccountKind.TAXABLE, owner="Bob")
    away.held_away = True
    away.save(update_fields=["held_away"])
    book(desk.account, EntryKind.BUY, TODAY - timedelta(days=3), desk.sub, "2", amount="100")
    table = selectors.window_table(desk.household, TODAY)
    (row,) = table.rows
    assert row.incomplete
    assert row.sell is not None
    assert row.sell.grade == "coverage incomplete"  # nothing else is at stake: SUB stands at a gain
    assert table.not_checked == ("Bob taxable (B-9)",)
