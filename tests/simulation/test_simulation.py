"""Whatever people approve, in whatever order it is filled: no wash sale that nobody accepted by name (I9).

A simulated firm lives for four hundred days on the real services and the real database: two nights a month, proposals
approved and rejected at random, fills in pieces and in part, deposits, dividends, savings plans and statements. Then
the independent oracle of ``tests/lots`` goes through each household's ledger share by share. LOTWISE_SEED seeds the
long run.
"""

import os
from datetime import timedelta

import pytest

from config.verification import violations
from proposals.models import Order, Proposal
from scans import services as scans
from scans.models import AccountOutcome, ScanRun
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
LONG_RUNS = 24

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]


def lived(seed: int, days: int, **kinds: bool) -> Life:
    life = Life(make_world(seed), **kinds)
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
        assert accepted_otherwise(client.household.pk, judged.accepted) == []
        for part in (1, 2, 3):
            until = FIRST_DAY + (life.today - FIRST_DAY) * part / 4
            early = ledger_of(client.household.pk, until)
            assert not causes(washes(early), life.bought_outside).ours
        if not life.bought_outside:
            assert bought_too_soon(client.household.pk, ledger) == []
    assert life.ended.broken == []
    assert decided_wrongly(firm) == []
    assert pairs_without_a_state(firm) == []
    assert list(violations()) == []
    assert_the_last_night_is_over(life)


def assert_the_last_night_is_over(life: Life) -> None:
    """I16: the same night again does nothing."""
    before = counted()
    run = ScanRun.objects.filter(firm=life.world.firm).latest("business_date")
    again = scans.open_run(
        firm_id=life.world.firm.pk, as_of=run.business_date, wake_workers=False
    )  # fmt: skip
    assert again.pk == run.pk
    assert list(scans.work_through(run_id=run.pk)) == []
    assert counted() == before


def counted() -> list[list[int]]:
    tables = (ScanRun, AccountOutcome, Proposal, Order)
    return [list(table._default_manager.order_by("pk").values_list("pk", flat=True)) for table in tables]  # fmt: skip


def test_four_hundred_days_of_approvals_make_no_wash_sale():
    life = lived(1, DAYS)
    assert_sound(life)
    done = life.counts
    assert done["nights"] >= 24
    assert done["done harvest"] >= 4
    assert done["done rebalance"] >= 4
    assert done["rejected"] >= 3
    assert done["reinvestments"] >= 3
    assert done["deposits"] >= 3
    assert life.today > FIRST_DAY + timedelta(days=DAYS)
