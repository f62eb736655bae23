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
from django.db import OperationalError, connections

from config import children, servers

ADDRESS = "127.0.0.1"
START_LIMIT_SECONDS = 60.0
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
        self._signal_waits = False
        self._stopping_since: float | None = None

    def run(self) -> None:
        """Serve until a signal asks for the end; raises UpError or a server's error after ending all."""
        refuse_taken_port(self.port)
        with claim(self.state / "up.pid") as note:
            self._note = note
            previous = {number: signal.signal(number, self._on_signal) for number in _SIGNALS}
            try:
                self._start()
                self._watch()
            except Stop:
                pass
            except children.ChildError as trouble:
                raise UpError(str(trouble)) from trouble
            finally:
                self._end_everything()
                for number, handler in previous.items():
                    signal.signal(number, handler)

    def _start(self) -> None:
        began = time.monotonic()
        self._start_servers()
        call_command("migrate", verbosity=0, interactive=False)
        self.say("Migrations   applied")
        self._load_demo()
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
        """Start the embedded servers for the addresses that are theirs; check the others answer."""
        postgres = servers.PostgresServer(self.place)
        valkey = servers.ValkeyServer(self.place)
        for server, address in ((postgres, settings.DATABASE_URL), (valkey, settings.REDIS_URL)):
            if address == server.url():
                self.embedded.append(server)
                with self._undisturbed():
                    server.start(limit=START_LIMIT_SECONDS)
                self._write_note()
                self.say(f"{server.name:<12} started")
        if postgres in self.embedded:
            self._leave_pointer()
        else:
            _refuse_silent_database()

    def _leave_pointer(self) -> None:
        """A link in the checkout to where root's data is."""
        pointer = self.state / "data"
        if self.place.folder != self.state and not pointer.is_symlink():
            pointer.symlink_to(self.place.folder)

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
            lambda: self._is_ready() or self._raise_if_one_died(),
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
        demo = _demo_hooks()
        if self._scan_marker.exists() and demo is not None and hasattr(demo, "first_scan"):
            demo.first_scan()
            connections.close_all()
            self._scan_marker.unlink()

    def _watch(self) -> None:
        while True:
            self._raise_if_one_died()
            time.sleep(0.5)

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
        self._stopping_since = self._stopping_since or time.monotonic()
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
        if self._stopping_since is not None:
            waited = time.monotonic() - self._stopping_since
            if number == signal.SIGINT and waited > HARD_STOP_DELAY_SECONDS:
                self._kill_everything()
            return
        if self._holding_signals:
            self._signal_waits = True
            return
        self._stopping_since = time.monotonic()
        raise Stop

    @contextlib.contextmanager
    def _undisturbed(self) -> Iterator[None]:
        """Hold a signal back while a child is being born, or nobody would know of it."""
        self._holding_signals = True
        try:
            yield
        finally:
            self._holding_signals = False
        if self._signal_waits:
            self._stopping_since = time.monotonic()
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
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with path.open("a+", encoding="utf-8") as note:
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
        reason = " ".join(str(trouble).split())
        raise UpError(f"The database of DATABASE_URL does not answer: {reason}") from trouble


def _demo_hooks() -> ModuleType | None:
    """The module with the demo firm's `logins` and `first_scan`, where there is one."""
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
