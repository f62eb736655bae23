"""Fills of one sell order: one sale for the wash-sale rule, however many executions it took (R9, R9b, R20)."""

import pytest

from lots.replay import replay
from lots.types import LedgerEntry, ReplayResult
from tests.lots.ledger import ACCOUNTS, buy, lots, sale, sell

# 100 that cost 50 each and are long-term, 100 that cost 40 each, eight days old; 30 is what they bring.
BOUGHT = (buy("a", "2025-01-02", 100, 50), buy("b", "2026-03-02", 100, 40))


def run(*entries: LedgerEntry) -> ReplayResult:
    return replay(entries, ACCOUNTS, ())


def fill(id_: str, quantity: int, on: str = "2026-03-10", **more: object) -> LedgerEntry:
    return sell(id_, on, quantity, 30, **{"block": "O-1", **more})


def figures(result: ReplayResult) -> list[tuple[object, ...]]:
    """(lot, shares, gain, disallowed, term) of every row."""
    return [
        (row.lot, row.quantity, row.gain, row.disallowed, row.term.value) for row in result.realized
    ]


def test_shares_sold_by_one_order_do_not_replace_each_other():
    """Two fills of 100 are what one execution of 200 is: -2,000 long-term and -1,000 short-term, both allowed."""
    expected = [("a", 100, -2000, 0, "long"), ("b", 100, -1000, 0, "short")]
    assert figures(run(*BOUGHT, sell("s", "2026-03-10", 200, 30))) == expected
    result = run(*BOUGHT, fill("s1", 100), fill("s2", 100))
    assert figures(result) == expected
    assert [row.sale for row in result.realized] == ["s1", "s2"]
    assert result.open_lots == ()


@pytest.mark.parametrize(
    "second",
    [
        fill("s2", 100, block=None),
        fill("s2", 100, block="O-2"),
        fill("s2", 100, on="2026-03-11"),
    ],
    ids=["no order", "another order", "another day"],
)
def test_shares_held_after_another_sale_are_its_replacements(second):
    """The 100 of 2 March are still held when the first 100 go: -2,000 moves to them, then -3,000 is theirs."""
    assert figures(run(*BOUGHT, fill("s1", 100), second)) == [
        ("a", 100, -2000, 2000, "long"),
        ("b", 100, -3000, 0, "long"),
    ]


def test_an_order_of_another_account_is_another_order():
    result = run(
        *BOUGHT[:1],
        buy("b", "2026-03-02", 100, 40, account="T2"),
        fill("s1", 100),
        fill("s2", 100, account="T2"),
    )
    assert sale(result, "s1") == [(100, -2000, 2000)]


def test_losses_of_an_order_count_in_the_order_of_acquisition_whichever_fill_was_first():
    """One purchase of 50 later: it serves the older shares, 20 a share, though the newer ones were sold first."""
    result = run(
        *BOUGHT,
        fill("s1", 100, of=[("b", 100)]),
        fill("s2", 100, of=[("a", 100)]),
        buy("c", "2026-03-20", 50, 31),
    )
    assert sale(result, "s1") == [(100, -1000, 0)]
    assert sale(result, "s2") == [(100, -2000, 1000)]
    assert [(shares, basis) for shares, basis, _ in lots(result, "c")] == [(50, 2550)]


def test_an_order_is_disposed_of_with_its_last_fill():
    """In between another account sells 50, at -1,000: served first, by 50 of 70. 20 are left for the order."""
    result = run(
        buy("a", "2025-01-02", 100, 50),
        buy("j", "2025-01-03", 50, 50, account="T2"),
        fill("s1", 50),
        sell("t", "2026-03-10", 50, 30, account="T2"),
        fill("s2", 50),
        buy("c", "2026-03-20", 70, 31, account="S"),
    )
    assert sale(result, "t") == [(50, -1000, 1000)]
    assert sale(result, "s1") == [(50, -1000, 400)]
    assert sale(result, "s2") == [(50, -1000, 0)]
