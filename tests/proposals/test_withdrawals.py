"""Deposits, withdrawals and liquidations after a harvest pass the same wash check as the harvest did."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db.models import ProtectedError

from accounts.models import Account, AuditEvent
from accounts.types import AccountKind
from lots.types import EntryKind
from proposals import selectors, services
from proposals.errors import AllHeldBack, BadDraft, StaleProposal
from proposals.models import Order, Proposal
from proposals.types import ProposalKind, Side, Status
from tests.factories import book, make_account, make_security, set_price
from tests.proposals.desk import BOUGHT, TODAY, Desk, make_desk

pytestmark = pytest.mark.django_db


@pytest.fixture
def desk() -> Desk:
    return make_desk()


def approve(desk: Desk, proposal: Proposal) -> Proposal:
    return services.approve(
        user=desk.adviser, public_id=proposal.public_id, content_sha256=proposal.content_sha256
    )


def bob(desk: Desk) -> Account:
    return make_account(desk.household, "B-1", owner="Bob")


def test_a_withdrawal_raised_by_a_loss_that_the_spouse_has_just_bought_is_refused(desk: Desk):
    """T1: 5 shares of 20 must be sold for a withdrawal; the spouse bought 3 last week: $60 would be washed."""
    book(bob(desk), EntryKind.BUY, TODAY - timedelta(days=7), desk.old, "3", amount="240")
    with pytest.raises(BadDraft, match=r"\$60\.00 of the loss on OLD .* would be disallowed"):
        desk.submit(desk.sale("5", pair=0), kind=ProposalKind.REBALANCE)
    assert not Proposal.objects.exists()


def test_a_withdrawal_of_the_substitute_right_after_a_harvest_is_checked_with_the_harvest_in_it(
    desk: Desk,
):
    """T1: SUB of two orders stands at a loss; what the harvest is about to buy of it would wash that loss."""
    old_sub = book(desk.account, EntryKind.BUY, BOUGHT, desk.sub, "10", amount="1200")
    desk.approved()
    sale = desk.sale("10", security=desk.sub.pk, opening=old_sub.pk, basis=Decimal(1200), pair=0)
    with pytest.raises(BadDraft, match=r"\$400\.00 of the loss on SUB .* would be disallowed"):
        desk.submit(sale, kind=ProposalKind.REBALANCE)


@pytest.mark.parametrize(("ira", "forever"), [(False, ""), (True, r", \$100\.00 of it for ever")])
def test_a_full_liquidation_with_a_purchase_elsewhere_names_what_is_washed(
    desk: Desk, *, ira: bool, forever: str
):
    """T7: everything goes, and 5 shares bought in another account defer, or take for ever, 5 shares' loss."""
    buyer = desk.ira if ira else bob(desk)
    book(buyer, EntryKind.BUY, TODAY - timedelta(days=7), desk.old, "5", amount="400")
    with pytest.raises(BadDraft, match=rf"\$100\.00 of the loss on OLD .*{forever}"):
        desk.submit(desk.sale("20", pair=0), kind=ProposalKind.REBALANCE)


def test_a_purchase_in_the_ira_after_a_harvest_is_refused_until_the_window_has_passed(desk: Desk):
    """T10: neither the owner's nor the spouse's IRA buys what was sold at a loss."""
    desk.approved()
    theirs = make_account(desk.household, "R-2", owner="Bob", kind=AccountKind.ROTH_IRA)
    for account in (desk.ira, theirs):
        book(account, EntryKind.CASH_IN, BOUGHT, amount="5000")
        purchase = desk.purchase("5", security=desk.old.pk, account=account.pk, pair=0)
        with pytest.raises(BadDraft, match="OLD must not be bought before 2023-01-28"):
            desk.submit(purchase, kind=ProposalKind.REBALANCE)


