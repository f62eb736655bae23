"""Lots and transactions for client systems: exact text, all or nothing, once per key."""

import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from decimal import Decimal
from threading import Barrier
from typing import Any
from uuid import uuid4

import pytest
from django.apps import apps
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.idempotency import MOST_BYTES
from accounts.models import Account, AuditEvent, IdempotencyRecord
from accounts.types import AccountKind
from lots.models import Disposal, LotSelection, TaxLot, Transaction
from lots.serializers import MOST_ROWS, TransactionInput
from lots.types import EntryKind
from securities.models import Security
from tests.clients import API, make_client
from tests.factories import book, make_account, make_firm, make_household, make_security

pytestmark = pytest.mark.django_db

TRANSACTIONS = f"{API}transactions/"


@pytest.fixture
def account() -> Account:
    return make_account(make_household(make_firm(pinned_date=date(2024, 12, 31))))


@pytest.fixture
def aaa(account: Account) -> Security:
    return make_security(account.firm, "AAA")


@pytest.fixture
def robot(account: Account) -> Client:
    return make_client(account.firm)


def bought(**changes: Any) -> dict[str, Any]:
    row = {
        "account": "T-1",
        "external_id": "B-1",
        "trade_date": "2024-01-02",
        "kind": "buy",
        "symbol": "AAA",
        "quantity": "10",
        "amount": "1000",
    }
    return {**row, **changes}


def without(row: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in names}


def post(robot: Client, body: object, *, key: str = "k-1") -> HttpResponse:
    return send(robot, json.dumps(body).encode(), key=key)


def send(robot: Client, body: bytes, *, key: str = "k-1") -> HttpResponse:
    headers = {"Idempotency-Key": key} if key else {}
    answer: Any = robot.generic("POST", TRANSACTIONS, body, "application/json", headers=headers)
    assert isinstance(answer, HttpResponse)
    return answer


def post_rows(robot: Client, *rows: object, key: str = "k-1") -> HttpResponse:
    return post(robot, {"transactions": rows}, key=key)


def refusal(answer: HttpResponse) -> tuple[int, str, list[str]]:
    error = json.loads(answer.content)["error"]
    return answer.status_code, error["code"], error["problems"]


# Reading


def test_lots_are_exact_text_and_name_their_opening(
    robot: Client, account: Account, aaa: Security
) -> None:
    book(account, EntryKind.BUY, date(2024, 1, 2), aaa, "10.5", amount="1000", external_id="B-1")

    assert robot.get(f"{API}lots/").json()["results"] == [
        {
            "account": str(account.public_id),
            "security": str(aaa.public_id),
            "symbol": "AAA",
            "opening": {"account": str(account.public_id), "external_id": "B-1"},
            "part": 0,
            "acquired": "2024-01-02",
            "holding_start": "2024-01-02",
            "quantity": "10.5",
            "basis": "1000",
            "is_inherited": False,
            "loss_basis": None,
            "loss_start": None,
        }
    ]


def test_lots_and_transactions_can_be_asked_for_by_account_and_household(
    robot: Client, account: Account, aaa: Security
) -> None:
    second = make_account(account.household, "T-2")
    stranger = make_account(make_household(account.firm, "Other"), "O-1")
    for place in (account, second, stranger):
        book(place, EntryKind.BUY, date(2024, 1, 2), aaa, "1", amount="1")

    for address in ("lots/", "transactions/"):
        counts = [
            robot.get(f"{API}{address}{query}").json()["count"]
            for query in (
                "",
                f"?household={account.household.public_id}",
                f"?account={second.public_id}",
                f"?account={second.public_id}&household={stranger.household.public_id}",
            )
        ]
        assert counts == [3, 2, 1, 0]


def test_another_firms_account_in_a_filter_answers_like_a_random_id(robot: Client) -> None:
    foreign = make_account(make_household(make_firm("Other")), "Z-1")
    for address in ("lots/?account={}", "transactions/?account={}"):
        answers = [robot.get(API + address.format(i)) for i in (foreign.public_id, uuid4())]
        assert [answer.status_code for answer in answers] == [404, 404]
        assert answers[0].content == answers[1].content


