"""What the page of a rebalance says in words: the verdict, and what the location saves."""

from types import SimpleNamespace
from uuid import UUID

import pytest
from django.template.loader import render_to_string

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
        ({"edited": {"by": "Ada", "rows": []}}, [], "a person has asked for it all the same."),
        ({"transition": {"since": "2022-01-03"}}, [], "a transition plan does not ask for it."),
        ({"mandate": [{"what": "Cash"}]}, [], "what a mandate asks for is done all the same."),
        ({"cash_is_out": True}, [], "cash outside its band is mended all the same."),
        ({}, ["RESTRICTION"], "what a restriction or a need asks for is done all the same."),
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
