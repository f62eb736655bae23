"""The engine against the oracle: two different programs must agree to the last fraction of a cent."""

from collections import Counter
from datetime import date
from fractions import Fraction
from random import Random

import pytest

from lots.replay import replay
from lots.types import (
    LedgerEntry,
    OlderLotPolicy,
    Policy,
    ReplayResult,
    SpousePolicy,
    TackingPolicy,
    TaxDeferredPolicy,
)
from tests.lots.histories import ACCOUNTS, GROUPS, busy_history
from tests.lots.oracle import Oracle


def _rows(result: ReplayResult) -> Counter[tuple[object, ...]]:
    sums: dict[tuple[str, str, date], list[Fraction]] = {}
    for row in result.realized:
        sum_ = sums.setdefault((row.sale, row.lot, row.holding_start), [Fraction(0)] * 4)
        for index, amount in enumerate((row.proceeds, row.basis, row.disallowed, row.permanent)):
            sum_[index] += amount
    return Counter((*key, *values) for key, values in sums.items())


def _open_lots(result: ReplayResult) -> Counter[tuple[object, ...]]:
    sums: dict[tuple[str, date], list[Fraction]] = {}
    for lot in result.open_lots:
        sum_ = sums.setdefault((lot.opening, lot.holding_start), [Fraction(0)] * 2)
        sum_[0] += lot.quantity
        sum_[1] += lot.basis
    return Counter((*key, *values) for key, values in sums.items())


def _policy(rng: Random) -> Policy:
    return Policy(
        spouse=rng.choice(list(SpousePolicy)),
        tacking=rng.choice(list(TackingPolicy)),
        older_lot=rng.choice(list(OlderLotPolicy)),
        tax_deferred=rng.choice(list(TaxDeferredPolicy)),
    )


def _differs(entries: list[LedgerEntry], policy: Policy) -> bool:
    result = replay(entries, ACCOUNTS, GROUPS, policy)
    oracle = Oracle(entries, ACCOUNTS, GROUPS[0], policy)
    return _rows(result) != oracle.rows() or _open_lots(result) != oracle.open_lots()


@pytest.mark.parametrize("hundred", range(4))
def test_engine_and_oracle_agree_under_the_default_policy(hundred):
    seeds = range(100 * hundred, 100 * hundred + 100)
    assert [seed for seed in seeds if _differs(busy_history(seed), Policy())] == []


@pytest.mark.parametrize("hundred", range(4))
def test_engine_and_oracle_agree_under_any_policy(hundred):
    seeds = range(1000 + 100 * hundred, 1100 + 100 * hundred)
    differing = [s for s in seeds if _differs(busy_history(s), _policy(Random(s)))]
    assert differing == []
