"""The risk setting in a set-up file."""

import pytest

from rebalancing.models import RiskFactor, RiskSetting
from rebalancing.types import RiskMethod
from tests.config.setup_file.texts import EXAMPLE, FIRM, edited, problems_of, refused, take

FACTORS = '[risk.factors]\n"US momentum" = "AAPL"\nValue = "MSFT"\n'


def with_factors(factors: str = FACTORS) -> str:
    return edited(
        ('method = "statistical" ', 'method = "factor_etfs" '),
        ("[policies.rebalance]", f"{factors}\n[policies.rebalance]"),
    )


@pytest.mark.django_db
def test_the_example_has_the_defaults_and_again_changes_nothing():
    assert "1 risk setting new" in take(EXAMPLE.read_text(encoding="utf-8"))
    row, default = RiskSetting.objects.get(), RiskSetting()
    for column in (
        "method", "observations", "half_life", "factor_count", "maximum_staleness_days",
        "minimum_coverage", "market_risk_price",
    ):  # fmt: skip
        assert getattr(row, column) == getattr(default, column)
    assert take(EXAMPLE.read_text(encoding="utf-8")) == ""


@pytest.mark.django_db
def test_factors_are_taken_whole_and_stay_where_none_are_given():
    take(with_factors())
    assert RiskSetting.objects.get().method == RiskMethod.FACTOR_ETFS
    assert {(row.name, row.security.symbol) for row in RiskFactor.objects.all()} == {
        ("US momentum", "AAPL"),
        ("Value", "MSFT"),
    }
    assert take(with_factors()) == ""
    assert take(with_factors("")) == ""
    assert take(with_factors('[risk.factors]\nValue = "AAPL"\n')) == "1 risk setting changed"
    assert RiskFactor.objects.get().security.symbol == "AAPL"


@pytest.mark.django_db
def test_factors_are_securities_of_the_firm_and_the_method_needs_one():
    said = refused(with_factors('[risk.factors]\nValue = "XXX"\n'))
    assert said[0].startswith("risk.factors.Value: 'XXX' is no security of the firm")
    assert refused(with_factors("")) == [
        "risk.factors: the method factor_etfs needs at least one: name = symbol"
    ]
    assert not RiskSetting.objects.exists()


def test_what_is_out_of_range_is_refused_with_its_path():
    said = problems_of(
        f'{FIRM}[risk]\nmethod = "guess"\nobservations = 59\nhalf_life = 19\nfactor_count = 0\n'
        'maximum_staleness_days = 0\nminimum_coverage = "1.1"\nmarket_risk_price = 0\nmodel = 1\n'
        '[risk.factors]\nA = "X"\nB = "X"\n'
    )
    assert sorted(line.split(":")[0] for line in said) == [
        "risk.factor_count",
        "risk.factors.B",
        "risk.half_life",
        "risk.market_risk_price",
        "risk.maximum_staleness_days",
        "risk.method",
        "risk.minimum_coverage",
        "risk.model",
        "risk.observations",
    ]
