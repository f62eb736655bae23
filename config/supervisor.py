"""`manage.py up`: start everything Lotwise needs in order, watch it, and end all of it together."""

import contextlib
import fcntl
import http.client
import importlib
import importlib.util
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType, ModuleType
from typing import IO

from django.apps import apps
from django.conf import settings
from django.core.management import call_command, get_commands
from django.db import InterfaceError, OperationalError, connections

from config import children, servers
from scans.services import release_leases

ADDRESS = "127.0.0.1"
START_LIMIT_SECONDS = 60.0
PING_SECONDS = 3.0
# Everything has to be gone before an impatient caller loses patience (about 10 s).
WORK_STOP_SECONDS = 6.0
HARD_STOP_DELAY_SECONDS = (
    0.5  # a terminal and `make` both pass one Ctrl-C on; that is not a second one
)
_ONE_THREAD = {  # the solver's and BLAS' threads: one, or results depend on the machine
    f"{library}_NUM_THREADS": "1"
    for library in ("OMP", "OPENBLAS", "MKL", "VECLIB_MAXIMUM", "NUMEXPR")
}


class UpError(RuntimeError):
    """`up` cannot start or go on; the text is one for people."""

    code = "up_failed"


class Stop(BaseException):
    """Somebody asked for the end. Not an Exception, so that no handler on the way keeps it."""