def test_a_transaction_shows_what_was_booked(
    robot: Client, account: Account, aaa: Security
) -> None:
    post_rows(
        robot,
        bought(price="100", fee="4.95", settle_date="2024-01-04", block="O-7", memo="first"),
        bought(
            external_id="S-1", kind="sell", trade_date="2024-02-01", quantity="4", amount="380",
            lots=[{"opening": "B-1", "quantity": "4", "part": 0}],
        ),
    )  # fmt: skip

    first, second = robot.get(TRANSACTIONS).json()["results"]

    assert without(first, "booked_at") == {
        "account": str(account.public_id),
        "external_id": "B-1",
        "trade_date": "2024-01-02",
        "settle_date": "2024-01-04",
        "kind": "buy",
        "security": str(aaa.public_id),
        "symbol": "AAA",
        "quantity": "10",
        "price": "100",
        "amount": "1000",
        "fee": "4.95",
        "lots": [],
        "block": "O-7",
        "to_account": None,
        "holding_start": None,
        "acquired": None,
        "relief": "",
        "to_security": None,
        "to_symbol": None,
        "basis_fraction": None,
        "market_value": None,
        "memo": "first",
    }
    opening = {"account": str(account.public_id), "external_id": "B-1"}
    assert second["lots"] == [{"opening": opening, "part": 0, "quantity": "4"}]


def test_cash_has_no_security_in_the_answer(robot: Client, account: Account) -> None:
    book(account, EntryKind.CASH_IN, date(2024, 1, 2), amount="12.3456")

    [row] = robot.get(TRANSACTIONS).json()["results"]

    assert (row["security"], row["symbol"], row["amount"]) == (None, None, "12.3456")


def test_a_page_takes_the_same_number_of_queries_for_any_size(
    robot: Client, account: Account, aaa: Security, django_assert_num_queries: Any
) -> None:
    for place in range(4):
        book(account, EntryKind.BUY, date(2024, 1, 2 + place), aaa, "1", amount="1")
        book(account, EntryKind.SELL, date(2024, 2, 2 + place), aaa, "1", amount="1")
    # token, its last use, count, rows, selections
    with django_assert_num_queries(5):
        assert len(robot.get(TRANSACTIONS).json()["results"]) == 8


# Posting


def test_rows_are_booked_and_become_lots(robot: Client, account: Account, aaa: Security) -> None:
    answer = post_rows(
        robot,
        bought(fee="4.95"),
        bought(external_id="S-1", kind="sell", trade_date="2024-03-01", quantity="4", amount="300"),
    )

    assert (answer.status_code, json.loads(answer.content)) == (201, {"booked": 2, "known": 0})
    [lot] = TaxLot.objects.all()
    assert (lot.quantity, lot.basis) == (Decimal(6), Decimal("602.97"))
    [disposal] = Disposal.objects.all()
    assert disposal.gain == Decimal("-101.98")
    event = AuditEvent.objects.get(action="transactions.booked")
    assert event.actor == "robot"


def test_a_dry_run_says_what_would_change_and_books_nothing(
    robot: Client, account: Account, aaa: Security
) -> None:
    """A purchase told late washes a loss of 2023, which was final."""
    book(account, EntryKind.BUY, date(2023, 1, 3), aaa, "10", amount="1000")
    book(account, EntryKind.SELL, date(2023, 12, 1), aaa, "10", amount="900")
    row = bought(trade_date="2023-12-04", quantity="4", amount="400")

    def asked(dry_run: str) -> HttpResponse:
        body = json.dumps({"transactions": [row]}).encode()
        answer: Any = robot.generic(
            "POST", f"{TRANSACTIONS}?dry_run={dry_run}", body, "application/json"
        )
        assert isinstance(answer, HttpResponse)
        return answer

    answer = asked("true")

    assert answer.status_code == 200
    assert json.loads(answer.content) == {
        "booked": 1,
        "known": 0,
        "alters_history": True,
        "changes": [
            "Miller: Ann, 2023 (closed year): short-term -100 -> -60, disallowed 0 -> 40; "
            "0 sales new, 1 changed, 0 gone.",
            "1 new lots.",
        ],
    }
    assert account.transactions.count() == 2
    assert not IdempotencyRecord.objects.exists()
    assert asked("perhaps").status_code == 400
    assert post_rows(robot, row).status_code == 201


def test_names_may_be_public_ids(robot: Client, account: Account, aaa: Security) -> None:
    row = bought(account=str(account.public_id), security=str(aaa.public_id))

    assert post_rows(robot, without(row, "symbol")).status_code == 201
    assert Transaction.objects.get().security == aaa


