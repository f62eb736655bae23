"""Several people at once, on real connections: one winner, one order set, nobody left in doubt."""

import threading
from collections.abc import Callable, Sequence
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection

from accounts.types import Role
from proposals import services
from proposals.block_models import BlockFill
from proposals.errors import AlreadyDecided, NothingToExport, StaleProposal
from proposals.models import Decision, Fill, Order, OrderExport, Proposal
from proposals.types import FillImport, ProposalKind
from tests.proposals.desk import TODAY, Desk, fills_file, make_desk, make_person

pytestmark = pytest.mark.django_db(transaction=True)


def at_once(calls: Sequence[Callable[[], object]]) -> list[object]:
    """Results or exceptions of calls that start together, each on a connection of its own."""
    barrier = threading.Barrier(len(calls))
    results: list[object] = [None] * len(calls)

    def run(place: int, call: Callable[[], object]) -> None:
        try:
            connection.ensure_connection()
            barrier.wait(timeout=30)
            results[place] = call()
        except Exception as error:
            results[place] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    return results


def decide(desk: Desk, verb: Callable[..., Proposal], name: str, proposal: Proposal):
    user = make_person(desk.firm, name, Role.ADVISER)
    return lambda: verb(
        user=user, public_id=proposal.public_id, content_sha256=proposal.content_sha256
    )


def test_of_eight_approvals_at_once_one_wins_and_the_others_learn_who():
    desk = make_desk()
    proposal = desk.submit()
    results = at_once([decide(desk, services.approve, f"p{n}", proposal) for n in range(8)])
    assert sum(isinstance(result, Proposal) for result in results) == 1
    losers = [result for result in results if isinstance(result, AlreadyDecided)]
    winner = Decision.objects.get().user.username
    assert len(losers) == 7
    assert all(str(loser).startswith(f"{winner} approved this proposal on") for loser in losers)
    assert Order.objects.count() == 2


@pytest.mark.parametrize("attempt", range(5))
def test_approve_against_reject_has_one_winner(attempt):
    desk = make_desk()
    proposal = desk.submit()
    verbs = [services.approve, services.reject] * 2
    results = at_once([decide(desk, verb, f"p{n}", proposal) for n, verb in enumerate(verbs)])
    assert sum(isinstance(result, Proposal) for result in results) == 1
    assert sum(isinstance(result, AlreadyDecided) for result in results) == 3
    verdict = Decision.objects.get().verdict
    proposal.refresh_from_db()
    assert proposal.status == {"approve": "approved", "reject": "rejected"}[verdict]
    assert Order.objects.count() == (2 if verdict == "approve" else 0)


def test_of_two_proposals_for_the_same_shares_one_is_approved():
    """Last night's rebalance and tonight's harvest both sell the lot (T48)."""
    desk = make_desk()
    first = desk.submit(
        desk.sale(pair=0), kind=ProposalKind.REBALANCE, as_of=TODAY - timedelta(days=1)
    )
    second = desk.submit()
    results = at_once(
        [decide(desk, services.approve, f"p{n}", one) for n, one in enumerate((first, second))]
    )
    assert sum(isinstance(result, Proposal) for result in results) == 1
    (stale,) = [result for result in results if isinstance(result, StaleProposal)]
    assert "reserved by another proposal" in str(stale)
    sold = sum(order.quantity for order in Order.objects.filter(side="sell"))
    assert sold == 20


def test_of_four_exports_at_once_one_has_the_orders():
    desk = make_desk()
    desk.approved()
    results = at_once([lambda: services.export_orders(user=desk.operations)] * 4)
    assert sum(isinstance(result, OrderExport) for result in results) == 1
    assert sum(isinstance(result, NothingToExport) for result in results) == 3
    assert OrderExport.objects.get().orders.count() == 2


def test_of_four_imports_of_one_file_at_once_one_books():
    desk = make_desk()
    desk.ordered()
    file = fills_file(
        *(
            (order, f"F-{order.side}", "2022-12-28", str(order.quantity), "80")
            for order in Order.objects.all()
        )
    )
    results = at_once(
        [lambda: services.import_fills(user=desk.operations, file=file, name="fills.csv")] * 4
    )
    assert sorted(results, key=str) == [FillImport(new=0, known=2)] * 3 + [FillImport(2, 0)]
    assert Fill.objects.count() == 2
    assert set(Order.objects.values_list("status", flat=True)) == {"filled"}


def test_one_fill_of_a_block_imported_four_times_at_once_is_divided_once():
    desk = make_desk()
    desk.ordered()
    file = (
        b"external_id,trade_date,quantity,price,symbol,side\n"
        b"B-1,2022-12-28,12,80,OLD,sell\nB-2,2022-12-28,7,80,SUB,buy\n"
    )
    results = at_once(
        [lambda: services.import_fills(user=desk.operations, file=file, name="fills.csv")] * 4
    )
    told = [result for result in results if isinstance(result, FillImport)]
    assert sorted((result.new, result.known) for result in told) == [(0, 2)] * 3 + [(2, 0)]
    filled = Order.objects.order_by("side").values_list("side", "filled_quantity")
    assert list(filled) == [("buy", Decimal(7)), ("sell", Decimal(12))]
    assert BlockFill.objects.count() == 2
