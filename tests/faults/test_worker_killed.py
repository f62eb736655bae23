"""A worker killed in the middle of a night loses nothing, doubles nothing and leaves nothing half done (R1)."""

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from hashlib import sha256

import pytest
from django.conf import settings

from accounts.canonical import canonical_text
from accounts.models import AuditEvent
from accounts.selectors import audit_fault
from benchmarks.firm import AS_OF, make_firm
from config import children
from proposals.models import Proposal
from scans import services
from scans.models import AccountOutcome, ScanItem
from scans.types import ItemState

SEED = int(os.environ.get("LOTWISE_SEED", "20221228"))
ACCOUNTS = 75
HOUSEHOLDS = 31
# Shortened so that a dead worker's lease ends within the test; kills of healthy work must not park it.
CLOCK = {"LOTWISE_SCAN_LEASE_SECONDS": "6", "LOTWISE_SCAN_MAX_ATTEMPTS": "10"}
LIMIT_SECONDS = 120

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize("kills", [1, pytest.param(5, marks=pytest.mark.chaos)])
def test_a_killed_worker_loses_nothing_and_doubles_nothing(
    kills, celery_worker_process, process_environment, monkeypatch
):
    monkeypatch.setattr(settings, "SCAN_MAX_ATTEMPTS", 10)
    disturbed = make_firm(name="Disturbed", accounts=ACCOUNTS, seed=SEED)
    undisturbed = make_firm(name="Undisturbed", accounts=ACCOUNTS, seed=SEED)
    run = services.open_run(firm_id=disturbed.pk, as_of=AS_OF)
    for enough in kill_points(kills):
        kill_in_the_middle(celery_worker_process(concurrency=2, environment=CLOCK), run, enough)
        assert ended(run) < HOUSEHOLDS
    celery_worker_process(concurrency=2, environment=CLOCK)
    wait_until(lambda: sweep_and_look(run))

    scan_in_foreground(undisturbed, process_environment)
    assert states(run) == {ItemState.DONE: HOUSEHOLDS}
    assert AccountOutcome.objects.filter(item__run=run).count() == ACCOUNTS
    assert ScanItem.objects.filter(run=run, attempts__gt=1).exists()
    assert_each_proposal_once(disturbed)
    assert audit_fault(disturbed) is None
    assert fingerprints(disturbed) == fingerprints(undisturbed)


def kill_points(kills):
    """How many households have ended when each kill comes; all in the middle of the night."""
    return sorted(random.Random(SEED).sample(range(3, HOUSEHOLDS * 2 // 3), kills))


def kill_in_the_middle(worker, run, enough):
    """SIGKILL the worker and both its processes while at least one of them holds a household."""
    wait_until(lambda: ended(run) >= enough)
    while True:
        os.killpg(worker.pid, signal.SIGSTOP)
        time.sleep(0.1)  # a COMMIT on its way to the server still counts
        if run.items.filter(state=ItemState.LEASED).exists():
            break
        os.killpg(worker.pid, signal.SIGCONT)
        time.sleep(0.02)
    children.kill_group(worker)


def ended(run):
    return run.items.filter(state=ItemState.DONE).count()


def states(run):
    return Counter(run.items.values_list("state", flat=True))


def wait_until(ready):
    deadline = time.monotonic() + LIMIT_SECONDS
    while not ready():
        assert time.monotonic() < deadline, "the scan came to no end"
        time.sleep(0.05)


def sweep_and_look(run):
    """What beat does once a minute, here as often as the test looks."""
    services.sweep()
    run.refresh_from_db()
    return run.finished_at is not None


def scan_in_foreground(firm, environment):
    """The same night by the command, in a process with the workers' environment."""
    subprocess.run(
        [sys.executable, "manage.py", "scan", "--as-of", str(AS_OF), "--firm", firm.name],
        cwd=settings.BASE_DIR,
        env=environment,
        check=True,
        capture_output=True,
        timeout=LIMIT_SECONDS,
    )


def assert_each_proposal_once(firm):
    kinds = Counter(Proposal.objects.filter(household__firm=firm).values_list("household", "kind"))
    assert len(kinds) > HOUSEHOLDS  # some have a harvest and a rebalance
    assert set(kinds.values()) == {1}
    submitted = AuditEvent.objects.filter(firm=firm, action="proposal.submitted").count()
    assert submitted == len(kinds)


def fingerprints(firm):
    """A hash of each proposal in words that do not depend on keys: the two firms differ in nothing else."""
    return {
        (proposal.household.name, proposal.kind): sha256(
            canonical_text(facts(proposal)).encode()
        ).hexdigest()
        for proposal in Proposal.objects.filter(household__firm=firm).select_related("household")
    }


def facts(proposal):
    figures = (
        "status",
        "as_of",
        "sentence",
        "tax_saved",
        "cost",
        "short_gain",
        "long_gain",
        "gap_bp",
    )
    return {
        **{name: getattr(proposal, name) for name in figures},
        "trades": [
            [
                trade.account.number,
                trade.security.symbol,
                trade.side,
                trade.quantity,
                trade.price,
                trade.basis,
                trade.opening and [trade.opening.account.number, trade.opening.external_id],
                trade.part,
                trade.reason,
            ]
            for trade in proposal.trades.select_related("account", "security", "opening__account")
        ],
    }
