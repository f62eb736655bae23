"""Approving, rejecting and taking back, and every fact that can move in between."""

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from uuid import uuid4

import pytest
from django.db import connection
from django.http import Http404

from accounts.errors import Conflict, NotAllowed
from accounts.models import Account, AuditEvent, Firm, TaxProfile, User
from accounts.types import Role
from lots.services import import_positions, record_action, set_policy
from lots.types import EntryKind, Pick, Policy, TackingPolicy
from proposals import services
from proposals.errors import AlreadyDecided, BadDraft, ContentChanged, StaleProposal
from proposals.models import CommissionSchedule, Decision, Order, OrderLot, Proposal, ProposedTrade
from proposals.types import ProposalKind, Status
from securities.types import ActionKind
from tests import factories
from tests.proposals.desk import TODAY, Desk, make_desk, make_person

pytestmark = pytest.mark.django_db


@pytest.fixture
def desk() -> Desk:
    return make_desk()


def approve(desk: Desk, proposal: Proposal, **changes) -> Proposal:
    values = {
        "user": desk.adviser,
        "public_id": proposal.public_id,
        "content_sha256": proposal.content_sha256,
        "note": "Fine.",
    }
    return services.approve(**{**values, **changes})


def test_an_approval_writes_the_decision_and_the_orders(desk: Desk):
    proposal = approve(desk, desk.submit())
    assert proposal.status == "approved"
    decision = Decision.objects.get()
    assert (decision.user, decision.verdict, decision.note) == (desk.adviser, "approve", "Fine.")
    assert decision.content_sha256 == proposal.content_sha256
    rows = Order.objects.order_by("pk").values_list(
        "side", "security", "quantity", "reference_price", "pair", "status"
    )
    assert list(rows) == [
        ("sell", desk.old.pk, Decimal(20), Decimal(80), 1, "approved"),
        ("buy", desk.sub.pk, Decimal(19), Decimal(80), 1, "approved"),
    ]
    lot = OrderLot.objects.get()
    assert (lot.opening_id, lot.part, lot.quantity) == (desk.lot.pk, 0, Decimal(20))
    event = AuditEvent.objects.get(action="proposal.approved")
    assert (event.actor, event.subject) == ("ada", f"proposal {proposal.public_id}")
    assert proposal.content_sha256 in event.payload


def test_lots_of_one_sale_are_one_order_the_latest_acquired_first(desk: Desk):
    later = factories.book(
        desk.account, EntryKind.BUY, date(2022, 5, 2), desk.old, "10", amount="1000"
    )
    approve(
        desk,
        desk.submit(desk.sale("20"), desk.sale("10", opening=later.pk), desk.purchase("29")),
    )
    order = Order.objects.get(side="sell")
    assert order.quantity == 30
    assert [(lot.opening_id, lot.quantity) for lot in order.lots.all()] == [
        (later.pk, Decimal(10)),
        (desk.lot.pk, Decimal(20)),
    ]


def test_one_substitute_for_two_pairs_is_one_order(desk: Desk):
    other = factories.make_security(desk.firm, "OTHER")
    factories.set_price(other, TODAY, "80")
    lot = factories.book(desk.account, EntryKind.BUY, date(2022, 5, 2), other, "20", amount="2000")
    approve(
        desk,
        desk.submit(
            desk.sale(),
            desk.purchase(),
            desk.sale(opening=lot.pk, security=other.pk, pair=2),
            desk.purchase(pair=2),
        ),
    )
    order = Order.objects.get(side="buy")
    assert (order.quantity, order.pair) == (Decimal(38), 0)


def test_a_rejection_makes_no_order(desk: Desk):
    proposal = desk.submit()
    services.reject(
        user=desk.adviser,
        public_id=proposal.public_id,
        content_sha256=proposal.content_sha256,
        note="The client is moving.",
    )
    proposal.refresh_from_db()
    assert proposal.status == "rejected"
    assert Decision.objects.get().verdict == "reject"
    assert not Order.objects.exists()


