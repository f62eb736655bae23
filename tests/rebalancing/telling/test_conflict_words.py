"""A household without an answer is told what is in conflict, what would help and what stands in the way."""

from decimal import Decimal as D

import pytest

from rebalancing.errors import Infeasible
from rebalancing.optimizer.conflicts import Relaxation
from rebalancing.telling.conflict_words import for_people
from rebalancing.trades import arrays
from rebalancing.trades.best_trades import best_trades
from rebalancing.types import HouseholdState
from tests.rebalancing.states import account, lot, risk, state


def overdrawn(cash: str = "-2000", sellable: str = "10") -> HouseholdState:
    """Account A2 owes money and may sell 10 shares at $50 only; half a spread of a sale is 0.05 %."""
    return state(
        accounts=(account(1, "500"), account(2, cash, is_taxable=False)),
        lots=(
            lot(1, "100", "5000", opening=1),
            lot(2, "40", "2000", opening=2, account=2, is_taxable=False, sellable=sellable),
        ),
        prices={1: "100", 2: "50"},
        targets={1: "0.5", 2: "0.47"},
    )


def test_what_is_in_conflict_by_how_many_dollars_and_what_is_in_the_way():
    with pytest.raises(Infeasible) as refused:
        best_trades(overdrawn(), risk(2))
    found = refused.value
    # 2,000 owed less 500 of proceeds and 0.25 of spread, and a cent for rounding up
    assert str(found).startswith(
        "No trades keep every limit: cash floor of account A2 cannot be met. The smallest relaxation that helps: "
        "cash floor of account A2 lower by $1,500.26. In the way: what may be sold."
    )
    assert found.conflicts == ("cash floor of account A2",)
    assert found.against == ("what may be sold",)
    assert found.relaxations == ("cash floor of account A2 lower by $1,500.26",)


def test_the_relaxation_helps_and_two_cents_less_do_not():
    with pytest.raises(Infeasible):
        best_trades(overdrawn("-500"), risk(2))  # the spread of the sale is missing
    assert best_trades(overdrawn("-499.70"), risk(2)).cash_after[2] >= 0


def test_several_limits_are_told_together_with_names_and_at_most_five_in_the_way():
    start = overdrawn()
    _, index = arrays.build(start, risk(2))
    against = (
        "least to sell of lot 1 of security 1 in account 1",
        *(f"limit {n}" for n in range(6)),
    )
    found = Infeasible(
        "as the optimiser says it",
        against=against,
        relaxations=(
            Relaxation("upper bound of security 0", "upper", 0, 0.01),
            Relaxation("short-term gain cap", "max_st_gain", 0, 1e-9),
        ),
    )
    told = for_people(found, index)
    assert index.value == D(10500)
    assert told.message == (
        "No trades keep every limit: upper bound of S1 and short-term gain cap cannot be met. "
        "The smallest relaxation that helps: upper bound of S1 higher by $105.00 and "
        "short-term gain cap higher by $0.01. In the way: least to sell of a lot of S2 in account A2, "
        "limit 0, limit 1, limit 2, limit 3 and 2 more."
    )


def test_where_no_relaxation_is_known_the_optimisers_own_message_has_names():
    _, index = arrays.build(overdrawn(), risk(2))
    told = for_people(Infeasible("No: security 1.", conflicts=("account 0",)), index)
    assert (told.message, told.conflicts) == ("No: S2.", ("account A1",))
