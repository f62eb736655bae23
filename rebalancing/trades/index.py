"""What the rows of a household's problem stand for: its accounts, securities, positions and lots, in their order."""

import re
from dataclasses import dataclass
from decimal import Decimal

from rebalancing.optimizer.problem import FloatArray
from rebalancing.policies import drift
from rebalancing.risk import RiskModel
from rebalancing.types import HouseholdState, Position, StateLot


@dataclass(frozen=True, slots=True)
class Index:
    """What the rows of a problem's arrays stand for."""

    state: HouseholdState
    value: Decimal  # V in dollars
    accounts: tuple[int, ...]
    securities: tuple[int, ...]
    positions: tuple[Position, ...]
    lots: tuple[StateLot, ...]
    drift: drift.Drift  # of the state
    risk: RiskModel  # yearly, in the order of the securities
    years: FloatArray | None = (
        None  # (n,) over which each security counts; None: one horizon for all
    )


def universe(state: HouseholdState) -> tuple[int, ...]:
    """The securities of the problem in its order: held or targeted, with a price."""
    held = {security for _, security in state.shares()}
    return tuple(sorted(held | (state.targets.keys() & state.prices.keys())))


def in_words(text: str, index: Index) -> str:
    """A message of the optimiser or the risk model with the names of accounts and securities instead of their rows."""
    accounts = {account.id: account.name for account in index.state.accounts}

    def account(found: re.Match[str]) -> str:
        return f"account {accounts[index.accounts[int(found[1])]]}"

    def security(found: re.Match[str]) -> str:
        return index.state.symbols[index.securities[int(found[1])]]

    def joint(found: re.Match[str]) -> str:
        return index.state.joint[int(found[1])].name

    text = re.sub(r"(?:security|column) (\d+)", security, re.sub(r"account (\d+)", account, text))
    return re.sub(r"(?:most|least) of joint limit (\d+)", joint, text)
