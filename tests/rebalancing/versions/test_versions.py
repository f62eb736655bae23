"""New versions of a pending rebalance on the real database: rows kept, stale facts told, one editor at a time."""

import threading
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal as D

import pytest
from django.db import connection, transaction
from django.http import Http404
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.errors import NotAllowed
from accounts.locks import lock_household
from accounts.models import AuditEvent
from accounts.types import Role
from lots.types import EntryKind, Pick
from proposals import services as proposal_services
from proposals.errors import AlreadyDecided, ContentChanged
from proposals.models import Proposal, ProposedTrade
from proposals.types import Side, Status
from rebalancing.models import ProposalFrontier, RebalanceLook, RebalancePolicy
from rebalancing.services import examine, store
from rebalancing.versions.edits import NoRebalance, NotResolved, resolve
from rebalancing.versions.fixed_rows import FixedRow
from rebalancing.versions.frontier_services import find_points, frontier_of, pick
from tests.factories import book, make_firm, make_user, set_price
from tests.proposals.desk import make_desk
from tests.rebalancing.test_services import DAY, Desk, desk, drifted

__all__ = ["desk", "drifted"]  # fixtures

pytestmark = pytest.mark.django_db


def proposed(found: Desk) -> Proposal:
    proposal = found.store(found.examine())
    assert proposal is not None
    return proposal


def trade_of(proposal: Proposal, side: Side) -> ProposedTrade:
    """The largest line of a side."""
    return max(proposal.trades.filter(side=side), key=lambda trade: trade.amount)


def sell_all_of(trade: ProposedTrade) -> None:
    """Book the sale of the line's whole lot yesterday."""
    assert trade.opening is not None
    shares = trade.opening.quantity
    book(
        trade.account,
        EntryKind.SELL,
        DAY - timedelta(days=1),
        trade.security,
        str(shares),
        amount=str(shares * 100),
        picks=(Pick(trade.opening.pk, shares),),
    )


def row(trade: ProposedTrade, shares: str | D, *, is_cap: bool = False) -> FixedRow:
    return FixedRow(
        account=trade.account_id,
        security=trade.security_id,
        side=Side(trade.side),
        quantity=D(shares),
        opening=trade.opening_id,
        part=trade.part,
        is_cap=is_cap,
    )


def edit(found: Desk, proposal: Proposal, *rows: FixedRow, note: str = "") -> Proposal:
    return resolve(
        user=found.user,
        public_id=proposal.public_id,
        content_sha256=proposal.content_sha256,
        fixed=rows,
        note=note,
    )


def test_a_row_left_out_makes_a_new_version_and_the_old_one_gives_way(drifted: Desk) -> None:
    old = proposed(drifted)
    sale = trade_of(old, Side.SELL)
    new = edit(drifted, old, row(sale, "0"), note="The client is fond of it.")

    old.refresh_from_db()
    assert (old.status, new.status) == (Status.SUPERSEDED, Status.PENDING)
    assert (new.version, new.as_of) == (old.version + 1, DAY)
    assert new.content_sha256 != old.content_sha256
    assert not new.trades.filter(opening=sale.opening_id, part=sale.part).exists()
    assert "EDITED" in new.reasons
    assert new.explanation["edited"]["by"] == "ada"
    assert old.explanation["proof"]["among"] == []
    assert new.explanation["proof"]["among"] == ["that keep the lines as they were fixed"]
    assert new.explanation["moved"] == []
    last = AuditEvent.objects.order_by("sequence").last()
    assert last is not None
    assert (last.actor, last.action) == ("ada", "proposal.edited")
    assert "fond of it" in last.payload
    approved = proposal_services.approve(
        user=drifted.user, public_id=new.public_id, content_sha256=new.content_sha256
    )
    assert approved.status == Status.APPROVED


