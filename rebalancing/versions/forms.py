"""What an adviser types to have a rebalance solved again: a choice for each of its lines."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from enum import StrEnum

from accounts.typed_dollars import ungrouped
from accounts.types import QUANTITY_LIMIT
from proposals.models import ProposedTrade
from proposals.types import Side
from rebalancing.versions.fixed_rows import FixedRow

ZERO = Decimal(0)


class Choice(StrEnum):
    """What becomes of a line; the text is read by people."""

    FREE = "solve again"
    KEEP = "keep as it is"
    OUT = "leave out"
    EXACT = "exactly"
    MOST = "at most"


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the proposal with what was chosen and typed for it."""

    trade: ProposedTrade
    choice: Choice
    shares: str

    @property
    def choice_name(self) -> str:
        return f"choice-{self.trade.ordinal}"

    @property
    def shares_name(self) -> str:
        return f"shares-{self.trade.ordinal}"


def lines(trades: Sequence[ProposedTrade], typed: Mapping[str, str]) -> list[Line]:
    """The form's lines; what nobody chose is solved again."""
    return [
        Line(
            trade=trade,
            choice=_choice(typed.get(f"choice-{trade.ordinal}", "")),
            shares=typed.get(f"shares-{trade.ordinal}", "")[:40],
        )
        for trade in trades
    ]


def rows(lines: Sequence[Line]) -> tuple[tuple[FixedRow, ...], tuple[str, ...]]:
    """The rows that were fixed, and what is wrong with them in sentences."""
    found: list[FixedRow] = []
    wrong: list[str] = []
    for line in lines:
        if line.choice is Choice.FREE:
            if line.shares.strip():
                wrong.append(
                    f"{line.trade.security.symbol}: shares are typed, but the line is to be solved again. "
                    f"Choose {Choice.EXACT} or {Choice.MOST}, or empty the shares."
                )
            continue
        shares = _shares(line)
        if shares is None:
            symbol = line.trade.security.symbol
            wrong.append(f"{symbol}: say how many shares, zero or more.")
        else:
            found.append(_row(line, shares))
    return tuple(found), tuple(wrong)


def choices() -> Iterator[tuple[str, str]]:
    """Values and words of the choices."""
    return ((choice.name.lower(), choice.value) for choice in Choice)


def _choice(value: str) -> Choice:
    return Choice.__members__.get(value.upper(), Choice.FREE)


def _shares(line: Line) -> Decimal | None:
    if line.choice is Choice.KEEP:
        return Decimal(line.trade.quantity)
    if line.choice is Choice.OUT:
        return ZERO
    try:
        shares = Decimal(ungrouped(line.shares))
    except InvalidOperation:
        return None
    return shares if shares.is_finite() and ZERO <= shares < QUANTITY_LIMIT else None


def _row(line: Line, shares: Decimal) -> FixedRow:
    trade = line.trade
    return FixedRow(
        account=trade.account_id,
        security=trade.security_id,
        side=Side(trade.side),
        quantity=shares,
        opening=trade.opening_id,
        part=trade.part,
        is_cap=line.choice is Choice.MOST,
    )
