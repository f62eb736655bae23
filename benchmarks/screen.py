"""The bulk screen of losses: in memory beside a dictionary loop and a pandas merge, and from the database to columns.

All three say which households may have a loss above the floors, from the same columns. The loop is measured on a part
of the lots and held against the screen by lots a second: what it takes grows with them and nothing else.
"""

import gc
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import pandas as pd
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
    if not (ours >= merged).all() or not (_screen(some) >= looped).all():
        raise RuntimeError("the screen drops a household that a plain computation finds")
    _say(
        f"{lots} lots: screen {seconds:.3f} s of the processor, {wall:.3f} s by the clock, "
        f"{int(ours.sum())} of {len(ours)} households may have a loss"
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
    _say(f"{rows} rows to columns in {seconds:.2f} s")
    return [Figure("screen.database_to_columns", rows / seconds, "rows/s", TARGET_ROWS, "target")]


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


def _screen(firm: _Firm) -> NDArray[np.bool_]:
    return screen(
        firm.lots, firm.accounts, firm.securities, households=HOUSEHOLDS, as_of=_AS_OF
    ).may_take


class _Loop:
    """Lots as dictionaries, looked up in dictionaries of accounts and prices: how a program without arrays does it."""

    def __init__(self, firm: _Firm) -> None:
        lots, accounts = firm.lots, firm.accounts
        self._prices = dict(enumerate(firm.securities.price.tolist()))
        self._accounts = {
            place: {"household": household, "taxable": taxable, "dollars": dollars, "part": part}
            for place, (household, taxable, dollars, part) in enumerate(
                zip(
                    accounts.household.tolist(), accounts.is_taxable.tolist(),
                    accounts.dollar_floor.tolist(), accounts.fraction_floor.tolist(), strict=True,
                )
            )
        }  # fmt: skip
        columns = (lots.account, lots.security, lots.quantity, lots.basis)
        self._lots = [
            {"account": account, "security": security, "quantity": quantity, "basis": basis}
            for account, security, quantity, basis in zip(*(one.tolist() for one in columns), strict=True)
        ]  # fmt: skip

    def __call__(self) -> NDArray[np.bool_]:
        found = set()
        for lot in self._lots:
            account = self._accounts[lot["account"]]
            if not account["taxable"]:
                continue
            loss = lot["basis"] - lot["quantity"] * self._prices[lot["security"]]
            if loss > 0 and loss >= account["dollars"] and loss >= account["part"] * lot["basis"]:
                found.add(account["household"])
        flags = np.zeros(HOUSEHOLDS, dtype=np.bool_)
        flags[list(found)] = True
        return flags


class _Merge:
    """The same with two merges and a filter in pandas."""

    def __init__(self, firm: _Firm) -> None:
        lots, accounts = firm.lots, firm.accounts
        self._lots = pd.DataFrame(
            {
                "account": lots.account,
                "security": lots.security,
                "quantity": lots.quantity,
                "basis": lots.basis,
            }
        )
        self._accounts = pd.DataFrame(
            {
                "account": np.arange(ACCOUNTS, dtype=np.int32), "household": accounts.household,
                "taxable": accounts.is_taxable, "dollars": accounts.dollar_floor,
                "part": accounts.fraction_floor,
            }
        )  # fmt: skip
        price = firm.securities.price
        self._prices = pd.DataFrame(
            {"security": np.arange(len(price), dtype=np.int32), "price": price}
        )

    def __call__(self) -> NDArray[np.bool_]:
        rows = self._lots.merge(self._accounts, on="account").merge(self._prices, on="security")
        loss = rows["basis"] - rows["quantity"] * rows["price"]
        enough = (loss >= rows["dollars"]) & (loss >= rows["part"] * rows["basis"])
        flags = np.zeros(HOUSEHOLDS, dtype=np.bool_)
        flags[rows.loc[rows["taxable"] & enough & (loss > 0), "household"].unique()] = True
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
        cursor.execute("VACUUM ANALYZE lots_taxlot")
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
