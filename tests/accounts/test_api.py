"""What every operation of the API has in common, and what accounts serve."""

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from io import StringIO
from uuid import uuid4

import pytest
import redis
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone
from pytest_django import Settings as SettingsWrapper

from accounts.models import Account, ApiToken, AuditEvent, Firm, Household, User
from accounts.selectors import audit_fault
from accounts.services import issue_token, revoke_token
from accounts.types import AccountKind, Role
from tests.clients import API, make_api_user, make_client, with_token
from tests.factories import make_account, make_firm, make_household, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def firm() -> Firm:
    return make_firm(pinned_date=date(2024, 12, 31))


@pytest.fixture
def household(firm: Firm) -> Household:
    return make_household(firm)


@pytest.fixture
def account(household: Household) -> Account:
    return make_account(household)


@pytest.fixture
def robot(firm: Firm) -> Client:
    return make_client(firm)


def test_households_are_a_page_with_public_ids(robot: Client, account: Account) -> None:
    other = make_household(account.firm, "Adams")

    assert robot.get(f"{API}households/").json() == {
        "count": 2,
        "next": None,
        "previous": None,
        "results": [
            {"id": str(other.public_id), "name": "Adams", "account_count": 0},
            {"id": str(account.household.public_id), "name": "Miller", "account_count": 1},
        ],
    }


def test_a_household_comes_with_its_accounts_and_the_business_date(
    robot: Client, account: Account
) -> None:
    household = account.household

    assert robot.get(f"{API}households/{household.public_id}/").json() == {
        "id": str(household.public_id),
        "name": "Miller",
        "as_of": "2024-12-31",
        "accounts": [
            {
                "id": str(account.public_id),
                "household": str(household.public_id),
                "number": "T-1",
                "name": "Ann taxable",
                "owner": "Ann",
                "custodian": "Example Custody",
                "kind": "taxable",
                "is_taxable": True,
                "reinvests_dividends": False,
                "tax_managed": True,
                "held_away": False,
                "opened_on": None,
            }
        ],
    }


def test_accounts_can_be_asked_for_by_household(robot: Client, account: Account) -> None:
    make_account(make_household(account.firm, "Adams"), "T-2", kind=AccountKind.ROTH_IRA)

    page = robot.get(f"{API}accounts/?household={account.household.public_id}").json()

    assert robot.get(f"{API}accounts/").json()["count"] == 2
    assert [row["number"] for row in page["results"]] == ["T-1"]


def test_a_page_has_the_rows_it_was_asked_for(robot: Client, firm: Firm) -> None:
    for number in range(3):
        make_household(firm, f"House {number}")

    first = robot.get(f"{API}households/?limit=2").json()

    assert [row["name"] for row in first["results"]] == ["House 0", "House 1"]
    assert [row["name"] for row in robot.get(first["next"]).json()["results"]] == ["House 2"]


@pytest.mark.parametrize(
    ("query", "problem"),
    [
        ("limit=1001", "limit: Ensure this value is less than or equal to 1000."),
        ("limit=all", "limit: A valid integer is required."),
        ("offset=-1", "offset: Ensure this value is greater than or equal to 0."),
        ("household=7", "household: Must be a valid UUID."),
        ("houshold=7", "houshold: is no field of this request."),
    ],
)
def test_an_address_with_a_bad_parameter_is_refused_by_its_name(
    robot: Client, query: str, problem: str
) -> None:
    answer = robot.get(f"{API}accounts/?{query}")

    assert answer.status_code == 400
    assert answer.json()["error"] == {
        "code": "invalid",
        "message": "The request is not valid.",
        "problems": [problem],
    }


def test_another_firms_household_answers_like_a_random_id(robot: Client) -> None:
    foreign = make_account(make_household(make_firm("Other")), "Z-1").household
    for address in ("households/{}/", "households/{}/windows/", "accounts/?household={}"):
        answers = [robot.get(API + address.format(i)) for i in (foreign.public_id, uuid4())]
        assert [answer.status_code for answer in answers] == [404, 404]
        assert answers[0].content == answers[1].content
    assert robot.get(f"{API}accounts/").json()["count"] == 0


def test_an_address_that_is_none_answers_in_the_envelope(robot: Client) -> None:
    for address in ("nothing/", "households/7/", "households"):
        answer = robot.get(API + address)
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")
    assert Client().get(f"{API}nothing/").status_code == 401


def test_a_method_that_is_not_offered_is_refused(robot: Client) -> None:
    for method in ("POST", "PUT", "PATCH", "DELETE", "OPTIONS"):
        answer = robot.generic(method, f"{API}households/")
        assert (answer.status_code, answer.json()["error"]["code"]) == (405, "method_not_allowed")


def test_without_a_token_the_api_asks_for_one() -> None:
    answer = Client().get(f"{API}households/")

    assert answer.status_code == 401
    assert answer["WWW-Authenticate"] == 'Bearer realm="lotwise"'
    assert answer.json()["error"]["code"] == "not_authenticated"


@pytest.mark.parametrize("header", ["Bearer", "Bearer a b", "Bearer lw_nothing", "Bearer é"])
def test_a_token_that_is_none_is_refused(header: str) -> None:
    answer = Client(headers={"Authorization": header}).get(f"{API}households/")

    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "authentication_failed")


def test_a_session_opens_no_door_of_the_api(firm: Firm) -> None:
    browser = Client()
    browser.force_login(make_user(firm))

    assert browser.get(f"{API}households/").status_code == 401


def test_a_token_of_a_person_opens_no_door_either(firm: Firm) -> None:
    token = issue_token(user=make_user(firm), label="x")

    assert with_token(token).get(f"{API}households/").status_code == 401


