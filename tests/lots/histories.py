"""Random household histories that a custodian could have booked: nobody ever sells more than the account holds."""

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from random import Random

from hypothesis import strategies as st

from accounts.types import AccountKind
from lots.types import EntryKind, LedgerAccount, LedgerEntry

ACCOUNTS = (
    LedgerAccount("joint", AccountKind.TAXABLE, "ann"),
    LedgerAccount("spouse", AccountKind.TAXABLE, "bob"),
    LedgerAccount("ira", AccountKind.TRADITIONAL_IRA, "ann"),
    LedgerAccount("401k", AccountKind.K401, "bob"),
)
SECURITIES = ("VOO", "SPY")
GROUPS = (frozenset(SECURITIES),)
FIRST_DAY = date(2024, 1, 2)


@dataclass(frozen=True)
class Step:
    """One drawn action; what of it is possible is decided when the history is written."""

    gap: int
    account: int
    security: int
    action: str
    shares: int
    price: int
    fee: int
    shared_block: bool


def steps() -> st.SearchStrategy[Step]:
    return st.builds(
        Step,
        gap=st.sampled_from([0, 0, 0, 1, 1, 2, 5, 9, 15, 29, 30, 31, 200]),
        account=st.sampled_from([0, 0, 0, 1, 2, 3]),
        security=st.sampled_from([0, 0, 1]),
        action=st.sampled_from(
            ["buy", "buy", "reinvest", "sell", "sell", "sell", "split", "reverse"]
        ),
        shares=st.integers(1, 4),
        price=st.integers(3, 12),
        fee=st.sampled_from([0, 0, 1]),
        shared_block=st.booleans(),
    )


def busy_history(seed: int) -> list[LedgerEntry]:
    """A history dense in wash sales: more trades, nearer to each other, than Hypothesis likes to draw."""
    rng = Random(seed)
    return written([_busy_step(rng) for _ in range(rng.randint(8, 30))])


def _busy_step(rng: Random) -> Step:
    return Step(
        gap=rng.choice([0, 0, 0, 1, 2, 3, 5, 8, 14, 29, 30, 31]),
        account=rng.choice([0, 0, 0, 1, 2, 3]),
        security=rng.choice([0, 1]),
        action=rng.choice(["buy"] * 8 + ["reinvest"] + ["sell"] * 9 + ["split", "reverse"]),
        shares=rng.randint(1, 5),
        price=rng.randint(2, 20),
        fee=rng.choice([0, 0, 1]),
        shared_block=rng.random() < 0.3,
    )


def histories(max_size: int = 18) -> st.SearchStrategy[list[LedgerEntry]]:
    return st.lists(steps(), min_size=2, max_size=max_size).map(written)


def written(drawn: list[Step]) -> list[LedgerEntry]:
    """Book the steps. A sale takes at most what is held; a security splits at most once."""
    entries: list[LedgerEntry] = []
    held: dict[tuple[int, int], Fraction] = {}
    split: set[int] = set()
    day = FIRST_DAY
    for number, step in enumerate(drawn):
        day += timedelta(days=step.gap)
        place = (step.account, step.security)
        if step.action in ("split", "reverse"):
            if step.security in split:
                continue
            split.add(step.security)
            ratio = Decimal(2) if step.action == "split" else Decimal("0.5")
            held = {
                at: shares * Fraction(ratio) if at[1] == step.security else shares
                for at, shares in held.items()
            }
            entries.append(_entry(number, day, step, EntryKind.SPLIT, ratio))
        elif step.action == "sell":
            shares = min(Fraction(step.shares), held.get(place, Fraction(0)))
            if shares:
                held[place] -= shares
                quantity = Decimal(shares.numerator) / Decimal(shares.denominator)
                entries.append(_entry(number, day, step, EntryKind.SELL, quantity))
        else:
            held[place] = held.get(place, Fraction(0)) + step.shares
            kind = EntryKind(step.action)
            entries.append(_entry(number, day, step, kind, Decimal(step.shares)))
    return entries


def _entry(number: int, day: date, step: Step, kind: EntryKind, quantity: Decimal) -> LedgerEntry:
    security = SECURITIES[step.security]
    trade = kind is not EntryKind.SPLIT
    shares_block = kind is EntryKind.BUY and step.shared_block
    return LedgerEntry(
        id=f"e{number}",
        trade_date=day,
        account=ACCOUNTS[step.account].id,
        kind=kind,
        security=security,
        quantity=quantity,
        amount=quantity * step.price if trade else Decimal(0),
        fee=Decimal(step.fee) / 4 if trade else Decimal(0),
        # Fills of one order: bought on one day in one account. Another account's orders may bear the same name.
        block=f"order {security} {day}" if shares_block else None,
    )