def test_the_amount_may_follow_from_quantity_and_price(
    robot: Client, account: Account, aaa: Security
) -> None:
    row = bought(quantity="3", price="33.335")

    assert post_rows(robot, without(row, "amount")).status_code == 201
    assert Transaction.objects.get().amount == Decimal("100.01")


def test_a_transfer_names_its_destination(robot: Client, account: Account, aaa: Security) -> None:
    second = make_account(account.household, "T-2")
    move = bought(external_id="X-1", kind="transfer", trade_date="2024-02-01", to_account="T-2")

    assert post_rows(robot, bought(), without(move, "amount")).status_code == 201
    assert TaxLot.objects.get().account == second


def test_rows_that_are_known_change_nothing(robot: Client, account: Account, aaa: Security) -> None:
    post_rows(robot, bought(), key="k-1")
    again = post_rows(robot, bought(), bought(external_id="B-2"), key="k-2")

    assert json.loads(again.content) == {"booked": 1, "known": 1}
    assert Transaction.objects.count() == 2


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"quantity": 10}, "quantity: must be a string."),
        ({"quantity": 1.5}, "quantity: must be a string."),
        ({"quantity": None}, "quantity: This field may not be null."),
        ({"quantity": True}, "quantity: must be a string."),
        ({"quantity": "1e3"}, "quantity: '1e3' is not a plain number such as 1000 or 12.5"),
        ({"quantity": "NaN"}, "quantity: 'NaN' is not a plain number such as 1000 or 12.5"),
        ({"quantity": "1_000"}, "quantity: '1_000' is not a plain number such as 1000 or 12.5"),
        ({"quantity": " 1"}, "quantity: ' 1' is not a plain number such as 1000 or 12.5"),
        (
            {"quantity": "１"},
            r"quantity: '\uff11' is not a plain number such as 1000 or 12.5",
        ),
        ({"amount": "1.00001"}, "amount: '1.00001' has 5 decimals, at most 4 are accepted"),
        ({"trade_date": "02/01/2024"}, "trade_date: '02/01/2024' is not a date such as 2024-01-31"),
        ({"trade_date": "2024-02-30"}, "trade_date: '2024-02-30' is not a day of the calendar"),
        ({"symbol": "ZZZ"}, "symbol: is unknown in your firm."),
        ({"account": "Z-1"}, "account: is unknown in your firm."),
        ({"account": ""}, "account: is empty"),
        ({"external_id": "=1+1"}, "external_id: '=1+1' begins like a spreadsheet formula"),
        ({"memo": "a\u0000"}, "memo: holds a character that cannot be printed"),
        ({"memo": "\ud800"}, "memo: holds a character that cannot be printed"),
        ({"firm": "1"}, "firm: is no field of this request."),
        ({"content_sha256": "0"}, "content_sha256: is no field of this request."),
        ({"lots": []}, "lots: This list may not be empty."),
        (
            {"lots": [{"opening": "B", "quantity": "1", "part": "0"}]},
            "lots[0].part: must be an integer from 0 to 1,000,000.",
        ),
        (
            {"lots": [{"opening": "B", "quantity": "1", "basis": "0"}]},
            "lots[0].basis: is no field of this request.",
        ),
    ],
)
def test_a_bad_field_is_refused_by_its_place(
    robot: Client, account: Account, aaa: Security, changes: dict[str, Any], problem: str
) -> None:
    answer = post_rows(robot, bought(), bought(external_id="B-2") | changes)

    assert refusal(answer) == (400, "invalid", [f"transactions[1].{problem}"])
    assert not Transaction.objects.exists()


def test_no_column_of_any_table_can_be_written_along(
    robot: Client, account: Account, aaa: Security
) -> None:
    columns = {field.name for model in apps.get_models() for field in model._meta.get_fields()}
    extra = sorted(columns - set(TransactionInput().fields))

    status, _, problems = refusal(post_rows(robot, bought() | dict.fromkeys(extra, "1")))

    assert status == 400
    assert {"firm", "status", "basis", "is_staff", "content_sha256", "id"} <= set(extra)
    assert problems == [f"transactions[0].{name}: is no field of this request." for name in extra]


