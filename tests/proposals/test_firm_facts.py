"""What a firm's households share is kept from one look to the next: a change of any of it must be seen at once."""

import re
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from types import SimpleNamespace

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts import one_look as one_look_module
from accounts.one_look import one_look
from lots import selectors as lots
from lots.models import TaxPolicy
from lots.types import EntryKind, IndexFundPolicy, Policy
from proposals.models import CommissionSchedule
from proposals.selectors import costs
from rebalancing.performance import market  # noqa: F401  # keeps a read too
from securities import selectors as securities
from securities.models import (
    HalfSpread,
    IdenticalMember,
    IdenticalOverride,
    PriceStatistic,
    Security,
)
from tests.factories import (
    book,
    make_account,
    make_firm,
    make_household,
    make_identical_group,
    make_security,
    make_user,
    set_price,
)

DAY = date(2024, 1, 3)
KEPT: dict[str, Callable[[int], object]] = {
    "cliques": lambda firm: securities.identical_cliques(firm, same_index=True),
    "yields": securities.yields,
    "trading facts": lambda firm: securities.trading_facts(firm, DAY),
    "listings": securities.listings,
    "symbols": securities.symbols,
    "classes": securities.classes,
    "policy": lots.policy,
    "identical sets": lambda firm: lots.identical_sets(firm, DAY),
    "schedules": costs.schedules,
}


@pytest.fixture
def world(db):
    firm = make_firm()
    user = make_user(firm)
    aaa, bbb, ccc, ddd = (make_security(firm, symbol) for symbol in ("AAA", "BBB", "CCC", "DDD"))
    make_identical_group(user, aaa, bbb)
    account = make_account(make_household(firm))
    book(account, EntryKind.BUY, date(2023, 1, 3), aaa, "10", amount="100")
    PriceStatistic.objects.create(
        security=aaa, as_of=DAY, annual_volatility=Decimal("0.2"), observations=60
    )
    CommissionSchedule.objects.create(firm=firm, custodian="Old", per_order=Decimal(1))
    HalfSpread.objects.create(
        firm=firm, security=bbb, since=date(2023, 1, 3), fraction=Decimal("0.0011")
    )
    Security.objects.filter(pk=ccc.pk).update(half_spread=None)
    return SimpleNamespace(
        firm=firm, user=user, aaa=aaa, bbb=bbb, ccc=ccc, ddd=ddd, account=account,
        other=make_firm("Other"),
    )  # fmt: skip


def _decide(world):
    row = {
        name: getattr(Policy(), name)
        for name in ("spouse", "tacking", "sold_replacement", "older_lot", "tax_deferred")
    }
    TaxPolicy.objects.create(
        firm=world.firm, author=world.user, reason="Counsel.",
        index_funds=IndexFundPolicy.DISTINCT_UNLESS_LISTED, **row,
    )  # fmt: skip


def _say_identical(world):
    IdenticalOverride.objects.create(
        firm=world.firm, first=world.ccc, second=world.ddd, is_identical=True,
        author=world.user, reason="One fund.",
    )  # fmt: skip


def _rename(world):
    book(world.account, EntryKind.RENAME, DAY, world.aaa, "1", to_security=world.ddd)


