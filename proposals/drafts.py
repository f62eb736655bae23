"""The hard checks: whatever a producer computes, a bad draft never becomes a proposal."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

from lots.rounding import plain
from proposals.budgets import capped, excesses, gains_of
from proposals.compliance import Facts, LotKey, Trade
from proposals.costs import cash_moved, cost_of
from proposals.types import (
    BUY_BACK,
    NEARLY_A_LOSS,
    DraftProposal,
    DraftTrade,
    Problem,
    ProposalKind,
    Side,
)
from proposals.types import PARKED as PARKED
from proposals.washes import deferral_problems, wash_problems
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
    found += [*restricted_trades(draft.trades, facts), *_oversold(draft.trades, facts)]
    found += _not_one_for_one(draft) if _buys_back(draft) else _churn(draft.trades, facts)
    found += [*blocked_buys(draft.trades, facts), *_own_washes(draft.trades, facts)]
    found += over_budget(draft.trades, facts, factor_gain_limit=draft.factor_gain_limit)
    found += unreconciled(draft.trades, facts)
    if draft.kind is ProposalKind.HARVEST or _buys_back(draft):
        found += _unbalanced_pairs(draft.trades, facts)
    if draft.kind is ProposalKind.SWAP_BACK:
        found += [*_unbalanced_swap_backs(draft.trades, facts), *_unpaid(draft.trades, facts)]
    if not found:
        found += _wash_sales(draft, facts)
    return tuple(found)


def _wash_sales(draft: DraftProposal, facts: Facts) -> list[Problem]:
    """No wash sale but the one that a harvest states to the cent, for a person to accept (I9)."""
    if not draft.wash_deferred:
        return wash_problems(draft.trades, facts)
    if draft.kind is not ProposalKind.HARVEST:
        text = f"A {draft.kind.replace('_', '-')} must not defer a loss, this one says ${draft.wash_deferred}."
        return [Problem("wash_deferred", text)]
    return deferral_problems(draft.trades, facts, stated=draft.wash_deferred)


def _shape(draft: DraftProposal, facts: Facts) -> Iterator[Problem]:
    if not isinstance(draft.wash_deferred, Decimal):
        raise TypeError(f"A deferred loss is Decimal, not {type(draft.wash_deferred).__name__}")
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


def restricted_trades(trades: Sequence[Trade], facts: Facts) -> Iterator[Problem]:
    """Trades that a restriction forbids, with its reason and dates (F37, T50)."""
    asked = dict.fromkeys((trade.side, trade.account, trade.security) for trade in trades)
    for side, account, security in asked:
        broken = facts.windows.restricted.against(side, account=account, security=security)
        if broken is not None:
            verb = "bought" if side is Side.BUY else "sold"
            yield Problem(
                "restricted",
                f"{facts.symbol(security)} must not be {verb} in {facts.account(account)}: {broken.dated}.",
            )
    yield from _held_gains(trades, facts)
    yield from _too_heavy(trades, facts)


def _held_gains(trades: Sequence[Trade], facts: Facts) -> Iterator[Problem]:
    """Sales of lots whose gain is a larger part of their value than is permitted; NEARLY_A_LOSS of it is let pass."""
    for trade in trades:
        lot = facts.lots.get((trade.opening or 0, trade.part or 0))
        if trade.side is Side.BUY or lot is None or trade.account not in facts.taxable:
            continue
        held = facts.windows.restricted.hold_gains(account=trade.account, security=trade.security)
        worth = lot.quantity * trade.price
        if (
            held is not None
            and held.limit is not None
            and worth - lot.basis > worth * (held.limit + NEARLY_A_LOSS)
        ):
            yield Problem(
                "restricted",
                f"The lot of {facts.symbol(trade.security)} of {lot.acquired} in "
                f"{facts.account(trade.account)} must not be sold at a gain above "
                f"{percent(held.limit)} of its value: {held.dated}.",
            )


def _too_heavy(trades: Sequence[Trade], facts: Facts) -> Iterator[Problem]:
    """Purchases that bring a security above its largest weight in the household; NEARLY_A_LOSS of it is let pass."""
    bought = {trade.security: trade.price for trade in trades if trade.side is Side.BUY}
    for security, price in sorted(bought.items()):
        heaviest = facts.windows.restricted.max_weight(security)
        if heaviest is None or heaviest.limit is None:
            continue
        shares: dict[int, Decimal] = {}
        for lot in facts.lots.values():
            shares[lot.security] = shares.get(lot.security, ZERO) + lot.quantity
        for trade in (*facts.on_the_way, *trades):
            sign = 1 if trade.side is Side.BUY else -1
            shares[trade.security] = shares.get(trade.security, ZERO) + sign * trade.quantity
        prices = {one: quote.price for one, quote in facts.quotes.items()} | {
            trade.security: trade.price for trade in trades
        }
        moved = sum(
            (trade.amount if trade.side is Side.SELL else -trade.amount for trade in trades), ZERO
        )
        value = sum(facts.cash.values(), moved) + sum(
            (quantity * prices.get(one, ZERO) for one, quantity in shares.items()), ZERO
        )
        most = heaviest.limit * value * (1 + NEARLY_A_LOSS)
        if shares[security] * price > most:
            yield Problem(
                "restricted",
                f"{facts.symbol(security)} must not be bought beyond {percent(heaviest.limit)} of the household: "
                f"{heaviest.dated}.",
            )


def percent(fraction: Decimal) -> str:
    """``12.5 %``."""
    return f"{plain(Fraction(fraction * 100))} %"


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
        if lot is None or (lot.account, lot.security) in facts.windows.no_sell:
            continue  # a restriction has its own sentence
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


def _buys_back(draft: DraftProposal) -> bool:
    """Whether the draft may sell and buy one security in one account: a gain is no wash sale."""
    return draft.kind is ProposalKind.GAIN_HARVEST


def _not_one_for_one(draft: DraftProposal) -> Iterator[Problem]:
    """A gain harvest buys back what it sells, pair by pair, and never more shares than it sold."""
    sold: dict[tuple[int, int, int], Decimal] = {}
    bought: dict[tuple[int, int, int], Decimal] = {}
    for trade in draft.trades:
        legs = sold if trade.side is Side.SELL else bought
        key = (trade.pair, trade.account, trade.security)
        legs[key] = legs.get(key, ZERO) + trade.quantity
    positions = {key[1:] for key in sold}
    if len(positions) != len(sold) or sold.keys() != bought.keys():
        yield Problem(
            "not_one_for_one",
            "Each pair of a gain harvest sells lots of one position and buys the same security back.",
        )
        return
    for key, quantity in sorted(bought.items()):
        if quantity > sold[key]:
            yield Problem(
                "not_one_for_one",
                f"Gain harvest pair {key[0]} buys {shares(quantity)} shares and sells {shares(sold[key])}.",
            )


def blocked_buys(trades: Sequence[Trade], facts: Facts) -> Iterator[Problem]:
    """Purchases of what the household has sold, or is about to sell, at a loss."""
    for security in sorted({t.security for t in trades if t.side is Side.BUY}):
        block = facts.windows.buy_blocked.get(security)
        if block is not None and block.is_window:
            yield Problem(
                "buy_blocked",
                f"{facts.symbol(security)} must not be bought before {block.clear_on}: {block.cause}.",
            )


def over_budget(
    trades: Sequence[DraftTrade], facts: Facts, *, factor_gain_limit: Decimal | None = None
) -> Iterator[Problem]:
    """Gains, or tax on them, beyond what the household accepts in a year (F35), or for a factor (F17).

    One problem a limit.
    """
    usage = capped(
        facts.budget,
        factor_gain_limit,
        accounts=facts.on_the_return,
        year=facts.as_of.year,
    )
    if usage is None:
        return
    gains = gains_of(trades, facts.lots, accounts=usage.accounts, as_of=facts.as_of)
    for excess in excesses(usage, gains):
        yield Problem("over_budget", excess.sentence)


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
    if len({leg.account for leg in legs}) != 1:
        return "both sides must be in one account"
    if not buys and all(leg.reason == PARKED for leg in sells):
        return None  # the policy holds the money in cash (T9)
    if not sells or len(buys) != 1:
        return "a pair is sales of lots and exactly one purchase"
    buy = buys[0]
    sold = sum((leg.amount for leg in sells), ZERO)
    if buy.amount > sold:
        return f"${buy.amount} is bought with ${sold}"
    one_more = replace(buy, quantity=buy.quantity + 1)
    left = sold - one_more.amount - cost_of([*sells, one_more], facts.costs).total
    if left > CENT * len(legs):
        return f"only ${buy.amount} of ${sold} is bought back, one share more would fit"
    return None


def _unbalanced_swap_backs(trades: Sequence[DraftTrade], facts: Facts) -> Iterator[Problem]:
    pairs: dict[int, list[DraftTrade]] = {}
    for trade in trades:
        pairs.setdefault(trade.pair, []).append(trade)
    for number, legs in sorted(pairs.items()):
        fault = _swap_back_fault(legs, facts) if number else "it names no harvest pair"
        if fault:
            yield Problem("unbalanced_pair", f"Swap-back {number}: {fault}.")


def _swap_back_fault(legs: Sequence[DraftTrade], facts: Facts) -> str | None:
    """Atomic as a harvest is: lots of one substitute go, their dollars less costs buy what it stood in for (F30)."""
    sells = [leg for leg in legs if leg.side is Side.SELL]
    buys = [leg for leg in legs if leg.side is Side.BUY]
    if not sells and all(leg.reason == BUY_BACK for leg in buys):
        return None if len({leg.account for leg in legs}) == 1 else "it must buy in one account"
    if len({leg.security for leg in sells}) != 1 or not buys:
        return "it sells lots of one substitute and buys what that stood in for"
    if len({leg.account for leg in legs}) != 1:
        return "both sides must be in one account"
    sold = sum((leg.amount for leg in sells), ZERO)
    bought = sum((leg.amount for leg in buys), ZERO)
    if bought > sold:
        return f"${bought} is bought with ${sold}"
    for buy in buys:
        one_more = replace(buy, quantity=buy.quantity + 1)
        more = [one_more if leg is buy else leg for leg in legs]
        left = sold - bought - (one_more.amount - buy.amount)
        if left - cost_of(more, facts.costs).total > CENT * len(legs):
            return f"only ${bought} of ${sold} is bought back, one share more would fit"
    return None


def _unpaid(trades: Sequence[DraftTrade], facts: Facts) -> Iterator[Problem]:
    """What is bought back out of parked cash is paid for by cash that is there, others' trades counted (T9)."""
    moved = cash_moved(trades, facts.costs)
    for account in sorted({trade.account for trade in trades if trade.reason == BUY_BACK}):
        there = facts.cash.get(account, ZERO)
        if there + moved[account] < 0:
            yield Problem(
                "not_enough_cash",
                f"{facts.account(account)} has ${there:.2f} of cash to spend, ${-moved[account]:.2f} is needed to "
                "buy back what was sold.",
            )


def shares(quantity: Decimal) -> str:
    """A number of shares for people."""
    return plain(Fraction(quantity))