def test_a_wrong_kind_is_told_the_right_ones(
    robot: Client, account: Account, aaa: Security
) -> None:
    [problem] = refusal(post_rows(robot, bought(kind="purchase")))[2]

    assert problem.startswith(
        "transactions[0].kind: 'purchase' is no kind; accepted are buy, sell,"
    )

    [problem] = refusal(post_rows(robot, bought(kind="sell_short"), key="k-2"))[2]

    assert problem.startswith(
        "transactions[0].kind: 'sell_short' is a short sale or its cover. Short positions are not computed (R26)"
    )


def test_a_spin_off_is_posted_and_read_back(robot: Client, account: Account, aaa: Security) -> None:
    new = make_security(account.firm, "NEW")
    spun = {
        "account": "T-1", "external_id": "F-1", "trade_date": "2024-01-05", "kind": "spin_off",
        "symbol": "AAA", "to_security": str(new.public_id), "quantity": "0.5", "basis_fraction": "0.2",
    }  # fmt: skip

    assert post_rows(robot, bought(), spun).status_code == 201

    told = robot.get(f"{API}transactions/").json()["results"][-1]
    assert (told["to_symbol"], told["to_security"]) == ("NEW", str(new.public_id))
    assert (told["quantity"], told["basis_fraction"]) == ("0.5", "0.2")
    lots = robot.get(f"{API}lots/").json()["results"]
    assert [(lot["symbol"], lot["opening"]["external_id"], lot["part"]) for lot in lots] == [
        ("AAA", bought()["external_id"], 0),
        ("NEW", bought()["external_id"], 1),
    ]


def test_a_successor_is_named_once_and_known(
    robot: Client, account: Account, aaa: Security
) -> None:
    row = bought(kind="rename", to_symbol="ZZZ", to_security="ZZZ")

    assert set(refusal(post_rows(robot, row))[2]) == {
        "transactions[0].to_symbol: is unknown in your firm.",
        "transactions[0].to_security: is unknown in your firm.",
        "transactions[0].to_security: stands beside a symbol: name the security once.",
    }


def test_every_fault_of_a_request_is_told_at_once(
    robot: Client, account: Account, aaa: Security
) -> None:
    status, _, problems = refusal(
        post_rows(robot, bought(fee=1, status="x"), "row", without(bought(), "kind"))
    )

    assert status == 400
    assert problems == [
        "transactions[0].fee: must be a string.",
        "transactions[0].status: is no field of this request.",
        "transactions[1]: Invalid data. Expected a dictionary, but got str.",
        "transactions[2].kind: This field is required.",
    ]


def test_a_security_is_named_once(robot: Client, account: Account, aaa: Security) -> None:
    answer = post_rows(robot, bought(security=str(aaa.public_id)))

    assert refusal(answer)[2] == [
        "transactions[0].security: stands beside a symbol: name the security once."
    ]


def test_another_firms_names_are_as_unknown_as_random_ones(
    robot: Client, account: Account, aaa: Security
) -> None:
    other = make_firm("Other")
    stranger = make_account(make_household(other), "Z-1")
    foreign = make_security(other, "ZZZ")
    for field, names in {
        "account": (str(stranger.public_id), "Z-1", str(uuid4())),
        "to_account": (str(stranger.public_id), "Z-1", str(uuid4())),
        "symbol": ("ZZZ", "QQQ"),
        "security": (str(foreign.public_id), str(uuid4())),
    }.items():
        row = without(bought(), "symbol") if field == "security" else bought()
        answers = {post_rows(robot, row | {field: name}).content for name in names}
        assert len(answers) == 1
        assert f"transactions[0].{field}: is unknown in your firm.".encode() in answers.pop()
    assert not Transaction.objects.exists()


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"trade_date": "2025-01-01"}, "trade_date: 2025-01-01 is in the future: today is"),
        ({"quantity": "0"}, "quantity: a buy needs a quantity, above zero"),
        ({"kind": "sell", "quantity": "11"}, "quantity: account T-1 holds 10 shares of AAA on"),
        ({"amount": "1", "price": "100"}, "amount: 1 is not quantity times price"),
        (
            {"kind": "sell", "lots": [{"opening": "B-9", "quantity": "10"}]},
            "lots: 'B-9' names no transaction of the household",
        ),
    ],
)
def test_what_the_ledger_refuses_is_told_by_row_and_field(
    robot: Client, account: Account, aaa: Security, changes: dict[str, Any], problem: str
) -> None:
    row = bought(external_id="B-2", trade_date="2024-01-03") | changes
    status, code, problems = refusal(post_rows(robot, bought(), row))

    assert (status, code) == (422, "booking_refused")
    assert [p[: len(f"transactions[1].{problem}")] for p in problems] == [
        f"transactions[1].{problem}"
    ]
    assert not Transaction.objects.exists()


