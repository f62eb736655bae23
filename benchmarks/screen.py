"""The bulk screen of losses: in memory beside a dictionary loop and a pandas merge, and from the database to columns.

All three say which households may have a loss above the floors and which have nothing to tell, from the same
columns. The loop is measured on a part of the lots and held against the screen by lots a second: what it takes grows
with them and nothing else.
"""

import gc
import sys
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import pandas as pd
import psutil
from django.db import connection
from numpy.typing import NDArray

from accounts.models import Account, Firm, Household, Owner
from accounts.types import AccountKind
from benchmarks.report import Figure
from harvesting.columns import Keys, keys, lot_columns
from harvesting.screen import Accounts, Lots, Securities, screen
from securities.models import Security

ACCOUNTS = 10_000
HOUSEHOLDS = 4_000
SECURITIES = 500
LOOP_LOTS = 400_000
ROUNDS = 5
TARGET_SECONDS = 0.2  # for 4,000,000 lots
TARGET_ROWS = 800_000.0  # a second, from the database
_T = TypeVar("_T")
_AS_OF = 8_397  # 2022-12-28 in days since 2000-01-01


@dataclass(frozen=True)
class _Firm:
    lots: Lots
    accounts: Accounts
    securities: Securities


def measure_in_memory(*, lots: int, seed: int) -> list[Figure]:
    """The best of some rounds each, in time of the processor: all run on one core. The answers must agree."""
    firm = _make(lots, seed)
    wall, ours = _best(lambda: _screen(firm))
    seconds, _ = _cpu(lambda: _screen(firm))
    merge_seconds, merged = _cpu(_Merge(firm))
    some = _Firm(_first(firm.lots, min(LOOP_LOTS, lots)), firm.accounts, firm.securities)
    loop_seconds, looped = _cpu(_Loop(some))
    _refuse_other(ours, merged)
    _refuse_other(_screen(some), looped)
    _say(
        f"{lots} lots: screen {seconds:.3f} s of the processor, {wall:.3f} s by the clock, "
        f"{int(ours.take.sum())} of {HOUSEHOLDS} households may have a loss"
    )
    rate = lots / seconds
    return [
        Figure(f"screen.seconds.{lots}", seconds, "s", TARGET_SECONDS * lots / 4_000_000, "target"),
        Figure(
            "screen.beside_loop", rate, "lots/s", len(some.lots) / loop_seconds, "dictionary loop"
        ),
        Figure("screen.beside_merge", rate, "lots/s", lots / merge_seconds, "pandas merge"),
    ]


def measure_columns(*, rows: int) -> list[Figure]:
    """Rows a second from lots_taxlot to arrays."""
    firm_id, account_ids, security_ids = _fill(rows)
    seconds, found = _best(lambda: lot_columns(account_ids, security_ids, firm_id=firm_id))
    if len(found) != rows:
        raise RuntimeError(f"{len(found)} rows came, {rows} are there")
    cpu = _cpu_of_both(lambda: lot_columns(account_ids, security_ids, firm_id=firm_id))
    _say(f"{rows} rows to columns in {seconds:.2f} s by the clock, {cpu:.2f} s of one core")
    return [
        Figure("screen.database_to_columns", rows / seconds, "rows/s", TARGET_ROWS, "target"),
        Figure(
            "screen.database_to_columns_cpu", rows / cpu, "rows/s of a core", TARGET_ROWS, "target"
        ),
    ]


def _cpu_of_both(run: Callable[[], object]) -> float:
    """Processor seconds of this process and of its PostgreSQL process, which works alone; the best of some rounds."""
    with connection.cursor() as cursor:
        cursor.execute("SET max_parallel_workers_per_gather = 0")
        cursor.execute("SELECT pg_backend_pid()")
        server = psutil.Process(cursor.fetchone()[0])

    def clock() -> float:
        times = server.cpu_times()
        return time.process_time() + float(times.user + times.system)

    return _quickest(run, clock)[0]


