"""Corporate actions in the engine, each case worked out by hand; the numbers stand in its docstring."""

# Exact Fractions are compared with the whole numbers that people write.
# mypy: disable-error-code="comparison-overlap"

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from lots.errors import BadEntry, LedgerError, Oversold, Unsupported
from lots.replay import replay
from lots.types import (
    DatedGroup,
    DisposalEvent,
    EntryKind,
    IdenticalGroups,
    LedgerEntry,
    Membership,
    OpenLot,
    Policy,
    Relief,
    ReplayResult,
    Scope,
    SoldReplacementPolicy,
    Term,
    Treatment,
)
from tests.lots.ledger import ACCOUNTS, buy, day, give, lots, sale, sell, split, transfer

HALF, THIRD = Fraction(1, 2), Fraction(1, 3)


def run(
    *entries: LedgerEntry, groups: IdenticalGroups = (), policy: Policy | None = None
) -> ReplayResult:
    return replay(entries, ACCOUNTS, groups, policy or Policy())


def action(kind: EntryKind, id_: str, on: str, **more: Any) -> LedgerEntry:
    """Of security A in account T; numbers as text."""
    for name in ("quantity", "amount", "basis_fraction"):
        if name in more:
            more[name] = Decimal(more[name])
    fields: dict[str, Any] = {"account": "T", "security": "A"} | more
    return LedgerEntry(id=id_, trade_date=day(on), kind=kind, **fields)


def rename(id_: str, on: str, **more: Any) -> LedgerEntry:
    return action(EntryKind.RENAME, id_, on, **{"quantity": "1", "to_security": "B", **more})


def merge(id_: str, on: str, ratio: str, **more: Any) -> LedgerEntry:
    return action(EntryKind.MERGE, id_, on, quantity=ratio, **{"to_security": "B", **more})


def spin_off(id_: str, on: str, ratio: str, fraction: str, **more: Any) -> LedgerEntry:
    return action(
        EntryKind.SPIN_OFF, id_, on, quantity=ratio, basis_fraction=fraction,
        **{"to_security": "B", **more},
    )  # fmt: skip


def cash_merger(id_: str, on: str, quantity: str, amount: str, **more: Any) -> LedgerEntry:
    return action(EntryKind.CASH_MERGER, id_, on, quantity=quantity, amount=amount, **more)


def return_of_capital(id_: str, on: str, amount: str, **more: Any) -> LedgerEntry:
    return action(EntryKind.RETURN_OF_CAPITAL, id_, on, amount=amount, **more)


def worthless(id_: str, on: str, **more: Any) -> LedgerEntry:
    return action(EntryKind.WORTHLESS, id_, on, **more)


def held(result: ReplayResult, security: str, account: str = "T") -> list[OpenLot]:
    return [lot for lot in result.open_lots if (lot.security, lot.account) == (security, account)]


def shares(result: ReplayResult, security: str, account: str = "T") -> Fraction:
    return sum((lot.quantity for lot in held(result, security, account)), Fraction(0))


def basis(result: ReplayResult) -> Fraction:
    return sum((lot.basis for lot in result.open_lots), Fraction(0))


def A(entry: LedgerEntry) -> LedgerEntry:
    return replace(entry, security="A")


def B(entry: LedgerEntry) -> LedgerEntry:
    return replace(entry, security="B")


def refused(*entries: LedgerEntry, kind: type[LedgerError] = BadEntry) -> str:
    with pytest.raises(kind) as refusal:
        run(*entries)
    return str(refusal.value)


# Splits with cash in lieu of a fraction (IRC 305(a), 1001; Rev. Rul. 66-365)


def test_a_reverse_splits_fraction_is_sold_for_its_cash() -> None:
    """100 at 9.00, 1 for 3: 33 1/3 shares at 27.00. A third of a share, basis 9.00, is paid 10.00: gain 1.00.

    33 shares are left with 891.00.
    """
    result = run(
        A(buy("b", "2025-01-06", 100, "9")),
        action(EntryKind.SPLIT, "p", "2026-03-02", quantity="0.33333333", amount="10"),
    )

    [row] = result.realized
    assert (row.quantity, row.proceeds, row.basis, row.gain) == (THIRD, 10, 9, 1)
    assert (row.event, row.term, row.sale) == (DisposalEvent.CASH_IN_LIEU, Term.LONG, "p")
    assert lots(result, "b") == [(33, 891, "2025-01-06")]


@pytest.mark.parametrize(
    ("relief", "gain", "left"),
    [
        (None, 15, [(Fraction(29, 2), 290), (Fraction(45, 2), 900)]),
        (Relief.LIFO, 5, [(15, 300), (22, 880)]),
        (Relief.HIFO, 5, [(15, 300), (22, 880)]),
    ],
)
def test_a_fraction_leaves_by_the_accounts_relief(
    relief: Relief | None, gain: int, left: list[tuple[Any, Any]]
) -> None:
    """10 at 30.00 and 15 at 60.00, 3 for 2: 15 shares at 20.00 and 22.5 at 40.00. Half a share is paid 25.00.

    First in, first out it cost 10.00, last in or dearest 20.00.
    """
    result = run(
        A(buy("b1", "2025-01-06", 10, "30")),
        A(buy("b2", "2025-02-03", 15, "60")),
        action(EntryKind.SPLIT, "p", "2026-03-02", quantity="1.5", amount="25", relief=relief),
    )

    assert sale(result, "p") == [(HALF, gain, 0)]
    assert [(lot.quantity, lot.basis) for lot in result.open_lots] == left


