"""Trades a second through the tax engine, exact, in ONE identical group; beside a naive scan of each loss's window.

Twenty trades a day along a random walk that rises slowly, in three taxable accounts and an IRA: some 1,200 trades stand
in the window of every sale, two of five sales are at a loss, and nearly every loss is washed. Where prices do not rise
at all, losses are carried from lot to lot without end and lots fall into ever more parts: that market has a figure of
its own. So has an account of many lots, each of its own cost, which sells the dearest first (HIFO), beside the same
account selling first in, first out. Every size runs in a process of its own, so that time and memory are its own; time
is that of the processor.
"""

import gc
import math
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from multiprocessing import get_context
from random import Random
from statistics import linear_regression
from typing import TypeVar

import psutil

from accounts.types import AccountKind
from benchmarks.naive_window_scan import total_disallowed
from benchmarks.report import Figure
from lots.replay import replay
from lots.types import EntryKind, LedgerAccount, LedgerEntry, Relief

SIZES = (1_000, 10_000, 100_000, 1_000_000)
NAIVE_SIZES = (1_000, 2_000, 4_000, 8_000)
FLAT_SIZE = 50_000
MANY_LOTS = 20_000  # and as many sales
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
FIRST_DAY = date(2015, 1, 2)
TRADES_A_DAY = 20  # so that some 1,200 stand in the window of each sale, however long the ledger
_CENT = Decimal("0.01")
_QUIET_DAYS = 100  # more than the window of a sale


@dataclass(frozen=True, slots=True)
class Market:
    """How a price moves in a year of 365 trading days: both in logarithms."""

    name: str
    drift: float
    volatility: float


_How = TypeVar("_How", Market, Relief)  # what a run is a run of

RISING = Market("rising", 0.03, 0.08)
FLAT = Market("flat", 0.0, 0.16)


@dataclass(frozen=True, slots=True)
class Run:
    """One size: processor seconds to replay, then to read every figure; growth in bytes; dollars disallowed."""

    trades: int
    seconds: float
    reading_seconds: float
    grown_bytes: int
    disallowed: Fraction
    matches: int


