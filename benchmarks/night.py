"""A whole night of a large firm through Celery: screen, exact looks, proposals written; and one of twice the accounts.

Then, with nothing else going on, the night's daily review is written again, and households that the night had something
to propose for are looked at again one by one.

The target is for 10,000 accounts with 1,000,000 lots and two workers on two cores, in proportion for fewer. Beside the
wall time stands the processor's, of the workers and of PostgreSQL: on a machine that is busy with other things, it is
what the night takes.
"""

import statistics
import sys
import time
from subprocess import Popen

import psutil
from django.db.models import Count
from tqdm import tqdm

from accounts.models import Account, Firm, Household, User
from accounts.types import Role
from benchmarks.firm import AS_OF
from benchmarks.night_firm import make_large_firm
from benchmarks.report import Figure
from benchmarks.servers import celery_worker, largest_process_bytes
from lots.models import TaxLot
from scans import review_services, selectors, services
from scans.models import ScanItem, ScanRun
from scans.types import Job

WALL_TARGET_SECONDS = 600.0  # for 10,000 accounts
CORES = 2
GROWTH_TARGET = 2.2  # times the time for twice the accounts
REVIEW_LIMIT = 0.05  # the daily review's part of the processor time of a night
MEMORY_TARGET_MB = 1024.0
INTRADAY_TARGET_SECONDS = 1.0  # one household, on demand
_LOOKED_AT_AGAIN = 20
_POLL_SECONDS = 0.5


def measure(*, accounts: int, processes: int, seed: int) -> list[Figure]:
    """Half the accounts first, then all of them, each a firm of its own with fresh workers.

    The whole firm is the half one twice: what grows is the firm, and not by chance the share of it that has to trade.
    """
    half = accounts // 2
    _, half_wall, half_cpu, half_peak = _night(half, processes, seed, alike=half)
    firm, wall, cpu, peak = _night(accounts, processes, seed, alike=half)
    reviewed = _review_again(firm)
    looks = _look_again(firm)
    target = WALL_TARGET_SECONDS * accounts / 10_000
    return [
        Figure(f"night.wall.{accounts}", wall, "s", target, "target"),
        Figure(f"night.cpu.{accounts}", cpu, "s", target * CORES, "target of two cores"),
        Figure("night.growth_wall", wall / half_wall, "times", GROWTH_TARGET, "limit"),
        Figure("night.growth_cpu", cpu / half_cpu, "times", GROWTH_TARGET, "limit"),
        Figure("night.daily_review", reviewed / (cpu - reviewed), "of the night", REVIEW_LIMIT, "limit"),
        Figure("night.worker_peak_memory", max(peak, half_peak) / 2**20, "MB", MEMORY_TARGET_MB, "limit"),
        Figure("intraday.median", statistics.median(looks), "s", INTRADAY_TARGET_SECONDS, "target"),
        Figure("intraday.slowest", max(looks), "s", INTRADAY_TARGET_SECONDS, "target"),
    ]  # fmt: skip


def _night(
    accounts: int, processes: int, seed: int, *, alike: int
) -> tuple[Firm, float, float, int]:
    """The firm, wall seconds, processor seconds, and the peak of the largest worker in bytes."""
    _say(f"Making a firm of {accounts} accounts ...")
    firm = make_large_firm(name=f"Night {accounts}", accounts=accounts, alike=alike, seed=seed)
    lots = TaxLot.objects.filter(account__firm=firm).count()
    _say(f"Its night, {lots} lots, with {processes} processes ...")
    with celery_worker(processes=processes) as worker:
        watched = _Watched(worker)
        began = time.perf_counter()
        run = services.open_run(firm_id=firm.pk, as_of=AS_OF)
        opened = time.perf_counter() - began
        _wait(run, worker, watched)
        wall = time.perf_counter() - began
        cpu = watched.cpu_seconds()
    _say(
        f"  {wall:.0f} s, of which {opened:.1f} s to screen and open; {cpu:.0f} s of the processor"
    )
    _tell(firm, run)
    return firm, wall, cpu, watched.peak


def _review_again(firm: Firm) -> float:
    """Processor seconds of writing the night's daily review once more, its old lines taken away first."""
    watched = _Watched()
    review = review_services.open_review(firm_id=firm.pk, job=Job.DAILY, as_of=AS_OF, again=True)
    seconds = watched.cpu_seconds()
    lines = review.findings.count()
    _say(f"  its daily review again: {lines} lines, {seconds:.2f} s of the processor")
    return seconds


def _look_again(firm: Firm) -> list[float]:
    """Wall seconds of each look at one household, those with the most lots among those with a proposal."""
    adviser = User.objects.create_user(
        username=f"adviser-{firm.pk}", firm=firm, role=Role.OPERATIONS, password=None
    )
    busiest = (
        Household.objects.filter(firm=firm, proposals__isnull=False)
        .annotate(lots=Count("accounts__tax_lots", distinct=True))
        .order_by("-lots", "pk")[: _LOOKED_AT_AGAIN + 1]
    )
    seconds = []
    for household in busiest:
        began = time.perf_counter()
        services.scan_household_now(user=adviser, household=household)
        seconds.append(time.perf_counter() - began)
    return seconds[1:]  # the first loads the solver, as a web process has long done


def _wait(run: ScanRun, worker: Popen[bytes], watched: "_Watched") -> None:
    with tqdm(total=run.items.count(), unit="household", disable=None, leave=False) as bar:
        while run.finished_at is None:
            time.sleep(_POLL_SECONDS)
            if worker.poll() is not None:
                raise RuntimeError("the worker ended; build/bench-worker.log has the reason")
            watched.look()
            run.refresh_from_db()
            bar.update(run.items.filter(finished_at__isnull=False).count() - bar.n)


class _Watched:
    """Processor time of the Celery worker where there is one, PostgreSQL and this process, ended processes too."""

    def __init__(self, worker: Popen[bytes] | None = None) -> None:
        self._roots = {psutil.Process().pid, psutil.Process().pid if worker is None else worker.pid}
        self._worker = worker
        self._seen: dict[tuple[int, float], float] = {}
        self.peak = 0
        self.look()
        self._before = dict(self._seen)

    def look(self) -> None:
        if self._worker is not None:
            self.peak = max(self.peak, largest_process_bytes(self._worker.pid))
        for process in psutil.process_iter():
            try:
                if self._is_ours(process):
                    times = process.cpu_times()
                    self._seen[process.pid, process.create_time()] = times.user + times.system
            except psutil.Error:  # ended between two lines
                continue

    def _is_ours(self, process: psutil.Process) -> bool:
        return any(one.pid in self._roots for one in (process, *process.parents()))

    def cpu_seconds(self) -> float:
        self.look()
        return sum(self._seen.values()) - sum(self._before.values())


def _tell(firm: Firm, run: ScanRun) -> None:
    """Raises RuntimeError unless every account has its outcome."""
    progress = selectors.progress_of(run)
    accounts = Account.objects.filter(firm=firm).count()
    if progress.failed or progress.accounts_scanned + progress.accounts_skipped != accounts:
        raise RuntimeError(f"the night is not complete: {progress}")
    quiet = ScanItem.objects.filter(run=run, screened="quiet").count()
    _say(
        f"  households: {progress.total}, ruled out in bulk: {quiet}, by reason: {progress.by_reason}; "
        f"proposals: {progress.proposals}"
    )


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