class Supervisor:
    """Starts, watches and ends the servers and processes of one checkout."""

    def __init__(
        self,
        *,
        port: int,
        state: Path,
        say: Callable[[str], None],
        demo: bool = True,
    ) -> None:
        self.port = port
        self.state = state
        self.say = say
        self.demo = demo
        self.logs = state / "log"
        self.place = servers.place_of_checkout()
        self.embedded: list[servers.PostgresServer | servers.ValkeyServer] = []
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self._holding_signals = False
        self._stop_wanted = False
        self._ending_since: float | None = None

    def run(self) -> None:
        """Serve until a signal asks for the end; raises UpError or a server's error after ending all."""
        with claim(self.place.folder / "up.pid") as note:
            self._note = note
            self._write_note()
            refuse_taken_port(self.port)
            previous = {number: signal.getsignal(number) for number in _SIGNALS}
            try:
                self._serve()
            except Stop:
                pass
            except children.ChildError as trouble:
                raise UpError(str(trouble)) from trouble
            except (OperationalError, InterfaceError) as trouble:
                self._raise_if_one_died()
                raise UpError(f"The database went away: {_one_line(trouble)}") from trouble
            finally:
                self._end_everything()
                for number, handler in previous.items():
                    signal.signal(number, handler)

    def _serve(self) -> None:
        try:
            for number in _SIGNALS:
                signal.signal(number, self._on_signal)
            self._start()
            self._watch()
        finally:
            self._begin_ending()  # here, so that a second signal cannot interrupt the ending

    def _begin_ending(self) -> None:
        """From now on a signal raises nothing."""
        self._ending_since = self._ending_since or time.monotonic()

    def _start(self) -> None:
        began = time.monotonic()
        self._start_servers()
        call_command("migrate", verbosity=0, interactive=False)
        self.say("Migrations   applied")
        self._release_leases()
        self._load_demo()
        self._go_on()
        connections.close_all()
        self._start_web()
        self._start_work()
        self.say(
            f"\nLotwise is at http://{ADDRESS}:{self.port}/ ({time.monotonic() - began:.0f} s)"
        )
        self._show_logins()
        self._first_scan()
        self.say("Ctrl-C ends everything.")

    def _start_servers(self) -> None:
        """Check that servers of others answer; start the embedded ones for the addresses that are theirs."""
        postgres = servers.PostgresServer(self.place)
        valkey = servers.ValkeyServer(self.place)
        if postgres.url() != settings.DATABASE_URL:
            _refuse_silent_database()
        if valkey.url() != settings.REDIS_URL:
            _refuse_silent_queue()
        for server, address in ((postgres, settings.DATABASE_URL), (valkey, settings.REDIS_URL)):
            if address == server.url():
                self.embedded.append(server)
                with self._undisturbed():
                    server.start(limit=START_LIMIT_SECONDS)
                self._write_note()
                self.say(f"{server.name:<12} started")

    def _release_leases(self) -> None:
        """A database that only now started has no worker yet: who still holds a household is dead."""
        if any(isinstance(server, servers.PostgresServer) for server in self.embedded):
            released = release_leases()
            if released:
                self.say(f"Work list    {released} interrupted households are free again")

    def _load_demo(self) -> None:
        if not self.demo or apps.get_model("accounts.Firm")._base_manager.exists():
            return
        if "demo" not in get_commands():
            self.say("Demo firm    skipped: there is no command `demo`")
            return
        self.say("Demo firm    loading ...")
        self._scan_marker.touch()
        call_command("demo")

    @property
    def _scan_marker(self) -> Path:
        """Exists from before the demo firm is loaded until its first scan has finished."""
        return self.state / "first-scan-is-due"

    def _start_web(self) -> None:
        """The web server alone first: what the worker imports would only delay the first page."""
        Path(settings.STATIC_ROOT).mkdir(parents=True, exist_ok=True)  # or WhiteNoise warns
        self._spawn("web", [sys.executable, "-m", "gunicorn", *_gunicorn_options(self.port)])
        children.wait_until(
            lambda: self._is_ready() or self._go_on(),
            name="the web server",
            process=self.processes["web"],
            log=self._log("web"),
            limit=START_LIMIT_SECONDS,
        )

    def _start_work(self) -> None:
        """One worker and one beat."""
        celery = [sys.executable, "-m", "celery", "-A", "config"]
        level = ["--loglevel", "INFO"]
        alone = ["--without-gossip", "--without-mingle"]  # there are no other workers to talk to
        self._spawn("worker", [*celery, "worker", "--concurrency", "2", *alone, *level])
        # beat's own pid file would only go stale: the work list makes a second beat harmless
        self._spawn("beat", [*celery, "beat", "--pidfile", "", *level])

    def _spawn(self, name: str, arguments: list[str]) -> None:
        with self._undisturbed():
            self.processes[name] = children.spawn(
                arguments,
                log=self._log(name),
                environment={**os.environ, **_ONE_THREAD, "PYTHONUNBUFFERED": "1"},
                folder=settings.BASE_DIR,
            )
        self._write_note()

    def _log(self, name: str) -> Path:
        return self.logs / f"{name}.log"

    def _is_ready(self) -> bool:
        connection = http.client.HTTPConnection(ADDRESS, self.port, timeout=5)
        try:
            connection.request("GET", "/healthz")
            return connection.getresponse().status == http.HTTPStatus.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def _show_logins(self) -> None:
        demo = _demo_hooks()
        if demo is not None and hasattr(demo, "logins") and self.demo:
            self.say("Demo logins:")
            for login in demo.logins():
                self.say("  " + (login if isinstance(login, str) else "  ".join(map(str, login))))

    def _first_scan(self) -> None:
        """A fresh demo ends with a finished scan, also when an earlier start was interrupted before it."""
        if not self._scan_marker.exists():
            return
        demo = _demo_hooks()
        if self.demo and demo is not None and demo.is_loaded():
            finished = demo.first_scan(each_tick=self._go_on)
            connections.close_all()
            if not finished:
                self.say("First scan   not finished yet; it goes on while this runs")
                return
        self._scan_marker.unlink()

    def _watch(self) -> None:
        while True:
            self._go_on()
            time.sleep(0.5)

    def _go_on(self) -> bool:
        """Every loop asks here: raises Stop for a signal that somebody swallowed, UpError for a death.

        A Stop raised while the interpreter runs a finalizer is printed and forgotten; the flag is not.
        """
        if self._stop_wanted:
            raise Stop
        return self._raise_if_one_died()

    def _raise_if_one_died(self) -> bool:
        """False while all run (so that it can stand in a condition); UpError names the one that ended."""
        logs = {server.name: (server.process, server.log) for server in self.embedded}
        logs |= {name: (process, self._log(name)) for name, process in self.processes.items()}
        for name, (process, log) in logs.items():
            if process is not None and process.poll() is not None:
                raise UpError(
                    f"{name} ended by itself (exit {process.returncode}), so everything is stopped; "
                    f"the end of {log}:\n{children.tail(log)}"
                )
        return False

    def _end_everything(self) -> None:
        """The work first, side by side, then the servers it stands on."""
        self._begin_ending()
        running = [process for process in self.processes.values() if process.poll() is None]
        if running or self.embedded:
            self.say("Stopping ...")
        for process in running:
            process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + WORK_STOP_SECONDS
        while any(process.poll() is None for process in running) and time.monotonic() < deadline:
            time.sleep(0.05)
        for process in self.processes.values():
            children.kill_group(process)
        for server in reversed(self.embedded):
            server.stop()

    def _kill_everything(self) -> None:
        """For an impatient second Ctrl-C. Only signals: who waits for the processes is interrupted by us."""
        deaths = [(process, signal.SIGKILL) for process in self.processes.values()]
        for server in self.embedded:
            if (
                server.process is not None
            ):  # PostgreSQL stops at once and recovers on its next start
                deaths.append((server.process, signal.SIGQUIT))
        for process, number in deaths:
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.killpg(process.pid, number)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if self._ending_since is not None:
            waited = time.monotonic() - self._ending_since
            if number == signal.SIGINT and waited > HARD_STOP_DELAY_SECONDS:
                self._kill_everything()
            return
        self._stop_wanted = True
        if not self._holding_signals:
            raise Stop

    @contextlib.contextmanager
    def _undisturbed(self) -> Iterator[None]:
        """Hold a signal back while a child is being born, or nobody would know of it."""
        self._holding_signals = True
        try:
            yield
        finally:
            self._holding_signals = False
        if self._stop_wanted:
            raise Stop

    def _write_note(self) -> None:
        """Who we are and whom we started, for the next start to clean up after a kill -9."""
        import psutil

        born = {}
        for process in self.processes.values():
            with contextlib.suppress(psutil.Error):
                born[str(process.pid)] = psutil.Process(process.pid).create_time()
        self._note.seek(0)
        self._note.truncate()
        json.dump({"pid": os.getpid(), "port": self.port, "children": born}, self._note)
        self._note.flush()


