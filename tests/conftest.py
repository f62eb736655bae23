"""Real servers for the tests: one PostgreSQL and one Valkey for a whole pytest run, one database per worker.

Pure tests start nothing. With pytest-xdist the controller starts the servers and the workers inherit their
addresses; each worker clones a database from one migrated template and takes a Valkey database number of
its own. DATABASE_URL and REDIS_URL in the environment are used instead where they are set.
"""

import fcntl
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import connection, connections
from django.db.backends.postgresql.operations import DatabaseOperations
from pytest_django import DjangoDbBlocker

from config import children, servers
from config.environment import broker_from_url, database_from_url

if TYPE_CHECKING:
    from playwright.sync_api import Browser

TEMPLATE = "lotwise_template"
CHROMIUM_FLAGS = [
    "--no-sandbox",  # needed as root
    "--disable-gpu",
    "--disable-dev-shm-usage",  # containers give little shared memory
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
_started = pytest.StashKey["_RunServers"]()


class _RunServers:
    """The servers this process started, in a folder that goes away with them."""

    def __init__(self) -> None:
        self.folder = make_server_folder()
        place = servers.Place(folder=self.folder, logs=self.folder / "log")
        self.postgres = servers.PostgresServer(place, durable=False)
        self.valkey = servers.ValkeyServer(place, durable=False)

    def start(self) -> None:
        if not os.environ.get("DATABASE_URL"):
            self.postgres.start()
            os.environ["DATABASE_URL"] = self.postgres.url()
            os.environ["LOTWISE_TEST_SERVERS"] = str(
                self.folder
            )  # they are ours: a template may be made
        if not os.environ.get("REDIS_URL"):
            self.valkey.start()
            os.environ["REDIS_URL"] = self.valkey.url()

    def stop(self) -> None:
        if self.postgres.process is not None:
            del os.environ["DATABASE_URL"], os.environ["LOTWISE_TEST_SERVERS"]
            self.postgres.stop()
        if self.valkey.process is not None:
            del os.environ["REDIS_URL"]
            self.valkey.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


def make_server_folder() -> Path:
    """A new folder with a short path that PostgreSQL's user may pass when root runs the tests."""
    root = os.geteuid() == 0
    parent = os.environ.get("LOTWISE_TEST_SERVERS") or ("/tmp" if root else None)
    folder = Path(tempfile.mkdtemp(prefix="lotwise-test-", dir=parent))
    folder.chmod(0o711 if root else 0o700)
    return folder


def pytest_configure(config: pytest.Config) -> None:
    """Under xdist the controller owns the servers; alone, the first test that needs them starts them."""
    config.addinivalue_line("markers", "chaos: long, seeded fault tests; `make chaos` runs them")
    Path(settings.STATIC_ROOT).mkdir(
        parents=True, exist_ok=True
    )  # or WhiteNoise warns in each test
    if config.getoption("numprocesses", None) and not config.getoption("collectonly"):
        _start_servers(config)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Also after Ctrl-C."""
    if (running := config.stash.get(_started, None)) is not None:
        running.stop()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """The chaos tests run only when they are asked for."""
    if "chaos" in (config.getoption("markexpr") or ""):
        return
    chaos = [item for item in items if item.get_closest_marker("chaos")]
    if chaos:
        config.hook.pytest_deselected(items=chaos)
        items[:] = [item for item in items if item not in chaos]


def _start_servers(config: pytest.Config) -> None:
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a time limit cleans up like Ctrl-C
    running = _RunServers()
    config.stash[_started] = running
    running.start()


@pytest.fixture(scope="session")
def server_addresses(request: pytest.FixtureRequest) -> Mapping[str, str]:
    """DATABASE_URL and REDIS_URL of this run, Django and Celery pointed at them."""
    if not (os.environ.get("DATABASE_URL") and os.environ.get("REDIS_URL")):
        _start_servers(request.config)
    worker = os.environ.get("PYTEST_XDIST_WORKER", "gw-1")
    os.environ["REDIS_URL"] = _numbered(os.environ["REDIS_URL"], int(worker[2:]) + 1)
    addresses = {name: os.environ[name] for name in ("DATABASE_URL", "REDIS_URL")}
    _point_django_at(addresses)
    return addresses


def _numbered(redis_url: str, number: int) -> str:
    """The same server, another of its 16 databases."""
    parts = urlsplit(redis_url)
    if parts.scheme == "unix":
        return f"unix://{parts.path}?db={number % 16}"  # geturl() would drop two of the slashes
    return parts._replace(path=f"/{number % 16}").geturl()


def _point_django_at(addresses: Mapping[str, str]) -> None:
    """Settings were loaded before there were servers: change them in place, before the first connection."""
    from config.celery import app

    known = connections.settings["default"]
    fresh = database_from_url(addresses["DATABASE_URL"])
    known.update(fresh, TEST={**known["TEST"], **fresh["TEST"]})
    settings.DATABASE_URL, settings.REDIS_URL = addresses["DATABASE_URL"], addresses["REDIS_URL"]
    settings.CELERY_BROKER_URL = broker_from_url(settings.REDIS_URL)
    app.conf.update(broker_url=settings.CELERY_BROKER_URL)


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    server_addresses: Mapping[str, str],
    django_db_modify_db_settings_parallel_suffix: None,
    django_db_blocker: DjangoDbBlocker,
) -> None:
    """Before pytest-django makes a worker's test database: servers, and the template to clone it from."""
    _let_flush_empty_append_only_tables()
    ours = os.environ.get("LOTWISE_TEST_SERVERS")
    if ours and "PYTEST_XDIST_WORKER" in os.environ:
        with django_db_blocker.unblock():
            _make_template_once(Path(ours))
        connections.settings["default"]["TEST"]["TEMPLATE"] = TEMPLATE


def _let_flush_empty_append_only_tables() -> None:
    """Triggers refuse TRUNCATE of the ledger and the audit trail, rightly; only the flush between tests may.

    Needs a superuser, as the embedded server's owner is.
    """
    flush = DatabaseOperations.execute_sql_flush

    def flush_without_triggers(self: DatabaseOperations, sql_list: Iterable[str]) -> None:
        flush(self, ["SET LOCAL session_replication_role = replica", *sql_list])

    # Of the class: beside a browser's event loop a test may have another connection than the fixture had.
    DatabaseOperations.execute_sql_flush = flush_without_triggers  # type: ignore[assignment, method-assign]


def _make_template_once(folder: Path) -> None:
    """The first worker migrates; the others wait for it, then clone."""
    with (folder / "template.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with connection._nodb_cursor() as cursor:
            cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [TEMPLATE])
            if cursor.fetchone() is not None:
                return
            cursor.execute(f"CREATE DATABASE {TEMPLATE}_draft")
        name = connection.settings_dict["NAME"]
        connection.close()
        connection.settings_dict["NAME"] = f"{TEMPLATE}_draft"
        try:
            call_command("migrate", verbosity=0, interactive=False)
        finally:
            connection.close()
            connection.settings_dict["NAME"] = name
        with connection._nodb_cursor() as cursor:
            cursor.execute(f"ALTER DATABASE {TEMPLATE}_draft RENAME TO {TEMPLATE}")


@pytest.fixture
def server_folder() -> Iterator[Path]:
    """An empty folder for a test that starts servers of its own."""
    folder = make_server_folder()
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def shared_server_folder() -> Iterator[Path]:
    """The same for all tests of a module, which find each other's data."""
    folder = make_server_folder()
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def process_environment(
    transactional_db: None, server_addresses: Mapping[str, str]
) -> dict[str, str]:
    """The environment of a process that shall work on this test's database and Valkey."""
    parts = urlsplit(server_addresses["DATABASE_URL"])
    database = quote(str(connection.settings_dict["NAME"]))
    return {
        **os.environ,
        **server_addresses,
        "DATABASE_URL": parts._replace(path=f"/{database}").geturl(),
        "OMP_NUM_THREADS": "1",
    }


@pytest.fixture
def celery_worker_process(
    process_environment: dict[str, str], tmp_path: Path
) -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Start real Celery workers: `celery_worker_process(concurrency=1, environment={...})`, ready on return.

    Its test must commit: `process_environment` brings a transactional database. All end with the test.
    """
    import redis

    with closing(redis.Redis.from_url(process_environment["REDIS_URL"])) as client:
        client.flushdb()
    workers: list[subprocess.Popen[bytes]] = []

    def start(
        *, concurrency: int = 1, environment: Mapping[str, str] | None = None
    ) -> subprocess.Popen[bytes]:
        number = len(workers)
        log = tmp_path / f"worker-{number}.log"
        command = [sys.executable, "-m", "celery", "-A", "config", "worker", "--loglevel", "INFO"]
        command += ["--concurrency", str(concurrency), "--hostname", f"test{number}@%h"]
        command += ["--without-gossip", "--without-mingle"]
        worker = children.spawn(
            command,
            log=log,
            environment={**process_environment, **(environment or {})},
            folder=settings.BASE_DIR,
        )
        workers.append(worker)
        children.wait_until(
            lambda: b" ready." in log.read_bytes(),
            name="the Celery worker",
            process=worker,
            log=log,
            limit=60,
        )
        return worker

    yield start
    for worker in workers:
        children.end(worker, limit=10)


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator["Browser"]:
    """The system's Chromium under Playwright; skips where there is none."""
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    if program is None:
        pytest.skip("no Chromium on this machine (on Debian: apt-get install chromium)")
    from playwright.sync_api import sync_playwright

    away = str(tmp_path_factory.mktemp("chromium"))
    # Playwright runs an event loop in this thread; without this Django refuses the ORM beside it.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=program,
            args=CHROMIUM_FLAGS,
            # its crash reports and caches do not belong into somebody's home
            env={**os.environ, **dict.fromkeys(("XDG_CONFIG_HOME", "XDG_CACHE_HOME"), away)},
        )
        yield browser
        browser.close()
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]
