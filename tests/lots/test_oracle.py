"""The engine against the oracle: two different programs must agree to the last fraction of a cent."""

from collections import Counter
from datetime import date
from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from lots.replay import replay
from lots.types import (
    OlderLotPolicy,
    Policy,
    ReplayResult,
    SpousePolicy,
    TackingPolicy,
    TaxDeferredPolicy,
)
from tests.lots.histories import ACCOUNTS, GROUPS, histories
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


policies = st.builds(
    Policy,
    spouse=st.sampled_from(SpousePolicy),
    tacking=st.sampled_from(TackingPolicy),
    older_lot=st.sampled_from(OlderLotPolicy),
    tax_deferred=st.sampled_from(TaxDeferredPolicy),
)


@settings(max_examples=400, deadline=None, derandomize=True, database=None)
@given(entries=histories(), policy=st.one_of(st.just(Policy()), policies))
def test_engine_and_oracle_agree(entries, policy):
    result = replay(entries, ACCOUNTS, GROUPS, policy)
    oracle = Oracle(entries, ACCOUNTS, GROUPS[0], policy)
    assert _rows(result) == oracle.rows()
    assert _open_lots(result) == oracle.open_lots()
