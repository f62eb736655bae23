"""The year under other readings of the unsettled points."""

from fractions import Fraction
from typing import Any

from lots.replay import replay
from lots.reports.alternatives import Alternative, YearFigures, alternatives, switches, year_figures
from lots.types import (
    IndexFundPolicy,
    Ledger,
    LedgerEntry,
    OlderLotPolicy,
    Policy,
    SoldReplacementPolicy,
    SpousePolicy,
    TackingPolicy,
    TaxDeferredPolicy,
)
from tests.lots.ledger import ACCOUNTS, buy, sell

LOSS = (buy("b1", "2025-02-03", 100, 40), sell("s1", "2026-03-02", 100, 31))


def told(*entries: LedgerEntry, groups: Any = (), **more: Any) -> dict[Any, Alternative]:
    ledger = Ledger(entries=entries, accounts=ACCOUNTS, groups=groups, policy=Policy())
    return {one.reading: one for one in alternatives(ledger, 2026, **more).others}


def long(one: Alternative) -> tuple[Any, ...]:
    """(allowed long-term, disallowed)."""
    return one.figures.long, one.figures.disallowed


def test_a_plain_loss_depends_on_nothing_and_u4_is_told_all_the_same():
    found = told(*LOSS)

    (only,) = found.values()
    assert (only.rule, only.reading, only.decides) == (
        "U4", SoldReplacementPolicy.LITERAL_ACQUIRED, False,
    )  # fmt: skip
    assert long(only) == (-900, 0)


def test_the_literal_reading_of_u4_counts_shares_sold_before():
    """30 bought on 16 February and sold on the 20th are no replacement by default, literally they are."""
    found = told(
        *LOSS[:1],
        buy("b2", "2026-02-16", 30, 32),
        sell("s2", "2026-02-20", 30, 33, of=[("b2", 30)]),
        LOSS[1],
    )

    literal = found[SoldReplacementPolicy.LITERAL_ACQUIRED]
    assert literal.figures.disallowed == 270


def test_a_spouses_purchase_is_told_under_u2():
    found = told(*LOSS, buy("b2", "2026-03-10", 30, 32, account="S"))

    alone = found[SpousePolicy.TAXPAYER_ONLY]
    assert (alone.rule, alone.decides) == ("U2", True)
    assert long(alone) == (-900, 0)


def test_a_401k_is_told_under_u7():
    found = told(*LOSS, buy("b2", "2026-03-10", 30, 32, account="K"))

    assert found[TaxDeferredPolicy.IRA_AND_ROTH_ONLY].figures.permanent == 0


def test_an_older_lot_in_the_window_is_told_under_u5():
    found = told(
        buy("b1", "2026-02-16", 30, 40),
        buy("b2", "2026-02-20", 30, 40),
        sell("s1", "2026-03-02", 30, 31, of=[("b2", 30)]),
    )

    assert found[OlderLotPolicy.ONLY_NEWER_THAN_SOLD].figures.disallowed == 0


def test_tacking_is_told_where_a_match_of_the_year_depends_on_it():
    found = told(
        buy("b1", "2025-10-06", 100, 40),
        sell("s1", "2026-03-02", 100, 31),
        buy("b2", "2026-03-16", 100, 32),
    )

    assert {TackingPolicy.SUM, TackingPolicy.DATE} <= set(found)
    assert found[TackingPolicy.DATE].decides


def test_another_index_is_told_with_the_groups_of_the_other_reading():
    entries = (*LOSS, buy("b2", "2026-03-10", 30, 32, security="N"))
    distinct = {IndexFundPolicy.DISTINCT_UNLESS_LISTED: ()}

    found = told(*entries, groups=({"M", "N"},), groups_by_reading=distinct)
    unknown = told(*entries, groups=({"M", "N"},))

    assert found[IndexFundPolicy.DISTINCT_UNLESS_LISTED].figures.disallowed == 0
    assert IndexFundPolicy.DISTINCT_UNLESS_LISTED not in unknown


def test_other_years_and_other_accounts_do_not_count():
    entries = (*LOSS, buy("b2", "2026-03-10", 30, 32, account="S"))
    ledger = Ledger(entries=entries, accounts=ACCOUNTS, groups=(), policy=Policy())

    assert [one.rule for one in alternatives(ledger, 2025).others] == ["U4"]
    assert [one.rule for one in alternatives(ledger, 2026, accounts={"S"}).others] == ["U4"]


def test_a_year_is_summed_by_term():
    result = replay(
        [*LOSS, buy("b2", "2026-03-10", 30, 32, account="I"), sell("s2", "2026-04-01", 30, 9, account="I")],
        ACCOUNTS, (),
    )  # fmt: skip

    figures = year_figures(result.realized)

    assert figures == YearFigures(
        short=Fraction(0), long=Fraction(-630), disallowed=Fraction(270), permanent=Fraction(270)
    )


def test_the_reading_in_force_stands_beside_the_others():
    entries = (*LOSS, buy("b2", "2026-03-10", 30, 32, account="S"))
    ledger = Ledger(entries=entries, accounts=ACCOUNTS, groups=(), policy=Policy())

    readings = alternatives(ledger, 2026)

    assert readings.in_force == year_figures(replay(entries, ACCOUNTS, ()).realized)
    assert readings.in_force.disallowed == 270


def test_every_switch_is_named_with_its_value():
    assert [rule for rule, _ in switches(Policy())] == ["U1", "U2", "U3", "U4", "U5", "U7"]
    assert dict(switches(Policy(spouse=SpousePolicy.TAXPAYER_ONLY)))["U2"] is (
        SpousePolicy.TAXPAYER_ONLY
    )