def _make(lots: int, seed: int) -> _Firm:
    chance = np.random.default_rng(seed)
    account = np.sort(chance.integers(0, ACCOUNTS, lots)).astype(np.int32)
    security = chance.integers(0, SECURITIES, lots).astype(np.int32)
    price = chance.uniform(20, 300, SECURITIES)
    quantity = chance.integers(1, 500, lots).astype(np.float64)
    # One lot of a thousand has a loss: about a third of the households, with a thousand lots each.
    part = np.where(
        chance.random(lots) < 0.001, chance.uniform(1, 1.3, lots), chance.uniform(0.3, 0.99, lots)
    )
    taxable = chance.random(ACCOUNTS) < 0.8
    return _Firm(
        Lots(account, security, quantity, quantity * price[security] * part, np.full(lots, 8_000, np.int32)),
        Accounts(
            household=(np.arange(ACCOUNTS) * HOUSEHOLDS // ACCOUNTS).astype(np.int32),
            is_taxable=taxable,
            tax_managed=np.ones(ACCOUNTS, dtype=np.bool_),
            dollar_floor=np.full(ACCOUNTS, 500.0),
            fraction_floor=np.full(ACCOUNTS, 0.05),
        ),
        Securities(price, np.ones(SECURITIES, dtype=np.bool_)),
    )  # fmt: skip


def _first(lots: Lots, count: int) -> Lots:
    return Lots(
        lots.account[:count], lots.security[:count], lots.quantity[:count], lots.basis[:count],
        lots.acquired[:count],
    )  # fmt: skip


def _refuse_other(ours: "_Answer", plain: "_Answer") -> None:
    """Raises RuntimeError where the screen drops what a plain computation finds. It may pass more, by its margin."""
    if (plain.take & ~ours.take).any() or (ours.quiet & ~plain.quiet).any():
        raise RuntimeError("the screen drops a household that a plain computation finds")


def _screen(firm: _Firm) -> "_Answer":
    found = screen(firm.lots, firm.accounts, firm.securities, households=HOUSEHOLDS, as_of=_AS_OF)
    return _Answer(found.may_take, found.is_quiet)


@dataclass(frozen=True)
class _Answer:
    """One place a household."""

    take: NDArray[np.bool_]
    quiet: NDArray[np.bool_]


class _Loop:
    """Lots as dictionaries, looked up in dictionaries of accounts and prices: how a program without arrays does it."""

    def __init__(self, firm: _Firm) -> None:
        lots, accounts = firm.lots, firm.accounts
        self._prices = dict(enumerate(firm.securities.price.tolist()))
        self._fresh = dict(enumerate(firm.securities.is_fresh.tolist()))
        names = ("household", "taxable", "managed", "dollars", "part")
        columns = (
            accounts.household, accounts.is_taxable, accounts.tax_managed, accounts.dollar_floor,
            accounts.fraction_floor,
        )  # fmt: skip
        self._accounts = dict(enumerate(_dictionaries(names, columns)))
        self._lots = _dictionaries(
            ("account", "security", "quantity", "basis", "acquired"),
            (lots.account, lots.security, lots.quantity, lots.basis, lots.acquired),
        )

    def __call__(self) -> _Answer:
        take, tell, holds = set[int](), set[int](), set[int]()
        for lot in self._lots:
            account = self._accounts[lot["account"]]
            household = account["household"]
            if lot["acquired"] > _AS_OF:
                tell.add(household)
            if not account["taxable"]:
                continue
            holds.add(household)
            price = self._prices.get(lot["security"])
            if price is None or not self._fresh[lot["security"]]:
                tell.add(household)
            if price is None:
                continue
            loss = lot["basis"] - lot["quantity"] * price
            if loss > 0:
                tell.add(household)
                enough = loss >= account["dollars"] and loss >= account["part"] * lot["basis"]
                if enough and account["managed"]:
                    take.add(household)
        return _Answer(_flags(take), _flags(holds - take - tell))


class _Merge:
    """The same with two merges and filters in pandas."""

    def __init__(self, firm: _Firm) -> None:
        lots, accounts, securities = firm.lots, firm.accounts, firm.securities
        self._lots = pd.DataFrame(
            {
                "account": lots.account, "security": lots.security, "quantity": lots.quantity,
                "basis": lots.basis, "acquired": lots.acquired,
            }
        )  # fmt: skip
        self._accounts = pd.DataFrame(
            {
                "account": np.arange(ACCOUNTS, dtype=np.int32), "household": accounts.household,
                "taxable": accounts.is_taxable, "managed": accounts.tax_managed,
                "dollars": accounts.dollar_floor, "part": accounts.fraction_floor,
            }
        )  # fmt: skip
        self._prices = pd.DataFrame(
            {
                "security": np.arange(len(securities.price), dtype=np.int32),
                "price": securities.price, "fresh": securities.is_fresh,
            }
        )  # fmt: skip

    def __call__(self) -> _Answer:
        rows = self._lots.merge(self._accounts, on="account").merge(self._prices, on="security")
        loss = rows["basis"] - rows["quantity"] * rows["price"]
        taxable, household = rows["taxable"], rows["household"]
        enough = (loss >= rows["dollars"]) & (loss >= rows["part"] * rows["basis"]) & (loss > 0)
        told = taxable & ((loss > 0) | rows["price"].isna() | ~rows["fresh"])
        take = set(household[taxable & rows["managed"] & enough].unique())
        tell = set(household[told | (rows["acquired"] > _AS_OF)].unique())
        return _Answer(_flags(take), _flags(set(household[taxable].unique()) - take - tell))


def _dictionaries(names: Sequence[str], columns: Sequence[NDArray[Any]]) -> list[dict[str, Any]]:
    rows = zip(*(column.tolist() for column in columns), strict=True)
    return [dict(zip(names, row, strict=True)) for row in rows]


def _flags(households: Collection[int]) -> NDArray[np.bool_]:
    flags = np.zeros(HOUSEHOLDS, dtype=np.bool_)
    flags[list(households)] = True
    return flags


def _fill(rows: int) -> tuple[int, Keys, Keys]:
    """A firm with so many lots and no transactions behind them: for the reading alone, so no key is checked."""
    firm = Firm.objects.create(name="Columns")
    household = Household.objects.create(firm=firm, name="Columns")
    owner = Owner.objects.create(household=household, name="Owner")
    accounts = Account.objects.bulk_create(
        Account(
            firm=firm, household=household, owner=owner, name=str(number), number=str(number),
            custodian="None", kind=AccountKind.TAXABLE,
        )
        for number in range(ACCOUNTS)
    )  # fmt: skip
    securities = Security.objects.bulk_create(
        Security(firm=firm, symbol=f"C{number}") for number in range(SECURITIES)
    )
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        cursor.execute(
            """INSERT INTO lots_taxlot (account_id, security_id, opening_id, part, acquired, holding_start, quantity,
                                        basis, is_inherited)
               SELECT %s + n %% %s, %s + n %% %s, n, 7, date '2020-01-01', date '2020-01-01', 100 + n / 1e8,
                      1000 + n %% 9999 + 0.1234, false
                 FROM generate_series(1, %s) AS n""",
            [accounts[0].pk, ACCOUNTS, securities[0].pk, SECURITIES, rows],
        )
        cursor.execute("SET session_replication_role = DEFAULT")
        # As autovacuum leaves them a minute later: without the accounts each is looked up by itself.
        cursor.execute("VACUUM ANALYZE lots_taxlot, accounts_account")
    return firm.pk, keys(one.pk for one in accounts), keys(one.pk for one in securities)


def _cpu(run: Callable[[], _T]) -> tuple[float, _T]:
    """Processor seconds of the quickest of some rounds, and the last answer."""
    return _quickest(run, time.process_time)


def _best(run: Callable[[], _T]) -> tuple[float, _T]:
    """Wall seconds of the quickest of some rounds, and the last answer."""
    return _quickest(run, time.perf_counter)


def _quickest(run: Callable[[], _T], clock: Callable[[], float]) -> tuple[float, _T]:
    seconds = []
    for _ in range(ROUNDS):
        gc.collect()
        began = clock()
        answer = run()
        seconds.append(clock() - began)
    return min(seconds), answer


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
