"""Windows and proposals for client systems."""

from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from proposals import services
from proposals.types import ProposalKind
from tests.clients import API, make_client
from tests.proposals.desk import Desk, make_desk

pytestmark = pytest.mark.django_db


@pytest.fixture
def desk() -> Desk:
    return make_desk()


@pytest.fixture
def robot(desk: Desk) -> Client:
    return make_client(desk.firm)


def test_a_pending_proposal_is_listed_with_its_figures(robot: Client, desk: Desk) -> None:
    proposal = desk.submit()

    [row] = robot.get(f"{API}proposals/").json()["results"]

    assert row.pop("created_at")
    assert row == {
        "id": str(proposal.public_id),
        "household": str(desk.household.public_id),
        "household_name": "Miller",
        "kind": "harvest",
        "status": "pending",
        "version": 1,
        "as_of": "2022-12-28",
        "expires_on": proposal.expires_on.isoformat(),
        "sentence": "Take a loss of $400 on OLD.",
        "reasons": ["loss"],
        "tax_saved": "148",
        "cost": "1.56",
        "wash_deferred": "0",
        "short_gain": "-400",
        "long_gain": "0",
        "risk_before": None,
        "risk_after": None,
        "gap_bp": None,
        "content_sha256": proposal.content_sha256,
    }


def test_a_proposal_comes_with_its_trades_lots_and_decision(robot: Client, desk: Desk) -> None:
    proposal = desk.approved()

    detail: dict[str, Any] = robot.get(f"{API}proposals/{proposal.public_id}/").json()

    assert detail["status"] == "approved"
    assert detail["trades"] == [
        {
            "ordinal": 1,
            "account": str(desk.account.public_id),
            "security": str(desk.old.public_id),
            "symbol": "OLD",
            "side": "sell",
            "quantity": "20",
            "price": "80",
            "amount": "1600",
            "opening": {
                "account": str(desk.account.public_id),
                "external_id": desk.lot.external_id,
            },
            "part": 0,
            "basis": "2000",
            "term": "short",
            "pair": 1,
            "reason": "loss",
        },
        {
            "ordinal": 2,
            "account": str(desk.account.public_id),
            "security": str(desk.sub.public_id),
            "symbol": "SUB",
            "side": "buy",
            "quantity": "19",
            "price": "80",
            "amount": "1520",
            "opening": None,
            "part": None,
            "basis": "0",
            "term": "",
            "pair": 1,
            "reason": "substitute",
        },
    ]
    [decision] = detail["decisions"]
    assert decision.pop("decided_at")
    assert decision == {
        "verdict": "approve",
        "by": "ada",
        "note": "",
        "accepted_wash": "0",
        "content_sha256": proposal.content_sha256,
    }


def test_proposals_are_chosen_by_status_kind_and_household(robot: Client, desk: Desk) -> None:
    first = desk.submit()
    services.reject(
        user=desk.adviser, public_id=first.public_id, content_sha256=first.content_sha256
    )
    second = desk.submit(kind=ProposalKind.REBALANCE)

    def found(query: str) -> list[str]:
        return [row["id"] for row in robot.get(f"{API}proposals/?{query}").json()["results"]]

    assert found("status=rejected") == found("kind=harvest") == [str(first.public_id)]
    assert found("status=pending") == found("kind=rebalance") == [str(second.public_id)]
    assert found("status=rejected&kind=rebalance") == []
    assert len(found(f"household={desk.household.public_id}")) == len(found("")) == 2
    for query in ("status=gone", "kind=gift", "household=x"):
        assert robot.get(f"{API}proposals/?{query}").status_code == 400


def test_proposals_are_chosen_by_any_of_their_reasons(
    robot: Client, desk: Desk, django_assert_num_queries: Any
) -> None:
    first = desk.submit(reasons=("DRIFT", "RISK"))
    services.reject(
        user=desk.adviser, public_id=first.public_id, content_sha256=first.content_sha256
    )
    second = desk.submit(kind=ProposalKind.REBALANCE, reasons=("RISK_LIMIT", "DRIFT"))

    def found(query: str) -> set[str]:
        return {row["id"] for row in robot.get(f"{API}proposals/?{query}").json()["results"]}

    assert found("reason=DRIFT") == {str(first.public_id), str(second.public_id)}
    assert found("reason=RISK") == {str(first.public_id)}
    assert found("reason=RISK_LIMIT&kind=rebalance") == {str(second.public_id)}
    assert found("reason=RISK_LIMIT&kind=harvest") == found("reason=CALENDAR") == set()
    for query in ("reason=WHIM", "reason=drift", "reason="):
        assert robot.get(f"{API}proposals/?{query}").status_code == 400
    with CaptureQueriesContext(connection) as plain:
        found("")
    with django_assert_num_queries(len(plain)):
        found("reason=DRIFT")


def test_an_approved_loss_sale_is_an_open_window(robot: Client, desk: Desk) -> None:
    address = f"{API}households/{desk.household.public_id}/windows/"
    assert robot.get(address).json() == {
        "household": str(desk.household.public_id),
        "as_of": "2022-12-28",
        "windows": [],
        "groups": [],
        "not_checked": [],
        "switches": [],
    }
    desk.approved()

    windows = robot.get(address).json()["windows"]

    assert [(row["symbol"], row["what"], row["shares"]) for row in windows] == [
        ("OLD", "no buy", "20"),
        ("SUB", "no loss sale", "19"),
    ]
    assert windows[0]["clear_on"] == "2023-01-28"
    assert windows[0]["permanent"] is False


def test_another_firms_proposal_answers_like_a_random_id(robot: Client) -> None:
    foreign = make_desk("Other", prefix="x-").submit()

    for address, public_id in {
        "proposals/{}/": foreign.public_id,
        "proposals/?household={}": foreign.household.public_id,
        "households/{}/windows/": foreign.household.public_id,
    }.items():
        answers = [robot.get(API + address.format(i)) for i in (public_id, uuid4())]
        assert [answer.status_code for answer in answers] == [404, 404]
        assert answers[0].content == answers[1].content
    assert robot.get(f"{API}proposals/").json()["count"] == 0


def test_an_api_client_cannot_decide(robot: Client, desk: Desk) -> None:
    proposal = desk.submit()

    for method in ("POST", "PUT", "PATCH", "DELETE"):
        answer = robot.generic(
            method, f"{API}proposals/{proposal.public_id}/", b'{"status":"approved"}',
            "application/json",
        )  # fmt: skip
        assert answer.status_code == 405
    proposal.refresh_from_db()
    assert proposal.status == "pending"


def test_a_proposal_with_its_trades_takes_six_queries(
    robot: Client, desk: Desk, django_assert_num_queries: Any
) -> None:
    proposal = desk.approved()
    # token, its last use, proposal, trades with their lots, decisions, their people
    with django_assert_num_queries(6):
        robot.get(f"{API}proposals/{proposal.public_id}/")
