"""Child processes that never outlive the one who started them."""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None


class ChildError(RuntimeError):
    """A process of ours did not start, or did not become ready; the text is one for people."""

    code = "child_failed"


def spawn(
    arguments: Sequence[str | Path],
    *,
    log: Path,
    environment: Mapping[str, str],
    user: str | None = None,
    farewell: signal.Signals = signal.SIGTERM,
    folder: Path | None = None,
) -> subprocess.Popen[bytes]:
    """Start a program in a session of its own, its output in a new `log`; the one before is kept beside it.

    A session of its own, so that a Ctrl-C in the terminal reaches only the supervisor, which ends its
    children in the right order. On Linux the kernel sends `farewell` should the parent die without a word.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    if log.exists():  # or the end of an old log would explain a new death
        log.replace(log.with_suffix(".old.log"))
    parent = os.getpid()

    def tether() -> None:
        if _LIBC is not None:
            _LIBC.prctl(_PR_SET_PDEATHSIG, int(farewell), 0, 0, 0)
            if os.getppid() != parent:  # it died before the tether was tied
                os._exit(1)

    with log.open("ab") as output:
        return subprocess.Popen(
            [str(argument) for argument in arguments],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=dict(environment),
            cwd=folder,
            start_new_session=True,
            preexec_fn=tether,
            user=user,
            group=_group_of(user),
            extra_groups=None if user is None else [],
        )


def _group_of(user: str | None) -> int | None:
    if user is None:
        return None
    import pwd  # not on every platform, and needed for root only

    return pwd.getpwnam(user).pw_gid


def wait_until(
    ready: Callable[[], bool],
    *,
    name: str,
    process: subprocess.Popen[bytes],
    log: Path,
    limit: float,
) -> None:
    """Return as soon as `ready()`; raise ChildError when the process ends or `limit` seconds pass first."""
    deadline = time.monotonic() + limit
    while not ready():
        if process.poll() is not None:
            raise ChildError(
                f"{name} stopped while starting (exit {process.returncode}); "
                f"the end of {log}:\n{tail(log)}"
            )
        if time.monotonic() > deadline:
            raise ChildError(
                f"{name} did not come up within {limit:g} seconds; the end of {log}:\n{tail(log)}"
            )
        time.sleep(0.05)


def tail(log: Path, *, lines: int = 8) -> str:
    """The last lines of a log, indented; a hint when there are none."""
    if not log.exists():
        return "  (no log)"
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - 16_384))
        text = file.read().decode(errors="replace")
    return "\n".join(f"  {line}" for line in text.splitlines()[-lines:]) or "  (empty)"


def end(
    process: subprocess.Popen[bytes], *, limit: float, farewell: signal.Signals = signal.SIGTERM
) -> None:
    """Ask a process to end, wait up to `limit` seconds, then kill what is left of its group."""
    if process.poll() is None:
        process.send_signal(farewell)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=limit)
    kill_group(process)


def kill_group(process: subprocess.Popen[bytes]) -> None:
    """Kill a process of `spawn` and every descendant that stayed in its group."""
    # macOS says "permission" for a group of zombies
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
