"""Who gets what at every address: the table below must hold every route of the URLconf, or this file fails.

The firm that owns everything is "ours". A stranger is a person of another firm; a robot is an API client.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import uuid4

import pytest
from django.apps import apps
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.db.models import Model
from django.http import HttpResponse
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from accounts.models import ApiToken, Firm
from accounts.types import Role
from harvesting.mappings import map_substitute
from lots.policy_points import POINTS
from lots.services import draft_import
from lots.types import EntryKind
from lots.wash_sales import first_clear_date
from proposals.models import HarvestedPair, Order, Proposal
from proposals.services import import_fills
from proposals.types import ProposalKind
from rebalancing.models import ModelVersion, ReturnView, TargetModel
from scans.review_services import open_review
from scans.services import open_run
from scans.types import Job
from tests.clients import make_api_user, make_client
from tests.factories import book, make_firm
from tests.proposals.desk import TODAY, Desk, fills_file, make_desk, make_person

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
OURS = ("accounts", "securities", "lots", "proposals", "harvesting", "rebalancing", "scans")
SECRETS = (b"Miller", b"OURS-", b"OLD", b"SUB", b"Take a loss")  # names that only our firm bears


class Expected(NamedTuple):
    """The status for each caller."""

    anonymous: int
    person: int
    stranger: int
    robot: int
    foreign_robot: int


@dataclass(frozen=True)
class Route:
    """Statuses by method; a method that is not named is refused, after the door if there is one."""

    door: str
    methods: dict[str, Expected]

    def expected(self, method: str) -> Expected:
        return self.methods.get(method, NOT_OFFERED[self.door])


NOT_OFFERED = {
    "page": Expected(302, 405, 405, 302, 302),
    "api": Expected(401, 401, 401, 405, 405),
    "open": Expected(405, 405, 405, 405, 405),
}
SHOWN = Expected(302, 200, 200, 302, 302)  # a list: everybody's own rows
OWN = Expected(302, 200, 404, 302, 302)
SERVED = Expected(401, 401, 401, 200, 200)
OWN_SERVED = Expected(401, 401, 401, 200, 404)
OPEN = Expected(200, 200, 200, 200, 200)
NOTHING = Expected(401, 401, 401, 404, 404)


def page(**methods: Expected) -> Route:
    return Route("page", methods)


def api(**methods: Expected) -> Route:
    return Route("api", methods)


def open_to_all(**methods: Expected) -> Route:
    return Route("open", methods)


ROUTES = {
    "healthz": open_to_all(GET=OPEN),
    "api/schema/": open_to_all(GET=OPEN),
    "api/docs/": open_to_all(GET=OPEN),
    "login/": open_to_all(
        GET=Expected(200, 302, 302, 200, 200),
        POST=Expected(200, 302, 302, 200, 200),
        PUT=Expected(200, 302, 302, 200, 200),  # Django's form views take PUT like POST
        PATCH=Expected(405, 302, 302, 405, 405),
        DELETE=Expected(405, 302, 302, 405, 405),
    ),
    "logout/": page(
        POST=Expected(302, 302, 302, 302, 302),
        PUT=Expected(302, 302, 302, 302, 302),  # POST has ended the session
        PATCH=Expected(302, 302, 302, 302, 302),
        DELETE=Expected(302, 302, 302, 302, 302),
    ),
    "": page(GET=SHOWN),
    "households/": page(GET=SHOWN),
    "households/<uuid:household>/": page(GET=OWN),
    "households/<uuid:household>/budget/": page(
        POST=Expected(302, 422, 404, 302, 302)
    ),  # a reason is asked for
    "households/<uuid:household>/losses/": page(GET=OWN),
    "households/<uuid:household>/gifts/": page(GET=OWN),
    "households/<uuid:household>/gifts/gifts.csv": page(GET=OWN),
    "losses/": page(GET=SHOWN),
    "households/<uuid:household>/windows/": page(GET=OWN),
    "households/<uuid:household>/windows/windows.csv": page(GET=OWN),
    "households/<uuid:household>/restrictions/": page(POST=Expected(302, 302, 404, 302, 302)),
    "households/<uuid:household>/restrictions/lifting/": page(
        POST=Expected(302, 302, 404, 302, 302)
    ),
    "households/<uuid:household>/cash-flows/": page(POST=Expected(302, 302, 404, 302, 302)),
    "households/<uuid:household>/cash-flows/ending/": page(POST=Expected(302, 302, 404, 302, 302)),
    "windows/": page(GET=SHOWN),
    "windows/windows.csv": page(GET=SHOWN),
    "households/<uuid:household>/swap-backs/": page(GET=OWN),
    "households/<uuid:household>/drift/": page(GET=OWN),
    "households/<uuid:household>/transition/": page(GET=OWN),
    "households/<uuid:household>/transition/start/": page(
        POST=Expected(302, 422, 404, 302, 302)
    ),  # a limit and a reason are asked for
    "households/<uuid:household>/transition/end/": page(POST=Expected(302, 302, 404, 302, 302)),
    "households/<uuid:household>/what-if/": page(GET=OWN),
    "households/<uuid:household>/taxes/": page(GET=OWN),
    "households/<uuid:household>/taxes/<int:year>/": page(GET=OWN),
    "households/<uuid:household>/taxes/<int:year>/reported/": page(
        POST=Expected(302, 302, 404, 302, 302)
    ),
    "households/<uuid:household>/taxes/<int:year>/<slug:report>/": page(GET=OWN),
    "households/<uuid:household>/taxes/<int:year>/<slug:report>.<slug:extension>": page(GET=OWN),
    "backtests/harvest/": page(GET=SHOWN),  # nobody's data
    "backtests/harvest/<slug:backtest_table>.csv": page(GET=SHOWN),
    "backtests/rebalance/": page(GET=SHOWN),
    "backtests/rebalance/<slug:rebalance_table>.csv": page(GET=SHOWN),
    "proposals/<uuid:proposal>/": page(GET=OWN),
    "proposals/<uuid:proposal>/decision/": page(POST=Expected(302, 302, 404, 302, 302)),
    "proposals/<uuid:proposal>/withdrawal/": page(POST=Expected(302, 409, 404, 302, 302)),
    "proposals/<uuid:proposal>/resolve/": page(
        POST=Expected(302, 409, 404, 302, 302)
    ),  # not the content that is stored
    "proposals/<uuid:proposal>/points/": page(
        POST=Expected(302, 409, 404, 302, 302)
    ),  # not a rebalance
    "proposals/<uuid:proposal>/point/": page(POST=Expected(302, 302, 404, 302, 302)),
    "proposals/<uuid:proposal>/closing/": page(POST=Expected(302, 409, 404, 302, 302)),
    "proposals/<uuid:proposal>/pairs/<int:number>/waiver/": page(
        POST=Expected(302, 302, 404, 302, 302)
    ),
    "swap-backs/": page(GET=SHOWN),
    "swap-backs/waivers/": page(POST=SHOWN),  # a stranger is told that there is no such pair
    "imports/": page(GET=SHOWN, POST=Expected(302, 200, 404, 302, 302)),
    "imports/<uuid:draft>/": page(POST=Expected(302, 302, 404, 302, 302)),
    "reconciliation/": page(GET=SHOWN),
    "substitutes/": page(GET=SHOWN, POST=Expected(302, 302, 422, 302, 302)),
    "substitutes/mappings/<int:mapping>/": page(GET=OWN, POST=Expected(302, 302, 404, 302, 302)),
    "substitutes/<uuid:security>/": page(GET=OWN),
    "tax-policy/": page(GET=SHOWN, POST=SHOWN),  # the effect of other switches on everybody's own
    "orders/": page(GET=SHOWN),
    "orders/export/": page(POST=Expected(302, 302, 409, 302, 302)),  # 409: nothing of theirs waits
    "^orders/files/(?P<number>[0-9]{1,9})/(?P<part>orders|lots)/$": page(GET=OWN),
    "orders/<uuid:order>/handling/": page(POST=Expected(302, 302, 404, 302, 302)),
    "orders/costs/": page(GET=SHOWN),
    "orders/costs/orders.csv": page(GET=SHOWN),
    "orders/fills/": page(POST=Expected(302, 302, 422, 302, 302)),
    "operations/": page(GET=SHOWN),
    "operations/coverage.csv": page(GET=SHOWN),
    "households/<uuid:household>/look-again/": page(POST=Expected(302, 302, 404, 302, 302)),
    "scans/": page(GET=SHOWN),
    "scans/start/": page(POST=Expected(302, 302, 302, 302, 302)),
    "scans/<uuid:run>/": page(GET=OWN),
    "scans/<uuid:run>/reopening/": page(POST=Expected(302, 302, 404, 302, 302)),
    "models/": page(GET=SHOWN),
    "models/<int:model_id>/": page(GET=OWN),
    # a list and a file are asked for
    "models/<int:model_id>/universe-change/": page(GET=OWN, POST=Expected(302, 422, 404, 302, 302)),
    "models/<int:model_id>/views/": page(POST=Expected(302, 422, 404, 302, 302)),
    "models/<int:model_id>/views/<int:view_id>/end/": page(POST=Expected(302, 302, 404, 302, 302)),
    "models/<int:model_id>/draft/": page(POST=Expected(302, 302, 404, 302, 302)),
    "models/<int:model_id>/constituents/": page(GET=OWN, POST=Expected(302, 422, 404, 302, 302)),
    "models/versions/<uuid:version>/": page(GET=OWN),
    "models/versions/<uuid:version>/effect/": page(GET=OWN),
    "models/versions/<uuid:version>/households/": page(GET=OWN),
    "models/versions/<uuid:version>/measure/": page(POST=Expected(302, 302, 404, 302, 302)),
    "models/versions/<uuid:version>/decision/": page(POST=Expected(302, 302, 404, 302, 302)),
    "reviews/": page(GET=SHOWN),
    "reviews/start/": page(POST=Expected(302, 302, 302, 302, 302)),
    "reviews/<uuid:review>/": page(GET=OWN),
    "reviews/<uuid:review>/households/<uuid:household>/": page(GET=OWN),
    "reviews/<uuid:review>/signature/": page(POST=Expected(302, 409, 404, 302, 302)),  # not ready
    "api/v1/households/": api(GET=SERVED),
    "api/v1/households/<uuid:household>/": api(GET=OWN_SERVED),
    "api/v1/households/<uuid:household>/windows/": api(GET=OWN_SERVED),
    # 400: account, security and shares are asked for
    "api/v1/households/<uuid:household>/what-if/": api(GET=Expected(401, 401, 401, 400, 404)),
    "api/v1/accounts/": api(GET=SERVED),
    "api/v1/lots/": api(GET=SERVED),
    "api/v1/transactions/": api(GET=SERVED, POST=Expected(401, 401, 401, 201, 400)),
    "api/v1/proposals/": api(GET=SERVED),
    "api/v1/proposals/<uuid:proposal>/": api(GET=OWN_SERVED),
    "api/v1/": api(GET=NOTHING, POST=NOTHING, PUT=NOTHING, PATCH=NOTHING, DELETE=NOTHING),
}


# The URLconf


def patterns(entries: list[URLPattern | URLResolver], before: str = "") -> Iterator[str]:
    for entry in entries:
        here = before + str(entry.pattern)
        if isinstance(entry, URLResolver):
            yield from patterns(entry.url_patterns, here)
        else:
            yield here


def named(pattern: str) -> str:
    """The pattern with the kind of its id: every page calls it ``public_id``."""
    for word, kind in (
        ("households", "household"),
        ("proposals", "proposal"),
        ("scans", "run"),
        ("reviews", "review"),
        ("models/versions", "version"),
        ("imports", "draft"),
        ("substitutes", "security"),
        ("orders", "order"),
    ):
        if f"{word}/<uuid:public_id>" in pattern:
            named = pattern.replace("<uuid:public_id>", f"<uuid:{kind}>")
            return named.replace("<uuid:household_id>", "<uuid:household>")
    return pattern


def test_the_table_holds_every_route_and_no_other() -> None:
    found = [named(pattern) for pattern in patterns(get_resolver().url_patterns)]

    assert sorted(found) == sorted(ROUTES)


# A world that is ours, and people around it


@dataclass
class World:
    """Ours: a proposal to decide, orders to export, an order file, orders to fill, a night."""

    desk: Desk
    proposal: Proposal
    order: Order
    ids: dict[str, object]
    callers: dict[str, Client]


def make_world() -> World:
    desk = make_desk(prefix="OURS-")
    book(desk.account, EntryKind.CASH_IN, TODAY, amount="10000")
    ordered, export = desk.ordered()
    purchase = desk.purchase("5", pair=0)
    waiting = desk.approved(purchase, kind=ProposalKind.REBALANCE)
    sold = fills_file((ordered.orders.get(side="sell"), "F-0", "2022-12-28", "5", "79.90"))
    import_fills(user=desk.operations, file=sold, name="fills.csv")
    gain = book(desk.account, EntryKind.BUY, date(2022, 3, 1), desk.sub, "10", amount="400")
    sale = desk.sale("10", security=desk.sub.pk, opening=gain.pk, basis=Decimal(400))
    proposal = desk.submit(sale, desk.purchase("9"), kind=ProposalKind.GAIN_HARVEST, explanation={})
    HarvestedPair.objects.create(
        proposal=proposal,
        pair=export.number,
        account=desk.account,
        substitute=desk.sub,
        sold_on=TODAY,
        due_on=first_clear_date(TODAY),
        since=TODAY,
        as_of=TODAY,
        reason="Day 0 of 31.",
    )
    run = open_run(firm_id=desk.firm.pk, as_of=TODAY, actor="test")
    review = open_review(firm_id=desk.firm.pk, job=Job.WEEKLY, as_of=TODAY, actor="test")
    model = TargetModel.objects.create(firm=desk.firm, name="OURS-model")
    version = ModelVersion.objects.create(
        model=model, number=1, recipe="equal", as_of=TODAY, author="OURS-", reason="OURS-"
    )
    view = ReturnView.objects.create(
        model=model, security=desk.old, yearly_return=Decimal("0.05"), confidence=1, since=TODAY,
        reason="OURS-", author=desk.adviser,
    )  # fmt: skip
    looked_at = draft_import(
        user=desk.adviser, file=cash_file("C-0"), account=desk.account.public_id
    )
    other = make_firm("Other", pinned_date=TODAY)
    mapped = map_substitute(
        user=desk.adviser,
        security_id=desk.old.pk,
        substitute_id=desk.sub.pk,
        rank=1,
        reason="OURS-",
    ).mapping
    return World(
        desk=desk,
        proposal=proposal,
        order=ordered.orders.get(side="sell"),
        ids={
            "household": desk.household.public_id,
            "proposal": proposal.public_id,
            "run": run.public_id,
            "review": review.public_id,
            "version": version.public_id,
            "model_id": version.model_id,
            "view_id": view.pk,
            "draft": looked_at.draft,
            "draft_sha256": looked_at.sha256,
            "security": desk.old.public_id,
            "mapping": mapped.pk,
            "order": waiting.orders.get().public_id,
            "number": export.number,
            "year": TODAY.year,
            "report": "form-8949",
            "extension": "csv",
            "backtest_table": "L1",
            "rebalance_table": "L3",
        },
        callers={
            "anonymous": Client(),
            "stranger": signed_in(other, "eve"),
            "foreign_robot": make_client(other, "their robot"),
            "person": signed_in(desk.firm, "adam"),
            "robot": make_client(desk.firm),
        },
    )


def signed_in(firm: Firm, username: str) -> Client:
    browser = Client()
    browser.force_login(make_person(firm, username, Role.ADVISER))
    return browser


def address(pattern: str, ids: Mapping[str, object]) -> str:
    path = re.sub(r"\(\?P<part>.*?\)", "orders", pattern.strip("^$"))
    path = re.sub(
        r"<(?:uuid|int|slug):(\w+)>|\(\?P<(\w+)>.*?\)", lambda m: str(ids[m[1] or m[2]]), path
    )
    return f"/{path}"


def cash_file(external_id: str) -> SimpleUploadedFile:
    text = f"external_id,trade_date,kind,amount\n{external_id},2022-12-28,cash_in,5\n"
    return SimpleUploadedFile("cash.csv", text.encode())


Content = dict[str, Any]


def content(world: World, pattern: str, *, random: bool = False) -> Content:
    """What is posted; with ``random`` the ids in it are nobody's."""
    account = uuid4() if random else world.desk.account.public_id
    order = uuid4() if random else world.order.public_id
    if pattern.endswith("handling/"):
        return {"type": "limit", "limit_price": "80.04"}
    if pattern.endswith("decision/"):
        return {"verdict": "reject", "content_sha256": world.proposal.content_sha256}
    if pattern == "reviews/start/":
        return {"cadence": "weekly"}
    if pattern.endswith("restrictions/"):
        where = str(account) if random else ""
        return {"security": "OLD", "kind": "no_buy", "account": where, "reason": "Employer."}
    if pattern.endswith("restrictions/lifting/"):
        return {"restriction": "1", "reason": ""}
    if pattern.endswith("cash-flows/"):
        paid_by = str(account) if random else ""
        sum_asked = {"kind": "fee", "amount": "100", "due_on": f"{TODAY}", "reason": "Planning."}
        return {**sum_asked, "account": paid_by}
    if pattern.endswith("cash-flows/ending/"):
        return {"flow": "1", "how": "called_off", "reason": ""}
    if pattern == "swap-backs/waivers/":
        harvest = uuid4() if random else world.ids["proposal"]
        return {"decision": "stay", "reason": "The client's wish.", "pair": f"{harvest}/1"}
    if pattern.endswith("waiver/"):
        return {"decision": "stay", "reason": "The client's wish."}
    if pattern == "imports/":
        return {"what": "transactions", "account": str(account), "file": cash_file("C-1")}
    if pattern == "imports/<uuid:draft>/":
        return {"sha256": world.ids["draft_sha256"]}
    if pattern == "substitutes/":
        symbols = (
            world.desk.sub.symbol,
            world.desk.old.symbol,
        )  # small: a refusal keeps what was typed
        security, substitute = (symbol.lower() for symbol in symbols)
        return {"security": security, "substitute": substitute, "rank": "1", "reason": "Why."}
    if pattern.startswith("substitutes/mappings/"):
        return {"what": "end", "reason": "Why."}
    if pattern == "tax-policy/":
        defaults = {point.field: str(point.default) for point in POINTS}
        return {**defaults, "tacking": "sum", "reason": "Counsel."}
    if pattern == "orders/fills/":
        text = b"order_id,external_id,trade_date,quantity,price,fee\n"
        row = f"{order},F-1,2022-12-28,15,80,0\n".encode()
        return {"file": SimpleUploadedFile("fills.csv", text + row)}
    if pattern == "api/v1/transactions/":
        row_posted = {
            "account": str(account),
            "external_id": "C-2",
            "trade_date": "2022-12-28",
            "kind": "cash_in",
            "amount": "5",
        }
        return {"transactions": [row_posted]}
    return {}


