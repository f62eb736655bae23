"""A search that was cut short: said with its dollars, or refused, by its distance from the proven bound."""

import re
from dataclasses import replace
from decimal import Decimal as D
from pathlib import Path
from typing import Any

import pytest
from django.template.loader import render_to_string

from rebalancing.errors import TooFarFromBest
from rebalancing.optimizer import Problem, Solution, solve
from rebalancing.optimizer.sides import Ended
from rebalancing.trades import best_trades as module
from rebalancing.trades.best_trades import best_trades
from rebalancing.types import HouseholdState
from tests.rebalancing.states import account, lot, risk, state

DOCS = Path(__file__).parents[3] / "docs" / "rebalancing.md"


def drifted() -> HouseholdState:
    """$100,000 with 60 % in S1 against a target of 40 %, nothing gained or lost."""
    return state(
        accounts=(account(cash="3000"),),
        lots=(lot(1, "600", "60000", opening=1), lot(2, "370", "37000", opening=2)),
        prices={1: "100", 2: "100"},
        targets={1: "0.40", 2: "0.57"},
    )


def stopped(monkeypatch: pytest.MonkeyPatch, status: Ended, distance_bp: float) -> None:
    """The optimiser's own solution with a bound so far below it, and another end of the search."""

    def cut(problem: Problem, **keys: Any) -> Solution:
        found = solve(problem, **keys)
        return replace(
            found,
            status=status,
            bound=found.objective - distance_bp / 1e4,
            gap_bp=distance_bp,
        )

    monkeypatch.setattr(module, "solve", cut)


@pytest.mark.parametrize(
    ("status", "words"),
    [("time_limit", "by the clock"), ("node_limit", "after a fixed number of steps")],
)
def test_beyond_five_basis_points_the_proposal_says_how_many_dollars(
    monkeypatch: pytest.MonkeyPatch, status: Ended, words: str
):
    stopped(monkeypatch, status, 12.0)
    found = best_trades(drifted(), risk(2))
    told = re.fullmatch(
        rf"The search was stopped {words}: these trades are at most \$([\d.]+) over a year "
        r"\(([\d.]+) bp of the household's value\) from the best possible\.",
        found.proof.cut_short,
    )
    assert told is not None
    # 12 bp of $100,000, and what whole shares add to it
    assert D(120) <= D(told[1]) < D(125)
    assert D(12) <= found.proof.gap_bp < D("12.5")
    assert D(told[1]) == (found.proof.gap_bp * 10).quantize(D("0.01"), rounding="ROUND_CEILING")


@pytest.mark.parametrize(("status", "distance"), [("time_limit", 5.0), ("optimal", 12.0)])
def test_a_small_distance_or_a_search_that_ended_by_itself_is_told_by_the_gap_alone(
    monkeypatch: pytest.MonkeyPatch, status: Ended, distance: float
):
    stopped(monkeypatch, status, distance)
    assert best_trades(drifted(), risk(2)).proof.cut_short == ""


def test_beyond_the_ceiling_nothing_is_proposed_and_the_docs_name_it(
    monkeypatch: pytest.MonkeyPatch,
):
    stopped(monkeypatch, "time_limit", 25.0)
    assert best_trades(drifted(), risk(2)).trades
    stopped(monkeypatch, "time_limit", 25.5)
    with pytest.raises(TooFarFromBest) as refused:
        best_trades(drifted(), risk(2))
    assert refused.value.code == "too_far_from_best"
    assert "stopped by the clock" in str(refused.value)
    assert "$255.00 over a year (25.5 bp of the household's value)" in str(refused.value)
    docs = DOCS.read_text(encoding="utf-8")
    assert f"beyond {module.TOLD_GAP_BP:g} basis points" in docs
    assert f"beyond {module.MOST_GAP_BP:g} it\nis no proposal" in docs
    assert f"the clock ({module.TIME_LIMIT_SECONDS:g} seconds)" in docs


def test_the_page_shows_the_sentence():
    told = "The search was stopped by the clock: these trades are at most $120.00 from the best."
    explanation = {"proof": {"solver": "clarabel", "gap_bp": "12", "cut_short": told}}
    shown = render_to_string("proposals/explanation.html", {"explanation": explanation})
    assert told in shown
    explanation["proof"]["cut_short"] = ""
    assert "stopped" not in render_to_string(
        "proposals/explanation.html", {"explanation": explanation}
    )
