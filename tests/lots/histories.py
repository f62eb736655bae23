"""Random household histories that a custodian could have booked: nobody ever sells more than the account holds."""

from bisect import insort
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from random import Random

from hypothesis import strategies as st

from lots.types import EntryKind, LedgerEntry, LotPick, Relief
from tests.lots.handfuls import ratio_of
from tests.lots.household import ACCOUNTS, FIRST_DAY, SECURITIES

BUYS = ("buy", "reinvest", "vest")
CASH_IN_LIEU = "cash_in_lieu"
SPLITS = ("2", "0.5", "3", "0.333333", "1.5")
ACTIONS = ("rename", "merge", "spin_off", "return_of_capital", "cash_merger", "worthless")
_ACTIONS = (
    ["buy"] * 32 + ["reinvest"] * 4 + ["vest", "opening", "opening", "receive", "gift", "inherit", "give"]
    + ["sell"] * 36 + ["transfer"] * 6 + list(SPLITS) + list(ACTIONS)
)  # fmt: skip
_RELIEFS = [None, None, Relief.LIFO, Relief.HIFO, Relief.LOWEST_TAX, Relief.AVERAGE]
_GAPS = [0, 0, 0, 0, 0, 1, 1, 2, 2, 3, 5, 8, 14, 29, 30, 31]
_FACTORS = (Fraction(1, 12), Fraction(12))  # splits together stay within
_ONE_SPLIT = 10  # days within which an equal split would be the same one
_DUST = 64  # sales are in 1/64 of a share
_BOOKED = Decimal("0.0001")  # of a dollar: what a ledger keeps


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
    relief: Relief | None = None
    picked: bool = False
    back: int = 0  # days by which shares brought in were acquired before


def steps() -> st.SearchStrategy[Step]:
    return st.builds(
        Step,
        gap=st.sampled_from([*_GAPS, 200]),
        account=st.sampled_from([0, 0, 0, 1, 2, 3]),
        security=st.sampled_from([0, 0, 1, 2, 3]),
        action=st.sampled_from(_ACTIONS),
        shares=st.integers(1, 4),
        price=st.integers(3, 12),
        fee=st.sampled_from([0, 0, 1]),
        shared_block=st.booleans(),
        relief=st.sampled_from(_RELIEFS),
        picked=st.booleans(),
        back=st.sampled_from([0, 5, 20, 30, 31, 400]),
    )


def busy_history(
    seed: int, *, longest: int = 60, corporation: bool = False, without: Collection[str] = ()
) -> list[LedgerEntry]:
    """A history dense in wash sales: more trades, nearer to each other, than Hypothesis likes to draw."""
    rng = Random(seed)
    accounts = [
        0,
        0,
        0,
        *rng.sample([0, 1, 1, 2, 3], rng.randint(1, 3)),
        *([4] if corporation else []),
    ]
    securities = rng.choice([[0], [0, 1], [0, 0, 1], [0, 1, 2], [1, 2], [0, 3]])
    size = rng.randint(8, longest)
    return written([_busy_step(rng, accounts, securities) for _ in range(size)], without)


def _busy_step(rng: Random, accounts: list[int], securities: list[int]) -> Step:
    return Step(
        gap=rng.choice(_GAPS) if rng.random() < 0.97 else 300,
        account=rng.choice(accounts),
        security=rng.choice(securities),
        action=rng.choice(_ACTIONS),
        shares=rng.randint(1, 5),
        price=rng.randint(2, 20),
        fee=rng.choice([0, 0, 1]),
        shared_block=rng.random() < 0.3,
        relief=rng.choice(_RELIEFS),
        picked=rng.random() < 0.2,
        back=rng.choice([0, 5, 20, 30, 31, 400]),
    )


def histories(
    max_size: int = 18, *, without: Collection[str] = ()
) -> st.SearchStrategy[list[LedgerEntry]]:
    drawn = st.lists(steps(), min_size=2, max_size=max_size)
    return drawn.map(lambda chosen: written(chosen, without))


@dataclass(order=True)
class _Held:
    """Shares that are surely left of a lot: which ones HIFO has taken, the writer does not work out."""

    acquired: date
    place: int
    lot: str = field(compare=False)
    sure: Fraction = field(compare=False)