def test_a_loss_on_a_fraction_is_washed_like_any_other() -> None:
    """25 at 60.00, 3 for 2: 37.5 at 40.00. Half a share, basis 20.00, is paid 15.00: loss 5.00.

    10 bought 8 days later at 30.00: half a share replaces, basis 15.00 + 5.00; 9.5 stay at 285.00.
    """
    result = run(
        A(buy("b", "2025-01-06", 25, "60")),
        action(EntryKind.SPLIT, "p", "2026-03-02", quantity="1.5", amount="15"),
        A(buy("n", "2026-03-10", 10, "30")),
    )

    assert sale(result, "p") == [(HALF, -5, 5)]
    assert [(lot.quantity, lot.basis) for lot in held(result, "A") if lot.opening == "n"] == [
        (HALF, 20),
        (Fraction(19, 2), 285),
    ]


def test_cash_in_lieu_without_a_fraction_is_refused() -> None:
    """100 shares, 3 for 2, are 150: nothing is left over that cash could be paid for."""
    told = refused(
        A(buy("b", "2025-01-06", 100, "9")),
        action(EntryKind.SPLIT, "p", "2026-03-02", quantity="1.5", amount="10"),
    )

    assert told.startswith(
        "Entry p: cash in lieu of 10 is paid for a fraction of a share, but this split leaves account T with 150 "
        "shares of A and no fraction"
    )


def test_one_account_tells_of_a_split_and_again_with_its_cash() -> None:
    """The firm booked the split for both accounts; T's custodian brings T's cash. T2 keeps its 1.5 shares."""
    result = run(
        A(buy("b", "2025-01-06", 3, "20")),
        A(buy("c", "2025-01-06", 3, "20", account="T2")),
        action(EntryKind.SPLIT, "p", "2026-03-02", quantity="0.5"),
        action(EntryKind.SPLIT, "q", "2026-03-02", quantity="0.5", account="T2"),
        action(EntryKind.SPLIT, "r", "2026-03-02", quantity="0.5", amount="30"),
    )

    assert sale(result, "r") == [(HALF, 10, 0)]
    assert (shares(result, "A"), shares(result, "A", "T2")) == (1, Fraction(3, 2))


def test_one_account_tells_of_a_fact_or_its_cash_once() -> None:
    told = [
        refused(
            A(buy("b", "2025-01-06", 3, "20")),
            action(EntryKind.SPLIT, "p", "2026-03-02", quantity="0.5", amount=amount),
            action(EntryKind.SPLIT, "q", "2026-03-02", quantity="0.5", amount=amount),
        )
        for amount in ("0", "30")
    ]

    assert told == ["Entry q: account T books the split of A on 2026-03-02 twice."] * 2


# Renames: one security under two symbols


def test_a_rename_carries_lots_with_basis_and_clock_to_every_account() -> None:
    """Booked in T alone, it renames the shares of T2 as well; the term runs on from 2025-01-06."""
    result = run(
        A(buy("b", "2025-01-06", 10, "30")),
        A(buy("c", "2025-02-03", 5, "40", account="T2")),
        rename("r", "2026-01-05"),
        B(sell("s", "2026-01-07", 10, "35")),
    )

    [row] = result.realized
    assert (row.security, row.lot, row.term, row.gain) == ("B", "b", Term.LONG, 50)
    [lot] = result.open_lots
    assert (lot.security, lot.account, lot.opening, lot.quantity, lot.basis) == (
        "B",
        "T2",
        "c",
        5,
        200,
    )


def test_a_symbol_in_use_keeps_its_own_past() -> None:
    """10 B stand there already; 4 A become 8 by a split and then take the symbol: 18 B, not 28."""
    result = run(
        B(buy("b", "2025-01-06", 10, 30)),
        A(buy("a", "2025-02-03", 4, 50)),
        A(split("s", "2025-06-02", "2")),
        rename("r", "2026-01-05"),
    )
    assert [(lot.security, lot.quantity, lot.basis) for lot in result.open_lots] == [
        ("B", 10, 300),
        ("B", 8, 200),
    ]


def test_what_was_renamed_is_no_longer_held_under_the_old_symbol() -> None:
    with pytest.raises(Oversold, match="account T holds 0 shares of A on 2026-01-07"):
        run(
            A(buy("b", "2025-01-06", 10, "30")),
            rename("r", "2026-01-05"),
            A(sell("s", "2026-01-07", 10, "35")),
        )


def test_a_rename_inside_a_window_still_washes() -> None:
    """100 at 50.00 sold at 40.00 on 2 March, renamed on 5 March, 60 bought under the new symbol on 10 March."""
    result = run(
        A(buy("b", "2025-01-06", 100, "50")),
        A(sell("s", "2026-03-02", 100, "40")),
        rename("r", "2026-03-05", account="T2"),
        B(buy("n", "2026-03-10", 60, "41")),
    )

    assert sale(result, "s") == [(100, -1000, 600)]
    assert [lot.basis for lot in held(result, "B")] == [60 * 41 + 600]