def make_trades(count: int, seed: int, market: Market = RISING) -> list[LedgerEntry]:
    """``count`` purchases, reinvestments and sales along a random walk, in order of execution."""
    rng = Random(seed)
    prices = dict.fromkeys(SYMBOLS, 100.0)
    moves_a_year = 365 * TRADES_A_DAY / len(SYMBOLS)  # of one symbol
    held: dict[tuple[str, str], Decimal] = {}
    trades = []
    for number in range(count):
        account = rng.choices(ACCOUNTS, weights=(5, 3, 3, 1))[0].id
        symbol = rng.choice(SYMBOLS)
        noise = rng.gauss(0.0, market.volatility / math.sqrt(moves_a_year))
        prices[symbol] = max(1.0, prices[symbol] * math.exp(market.drift / moves_a_year + noise))
        price = Decimal(round(prices[symbol] * 100)) * _CENT
        held_here = held.get((account, symbol), Decimal(0))
        kind, shares = _action(rng, held_here)
        held[account, symbol] = held_here + (-shares if kind is EntryKind.SELL else shares)
        trades.append(
            LedgerEntry(
                id=f"t{number}",
                trade_date=FIRST_DAY + timedelta(days=number // TRADES_A_DAY),
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
    if chance < 0.02:
        return EntryKind.REINVEST, Decimal(rng.randint(100, 9_999)) / 1_000
    shares = Decimal(rng.randint(1, 20) * 10)
    if chance < 0.47 and held:
        return EntryKind.SELL, min(shares, held)
    return EntryKind.BUY, shares


def run_engine(count: int, seed: int, market: Market = RISING) -> Run:
    """Replay ``count`` trades once, after a small replay that loads the code."""
    replay(make_trades(100, seed), ACCOUNTS, GROUPS)
    trades = make_trades(count, seed, market)
    gc.collect()
    process = psutil.Process()
    before, began = process.memory_info().rss, time.process_time()
    result = replay(trades, ACCOUNTS, GROUPS)
    seconds = time.process_time() - began
    grown = process.memory_info().rss - before
    began = time.process_time()
    disallowed = sum((row.disallowed for row in result.realized), Fraction(0))
    for lot in result.open_lots:
        assert lot.basis >= 0
    for match in result.matches:
        assert match.amount > 0
    return Run(count, seconds, time.process_time() - began, grown, disallowed, len(result.matches))


def make_many_lots(count: int, seed: int, relief: Relief) -> list[LedgerEntry]:
    """``count`` purchases of ten shares, each at a cost of its own; then as many sales, when no window is open."""
    rng = Random(seed)
    bought = LedgerEntry(
        id="t0", trade_date=FIRST_DAY, account=ACCOUNTS[0].id, kind=EntryKind.BUY,
        security=SYMBOLS[0], quantity=Decimal(10), amount=Decimal(1_000),
    )  # fmt: skip
    sold = replace(bought, kind=EntryKind.SELL, relief=relief)
    trades = []
    for number in range(2 * count):
        day = number // TRADES_A_DAY
        if number < count:
            cost = rng.randint(80_000, 120_000) * _CENT
            trade = replace(bought, amount=cost)
        else:
            day += _QUIET_DAYS
            trade = sold
        trades.append(replace(trade, id=f"t{number}", trade_date=FIRST_DAY + timedelta(days=day)))
    return trades


def run_many_lots(count: int, seed: int, relief: Relief) -> Run:
    """An account of ``count`` lots that sells them one by one by ``relief``."""
    trades = make_many_lots(count, seed, relief)
    began = time.process_time()
    replay(trades, ACCOUNTS, GROUPS)
    return Run(len(trades), time.process_time() - began, 0.0, 0, Fraction(0), 0)


def run_naive(count: int, seed: int, market: Market = RISING) -> Run:
    """The same trades through the window scan."""
    trades = make_trades(count, seed, market)
    retirement = {account.id for account in ACCOUNTS if not account.kind.is_taxable}
    began = time.process_time()
    disallowed = total_disallowed(trades, retirement)
    return Run(count, time.process_time() - began, 0.0, 0, disallowed, 0)


def measure(*, seed: int, largest: int) -> list[Figure]:
    """Sizes up to ``largest`` through the engine, and the small ones through the scan; refuses where both differ."""
    engine = [_apart(run_engine, size, seed) for size in SIZES if size <= largest]
    flat = _apart(run_engine, FLAT_SIZE, seed, FLAT)
    beside = [_apart(run_engine, size, seed) for size in NAIVE_SIZES]
    naive = [_apart(run_naive, size, seed) for size in NAIVE_SIZES]
    for ours, theirs in zip(beside, naive, strict=True):
        if ours.disallowed != theirs.disallowed:
            raise RuntimeError(
                f"{ours.trades} trades: the engine disallows {float(ours.disallowed):.2f}, "
                f"the scan {float(theirs.disallowed):.2f}"
            )
    dearest, oldest = (
        _alone(run_many_lots, MANY_LOTS, seed, relief) for relief in (Relief.HIFO, Relief.FIFO)
    )
    return [
        *_engine_figures(engine, flat),
        Figure(
            f"ledger.hifo.{MANY_LOTS}",
            dearest.trades / dearest.seconds, "trades/s", oldest.trades / oldest.seconds, "fifo",
        ),
        *_naive_figures(beside, naive),
    ]  # fmt: skip


def _apart(
    run: Callable[[int, int, Market], Run], size: int, seed: int, market: Market = RISING
) -> Run:
    result = _alone(run, size, seed, market)
    _say(
        f"{run.__name__}, {market.name}: {size} trades in {result.seconds:.3f} s, "
        f"{result.matches} matches, {float(result.disallowed):,.2f} disallowed"
    )
    return result


def _alone(run: Callable[[int, int, _How], Run], size: int, seed: int, how: _How) -> Run:
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as alone:
        return alone.submit(run, size, seed, how).result()


def exponent(runs: Sequence[Run]) -> float:
    """b of seconds ~ trades ** b, by least squares over the logarithms."""
    trades = [math.log(run.trades) for run in runs]
    return linear_regression(trades, [math.log(run.seconds) for run in runs]).slope


def _engine_figures(runs: Sequence[Run], flat: Run) -> list[Figure]:
    figures = [_rate(f"ledger.replay.{run.trades}", run, run.seconds) for run in runs]
    largest = runs[-1]
    figures += [
        # With a Fraction made of every figure that a replay gives.
        _rate(
            f"ledger.replay_and_read.{largest.trades}", largest, largest.seconds + largest.reading_seconds
        ),
        _rate(f"ledger.replay_flat.{flat.trades}", flat, flat.seconds),
        Figure(
            "ledger.memory",
            largest.grown_bytes / largest.trades, "bytes/trade", TARGET_BYTES, "limit",
        ),
    ]  # fmt: skip
    if len(runs) > 1:
        figures.append(
            Figure("ledger.growth", exponent(runs), "exponent", TARGET_EXPONENT, "limit")
        )
    return figures


def _rate(name: str, run: Run, seconds: float) -> Figure:
    return Figure(name, run.trades / seconds, "trades/s", TARGET_RATE, "target")


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
