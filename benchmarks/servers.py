"""PostgreSQL, Valkey and Celery workers of one benchmark, on a database of its own."""

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import Popen

import psutil

from config import children, servers

ONE_THREAD = {
    f"{library}_NUM_THREADS": "1"
    for library in ("OMP", "OPENBLAS", "MKL", "VECLIB_MAXIMUM", "NUMEXPR")
}
CHECKOUT = Path(__file__).resolve().parent.parent
WORKER_LOG = CHECKOUT / "build" / "bench-worker.log"


@contextmanager
def fresh_servers() -> Iterator[None]:
    """Empty servers with the settings of `manage.py up`; their addresses stand in the environment meanwhile."""
    root = os.geteuid() == 0
    folder = Path(tempfile.mkdtemp(prefix="lotwise-bench-", dir="/tmp" if root else None))
    folder.chmod(0o711 if root else 0o700)  # PostgreSQL does not run as root
    place = servers.Place(folder=folder, logs=folder / "log")
    postgres, valkey = servers.PostgresServer(place), servers.ValkeyServer(place)
    try:
        postgres.start()
        valkey.start()
        os.environ |= {"DATABASE_URL": postgres.url(), "REDIS_URL": valkey.url(), **ONE_THREAD}
        yield
    finally:
        valkey.stop()
        postgres.stop()
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def celery_worker(*, processes: int) -> Iterator[Popen[bytes]]:
    """One Celery worker with so many processes, ready for work."""
    WORKER_LOG.parent.mkdir(exist_ok=True)
    WORKER_LOG.unlink(missing_ok=True)
    command = [sys.executable, "-m", "celery", "-A", "config", "worker", "--loglevel", "INFO"]
    command += ["--concurrency", str(processes), "--without-gossip", "--without-mingle"]
    worker = children.spawn(command, log=WORKER_LOG, environment=os.environ, folder=CHECKOUT)
    try:
        children.wait_until(
            lambda: b" ready." in WORKER_LOG.read_bytes(),
            name="the Celery worker",
            process=worker,
            log=WORKER_LOG,
            limit=60,
        )
        yield worker
    finally:
        children.end(worker, limit=10)


def largest_process_bytes(parent: int) -> int:
    """Resident memory of the largest of a process and its descendants."""
    largest = 0
    for process in [psutil.Process(parent), *psutil.Process(parent).children(recursive=True)]:
        try:
            largest = max(largest, process.memory_info().rss)
        except psutil.NoSuchProcess:  # ended between two lines
            continue
    return largest
