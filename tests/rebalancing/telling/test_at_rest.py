"""What a night that looks for no trades knows of the rule of thumb (F5)."""

from dataclasses import replace
from decimal import Decimal as D

import pytest
from django.test import Client

from rebalancing.models import RebalanceLook
from rebalancing.policies.policy import Horizon
from rebalancing.telling.at_rest import most_avoided, untraded
from rebalancing.telling.explanation import without_drift
from securities.models import Price
from tests.rebalancing.household.test_household_rules import calm
from tests.rebalancing.policies.test_policies_on_record import night
from tests.rebalancing.states import LIMITS
from tests.rebalancing.test_services import DAY, Desk, desk, drifted

__all__ = ["calm", "desk", "drifted"]  # fixtures

MONTHLY = replace(LIMITS, risk_aversion=D(10), horizon_years=D(1) / D(12))


def test_all_of_todays_tracking_cost_is_the_most_that_trades_could_avoid() -> None:
    """2 % of $1,000,000 at 10 a year: $4,000 a year, and a twelfth of it over a month."""
    found = most_avoided(value=D(1_000_000), tracking_error=D("0.02"), limits=MONTHLY)
    assert found[0].quantize(D("0.01")) == D("333.33")
    said = untraded(value=D(1_000_000), tracking_error=D("0.02"), limits=MONTHLY)
    assert said == (
        "Tracking error 2.0 % a year: trades could avoid at most $333.33 of tracking cost over a month; what they "
        "would cost is not known, as none were looked for."
    )
    by_name = replace(MONTHLY, horizon=Horizon.BY_NAME)
    assert most_avoided(value=D(1_000_000), tracking_error=D("0.02"), limits=by_name)[0] == 4000


@pytest.mark.django_db
def test_a_household_inside_its_bands_keeps_its_tracking_error_and_says_what_is_not_known(
    calm: Desk, client: Client
) -> None:
    calm.buy(calm.taxable, "AAA", "10", "900")
    night(calm, DAY)
    look = RebalanceLook.objects.get()
    assert look.reason == "inside_bands"
    assert look.risk_before is not None
    assert look.risk_before > 0
    assert (look.worth, look.risk_after) == (None, None)
    assert "; cash 3.0 %. Tracking error " in look.detail
    assert without_drift(look.detail).startswith("Tracking error ")
    assert look.detail.endswith("what they would cost is not known, as none were looked for.")
    client.force_login(calm.user)
    page = client.get(f"/households/{calm.household.public_id}/drift/").text
    assert '<td class="number">not looked for</td>' in page


@pytest.mark.django_db
def test_without_a_risk_model_a_household_is_left_alone_all_the_same(calm: Desk) -> None:
    Price.objects.exclude(day=DAY).delete()
    found = calm.examine()
    assert found.reason == "inside_bands"
    assert found.looked is not None
    assert found.looked.risk_before is None
    assert "Its tracking error is not known: " in found.detail