def test_a_purchase_under_the_old_symbol_replaces_what_is_sold_under_the_new_one() -> None:
    """20 bought at 42.00 on 20 February wash 20 of the 100 sold at 40.00 on 10 March: 200 of 1,000."""
    result = run(
        A(buy("b", "2025-01-06", 100, "50")),
        A(buy("n", "2026-02-20", 20, "42")),
        rename("r", "2026-03-05"),
        B(sell("s", "2026-03-10", 100, "40", of=[("b", 100)])),
    )

    assert sale(result, "s") == [(100, -1000, 200)]
    assert [(lot.security, lot.basis) for lot in result.open_lots] == [("B", 1040)]


@pytest.mark.parametrize(
    "group",
    [
        frozenset({"A", "Z"}),
        DatedGroup((Membership("A", since=day("2026-01-01")), Membership("Z"))),
    ],
)
def test_what_is_identical_to_a_security_is_so_under_its_new_symbol(group: Any) -> None:
    result = run(
        A(buy("b", "2025-01-06", 100, "50")),
        rename("r", "2026-02-05"),
        B(sell("s", "2026-03-10", 100, "40")),
        buy("n", "2026-03-12", 100, "7", security="Z"),
        groups=[group],
    )

    assert sale(result, "s") == [(100, -1000, 1000)]


def test_a_broker_sees_through_its_own_rename() -> None:
    result = run(
        A(buy("b", "2025-01-06", 100, "50")),
        A(sell("s", "2026-03-02", 100, "40")),
        rename("r", "2026-03-05"),
        B(buy("n", "2026-03-10", 60, "41")),
        policy=Policy(scope=Scope.BROKER),
    )

    assert sale(result, "s") == [(100, -1000, 600)]


def test_a_rename_back_is_the_same_security_still() -> None:
    result = run(
        A(buy("b", "2025-01-06", 10, "30")),
        rename("r1", "2026-01-05"),
        rename("r2", "2026-02-05", security="B", to_security="A"),
    )

    assert [(lot.security, lot.quantity, lot.basis) for lot in result.open_lots] == [("A", 10, 300)]


# Stock mergers (IRC 354, 358(a)(1), 1223(1))


def test_a_merger_carries_basis_and_clock_into_the_successor() -> None:
    """100 A for 5,000 become 50 B for 5,000. Sold on 7 January 2026 at 120.00 they are long-term: +1,000."""
    result = run(
        A(buy("b", "2025-01-06", 100, "50")),
        merge("m", "2025-06-02", "0.5"),
        B(sell("s", "2026-01-07", 50, "120")),
    )

    [row] = result.realized
    assert (row.acquired, row.holding_start) == (day("2025-01-06"), day("2025-01-06"))
    assert (row.quantity, row.basis, row.gain, row.term) == (50, 5000, 1000, Term.LONG)
    assert result.open_lots == ()


def test_cash_in_lieu_of_a_merger_is_paid_for_the_fraction_received() -> None:
    """101 A for 5,050 at 0.5 are 50.5 B at 100.00. Half a share is paid 60.00: gain 10.00; 50 stay with 5,000."""
    result = run(A(buy("b", "2025-01-06", 101, "50")), merge("m", "2026-03-02", "0.5", amount="60"))

    [row] = result.realized
    assert (row.security, row.quantity, row.proceeds, row.basis) == ("B", HALF, 60, 50)
    assert row.event is DisposalEvent.CASH_IN_LIEU
    assert lots(result, "b") == [(50, 5000, "2025-01-06")]


def test_a_fraction_held_before_is_no_part_of_the_cash_in_lieu() -> None:
    """0.4 B at 100.00 held before; 50.5 B received: the half is sold, 50.4 stay."""
    result = run(
        B(buy("c", "2025-01-06", "0.4", "100")),
        A(buy("b", "2025-01-06", 101, "50")),
        merge("m", "2026-03-02", "0.5", amount="60"),
    )

    assert sale(result, "m") == [(HALF, 10, 0)]
    assert shares(result, "B") == Fraction(504, 10)
    assert lots(result, "c") == [(Fraction(2, 5), 40, "2025-01-06")]


def test_cash_in_lieu_belongs_to_the_account_that_books_it() -> None:
    """Both accounts receive 50.5 B; T is paid for its half, T2 keeps its own."""
    result = run(
        A(buy("b", "2025-01-06", 101, "50")),
        A(buy("c", "2025-01-06", 101, "50", account="T2")),
        merge("m2", "2026-03-02", "0.5", account="T2"),
        merge("m", "2026-03-02", "0.5", amount="60"),
    )

    assert (shares(result, "B"), shares(result, "B", "T2")) == (50, Fraction(101, 2))
    assert [row.account for row in result.realized] == ["T"]


