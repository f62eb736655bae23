"""The household's answer beside the broker's, each difference with its reason (R27)."""

from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.types import AccountKind
from lots.replay import replay
from lots.reports.form_8949 import BrokerFigures
from lots.reports.reconciliation import (
    Reason,
    Reconciled,
    as_stored,
    broker_figures,
    broker_replay,
    match_key,
    reconcile,
)
from lots.types import (
    EntryKind,
    Ledger,
    LedgerAccount,
    LedgerEntry,
    Policy,
    RealizedLot,
    Relief,
    Term,
)
from tests.lots.ledger import ACCOUNTS, buy, sell, trade, transfer


def numbered(*entries: LedgerEntry) -> Ledger:
    return Ledger(entries=entries, accounts=ACCOUNTS, groups=(), policy=Policy())


def compared(ledger: Ledger, groups: Any = ()) -> tuple[Reconciled, ...]:
    household = replay(ledger.entries, ledger.accounts, groups, ledger.policy)
    rows, broker = household.realized, broker_replay(ledger, household)
    return reconcile(
        rows=rows,
        matches=household.matches,
        figures=broker_figures(rows, broker.realized),
        seen={match_key(match) for match in broker.matches},
        accounts={account.id: account for account in ledger.accounts},
        security_of={entry.id: entry.security or "" for entry in ledger.entries},
    )


def told(one: Reconciled) -> tuple[Any, ...]:
    """(disallowed, box 1g, differences)."""
    return (
        one.disallowed,
        one.box_1g,
        {difference.reason: difference.amount for difference in one.differences},
    )


def basis(one: Reconciled) -> tuple[Any, ...]:
    """(ours, box 1e)."""
    return one.basis, one.box_1e


LOSS = (buy("b1", "2025-02-03", 100, 40), sell("s1", "2026-03-02", 100, 31))  # 9.00 a share


def test_a_wash_sale_inside_one_account_is_the_same_for_both():
    (one,) = compared(numbered(*LOSS, buy("b2", "2026-03-10", 30, 32)))

    assert told(one) == (270, 270, {})
    assert one.agrees


@pytest.mark.parametrize(
    ("account", "reason", "permanent"),
    [
        ("T2", Reason.OTHER_ACCOUNT, 0),
        ("S", Reason.SPOUSE, 0),
        ("I", Reason.RETIREMENT, 270),
        ("K", Reason.RETIREMENT, 270),
        ("C", Reason.CORPORATION, 270),
    ],
)
def test_a_purchase_elsewhere_is_seen_by_the_household_alone(account, reason, permanent):
    (one,) = compared(numbered(*LOSS, buy("b2", "2026-03-10", 30, 32, account=account)))

    assert told(one) == (270, 0, {reason: 270})
    assert one.permanent == permanent


def test_an_identical_security_of_another_cusip_is_unseen():
    ledger = numbered(*LOSS, buy("b2", "2026-03-10", 30, 32, security="N"))

    (one,) = compared(ledger, groups=[{"M", "N"}])

    assert told(one) == (270, 0, {Reason.IDENTICAL: 270})


def test_a_purchase_under_the_old_symbol_is_one_of_the_same_security():
    ledger = numbered(
        buy("b1", "2025-02-03", 100, 40),
        buy("b2", "2026-02-16", 30, 32),
        trade(EntryKind.RENAME, "r", "2026-02-20", 1, 0, to_security="N"),
        sell("s1", "2026-03-02", 100, 31, security="N", of=[("b1", 100)]),
    )

    (one,) = compared(ledger)

    assert told(one) == (270, 270, {})


def test_two_reasons_share_a_difference():
    ledger = numbered(
        *LOSS,
        buy("b2", "2026-03-10", 30, 32, account="S"),
        buy("b3", "2026-03-11", 20, 32, account="I"),
        buy("b4", "2026-03-12", 10, 32),
    )

    (one,) = compared(ledger)

    assert told(one) == (540, 90, {Reason.RETIREMENT: 180, Reason.SPOUSE: 270})


def test_a_chain_changes_the_loss_that_the_broker_of_the_second_sale_measures():
    """R21's example over two brokers: 600 of loss on the adjusted basis, a gain of 400 on cost."""
    ledger = numbered(
        buy("a", "2026-01-05", 100, 50),
        sell("sa", "2026-02-02", 100, 40),
        buy("b", "2026-02-09", 100, 41, account="T2"),
        sell("sb", "2026-03-02", 100, 45, account="T2"),
        buy("c", "2026-03-10", 100, 44, account="T2"),
    )

    first, second = compared(ledger)

    assert told(first) == (1000, 0, {Reason.OTHER_ACCOUNT: 1000})
    assert told(second) == (600, 0, {Reason.CHAIN: 600})
    assert basis(second) == (5100, 4100)


def test_a_basis_that_differs_is_told_even_where_nothing_is_disallowed():
    ledger = numbered(
        buy("a", "2026-01-05", 100, 50),
        sell("sa", "2026-02-02", 100, 40),
        buy("b", "2026-02-09", 100, 41, account="T2"),
        sell("sb", "2026-06-01", 100, 60, account="T2"),
    )

    _, gain = compared(ledger)

    assert told(gain) == (0, 0, {Reason.CHAIN: 0})
    assert not gain.agrees


def test_the_household_can_disallow_less_than_the_broker():
    """The spouse's earlier loss takes the shares that the broker would match with the later one (R27)."""
    ledger = numbered(
        buy("a", "2025-02-03", 100, 40),
        buy("b", "2025-02-03", 100, 40, account="S"),
        sell("sb", "2026-03-02", 100, 31, account="S"),
        sell("sa", "2026-03-03", 100, 31),
        buy("r", "2026-03-10", 100, 32),
    )

    first, second = compared(ledger)

    assert told(first) == (900, 0, {Reason.SPOUSE: 900})
    assert told(second) == (0, 900, {Reason.USED_ELSEWHERE: -900})


