"""What has moved since a proposal was computed: each changed input, old and new.

Asked when an adviser approves, of facts read under the household's lock. Small moves of a price pass; everything that
changes what is owed, what may be sold or what would wash does not.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal

from lots.held_lots import basis_of, term_of
from lots.types import LotRow
from proposals.budgets import excesses, gains_of
from proposals.compliance import Facts
from proposals.costs import cash_moved
from proposals.drafts import CENT, ZERO, restricted_trades, shares, shares_wanted
from proposals.types import DraftTrade, Moved, Side
from proposals.washes import accepted_at, wash_problems
from securities.calendar import trading_days_before

PRICE_DRIFT = Decimal("0.01")  # of the proposal's price


@dataclass(frozen=True, slots=True)
class PriceAge:
    """How old a price may be that is traded on: days of the calendar, or of the exchange."""

    days: int
    of_trading: bool = False

    def oldest(self, today: date) -> date:
        """The first day whose price still counts."""
        if self.of_trading:
            return trading_days_before(today, self.days)
        return today - timedelta(days=self.days)

    def __str__(self) -> str:
        of = "trading " if self.of_trading else ""
        return f"{self.days} {of}{'day' if self.days == 1 else 'days'}"


UNSAID = PriceAge(5)  # of a proposal that does not say what its policy was


def moved_inputs(
    trades: Sequence[DraftTrade],
    facts: Facts,
    *,
    as_of: date,
    expires_on: date,
    tax_profile: Mapping[str, str],
    tax_profile_now: Mapping[str, str],
    accepted_wash: Decimal = ZERO,
    price_age: PriceAge = UNSAID,
) -> tuple[Moved, ...]:
    """Every input that moved; empty = the trades may be approved on ``facts.as_of``.

    ``as_of`` is the day and ``tax_profile`` are the figures of the proposal, ``tax_profile_now`` today's.
    ``accepted_wash`` are the dollars of loss that the trades may defer (I9), ``price_age`` is how old a price the
    proposal was permitted to be made at.
    """
    found = [*_age(facts.as_of, as_of, expires_on), *_listings(trades, facts)]
    found += [*_prices(trades, facts, price_age), *_lots(trades, facts)]
    found += [*_tax_profile(tax_profile, tax_profile_now), *_windows(trades, facts)]
    found += _restrictions(trades, facts)
    found += [*_cash(trades, facts), *_budget(trades, facts), *_unreconciled(trades, facts)]
    if not found:  # a wash sale is asked of trades that can be made, at today's prices
        found += _washes(trades, facts, accepted_wash)
    return tuple(found)


def _restrictions(trades: Sequence[DraftTrade], facts: Facts) -> Iterator[Moved]:
    """Trades that are forbidden today, each by its own sentence."""
    for one in restricted_trades(trades, facts):
        yield Moved("restrictions", "none", one.text, told=one.text.removesuffix("."))


def _age(today: date, as_of: date, expires_on: date) -> Iterator[Moved]:
    if today.year != as_of.year:  # its tax figures belong to the year of its day
        yield Moved("tax year", f"{as_of.year}", f"{today.year}")
    if today > expires_on:
        yield Moved("age of the proposal", f"valid to {expires_on}", f"today is {today}")


def _listings(trades: Sequence[DraftTrade], facts: Facts) -> Iterator[Moved]:
    """What no longer trades can be neither sold nor bought, however young its last price."""
    for security in sorted({trade.security for trade in trades} & facts.delisted.keys()):
        name = f"trading in {facts.symbol(security)}"
        yield Moved(name, "open", f"ended on {facts.delisted[security]}")


def _prices(trades: Sequence[DraftTrade], facts: Facts, age: PriceAge) -> Iterator[Moved]:
    """1 % drift passes, a changed sign of a gain or loss never does (A6)."""
    seen: set[int] = set()
    oldest = age.oldest(facts.as_of)
    for trade in trades:
        name = f"price of {facts.symbol(trade.security)}"
        quote = facts.quotes.get(trade.security)
        if trade.security not in seen:
            seen.add(trade.security)
            if quote is None:
                yield Moved(name, f"${_plain(trade.price)}", "no price")
            elif quote.day < oldest:
                yield Moved(name, f"at most {age} old", f"of {quote.day}")
            elif abs(quote.price - trade.price) > PRICE_DRIFT * trade.price:
                yield Moved(name, f"${_plain(trade.price)}", f"${_plain(quote.price)}")
        if quote is not None and trade.side is Side.SELL:
            now = replace(trade, price=quote.price).gain
            if (trade.gain < 0) != (now < 0):
                what = f"gain or loss on {facts.symbol(trade.security)}"
                yield Moved(what, f"${trade.gain:.2f}", f"${now:.2f}")


def _lots(trades: Sequence[DraftTrade], facts: Facts) -> Iterator[Moved]:
    """Shares, basis and holding period of the lots that are sold, and what others have reserved of them."""
    for trade in trades:
        if trade.opening is None or trade.part is None:
            continue
        lot = facts.lots.get((trade.opening, trade.part))
        if lot is None or (lot.account, lot.security) != (trade.account, trade.security):
            name = f"lot {trade.opening} of {facts.symbol(trade.security)}"
            yield Moved(f"shares of {name}", f"{shares(trade.quantity)} to sell", "not held")
        else:
            yield from _lot_figures(trade, lot, facts)
    for key, wanted in shares_wanted(trades).items():
        lot = facts.lots.get(key)
        if lot is None or (lot.account, lot.security) in facts.windows.no_sell:
            continue  # gone, or under a restriction, which has its own sentence
        reserved = facts.windows.reserved.get(key, ZERO)
        name = f"{facts.symbol(lot.security)} lot of {lot.acquired}"
        if wanted > lot.quantity:
            yield Moved(f"shares of {name}", f"{shares(wanted)} to sell", shares(lot.quantity))
        elif wanted > lot.quantity - reserved:
            free = shares(lot.quantity - reserved)
            yield Moved(
                f"shares of {name}",
                f"{shares(wanted)} to sell",
                f"{free} free, {shares(reserved)} reserved by another proposal",
            )


def _lot_figures(trade: DraftTrade, lot: LotRow, facts: Facts) -> Iterator[Moved]:
    name = f"{facts.symbol(trade.security)} lot of {lot.acquired}"
    proceeds = trade.quantity * trade.price
    basis = basis_of(lot, trade.quantity, proceeds)
    if abs(basis - trade.basis) > CENT:
        yield Moved(f"basis of {name}", f"${trade.basis:.2f}", f"${basis:.2f}")
    if trade.term and trade.account in facts.taxable:
        now = term_of(lot, facts.as_of, is_loss=proceeds < basis)
        if now != trade.term:
            yield Moved(f"holding period of {name}", trade.term, now)


def _tax_profile(old: Mapping[str, str], new: Mapping[str, str]) -> Iterator[Moved]:
    for name in sorted({*old, *new}):
        before, now = old.get(name, "none"), new.get(name, "none")
        if before != now:
            yield Moved(f"tax profile, {name.replace('_', ' ')}", before, now)


def _windows(trades: Sequence[DraftTrade], facts: Facts) -> Iterator[Moved]:
    for security in sorted({trade.security for trade in trades if trade.side is Side.BUY}):
        block = facts.windows.buy_blocked.get(security)
        if block is not None and block.is_window:
            name = f"wash window of {facts.symbol(security)}"
            yield Moved(name, "clear", f"closed until {block.clear_on}: {block.cause}")


def _cash(trades: Sequence[DraftTrade], facts: Facts) -> Iterator[Moved]:
    """No account ends below zero by these trades, what their orders cost counted (F8-F10).

    An account already short of cash may still sell.
    """
    for account, change in sorted(cash_moved(trades, facts.costs).items()):
        before = facts.cash.get(account, ZERO)
        if before + change < 0 and change < 0:
            name = f"cash in {facts.account(account)}"
            yield Moved(name, f"${-change:.2f} needed", f"${before:.2f}")


def _budget(trades: Sequence[DraftTrade], facts: Facts) -> Iterator[Moved]:
    """The year's budget of gains (F35), with the trades at today's prices."""
    if facts.budget is None:
        return
    today = [
        replace(trade, price=facts.quotes[trade.security].price)
        if trade.security in facts.quotes
        else trade
        for trade in trades
    ]
    gains = gains_of(today, facts.lots, accounts=facts.budget.accounts, as_of=facts.as_of)
    for excess in excesses(facts.budget, gains):
        name = f"{excess.limit} budget of {excess.year}"
        if excess.before is None or excess.after is None:
            yield Moved(name, excess.allowed, f"cannot be checked: {excess.why_unknown}")
        else:
            yield Moved(
                name,
                f"{excess.allowed}, ${excess.before:,.2f} of it used",
                f"${excess.after:,.2f} with these trades",
            )


def _unreconciled(trades: Sequence[DraftTrade], facts: Facts) -> Iterator[Moved]:
    """Accounts whose lots no longer add up to what the custodian holds (T53)."""
    for account in sorted({trade.account for trade in trades}):
        if account in facts.unreconciled:
            name = f"positions of {facts.account(account)}"
            yield Moved(name, "reconciled", facts.unreconciled[account])


def _washes(trades: Sequence[DraftTrade], facts: Facts, accepted: Decimal) -> list[Moved]:
    """Wash sales at today's prices beyond what is accepted of the trades as they were shown."""
    today = [replace(trade, price=facts.quotes[trade.security].price) for trade in trades]
    old = f"${accepted:.2f} deferred" if accepted else "none"
    problems = wash_problems(today, facts, accepted=accepted_at(trades, accepted))
    return [Moved("wash sales", old, problem.text) for problem in problems]


def _plain(price: Decimal) -> str:
    return f"{price:.2f}" if price == round(price, 2) else f"{price.normalize():f}"
