"""Random histories with corporate actions: nothing is made of nothing, and nothing gets lost."""

from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from lots.replay import replay
from lots.types import EntryKind, LedgerEntry, ReplayResult
from tests.lots.ledger import IRA, T2, T

ACCOUNTS = (T, T2, IRA)
START = date(2024, 1, 2)
KINDS = st.sampled_from(
    [
        "buy",
        "buy",
        "buy",
        "sell",
        "sell",
        "split",
        "merge",
        "rename",
        "spin_off",
        "return",
        "buy_out",
    ]
)
CHOICES = st.tuples(
    KINDS,
    st.sampled_from("ABC"),
    st.sampled_from([account.id for account in ACCOUNTS]),
    st.integers(1, 40),  # shares, or dollars
    st.integers(1, 12),  # days since the one before
    st.sampled_from(["0.5", "2", "1.5", "0.33333333", "0.7"]),
)
Choice = tuple[str, str, str, int, int, str]


def held(result: ReplayResult, security: str, account: str) -> Fraction:
    rows = (
        lot.quantity
        for lot in result.open_lots
        if (lot.security, lot.account) == (security, account)
    )
    return sum(rows, Fraction(0))


def next_entry(choice: Choice, number: int, day: date, result: ReplayResult) -> LedgerEntry | None:
    """What the choice can be in the ledger as it stands; None where it makes no sense."""
    what, security, account, count, _, ratio = choice
    shares = held(result, security, account)
    successor = "ABC"["ABC".index(security) - 1]
    base = LedgerEntry(
        id=str(number), trade_date=day, account=account, kind=EntryKind.BUY, security=security,
        quantity=Decimal(count), amount=Decimal(count * (number % 7 + 3)),
    )  # fmt: skip
    change: dict[str, object] = {}
    if what == "sell":
        change = {"kind": EntryKind.SELL, "quantity": Decimal(min(count, int(shares)))}
        if shares < 1:
            return None
    elif what in ("split", "merge", "spin_off"):
        change = {"kind": EntryKind(what), "quantity": Decimal(ratio), "amount": Decimal(0)}
        if what != "split":
            change["to_security"] = successor
        if what == "spin_off":
            change["basis_fraction"] = Decimal("0.2345")
    elif what == "rename":
        change = {
            "kind": EntryKind.RENAME, "quantity": Decimal(1), "amount": Decimal(0), "to_security": successor,
        }  # fmt: skip
    elif what in ("return", "buy_out") and not shares:
        return None
    elif what == "return":
        change = {"kind": EntryKind.RETURN_OF_CAPITAL, "quantity": Decimal(0)}
    elif what == "buy_out":
        if shares.denominator != 1:
            return None
        change = {"kind": EntryKind.CASH_MERGER, "quantity": Decimal(int(shares))}
    return LedgerEntry(**{**{name: getattr(base, name) for name in base.__slots__}, **change})


def history(choices: list[Choice]) -> list[LedgerEntry]:
    entries = [
        LedgerEntry(
            id=f"{account}-{security}", trade_date=START, account=account, kind=EntryKind.BUY,
            security=security, quantity=Decimal(60), amount=Decimal(360),
        )
        for account, security in (("T", "A"), ("T", "B"), ("T2", "A"))
    ]  # fmt: skip
    day = START
    facts: dict[tuple[str, str], date] = {}
    for number, choice in enumerate(choices):
        day += timedelta(days=choice[4])
        told = facts.get((choice[0], choice[1]))
        if told is not None and (day - told).days <= 10:
            continue  # one fact on two dates is refused
        entry = next_entry(choice, number, day, replay(entries, ACCOUNTS, ()))
        if entry is not None:
            entries.append(entry)
            if entry.kind in (EntryKind.SPLIT, EntryKind.MERGE, EntryKind.SPIN_OFF):
                facts[choice[0], choice[1]] = day
    return entries


@settings(max_examples=60, deadline=None)
@given(st.lists(CHOICES, min_size=8, max_size=22))
def test_dollars_and_bases_are_conserved_at_every_prefix(choices: list[Choice]) -> None:
    """R30: allowed = proceeds - cost + basis that is left + gone for ever, over the taxable accounts."""
    entries = history(choices)
    for end in range(len(entries) + 1):
        told = entries[:end]
        result = replay(told, ACCOUNTS, ())
        taxable = [entry for entry in told if entry.account != IRA.id]
        cost = sum(entry.amount for entry in taxable if entry.kind is EntryKind.BUY)
        paid = sum(entry.amount for entry in taxable if entry.kind is not EntryKind.BUY)
        left = sum(lot.basis for lot in result.open_lots if lot.account != IRA.id)
        allowed = sum(row.allowed for row in result.realized)
        assert allowed == Fraction(paid) - Fraction(cost) + left + result.permanently_disallowed
        assert all(lot.basis >= 0 and lot.quantity > 0 for lot in result.open_lots)
        for row in result.realized:
            assert 0 <= row.disallowed <= max(Fraction(0), -row.gain)


@settings(max_examples=40, deadline=None)
@given(st.lists(CHOICES, min_size=8, max_size=22))
def test_a_lot_part_is_in_one_place_under_one_number(choices: list[Choice]) -> None:
    result = replay(history(choices), ACCOUNTS, ())

    names = [(lot.opening, lot.part) for lot in result.open_lots]
    assert len(set(names)) == len(names)
    sold = [(row.sale, row.lot, row.part) for row in result.realized]
    assert len(set(sold)) == len(sold)