def test_the_second_decision_is_told_who_was_first_and_when(desk: Desk):
    proposal = approve(desk, desk.submit())
    bob = make_person(desk.firm, "bob", Role.APPROVER)
    for verb in (services.approve, services.reject):
        with pytest.raises(
            AlreadyDecided, match=r"^ada approved this proposal on \d{4}-\d\d-\d\d at"
        ):
            verb(user=bob, public_id=proposal.public_id, content_sha256=proposal.content_sha256)
    assert Decision.objects.count() == 1


@pytest.mark.parametrize(
    "status", [Status.SUPERSEDED, Status.EXPIRED, Status.STALE, Status.CANCELLED]
)
def test_an_ended_proposal_cannot_be_decided(desk: Desk, status: Status):
    proposal = desk.submit()
    Proposal.objects.filter(pk=proposal.pk).update(status=status)
    with pytest.raises(AlreadyDecided, match=f"This proposal is {status}"):
        approve(desk, proposal)
    assert not Order.objects.exists()


def test_an_approval_of_other_content_is_refused(desk: Desk):
    proposal = desk.submit()
    with pytest.raises(ContentChanged) as conflict:
        approve(desk, proposal, content_sha256="0" * 64)
    assert (conflict.value.code, conflict.value.status) == ("content_changed", 409)
    proposal.refresh_from_db()
    assert proposal.status == "pending"


def test_trades_altered_in_the_database_are_not_approved(desk: Desk):
    proposal = desk.submit()
    ProposedTrade.objects.filter(proposal=proposal, side="sell").update(quantity=Decimal(10))
    with pytest.raises(ContentChanged, match="not the ones this proposal was made with"):
        approve(desk, proposal)


def test_content_altered_in_the_database_is_not_approved(desk: Desk):
    proposal = desk.submit()
    Proposal.objects.update(
        content=proposal.content.replace('"tax_saved":"148"', '"tax_saved":"1"')
    )
    with pytest.raises(ContentChanged, match="not the ones this proposal was made with"):
        approve(desk, proposal)


@pytest.mark.parametrize("role", [Role.OPERATIONS, Role.API_CLIENT])
def test_only_advisers_and_approvers_decide(desk: Desk, role: Role):
    with pytest.raises(NotAllowed):
        approve(desk, desk.submit(), user=make_person(desk.firm, "eve", role))


def test_a_role_taken_away_since_the_page_was_shown_counts(desk: Desk):
    proposal = desk.submit()
    User.objects.filter(pk=desk.adviser.pk).update(role=Role.OPERATIONS)
    with pytest.raises(NotAllowed):
        approve(desk, proposal)


def test_another_firms_proposal_does_not_exist(desk: Desk):
    proposal = desk.submit()
    stranger = make_person(factories.make_firm("Other"), "eve", Role.ADVISER)
    for public_id in (proposal.public_id, uuid4()):
        with pytest.raises(Http404):
            approve(desk, proposal, user=stranger, public_id=public_id)


# Staleness: what moved, and how it is named


def price_moves(desk: Desk) -> None:
    factories.set_price(desk.old, TODAY, "82")


def price_gets_old(desk: Desk) -> None:
    Firm.objects.update(pinned_date=TODAY + timedelta(days=5))
    for security in (desk.old, desk.sub):
        factories.set_price(security, TODAY - timedelta(days=1), "80")
        security.prices.filter(day=TODAY).delete()


def shares_leave(desk: Desk) -> None:
    factories.book(
        desk.account, EntryKind.SELL, TODAY, desk.old, "1", amount="120",
        picks=(Pick(desk.lot.pk, Decimal(1)),),
    )  # fmt: skip


def basis_changes(desk: Desk) -> None:
    """An earlier loss arrives late in the ledger and washes into the lot."""
    early = date(2021, 1, 4)
    factories.book(desk.account, EntryKind.BUY, early, desk.old, "20", amount="2400")
    factories.book(
        desk.account, EntryKind.SELL, date(2022, 2, 15), desk.old, "20", amount="2200",
        picks=(Pick("T-1-2", Decimal(20)),),
    )  # fmt: skip


def wash_arises(desk: Desk) -> None:
    factories.book(desk.ira, EntryKind.BUY, TODAY, desk.old, "5", amount="400")