def call(caller: Client, method: str, path: str, content: Content) -> HttpResponse:
    answer: Any
    if path.startswith("/api/"):
        headers = {"Idempotency-Key": str(uuid4())}
        body = json.dumps(content).encode() if content else b""
        answer = caller.generic(method, path, body, "application/json", headers=headers)
    elif method == "POST":
        answer = caller.post(path, content)
    else:
        answer = caller.generic(method, path)
    if answer.streaming:
        return HttpResponse(answer.getvalue(), status=answer.status_code)
    assert isinstance(answer, HttpResponse)
    return answer


def our_models() -> list[type[Model]]:
    return [model for model in apps.get_models() if model._meta.app_label in OURS]


def digest() -> list[tuple[str, int, str]]:
    """Every table of ours with its number of rows and a hash of all of them. One query.

    When a token was last used, or a person last came, is no change.
    """
    parts = []
    for model in our_models():
        columns = [f"t.{field.column}" for field in model._meta.concrete_fields]
        kept = [name for name in columns if name not in ("t.last_used_at", "t.last_login")]
        row = f"({', '.join(kept)})::text"
        parts.append(
            f"SELECT '{model._meta.label}', count(*), md5(coalesce(string_agg({row}, ',' ORDER BY id), ''))"
            f' FROM "{model._meta.db_table}" t'
        )
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(parts))
        return sorted(cursor.fetchall())  # parallel plans give the tables in any order