def test_a_fixed_number_of_shares_is_in_the_new_version(drifted: Desk) -> None:
    old = proposed(drifted)
    purchase = trade_of(old, Side.BUY)
    shares = (purchase.quantity / 2).to_integral_value()
    new = edit(drifted, old, row(purchase, shares))

    line = new.trades.get(side=Side.BUY, account=purchase.account_id, security=purchase.security_id)
    assert line.quantity == shares


def test_nothing_fixed_on_the_same_day_is_the_same_rebalance(drifted: Desk) -> None:
    old = proposed(drifted)
    new = edit(drifted, old)

    lines = ("account_id", "security_id", "side", "quantity", "opening_id", "part")
    assert list(new.trades.values_list(*lines)) == list(old.trades.values_list(*lines))


def test_rows_that_cannot_be_change_nothing_and_say_why(drifted: Desk) -> None:
    old = proposed(drifted)
    sale, purchase = trade_of(old, Side.SELL), trade_of(old, Side.BUY)
    for rows, words in (
        ([row(sale, "100000")], "shares are too many"),
        ([row(purchase, "100000")], "cash floor"),
        ([row(sale, "1.5")], "neither whole nor the complete lot"),
    ):
        with pytest.raises(NotResolved, match=words):
            edit(drifted, old, *rows)
        old.refresh_from_db()
        assert old.status == Status.PENDING
    assert Proposal.objects.count() == 1


def test_new_prices_make_the_new_version_and_are_told(drifted: Desk) -> None:
    old = proposed(drifted)
    purchase = trade_of(old, Side.BUY)
    set_price(purchase.security, DAY, "112")
    new = edit(drifted, old, row(purchase, "40"))

    line = new.trades.get(side=Side.BUY, account=purchase.account_id, security=purchase.security_id)
    assert (line.price, line.quantity) == (D(112), D(40))
    assert any("112" in text for text in new.explanation["moved"])
    assert new.inputs_sha256 != old.inputs_sha256


def test_a_lot_that_was_sold_meanwhile_is_named(drifted: Desk) -> None:
    """Its shares left the account yesterday: a row that sells them cannot be."""
    old = proposed(drifted)
    sale = trade_of(old, Side.SELL)
    sell_all_of(sale)
    with pytest.raises(NotResolved, match="not held any more") as refusal:
        edit(drifted, old, row(sale, sale.quantity))
    assert "Since this version was computed" in str(refusal.value)


def test_an_edit_of_what_is_no_longer_pending_or_not_what_was_seen_is_refused(
    drifted: Desk,
) -> None:
    old = proposed(drifted)
    new = edit(drifted, old, row(trade_of(old, Side.SELL), "0"))
    with pytest.raises(AlreadyDecided, match="superseded"):
        edit(drifted, old)
    with pytest.raises(ContentChanged):
        resolve(user=drifted.user, public_id=new.public_id, content_sha256="0" * 64, fixed=())


def test_only_who_decides_edits_and_only_in_its_own_firm(drifted: Desk) -> None:
    old = proposed(drifted)
    operations = make_user(drifted.household.firm, "olga", role=Role.OPERATIONS)
    stranger = make_user(make_firm("Other"), "sam", role=Role.APPROVER)
    for user, refusal in ((operations, NotAllowed), (stranger, Http404)):
        with pytest.raises(refusal):
            resolve(
                user=user,
                public_id=old.public_id,
                content_sha256=old.content_sha256,
                fixed=(),
            )


def test_a_harvest_is_not_solved_again() -> None:
    found = make_desk()
    harvest = found.submit()
    with pytest.raises(NoRebalance, match="only a rebalance"):
        resolve(
            user=found.adviser,
            public_id=harvest.public_id,
            content_sha256=harvest.content_sha256,
            fixed=(),
        )


