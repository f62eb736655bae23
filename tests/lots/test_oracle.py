"""The engine against the oracle: two different programs must agree to the last fraction of a cent.

LOTWISE_SEED seeds the drawn histories and stands in the tests' names; the fixed ones are always the same.
"""

import os
from collections import Counter
from collections.abc import Sequence
from random import Random

import pytest
from hypothesis import given, seed, settings
from hypothesis import strategies as st

from lots.replay import replay
from lots.types import IdenticalGroups, LedgerEntry, Policy, ReplayResult, Term, Treatment
from tests.lots.handfuls import Sums, add, counted
from tests.lots.histories import busy_history, histories
from tests.lots.household import ACCOUNTS, DATED_GROUPS, GROUPS, OVERLAPPING_GROUPS, any_policy
from tests.lots.oracle import Oracle

SEED = int(os.environ.get("LOTWISE_SEED", "20221228"))
ALL_GROUPS: Sequence[IdenticalGroups] = (GROUPS, DATED_GROUPS, OVERLAPPING_GROUPS, ())


def _realized(result: ReplayResult) -> Counter[tuple[object, ...]]:
    sums: Sums = {}
    for row in (*result.realized, *result.retirement_disposals):
        key = (row.sale, row.lot, row.holding_start, row.acquired, row.term is Term.LONG)
        add(sums, key, (row.quantity, row.proceeds, row.basis, row.disallowed, row.permanent))
    return counted(sums)


def _open_lots(result: ReplayResult) -> Counter[tuple[object, ...]]:
    sums: Sums = {}
    for lot in result.open_lots:
        add(
            sums, (lot.opening, lot.account, lot.acquired, lot.holding_start), (lot.quantity, lot.basis)
        )  # fmt: skip
    return counted(sums)


def _matches(result: ReplayResult) -> Counter[tuple[object, ...]]:
    starts = {(row.sale, row.lot, row.part): row.holding_start for row in result.realized}
    sums: Sums = {}
    for match in result.matches:
        start = starts[match.sale, match.sold_lot, match.sold_part]
        permanent = match.treatment is Treatment.PERMANENT
        key = (match.sale, match.sold_lot, start, match.replacement, permanent)
        add(sums, key, (match.shares, match.amount))
    return counted(sums)


def _difference(
    entries: list[LedgerEntry], groups: IdenticalGroups, policy: Policy
) -> dict[str, tuple[object, ...]]:
    """What the engine says and the oracle does not, and the other way round; empty where they agree."""
    result = replay(entries, ACCOUNTS, groups, policy)
    oracle = Oracle(entries, ACCOUNTS, groups, policy)
    both = {
        "realized": (_realized(result), oracle.realized()),
        "open lots": (_open_lots(result), oracle.open_lots()),
        "matches": (_matches(result), oracle.matched()),
    }
    return {
        what: (dict(engine - other), dict(other - engine))
        for what, (engine, other) in both.items()
        if engine != other
    }


@pytest.mark.parametrize("hundred", range(3))
def test_engine_and_oracle_agree_under_the_default_policy(hundred):
    for history in range(100 * hundred, 100 * hundred + 100):
        assert _difference(busy_history(history), GROUPS, Policy()) == {}, f"history {history}"


@pytest.mark.parametrize("hundred", range(3))
def test_engine_and_oracle_agree_under_any_policy_and_groups(hundred):
    for history in range(1000 + 100 * hundred, 1100 + 100 * hundred):
        rng = Random(history)
        policy, groups = any_policy(rng), rng.choice(ALL_GROUPS)
        entries = busy_history(history, corporation=history % 4 == 0)
        assert _difference(entries, groups, policy) == {}, f"history {history}"


any_case = st.tuples(
    st.one_of(histories(), st.integers(0, 10**9).map(lambda n: busy_history(n, corporation=True))),
    st.sampled_from(ALL_GROUPS),
    st.randoms(use_true_random=False).map(any_policy),
)


@pytest.mark.parametrize("seeded", [SEED])
def test_engine_and_oracle_agree_on_300_drawn_histories(seeded):
    _drawn(seeded, examples=300)


@pytest.mark.chaos
@pytest.mark.parametrize("seeded", range(SEED, SEED + 10))
def test_engine_and_oracle_agree_on_5000_drawn_histories(seeded):
    """Ten times 500, each under a seed of its own."""
    _drawn(seeded, examples=500)


def _drawn(seeded: int, *, examples: int) -> None:
    @seed(seeded)
    @settings(max_examples=examples, deadline=None, database=None, print_blob=True)
    @given(any_case)
    def agree(case: tuple[list[LedgerEntry], IdenticalGroups, Policy]) -> None:
        assert _difference(*case) == {}

    agree()