def rows_of(firm: Firm) -> dict[str, list[dict[str, object]]]:
    """Every row of the firm, in full."""
    return {
        model._meta.label: list(
            model._default_manager.filter(**{model.firm_path: firm.pk})  # type: ignore[attr-defined]  # all have it
            .order_by("pk")
            .values()
        )
        for model in our_models()
        if model is not ApiToken
    }


def bare(answer: HttpResponse) -> bytes:
    """The body without the secrets that change with every page."""
    return re.sub(rb"[A-Za-z0-9]{64}", b"", answer.content)


# The matrix

QUIET = (400, 401, 403, 404, 405, 409, 422)


@pytest.mark.django_db
@pytest.mark.parametrize("pattern", ROUTES)
def test_everybody_gets_their_own_and_nothing_else(pattern: str) -> None:
    world, route = make_world(), ROUTES[pattern]
    path = address(pattern, world.ids)
    before, ours = digest(), rows_of(world.desk.firm)
    for name, caller in world.callers.items():
        for method in METHODS:
            expected = getattr(route.expected(method), name)
            answer = call(caller, method, path, content(world, pattern))
            after = digest()
            told = f"{name} {method} {path}: {answer.status_code}"
            assert answer.status_code == expected, f"{told} {answer.content[:500]!r}"
            if answer.status_code in QUIET or name == "anonymous":
                assert after == before, f"{told} and something changed"
            if name not in ("person", "robot"):
                if after != before:
                    assert rows_of(world.desk.firm) == ours, f"{told} and ours changed"
                assert not [secret for secret in SECRETS if secret in bare(answer)], told
            if name == "anonymous" and route.door == "page":
                assert answer["Location"].startswith("/login/"), told
            before = after


