"""Seconds of one run: of the processor, which a busy machine disturbs little, and by the clock."""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

_T = TypeVar("_T")


@dataclass(frozen=True)
class Timing:
    """Medians over the repeats, seconds."""

    cpu: float
    wall: float


def timed(run: Callable[[], _T], *, repeats: int = 1) -> tuple[Timing, _T]:
    """The medians and the last answer."""
    if repeats < 1:
        raise ValueError(f"{repeats} repeats measure nothing")
    cpu, wall = [], []
    for _ in range(repeats):
        began_cpu, began = time.process_time(), time.perf_counter()
        answer = run()
        cpu.append(time.process_time() - began_cpu)
        wall.append(time.perf_counter() - began)
    return Timing(statistics.median(cpu), statistics.median(wall)), answer
