"""Rebalance policies of firm, model and household in a set-up file."""

from datetime import date
from decimal import Decimal

import pytest

from accounts.models import Household
from config.setup_file.reading import read
from rebalancing import selectors
from rebalancing.models import (
    ModelExit,
    ModelVersion,
    RebalancePolicy,
    TargetModel,
)
from securities.models import Security
from securities.types import AssetClass
from tests.config.setup_file.texts import edited, problems_of, refused, take


def test_a_rebalance_policy_takes_words_bands_and_what_it_shall_inherit():
    text = (
        '[firm]\nname = "Big"\n[policies.rebalance]\nkind = "threshold"\ncadence = "monthly"\n'
        'band_type = "relative"\nonly_if_worth_it = false\ncool_down_days = 30\nhorizon_years = 0\n'
        'inherit = ["absolute_band"]\nclasses = { fixed_income = { relative_band = "0.1" } }\n'
        'securities = { "BRK.B" = { band_type = "absolute", absolute_band = "0.02" } }\n'
    )
    policy = read(text.encode()).rebalance_policy
    assert policy is not None
    assert policy.figures == {
        "kind": "threshold", "cadence": "monthly", "band_type": "relative",
        "horizon_years": Decimal(0), "cool_down_days": 30, "only_if_worth_it": False,
    }  # fmt: skip
    assert policy.inherits == ("absolute_band",)
    assert policy.classes[AssetClass.FIXED_INCOME].figures == {"relative_band": Decimal("0.1")}
    assert policy.securities["BRK.B"].figures == {
        "band_type": "absolute",
        "absolute_band": Decimal("0.02"),
    }


@pytest.mark.django_db
def test_a_horizon_by_name_goes_to_the_record_and_back_under_inherit():
    text = '[firm]\nname = "Big"\n[policies.rebalance]\nhorizon = "{}"\n'
    take(text.format("by_name"))
    assert RebalancePolicy.objects.get().horizon == "by_name"
    assert take(text.format("by_name")) == ""
    take('[firm]\nname = "Big"\n[policies.rebalance]\ninherit = ["horizon"]\n')
    assert RebalancePolicy.objects.get().horizon == ""
    told = problems_of(text.format("by_lot"))
    assert told == ["policies.rebalance.horizon: 'by_lot' is none of one, by_name"]


def test_what_a_rebalance_policy_cannot_say_is_named():
    text = (
        '[firm]\nname = "Big"\n[policies.rebalance]\nkind = "sometimes"\nband_type = "relative"\n'
        'inherit = ["band_type", "bandwidth"]\nclasses = { bonds = { relative_band = "0.1" } }\n'
        "securities = { AAPL = {} }\n"
    )
    found = problems_of(text)
    assert found[0] == (
        "policies.rebalance.kind: 'sometimes' is none of calendar, threshold, optimum"
    )
    assert "policies.rebalance.inherit: 'band_type' has a value in this policy too" in found
    assert any("'bandwidth' is no key of a policy" in one for one in found)
    assert any(one.startswith("policies.rebalance.classes: 'bonds'") for one in found)
    assert any(
        one.startswith("policies.rebalance.securities.AAPL: it says nothing") for one in found
    )


@pytest.mark.django_db
def test_a_new_firm_whose_file_says_nothing_of_rebalancing_starts_with_relative_bands():
    take('[firm]\nname = "Big"\n')
    policy = RebalancePolicy.objects.get()
    assert (policy.kind, policy.cadence, policy.band_type) == ("threshold", "daily", "relative")
    assert (policy.relative_band, policy.destination) == (Decimal("0.2"), "half")
    policy.delete()
    assert take('[firm]\nname = "Big"\n') == ""  # it is no new firm any more
    assert not RebalancePolicy.objects.exists()


@pytest.mark.django_db
def test_policies_of_firm_model_and_household_keep_their_own_words_only():
    text = edited(
        ('name = "Stone"\n', 'name = "Stone"\nrebalance_policy = { cool_down_days = 30 }\n'),
        (
            'name = "Core"\n',
            'name = "Core"\nrebalance_policy = { relative_band = "0.1", '
            'securities = { AAPL = { band_type = "relative" } } }\n',
        ),
    )
    assert "3 rebalance policies new, 1 rebalance band new" in take(text)
    stone = Household.objects.get(name="Stone")
    own = RebalancePolicy.objects.get(household=stone)
    assert (own.cool_down_days, own.relative_band, own.kind) == (30, None, "")
    found = selectors.limits(stone, stone.assignment.model_id)
    assert (found.cool_down_days, found.relative_band) == (30, Decimal("0.1"))
    aapl = Security.objects.get(symbol="AAPL")
    assert found.band_of(aapl.pk).type == "relative"
    assert take(text) == ""
    cleared = text.replace(
        "rebalance_policy = { cool_down_days = 30 }",
        'rebalance_policy = { inherit = ["cool_down_days"] }',
    )
    assert take(cleared) == "1 rebalance policy changed"
    own.refresh_from_db()
    assert own.cool_down_days is None


@pytest.mark.django_db
def test_a_models_cash_band_that_crosses_its_firms_is_refused():
    text = edited(
        ('name = "Core"\n', 'name = "Core"\nrebalance_policy = { cash_maximum = "0.001" }\n')
    )
    assert refused(text) == [
        "models[0].rebalance_policy: cash_minimum 0.005 is above cash_maximum 0.001"
    ]


@pytest.mark.django_db
def test_a_name_that_the_file_takes_into_a_model_again_has_not_left_it_any_more():
    take(edited())
    model = TargetModel.objects.get(name="Core")
    version = ModelVersion.objects.create(
        model=model, number=1, recipe="fixed", as_of=date(2020, 1, 2), author="x", reason="x"
    )
    for symbol in ("QUAL", "VTI"):
        security, _ = Security.objects.get_or_create(firm=model.firm, symbol=symbol)
        ModelExit.objects.create(
            model=model, security=security, rule="hold", since=date(2020, 1, 2), version=version
        )
    take(edited())
    open_exits = ModelExit.objects.filter(ended_on=None)
    assert list(open_exits.values_list("security__symbol", flat=True)) == ["VTI"]