class _Writer:
    """Books the steps that are possible."""

    def __init__(self, without: Collection[str]) -> None:
        self.pays_in_lieu = CASH_IN_LIEU not in without
        self.entries: list[LedgerEntry] = []
        self.held: dict[tuple[str, str], Fraction] = {}
        self.lots: dict[tuple[str, str], list[_Held]] = {}
        self.symbols = list(SECURITIES)  # what each is called today
        self.factors = dict.fromkeys(SECURITIES, Fraction(1))
        self.happened: set[str] = set()  # actions that happen only once
        self.splits: list[LedgerEntry] = []
        self.left: dict[tuple[str, str], date] = {}  # last day on which shares left unpicked
        self.two_bases: set[str | None] = set()  # securities given below basis: nothing is averaged
        self.day = FIRST_DAY

    def write(self, number: int, step: Step) -> None:
        self.day += timedelta(days=step.gap)
        entry = LedgerEntry(
            id=f"e{number}",
            trade_date=self.day,
            account=ACCOUNTS[step.account].id,
            kind=EntryKind.BUY,
            security=self.symbols[step.security],
        )
        if step.action in ("sell", "transfer", "give"):
            self._leave(step, entry)
        elif step.action in SPLITS:
            entry = replace(entry, kind=EntryKind.SPLIT, quantity=Decimal(step.action))
            self._split(step, entry)
        elif step.action in ACTIONS:
            actions[step.action](self, step, replace(entry, kind=EntryKind(step.action)))
        else:
            self._arrive(step, replace(entry, kind=EntryKind(step.action)))

    def _arrive(self, step: Step, entry: LedgerEntry) -> None:
        quantity = Decimal(step.shares)
        entry = replace(entry, quantity=quantity, amount=quantity * step.price)
        back = self.day - timedelta(days=step.back)
        if step.action in BUYS:
            # Fills of one order: bought on one day in one account. Another account's orders may bear the same name.
            named = step.shared_block and step.action == "buy"
            block = f"order {entry.security} {self.day}" if named else None
            entry = replace(entry, fee=Decimal(step.fee) / 4, block=block)
        elif step.action == "opening":
            started = back - timedelta(days=40) if step.shared_block else None
            entry = replace(entry, acquired=back, holding_start=started)
        elif step.action == "receive":
            entry = replace(entry, acquired=back if step.picked else None, holding_start=back)
        elif step.action == "gift":
            worth = quantity * Decimal(step.price) / 2 if step.shared_block else None
            entry = replace(entry, acquired=back, holding_start=back, market_value=worth)
            if worth is not None:
                self.two_bases.add(entry.security)
        self.entries.append(entry)
        at = (entry.account, str(entry.security))
        self.held[at] = self.held.get(at, Fraction(0)) + step.shares
        # What an IRA buys, or an opening brings, is there all day: sales before it may have taken it.
        whole_day = step.action == "opening" or entry.account in ("ira", "401k")
        sure = 0 if whole_day and self.left.get(at) == self.day else step.shares
        lot = _Held(entry.acquired or self.day, len(self.entries), entry.id, Fraction(sure))
        insort(self.lots.setdefault(at, []), lot)

    def _leave(self, step: Step, entry: LedgerEntry) -> None:
        at = (entry.account, str(entry.security))
        kind = EntryKind(step.action)
        to = {"joint": "spouse", "spouse": "joint", "ira": "ira"}.get(entry.account, entry.account)
        if kind is EntryKind.TRANSFER and to == entry.account:
            return
        lots = [lot for lot in self.lots.get(at, []) if _floor(lot.sure)]
        if step.picked and lots:
            picks = self._picks(step, lots)
            quantity = sum((pick.quantity for pick in picks), Decimal(0))
            entry = replace(entry, picks=picks, relief=None)
        else:
            quantity = _floor(min(Fraction(step.shares), self.held.get(at, Fraction(0))))
            averaged = step.relief is Relief.AVERAGE and entry.security in self.two_bases
            relief = None if averaged else step.relief
            entry = replace(entry, relief=relief)
        if not quantity:
            return
        entry = replace(entry, kind=kind, quantity=quantity)
        if kind is EntryKind.SELL:
            amount = (quantity * step.price).quantize(_BOOKED)
            block = f"sale of {entry.security} on {self.day}" if step.shared_block else None
            fee = min(Decimal(step.fee) / 4, amount)
            entry = replace(entry, amount=amount, fee=fee, block=block)
        else:
            entry = replace(entry, to_account=to if kind is EntryKind.TRANSFER else None)
        self._book_leaving(entry, at)

    def _picks(self, step: Step, lots: list[_Held]) -> tuple[LotPick, ...]:
        """The newest lots, or the oldest: one or two of them."""
        chosen = lots[-2:] if step.shared_block else lots[:1]
        wanted = Fraction(step.shares)
        return tuple(LotPick(lot.lot, _floor(min(wanted, lot.sure))) for lot in chosen)

    def _book_leaving(self, entry: LedgerEntry, at: tuple[str, str]) -> None:
        self.entries.append(entry)
        moved = Fraction(entry.quantity)
        self.held[at] -= moved
        target = (str(entry.to_account), at[1])
        lots = self.lots.get(at, [])
        for pick in entry.picks:
            [lot] = [lot for lot in lots if lot.lot == pick.lot]
            lot.sure -= Fraction(pick.quantity)
            if entry.to_account is not None:
                self.arrived(target, replace(lot, sure=Fraction(pick.quantity)))
        if entry.to_account is not None:
            self.held[target] = self.held.get(target, Fraction(0)) + moved
        if entry.picks:
            return
        self.left[at] = self.day
        exact = entry.relief in (None, Relief.FIFO, Relief.LIFO, Relief.AVERAGE)
        for lot in reversed(lots) if entry.relief is Relief.LIFO else lots:
            taken = min(lot.sure, moved)
            lot.sure -= taken
            moved -= taken if exact else 0

    def arrived(self, at: tuple[str, str], lot: _Held) -> None:
        for known in self.lots.setdefault(at, []):
            if known.lot == lot.lot:
                known.sure += lot.sure
                return
        insort(self.lots[at], lot)

    def _split(self, step: Step, entry: LedgerEntry) -> None:
        security = str(entry.security)
        recent = [
            known
            for known in self.splits
            if known.security == security and (self.day - known.trade_date).days <= _ONE_SPLIT
        ]
        if recent:
            self._split_again(entry, recent)
            return
        ratio = ratio_of(entry)
        if not _FACTORS[0] <= self.factors[security] * ratio <= _FACTORS[1]:
            return
        self.factors[security] *= ratio
        for at, shares in self.held.items():
            self.held[at] = shares * ratio if at[1] == security else shares
        for at, lots in self.lots.items():
            for lot in lots:
                lot.sure = lot.sure * ratio if at[1] == security else lot.sure
        self.splits.append(entry)
        at = (entry.account, security)
        self.entries.append(self.paid_in_lieu(step, entry, at, self.held.get(at, Fraction(0))))

    def paid_in_lieu(
        self, step: Step, entry: LedgerEntry, at: tuple[str, str], received: Fraction
    ) -> LedgerEntry:
        """The fraction that ``received`` leaves is sold, if there is one; no lot is sure to be whole after it."""
        fraction = received % 1
        if not fraction or not step.shared_block or not self.pays_in_lieu:
            return entry
        for lot in self.lots.get(at, []):
            lot.sure = max(Fraction(0), lot.sure - fraction)
        self.held[at] -= fraction
        self.left[at] = self.day
        relief = step.relief if step.relief in (Relief.LIFO, Relief.HIFO) else None
        return replace(entry, amount=Decimal(step.price) / 4, relief=relief)

    def _split_again(self, entry: LedgerEntry, recent: list[LedgerEntry]) -> None:
        """Another account tells of the same split on the same day: nothing more happens."""
        told = [s for s in recent if s.trade_date == entry.trade_date]
        if told and entry.account not in {split.account for split in told}:
            again = replace(entry, quantity=told[0].quantity)
            self.splits.append(again)
            self.entries.append(again)


