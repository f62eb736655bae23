"""A reason is claimed where its figure says so, and comes with it (F20-F23)."""

from dataclasses import replace
from datetime import date
from decimal import Decimal as D

import numpy as np
import pytest

from proposals.types import DraftTrade, Side
from rebalancing.policies import policy_words
from rebalancing.policies.policy import BandType, Cadence, CashFlows, Destination, PolicyKind
from rebalancing.risk.model import NamedFactors, RiskModel
from rebalancing.telling import reasons
from rebalancing.telling.reasons import Measure
from rebalancing.trades.active_risk import ActiveRisk, active_risk
from rebalancing.types import Band
from tests.rebalancing.states import LIMITS, account, lot, risk, state

SINCE = date(2021, 12, 28)


def test_contributions_add_up_to_the_tracking_error_of_the_risk_model() -> None:
    """Two names 10 points apart: 0.16 in common cancels, 20 % a year of their own each: sqrt(2) x 2 %."""
    found = active_risk(
        risk(2), (7, 8), weights={7: D("0.6"), 8: D("0.4")}, targets={7: D("0.5"), 8: D("0.5")}
    )
    total = D("0.02828427")
    assert sum(found.contributions.values()) == pytest.approx(total, abs=D("0.00000002"))
    assert found.contributions[7] == found.contributions[8]
    assert found.exposures == (D(0),)
    assert found.factor_risk == D(0)


def test_an_exposure_is_what_the_factor_alone_costs() -> None:
    found = active_risk(risk(1), (7,), weights={7: D("0.4")}, targets={7: D("0.5")})
    assert found.exposures == (D("-0.016"),)
    assert found.factor_risk == D("0.016")


def test_nothing_active_contributes_nothing() -> None:
    found = active_risk(risk(1), (7,), weights={7: D("0.5")}, targets={7: D("0.5")})
    assert found == ActiveRisk((D(0),), D(0), {7: D(0)})


def active(factor: str, main: str) -> ActiveRisk:
    return ActiveRisk((D(factor),), abs(D(factor)), {1: D(main), 2: D("0.001")})


def of_risk(before: str, after: str) -> reasons.Evidence | None:
    return reasons.of_risk(
        error=Measure("Tracking error", D(before), D(after)),
        weights={1: D("0.3"), 2: D("0.1")},
        after={1: D("0.25"), 2: D("0.12")},
        active=(active("0.01", "0.02"), active("0.005", "0.01")),
        symbols={1: "AAA", 2: "BBB"},
    )


def test_risk_is_a_reason_only_where_the_tracking_error_falls() -> None:
    found = of_risk("0.03", "0.01")
    assert found is not None
    assert [(row["name"], row["before"], row["after"]) for row in found.rows] == [
        ("Tracking error", "0.03", "0.01"),
        ("Weight of the largest name, AAA", "0.3", "0.25"),
        ("Tracking error that comes from AAA", "0.02", "0.01"),
    ]
    assert of_risk("0.03", "0.03") is None
    assert of_risk("0.01", "0.03") is None


def test_factors_are_a_reason_only_where_their_gap_narrows() -> None:
    wide, narrow = active("-0.02", "0.02"), active("0.01", "0.01")
    found = reasons.of_factors(wide, narrow, names=("Momentum",))
    assert found is not None
    assert [(row["name"], row["before"], row["after"]) for row in found.rows] == [
        ("All factors together", "0.02", "0.01"),
        ("Momentum", "-0.02", "0.01"),
    ]
    assert reasons.of_factors(narrow, wide) is None
    assert reasons.of_factors(narrow, narrow) is None


def trade(security: int, side: Side, shares: str) -> DraftTrade:
    return DraftTrade(
        account=1, security=security, side=side, quantity=D(shares), price=D(100), reason="DRIFT"
    )


HELD = state(
    accounts=(account(1, "0"),),
    lots=(lot(1, "200", "1", opening=1), lot(2, "100", "1", opening=2), lot(3, "9", "1", opening=3)),
    prices={1: "100", 2: "100", 3: "100"},
    targets={1: "0.5", 2: "0.5"},
)  # fmt: skip
# 20,000 was 10,000, and 10,000 was 20,000: what is held has returned nothing; 3 has no return.
RETURNS = {1: D(1), 2: D("-0.5")}


