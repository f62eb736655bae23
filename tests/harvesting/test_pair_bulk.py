"""Several pairs decided about at once: an answer for each, and each by itself."""

import re
from html import unescape
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts import paging
from accounts.errors import NotAllowed
from accounts.models import AuditEvent
from accounts.types import Role
from harvesting import pair_bulk
from lots.types import EntryKind
from proposals.models import HarvestedPair
from tests import factories
from tests.harvesting.test_pair_services import Back, approved, make_back, swap_back
from tests.harvesting.test_parked_pairs import two_pairs
from tests.proposals.desk import BOUGHT, make_desk, make_person

pytestmark = pytest.mark.django_db

PATH = "/swap-backs/waivers/"


@pytest.fixture
def back() -> Back:
    """19 SUB and 800 dollars in cash stand in for OLD; both pairs are proposed."""
    desk = make_desk()
    factories.book(desk.account, EntryKind.CASH_IN, BOUGHT, amount="2000")
    back = make_back(desk=desk)
    back.night(two_pairs(back))
    assert states() == ["proposed", "proposed"]
    return back


def browser(back: Back, *, role: Role = Role.ADVISER) -> Client:
    client = Client()
    client.force_login(make_person(back.firm, f"by-{role}", role))
    return client


def rows() -> list[HarvestedPair]:
    return list(HarvestedPair.objects.order_by("pk"))


def states() -> list[str]:
    return [row.state for row in rows()]


def ticked(*pairs: HarvestedPair) -> list[str]:
    return [f"{one.proposal.public_id}/{one.pair}" for one in pairs]


def actions() -> list[str]:
    found = AuditEvent.objects.filter(action="pair.waived").order_by("pk")
    return list(found.values_list("subject", flat=True))


def test_the_ticked_pairs_stay_for_one_reason_and_each_is_audited(back: Back):
    client = browser(back)
    shown = client.get("/swap-backs/").content.decode()
    for value in ticked(*rows()):
        assert f'form="several" name="pair" value="{value}"' in shown
    said = {"decision": "stay", "reason": "A  gift.", "pair": ticked(*rows())}
    answer = client.post(PATH, said).content.decode()
    assert "2 of 2 done." in answer
    assert answer.count("<strong>Done</strong>") == 2
    assert states() == ["waived", "waived"]
    assert {row.reason for row in rows()} == {"by-adviser decided to stay: A gift."}
    assert actions() == [f"pair {row.pair} of proposal {row.proposal.public_id}" for row in rows()]


def test_waivers_are_taken_back_together_and_need_no_reason(back: Back):
    client = browser(back)
    client.post(PATH, {"decision": "stay", "reason": "A gift.", "pair": ticked(*rows())})
    answer = client.post(PATH, {"decision": "decide", "pair": ticked(*rows())}).content.decode()
    assert "2 of 2 done. The next night decides again." in answer
    assert states() == ["keep", "keep"]


def test_one_that_is_refused_does_not_stop_the_others(back: Back):
    """The first is waived already: it says so, and the second is done. The same again is refused for both."""
    first, second = rows()
    client = browser(back)
    client.post(PATH, {"decision": "stay", "reason": "A gift.", "pair": ticked(first)})
    said = {"decision": "stay", "reason": "Both.", "pair": ticked(first, second)}
    answer = client.post(PATH, said).content.decode()
    assert "1 of 2 done." in answer
    assert "This pair is waived already: load the page again." in answer
    assert [row.reason.split(": ")[1] for row in rows()] == ["A gift.", "Both."]
    again = client.post(PATH, said).content.decode()
    assert "0 of 2 done." in again
    assert again.count("<strong>Refused</strong>") == 2
    assert len(actions()) == 2


def test_what_has_ended_or_is_approved_is_refused_with_its_reason(back: Back):
    approved(back, swap_back(back))
    first, second = rows()
    HarvestedPair.objects.filter(pk=second.pk).update(state="gone")
    said = {"decision": "stay", "reason": "A gift.", "pair": ticked(first, second)}
    answer = browser(back).post(PATH, said).content.decode()
    assert "0 of 2 done." in answer
    assert "Its swap-back is approved: take the approval back first." in answer
    assert "This pair has ended: there is nothing left to decide." in answer
    assert states() == ["proposed", "gone"]


