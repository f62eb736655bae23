"""What moved of the terms, in words: kinds of terms that few firms change, and what they say of limits."""

from typing import Any

import pytest

from rebalancing.telling import moved_terms
from rebalancing.telling.moved_terms import Names

NAMES = Names(symbols={1: "AAA"}, accounts={5: "Ann IRA"}, universe=frozenset({1}))
PLAN = {"started_on": "2022-01-03", "short_limit": None, "long_limit": "5000", "tax_limit": None}
SAYS = "long-term gain at most $5,000.00 a year"


@pytest.mark.parametrize(
    ("kind", "then", "now", "told"),
    [
        ("plan", None, PLAN, f"A transition plan began on 2022-01-03 ({SAYS})."),
        ("plan", PLAN, None, "The transition plan of 2022-01-03 has ended."),
        ("plan", PLAN, PLAN | {"started_on": "2022-06-01"},
         f"The transition plan of 2022-01-03 ({SAYS}) has ended and one of 2022-06-01 ({SAYS}) is under way."),
        ("restrictions", [], [[1, "max_weight", None, "0.05"]],
         "A restriction is new: AAA has a largest weight (5 %)."),
        ("restrictions", [[1, "no_buy", 5, None]], [],
         "A restriction is over: AAA must not be bought in Ann IRA."),
        ("restrictions", [[1, "max_weight", None, "0.05"]], [[1, "max_weight", None, "0.075"]],
         "The limit of a restriction (AAA has a largest weight) was 5 % and is now 7.5 %."),
        ("cash_needs", [], [["rmd", 5, "2022-12-31", "1000"]],
         "The cash for the required minimum distribution of 2022-12-31 from Ann IRA ($1,000.00) is a need "
         "that is new."),
    ],
)  # fmt: skip
def test_what_moved_is_one_sentence(kind: str, then: Any, now: Any, told: str) -> None:
    (moved,) = moved_terms.moved({kind: then}, {kind: now}, NAMES)
    assert moved.sentence == told
