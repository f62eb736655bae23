"""Splits of a household's securities as market facts (R23).

A split multiplies the shares of every lot of the security, in every account, whoever booked it. The engine counts in
*base units*, the units before the first split of a security, so that a split moves no lot at all. Base units are cut
so small, for all securities of one identical group alike, that a share is a whole number of them at any time: 6 after
a 3-for-2 and a 2-for-1 split are 6, 4 and 2. A contract (R26) is the shares it covers.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from math import lcm

from lots.engine.action_checks import check_no_contract
from lots.engine.units import Exact
from lots.errors import BadEntry
from lots.types import EntryKind, LedgerEntry

# So many base units of a replacement answer to so many of those sold; whether a split or merger made it so (R23).
Answer = tuple[int, int, bool]
_ONE = Fraction(1)
_TRADES = frozenset(
    {EntryKind.BUY, EntryKind.REINVEST, EntryKind.VEST, EntryKind.OPENING, EntryKind.SELL}
)  # say how many shares a contract covers
_REPEATING_PLACES = 6
_REPEATING_DENOMINATOR = 100
_ONE_SPLIT = timedelta(
    days=10
)  # no security splits twice by one ratio so soon: custodians book late


def exact_ratio(ratio: Decimal) -> Fraction:
    """The ratio a booked split stands for, new shares per old.

    1-for-3 has no decimal form: a ratio with six or more decimals stands for the fraction with a denominator of at most
    100 that rounds to it, if there is one. Every other ratio is taken as written.
    """
    exact = Fraction(ratio)
    exponent = ratio.normalize().as_tuple().exponent  # a column adds zeros to what was written
    places = -exponent if isinstance(exponent, int) else 0
    if places < _REPEATING_PLACES:
        return exact
    simple = exact.limit_denominator(_REPEATING_DENOMINATOR)
    return simple if abs(simple - exact) * 2 <= Fraction(1, 10**places) else exact


@dataclass(slots=True)
class _Booked:
    """A split, the entry that booked it first, and the accounts that have booked it."""

    first: LedgerEntry
    ratio: Fraction
    accounts: set[tuple[str, bool]]  # and whether the booking brings cash in lieu


@dataclass(slots=True)
class _History:
    """Places of one security's splits in the ledger, and what each has made of a share from before the first."""

    places: list[int] = field(default_factory=list)
    factors: list[Fraction] = field(default_factory=list)


class SplitBook:
    """Every split of a household. A place is an entry's index in the order of dates."""

    def __init__(self, entries: Sequence[LedgerEntry]) -> None:
        """Read the splits out of ``entries``, which stand in order. Raises BadEntry for a contradiction.

        The same security, date and ratio booked in several accounts is one split, effective from the first of these
        bookings; another ratio on the same date is refused, and so is a second booking in one account, unless it brings
        the cash in lieu that the first did not. So is an equal ratio within ten days of another: it is one split on two
        dates, and counting both would double the shares. A renamed security has split whenever it did under its old
        symbol.
        """
        self.histories: dict[str, _History] = {}
        booked: dict[str, dict[date, _Booked]] = {}
        for place, entry in enumerate(entries):
            if entry.kind is EntryKind.RENAME:
                self._rename(entry, entries[:place])
            if entry.kind is not EntryKind.SPLIT or entry.security is None:
                continue
            ratio = exact_ratio(entry.quantity)
            splits = booked.setdefault(entry.security, {})
            known = splits.get(entry.trade_date)
            if known is None:
                _check_late(entry, ratio, splits.values())
                splits[entry.trade_date] = _Booked(entry, ratio, {_teller(entry)})
                self._add(entry.security, place, ratio)
                continue
            _check_repeated(entry, ratio, known)
            known.accounts.add(_teller(entry))

    def _add(self, security: str, place: int, ratio: Fraction) -> None:
        history = self.histories.setdefault(security, _History())
        history.factors.append(ratio * (history.factors[-1] if history.factors else _ONE))
        history.places.append(place)

    def _rename(self, entry: LedgerEntry, before: Sequence[LedgerEntry]) -> None:
        """A symbol that was in use already keeps its own past: its shares did not split with the others."""
        history, new = self.histories.get(entry.security or ""), entry.to_security
        if history is None or any(new in (known.security, known.to_security) for known in before):
            return
        self.histories[new or ""] = _History([*history.places], [*history.factors])