def test_the_form_solves_again_and_keeps_what_was_typed_where_it_is_refused(drifted: Desk) -> None:
    old = proposed(drifted)
    sale = trade_of(old, Side.SELL)
    client = Client()
    client.force_login(drifted.user)
    page = client.get(f"/proposals/{old.public_id}/").content.decode()
    assert "Change lines and solve again" in page

    address = f"/proposals/{old.public_id}/resolve/"
    typed = {"content_sha256": old.content_sha256, f"choice-{sale.ordinal}": "exact"}
    missing = client.post(address, typed)
    assert missing.status_code == 422
    assert "say how many shares" in missing.content.decode()
    odd = client.post(address, {**typed, f"shares-{sale.ordinal}": "1,5"})
    assert "say how many shares" in odd.content.decode()  # neither 15 nor 1.5
    unchosen = client.post(
        address, {"content_sha256": old.content_sha256, f"shares-{sale.ordinal}": "7"}
    )
    assert unchosen.status_code == 422
    assert "shares are typed, but the line is to be solved again" in unchosen.content.decode()
    refused = client.post(address, {**typed, f"shares-{sale.ordinal}": "98765", "note": "Try."})
    assert refused.status_code == 422
    assert 'value="98765"' in refused.content.decode()
    assert "98,765 shares are too many" in refused.content.decode()

    done = client.post(
        address, {"content_sha256": old.content_sha256, f"choice-{sale.ordinal}": "out"}
    )
    new = Proposal.objects.get(status=Status.PENDING)
    assert done.status_code == 302
    assert done.headers["Location"] == f"/proposals/{new.public_id}/"
    shown = client.get(f"/proposals/{new.public_id}/").content.decode()
    assert f"No sale of {sale.security.symbol}" in shown
    closed = client.get(f"/proposals/{old.public_id}/").content.decode()
    assert "Change lines and solve again" not in closed


def test_another_day_makes_the_version_of_that_day(drifted: Desk) -> None:
    old = proposed(drifted)
    firm = drifted.household.firm
    firm.pinned_date = date(2022, 12, 29)
    firm.save()
    for security in drifted.securities.values():
        set_price(security, date(2022, 12, 29), "101")
    new = edit(drifted, old, row(trade_of(old, Side.SELL), "0"))

    assert (new.as_of, new.version) == (date(2022, 12, 29), 1)
    old.refresh_from_db()
    assert old.status == Status.SUPERSEDED


def test_the_page_keeps_the_points_and_one_of_them_becomes_the_new_version(drifted: Desk) -> None:
    old = proposed(drifted)
    client = Client()
    client.force_login(drifted.user)
    with CaptureQueriesContext(connection) as asked:
        page = client.get(f"/proposals/{old.public_id}/").content.decode()
    written = [one["sql"] for one in asked if one["sql"].startswith(("INSERT", "UPDATE", "DELETE"))]
    assert [sql for sql in written if "django_session" not in sql] == []  # a page only reads
    assert not ProposalFrontier.objects.exists()
    assert "Find other points" in page
    found = client.post(f"/proposals/{old.public_id}/points/")
    assert found.headers["Location"] == f"/proposals/{old.public_id}/#frontier"
    page = client.get(f"/proposals/{old.public_id}/").content.decode()
    assert "Less tax, or closer to the model" in page
    assert "this proposal" in page
    assert "Find other points" not in page

    kept = ProposalFrontier.objects.get(proposal=old)
    assert len(kept.points) >= 3
    nearest = kept.points[-1]
    address = f"/proposals/{old.public_id}/point/"
    sent = {"content_sha256": old.content_sha256, "point": str(len(kept.points) - 1)}
    done = client.post(address, sent)
    new = Proposal.objects.get(status=Status.PENDING)
    assert done.headers["Location"] == f"/proposals/{new.public_id}/"
    assert new.version == old.version + 1
    assert "FRONTIER" in new.reasons
    assert new.risk_after == D(nearest["risk"])
    assert new.risk_after < old.risk_after
    assert new.explanation["frontier"] == {
        "point": len(kept.points),
        "of": len(kept.points),
    }
    assert "own price of tracking error" in new.explanation["proof"]["among"][0]
    copied = ProposalFrontier.objects.get(proposal=new)
    assert (copied.points, copied.as_of) == (kept.points, kept.as_of)
    old.refresh_from_db()
    assert old.status == Status.SUPERSEDED
    again = client.post(address, sent)
    assert again.status_code == 409
    proposal_services.approve(
        user=drifted.user, public_id=new.public_id, content_sha256=new.content_sha256
    )
    decided = client.get(f"/proposals/{new.public_id}/").content.decode()
    assert "Less tax, or closer to the model" in decided
    assert "Make it this point" not in decided


