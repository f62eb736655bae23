"""The rule of thumb in dollars, with the horizon between yearly risk and one-off costs."""

from decimal import Decimal as D
from typing import Any

import pytest

from proposals.costs import TradeCost
from rebalancing.policies.worth import Worth, weigh


def worth(**changes: Any) -> Worth:
    values: dict[str, Any] = {
        "value": D(1_000_000),
        "risk_aversion": D(10),
        "horizon_years": D(1) / D(12),
        "risk_before": D("0.02"),
        "risk_after": D("0.008"),
        "trading": TradeCost(commission=D(0), spread=D(60), impact=D(2)),
        "tax": D(95),
    }
    return weigh(**{**values, **changes})


def test_a_monthly_horizon_makes_280_dollars_of_two_per_cent_tracking_error() -> None:
    found = worth()
    assert found.avoided.quantize(D("0.01")) == D("280.00")
    assert found.cost == 157
    assert found.ratio is not None
    assert found.ratio.quantize(D("0.01")) == D("1.78")
    assert found.break_even_days is not None
    assert found.break_even_days.quantize(D(1)) == 17
    assert found.is_worth_it


def test_two_per_cent_of_tracking_error_costs_four_times_what_one_does() -> None:
    one = worth(risk_before=D("0.01"), risk_after=D(0), horizon_years=D(1))
    two = worth(risk_before=D("0.02"), risk_after=D(0), horizon_years=D(1))
    assert (one.avoided, two.avoided) == (D(1000), D(4000))


def test_equal_sides_are_not_worth_it() -> None:
    found = worth(
        risk_before=D("0.01"),
        risk_after=D(0),
        horizon_years=D(1),
        trading=TradeCost(spread=D(1000)),
        tax=D(0),
    )
    assert found.avoided == found.cost == 1000
    assert not found.is_worth_it


def test_tax_saved_pays_for_the_trades_at_once() -> None:
    found = worth(tax=D(-500))
    assert (found.cost, found.ratio, found.break_even_days) == (D(-438), None, D(0))
    assert found.is_worth_it


def test_trades_that_add_risk_never_break_even() -> None:
    found = worth(risk_after=D("0.03"))
    assert found.break_even_days is None
    assert not found.is_worth_it


def test_a_float_is_refused() -> None:
    with pytest.raises(TypeError, match="float"):
        worth(tax=95.0)
    with pytest.raises(TypeError, match="float"):
        worth(trading=TradeCost(impact=2.0))  # type: ignore[arg-type]


def test_the_later_tax_of_a_new_basis_is_on_the_costs_side() -> None:
    """A gain taken now lowers the tax of a later sale, a loss raises it (F5)."""
    assert worth(later_tax=D(-58)).cost == 157 - 58
    loss = worth(tax=D(-500), later_tax=D(300))
    assert (loss.cost, loss.is_worth_it) == (D(-138), True)
