"""Rules on several securities as rows of the optimiser's problem: which way they are rounded, by hand."""

from dataclasses import replace
from decimal import Decimal as D

import numpy as np
import pytest

from rebalancing.trades import arrays
from rebalancing.trades.index import in_words
from rebalancing.trades.joint_rows import joint_limits
from rebalancing.types import HouseholdState, JointBounds
from tests.rebalancing.states import account, lot, risk, state

VALUE = D(10_000)


def household(*joint: JointBounds) -> HouseholdState:
    """$10,000: 30 shares of security 1 at $100, 10 of security 2 at $200, $5,000 cash."""
    found = state(
        accounts=(account(cash="5000"),),
        lots=(
            lot(1, "30", "3000", opening=1),
            lot(2, "10", "2000", opening=2),
        ),
        prices={1: "100", 2: "200"},
        targets={1: "0.5", 2: "0.3"},
    )
    return replace(found, half_spreads={1: D("0.001"), 2: D("0.002")}, joint=joint)


def bound(**limits: D) -> JointBounds:
    return JointBounds(rule="a/b", name="Sector X (a/b)", weights={1: D(1), 2: D("0.5")}, **limits)  # type: ignore[arg-type]  # limits alone


def test_limits_are_a_share_tighter_and_a_ceiling_by_what_trading_costs() -> None:
    found = joint_limits(household(bound(low=D("0.2"), high=D("0.5"))), (1, 2), VALUE)
    assert found is not None
    np.testing.assert_array_equal(found.weights, [[1.0, 0.5]])
    # A share counts $100 of $10,000 either way; all may be traded at twice 20 bp.
    assert found.low[0] == pytest.approx(0.21)
    assert found.high[0] == pytest.approx(0.5 * (1 - 0.004) - 0.01)


def test_any_trade_changes_cash() -> None:
    one = JointBounds(rule="a/b", name="Cash", weights={}, cash=D(1), high=D("0.4"))
    found = joint_limits(household(one), (1, 2), VALUE)
    assert found is not None
    assert found.high[0] == pytest.approx(0.4 * (1 - 0.004) - 0.02)
    assert found.low[0] == -np.inf


def test_limits_without_room_for_a_share_are_met_in_the_middle() -> None:
    found = joint_limits(household(bound(low=D("0.30"), high=D("0.31"))), (1, 2), VALUE)
    assert found is not None
    assert found.low[0] == found.high[0] == pytest.approx(0.305)


def test_a_household_inside_its_limits_is_not_driven_away_from_them_by_dear_shares() -> None:
    """40 % and 50 % cash are inside; a share of $4,000 more room would sell all of it, or none of it be cash."""
    dear = replace(
        household(bound(low=D("0.3"), high=D("0.45"))), prices={1: D(100), 2: D(200), 3: D(4000)}
    )
    cash = JointBounds(rule="a/b", name="Cash", weights={}, cash=D(1), low=D("0.45"))
    wanted = replace(bound(high=D("0.45")), weights={1: D(1), 2: D("0.5"), 3: D(1)})
    found = joint_limits(replace(dear, joint=(wanted, cash)), (1, 2), VALUE)
    assert found is not None
    assert found.high[0] == pytest.approx(0.4)
    assert found.low[1] == pytest.approx(0.5)


def test_accounts_that_trade_fractions_need_a_fraction_s_room() -> None:
    whole = household(bound(high=D("0.3")))
    parts = replace(whole, accounts=(replace(whole.accounts[0], quantum=D("0.0001")),))
    found = joint_limits(parts, (1, 2), VALUE)
    assert found is not None
    assert found.high[0] == pytest.approx(0.3 * (1 - 0.004) - 0.000001)


def test_without_rules_there_are_no_rows() -> None:
    assert joint_limits(household(), (1, 2), VALUE) is None
    problem, _ = arrays.build(household(), risk(2))
    assert problem.joint_limits is None


def test_a_row_has_the_rule_s_name_in_messages() -> None:
    _, index = arrays.build(household(bound(high=D("0.5"))), risk(2))
    assert in_words("most of joint limit 0", index) == "Sector X (a/b)"
    assert in_words("least of joint limit 0 and security 1", index) == "Sector X (a/b) and S2"