def test_a_point_that_cannot_be_any_more_changes_nothing(drifted: Desk) -> None:
    """A lot that it sells from has left the account meanwhile."""
    old = proposed(drifted)
    kept = find_points(user=drifted.user, public_id=old.public_id)
    sell_all_of(trade_of(old, Side.SELL))
    with pytest.raises(NotResolved, match="not held any more"):
        pick(
            user=drifted.user,
            public_id=old.public_id,
            content_sha256=old.content_sha256,
            point=len(kept.points) - 1,
        )
    old.refresh_from_db()
    assert old.status == Status.PENDING
    with pytest.raises(NotResolved, match="not kept any more"):
        pick(
            user=drifted.user,
            public_id=old.public_id,
            content_sha256=old.content_sha256,
            point=99,
        )


def test_points_are_kept_for_a_day(drifted: Desk) -> None:
    old = proposed(drifted)
    assert frontier_of(old) is None
    first = find_points(user=drifted.user, public_id=old.public_id)
    assert find_points(user=drifted.user, public_id=old.public_id) == first
    assert frontier_of(old) == first
    firm = drifted.household.firm
    firm.pinned_date = date(2022, 12, 29)
    firm.save()
    for security in drifted.securities.values():
        set_price(security, date(2022, 12, 29), "101")
    old.refresh_from_db()
    assert frontier_of(Proposal.objects.get(pk=old.pk)) is None
    later = find_points(user=drifted.user, public_id=old.public_id)

    assert (later.pk, later.as_of) == (first.pk, date(2022, 12, 29))


def test_points_are_found_for_who_decides_about_what_is_pending(drifted: Desk) -> None:
    old = proposed(drifted)
    operations = make_user(drifted.household.firm, "olga", role=Role.OPERATIONS)
    stranger = make_user(make_firm("Other"), "sam", role=Role.APPROVER)
    for user, refusal in ((operations, NotAllowed), (stranger, Http404)):
        with pytest.raises(refusal):
            find_points(user=user, public_id=old.public_id)
    edit(drifted, old, row(trade_of(old, Side.SELL), "0"))
    with pytest.raises(NotResolved, match="superseded"):
        find_points(user=drifted.user, public_id=old.public_id)
    client = Client()
    client.force_login(operations)
    new = Proposal.objects.get(status=Status.PENDING)
    assert "Find other points" not in client.get(f"/proposals/{new.public_id}/").content.decode()


def test_a_point_of_another_day_is_not_picked(drifted: Desk) -> None:
    """Its rows and its proof are of yesterday's prices and risk model; the page shows those of today."""
    old = proposed(drifted)
    kept = find_points(user=drifted.user, public_id=old.public_id)
    firm = drifted.household.firm
    firm.pinned_date = date(2022, 12, 29)
    firm.save()
    with pytest.raises(NotResolved, match="not kept any more"):
        pick(
            user=drifted.user,
            public_id=old.public_id,
            content_sha256=old.content_sha256,
            point=len(kept.points) - 1,
        )


def at_once(calls: list[Callable[[], Proposal]]) -> list[Proposal | Exception]:
    """Results or exceptions of calls that start together, each on a connection of its own."""
    barrier = threading.Barrier(len(calls))
    results: list[Proposal | Exception] = []

    def run(call: Callable[[], Proposal]) -> None:
        try:
            connection.ensure_connection()
            barrier.wait(timeout=30)
            results.append(call())
        except Exception as error:
            results.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(call,)) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=120)
    return results


