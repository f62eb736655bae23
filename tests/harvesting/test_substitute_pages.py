"""The substitutes pages: the matrix, one mapping, suggestions for a security."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client

from accounts.types import Role
from harvesting.models import SubstituteMapping
from lots.types import EntryKind
from proposals.models import Restriction
from securities.models import Security
from tests.factories import book, make_household, make_identical_group, make_security, make_user
from tests.harvesting.test_mappings import TODAY, YESTERDAY, Desk
from tests.harvesting.test_price_history import closes, priced
from tests.proposals.desk import make_desk

pytestmark = pytest.mark.django_db


@pytest.fixture
def desk() -> Desk:
    return Desk()


def browser(desk: Desk, **others: Any) -> Client:
    client = Client()
    client.force_login(make_user(desk.firm, "bob", **others) if others else desk.user)
    return client


def text_of(answer: Any) -> str:
    """The page's words with single blanks."""
    return " ".join(answer.content.decode().split())


def typed(**others: str) -> dict[str, str]:
    return {
        "security": "aaa", "substitute": "BBB", "rank": "1", "household": "", "since": "",
        "reason": "Comparable business.", "valid_until": "2023-06-30", **others,
    }  # fmt: skip


def test_an_empty_table_explains_itself_and_guesses_nothing(desk: Desk) -> None:
    """T55."""
    shown = text_of(browser(desk).get("/substitutes/"))
    assert "Nothing is mapped yet, so no loss is harvested" in shown
    assert "nothing is guessed" in shown
    searched = text_of(browser(desk).get("/substitutes/?q=aaa"))
    assert "Nothing is mapped for aaa" in searched
    assert f"/substitutes/{desk.aaa.public_id}/" in searched
    assert not SubstituteMapping.objects.exists()


def test_a_row_shows_what_was_decided_by_whom_and_until_when(desk: Desk) -> None:
    """S11."""
    desk.aaa.prices.all().delete()
    desk.bbb.prices.all().delete()
    priced(desk.aaa, closes(0.02))
    priced(desk.bbb, closes(0.02))
    Security.objects.filter(pk=desk.bbb.pk).update(
        half_spread=Decimal("0.001"), expense_ratio=Decimal("0.0365")
    )
    desk.map(valid_until=date(2023, 6, 30))
    desk.map(desk.ccc, household=desk.household.public_id)
    shown = text_of(browser(desk).get("/substitutes/"))
    for words in (
        "BBB", "Comparable business.", "28 Dec 2022", "30 Jun 2023", "ada", "0.510 %",
        '<td class="number">0.0 %</td><td class="number">1.00</td><td class="number">1.00</td>',
        "Miller", "0 days in common: too few",
    ):  # fmt: skip
        assert words in shown, words


def test_a_mapping_past_its_review_is_shown_as_not_used(desk: Desk) -> None:
    desk.map()
    SubstituteMapping.objects.update(valid_until=YESTERDAY)
    shown = text_of(browser(desk).get("/substitutes/"))
    assert "Not used: the mapping AAA -&gt; BBB was to be reviewed by 2022-12-27." in shown


def test_a_harvested_pair_counts_once_however_many_lots_it_had() -> None:
    home = make_desk()
    second = book(home.account, EntryKind.BUY, date(2022, 3, 2), home.old, "5", amount="500")
    SubstituteMapping.objects.create(
        firm=home.firm, security=home.old, substitute=home.sub, rank=1, reason="Similar.",
        author=home.adviser, reviewed_on=TODAY,
    )  # fmt: skip
    client = Client()
    client.force_login(home.adviser)

    def used() -> int:
        (row,) = client.get("/substitutes/").context["rows"]
        return int(row.used)

    assert used() == 0
    home.approved(
        home.sale(), home.sale("5", opening=second.pk, basis=Decimal(500)), home.purchase("24")
    )
    assert used() == 1


def test_the_form_maps_by_symbol_and_says_so(desk: Desk) -> None:
    answer = browser(desk).post("/substitutes/", typed(), follow=True)
    assert answer.redirect_chain == [("/substitutes/?q=AAA", 302)]
    assert "BBB stands in for AAA, rank 1." in text_of(answer)
    row = SubstituteMapping.objects.get()
    assert (row.substitute, row.valid_until) == (desk.bbb, date(2023, 6, 30))


@pytest.mark.parametrize(
    ("others", "problem"),
    [
        ({"substitute": "ZZZ"}, "Substitute: There is no such security"),
        ({"rank": "first"}, "Rank: Enter a whole number."),
        ({"since": "2022-12-27"}, "Since: A mapping begins today, 2022-12-28, or later"),
        ({"valid_until": "soon"}, "Valid until: Enter a valid date."),
        ({"reason": ""}, "Reason: This field is required."),
    ],
    ids=str,
)
def test_a_refused_form_keeps_what_was_typed(
    desk: Desk, others: dict[str, str], problem: str
) -> None:
    given = typed(household=str(desk.household.public_id), **others)
    answer = browser(desk).post("/substitutes/", given)
    shown = text_of(answer)
    assert answer.status_code == 422
    assert problem in shown
    for name in ("security", "substitute", "rank", "since", "valid_until"):
        assert f'name="{name}" ' in shown
        assert f'value="{given[name]}"' in shown
    assert f'<option value="{desk.household.public_id}" selected>' in shown
    assert f">{given['reason']}</textarea>" in shown
    assert not SubstituteMapping.objects.exists()


