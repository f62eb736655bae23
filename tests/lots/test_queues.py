"""The queues of the wash-sale rule: what a trade has to look at does not grow with what stands in them."""

from collections.abc import Callable

import pytest

from lots.engine.queues import Candidates, Pending
from lots.replay import replay
from lots.types import LedgerEntry, OlderLotPolicy, Policy, Relief
from tests.lots.ledger import ACCOUNTS, buy, sell

ONLY_NEWER = Policy(older_lot=OlderLotPolicy.ONLY_NEWER_THAN_SOLD)


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> Callable[[list[LedgerEntry], Policy], int]:
    """How many purchases and losses a replay has looked at in its queues."""
    count = 0

    def counting(queue):
        look = queue._is_open

        def counted(self, item, first_day):
            nonlocal count
            count += 1
            return look(self, item, first_day)

        monkeypatch.setattr(queue, "_is_open", counted)

    def looked(entries: list[LedgerEntry], policy: Policy) -> int:
        nonlocal count
        count = 0
        replay(entries, ACCOUNTS, (), policy)
        return count

    counting(Candidates)
    counting(Pending)
    return looked


def fills_sold_in_pieces(number: int) -> list[LedgerEntry]:
    return [buy(f"b{n}", "2026-03-02", 1, 10, block="B") for n in range(number)] + [
        sell(f"s{n}", "2026-03-09", 1, 9) for n in range(number)
    ]


def fills_bought_and_sold_in_turn(number: int) -> list[LedgerEntry]:
    trades = []
    for n in range(number):
        trades += [
            buy(f"b{n}", "2026-03-02", 1, 10, block="B"),
            sell(f"s{n}", "2026-03-02", 1, 9),
        ]
    return trades


def fills_with_others_between_them(number: int) -> list[LedgerEntry]:
    """The others leave, and the fills come to stand side by side."""
    trades = []
    for n in range(number):
        trades += [
            buy(f"b{n}", "2026-03-02", 1, 10, block="B"),
            buy(f"o{n}", "2026-03-02", 1, 10, account="T2"),
        ]
    trades += [sell(f"o{n}s", "2026-03-03", 1, 11, account="T2") for n in range(number)]
    return trades + [sell(f"s{n}", "2026-03-09", 1, 9) for n in range(number)]


def latest_of_many_days_first(number: int) -> list[LedgerEntry]:
    return [buy(f"b{n}", f"2026-03-{1 + n * 20 // number:02}", 1, 10) for n in range(number)] + [
        sell(f"s{n}", "2026-03-25", 1, 9, relief=Relief.LIFO) for n in range(number)
    ]


@pytest.mark.parametrize(
    ("history", "policy"),
    [
        (fills_sold_in_pieces, Policy()),
        (fills_bought_and_sold_in_turn, Policy()),
        (fills_with_others_between_them, Policy()),
        (latest_of_many_days_first, ONLY_NEWER),
    ],
)
def test_what_is_looked_at_grows_with_the_number_of_trades(looks, history, policy):
    """A look or two for each trade, or as many as there are days: not one for each purchase that stands there."""
    assert 0 < looks(history(400), policy) <= 8 * 400