def test_a_merger_is_fine_where_nobody_holds_shares() -> None:
    assert run(merge("m", "2026-03-02", "0.5")).open_lots == ()
    told = refused(merge("m", "2026-03-02", "0.5", amount="60"))
    assert told == "Entry m: account T holds no shares of A on 2026-03-02 for this merge."


def test_before_the_merger_the_two_are_not_identical_and_after_it_they_are() -> None:
    """100 A sold at a loss of 10.00 a share on 2 March. 30 B bought on 4 March do not count, the merger is of 5 March;
    of the 30 B bought on 10 March each answers to two old shares: 60 x 10.00 = 600.
    """
    result = run(
        A(buy("b", "2025-01-06", 100, "50")),
        A(sell("s", "2026-03-02", 100, "40")),
        B(buy("n1", "2026-03-04", 30, "80")),
        merge("m", "2026-03-05", "0.5"),
        B(buy("n2", "2026-03-10", 30, "80")),
    )

    assert sale(result, "s") == [(100, -1000, 600)]
    assert lots(result, "n1") == [(30, 2400, "2026-03-04")]
    assert [row[:2] for row in lots(result, "n2")] == [(30, 3000)]
    [match] = result.matches
    assert (match.shares, match.amount, match.treatment) == (60, 600, Treatment.DEFERRED)
    assert {"R23", "R24"} <= set(match.rule_ids)


def test_a_purchase_of_the_old_shares_stays_a_candidate_by_its_own_date() -> None:
    """100 B at 50.00; 40 A bought at 20.00 on 2 March become 20 B. On 10 March the old B are sold at 40.00.

    20 of the 100 are replaced: 200 disallowed, the 20 B carry 800 + 200.
    """
    result = run(
        B(buy("b", "2025-01-06", 100, "50")),
        A(buy("n", "2026-03-02", 40, "20")),
        merge("m", "2026-03-05", "0.5"),
        B(sell("s", "2026-03-10", 100, "40", of=[("b", 100)])),
    )

    assert sale(result, "s") == [(100, -1000, 200)]
    assert [(lot.opening, lot.quantity, lot.basis) for lot in result.open_lots] == [("n", 20, 1000)]


def test_shares_received_in_a_merger_replace_nothing() -> None:
    """The merger itself, eight days after a loss on B, is no acquisition (R19)."""
    result = run(
        A(buy("a", "2024-01-08", 100, "10")),
        B(buy("b", "2025-01-06", 100, "50")),
        B(sell("s", "2026-03-02", 100, "40")),
        merge("m", "2026-03-10", "1"),
    )

    assert sale(result, "s") == [(100, -1000, 0)]


def test_what_was_identical_to_the_old_shares_is_not_identical_to_the_successor() -> None:
    """X and A are one group. After A became B a loss on X is not washed by B."""
    result = run(
        buy("x", "2025-01-06", 100, "50", security="X"),
        A(buy("a", "2024-01-08", 1, "10")),
        merge("m", "2026-02-05", "1"),
        sell("s", "2026-03-02", 100, "40", security="X"),
        B(buy("n", "2026-03-04", 100, "10")),
        groups=[frozenset({"A", "X"})],
    )

    assert sale(result, "s") == [(100, -1000, 0)]


def test_two_mergers_in_one_window_are_followed_through() -> None:
    """A becomes B at 2, B becomes C at 0.25: 100 A are 50 C. 20 C bought answer to 40 A: 40 x 10.00."""
    result = run(
        A(buy("b", "2025-01-06", 200, "50")),
        A(sell("s", "2026-03-02", 100, "40")),
        merge("m1", "2026-03-04", "2"),
        merge("m2", "2026-03-06", "0.25", security="B", to_security="C"),
        buy("n", "2026-03-10", 20, "80", security="C"),
    )

    assert sale(result, "s") == [(100, -1000, 400)]
    assert shares(result, "C") == 70
    assert lots(result, "b") == [(50, 5000, "2025-01-06")]


def test_splits_before_and_after_a_merger_keep_every_share() -> None:
    """90 A, 1 for 3: 30; merged at 1.5: 45 B; 2 for 1: 90 B. The basis of 900 stays."""
    result = run(
        A(buy("b", "2025-01-06", 90, "10")),
        split("p1", "2025-03-03", "0.33333333", security="A"),
        merge("m", "2025-05-05", "1.5"),
        split("p2", "2025-07-07", "2", security="B"),
    )

    assert [(lot.security, lot.quantity, lot.basis) for lot in result.open_lots] == [("B", 90, 900)]


def test_a_lot_that_a_wash_sale_divided_stays_divided_in_the_successor() -> None:
    """40 of 100 bought at 30.00 carry 10.00 each of a loss: parts of 40 for 1,600 and 60 for 1,800, then 20 and 30."""
    result = run(
        A(buy("o", "2025-01-06", 40, "50")),
        A(sell("s", "2026-03-02", 40, "40")),
        A(buy("n", "2026-03-10", 100, "30")),
        merge("m", "2026-04-01", "0.5"),
    )

    assert [(lot.quantity, lot.basis, lot.part) for lot in result.open_lots] == [
        (20, 1600, 1),
        (30, 1800, 0),
    ]


