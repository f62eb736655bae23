"""Splits of a household's securities as market facts (R23).

A split multiplies the shares of every lot of the security, in every account, whoever booked it. The engine counts in
*base units*, the units before the first split of a security, so that a split moves no lot at all.
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

from lots.errors import BadEntry
from lots.types import EntryKind, LedgerEntry

_ONE = Fraction(1)  # one object: most securities never split, and ``is`` spares exact arithmetic
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
    exponent = ratio.as_tuple().exponent
    places = -exponent if isinstance(exponent, int) else 0
    if places < _REPEATING_PLACES:
        return exact
    simple = exact.limit_denominator(_REPEATING_DENOMINATOR)
    return simple if abs(simple - exact) * 2 <= Fraction(1, 10**places) else exact


def in_base_units(shares: Fraction, factor: Fraction) -> Fraction:
    """Base shares for ``shares`` of a day on which one base share is ``factor`` shares."""
    return shares if factor is _ONE else shares / factor


def in_shares(base: Fraction, factor: Fraction) -> Fraction:
    """The inverse of ``in_base_units``."""
    return base if factor is _ONE else base * factor


@dataclass(slots=True)
class _History:
    """Positions of one security's splits, and the shares one base share has become after each."""

    positions: list[int] = field(default_factory=list)
    factors: list[Fraction] = field(default_factory=list)


@dataclass(slots=True)
class _Booked:
    """A split, the entry that booked it first, and the accounts that have booked it."""

    first: LedgerEntry
    ratio: Fraction
    accounts: set[str]


class SplitBook:
    """Every split of a household. A position is an entry's place in the order of dates and execution."""

    def __init__(self, entries: Sequence[LedgerEntry]) -> None:
        """Read the splits out of ``entries``, which stand in order. Raises BadEntry for a contradiction.

        The same security, date and ratio booked in several accounts is one split, effective from the first of these
        bookings; a second booking in one account, or another ratio on the same date, is refused. So is an equal ratio
        within ten days of another: it is one split on two dates, and counting both would double the shares.
        """
        self._histories: dict[str, _History] = {}
        booked: dict[str, dict[date, _Booked]] = {}
        for position, entry in enumerate(entries):
            if entry.kind is not EntryKind.SPLIT or entry.security is None:
                continue
            ratio = exact_ratio(entry.quantity)
            splits = booked.setdefault(entry.security, {})
            known = splits.get(entry.trade_date)
            if known is None:
                _check_late(entry, ratio, splits.values())
                splits[entry.trade_date] = _Booked(entry, ratio, {entry.account})
                self._add(entry.security, position, ratio)
                continue
            _check_repeated(entry, ratio, known)
            known.accounts.add(entry.account)

    def _add(self, security: str, position: int, ratio: Fraction) -> None:
        history = self._histories.setdefault(security, _History())
        history.factors.append(ratio * (history.factors[-1] if history.factors else _ONE))
        history.positions.append(position)

    def factor(self, security: str, position: int) -> Fraction:
        """Shares that one base share of ``security`` has become at ``position``."""
        history = self._histories.get(security)
        if history is None:
            return _ONE
        index = bisect_right(history.positions, position)
        return history.factors[index - 1] if index else _ONE


def _check_late(entry: LedgerEntry, ratio: Fraction, earlier: Iterable[_Booked]) -> None:
    for split in earlier:
        if split.ratio == ratio and entry.trade_date - split.first.trade_date <= _ONE_SPLIT:
            raise BadEntry(
                entry=entry.id,
                problem=f"a split of {entry.security} by {ratio} on {entry.trade_date} in account "
                f"{entry.account} repeats entry {split.first.id}, the split by {ratio} on "
                f"{split.first.trade_date} in account {split.first.account}: one split is booked on "
                "one date and reaches every account of the household, so leave out the one that is "
                "not booked yet; two splits in fact are booked as one, by the product of their ratios",
            )


def _check_repeated(entry: LedgerEntry, ratio: Fraction, known: _Booked) -> None:
    if ratio != known.ratio:
        raise BadEntry(
            entry=entry.id,
            problem=f"a split of {entry.security} by {ratio} on {entry.trade_date} contradicts the "
            f"ratio {known.ratio} booked in another account",
        )
    if entry.account in known.accounts:
        raise BadEntry(
            entry=entry.id,
            problem=f"account {entry.account} books the split of {entry.security} on "
            f"{entry.trade_date} twice",
        )
