"""How well risk was predicted on real prices: 20 US stocks, chosen with hindsight, and five factor ETFs, to 2022.

Each quarter a model of the last two years predicts the variance of 50 active portfolios, and the quarter after says
what it was. The limits below have a margin over what is measured (docs/risk-model.md has the figures).
"""

import csv
import gzip
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest

from rebalancing.risk import estimate, from_factor_returns
from rebalancing.risk.history import suspects

DATA = Path(__file__).parents[3] / "config" / "demo" / "data"
TWO_YEARS, QUARTER = 504, 63


def closes(name):
    with gzip.open(DATA / name, "rt", encoding="utf-8") as file:
        header, *rows = csv.reader(file)
    days = [row[0][:10] for row in rows]
    return header[1:], days, np.array([[float(cell) for cell in row[1:]] for row in rows])


@lru_cache(maxsize=1)
def market():
    """Returns of the stocks (T, 20), and of the ETFs on the same days (T, 5), NaN before there were any."""
    _, days, stocks = closes("sp500_20_stocks.csv.gz")
    names, fund_days, funds = closes("factor_etfs.csv.gz")
    levels = np.full((len(days), len(names)), np.nan)
    place = {day: at for at, day in enumerate(days)}
    levels[[place[day] for day in fund_days]] = funds
    return stocks[1:] / stocks[:-1] - 1, levels[1:] / levels[:-1] - 1, names


def realised_to_predicted(model_of, first):
    """(quarters, portfolios) variance that came, over variance predicted."""
    stocks, _, _ = market()
    random = np.random.default_rng(7)
    active = np.array([
        random.dirichlet(np.full(20, 0.3)) - random.dirichlet(np.full(20, 3.0)) for _ in range(50)
    ])  # fmt: skip
    ratios = []
    for start in range(first, len(stocks) - QUARTER, QUARTER):
        model = model_of(slice(start - TWO_YEARS, start))
        came = np.cov(stocks[start : start + QUARTER].T) * 252
        predicted = [model.variance(weights) for weights in active]
        ratios.append(np.einsum("pi,ij,pj->p", active, came, active) / predicted)
    return np.array(ratios)


def loss(ratios):
    """QLIKE, the mean of r - log r - 1: 0 where every prediction came true; misses below cost more."""
    return float(np.mean(ratios - np.log(ratios) - 1.0))


def ratio(ratios):
    return float(np.sqrt(ratios.mean()))


def statistical(window):
    return estimate(market()[0][window], factors=10)


def exponential(window):
    return estimate(market()[0][window], factors=10, half_life=126)


def factor_etfs(window):
    stocks, funds, names = market()
    return from_factor_returns(stocks[window], funds[window], factors=names)


def first_with_funds():
    return int(np.flatnonzero(np.isfinite(market()[1]).all(axis=1))[0]) + TWO_YEARS


@pytest.mark.parametrize(
    ("method", "since", "worst_loss"),
    [
        (statistical, lambda: TWO_YEARS, 0.25),
        (exponential, lambda: TWO_YEARS, 0.19),
        (statistical, first_with_funds, 0.20),
        (exponential, first_with_funds, 0.17),
        (factor_etfs, first_with_funds, 0.20),
    ],
)
def test_predicted_variance_comes_true_out_of_sample(method, since, worst_loss):
    ratios = realised_to_predicted(method, since())
    assert 0.95 < ratio(ratios) < 1.12
    assert loss(ratios) < worst_loss


def test_newer_days_predict_better():
    plain, weighted = (
        loss(realised_to_predicted(method, TWO_YEARS)) for method in (statistical, exponential)
    )
    assert weighted < 0.85 * plain


def test_betas_of_real_stocks_are_sensible():
    stocks, funds, names = market()
    model = from_factor_returns(stocks[-TWO_YEARS:], funds[-TWO_YEARS:], factors=names)
    assert model.factors == ("MTUM", "QUAL", "SIZE", "USMV", "VLUE")
    together = model.exposures(np.full(20, 0.05))
    assert 0.7 < together.sum() < 1.2  # twenty large stocks are about the market
    assert model.named is not None
    assert model.named.r_squared is not None
    assert 0.2 < np.median(model.named.r_squared) < 0.7
    plain = stocks[-TWO_YEARS:].std(axis=0, ddof=1) * np.sqrt(252)
    np.testing.assert_allclose(model.volatility(), plain, rtol=0.03)


def test_real_crashes_are_not_taken_for_splits():
    stocks, funds, _ = market()
    assert stocks.min() < -0.5
    assert len(suspects(stocks)) == 1  # one of 166,000: RRC falls to exactly a third in April 1990
    assert suspects(funds) == []
