"""What a tax year would be under the other readings of the unsettled points of the law (U1-U5, U7). Pure.

Each switch is turned alone, everything else stays as the firm decided. A reading is told where it could decide: where
its figures differ, or where a match of the year names it among its rules. The other reading of U4, sold replacement
shares, is always told, because the default favours the taxpayer.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from fractions import Fraction

from lots.replay import replay
from lots.types import (
    IdenticalGroups,
    IndexFundPolicy,
    Ledger,
    OlderLotPolicy,
    Policy,
    RealizedLot,
    ReplayResult,
    SoldReplacementPolicy,
    SpousePolicy,
    TackingPolicy,
    TaxDeferredPolicy,
    Term,
)

ZERO = Fraction(0)
Kept = Callable[[ReplayResult, Collection[str]], Sequence[RealizedLot]]
_ALWAYS_TOLD = "U4"


@dataclass(frozen=True, slots=True)
class YearFigures:
    """A year's taxable sales, exact dollars: allowed by term, disallowed, and the part of it gone for ever."""

    short: Fraction
    long: Fraction
    disallowed: Fraction
    permanent: Fraction


@dataclass(frozen=True, slots=True)
class Alternative:
    """One switch in another position, and the year as it would be."""

    rule: str  # U1 .. U7
    reading: StrEnum  # the value of the switch
    figures: YearFigures
    decides: bool  # a match of the year, as it is, names the rule


@dataclass(frozen=True, slots=True)
class Readings:
    """The year as the firm reads the law, and the other readings that could decide it, in the order of their rules."""

    in_force: YearFigures
    others: tuple[Alternative, ...]


def sales_of(
    result: ReplayResult, year: int, accounts: Collection[str] | None = None
) -> frozenset[str]:
    """The sales with a trade date in the year (R6), of these accounts or of all."""
    return frozenset(
        row.sale
        for row in result.realized
        if row.trade_date.year == year and (accounts is None or row.account in accounts)
    )


def exactly(result: ReplayResult, sales: Collection[str]) -> Sequence[RealizedLot]:
    """The rows of the sales as the engine computes them."""
    return [row for row in result.realized if row.sale in sales]


def year_figures(rows: Iterable[RealizedLot]) -> YearFigures:
    """The sums of rows of one year."""
    rows = list(rows)
    return YearFigures(
        short=sum((row.allowed for row in rows if row.term is Term.SHORT), ZERO),
        long=sum((row.allowed for row in rows if row.term is Term.LONG), ZERO),
        disallowed=sum((row.disallowed for row in rows), ZERO),
        permanent=sum((row.permanent for row in rows), ZERO),
    )


def alternatives(
    ledger: Ledger,
    year: int,
    *,
    accounts: Collection[str] | None = None,
    groups_by_reading: Mapping[IndexFundPolicy, IdenticalGroups] | None = None,
    kept: Kept = exactly,
) -> Readings:
    """The year under every reading of one switch at a time.

    ``groups_by_reading`` are the identical groups under the other reading of U1, which the ledger's own cannot tell;
    without them U1 is left out. ``kept`` rounds rows before they are summed, as the tables of the figures beside these
    do. Raises LedgerError.
    """
    base = replay(ledger.entries, ledger.accounts, ledger.groups, ledger.policy)
    sales = sales_of(base, year, accounts)
    exact, now = year_figures(exactly(base, sales)), year_figures(kept(base, sales))
    named = {rule for match in base.matches if match.sale in sales for rule in match.rule_ids}
    found = []
    for rule, value, policy in variants(ledger.policy):
        groups: IdenticalGroups = ledger.groups
        if isinstance(value, IndexFundPolicy):
            if groups_by_reading is None or value not in groups_by_reading:
                continue
            groups = groups_by_reading[value]
        other = replay(ledger.entries, ledger.accounts, groups, policy)
        differs = year_figures(exactly(other, sales)) != exact
        figures = year_figures(kept(other, sales)) if differs else now
        if rule == _ALWAYS_TOLD or rule in named or differs:
            found.append(
                Alternative(rule=rule, reading=value, figures=figures, decides=rule in named)
            )
    return Readings(in_force=now, others=tuple(found))


def switches(policy: Policy) -> tuple[tuple[str, StrEnum], ...]:
    """(rule, value in force) of every switch, in the order of the rules: told with every report."""
    return (
        ("U1", policy.index_funds),
        ("U2", policy.spouse),
        ("U3", policy.tacking),
        ("U4", policy.sold_replacement),
        ("U5", policy.older_lot),
        ("U7", policy.tax_deferred),
    )


def variants(policy: Policy) -> Iterator[tuple[str, StrEnum, Policy]]:
    """Every other position of every switch, one at a time."""
    turned: list[tuple[str, StrEnum, Policy]] = [
        *(("U1", value, replace(policy, index_funds=value)) for value in IndexFundPolicy),
        *(("U2", value, replace(policy, spouse=value)) for value in SpousePolicy),
        *(("U3", value, replace(policy, tacking=value)) for value in TackingPolicy),
        *(
            ("U4", value, replace(policy, sold_replacement=value))
            for value in SoldReplacementPolicy
        ),
        *(("U5", value, replace(policy, older_lot=value)) for value in OlderLotPolicy),
        *(("U7", value, replace(policy, tax_deferred=value)) for value in TaxDeferredPolicy),
    ]
    return (one for one in turned if one[2] != policy)
