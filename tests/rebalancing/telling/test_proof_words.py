"""What the page says of the proof behind a proposal: bound, distance, the second check; and where there is no bound."""

from decimal import Decimal as D
from types import SimpleNamespace
from uuid import UUID

import pytest
from django.template.loader import render_to_string

from rebalancing.telling.explanation import CHECKED
from tests.rebalancing.test_services import Desk, desk, drifted

__all__ = ["desk", "drifted"]  # fixtures

PROOF = {"solver": "clarabel", "gap_bp": "0.5", "cut_short": "", "among": []}
IN_DOLLARS = "these trades come to $1,234.56, and no others below the proven bound of $1,229.56."
NOT_COUNTED = "Lines as they were fixed count as done"


def page(kind: str = "rebalance", **explanation: object) -> str:
    proposal = SimpleNamespace(
        kind=kind, reasons=[], gap_bp=D("0.5"), household=SimpleNamespace(public_id=UUID(int=1))
    )
    return render_to_string(
        "proposals/explanation.html", {"explanation": explanation, "proposal": proposal}
    )


def test_the_page_shows_objective_bound_and_the_second_check() -> None:
    proof = {**PROOF, "objective": "1234.56", "bound": "1229.56", "checked": CHECKED}
    shown = page(proof=proof)
    assert "beats this one by more than 0.50 bp" in shown
    assert IN_DOLLARS in shown
    assert CHECKED in shown
    assert NOT_COUNTED not in shown
    edited = {"by": "Ada", "rows": ["The sale of AAA in T-1: exactly 5 shares."]}
    assert NOT_COUNTED in page(proof=proof, edited=edited)


def test_what_was_stored_before_still_reads() -> None:
    shown = page(proof=PROOF)
    assert "beats this one by more than 0.50 bp" in shown
    assert "In dollars" not in shown
    assert "Checked again" not in shown


@pytest.mark.parametrize(
    ("kind", "explanation", "told"),
    [
        ("harvest", {"sum": [], "gap": "3"}, "Checked again before it was proposed"),
        ("harvest", {}, "no bound is on record with this harvest"),
        ("gain_harvest", {}, "a gain harvest has no bound"),
        ("swap_back", {}, "a swap-back has no bound"),
        ("rebalance", {}, "none is on record with this rebalance"),
    ],
)
def test_a_kind_without_a_bound_says_so(
    kind: str, explanation: dict[str, object], told: str
) -> None:
    shown = page(kind, **explanation)
    assert told in shown
    assert "proven bound of" not in shown
    assert ("no bound" in shown) == ("no bound" in told)


@pytest.mark.django_db
def test_a_rebalance_is_stored_with_its_objective_and_its_bound(drifted: Desk) -> None:
    draft = drifted.examine().draft
    assert draft is not None
    assert draft.gap_bp is not None
    proof, choices = draft.explanation["proof"], draft.explanation["choices"]
    assert isinstance(proof, dict)
    assert isinstance(choices, dict)
    apart = D(proof["objective"]) - D(proof["bound"])
    assert abs(apart - draft.gap_bp / 10_000 * 100_000) <= D("0.02")
    assert proof["checked"] == CHECKED
    # Without brackets the lines are the tax itself: one figure, as beside the alternatives.
    assert {"name": "Optimum", "dollars": proof["objective"]} in choices["rows"]