def test_contrarian_is_dollars_of_the_past() -> None:
    trades = [trade(1, Side.SELL, "50"), trade(2, Side.BUY, "40"), trade(3, Side.BUY, "10")]
    found = reasons.of_the_past(trades, HELD, RETURNS, since=SINCE, rebalanced=True)
    assert found is not None
    assert found.sentence == (
        "Since 2021-12-28, the last executed rebalance, what is held today has returned +0.0 % "
        "by its prices. A fact about the past, not a forecast."
    )
    assert [(row["name"], row["dollars"]) for row in found.rows] == [
        ("Sold of names that beat the portfolio", "5000.00"),
        ("Bought of names that lagged it", "4000.00"),
        ("Sold of names that lagged it", "0.00"),
        ("Bought of names that beat it", "0.00"),
    ]


def test_following_the_winners_is_not_contrarian() -> None:
    trades = [trade(2, Side.SELL, "50"), trade(1, Side.BUY, "40")]
    assert reasons.of_the_past(trades, HELD, RETURNS, since=SINCE, rebalanced=False) is None
    assert reasons.of_the_past(trades, HELD, {}, since=SINCE, rebalanced=False) is None


# The policy in words


@pytest.mark.parametrize(
    ("years", "words"),
    [
        (D(1) / 252, "a trading day"),
        (D(1) / 12, "a month"),
        (D("0.25"), "a quarter"),
        (D(1), "a year"),
        (D("0.3"), "0.3 years"),
    ],
)
def test_a_horizon_in_words(years: D, words: str) -> None:
    assert policy_words.horizon(years) == words


def test_a_policy_in_words() -> None:
    policy = replace(
        LIMITS, kind=PolicyKind.THRESHOLD, cadence=Cadence.QUARTERLY, band_type=BandType.RELATIVE,
        destination=Destination.EDGE, cool_down_days=7, only_if_worth_it=False,
        cash_flows=CashFlows.INVEST_AND_RAISE_ONLY,
        bands={3: Band(BandType.ABSOLUTE, D("0.02"), D(1))},
    )  # fmt: skip
    assert policy_words.sentences(policy) == [
        "Threshold: looks on the last business day of each quarter; a security out of band goes to the "
        "edge of its band, and only what offsets it is traded beside it.",
        "Band: 20 % of the target; 1 security has another, by name or by class.",
        "1 % of tracking error costs 10 basis points a year, 2 % four times that.",
        "What trading saves is counted over a year.",
        "It trades also where that costs more than the tracking error it avoids.",
        "Where no security is out of band, cash outside its band is invested without a sale or raised "
        "without a purchase.",
        "After an executed rebalance drift is left alone for 7 days.",
        "An order above 10 % of a day's volume is suggested as VWAP, one whose spread is above 10 basis points as a "
        "limit order.",
    ]


def test_a_band_in_words() -> None:
    assert [policy_words.band(Band(one, D("0.05"), D("0.2"))) for one in BandType] == [
        "5 points of the household",
        "20 % of the target",
        "5 points of the household or 20 % of the target, whichever is tighter",
    ]


def test_a_named_factor_is_told_by_its_own_beta_and_volatility() -> None:
    """Two factors that go together: a column of the loadings is neither of them."""
    betas = np.array([[1.0, 0.0], [0.5, 2.0]])
    covariance = np.array([[0.04, 0.03], [0.03, 0.09]])
    model = RiskModel(
        loadings=betas @ np.linalg.cholesky(covariance),
        specific_variance=np.array([0.01, 0.02]),
        observations=0,
        factors=("Value", "Size"),
        named=NamedFactors(betas, covariance),
    )
    found = active_risk(
        model, [7, 8], weights={7: D("0.4"), 8: D("0.6")}, targets={7: D("0.5"), 8: D("0.5")}
    )

    # -0.1 x 1 + 0.1 x 0.5 at 20 % a year, and 0.1 x 2 at 30 %.
    assert found.exposures == (D("-0.01"), D("0.06"))