def test_a_mapping_is_reviewed_and_ended_on_its_page(desk: Desk) -> None:
    row = desk.map(valid_until=TODAY).mapping
    client, address = browser(desk), f"/substitutes/mappings/{row.pk}/"
    assert "BBB for AAA" in text_of(client.get(address))
    late = {"what": "review", "reason": "Still comparable.", "valid_until": "2022-12-27"}
    refused = client.post(address, late)
    assert refused.status_code == 422
    assert "The review falls due on 2022-12-28 or later." in text_of(refused)
    assert ">Still comparable.</textarea>" in text_of(refused)
    client.post(address, {**late, "valid_until": "2023-12-28"})
    row.refresh_from_db()
    assert (row.valid_until, row.reason) == (date(2023, 12, 28), "Still comparable.")
    ended = client.post(address, {"what": "end", "reason": "Merged."}, follow=True)
    assert "The mapping AAA -&gt; BBB has ended." in text_of(ended)
    assert "27 Dec 2022" in text_of(ended)  # in the list of ended ones
    assert client.post(address, {"what": "end", "reason": "Again."}).status_code == 409


def test_operations_may_look_and_not_decide(desk: Desk) -> None:
    row = desk.map().mapping
    client = browser(desk, role=Role.OPERATIONS)
    assert client.get("/substitutes/").status_code == 200
    assert client.post("/substitutes/", typed(substitute="CCC", rank="2")).status_code == 403
    end = {"what": "end", "reason": "No."}
    assert client.post(f"/substitutes/mappings/{row.pk}/", end).status_code == 403
    assert SubstituteMapping.objects.filter(ended_on=None).count() == 1


def test_suggestions_leave_out_what_may_not_stand_in_and_map_nothing(desk: Desk) -> None:
    """T43, T55: figures are shown, a single name for a fund is flagged, and a person decides."""
    for security in (desk.aaa, desk.bbb, desk.ccc):
        security.prices.all().delete()
    others = {
        name: make_security(desk.firm, name) for name in ("TWIN", "GONE", "OLD", "BAN", "WILD")
    }
    for place, security in enumerate((desk.aaa, desk.bbb, desk.ccc, *others.values())):
        priced(security, closes(0.02, phase=place % 3))
    Security.objects.filter(pk=desk.aaa.pk).update(is_fund=True)
    Security.objects.filter(symbol="GONE").update(delisted_on=TODAY)
    others["OLD"].prices.filter(day__gt=date(2022, 12, 19)).delete()
    others["WILD"].prices.filter(day=YESTERDAY).update(close=1)
    make_identical_group(desk.user, desk.aaa, others["TWIN"])
    Restriction.objects.create(
        firm=desk.firm, security=others["BAN"], kind="no_buy", since=TODAY, reason="Ours.",
        author=desk.user,
    )  # fmt: skip
    make_security(desk.firm, "NEW").prices.create(day=TODAY, close=5)
    answer = browser(desk).get(f"/substitutes/{desk.aaa.public_id}/")
    found = answer.context["page"].suggestions
    assert {one.listed.symbol for one in found.offered} == {"BBB", "CCC"}
    assert found.left_out == {
        "substantially identical to AAA": ("TWIN",),
        "no longer trades": ("GONE",),
        "restricted, not to be bought": ("BAN",),
        "no price since 2022-12-20": ("OLD",),
        "its price moved as only an unbooked split or a wrong price does": ("WILD",),
        "fewer than 60 daily returns in common": ("NEW",),
    }
    shown = text_of(answer)
    assert "A single name for a fund: the risk of BBB alone comes along." in shown
    assert "/substitutes/?q=AAA&amp;substitute=BBB#add" in shown
    assert not SubstituteMapping.objects.exists()


def test_a_link_from_a_suggestion_fills_the_form(desk: Desk) -> None:
    shown = text_of(browser(desk).get("/substitutes/?q=AAA&substitute=BBB"))
    assert 'name="substitute" value="BBB"' in shown
    assert 'name="security" value="AAA"' in shown


def test_the_matrix_costs_a_fixed_number_of_queries(
    desk: Desk, django_assert_max_num_queries: Any
) -> None:
    client = browser(desk)
    make_household(desk.firm, "Jones")
    desk.map()
    with django_assert_max_num_queries(30) as first:
        client.get("/substitutes/")
    desk.map(desk.ccc, 2)
    desk.map(desk.ccc, household=desk.household.public_id)
    with django_assert_max_num_queries(len(first)):
        client.get("/substitutes/")