def window_opens(desk: Desk) -> None:
    factories.book(desk.account, EntryKind.BUY, date(2022, 1, 3), desk.sub, "5", amount="500")
    factories.book(desk.account, EntryKind.SELL, TODAY, desk.sub, "5", amount="400")


def other_proposal_is_approved(desk: Desk) -> None:
    yesterday = TODAY - timedelta(days=1)
    factories.set_price(desk.old, yesterday, "80")
    desk.approved(desk.sale("1", pair=0), kind=ProposalKind.REBALANCE, as_of=yesterday)


def tax_profile_changes(desk: Desk) -> None:
    TaxProfile.objects.update(federal_ordinary_rate=Decimal("0.12"))


def law_is_read_otherwise(desk: Desk) -> None:
    set_policy(user=desk.adviser, policy=Policy(tacking=TackingPolicy.SUM), reason="Counsel.")


def split_happens(desk: Desk) -> None:
    record_action(
        firm=desk.firm,
        kind=ActionKind.SPLIT,
        security_id=desk.old.pk,
        effective_on=TODAY,
        ratio=Decimal(2),
        actor="test",
    )


def time_passes(desk: Desk) -> None:
    later = TODAY + timedelta(days=6)
    Firm.objects.update(pinned_date=later)
    for security in (desk.old, desk.sub):
        factories.set_price(security, later, "80")


def lot_ages(desk: Desk) -> None:
    """Nothing but the calendar: the lot of 1 March becomes long-term on 2 March."""
    later = date(2023, 3, 2)
    Proposal.objects.update(expires_on=later)
    Firm.objects.update(pinned_date=later)
    for security in (desk.old, desk.sub):
        factories.set_price(security, later, "80")


def trading_ends(desk: Desk) -> None:
    """On the very day; the last price is still young."""
    type(desk.sub).objects.filter(pk=desk.sub.pk).update(delisted_on=TODAY)


@pytest.mark.parametrize(
    ("event", "named"),
    [
        (trading_ends, f"trading in SUB: open → ended on {TODAY}"),
        (price_moves, "price of OLD: $80.00 → $82.00"),
        (price_gets_old, "price of OLD: at most 5 days old → of 2022-12-27"),
        (shares_leave, "shares of OLD lot of 2022-03-01: 20 to sell → 19"),
        (basis_changes, "basis of OLD lot of 2022-03-01: $2000.00 → $2200.00"),
        (wash_arises, "wash sales: none → $100.00 of the loss on OLD"),
        (window_opens, "wash window of SUB: clear → closed until 2023-01-28: 5 SUB sold at a loss"),
        (
            other_proposal_is_approved,
            "shares of OLD lot of 2022-03-01: 20 to sell → 19 free, 1 reserved",
        ),
        (tax_profile_changes, "tax profile, federal ordinary rate: 0.35 → 0.12"),
        (law_is_read_otherwise, "tax profile, U3 tacking: union → sum"),
        (split_happens, "basis of OLD lot of 2022-03-01: $2000.00 → $1000.00"),
        (time_passes, "age of the proposal: valid to 2023-01-02 → today is 2023-01-03"),
        (lot_ages, "holding period of OLD lot of 2022-03-01: short → long"),
    ],
)
def test_what_moved_makes_the_proposal_stale_and_is_named(
    desk: Desk, event: Callable[[Desk], None], named: str
):
    proposal = desk.submit()
    event(desk)
    orders = Order.objects.count()
    with pytest.raises(StaleProposal) as conflict:
        approve(desk, proposal)
    assert (conflict.value.code, conflict.value.status) == ("stale", 409)
    assert any(str(change).startswith(named) for change in conflict.value.moved), conflict.value
    proposal.refresh_from_db()
    assert proposal.status == "stale"
    assert Order.objects.count() == orders
    assert AuditEvent.objects.get(action="proposal.stale").actor == "ada"
    with pytest.raises(AlreadyDecided):
        approve(desk, proposal)


