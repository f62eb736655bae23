"""One run: a policy over the whole history, in weights and in dollars."""

from dataclasses import dataclass

from rebalancing.backtest.book import Book, Money
from rebalancing.backtest.market import Market
from rebalancing.backtest.method import Policy, rule_of
from rebalancing.backtest.path import Measured, walk


@dataclass(frozen=True, slots=True)
class Result:
    """Yearly figures of the weights, and dollars of the whole path of so many years."""

    measured: Measured
    money: Money
    years: float


def run(market: Market, policy: Policy) -> Result:
    """Follow a policy from the target on the day before the first to the end."""
    book = Book(market)
    measured = walk(market, rule_of(policy, market, book), policy.every, book)
    return Result(measured, book.finish(), market.years)