class Measures:
    """Base units in a share (or in a contract, for all the shares it covers) of every security at every place."""

    def __init__(
        self, entries: Sequence[LedgerEntry], group_name: Callable[[str], str], unit: int
    ) -> None:
        """``unit`` is the least number of base units in a share: 1,000 where entries show thousandths of shares.

        Raises BadEntry for contradicting splits or for two multipliers of one security.
        """
        histories = SplitBook(entries).histories
        self._multipliers = multipliers = _multipliers(entries)
        self._unit = unit
        self._places: dict[str, list[int]] = {}
        self._scales: dict[str, list[int]] = {}
        # Security -> those that have become it -> its base units for one of theirs.
        self._became: dict[str, dict[str, Fraction]] = {}
        if not histories and not multipliers:
            return
        finest: dict[str, int] = {}  # by identical group
        for security in histories.keys() | multipliers.keys():
            group = group_name(security)
            covered = multipliers.get(security, _ONE).denominator
            factors = histories[security].factors if security in histories else [_ONE]
            multiples = (factor.numerator * covered for factor in factors)
            finest[group] = lcm(finest.get(group, 1), *multiples)
        for security in {entry.security for entry in entries if entry.security is not None}:
            history = histories.get(security, _History())
            share = unit * finest.get(group_name(security), 1) * multipliers.get(security, _ONE)
            self._places[security] = history.places
            self._scales[security] = [int(share / factor) for factor in (_ONE, *history.factors)]

    def add_successor(self, old: str, new: str, units: Fraction) -> None:
        """From now on one base unit of ``old`` counts as ``units`` of ``new``: a rename or merger has made it so."""
        became = self._became.setdefault(new, {})
        for before, through in self._became.get(old, {}).items():
            became[before] = through * units
        became[old] = units

    def answer(self, security: str, sold: str, place: int, opened: Exact) -> Answer:
        """How shares of ``security``, bought when a share was ``opened`` base units, answer to ``sold`` at ``place``.

        Share for share (U8), a contract for the shares it covers (R26); after a merger the shares that an old share
        became (R23).
        """
        if not self._scales and not self._became:
            return self._unit, self._unit, False
        scale, sold_scale = self._share(security, place), self._share(sold, place)
        units = self._became.get(security, {}).get(sold)
        if units is None:
            back = self._became.get(sold, {}).get(security)
            units = None if back is None else 1 / back
        if units is None or units * sold_scale == scale:
            return scale, sold_scale, self.scale(security, place) != opened
        return units.numerator, units.denominator, True

    def _share(self, security: str, place: int) -> int:
        """Base units in one share, of a contract in one share that it covers."""
        multiplier = self._multipliers.get(security)
        scale = self.scale(security, place)
        return scale if multiplier is None else int(scale / multiplier)

    def multiplier(self, security: str) -> Fraction:
        """Shares covered by one contract of ``security``, 1 for a share (R26)."""
        return self._multipliers.get(security, _ONE)

    def scale(self, security: str, place: int) -> int:
        """Base units in one share or contract of ``security`` at ``place``."""
        scales = self._scales.get(security)
        return scales[bisect_right(self._places[security], place)] if scales else self._unit


def _multipliers(entries: Sequence[LedgerEntry]) -> dict[str, Fraction]:
    """Security -> shares covered by one contract, for those that are contracts (R26)."""
    told: dict[str, LedgerEntry] = {}
    for entry in entries:
        if entry.multiplier != 1 and entry.security is not None:
            told.setdefault(entry.security, entry)
    for entry in entries if told else ():
        first = told.get(entry.security or "")
        if first is None:
            continue
        check_no_contract(entry)
        says_so = entry.kind in _TRADES or entry.multiplier != 1
        if says_so and entry.multiplier != first.multiplier:
            raise BadEntry(
                entry=entry.id,
                problem=f"a contract of {entry.security} covers {entry.multiplier} shares here and "
                f"{first.multiplier} in entry {first.id}; it always covers the same",
            )
    return {security: Fraction(entry.multiplier) for security, entry in told.items()}


def _teller(entry: LedgerEntry) -> tuple[str, bool]:
    return entry.account, bool(entry.amount)


def _check_late(entry: LedgerEntry, ratio: Fraction, earlier: Iterable[_Booked]) -> None:
    for split in earlier:
        if split.ratio == ratio and entry.trade_date - split.first.trade_date <= _ONE_SPLIT:
            raise BadEntry(
                entry=entry.id,
                problem=f"a split of {entry.security} by {ratio} on {entry.trade_date} in account "
                f"{entry.account} repeats entry {split.first.id}, the split by {ratio} on "
                f"{split.first.trade_date} in account {split.first.account}: one split is booked on "
                "one date and reaches every account of the household, so leave out the one that is "
                f"not booked yet, or give it the date {split.first.trade_date}; two splits in fact are "
                "booked as one, by the product of their ratios",
            )


def _check_repeated(entry: LedgerEntry, ratio: Fraction, known: _Booked) -> None:
    if ratio != known.ratio:
        raise BadEntry(
            entry=entry.id,
            problem=f"a split of {entry.security} by {ratio} on {entry.trade_date} contradicts the "
            f"ratio {known.ratio} booked in another account",
        )
    if _teller(entry) in known.accounts:
        raise BadEntry(
            entry=entry.id,
            problem=f"account {entry.account} books the split of {entry.security} on "
            f"{entry.trade_date} twice",
        )