def test_a_merger_told_with_two_ratios_or_two_successors_is_refused() -> None:
    first = merge("m", "2026-03-05", "0.5")
    other = refused(first, merge("n", "2026-03-05", "0.4", account="T2"))
    into_c = refused(first, merge("n", "2026-03-05", "0.5", to_security="C"))

    assert other.startswith(
        "Entry n: the merge of A into B on 2026-03-05 is booked at 0.4 new shares for one here and at 0.5 new shares "
        "for one by entry m"
    )
    assert into_c.startswith("Entry n: A becomes C on 2026-03-05, and B by entry m")


def test_a_merger_told_again_within_ten_days_says_what_to_do() -> None:
    told = refused(merge("m", "2026-03-05", "0.5"), merge("n", "2026-03-06", "0.5", account="T2"))

    assert told.endswith("Give this row the date 2026-03-05, or leave it out.")


def test_a_merger_for_stock_and_cash_is_refused_by_name() -> None:
    told = refused(
        A(buy("b", "2025-01-06", 100, "50")),
        cash_merger("c", "2026-03-05", "100", "1000"),
        merge("m", "2026-03-05", "0.5"),
        kind=Unsupported,
    )

    assert "A merger for stock and cash is not computed" in told
    assert "Book a give of the old shares and a receive of the new ones" in told


# Spin-offs (IRC 355, 358(b)(2), (c), 1223(1))


def test_a_spin_off_divides_the_basis_and_keeps_the_clock() -> None:
    """100 A for 10,000; 0.25 B for each, 20 % of the basis: A 8,000; 25 B 2,000, held since the same day."""
    result = run(A(buy("b", "2025-01-06", 100, "100")), spin_off("o", "2025-06-02", "0.25", "0.2"))

    assert [
        (lot.security, lot.opening, lot.part, lot.quantity, lot.basis, lot.holding_start)
        for lot in result.open_lots
    ] == [
        ("A", "b", 0, 100, 8000, day("2025-01-06")),
        ("B", "b", 1, 25, 2000, day("2025-01-06")),
    ]


def test_a_share_that_was_spun_off_is_sold_by_its_parents_clock() -> None:
    """Sold on 7 January 2026, a year and a day after the parent was bought, for 90.00: 25 x 10.00 long-term."""
    result = run(
        A(buy("b", "2025-01-06", 100, "100")),
        spin_off("o", "2025-06-02", "0.25", "0.2"),
        B(sell("s", "2026-01-07", 25, "90", of=[("b", 25)])),
    )

    [row] = result.realized
    assert (row.security, row.lot, row.part, row.term, row.gain) == ("B", "b", 1, Term.LONG, 250)


def test_a_spin_offs_fraction_is_paid_in_cash() -> None:
    """10 A for 1,000: 2.5 B with 200, 80.00 a share. Half a share, basis 40.00, is paid 50.00: gain 10.00."""
    result = run(
        A(buy("b", "2025-01-06", 10, "100")),
        spin_off("o", "2025-06-02", "0.25", "0.2", amount="50"),
    )

    assert sale(result, "o") == [(HALF, 10, 0)]
    assert [(lot.security, lot.quantity, lot.basis) for lot in result.open_lots] == [
        ("A", 10, 800),
        ("B", 2, 160),
    ]


def test_shares_spun_off_replace_nothing_and_are_nobodys_remainder() -> None:
    """100 B sold at a loss on 2 March; 25 B spun off on 10 March are no acquisition (R19), although A was bought on
    1 March.
    """
    result = run(
        B(buy("b", "2025-01-06", 100, "50")),
        A(buy("a", "2026-03-01", 100, "100")),
        B(sell("s", "2026-03-02", 100, "40")),
        spin_off("o", "2026-03-10", "0.25", "0.2"),
        B(sell("t", "2026-03-20", 25, "10")),
    )

    assert sale(result, "s") == [(100, -1000, 0)]
    assert sale(result, "t") == [(25, -1750, 0)]


def test_two_spin_offs_of_a_day_take_their_parts_of_one_basis() -> None:
    """Of 1,000, 20 % and 30 %: 500 stay, 200 and 300 go, whichever is booked first."""
    for first, second in (("B", "C"), ("C", "B")):
        fractions = {"B": "0.2", "C": "0.3"}
        result = run(
            A(buy("b", "2025-01-06", 10, "100")),
            spin_off("o1", "2025-06-02", "1", fractions[first], to_security=first),
            spin_off("o2", "2025-06-02", "1", fractions[second], to_security=second),
        )
        assert {lot.security: lot.basis for lot in result.open_lots} == {
            "A": 500,
            "B": 200,
            "C": 300,
        }


def test_spin_offs_cannot_move_more_than_all_of_the_basis() -> None:
    told = refused(
        spin_off("o1", "2025-06-02", "1", "0.7"),
        spin_off("o2", "2025-06-02", "1", "0.4", to_security="C"),
    )

    assert told == "Entry o2: the spin-offs of A on 2025-06-02 move more than all of its basis."
    assert refused(spin_off("o", "2025-06-02", "1", "1.01")) == (
        "Entry o: the fraction of the basis that moves is 1.01, not from 0 to 1."
    )


