"""A process of its own with one thread of linear algebra: the libraries read that once, when they are loaded."""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from typing import ParamSpec, TypeVar

from benchmarks.servers import ONE_THREAD

_P = ParamSpec("_P")
_T = TypeVar("_T")


def alone(run: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
    """What ``run`` returns in a fresh process; it prints where this one does."""
    with _one_thread(), ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
        return process.submit(run, *args, **kwargs).result()


@contextmanager
def _one_thread() -> Iterator[None]:
    """For processes started meanwhile."""
    wanted = {**ONE_THREAD, "RAYON_NUM_THREADS": "1"}
    before = {name: os.environ.get(name) for name in wanted}
    os.environ.update(wanted)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
