import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import psutil
import pytest
from django.db import OperationalError

from config import demo, supervisor
from config.servers import CHECKOUT
from config.supervisor import Stop, Supervisor, UpError


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def start_up(folder: Path, port: int, *options: str, **environment: str) -> subprocess.Popen[str]:
    """`manage.py up` in a group of its own, as a terminal or `setsid make run` would start it."""
    clean = {name: value for name, value in os.environ.items() if not name.endswith("_URL")}
    return subprocess.Popen(
        [sys.executable, "manage.py", "up", "--no-demo", *options],
        cwd=CHECKOUT,
        env={**clean, "LOTWISE_DATA_DIR": str(folder), "PORT": str(port)} | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def wait_for_line(up: subprocess.Popen[str], pattern: str) -> list[str]:
    lines: list[str] = []
    assert up.stdout is not None
    for line in up.stdout:
        lines.append(line)
        if re.search(pattern, line):
            return lines
    pytest.fail(f"`up` ended before {pattern!r}:\n{''.join(lines)}")


def processes_of(folder: Path) -> list[psutil.Process]:
    """Everything alive whose command line or environment names the folder."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            words = [*process.cmdline(), process.environ().get("LOTWISE_DATA_DIR", "")]
            if process.status() != psutil.STATUS_ZOMBIE and any(str(folder) in w for w in words):
                found.append(process)
    return found


def wait_until_gone(folder: Path, *, limit: float) -> list[psutil.Process]:
    deadline = time.monotonic() + limit
    while (left := processes_of(folder)) and time.monotonic() < deadline:
        time.sleep(0.1)
    return left


@pytest.mark.slow
def test_up_serves_refuses_a_second_one_and_a_signal_to_its_group_ends_everything(
    shared_server_folder,
):
    port = free_port()
    up = start_up(shared_server_folder, port)
    try:
        wait_for_line(up, "Ctrl-C ends everything")
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz") as answer:
            assert json.load(answer) == {
                "live": True,
                "ready": True,
                "checks": {"database": True, "redis": True, "migrations": True},
            }
        for other in (free_port(), port):
            second = start_up(shared_server_folder, other)
            text, _ = second.communicate(timeout=60)
            assert second.returncode == 1
            assert f"Lotwise already runs from this folder (process {up.pid}, port {port})" in text
        assert up.poll() is None
        os.killpg(up.pid, signal.SIGTERM)
        assert up.wait(timeout=30) == 0
        assert wait_until_gone(shared_server_folder, limit=0) == []
    finally:
        up.kill()


@pytest.mark.slow
def test_a_killed_supervisor_leaves_nothing_running_and_the_next_start_works(shared_server_folder):
    if sys.platform != "linux":
        pytest.skip("elsewhere the next start cleans up")
    port = free_port()
    first = start_up(shared_server_folder, port)
    wait_for_line(first, "Ctrl-C ends everything")
    first.kill()
    first.wait()
    assert wait_until_gone(shared_server_folder, limit=20) == []
    second = start_up(shared_server_folder, port)
    try:
        wait_for_line(second, "Ctrl-C ends everything")
        web = next(p for p in psutil.Process(second.pid).children() if "gunicorn" in p.cmdline())
        web.kill()
        text, _ = second.communicate(timeout=30)
        assert "web ended by itself" in text
        assert len(text.splitlines()) <= 12
        assert second.returncode == 1
        assert wait_until_gone(shared_server_folder, limit=0) == []
    finally:
        second.kill()


def test_a_port_in_use_is_refused_in_one_line_before_anything_starts(server_folder):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        up = start_up(server_folder, taken.getsockname()[1])
        port = taken.getsockname()[1]
        text, _ = up.communicate(timeout=60)
    assert up.returncode == 1
    assert text == (
        f"CommandError: Port {port} cannot be used (Address already in use): "
        "stop what listens there, or choose another with PORT=8001 make run\n"
    )
    assert not (server_folder / "postgresql").exists()


def test_a_port_that_is_no_number_is_refused_in_one_line(server_folder):
    up = start_up(server_folder, 1, PORT="http")
    text, _ = up.communicate(timeout=60)
    assert up.returncode == 1
    assert text == "PORT='http': use a whole number from 1 to 65535\n"


@pytest.mark.parametrize(
    ("environment", "options", "said"),
    [
        ({}, ["--port", "99999"], "--port 99999: use a whole number from 1 to 65535\n"),
        ({}, ["--port", "0"], "--port 0: use a whole number from 1 to 65535\n"),
        (
            {"LOTWISE_SCAN_SWEEP_SECONDS": "1m"},
            [],
            "LOTWISE_SCAN_SWEEP_SECONDS='1m': use a whole number from 1 to 86400\n",
        ),
        (
            {"LOTWISE_DATA_DIR": "/dev/null/lotwise", "LOTWISE_SECRET_KEY": "x" * 50},
            [],
            "CommandError: /dev/null/lotwise cannot be written (Not a directory): "
            "let LOTWISE_DATA_DIR name another folder\n",
        ),
        (
            {"LOTWISE_DATA_DIR": "/dev/null/lotwise"},
            [],
            "/dev/null/lotwise/secret_key can be neither read nor made (Not a directory): "
            "let LOTWISE_DATA_DIR name another folder, or set LOTWISE_SECRET_KEY\n",
        ),
    ],
)
def test_a_wrong_setting_is_one_line_and_exit_code_1(server_folder, environment, options, said):
    up = start_up(server_folder, free_port(), *options, **environment)
    text, _ = up.communicate(timeout=60)
    assert (up.returncode, text) == (1, said)


def test_a_queue_that_does_not_answer_is_one_line_before_anything_starts(server_folder):
    up = start_up(server_folder, free_port(), REDIS_URL=f"redis://127.0.0.1:{free_port()}/0")
    text, _ = up.communicate(timeout=60)
    assert up.returncode == 1
    assert re.fullmatch(
        r"CommandError: The queue of REDIS_URL does not answer: .*refused\.\n", text
    )
    assert not (server_folder / "postgresql").exists()


def test_a_database_that_does_not_answer_is_named_and_nothing_stays_running(server_folder):
    up = start_up(
        server_folder,
        free_port(),
        DATABASE_URL=f"postgresql://u@127.0.0.1:{free_port()}/x",
    )
    text, _ = up.communicate(timeout=60)
    assert up.returncode == 1
    assert "The database of DATABASE_URL does not answer" in text
    assert wait_until_gone(server_folder, limit=0) == []


def test_a_pid_file_of_a_dead_up_stops_nobody(tmp_path):
    note = tmp_path / "up.pid"
    note.write_text(json.dumps({"pid": os.getpid(), "port": 1, "children": {}}))
    with supervisor.claim(note):
        pass
    assert note.read_text() == ""


def test_a_damaged_pid_file_stops_nobody(tmp_path):
    note = tmp_path / "up.pid"
    note.write_text("12\x00garbage")
    with supervisor.claim(note):
        pass


def test_a_pid_file_that_is_held_refuses_and_names_the_holder(tmp_path):
    note = tmp_path / "up.pid"
    with supervisor.claim(note) as held:
        json.dump({"pid": 4711, "port": 8000}, held)
        held.flush()
        with pytest.raises(UpError, match=r"process 4711, port 8000"):
            with supervisor.claim(note):
                pass


def test_children_of_a_killed_up_are_ended_and_strangers_with_their_number_are_not(tmp_path):
    child = subprocess.Popen(["sleep", "60"], start_new_session=True)
    stranger = subprocess.Popen(["sleep", "60"], start_new_session=True)
    born = psutil.Process(child.pid).create_time()
    known = {str(child.pid): born, str(stranger.pid): born - 3600}
    note = tmp_path / "up.pid"
    note.write_text(json.dumps({"pid": 1, "children": known}))
    try:
        with supervisor.claim(note):
            pass
        assert not psutil.pid_exists(child.pid)
        assert stranger.poll() is None
    finally:
        for process in (child, stranger):
            process.kill()
            process.wait()


@pytest.fixture
def quiet(tmp_path, monkeypatch):
    """A supervisor that has started nothing."""
    monkeypatch.setenv("LOTWISE_DATA_DIR", str(tmp_path))
    return Supervisor(port=free_port(), state=tmp_path, say=print)


class StopsInAFinalizer:
    """What is raised in here is printed and forgotten."""

    def __del__(self):
        signal.raise_signal(signal.SIGTERM)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_signal_that_a_finalizer_swallows_still_ends_everything(quiet, monkeypatch):
    reached = []

    def start():
        StopsInAFinalizer()
        reached.append("the line after the finalizer")

    monkeypatch.setattr(quiet, "_start", start)
    quiet.run()
    assert reached == ["the line after the finalizer"]


def test_every_signal_raises_until_the_ending_has_begun_and_none_after(quiet):
    for _ in range(2):
        with pytest.raises(Stop):
            quiet._on_signal(signal.SIGTERM, None)
    quiet._begin_ending()
    quiet._on_signal(signal.SIGTERM, None)


def test_a_signal_while_a_child_is_born_waits_for_the_birth(quiet):
    born = []

    def give_birth():
        with quiet._undisturbed():
            quiet._on_signal(signal.SIGTERM, None)
            born.append("a child")

    with pytest.raises(Stop):
        give_birth()
    assert born == ["a child"]


def test_a_child_that_dies_during_the_first_scan_is_named(quiet, monkeypatch):
    quiet._scan_marker.touch()
    quiet.processes["worker"] = subprocess.Popen(["false"])
    quiet.processes["worker"].wait()
    monkeypatch.setattr(demo, "is_loaded", lambda: True)
    monkeypatch.setattr(demo, "first_scan", lambda *, each_tick: each_tick())
    with pytest.raises(UpError, match=r"worker ended by itself \(exit 1\)"):
        quiet._first_scan()
    assert quiet._scan_marker.exists()


def test_a_database_that_goes_away_during_the_first_scan_is_one_line(quiet, monkeypatch):
    def lose_the_database(*, each_tick):
        raise OperationalError("server closed\n\tthe connection")

    quiet._scan_marker.touch()
    monkeypatch.setattr(demo, "is_loaded", lambda: True)
    monkeypatch.setattr(demo, "first_scan", lose_the_database)
    monkeypatch.setattr(quiet, "_start", quiet._first_scan)
    with pytest.raises(UpError) as trouble:
        quiet.run()
    assert str(trouble.value) == "The database went away: server closed the connection"
    assert quiet._scan_marker.exists()


@pytest.mark.parametrize("finished", [True, False])
def test_the_mark_of_a_due_first_scan_goes_only_when_it_has_finished(quiet, monkeypatch, finished):
    quiet._scan_marker.touch()
    monkeypatch.setattr(demo, "is_loaded", lambda: True)
    monkeypatch.setattr(demo, "first_scan", lambda *, each_tick: finished)
    quiet._first_scan()
    assert quiet._scan_marker.exists() is not finished


@pytest.mark.parametrize("wanted", [True, False])
@pytest.mark.django_db
def test_an_interrupted_demo_load_leaves_no_first_scan_due(quiet, wanted):
    quiet._scan_marker.touch()
    quiet.demo = wanted
    quiet._first_scan()
    assert not quiet._scan_marker.exists()