def test_two_rows_of_one_id_are_refused(robot: Client, account: Account, aaa: Security) -> None:
    twin = bought(account=str(account.public_id))

    assert refusal(post_rows(robot, bought(), twin)) == (
        400, "invalid", ["transactions[1].external_id: is the id of transactions[0] already."]
    )  # fmt: skip


def test_a_known_id_with_other_content_is_refused(
    robot: Client, account: Account, aaa: Security
) -> None:
    post_rows(robot, bought())

    assert refusal(post_rows(robot, bought(quantity="11"), key="k-2")) == (
        422,
        "booking_refused",
        ["transactions[0].external_id: the id is booked already with other content: "
         "quantity 10, here 11"],
    )  # fmt: skip


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ({}, "transactions: This field is required."),
        ({"transactions": []}, "transactions: This list may not be empty."),
        ({"transactions": {}}, 'transactions: Expected a list of items but got type "dict".'),
        ([], "body: Invalid data. Expected a dictionary, but got list."),
        (
            {"transactions": [{}] * (MOST_ROWS + 1)},
            "transactions: Ensure this field has no more than 5000 elements.",
        ),
    ],
)
def test_a_body_that_is_no_list_of_rows_is_refused(
    robot: Client, body: object, problem: str
) -> None:
    assert refusal(post(robot, body)) == (400, "invalid", [problem])


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b'{"transactions": [], "transactions": []}',
        b'{"transactions": NaN}',
        b"\xff",
        b"[" * 100_000,
        b"9" * 10_000,
    ],
)
def test_a_body_that_is_no_strict_json_is_refused(robot: Client, body: bytes) -> None:
    assert send(robot, body).status_code == 400


def test_another_content_type_is_refused(robot: Client) -> None:
    answer: Any = robot.post(TRANSACTIONS, {"a": "b"}, headers={"Idempotency-Key": "k"})

    assert refusal(answer)[:2] == (415, "unsupported_media_type")


def test_a_body_above_the_limit_is_refused_by_its_size(robot: Client) -> None:
    assert refusal(send(robot, b" " * (MOST_BYTES + 1)))[:2] == (413, "body_too_large")


# Idempotency


@pytest.mark.parametrize("key", ["", "two words", "é", "k" * 201])
def test_a_request_without_a_usable_key_is_refused(
    robot: Client, account: Account, aaa: Security, key: str
) -> None:
    answer = post_rows(robot, bought(), key=key)

    assert refusal(answer)[:2] == (400, "idempotency_key_needed")
    assert not Transaction.objects.exists()


def test_the_same_key_and_body_replay_the_very_bytes(
    robot: Client, account: Account, aaa: Security
) -> None:
    first, second = post_rows(robot, bought()), post_rows(robot, bought())

    assert (first.status_code, first.content) == (second.status_code, second.content)
    assert first["Content-Type"] == second["Content-Type"] == "application/json"
    assert (first.get("Idempotent-Replayed"), second["Idempotent-Replayed"]) == (None, "true")
    assert Transaction.objects.count() == 1


def test_the_same_key_with_another_body_is_refused(
    robot: Client, account: Account, aaa: Security
) -> None:
    post_rows(robot, bought())

    answer = post_rows(robot, bought(external_id="B-2"))

    assert refusal(answer)[:2] == (422, "idempotency_mismatch")
    assert Transaction.objects.count() == 1


def test_a_refused_request_does_not_use_its_key_up(
    robot: Client, account: Account, aaa: Security
) -> None:
    assert post_rows(robot, bought(quantity="0")).status_code == 422
    assert post_rows(robot, bought()).status_code == 201


def test_two_clients_may_use_one_key(robot: Client, account: Account, aaa: Security) -> None:
    other = make_client(account.firm, "second robot")

    assert post_rows(robot, bought()).status_code == 201
    assert json.loads(post_rows(other, bought()).content) == {"booked": 0, "known": 1}