@pytest.mark.parametrize(
    "leaving",
    [
        transfer("t", "2026-03-06", 40, "T2", of=[("new", 40)], security="B"),
        sell("sb", "2026-03-06", 40, 30, of=[("new", 40)], security="B"),
    ],
    ids=["transferred", "sold"],
)
@pytest.mark.parametrize("sold_shares", SoldReplacementPolicy)
def test_spun_off_shares_never_become_replacements(
    leaving: LedgerEntry, sold_shares: SoldReplacementPolicy
) -> None:
    """100 A at 100 of 2025 and of 2 March 2026; 20% of the basis goes to B. All of the new A are given away, some of
    its B leave. The old A, basis 8,000, are sold for 5,000: nothing that was bought is left, -3,000 is allowed."""
    result = run(
        A(buy("old", "2025-01-02", 100, 100)),
        A(buy("new", "2026-03-02", 100, 100)),
        spin_off("o", "2026-03-05", "1", "0.2"),
        A(give("g", "2026-03-05", 100, of=[("new", 100)])),
        leaving,
        A(sell("s", "2026-03-08", 100, 50, of=[("old", 100)])),
        policy=Policy(sold_replacement=sold_shares),
    )
    assert sale(result, "s") == [(100, -3000, 0)]
    assert result.matches == ()


def test_a_parent_that_is_washed_after_the_spin_off_keeps_its_own_loss() -> None:
    """100 A sold on 2 March at a loss of 1,000; the 50 bought on 10 March carry 500 of it.

    The spin-off of 1 April moves a tenth of 2,000 + 500: B has 250.
    """
    result = run(
        A(buy("b", "2025-01-06", 100, "50")),
        A(sell("s", "2026-03-02", 100, "40")),
        A(buy("n", "2026-03-10", 50, "40")),
        spin_off("o", "2026-04-01", "1", "0.1"),
    )

    assert {lot.security: lot.basis for lot in result.open_lots} == {"A": 2250, "B": 250}


# Cash mergers (IRC 1001)


def test_a_cash_merger_sells_the_whole_position() -> None:
    """10 at 30.00 and 15 at 60.00 bought out at 50.00: +200 and -150."""
    result = run(
        A(buy("b1", "2025-01-06", 10, "30")),
        A(buy("b2", "2025-02-03", 15, "60")),
        cash_merger("c", "2026-03-02", "25", "1250"),
    )

    assert sale(result, "c") == [(10, 200, 0), (15, -150, 0)]
    assert {row.event for row in result.realized} == {DisposalEvent.CASH_MERGER}
    assert result.open_lots == ()


@pytest.mark.parametrize("quantity", ["24", "26"])
def test_a_cash_merger_of_anything_but_the_whole_position_is_refused(quantity: str) -> None:
    told = refused(
        A(buy("b", "2025-01-06", 25, "30")), cash_merger("c", "2026-03-02", quantity, "1000")
    )

    assert told == (
        "Entry c: a cash_merger takes the whole position: account T holds 25 shares of A, not "
        f"{quantity}."
    )


def test_a_cash_mergers_loss_is_gone_where_the_ira_had_just_bought() -> None:
    """20 bought in the IRA two weeks before: 20 of the 100 lost at 10.00 a share are disallowed for ever (R16)."""
    result = run(
        A(buy("b", "2025-01-06", 100, "50")),
        A(buy("i", "2026-02-16", 20, "40", account="I")),
        cash_merger("c", "2026-03-02", "100", "4000"),
    )

    assert sale(result, "c") == [(100, -1000, 200)]
    assert result.permanently_disallowed == 200


# Returns of capital (IRC 301(c)(2), (3))


def test_a_return_of_capital_lowers_basis_and_then_is_gain() -> None:
    """100 for 1,000 and 100 for 100; 300 are 1.50 a share. The first keeps 850; the second's 100 is used up, 50 is gain
    of its own term: bought on 1 December 2025, short.
    """
    result = run(
        A(buy("b1", "2025-01-06", 100, "10")),
        A(buy("b2", "2025-12-01", 100, "1")),
        return_of_capital("r", "2026-03-02", "300"),
    )

    [row] = result.realized
    assert (row.lot, row.quantity, row.proceeds, row.basis, row.gain) == ("b2", 0, 50, 0, 50)
    assert (row.event, row.term) == (DisposalEvent.DISTRIBUTION, Term.SHORT)
    assert [(lot.quantity, lot.basis) for lot in result.open_lots] == [(100, 850), (100, 0)]


def test_a_later_sale_gains_what_was_returned() -> None:
    """100 for 1,000, 200 returned, sold for 1,000: 200 of gain."""
    result = run(
        A(buy("b", "2025-01-06", 100, "10")),
        return_of_capital("r", "2026-03-02", "200"),
        A(sell("s", "2026-03-03", 100, "10")),
    )

    assert sale(result, "s") == [(100, 200, 0)]


def test_a_return_of_capital_reaches_the_account_that_books_it_alone() -> None:
    result = run(
        A(buy("b", "2025-01-06", 100, "10")),
        A(buy("c", "2025-01-06", 100, "10", account="T2")),
        return_of_capital("r", "2026-03-02", "200"),
    )

    assert [lot.basis for lot in result.open_lots] == [800, 1000]