def _rename(writer: _Writer, step: Step, entry: LedgerEntry) -> None:
    """VOO becomes VOX, once; whoever trades it trades it under the new symbol."""
    if entry.security == "VOO":
        writer.symbols[0] = "VOX"
        writer.factors["VOX"] = writer.factors["VOO"]
        _move(writer, "VOO", "VOX", Fraction(1))
        writer.entries.append(replace(entry, quantity=Decimal(1), to_security="VOX"))


def _merge(writer: _Writer, step: Step, entry: LedgerEntry) -> None:
    """QQQ becomes SPY, once."""
    if entry.security != "QQQ":
        return
    ratio = Decimal("1.5") if step.picked else Decimal("0.5")
    entry = replace(entry, quantity=ratio, to_security="SPY")
    writer.symbols[2] = "SPY"
    received = writer.held.get((entry.account, "QQQ"), Fraction(0)) * Fraction(ratio)
    if "QQQ" in writer.two_bases:
        writer.two_bases.add("SPY")
    _move(writer, "QQQ", "SPY", Fraction(ratio))
    at = (entry.account, "SPY")
    writer.entries.append(writer.paid_in_lieu(step, entry, at, received))


def _move(writer: _Writer, old: str, new: str, ratio: Fraction) -> None:
    for account in ACCOUNTS:
        source, target = (account.id, old), (account.id, new)
        more = writer.held.pop(source, Fraction(0)) * ratio
        writer.held[target] = writer.held.get(target, Fraction(0)) + more
        for lot in writer.lots.pop(source, []):
            writer.arrived(target, replace(lot, sure=lot.sure * ratio))
        if writer.left.get(source) == writer.day:
            writer.left[target] = writer.day
    if old in writer.two_bases:
        writer.two_bases.add(new)