_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def refuse_taken_port(port: int) -> None:
    """Raise UpError unless the web server could listen there now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((ADDRESS, port))
            probe.listen(1)
        except OSError as trouble:
            raise UpError(
                f"Port {port} cannot be used ({trouble.strerror}): stop what listens there, "
                "or choose another with PORT=8001 make run"
            ) from trouble


@contextlib.contextmanager
def claim(path: Path) -> Iterator[IO[str]]:
    """Hold the checkout's pid file; the kernel lets go of it when we die, so a stale one stops nobody.

    Raises UpError while another `up` holds it. What a killed one left running is ended first.
    """
    with _open_note(path) as note:
        note.seek(0)
        try:
            fcntl.flock(note, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as trouble:
            known = _read_note(note)
            raise UpError(
                f"Lotwise already runs from this folder (process {known.get('pid', 'unknown')}, "
                f"port {known.get('port', 'unknown')}): stop it first, with Ctrl-C in its terminal"
            ) from trouble
        _end_leftovers(_read_note(note))
        try:
            yield note
        finally:
            note.seek(0)
            note.truncate()


def _open_note(path: Path) -> IO[str]:
    try:
        servers.make_parents(path.parent)
        return path.open("a+", encoding="utf-8")
    except OSError as trouble:
        raise UpError(
            f"{path.parent} cannot be written ({trouble.strerror}): "
            "let LOTWISE_DATA_DIR name another folder"
        ) from trouble


def _read_note(note: IO[str]) -> dict[str, object]:
    try:
        found = json.loads(note.read())
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _end_leftovers(known: dict[str, object]) -> None:
    """End children of a killed `up`: same process id and same time of birth, so surely ours."""
    import psutil

    leftovers = known.get("children")
    for pid, born in leftovers.items() if isinstance(leftovers, dict) else ():
        with contextlib.suppress(psutil.Error, ProcessLookupError, ValueError):
            process = psutil.Process(int(pid))
            if process.create_time() == born:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait(timeout=5)


def _refuse_silent_database() -> None:
    try:
        connections["default"].ensure_connection()
    except OperationalError as trouble:
        raise UpError(
            f"The database of DATABASE_URL does not answer: {_one_line(trouble)}"
        ) from trouble


def _refuse_silent_queue() -> None:
    import redis

    try:
        with redis.Redis.from_url(
            settings.REDIS_URL,
            socket_timeout=PING_SECONDS,
            socket_connect_timeout=PING_SECONDS,
            retry=None,
        ) as client:
            client.ping()
    except (redis.RedisError, OSError, ValueError) as trouble:
        raise UpError(f"The queue of REDIS_URL does not answer: {_one_line(trouble)}") from trouble


def _one_line(trouble: Exception) -> str:
    return " ".join(str(trouble).split()) or type(trouble).__name__


def _demo_hooks() -> ModuleType | None:
    """The module with the demo firm's `logins`, `is_loaded` and `first_scan`, where there is one."""
    if importlib.util.find_spec("config.demo") is None:
        return None
    return importlib.import_module("config.demo")


def _gunicorn_options(port: int) -> list[str]:
    return [
        "config.wsgi:application",
        "--bind", f"{ADDRESS}:{port}",
        "--workers", "2",
        "--threads", "4",
        "--preload",  # one import for all workers: quicker to the first page
        "--no-control-socket",
        "--graceful-timeout", "5",
        "--access-logfile", "-",
    ]  # fmt: skip