def test_pairs_of_nobody_and_of_another_firm_are_refused_alike(back: Back):
    other = make_person(factories.make_firm("Other"), "else", Role.ADVISER)
    stranger = Client()
    stranger.force_login(other)
    for pairs in (ticked(*rows()), [f"{uuid4()}/1", f"{uuid4()}/2"]):
        said = {"decision": "stay", "reason": "A gift.", "pair": pairs}
        answer = stranger.post(PATH, said).content.decode()
        assert "0 of 2 done. 2 refused: your firm has no such pair." in answer
        assert "Miller" not in answer
    assert states() == ["proposed", "proposed"]


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"decision": "stay", "reason": "A gift."}, "Tick the pairs that you mean."),
        ({"decision": "stay", "reason": " ", "pair": "ticked"}, "Say why they stay"),
        ({"decision": "stay", "reason": "x" * 501, "pair": "ticked"}, "at most 500 characters"),
        ({"decision": "stay", "reason": "A gift.", "pair": "nonsense"}, "is not known"),
        ({"decision": "nonsense", "reason": "A gift.", "pair": "ticked"}, "nonsense"),
        (
            {"decision": "decide", "pair": [f"{uuid4()}/{n}" for n in range(51)]},
            "Tick at most 50 pairs at once.",
        ),
    ],
)
def test_a_wrong_form_changes_nothing_and_says_what_is_wrong(
    back: Back, said: dict[str, object], words: str
):
    if said.get("pair") == "ticked":
        said = {**said, "pair": ticked(*rows())}
    answer = browser(back).post(f"{PATH}?tab=proposed&page=1", said)
    assert answer.status_code == 422
    shown = answer.content.decode()
    assert words in shown
    assert 'aria-current="page" href="/swap-backs/?tab=proposed"' in shown
    assert states() == ["proposed", "proposed"]


def sends_to(shown: str) -> str:
    """Where the form of a page sends what is ticked."""
    found = re.search(r'id="several" method="post" action="([^"]*)"', shown)
    assert found is not None
    return unescape(found[1])


def test_a_wrong_form_is_shown_again_where_it_was_sent_from_with_ticks_and_reason(back: Back):
    """From the firm's tab and from the household's page, without any script; the other box stays empty."""
    client = browser(back)
    pages = ("/swap-backs/?tab=proposed", f"/households/{back.household.public_id}/swap-backs/")
    first, second = rows()
    reason = f"A <gift> {'x' * 500}"
    for path in pages:
        address = sends_to(client.get(path).content.decode())
        said = {"decision": "stay", "reason": reason, "pair": ticked(second)}
        answer = client.post(address, said)
        assert answer.status_code == 422
        shown = answer.content.decode()
        assert f'value="{ticked(second)[0]}" checked' in shown
        assert f'value="{ticked(first)[0]}" checked' not in shown
        assert f">A &lt;gift&gt; {'x' * 500}</textarea>" in shown
        assert sends_to(shown) == address
        assert ("Swap-backs of Miller" in shown) is path.startswith("/households/")
    right = client.post(address, {**said, "reason": "A gift."})
    assert "1 of 1 done." in right.content.decode()


def test_a_wrong_form_of_many_pairs_comes_back_to_its_page(
    back: Back, monkeypatch: pytest.MonkeyPatch
):
    """Its links lead to the page's own address, not to where the form was sent."""
    monkeypatch.setattr(paging, "PER_PAGE", 1)
    client = browser(back)
    shown = client.get("/swap-backs/?tab=proposed&page=2").content.decode()
    said = {"decision": "stay", "pair": ticked(rows()[1])}
    again = client.post(sends_to(shown), said).content.decode()
    assert f'value="{ticked(rows()[1])[0]}" checked' in again
    assert "Page 2 of 2" in again
    assert 'href="/swap-backs/?tab=proposed&amp;page=1"' in again


def test_a_wrong_form_from_a_household_of_nobody_is_not_found(back: Back):
    stranger = Client()
    stranger.force_login(make_person(factories.make_firm("Other"), "else", Role.ADVISER))
    for named in (back.household.public_id, uuid4(), "nonsense"):
        assert stranger.post(f"{PATH}?household={named}", {}).status_code == 404


def test_who_may_not_decide_sees_no_boxes_and_is_refused(back: Back):
    client = browser(back, role=Role.OPERATIONS)
    assert 'name="pair"' not in client.get("/swap-backs/").content.decode()
    said = {"decision": "stay", "reason": "A gift.", "pair": ticked(*rows())}
    assert client.post(PATH, said).status_code == 403
    assert states() == ["proposed", "proposed"]
    with pytest.raises(NotAllowed):
        pair_bulk.waive_each(user=back.operations, pairs=rows(), reason="A gift.")
    with pytest.raises(NotAllowed):
        pair_bulk.unwaive_each(user=back.operations, pairs=rows())


def test_an_ended_pair_has_no_box(back: Back):
    HarvestedPair.objects.update(state="done")
    assert 'name="pair"' not in browser(back).get("/swap-backs/?tab=done").content.decode()


def test_the_ticked_pairs_are_looked_up_in_one_query(back: Back):
    client = browser(back)

    def asked(*pairs: HarvestedPair) -> int:
        said = {"decision": "decide", "pair": ticked(*pairs)}  # not waived: refused at once
        with CaptureQueriesContext(connection) as queries:
            client.post(PATH, said)
        return len(queries)

    first, second = rows()
    asked(first)
    one, two = asked(first), asked(first, second)
    per_row = 6  # savepoint and release, the user, the household's lock, the pair, the refusal
    assert two - one <= per_row