def test_cash_that_has_left_is_named(desk: Desk):
    factories.book(desk.account, EntryKind.CASH_IN, date(2022, 1, 3), amount="2800.40")
    proposal = desk.submit(desk.purchase("10", pair=0), kind=ProposalKind.REBALANCE)
    factories.book(desk.account, EntryKind.CASH_OUT, TODAY, amount="1.40")
    with pytest.raises(StaleProposal, match=r"cash in Ann taxable: \$800.40 needed → \$799.00"):
        approve(desk, proposal)


def test_the_whole_cost_of_an_order_must_be_there_in_cash(desk: Desk):
    """800 + 0.40 of spread + 4.95 of commission: the cent that is missing is named (F8)."""
    CommissionSchedule.objects.create(
        firm=desk.firm, custodian="Example Custody", per_order=Decimal("4.95")
    )
    factories.book(desk.account, EntryKind.CASH_IN, date(2022, 1, 3), amount="2805.34")
    proposal = desk.submit(desk.purchase("10", pair=0), kind=ProposalKind.REBALANCE)
    with pytest.raises(StaleProposal, match=r"cash in Ann taxable: \$805.35 needed → \$805.34"):
        approve(desk, proposal)
    factories.book(desk.account, EntryKind.CASH_IN, date(2022, 1, 4), amount="0.01")
    again = desk.submit(desk.purchase("10", pair=0), kind=ProposalKind.REBALANCE)
    assert approve(desk, again).status == "approved"


def test_a_small_move_of_the_price_passes(desk: Desk):
    proposal = desk.submit()
    factories.set_price(desk.old, TODAY, "80.80")
    assert approve(desk, proposal).status == "approved"


def test_what_concerns_another_household_does_not_count(desk: Desk):
    proposal = desk.submit()
    neighbours: Account = factories.make_account(
        factories.make_household(desk.firm, "Neighbours"), "N-1", owner="Nina"
    )
    factories.book(neighbours, EntryKind.BUY, TODAY, desk.old, "20", amount="1600")
    assert approve(desk, proposal).status == "approved"


def test_the_stale_mark_outlives_the_refusal(transactional_db):
    desk = make_desk()
    proposal = desk.submit()
    price_moves(desk)
    with pytest.raises(StaleProposal):
        approve(desk, proposal)
    connection.close()  # only what was committed is seen from here
    assert Proposal.objects.get().status == "stale"


# Taking back


def test_an_approval_can_be_taken_back_before_the_export(desk: Desk):
    proposal = approve(desk, desk.submit())
    services.cancel(user=desk.adviser, public_id=proposal.public_id, note="Call first.")
    proposal.refresh_from_db()
    assert proposal.status == "cancelled"
    assert set(Order.objects.values_list("status", flat=True)) == {"cancelled"}


def test_exported_orders_cannot_be_taken_back(desk: Desk):
    proposal, _ = desk.ordered()
    with pytest.raises(Conflict, match="is ordered"):
        services.cancel(user=desk.adviser, public_id=proposal.public_id)


def test_a_sale_that_others_booked_meanwhile_changes_the_year_and_the_answer(desk: Desk):
    proposal = desk.submit()
    other = factories.make_security(desk.firm, "ELSE")
    factories.book(desk.account, EntryKind.BUY, date(2021, 1, 4), other, "10", amount="1000")
    factories.book(desk.account, EntryKind.SELL, date(2022, 12, 1), other, "10", amount="9000")
    with pytest.raises(StaleProposal) as refusal:
        approve(desk, proposal)
    assert [str(moved) for moved in refusal.value.moved] == [
        "tax profile, long realised by others: 0 → 8000"
    ]


def test_a_statement_that_differs_stops_an_approval(desk: Desk):
    """T53."""
    proposal = desk.submit()
    import_positions(
        firm=desk.firm,
        user=None,
        file=b"account,symbol,quantity,as_of\nT-1,OLD,15,2022-12-28\n",
        name="p.csv",
        as_of=date(2022, 12, 28),
    )
    with pytest.raises(StaleProposal) as refusal:
        approve(desk, proposal)
    assert [str(moved) for moved in refusal.value.moved] == [
        "positions of Ann taxable: reconciled → OLD: lots 20, custodian 15 on 2022-12-28"
    ]
    with pytest.raises(BadDraft, match="does not add up"):
        desk.submit()
