"""Whatever people approve, in whatever order it is filled: no wash sale that nobody accepted by name (I9).

A simulated firm lives for four hundred days on the real services and the real database: two nights a month, proposals
approved and rejected at random, fills in pieces and in part, deposits, dividends, savings plans and statements. Then
the independent oracle of ``tests/lots`` goes through each household's ledger share by share. LOTWISE_SEED seeds the
long run.
"""

import os
from collections import Counter
from datetime import timedelta
from random import Random

import pytest
from django.db.models import Model

from accounts.models import AuditEvent
from config.verification import violations
from harvesting.models import HarvestFinding
from proposals.models import HarvestedPair, Order, Proposal
from scans import services as scans
from scans.models import AccountOutcome, ScanItem, ScanRun
from tests.simulation.judgement import (
    accepted_otherwise,
    bought_too_soon,
    causes,
    decided_wrongly,
    ledger_of,
    pairs_without_a_state,
    told,
    washes,
)
from tests.simulation.life import Life
from tests.simulation.world import FIRST_DAY, make_world

SEED = int(os.environ.get("LOTWISE_SEED", "20221228"))
DAYS = 400
LONG_RUNS = 12
# What a life of four hundred days has at least, and lives on the average.
LEAST = {
    "nights": 24, "done harvest": 2, "done swap_back": 1, "done rebalance": 3, "rejected": 1, "fills": 40,
    "instructions followed": 3, "reinvestments": 2, "deposits": 1, "statements that agreed": 2,
}  # fmt: skip

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]


def lived(
    seed: int, days: int, *, outside: bool = False, prices_washes: bool = False, households: int = 1
) -> Life:
    world = make_world(seed, households=households, prices_washes=prices_washes)
    life = Life(world, outside=outside)
    life.run(days)
    life.tell()
    return life


def assert_sound(life: Life) -> None:
    """No wash sale of ours, at the end and on the way; and what the house promises about its records."""
    firm = life.world.firm
    for client in life.world.clients:
        ledger = ledger_of(client.household.pk)
        judged = causes(washes(ledger), life.bought_outside)
        assert not judged.ours, f"seed {life.world.seed}\n{told(judged.ours, ledger)}"
        assert accepted_otherwise(ledger, client.household.pk, judged.accepted) == []
        for part in (1, 2, 3):
            until = FIRST_DAY + (life.today - FIRST_DAY) * part / 4
            early = ledger_of(client.household.pk, until)
            assert not causes(washes(early), life.bought_outside).ours
        if not life.bought_outside:
            assert bought_too_soon(client.household.pk, ledger) == []
    assert life.ended.broken == []
    assert decided_wrongly(firm) == []
    run = ScanRun.objects.filter(firm=firm).latest("business_date")
    assert pairs_without_a_state(firm, run.business_date) == []
    assert list(violations()) == []
    assert_nothing_is_left_of(run)


def assert_nothing_is_left_of(run: ScanRun) -> None:
    """I16: the same night again writes nothing at all."""
    before = everything()
    again = scans.open_run(firm_id=run.firm_id, as_of=run.business_date, wake_workers=False)
    assert again.pk == run.pk
    assert list(scans.work_through(run_id=run.pk)) == []
    assert everything() == before


def everything() -> list[list[dict[str, object]]]:
    """Every row that a night may write, with its clocks."""
    tables: tuple[type[Model], ...] = (
        ScanRun, ScanItem, AccountOutcome, Proposal, Order, HarvestFinding, HarvestedPair, AuditEvent,
    )  # fmt: skip
    return [list(table._default_manager.order_by("pk").values()) for table in tables]


def test_four_hundred_days_of_approvals_make_no_wash_sale():
    life = lived(3, DAYS)
    assert_sound(life)
    assert life.today >= FIRST_DAY + timedelta(days=DAYS - 4)  # the last business date of them
    assert_something_happened([life])


def test_what_a_client_buys_by_himself_may_wash_and_nothing_else_does():
    life = lived(6, 120, outside=True)
    assert_sound(life)
    assert life.counts["outside trades"] >= 5
    assert life.counts["done harvest"] >= 1


def assert_something_happened(lives: list[Life]) -> None:
    """A year in which nothing was traded would prove nothing: at least so often a life, on the average."""
    total: Counter[str] = Counter()
    for life in lives:
        total += life.counts
    for what, least in LEAST.items():
        assert total[what] >= least * len(lives), f"{what}: {total[what]} of {dict(total)}"


@pytest.mark.chaos
def test_many_firms_live_four_hundred_days_without_a_wash_sale():
    """Two households a firm; every third firm offers strategic wash sales, which are accepted by name to the cent."""
    rng = Random(SEED)
    lives = []
    for number in range(LONG_RUNS):
        lives.append(
            lived(rng.randrange(10**6), DAYS, households=2, prices_washes=number % 3 == 0)
        )  # fmt: skip
        assert_sound(lives[-1])
    assert_something_happened(lives)
    if sum(life.counts["strategic wash sales offered"] for life in lives) > 3:
        assert any(life.counts["washes accepted by name"] for life in lives)


@pytest.mark.chaos
def test_many_clients_buy_by_themselves_and_every_wash_sale_is_theirs():
    rng = Random(SEED + 1)
    lives = [lived(rng.randrange(10**6), DAYS, outside=True) for _ in range(LONG_RUNS // 3)]
    for life in lives:
        assert_sound(life)
    assert sum(life.counts["outside trades"] for life in lives) >= 15 * len(lives)
