"""The shadow portfolio against sums done by hand."""

import numpy as np
import pytest

from rebalancing.performance.premium import Premium, untouched


def test_what_is_left_alone_drifts() -> None:
    """$600 doubles in two steps of 41.42 % and stays; $300 halves; $100 of cash: 1,200 + 150 + 100 = 1,450."""
    step = 2**0.5 - 1
    returns = np.array([[step, 0.0], [step, -0.5]])
    assert untouched(np.array([600.0, 300.0]), 100.0, returns) == pytest.approx(0.45)


def test_selling_the_winner_before_it_falls_is_a_premium() -> None:
    """Half each; the first doubles and comes back. Untouched it is where it was; rebalanced at the top to half each,
    1,500 becomes 375 + 750 = 1,125: +12.5 %, $125 of $1,000."""
    returns = np.array([[1.0, 0.0], [-0.5, 0.0]])
    left_alone = untouched(np.array([500.0, 500.0]), 0.0, returns)
    assert left_alone == pytest.approx(0.0)
    assert left_alone is not None
    found = Premium(own=1.5 * 0.75 - 1, untouched=left_alone, value=1000.0)
    assert found.fraction == pytest.approx(0.125)
    assert found.dollars == pytest.approx(125.0)


def test_a_name_without_a_price_is_not_guessed() -> None:
    returns = np.array([[0.1, np.nan]])
    assert untouched(np.array([500.0, 500.0]), 0.0, returns) is None
    assert untouched(np.array([500.0, 0.0]), 0.0, returns) == pytest.approx(0.1)


def test_nothing_held_has_no_return() -> None:
    assert untouched(np.array([0.0]), 0.0, np.array([[0.1]])) is None