def test_revoked_expired_and_deactivated_end_with_the_next_request(firm: Firm) -> None:
    user = make_api_user(firm)

    def spoil_by_revoking(token: ApiToken) -> None:
        revoke_token(token=token)

    def spoil_by_time(token: ApiToken) -> None:
        ApiToken.objects.filter(pk=token.pk).update(expires_at=timezone.now())

    def spoil_by_leaving(token: ApiToken) -> None:
        User.objects.filter(pk=token.user_id).update(is_active=False)

    for spoil in (spoil_by_revoking, spoil_by_time, spoil_by_leaving):
        robot = with_token(issue_token(user=user, label=spoil.__name__))
        assert robot.get(f"{API}households/").status_code == 200
        spoil(ApiToken.objects.get(label=spoil.__name__))
        assert robot.get(f"{API}households/").status_code == 401


def test_a_client_without_a_firm_is_refused() -> None:
    user = User.objects.create(username="lost", role=Role.API_CLIENT)

    answer = with_token(issue_token(user=user, label="x")).get(f"{API}households/")

    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "not_allowed")


@pytest.fixture
def no_calls_yet(settings: SettingsWrapper, server_addresses: object) -> Iterator[redis.Redis]:
    """A Valkey that counted nothing, and a minute of the clock that does not end in the test."""
    with closing(redis.Redis.from_url(settings.REDIS_URL)) as valkey:
        _forget_calls(valkey)
        yield valkey
        _forget_calls(valkey)


def _forget_calls(valkey: redis.Redis) -> None:
    for key in valkey.scan_iter("lotwise:calls:*"):
        valkey.delete(key)


def test_a_token_has_so_many_calls_a_minute_and_another_has_its_own(
    firm: Firm,
    settings: SettingsWrapper,
    no_calls_yet: redis.Redis,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    noon = datetime(2026, 1, 1, 12, tzinfo=UTC).timestamp()
    monkeypatch.setattr("accounts.throttle.time", lambda: noon + 45)
    settings.API_CALLS_A_MINUTE = 2
    first, second = make_client(firm), make_client(firm)

    assert [first.get(f"{API}households/").status_code for _ in range(2)] == [200, 200]
    refused = first.get(f"{API}households/")
    assert (refused.status_code, refused["Retry-After"]) == (429, "15")
    assert refused.json()["error"]["code"] == "throttled"
    assert second.get(f"{API}households/").status_code == 200

    monkeypatch.setattr("accounts.throttle.time", lambda: noon + 60)
    assert first.get(f"{API}households/").status_code == 200


def test_calls_pass_while_valkey_is_away(
    robot: Client, settings: SettingsWrapper, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.API_CALLS_A_MINUTE = 0
    settings.REDIS_URL = "redis://127.0.0.1:1/0"

    assert robot.get(f"{API}households/").status_code == 200


def issued(*args: str) -> str:
    out = StringIO()
    call_command("issue_token", *args, stdout=out, stderr=StringIO())
    return out.getvalue().strip()


def test_a_token_is_issued_for_a_new_client_and_revoked(firm: Firm) -> None:
    token = issued("robot", "--label", "nightly", "--firm", firm.name, "--days", "30")
    again = issued("robot", "--label", "weekly")

    assert with_token(token).get(f"{API}households/").status_code == 200
    stored = ApiToken.objects.get(label="nightly")
    assert token not in (stored.token_hash, "")
    assert stored.expires_at is not None
    assert stored.expires_at - stored.created_at > timedelta(days=29)
    call_command("revoke_token", "robot", "--label", "nightly", stdout=StringIO())
    assert with_token(token).get(f"{API}households/").status_code == 401
    assert with_token(again).get(f"{API}households/").status_code == 200
    call_command("revoke_token", "robot", "--all", stdout=StringIO())
    assert with_token(again).get(f"{API}households/").status_code == 401
    assert list(AuditEvent.objects.values_list("action", flat=True)) == [
        "token.issued",
        "token.issued",
        "token.revoked",
        "token.revoked",
    ]
    assert audit_fault(firm) is None


def test_a_new_client_belongs_to_the_only_firm(firm: Firm) -> None:
    token = issued("robot", "--label", "nightly")

    assert with_token(token).get(f"{API}households/").status_code == 200
    assert User.objects.get(username="robot").firm == firm

    make_firm("Another")
    with pytest.raises(CommandError) as refusal:
        issued("second", "--label", "nightly")
    assert str(refusal.value) == (
        "There is no API client 'second': name the firm with --firm to make it; "
        f"there are: Another, {firm.name}."
    )
    assert issued("robot", "--label", "weekly")  # whose firm is known


@pytest.mark.parametrize(
    ("args", "reason"),
    [
        (["new", "--label", "x"], "name the firm"),
        (["new", "--label", "x", "--firm", "Nobody"], "There is no firm 'Nobody'"),
        (["ada", "--label", "x"], "'ada' is no API client"),
        (["robot", "--label", "x", "--firm", "Other"], "'robot' is no API client of the firm"),
        (["robot", "--label", ""], "label must have 1 to 60"),
        (["robot", "--label", "x", "--days", "0"], "--days must be from 1 to 3650"),
    ],
)
def test_a_token_is_issued_to_api_clients_of_a_known_firm_only(
    firm: Firm, args: list[str], reason: str
) -> None:
    make_user(firm)
    make_api_user(firm)
    make_firm("Other")

    with pytest.raises(CommandError, match=reason):
        issued(*args)

    assert not ApiToken.objects.exists()


def test_revoking_what_is_not_there_is_an_error(firm: Firm) -> None:
    make_api_user(firm)

    for args in (["robot", "--label", "x"], ["nobody", "--all"], ["robot", "--label", ""]):
        with pytest.raises(CommandError, match="There is no"):
            call_command("revoke_token", *args)