@pytest.mark.django_db(transaction=True)
def test_twenty_calls_at_once_with_one_key_have_one_effect(account: Account, aaa: Security) -> None:
    robots = [make_client(account.firm) for _ in range(20)]
    start = Barrier(len(robots))

    def call(robot: Client) -> tuple[int, bytes, str]:
        start.wait()
        try:
            answer = post_rows(robot, bought())
        finally:
            connection.close()
        return answer.status_code, answer.content, answer.get("Idempotent-Replayed", "")

    with ThreadPoolExecutor(len(robots)) as pool:
        answers = list(pool.map(call, robots))

    assert {answer[:2] for answer in answers} == {(201, b'{"booked":1,"known":0}')}
    assert sorted(answer[2] for answer in answers) == [""] + ["true"] * 19
    assert Transaction.objects.count() == TaxLot.objects.count() == 1
    assert IdempotencyRecord.objects.count() == 1
    assert AuditEvent.objects.filter(action="transactions.booked").count() == 1


# Whatever is sent, the answer is a plain yes or no

WORDS = st.sampled_from(
    [
        "", "0", "-1", "1e400", "NaN", "Infinity", "１２", "1_000", "9" * 40, "0.000000001", "AAA",
        "T-1", "T-2", "B-1", "2024-02-29", "2024-02-30", "9999-12-31", "0000-00-00", "buy", "sell",
        "split", "transfer", "merge", "rename", "spin_off", "gift", "opening", "cash_in", "fee", "hifo",
        "=1+1", "\u0000", "\ud800", "'; DROP TABLE", "x" * 300,
        "999999999999.99999999", "99999999999999.9999", "12.5",
    ]
)  # fmt: skip
NAMES = st.sampled_from(
    [
        "account", "external_id", "trade_date", "kind", "symbol", "security", "quantity", "price",
        "amount", "fee", "settle_date", "lots", "block", "to_account", "holding_start", "acquired",
        "relief", "to_symbol", "to_security", "basis_fraction", "market_value", "memo", "firm", "id", "",
    ]
)  # fmt: skip
LEAVES = (
    WORDS
    | st.none()
    | st.booleans()
    | st.integers(min_value=-(10**30), max_value=10**30)
    | st.floats()
    | st.text(max_size=8)
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(NAMES, inner, max_size=3)
        | st.fixed_dictionaries({"opening": inner, "quantity": inner}, optional={"part": inner})
    ),
    max_leaves=6,
)
EDITS = st.lists(st.tuples(NAMES, VALUES), max_size=3)
ROWS = st.lists(st.tuples(st.sampled_from(["buy", "sell", "cash_in"]), EDITS), max_size=3)


def text_of(rows: list[tuple[str, list[tuple[str, Any]]]], *, repeats_keys: bool) -> bytes:
    """JSON with NaN, infinities and, where wanted, a key that stands twice."""
    parts = []
    for number, (kind, edits) in enumerate(rows):
        pairs = list(bought(external_id=f"R-{number}", kind=kind).items()) + edits
        if not repeats_keys:
            pairs = list(dict(pairs).items())
        parts.append(
            "{" + ",".join(f"{json.dumps(name)}:{json.dumps(value)}" for name, value in pairs) + "}"
        )
    return ('{"transactions":[' + ",".join(parts) + "]}").encode()


@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(rows=ROWS, repeats_keys=st.booleans(), whole=st.none() | VALUES)
def test_no_body_breaks_the_service_or_is_booked_in_part(
    robot: Client,
    account: Account,
    aaa: Security,
    rows: list[tuple[str, list[tuple[str, Any]]]],
    whole: object,
    *,
    repeats_keys: bool,
) -> None:
    if not account.household.accounts.filter(number="T-2").exists():
        make_account(account.household, "T-2", kind=AccountKind.ROTH_IRA)
    body = text_of(rows, repeats_keys=repeats_keys)
    if whole is not None:
        body = json.dumps(whole).encode()
    before = Transaction.objects.count(), LotSelection.objects.count()

    answer = send(robot, body, key=str(uuid4()))

    assert answer.status_code in (201, 400, 422)
    after = Transaction.objects.count(), LotSelection.objects.count()
    if answer.status_code == 201:
        told = json.loads(answer.content)
        assert after[0] == before[0] + told["booked"]
        assert told["booked"] + told["known"] == len(rows)
    else:
        assert after == before
        assert set(json.loads(answer.content)) == {"error"}