@pytest.mark.django_db
@pytest.mark.parametrize(
    "pattern",
    [
        pattern
        for pattern, route in ROUTES.items()
        if any(
            404 in (expected.stranger, expected.foreign_robot)
            for expected in route.methods.values()
        )
        or "fills" in pattern
        or "transactions" in pattern
        or "waivers" in pattern
    ],
)
def test_a_foreign_id_answers_like_a_random_one(pattern: str) -> None:
    world = make_world()
    nobodys: dict[str, object] = {name: uuid4() for name in world.ids}
    nobodys |= {
        "number": 999,
        "mapping": 999_999,
        "model_id": 999_999,
        "view_id": 999_999,
        "year": 2023,
        "report": "gains",
        "extension": "xlsx",
    }
    before = digest()
    for name in ("stranger", "foreign_robot"):
        for method in ROUTES[pattern].methods:
            caller = world.callers[name]
            foreign = call(caller, method, address(pattern, world.ids), content(world, pattern))
            random = call(
                caller, method, address(pattern, nobodys), content(world, pattern, random=True)
            )
            assert foreign.status_code == random.status_code
            assert without_ids(foreign) == without_ids(random)
    assert digest() == before


def without_ids(answer: HttpResponse) -> tuple[bytes, str]:
    """What was answered, but for the id that the caller sent along."""
    return re.sub(rb"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", b"", bare(answer)), answer[
        "Content-Type"
    ]