CHANGES: dict[str, tuple[tuple[str, ...], Callable[[SimpleNamespace], object]]] = {
    "a security comes": (
        ("symbols", "listings", "trading facts"),
        lambda world: make_security(world.firm, "EEE"),
    ),
    "a security is changed": (
        ("trading facts",),
        lambda world: Security.objects.filter(pk=world.aaa.pk).update(half_spread=Decimal("0.01")),
    ),
    "a half spread is dated": (
        ("trading facts",),
        lambda world: HalfSpread.objects.create(
            firm=world.firm, security=world.aaa, since=DAY, fraction=Decimal("0.002")
        ),
    ),
    "a half spread is corrected": (
        ("trading facts",),
        lambda world: HalfSpread.objects.update(fraction=Decimal("0.003")),
    ),
    "a half spread goes": (
        ("trading facts",),
        lambda world: HalfSpread.objects.all().delete(),
    ),
    "an asset class gets a default": (
        ("trading facts",),
        lambda world: HalfSpread.objects.create(
            firm=world.firm, asset_class="us_equity", since=DAY, fraction=Decimal("0.001")
        ),
    ),
    "a yield is stated": (
        ("yields",),
        lambda world: Security.objects.filter(pk=world.aaa.pk).update(
            ordinary_yield=Decimal("0.04")
        ),
    ),
    "a security changes its sector": (
        ("classes",),
        lambda world: Security.objects.filter(pk=world.aaa.pk).update(sector="Energy"),
    ),
    "a security goes": (("symbols",), lambda world: world.ccc.delete()),
    "a volatility is estimated": (
        ("trading facts",),
        lambda world: PriceStatistic.objects.update(annual_volatility=Decimal("0.3")),
    ),
    "a volatility comes": (
        ("trading facts",),
        lambda world: PriceStatistic.objects.create(
            security=world.bbb, as_of=DAY, annual_volatility=Decimal("0.4"), observations=60
        ),
    ),
    "a volatility goes": (
        ("trading facts",),
        lambda world: PriceStatistic.objects.all().delete(),
    ),
    "a group is made": (
        ("cliques", "identical sets"),
        lambda world: make_identical_group(world.user, world.ccc, world.ddd, name="New"),
    ),
    "a membership ends": (
        ("cliques", "identical sets"),
        lambda world: IdenticalMember.objects.filter(security=world.bbb).update(
            ended_on=date(2023, 2, 1)
        ),
    ),
    "a pair is said to be one": (("cliques", "identical sets"), _say_identical),
    "the law is read anew": (("policy",), _decide),
    "a security is renamed": (("identical sets",), _rename),
    "a custodian charges": (
        ("schedules",),
        lambda world: CommissionSchedule.objects.create(firm=world.firm, custodian="New"),
    ),
    "a custodian charges more": (
        ("schedules",),
        lambda world: CommissionSchedule.objects.update(per_order=Decimal(9)),
    ),
    "a custodian charges nothing": (
        ("schedules",),
        lambda world: CommissionSchedule.objects.all().delete(),
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_the_next_look_sees_a_change(world, change):
    concerned, make = CHANGES[change]
    before = {name: _looked(name, world.firm.pk) for name in KEPT}
    stamp, others = (securities.facts_stamp(one.pk) for one in (world.firm, world.other))
    make(world)
    assert securities.facts_stamp(world.firm.pk) != stamp
    assert securities.facts_stamp(world.other.pk) == others
    after = {name: _looked(name, world.firm.pk) for name in KEPT}
    assert after == {name: read(world.firm.pk) for name, read in KEPT.items()}
    assert all(after[name] != before[name] for name in concerned)


def test_what_has_not_changed_is_not_asked_again(world):
    for name in KEPT:
        _looked(name, world.firm.pk)
    set_price(world.aaa, DAY, "10")  # has a stamp of its own
    book(world.account, EntryKind.BUY, DAY, world.bbb, "1", amount="10")
    with CaptureQueriesContext(connection) as asked, one_look():
        for read in KEPT.values():
            read(world.firm.pk)
    assert len(asked) == 1, "the stamp alone"


def test_every_kept_read_is_tried_here():
    named = {name for name in one_look_module._kept if not name.startswith("tests.")}
    # Prices, which have a stamp of their own, and the risk model and the year of returns of securities and of models,
    # which go by both (tests/rebalancing/risk/test_risk_models.py, tests/rebalancing/performance/test_kept_returns.py).
    here = len(KEPT) + 4
    assert len(named) == here, sorted(named)


def test_every_table_that_a_kept_read_asks_is_watched(world):
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT tgrelid::regclass::text FROM pg_trigger WHERE tgname LIKE 'facts_after%'"
        )
        watched = {row[0] for row in cursor.fetchall()}
    with CaptureQueriesContext(connection) as asked:
        for read in KEPT.values():
            read(world.firm.pk)
    tables = {
        name for query in asked for name in re.findall(r'(?:FROM|JOIN) "(\w+)"', query["sql"])
    }
    # An account never changes its firm, and a group is one of its firm for good.
    assert tables - {"accounts_account", "securities_identicalgroup"} <= watched
    assert len(tables) > 5


def _looked(name, firm_id):
    with one_look():
        return KEPT[name](firm_id)