def _spin_off(writer: _Writer, step: Step, entry: LedgerEntry) -> None:
    """VOO or VOX brings KID, once."""
    if entry.security not in ("VOO", "VOX") or "spin_off" in writer.happened:
        return
    writer.happened.add("spin_off")
    ratio = Decimal(1) if step.picked else Decimal("0.5")
    entry = replace(
        entry, quantity=ratio, to_security="KID", basis_fraction=Decimal(step.price) / 20
    )
    if entry.security in writer.two_bases:
        writer.two_bases.add("KID")
    parent, child = str(entry.security), (entry.account, "KID")
    received = writer.held.get((entry.account, parent), Fraction(0)) * Fraction(ratio)
    for account in ACCOUNTS:
        source, target = (account.id, parent), (account.id, "KID")
        more = writer.held.get(source, Fraction(0)) * Fraction(ratio)
        writer.held[target] = writer.held.get(target, Fraction(0)) + more
        for lot in writer.lots.get(source, []):
            writer.arrived(target, replace(lot, sure=lot.sure * Fraction(ratio)))
    writer.entries.append(writer.paid_in_lieu(step, entry, child, received))


def _return_capital(writer: _Writer, step: Step, entry: LedgerEntry) -> None:
    if writer.held.get((entry.account, str(entry.security))):
        writer.entries.append(replace(entry, amount=Decimal(step.price * step.shares)))


def _sell_all(writer: _Writer, step: Step, entry: LedgerEntry) -> None:
    """The account is bought out; worthless a security is only at the end of a year. No trade follows on the day."""
    at = (entry.account, str(entry.security))
    held = writer.held.get(at, Fraction(0))
    if not held or held != _floor(held):
        return
    if entry.kind is EntryKind.WORTHLESS:
        writer.day = date(writer.day.year, 12, 31)
        entry = replace(entry, trade_date=writer.day)
    else:
        entry = replace(entry, quantity=_floor(held), amount=Decimal(step.price * step.shares))
    writer.held[at], writer.lots[at] = Fraction(0), []
    writer.entries.append(entry)
    writer.day += timedelta(days=1)


actions: dict[str, Callable[[_Writer, Step, LedgerEntry], None]] = {
    "rename": _rename,
    "merge": _merge,
    "spin_off": _spin_off,
    "return_of_capital": _return_capital,
    "cash_merger": _sell_all,
    "worthless": _sell_all,
}


def _floor(shares: Fraction) -> Decimal:
    return Decimal(int(shares * _DUST)) / _DUST


def written(drawn: Sequence[Step], without: Collection[str] = ()) -> list[LedgerEntry]:
    """Book the steps, but no actions or reliefs named in ``without``. A sale takes at most what is held."""
    writer = _Writer(without)
    for number, step in enumerate(drawn):
        if step.action not in without:
            relief = None if step.relief in without else step.relief
            writer.write(number, replace(step, relief=relief))
    return writer.entries