def test_a_retirement_accounts_return_of_capital_is_no_gain() -> None:
    result = run(
        A(buy("b", "2025-01-06", 100, "1", account="I")),
        return_of_capital("r", "2026-03-02", "300", account="I"),
    )

    assert result.realized == ()
    assert [row.proceeds for row in result.retirement_disposals] == [200]


def test_a_return_of_capital_on_nothing_is_refused() -> None:
    assert refused(return_of_capital("r", "2026-03-02", "300")) == (
        "Entry r: account T holds no shares of A on 2026-03-02 for this return_of_capital."
    )


# Worthlessness (IRC 165(g))


def test_worthless_shares_are_sold_for_nothing_on_the_last_day() -> None:
    """Bought on 30 December 2024 for 1,000; worthless in 2025: -1,000, long-term on 31 December 2025."""
    result = run(A(buy("b", "2024-12-30", 100, "10")), worthless("w", "2025-12-31"))

    [row] = result.realized
    assert (row.proceeds, row.gain, row.term) == (0, -1000, Term.LONG)
    assert row.event is DisposalEvent.WORTHLESS
    assert result.open_lots == ()


def test_worthlessness_on_any_other_day_is_refused() -> None:
    assert refused(A(buy("b", "2024-12-30", 100, "10")), worthless("w", "2025-12-30")) == (
        "Entry w: a security that becomes worthless counts as sold for nothing on 2025-12-31, the last day of the year "
        "(IRC 165(g)), not on 2025-12-30."
    )


def test_a_worthless_shares_loss_is_washed_by_a_purchase_in_january() -> None:
    """40 bought again on 15 January 2026 at 0.05: 400 of 1,000 disallowed, their basis 2 + 400."""
    result = run(
        A(buy("b", "2024-12-30", 100, "10")),
        worthless("w", "2025-12-31"),
        A(buy("n", "2026-01-15", 40, "0.05")),
    )

    assert sale(result, "w") == [(100, -1000, 400)]
    assert [lot.basis for lot in result.open_lots] == [402]


def test_worthlessness_takes_the_whole_position() -> None:
    told = refused(
        A(buy("b", "2024-12-30", 100, "10")), worthless("w", "2025-12-31", quantity="40")
    )

    assert told.startswith(
        "Entry w: a worthless takes the whole position: account T holds 100 shares"
    )


# What travels with the shares


def test_a_gifts_two_bases_travel_through_a_merger_and_a_spin_off() -> None:
    """100 A, donor's basis 1,000 since 2020, worth 600 on 2 March 2026 (IRC 1015(a)). Merged at 0.5 and a fifth spun
    off: B 800 and 480, C 200 and 120. Between the two a sale makes nothing; below, a short-term loss from the gift.
    """
    gift = LedgerEntry(
        id="g", trade_date=day("2026-03-02"), account="T", kind=EntryKind.GIFT, security="A",
        quantity=Decimal(100), amount=Decimal(1000), market_value=Decimal(600),
        acquired=day("2020-01-06"),
    )  # fmt: skip
    result = run(
        gift,
        merge("m", "2026-03-09", "0.5"),
        spin_off("o", "2026-03-16", "1", "0.2", security="B", to_security="C"),
        B(sell("s", "2026-03-20", 25, "12")),
        B(sell("t", "2026-03-23", 10, "8")),
    )

    assert [
        (lot.security, lot.quantity, lot.basis, lot.loss_basis) for lot in result.open_lots
    ] == [
        ("B", 15, 240, 144),
        ("C", 50, 200, 120),
    ]
    assert sale(result, "s") == [(25, 0, 0)]
    assert sale(result, "t") == [(10, -16, 0)]
    assert result.realized[1].term is Term.SHORT


def test_an_inherited_lots_child_is_long_term_at_once() -> None:
    """IRC 1223(9), 1223(1): inherited on 2 March for 1,000, spun off on 9 March, sold on 10 March."""
    inherited = LedgerEntry(
        id="h", trade_date=day("2026-03-02"), account="T", kind=EntryKind.INHERIT, security="A",
        quantity=Decimal(100), amount=Decimal(1000),
    )  # fmt: skip
    result = run(
        inherited,
        spin_off("o", "2026-03-09", "1", "0.2"),
        B(sell("s", "2026-03-10", 100, "3")),
    )

    [row] = result.realized
    assert (row.term, row.gain) == (Term.LONG, 100)


def test_a_transferred_lots_shares_merge_where_they_are() -> None:
    result = run(
        A(buy("b", "2025-01-06", 100, "50")),
        A(transfer("x", "2025-03-03", 40, "T2")),
        merge("m", "2025-06-02", "0.5"),
        B(transfer("y", "2025-07-07", 30, "T2")),
    )

    assert [(lot.account, lot.quantity, lot.basis) for lot in result.open_lots] == [
        ("T2", 20, 2000),
        ("T2", 30, 3000),
    ]


