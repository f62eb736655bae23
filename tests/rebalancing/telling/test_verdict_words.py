"""What the page of a rebalance says in words: the verdict, and what the location saves."""

from decimal import Decimal as D
from types import SimpleNamespace
from uuid import UUID

import pytest
from django.template.loader import render_to_string

from proposals.costs import TradeCost
from proposals.models import Proposal
from rebalancing.policies.drift import Drift
from rebalancing.policies.worth import Worth
from rebalancing.telling.explanation import sentence
from rebalancing.telling.figures import Figures, Proof

WORTH = {
    "horizon": "a year",
    "is_worth_it": False,
    "tracking_cost_avoided": "1.00",
    "trading_cost": "2.00",
    "tax": "3.00",
}


@pytest.mark.parametrize(
    ("more", "reasons", "why"),
    [
        ({}, [], "the policy trades all the same."),
        ({"kept_back": ["S1 stays."]}, [], "the policy trades all the same."),
        ({"edited": {"by": "Ada", "rows": []}}, [], "a person has asked for it all the same."),
        ({"transition": {"since": "2022-01-03"}}, [], "a transition plan does not ask for it."),
        ({"mandate": [{"what": "Cash"}]}, [], "what a mandate asks for is done all the same."),
        ({"cash_is_out": True}, [], "cash outside its band is mended all the same."),
        ({}, ["RESTRICTION"], "what a restriction or a need asks for is done all the same."),
        ({"must_act": True}, [], "what a restriction or a need asks for is done all the same."),
        # A restriction that ended has opened the look: it asks for nothing.
        ({"opened_by": "Ended."}, ["DRIFT", "RESTRICTION"], "the policy trades all the same."),
        ({"needs": ["$5."]}, [], "what a restriction or a need asks for is done all the same."),
    ],
)
def test_the_verdict_names_who_asked_for_the_trades(
    more: dict[str, object], reasons: list[str], why: str
) -> None:
    household = SimpleNamespace(public_id=UUID(int=1))
    proposal = SimpleNamespace(reasons=reasons, gap_bp=None, household=household)
    page = render_to_string(
        "proposals/explanation.html",
        {"explanation": {"worth": WORTH, **more}, "proposal": proposal},
    )
    assert f"Not worth it by this rule; {why}" in page


def test_the_page_tells_what_keeps_a_name_out_of_band() -> None:
    proposal = SimpleNamespace(
        reasons=[], gap_bp=None, household=SimpleNamespace(public_id=UUID(int=1))
    )
    explanation = {"worth": WORTH, "kept_back": ["S1 stays at 45.0 % of the household."]}
    page = render_to_string(
        "proposals/explanation.html", {"explanation": explanation, "proposal": proposal}
    )
    assert "S1 stays at 45.0 % of the household." in page


def test_the_page_tells_what_the_location_saves_a_year() -> None:
    household = SimpleNamespace(public_id=UUID(int=1))
    proposal = SimpleNamespace(reasons=[], gap_bp=None, household=household)
    page = render_to_string(
        "proposals/explanation.html",
        {
            "explanation": {"worth": WORTH, "location": {"before": "-12.50", "after": "340.00"}},
            "proposal": proposal,
        },
    )
    assert "$340.00 a year after them" in page
    assert "12.50 of tax on dividends and interest a year before the trades" in page


def test_the_sentence_and_the_tile_of_this_year_are_one_sum() -> None:
    """Tax of -$100.006 and $0.004 carried on: -$100.01 in cents before they are added, -$100.00 after."""
    worth = Worth(
        avoided=D(1), trading=TradeCost(), tax=D("-100.006"), later_tax=D(0), per_year=D(1)
    )
    figures = Figures(
        drift=Drift(
            value=D(1000), rows=(), cash_weight=D(0), cash_target=D(0), cash_low=D(0), cash_high=D(1)
        ),
        trades=(),
        after={},
        cash_after={},
        risk_before=D("0.02"),
        risk_after=D("0.01"),
        worth=worth,
        carried_worth=D("0.004"),
        short_gain=D(0),
        long_gain=D(0),
        proof=Proof(
            solver="", solver_version="", gap_bp=D(0), risk_sha256="", risk_observations=0,
            risk_source="", risk_notes=(),
        ),
    )  # fmt: skip
    stored = Proposal(
        tax_saved=-worth.tax.quantize(D("0.01")),  # as a draft has them
        carried_worth=figures.carried_worth.quantize(D("0.01")),
    )
    told = sentence(figures, {})
    assert "$100.01 less tax this year." in told
    assert "carried to later years" not in told
    assert stored.saved_this_year == D("100.01")