@pytest.mark.django_db
def test_an_api_client_with_a_session_is_nobody_at_the_desk() -> None:
    world = make_world()
    browser = Client()
    browser.force_login(make_api_user(world.desk.firm))
    before = digest()
    for pattern, route in ROUTES.items():
        if route.door != "page" or pattern == "logout/":
            continue
        for method in route.methods:
            answer = call(browser, method, address(pattern, world.ids), content(world, pattern))
            assert answer.status_code == 403, f"{method} {pattern}"
    assert digest() == before


@pytest.mark.django_db
@pytest.mark.parametrize("query", ["lots/?account={account}", "transactions/?account={account}",
                                   "lots/?household={household}", "accounts/?household={household}",
                                   "proposals/?household={household}"])  # fmt: skip
def test_a_foreign_id_in_a_filter_answers_like_a_random_one(query: str) -> None:
    world = make_world()
    ours = {"account": world.desk.account.public_id, "household": world.desk.household.public_id}
    nobodys = {"account": uuid4(), "household": uuid4()}
    robot = world.callers["foreign_robot"]

    foreign, random = (robot.get(f"/api/v1/{query.format(**ids)}") for ids in (ours, nobodys))

    assert foreign.status_code == random.status_code == 404
    assert foreign.content == random.content
    assert world.callers["robot"].get(f"/api/v1/{query.format(**ours)}").status_code == 200


def test_the_secrets_are_on_our_own_pages(db: None) -> None:
    """Or the matrix would look for words that no page shows."""
    world = make_world()
    shown = b"".join(
        world.callers["person"].get(address(pattern, world.ids)).content
        for pattern in (
            "households/",
            "households/<uuid:household>/",
            "proposals/<uuid:proposal>/",
            "orders/",
        )
    )
    assert [secret for secret in SECRETS if secret not in shown] == []