def test_the_term_of_the_broker_stands_beside_ours():
    """The replacement at another broker is long-term by tacking; that broker says short."""
    ledger = numbered(
        buy("a", "2025-01-06", 100, 50),
        sell("sa", "2025-12-01", 100, 40),
        buy("b", "2025-12-08", 100, 41, account="T2"),
        sell("sb", "2026-06-01", 100, 60, account="T2"),
    )

    _, second = compared(ledger)

    assert (second.term, second.box_2) == (Term.LONG, Term.SHORT)


def test_a_standing_order_by_basis_sells_the_same_lots_for_the_broker():
    """HIFO: the household's lot at 41 + 10 = 51 is the dearest; for the broker alone that would be the one at 45."""
    ledger = numbered(
        buy("a", "2026-01-05", 100, 50),
        sell("sa", "2026-02-02", 100, 40),
        buy("b", "2026-02-09", 100, 41, account="T2"),
        buy("c", "2025-06-02", 100, 45, account="T2"),
        sell("sb", "2026-06-01", 100, 60, account="T2", relief=Relief.HIFO),
    )

    *_, second = compared(ledger)

    assert second.lot == "b"
    assert basis(second) == (5100, 4100)


def test_parts_of_a_lot_share_the_brokers_dollars_by_shares():
    """The household's lot is split by a match with a spouse's loss; the broker's is whole."""
    ledger = numbered(
        buy("a", "2026-01-05", 40, 50, account="S"),
        sell("sa", "2026-02-02", 40, 40, account="S"),
        buy("b", "2026-02-09", 100, 41),
        sell("sb", "2026-06-01", 100, 60),
    )
    household = replay(ledger.entries, ledger.accounts, (), ledger.policy)
    rows = [row for row in household.realized if row.sale == "sb"]

    figures = broker_figures(rows, broker_replay(ledger, household).realized)

    assert {row.quantity: figures[row.sale, row.lot, row.part].basis for row in rows} == {
        40: 1640,
        60: 2460,
    }


def test_other_lots_than_the_households_are_left_out():
    row = replay([*LOSS], ACCOUNTS, ()).realized[0]
    other = RealizedLot(**{name: getattr(row, name) for name in row.__slots__} | {"lot": "b9"})

    assert broker_figures([row], [other]) == {}


def test_a_transfer_between_own_accounts_keeps_the_basis_for_both():
    ledger = numbered(
        buy("b", "2025-02-03", 100, 40),
        transfer("t", "2026-01-05", 100, "T2"),
        sell("s", "2026-03-02", 100, 31, account="T2"),
    )

    (one,) = compared(ledger)

    assert one.agrees
    assert one.box_1e == 4000


def test_a_replay_is_rounded_as_it_is_stored():
    entries = [
        buy("1", "2025-02-03", 3, "33.333333", account="7", security="8"),
        sell("2", "2026-03-02", 1, 31, account="7", security="8"),
    ]

    (row,) = as_stored(replay(entries, [LedgerAccount("7", AccountKind.TAXABLE, "9")], ()), {"2"})

    assert row.basis == Fraction(Decimal("33.3333"))
    assert row.sale == "2"


def test_what_is_not_reported_has_no_box_1g():
    ledger = numbered(*LOSS, buy("b2", "2026-03-10", 30, 32))
    household = replay(ledger.entries, ledger.accounts, (), ledger.policy)
    (row,) = household.realized

    (one,) = reconcile(
        rows=[row],
        matches=household.matches,
        figures={("s1", "b1", 0): BrokerFigures(Fraction(4000), Fraction(270), Term.LONG)},
        accounts={account.id: account for account in ACCOUNTS},
        security_of={},
        not_reported=frozenset({("s1", "b1", 0)}),
    )

    assert told(one) == (270, None, {Reason.NOT_REPORTED: 270})


def test_where_the_brokers_figures_are_unknown_nothing_is_said_to_agree():
    ledger = numbered(*LOSS, buy("b2", "2026-03-10", 30, 32))
    household = replay(ledger.entries, ledger.accounts, (), ledger.policy)

    (one,) = reconcile(
        rows=household.realized,
        matches=household.matches,
        figures={},
        accounts={account.id: account for account in ACCOUNTS},
        security_of={},
    )

    assert told(one) == (270, None, {Reason.NOT_KNOWN: 270})
    assert not one.agrees


@st.composite
def trades(draw: st.DrawFn) -> list[LedgerEntry]:
    """Purchases and sales of ten shares at a time, never more sold than held."""
    held = dict.fromkeys(("T", "T2", "S", "I"), 0)
    entries: list[LedgerEntry] = []
    month = 1
    for number in range(draw(st.integers(2, 14))):
        account = draw(st.sampled_from(sorted(held)))
        on = f"2026-{month:02d}-{draw(st.integers(1, 28)):02d}"
        month = min(12, month + draw(st.integers(0, 1)))
        on = max(on, entries[-1].trade_date.isoformat()) if entries else on
        price = draw(st.integers(1, 9))
        if held[account] and draw(st.booleans()):
            held[account] -= 10
            entries.append(sell(f"{number}", on, 10, price, account=account))
        else:
            held[account] += 10
            entries.append(buy(f"{number}", on, 10, price, account=account))
    return entries


@given(trades())
def test_reasons_always_add_up_to_the_difference(entries):
    for one in compared(numbered(*entries)):
        assert sum(difference.amount for difference in one.differences) == one.difference
        assert one.agrees == (
            one.disallowed == one.box_1g and one.basis == one.box_1e and not one.differences
        )