@pytest.mark.django_db(transaction=True)
def test_of_two_who_edit_at_once_one_wins_and_the_other_is_told(drifted: Desk) -> None:
    old = proposed(drifted)
    sale, purchase = trade_of(old, Side.SELL), trade_of(old, Side.BUY)
    results = at_once(
        [
            lambda: edit(drifted, old, row(sale, "0")),
            lambda: edit(drifted, old, row(purchase, "0")),
            lambda: proposal_services.approve(
                user=drifted.user, public_id=old.public_id, content_sha256=old.content_sha256
            ),
        ]
    )

    assert sum(isinstance(result, Proposal) for result in results) == 1
    assert sum(isinstance(result, AlreadyDecided) for result in results) == 2
    open_ones = Proposal.objects.filter(status__in=[Status.PENDING, Status.APPROVED])
    assert open_ones.count() == 1


def next_night(found: Desk, price: str = "101") -> date:
    """The business day after, with a price of it for everything."""
    day = DAY + timedelta(days=1)
    firm = found.household.firm
    firm.pinned_date = day
    firm.save()
    for security in found.securities.values():
        set_price(security, day, price)
    return day


def look(found: Desk, day: date) -> Proposal | None:
    with transaction.atomic():
        lock_household(found.household.pk)
        return store(result=examine(household_id=found.household.pk, as_of=day))


def test_a_night_after_an_edit_takes_its_place_and_says_so(drifted: Desk) -> None:
    old = proposed(drifted)
    sale = trade_of(old, Side.SELL)
    edited = edit(drifted, old, row(sale, "0"))
    new = look(drifted, next_night(drifted))

    assert new is not None
    edited.refresh_from_db()
    assert edited.status == Status.SUPERSEDED
    assert "edited" not in new.explanation
    told = new.explanation["in_place_of"]
    assert (told["by"], told["as_of"], told["proposal"]) == (
        "ada", DAY.isoformat(), str(edited.public_id),
    )  # fmt: skip
    assert told["rows"] == [f"No sale of {sale.security.symbol} in {sale.account.name}."]
    event = AuditEvent.objects.get(action="proposal.edit_replaced")
    assert event.actor == "lotwise"
    assert str(edited.public_id) in event.subject
    assert str(new.public_id) in event.payload
    client = Client()
    client.force_login(drifted.user)
    page = client.get(f"/proposals/{new.public_id}/").content.decode()
    assert "the version that ada edited" in page
    assert f"Fixed were: No sale of {sale.security.symbol}" in page

    for security in drifted.securities.values():  # nobody has decided: a later look still says it
        set_price(security, new.as_of, "102")
    later = look(drifted, new.as_of)
    assert later is not None
    assert later.pk != new.pk
    assert later.explanation["in_place_of"] == told
    assert AuditEvent.objects.filter(action="proposal.edit_replaced").count() == 1


def test_a_night_that_proposes_nothing_says_that_an_edit_gave_way(drifted: Desk) -> None:
    edited = edit(drifted, proposed(drifted))
    day = next_night(drifted)
    RebalancePolicy.objects.update(band_type="absolute", absolute_band=D("0.5"), cash_maximum=D(1))
    assert look(drifted, day) is None

    edited.refresh_from_db()
    assert edited.status == Status.SUPERSEDED
    kept = RebalanceLook.objects.get(day=day)
    assert kept.detail.endswith(f"The version that ada edited for {DAY} has given way.")
    event = AuditEvent.objects.get(action="proposal.edit_replaced")
    assert '"replaced_by":null' in event.payload


def test_a_night_that_follows_no_edit_says_nothing_of_one(drifted: Desk) -> None:
    proposed(drifted)
    new = look(drifted, next_night(drifted))
    assert new is not None
    assert "in_place_of" not in new.explanation
    assert not AuditEvent.objects.filter(action="proposal.edit_replaced").exists()
