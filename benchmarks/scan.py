"""A night through Celery, beside the same work in the foreground in one process."""

import sys
import time
from subprocess import Popen

from tqdm import tqdm

from accounts.models import Account, Firm
from benchmarks.firm import AS_OF, make_firm
from benchmarks.report import Figure
from benchmarks.servers import celery_worker, largest_process_bytes
from scans import selectors, services
from scans.models import ScanRun

WALL_TARGET_SECONDS = 180.0  # for 1,000 accounts and two workers on two cores
MEMORY_TARGET_MB = 1024.0
_POLL_SECONDS = 0.25


def measure(*, accounts: int, anchor_accounts: int, processes: int, seed: int) -> list[Figure]:
    """Make both firms, scan both, and return accounts a second, wall time and the largest worker."""
    _say(f"Making a firm of {accounts} accounts and one of {anchor_accounts} ...")
    firm = make_firm(name="Benchmark", accounts=accounts, seed=seed)
    anchor = make_firm(name="Anchor", accounts=anchor_accounts, seed=seed)
    _say(f"Scanning {anchor_accounts} accounts in the foreground ...")
    anchor_rate = anchor_accounts / _scan_in_foreground(anchor)
    _say(f"Scanning {accounts} accounts through Celery with {processes} processes ...")
    with celery_worker(processes=processes) as worker:
        seconds, peak_bytes = _scan_through_celery(firm, worker)
    _refuse_gaps(firm)
    return [
        Figure(
            "scan.accounts_per_second", accounts / seconds, "accounts/s", anchor_rate, "foreground"
        ),
        Figure("scan.wall", seconds, "s", WALL_TARGET_SECONDS * accounts / 1000, "target"),
        Figure("scan.worker_peak_memory", peak_bytes / 2**20, "MB", MEMORY_TARGET_MB, "target"),
    ]


def _scan_in_foreground(firm: Firm) -> float:
    """Seconds. The solver is loaded before the clock starts, as it is in a worker that lives for a while."""
    run = services.open_run(firm_id=firm.pk, as_of=AS_OF, wake_workers=False)
    work = services.work_through(run_id=run.pk)
    next(work)
    began = time.perf_counter()
    for _ in tqdm(work, unit="household", disable=None, leave=False):
        pass
    return time.perf_counter() - began


def _scan_through_celery(firm: Firm, worker: Popen[bytes]) -> tuple[float, int]:
    """Seconds from opening the run to its end, and the peak of the largest worker process in bytes."""
    began, peak = time.perf_counter(), 0
    run = services.open_run(firm_id=firm.pk, as_of=AS_OF)
    with tqdm(total=run.items.count(), unit="household", disable=None, leave=False) as bar:
        while run.finished_at is None:
            time.sleep(_POLL_SECONDS)
            if worker.poll() is not None:
                raise RuntimeError("the worker ended; build/bench-worker.log has the reason")
            peak = max(peak, largest_process_bytes(worker.pid))
            run = ScanRun.objects.get(pk=run.pk)
            bar.update(run.items.filter(finished_at__isnull=False).count() - bar.n)
    return time.perf_counter() - began, peak


def _refuse_gaps(firm: Firm) -> None:
    """A fast scan that leaves accounts out is not fast: raises RuntimeError unless every account has its outcome."""
    progress = selectors.progress_of(ScanRun.objects.get(firm=firm))
    accounts = Account.objects.filter(firm=firm).count()
    if progress.failed or progress.accounts_scanned + progress.accounts_skipped != accounts:
        raise RuntimeError(f"the scan is not complete: {progress}")
    _say(f"Proposals: {progress.proposals}. Households by reason: {progress.by_reason}")


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