def test_the_cash_of_an_order_that_no_statement_has_told_of_is_spent(desk: Desk):
    """T6: $1,000 are there, and an exported purchase takes $800.40 of them: $300 more are not there, $100 are."""
    book(desk.account, EntryKind.CASH_IN, BOUGHT, amount="3000")  # 2,000 paid for OLD
    desk.ordered(desk.purchase("10", pair=0), kind=ProposalKind.REBALANCE)
    under_way = selectors.intentions(desk.household.pk, as_of=TODAY)
    before = selectors.facts(desk.household.pk, TODAY, on_the_way=()).cash[desk.account.pk]
    after = selectors.facts(desk.household.pk, TODAY, on_the_way=under_way).cash[desk.account.pk]
    assert before - after == Decimal("800.40")  # half a spread of 5 basis points
    assert before == Decimal(1000)
    pending = desk.submit()  # the harvest pays for itself
    assert approve(desk, pending).status == Status.APPROVED


def test_what_an_order_under_way_has_spent_cannot_be_spent_again(desk: Desk):
    """T6: an approved harvest buys for what it sells; with the cash gone meanwhile nothing more is approved."""
    book(desk.account, EntryKind.CASH_IN, BOUGHT, amount="2500")
    desk.ordered()
    other = make_security(desk.firm, "OTHER")
    set_price(other, TODAY, "80")
    dear = desk.submit(desk.purchase("8", security=other.pk, pair=0), kind=ProposalKind.REBALANCE)
    with pytest.raises(StaleProposal, match=r"cash in Ann taxable: \$640\.32 needed"):
        approve(desk, dear)  # 500 are there, 80 less costs come from the harvest


def test_an_order_cannot_be_deleted_and_closing_it_is_on_record(desk: Desk):
    """T5: an exported sale that was never filled: the answers before and after can both be given again."""
    proposal, _ = desk.ordered()
    during = selectors.windows(desk.household.pk, TODAY)
    sale = Order.objects.get(side=Side.SELL)
    with pytest.raises(ProtectedError):
        sale.delete()
    with pytest.raises(ProtectedError):
        proposal.delete()
    assert selectors.windows(desk.household.pk, TODAY) == during
    services.close_orders(user=desk.operations, public_id=proposal.public_id, note="Lost.")
    after = selectors.windows(desk.household.pk, TODAY)
    assert (desk.old.pk in during.buy_blocked, desk.old.pk in after.buy_blocked) == (True, False)
    proposal.refresh_from_db()
    assert proposal.status == Status.CANCELLED
    assert AuditEvent.objects.filter(action__startswith="proposal.").latest("pk").actor
    again = selectors.windows(
        desk.household.pk, TODAY, drafts=[desk.draft(*selectors.draft_trades(proposal))]
    )
    assert {pk: one.clear_on for pk, one in again.buy_blocked.items()} == {
        pk: one.clear_on for pk, one in during.buy_blocked.items()
    }


def test_both_legs_of_a_pair_leave_in_one_file_or_none(desk: Desk):
    """T8: the purchase has become a wash; the sale does not leave without it, and both leave when it may."""
    proposal = desk.approved()
    book(desk.account, EntryKind.BUY, BOUGHT, desk.sub, "5", amount="500")
    book(desk.account, EntryKind.SELL, TODAY, desk.sub, "5", amount="400")
    with pytest.raises(AllHeldBack, match="SUB must not be bought"):
        services.export_orders(user=desk.operations)
    assert {one.status for one in proposal.orders.all()} == {"approved"}
    desk.firm.pinned_date = TODAY + timedelta(days=31)
    desk.firm.save()
    export = services.export_orders(user=desk.operations)
    assert {one.side for one in export.orders.all()} == {Side.SELL, Side.BUY}
    assert {one.proposal_id for one in export.orders.all()} == {proposal.pk}


def test_a_harvest_is_never_one_leg(desk: Desk):
    """T8: without its purchase a sale is no proposal."""
    with pytest.raises(BadDraft, match="exactly one purchase"):
        desk.submit(desk.sale())
    pending = desk.submit()
    set_price(desk.sub, TODAY, "95")  # the substitute cannot be paid for any more
    with pytest.raises(StaleProposal, match="price of SUB"):
        approve(desk, pending)
    assert not Order.objects.exists()