def test_every_action_conserves_basis_and_dollars() -> None:
    """R30 through all of them: allowed = proceeds - cost + basis that is left + gone for ever."""
    entries = [
        A(buy("b1", "2025-01-06", 101, "50", fee=7)),
        A(buy("b2", "2025-02-03", 50, "20", account="T2")),
        A(sell("s1", "2025-03-03", 30, "15", account="T2")),
        A(buy("n1", "2025-03-10", 10, "14")),
        action(
            EntryKind.SPLIT, "p", "2025-04-01", quantity="0.33333333", account="T2", amount="20"
        ),
        merge("m", "2025-05-05", "0.7", amount="11"),
        spin_off("o", "2025-06-02", "0.3", "0.1234", security="B", to_security="C", amount="2"),
        return_of_capital("r", "2025-07-07", "333.33", security="B"),
        rename("k", "2025-08-04", security="C", to_security="D"),
        sell("s2", "2025-09-01", 2, "1", security="D"),
        buy("n2", "2025-09-08", 1, "1", security="D", account="I"),
    ]
    for end in range(1, len(entries) + 1):
        told = entries[:end]
        result = run(*told)
        bought = sum(
            Fraction(entry.amount + entry.fee)
            for entry in told
            if entry.kind is EntryKind.BUY and entry.account != "I"
        )
        paid = sum(Fraction(entry.amount) for entry in told if entry.kind is not EntryKind.BUY)
        left = sum(lot.basis for lot in result.open_lots if lot.account != "I")
        allowed = sum(row.allowed for row in result.realized)
        assert allowed == paid - bought + left + result.permanently_disallowed
    assert {row.event for row in result.realized} == {
        DisposalEvent.SALE,
        DisposalEvent.CASH_IN_LIEU,
    }


def test_the_same_fact_in_every_account_is_one_fact() -> None:
    """Booked once or in three accounts, the household's lots are the same."""
    trades = [
        A(buy("b", "2025-01-06", 100, "50")),
        A(buy("c", "2025-01-07", 30, "40", account="T2")),
    ]
    facts = [
        merge("m1", "2025-05-05", "0.5"),
        spin_off("o1", "2025-06-02", "1", "0.2", security="B", to_security="C"),
    ]
    again = [
        replace(fact, id=f"{fact.id}-{account}", account=account)
        for fact in facts
        for account in ("T2", "I")
    ]

    alone, together = run(*trades, *facts), run(*trades, *again, *facts)

    assert alone.open_lots == together.open_lots
    assert basis(alone) == 100 * 50 + 30 * 40


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        (rename("x", "2026-03-02", quantity="2"), "a rename is one for one, not 2 for one"),
        (rename("x", "2026-03-02", amount="5"), "a rename pays nothing"),
        (rename("x", "2026-03-02", to_security=None), "a rename needs the security"),
        (merge("x", "2026-03-02", "1", to_security="A"), "the old and the new security are the same"),
        (merge("x", "2026-03-02", "0"), "the quantity must be above zero"),
        (return_of_capital("x", "2026-03-02", "5", quantity="1"), "has no quantity"),
        (return_of_capital("x", "2026-03-02", "0"), "needs the amount that was paid"),
        (worthless("x", "2025-12-31", amount="5"), "a worthless pays nothing"),
        (replace(A(buy("x", "2026-03-02", 1, 1)), to_security="B"), "brings no other security"),
        (
            replace(A(buy("x", "2026-03-02", 1, 1)), basis_fraction=Decimal("0.1")),
            "moves no fraction of the basis",
        ),
    ],
)  # fmt: skip
def test_an_action_that_contradicts_itself_is_refused_by_name(
    entry: LedgerEntry, problem: str
) -> None:
    told = refused(entry)

    assert told.startswith("Entry x: ")
    assert problem in told


# --- Retirement purchases of the day (U6) -----------------------------------------------------


def test_a_retirement_purchase_after_the_action_of_its_day_is_not_touched_by_it() -> None:
    """10 shares 1-for-3: 3 1/3, a third is paid. 0.5 bought after it stays: 3.5 are held, 1/3 is sold."""
    ira = {"account": "I", "security": "A"}
    result = run(
        buy("b", "2025-01-06", 10, 30, **ira),
        replace(split("s", "2026-03-02", "0.333333", **ira), amount=Decimal(10)),
        buy("n", "2026-03-02", "0.5", 90, **ira),
    )
    assert [row.quantity for row in result.retirement_disposals] == [THIRD]
    assert sum(lot.quantity for lot in result.open_lots) == Fraction(7, 2)
    result = run(
        buy("b", "2025-01-06", 9, 30, **ira),
        cash_merger("m", "2026-03-02", "9", "900", account="I"),
        buy("n", "2026-03-02", 1, 90, **ira),
    )
    assert [(lot.opening, lot.quantity) for lot in result.open_lots] == [("n", 1)]


def test_capital_is_not_returned_on_what_is_bought_after_it() -> None:
    capital = action(
        EntryKind.RETURN_OF_CAPITAL, "c", "2026-03-02", quantity="0", amount="5", account="I"
    )
    with pytest.raises(BadEntry, match="holds no shares of A"):
        run(capital, buy("n", "2026-03-02", 1, 90, account="I", security="A"))
