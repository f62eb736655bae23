"""Trades a second through the tax engine, exact, in ONE identical group; beside a naive scan of each loss's window.

Every size runs in a process of its own, so that time and memory are its own.
"""

import gc
import math
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from multiprocessing import get_context
from random import Random
from statistics import linear_regression

import psutil

from accounts.types import AccountKind
from benchmarks.naive_window_scan import total_disallowed
from benchmarks.report import Figure
from lots.replay import replay
from lots.types import EntryKind, LedgerAccount, LedgerEntry, Policy

SIZES = (1_000, 10_000, 100_000, 1_000_000)
NAIVE_SIZES = (1_000, 2_000, 4_000)
TARGET_RATE = 100_000.0  # trades/s
TARGET_EXPONENT = 1.1  # of the time over the number of trades; 1 is flat time per trade
TARGET_BYTES = 2_000.0  # per trade: a million of them within 2 GB

ACCOUNTS = (
    LedgerAccount("joint", AccountKind.TAXABLE, "ann"),
    LedgerAccount("own", AccountKind.TAXABLE, "ann"),
    LedgerAccount("spouse", AccountKind.TAXABLE, "bob"),
    LedgerAccount("ira", AccountKind.TRADITIONAL_IRA, "ann"),
)
SYMBOLS = ("VOO", "SPY")
GROUPS = (frozenset(SYMBOLS),)
_SPAN = timedelta(days=3652)  # ten years, however many trades: the window fills as the ledger grows
_CENT = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Run:
    """One size: seconds, bytes that the process grew by, dollars disallowed, matches."""

    trades: int
    seconds: float
    grown_bytes: int
    disallowed: Fraction
    matches: int


def make_trades(count: int, seed: int) -> list[LedgerEntry]:
    """``count`` purchases, reinvestments and sales over ten years along a random walk, in order of execution."""
    rng = Random(seed)
    prices = dict.fromkeys(SYMBOLS, 100.0)
    held: dict[tuple[str, str], Decimal] = {}
    trades = []
    for number in range(count):
        account = rng.choices(ACCOUNTS, weights=(5, 3, 3, 1))[0].id
        symbol = rng.choice(SYMBOLS)
        # The walk gets finer as trades get denser: ten years of it go equally far.
        step = rng.gauss(0.0, 0.6 / math.sqrt(count))
        prices[symbol] = min(max(prices[symbol] * math.exp(step), 20.0), 500.0)
        price = Decimal(round(prices[symbol] * 100)) * _CENT
        held_here = held.get((account, symbol), Decimal(0))
        kind, shares = _action(rng, held_here)
        held[account, symbol] = held_here + (-shares if kind is EntryKind.SELL else shares)
        trades.append(
            LedgerEntry(
                id=f"t{number}",
                trade_date=date(2015, 1, 2) + _SPAN * number // count,
                account=account,
                kind=kind,
                security=symbol,
                quantity=shares,
                amount=(shares * price).quantize(_CENT),
                fee=Decimal("0.35") if kind is not EntryKind.REINVEST else Decimal(0),
            )
        )
    return trades


def _action(rng: Random, held: Decimal) -> tuple[EntryKind, Decimal]:
    chance = rng.random()
    if chance < 0.05:
        return EntryKind.REINVEST, Decimal(rng.randint(100, 99_999)) / 10_000
    shares = Decimal(rng.randint(1, 200))
    if chance < 0.52 and held:
        return EntryKind.SELL, min(shares, held)
    return EntryKind.BUY, shares


def run_engine(count: int, seed: int) -> Run:
    """Replay ``count`` trades once, after a small replay that loads the code."""
    replay(make_trades(100, seed), ACCOUNTS, GROUPS)
    trades = make_trades(count, seed)
    gc.collect()
    process = psutil.Process()
    before, began = process.memory_info().rss, time.perf_counter()
    result = replay(trades, ACCOUNTS, GROUPS, Policy())
    seconds = time.perf_counter() - began
    grown = process.memory_info().rss - before
    disallowed = sum((row.disallowed for row in result.realized), Fraction(0))
    return Run(count, seconds, grown, disallowed, len(result.matches))


def run_naive(count: int, seed: int) -> Run:
    """The same trades through the window scan."""
    trades = make_trades(count, seed)
    retirement = {account.id for account in ACCOUNTS if not account.kind.is_taxable}
    began = time.perf_counter()
    disallowed = total_disallowed(trades, retirement)
    return Run(count, time.perf_counter() - began, 0, disallowed, 0)


def measure(*, seed: int, largest: int) -> list[Figure]:
    """Sizes up to ``largest`` through the engine, and the small ones through the scan; refuses where both differ."""
    engine = [_apart(run_engine, size, seed) for size in SIZES if size <= largest]
    beside = [_apart(run_engine, size, seed) for size in NAIVE_SIZES]
    naive = [_apart(run_naive, size, seed) for size in NAIVE_SIZES]
    for ours, theirs in zip(beside, naive, strict=True):
        if ours.disallowed != theirs.disallowed:
            raise RuntimeError(
                f"{ours.trades} trades: the engine disallows {float(ours.disallowed):.2f}, "
                f"the scan {float(theirs.disallowed):.2f}"
            )
    return [*_engine_figures(engine), *_naive_figures(beside, naive)]


def _apart(run: Callable[[int, int], Run], size: int, seed: int) -> Run:
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as alone:
        result = alone.submit(run, size, seed).result()
    _say(
        f"{run.__name__}: {size} trades in {result.seconds:.3f} s, "
        f"{result.matches} matches, {float(result.disallowed):,.2f} disallowed"
    )
    return result


def exponent(runs: Sequence[Run]) -> float:
    """b of seconds ~ trades ** b, by least squares over the logarithms."""
    trades = [math.log(run.trades) for run in runs]
    return linear_regression(trades, [math.log(run.seconds) for run in runs]).slope


def _engine_figures(runs: Sequence[Run]) -> list[Figure]:
    figures = [
        Figure(
            f"ledger.trades_per_second.{run.trades}",
            run.trades / run.seconds, "trades/s", TARGET_RATE, "target",
        )
        for run in runs
    ]  # fmt: skip
    largest = runs[-1]
    if len(runs) > 1:
        figures.append(
            Figure("ledger.growth", exponent(runs), "exponent", TARGET_EXPONENT, "limit")
        )
    figures.append(
        Figure(
            "ledger.memory",
            largest.grown_bytes / largest.trades, "bytes/trade", TARGET_BYTES, "limit",
        )
    )  # fmt: skip
    return figures


def _naive_figures(engine: Sequence[Run], naive: Sequence[Run]) -> list[Figure]:
    return [
        Figure(
            f"ledger.beside_window_scan.{ours.trades}",
            ours.trades / ours.seconds, "trades/s", theirs.trades / theirs.seconds, "window scan",
        )
        for ours, theirs in zip(engine, naive, strict=True)
    ] + [
        Figure("ledger.growth_beside_window_scan", exponent(engine), "exponent", exponent(naive), "window scan")
    ]  # fmt: skip


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
