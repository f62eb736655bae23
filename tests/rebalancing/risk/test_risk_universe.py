"""One model for a whole firm, and a household takes its rows: no worse than a model of the household's own names."""

import numpy as np
import pytest

from rebalancing.risk import estimate

NAMES, HELD = 300, 30


def wide_market(seed):
    """Two years of returns (504, n) of a market with 11 sectors and 3 styles, and the yearly covariance behind them."""
    random = np.random.default_rng(seed)
    beta = 1.0 + 0.25 * random.standard_normal(NAMES)
    sector = random.integers(0, 11, NAMES)
    style = random.standard_normal((NAMES, 3))
    own = 0.12 + 0.20 * random.random(NAMES)
    loadings = np.column_stack([0.16 * beta, 0.12 * np.eye(11)[sector], 0.05 * style])
    returns = (
        random.standard_normal((504, 15)) @ loadings.T + random.standard_normal((504, NAMES)) * own
    ) / np.sqrt(252)
    return returns, loadings @ loadings.T + np.diag(own**2)


def errors(factors):
    """Mean relative error of tracking errors of households of 30 names: by the firm's model, and by their own."""
    firms, owns = [], []
    for seed in range(3):
        returns, sigma = wide_market(seed)
        firm = estimate(returns, factors=factors)
        random = np.random.default_rng(seed)
        for _ in range(30):
            rows = np.sort(random.choice(NAMES, HELD, replace=False))
            own, part = estimate(returns[:, rows], factors=factors), firm.take(rows.tolist())
            for _ in range(10):
                active = random.dirichlet(np.full(HELD, 0.5)) - random.dirichlet(np.full(HELD, 3.0))
                truth = np.sqrt(active @ sigma[np.ix_(rows, rows)] @ active)
                firms.append(abs(part.tracking_error(active) / truth - 1.0))
                owns.append(abs(own.tracking_error(active) / truth - 1.0))
    return float(np.mean(firms)), float(np.mean(owns))


@pytest.mark.parametrize(("factors", "allowed"), [(10, 1.0), (15, 0.9)])
def test_the_firms_model_is_no_worse_than_a_households_own(factors, allowed):
    firm, own = errors(factors)
    assert firm < allowed * own
    assert firm < 0.03
