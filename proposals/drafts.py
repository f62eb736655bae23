"""The hard checks: whatever a producer computes, a bad draft never becomes a proposal."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

from lots.errors import LedgerError
from lots.rounding import plain
from proposals.compliance import Facts, LotKey, Trade, entries_of, washed_by
from proposals.types import (
    NEARLY_A_LOSS,
    DraftProposal,
    DraftTrade,
    NewWash,
    Problem,
    ProposalKind,
    Side,
)
from proposals.windows import identical_to

ZERO = Decimal(0)
CENT = Decimal("0.01")


def problems_of(draft: DraftProposal, facts: Facts) -> tuple[Problem, ...]:
    """Everything that is wrong with a draft, in words; empty = it may be put before an adviser.

    Wash sales are asked for last and only of trades that can be made.
    """
    found = [*_shape(draft, facts)]
    if found:
        return tuple(found)
    found += [*_oversold(draft.trades, facts), *_churn(draft.trades, facts)]
    found += [*blocked_buys(draft.trades, facts), *_own_washes(draft.trades, facts)]
    found += unreconciled(draft.trades, facts)
    if draft.kind is ProposalKind.HARVEST:
        found += _unbalanced_pairs(draft.trades, facts)
    if not found:
        found += wash_problems(draft.trades, facts)
    return tuple(found)


def _shape(draft: DraftProposal, facts: Facts) -> Iterator[Problem]:
    if not draft.trades:
        yield Problem("no_trades", "A proposal without trades says nothing: give a reason instead.")
    for trade in draft.trades:
        name = f"The {trade.side} of {facts.symbol(trade.security)}"
        for value in (trade.quantity, trade.price, trade.basis):
            if not isinstance(value, Decimal):
                raise TypeError(f"{name}: money and shares are Decimal, not {type(value).__name__}")
        if trade.account not in facts.accounts:
            yield Problem("foreign_account", f"{name} is in an account of another household.")
        if trade.security not in facts.symbols:
            yield Problem("foreign_security", f"{name} names a security the firm does not know.")
        if trade.quantity <= 0 or trade.price <= 0:
            yield Problem("not_positive", f"{name} needs a quantity and a price above zero.")
        if (trade.side is Side.SELL) != (trade.opening is not None and trade.part is not None):
            yield Problem(
                "lot_missing", f"{name}: a sale names its lot and part, a buy names none."
            )


def shares_wanted(trades: Sequence[DraftTrade]) -> dict[LotKey, Decimal]:
    """Shares of each lot part that the trades sell."""
    wanted: dict[LotKey, Decimal] = {}
    for trade in trades:
        if trade.opening is not None and trade.part is not None:
            key = (trade.opening, trade.part)
            wanted[key] = wanted.get(key, ZERO) + trade.quantity
    return wanted


def _oversold(trades: Sequence[DraftTrade], facts: Facts) -> Iterator[Problem]:
    """No lot beyond its open quantity, shares reserved by others taken off first (T48)."""
    wanted = shares_wanted(trades)
    for trade in trades:
        if trade.opening is None or trade.part is None:
            continue
        lot = facts.lots.get((trade.opening, trade.part))
        if lot is None or (lot.account, lot.security) != (trade.account, trade.security):
            yield Problem(
                "lot_not_held",
                f"{facts.account(trade.account)} holds no lot {trade.opening} part {trade.part} of "
                f"{facts.symbol(trade.security)}.",
            )
    for key, quantity in wanted.items():
        lot = facts.lots.get(key)
        if lot is None:
            continue
        reserved = facts.windows.reserved.get(key, ZERO)
        if quantity > lot.quantity - reserved:
            yield Problem(
                "oversold",
                f"{shares(quantity)} {facts.symbol(lot.security)} of the lot of {lot.acquired} are "
                f"to be sold, {shares(lot.quantity)} are open and {shares(reserved)} of them are "
                "reserved by other proposals.",
            )


def unreconciled(trades: Sequence[Trade], facts: Facts) -> Iterator[Problem]:
    """Nothing is proposed where the lots do not add up to what the custodian holds (T53, I22)."""
    for account in sorted({trade.account for trade in trades}):
        if account in facts.unreconciled:
            yield Problem(
                "unreconciled",
                f"{facts.account(account)} does not add up: {facts.unreconciled[account]}. Book what "
                "is missing, or import a newer statement.",
            )


def _churn(trades: Sequence[DraftTrade], facts: Facts) -> Iterator[Problem]:
    """One account never sells and buys one security in one proposal (T39)."""
    sold = {(t.account, t.security) for t in trades if t.side is Side.SELL}
    bought = {(t.account, t.security) for t in trades if t.side is Side.BUY}
    for account, security in sorted(sold & bought):
        yield Problem(
            "churn",
            f"{facts.account(account)} would sell and buy {facts.symbol(security)}: trade the "
            "difference only.",
        )


def blocked_buys(trades: Sequence[Trade], facts: Facts) -> Iterator[Problem]:
    """Purchases of what the household has sold, or is about to sell, at a loss."""
    for security in sorted({t.security for t in trades if t.side is Side.BUY}):
        block = facts.windows.buy_blocked.get(security)
        if block is not None:
            yield Problem(
                "buy_blocked",
                f"{facts.symbol(security)} must not be bought before {block.clear_on}: {block.cause}.",
            )


def _own_washes(trades: Sequence[DraftTrade], facts: Facts) -> Iterator[Problem]:
    """A loss sale and a purchase of one security in one proposal wash by construction (T45).

    A gain that a small move of the price turns into a loss counts as one.
    """
    bought = {t.security for t in trades if t.side is Side.BUY}
    for security in sorted({t.security for t in trades if facts.sells_at_loss(t)}):
        for other in sorted(bought & identical_to(security, facts.groups)):
            yield Problem(
                "sells_at_loss_what_it_buys",
                f"{facts.symbol(security)} is sold at a loss, or nearly, while {facts.symbol(other)} "
                "is bought.",
            )


def _unbalanced_pairs(trades: Sequence[DraftTrade], facts: Facts) -> Iterator[Problem]:
    pairs: dict[int, list[DraftTrade]] = {}
    for trade in trades:
        pairs.setdefault(trade.pair, []).append(trade)
    for number, legs in sorted(pairs.items()):
        fault = "the trades belong to no pair" if number == 0 else _pair_fault(legs, facts)
        if fault:
            yield Problem("unbalanced_pair", f"Harvest pair {number}: {fault}.")


def _pair_fault(legs: Sequence[DraftTrade], facts: Facts) -> str | None:
    """A pair is atomic: lots sold, one substitute bought for the same dollars less costs (T8, T28)."""
    sells = [leg for leg in legs if leg.side is Side.SELL]
    buys = [leg for leg in legs if leg.side is Side.BUY]
    if not sells or len(buys) != 1:
        return "a pair is sales of lots and exactly one purchase"
    if len({leg.account for leg in legs}) != 1:
        return "both sides must be in one account"
    buy = buys[0]
    sold = sum((leg.amount for leg in sells), ZERO)
    if buy.amount > sold:
        return f"${buy.amount} is bought with ${sold}"
    spread = sum((leg.amount * facts.half_spreads.get(leg.security, ZERO) for leg in legs), ZERO)
    one_share = buy.price * (1 + facts.half_spreads.get(buy.security, ZERO))
    if sold - buy.amount > one_share + spread + CENT * len(legs):
        return f"only ${buy.amount} of ${sold} is bought back, one share more would fit"
    return None


def wash_problems(trades: Sequence[Trade], facts: Facts) -> list[Problem]:
    """What the tax engine says against the trades, made on ``facts.as_of`` at their prices.

    Where it says nothing, it is asked again as if the sales at nearly a loss were filled that much lower.
    """
    problems = _wash_problems(trades, facts)
    if problems or not any(_is_nearly_a_loss(trade, facts) for trade in trades):
        return problems
    lower = [
        replace(trade, price=trade.price * (1 - NEARLY_A_LOSS))
        if _is_nearly_a_loss(trade, facts)
        else trade
        for trade in trades
    ]
    prefix = f"With a fill {shares(100 * NEARLY_A_LOSS)} % lower, "
    return [
        Problem("nearly_a_wash_sale", prefix + one.text) for one in _wash_problems(lower, facts)
    ]


def _is_nearly_a_loss(trade: Trade, facts: Facts) -> bool:
    """A gain today that may be filled as a loss; an intention does not say which of the two it is."""
    is_loss = isinstance(trade, DraftTrade) and trade.gain < 0
    return facts.sells_at_loss(trade) and not is_loss


def _wash_problems(trades: Sequence[Trade], facts: Facts) -> list[Problem]:
    intended = entries_of(trades, facts.as_of)
    try:
        washes = washed_by(facts.ledger, intended)
    except LedgerError as error:
        return [Problem("ledger", f"The ledger cannot follow these trades: {error}")]
    return [Problem("wash_sale", wash_sentence(wash, facts)) for wash in washes]


def wash_sentence(wash: NewWash, facts: Facts) -> str:
    """One wash sale in words, with what is lost for ever."""
    text = (
        f"${wash.amount} of the loss on {facts.symbol(wash.security)} sold on {wash.trade_date} in "
        f"{facts.account(wash.account)} would be disallowed"
    )
    return f"{text}, ${wash.permanent} of it for ever." if wash.permanent else f"{text}."


def shares(quantity: Decimal) -> str:
    """A number of shares for people."""
    return plain(Fraction(quantity))
