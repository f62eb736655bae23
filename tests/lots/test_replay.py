"""What replay refuses, what it ignores, and what intended entries would cost."""

import pickle
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from lots.engine.entry_checks import accounts_by_id
from lots.engine.identity import markets
from lots.errors import BadEntry, LedgerError, Unsupported
from lots.replay import new_disallowed, replay, simulate
from lots.types import (
    DatedGroup,
    EntryKind,
    LedgerEntry,
    LotPick,
    Membership,
    Policy,
    RealizedLot,
    SoldReplacementPolicy,
    TackingPolicy,
    Term,
)
from tests.lots.histories import busy_history
from tests.lots.household import ACCOUNTS as HISTORY_ACCOUNTS
from tests.lots.household import DATED_GROUPS, GROUPS, OVERLAPPING_GROUPS
from tests.lots.ledger import (
    ACCOUNTS,
    IRA,
    T,
    buy,
    day,
    lots,
    receive,
    sale,
    sell,
    split,
    trade,
    transfer,
)

OLD = buy("old", "2025-02-03", 100, 40)


def run(*entries):
    return replay(entries, ACCOUNTS, [])


def raw(**fields):
    base: dict[str, Any] = {
        "id": "e",
        "trade_date": date(2026, 3, 2),
        "account": "T",
        "kind": EntryKind.BUY,
        "security": "M",
        "quantity": Decimal(1),
        "amount": Decimal(1),
    }
    return LedgerEntry(**(base | fields))


def test_an_empty_ledger_gives_an_empty_result():
    result = replay([], [], [])
    assert (result.realized, result.open_lots, result.matches) == ((), (), ())
    assert result.permanently_disallowed == 0


def test_the_policy_travels_with_the_result():
    policy = Policy(tacking=TackingPolicy.DATE)
    assert replay([], [], [], policy).policy is policy


@pytest.mark.parametrize("field", ["quantity", "amount", "fee"])
def test_a_float_is_a_type_error(field):
    with pytest.raises(TypeError, match=f"{field} must be a Decimal, not float"):
        run(raw(**{field: 1.0}))


@pytest.mark.parametrize("multiplier", [1, 1.0, True])
def test_a_multiplier_is_a_decimal_even_if_it_is_one(multiplier):
    with pytest.raises(TypeError, match="Entry e: multiplier must be a Decimal"):
        run(raw(multiplier=multiplier))


def test_a_float_among_the_identified_lots_is_a_type_error():
    picks = (LotPick("old", 1.0),)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="picked quantity must be a Decimal"):
        run(OLD, raw(kind=EntryKind.SELL, picks=picks))


def test_an_instant_is_no_trade_date():
    with pytest.raises(TypeError, match="not a plain date"):
        run(raw(trade_date=datetime(2026, 3, 2, 15, 0)))  # noqa: DTZ001 - what is refused


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"quantity": Decimal("NaN")}, "quantity is NaN"),
        ({"amount": Decimal("Infinity")}, "amount is Infinity"),
        ({"quantity": Decimal(0)}, "quantity must be above zero"),
        ({"quantity": Decimal(-5)}, "quantity must be above zero"),
        ({"amount": Decimal(-1)}, "must not be negative"),
        ({"fee": Decimal(-1)}, "must not be negative"),
        ({"multiplier": Decimal("sNaN")}, "multiplier is sNaN"),
        ({"security": None}, "needs a security"),
        ({"account": "elsewhere"}, "account elsewhere does not belong"),
        ({"kind": EntryKind.SPLIT, "quantity": Decimal(0)}, "split ratio must be above zero"),
        ({"kind": EntryKind.RECEIVE, "fee": Decimal(1)}, "carries no fee"),
        ({"picks": (LotPick("old", Decimal(1)),)}, "a buy cannot identify lots"),
        ({"to_account": "T2"}, "no destination account"),
        ({"holding_start": date(2020, 1, 1)}, "no acquisition date or holding start"),
        ({"kind": EntryKind.TRANSFER}, "destination None does not belong"),
        ({"kind": EntryKind.TRANSFER, "to_account": "T"}, "same account"),
        ({"kind": EntryKind.RECEIVE, "holding_start": date(2026, 3, 3)}, "dates must run"),
        (
            {
                "kind": EntryKind.RECEIVE,
                "acquired": date(2020, 1, 1),
                "holding_start": date(2021, 1, 1),
            },
            "dates must run",
        ),
        (
            {"kind": EntryKind.SELL, "picks": (LotPick("old", Decimal(2)),)},
            "do not add up to 1 shares",
        ),
        (
            {"kind": EntryKind.SELL, "picks": (LotPick("old", Decimal(0)),)},
            "picked quantity of lot old must be above zero",
        ),
    ],
)
def test_an_entry_that_makes_no_sense_is_refused_with_its_reason(fields, problem):
    with pytest.raises(BadEntry, match=problem) as refusal:
        run(OLD, raw(**fields))
    assert (refusal.value.code, refusal.value.entry) == ("bad_entry", "e")


def test_an_id_is_used_once():
    with pytest.raises(BadEntry, match="used by another entry"):
        run(OLD, OLD)
    with pytest.raises(LedgerError, match="account id is given twice"):
        accounts_by_id([T, T])


def test_an_accounts_kind_decides_whether_a_transfer_is_one():
    with pytest.raises(Unsupported, match="contribution or a distribution") as refusal:
        run(OLD, transfer("t", "2026-03-02", 10, "I"))
    assert (refusal.value.code, refusal.value.rule, refusal.value.entry) == (
        "unsupported",
        "R19",
        "t",
    )
    with pytest.raises(Unsupported, match="different taxpayers"):
        run(OLD, transfer("t", "2026-03-02", 10, "C"))


def test_shares_move_between_retirement_accounts():
    result = run(
        buy("b", "2026-03-02", 10, 50, account="K"),
        transfer("t", "2026-03-09", 10, "I", account="K"),
    )
    assert [(lot.account, lot.acquired) for lot in result.open_lots] == [("I", day("2026-03-02"))]


def test_cash_and_fees_of_their_own_touch_no_lot():
    cash = [
        raw(id=kind.value, kind=kind, security=None, amount=Decimal(-7))
        for kind in (EntryKind.CASH_IN, EntryKind.CASH_OUT, EntryKind.FEE)
    ]
    assert run(OLD, *cash) == run(OLD)


def test_a_received_lot_keeps_its_original_dates():
    entry = trade(EntryKind.RECEIVE, "g", "2026-03-02", 10, 5, acquired=day("2021-04-05"))
    assert lots(run(entry), "g") == [(10, 50, "2021-04-05")]
    assert run(entry).open_lots[0].acquired == day("2021-04-05")
    assert lots(run(receive("h", "2026-03-02", 10, 5)), "h") == [(10, 50, "2026-03-02")]


# --- Splits (R23) ------------------------------------------------------------------------------


def test_one_split_booked_in_two_accounts_is_one_split():
    result = run(
        OLD,
        buy("far", "2025-02-03", 10, 40, account="I"),
        split("x1", "2026-03-02", "2"),
        split("x2", "2026-03-02", "2.0", account="I"),
    )
    assert lots(result, "old") == [(200, 4000, "2025-02-03")]
    assert lots(result, "far") == [(20, 400, "2025-02-03")]


def test_a_split_booked_in_one_account_reaches_every_lot_of_the_household():
    result = run(
        OLD, buy("far", "2025-02-03", 10, 40, account="T2"), split("x", "2026-03-02", "0.5")
    )
    assert lots(result, "far") == [(5, 400, "2025-02-03")]


def test_contradicting_ratios_are_refused():
    with pytest.raises(BadEntry, match="contradicts the ratio 2"):
        run(OLD, split("x1", "2026-03-02", "2"), split("x2", "2026-03-02", "3", account="T2"))
    with pytest.raises(BadEntry, match="books the split of M on 2026-03-02 twice"):
        run(OLD, split("x1", "2026-03-02", "2"), split("x2", "2026-03-02", "2"))


@pytest.mark.parametrize("account", ["T2", "I", "T"])
def test_an_equal_split_within_ten_days_is_the_same_split_and_refused(account):
    """Custodians book one split on different days; counting it twice would double the shares."""
    second = split("x2", "2026-03-12", "2", account=account)
    with pytest.raises(BadEntry) as refusal:
        run(OLD, split("x1", "2026-03-02", "2.0"), second)
    assert refusal.value.entry == "x2"
    assert str(refusal.value).startswith(
        f"Entry x2: a split of M by 2 on 2026-03-12 in account {account} repeats entry x1, the split by 2 on "
        "2026-03-02 in account T: one split is booked on one date and reaches every account of the household, "
        "so leave out the one that is not booked yet"
    )


def test_an_equal_split_after_more_than_ten_days_is_another_split():
    result = run(OLD, split("x1", "2026-03-02", "2"), split("x2", "2026-03-13", "2", account="T2"))
    assert lots(result, "old") == [(400, 4000, "2025-02-03")]


def test_splits_of_different_days_multiply():
    result = run(OLD, split("x1", "2026-03-02", "2"), split("x2", "2026-03-03", "3"))
    assert lots(result, "old") == [(600, 4000, "2025-02-03")]


@pytest.mark.parametrize(
    ("ratio", "shares"),
    [("0.333333", 30), ("0.33333333", 30), ("0.06666667", 6), ("1.5", 135), ("0.25", "22.5")],
)
def test_a_repeating_ratio_stands_for_its_fraction(ratio, shares):
    result = run(buy("b", "2025-02-03", 90, 40), split("x", "2026-03-02", ratio))
    assert lots(result, "b") == [(Decimal(shares), 3600, "2025-02-03")]


# --- Intended entries --------------------------------------------------------------------------


def test_intended_entries_show_what_each_sale_would_lose():
    booked = [OLD, sell("s", "2026-03-02", 60, 31)]
    harmless = [buy("i", "2026-03-09", 10, 9, security="N")]
    before = replay(booked, ACCOUNTS, [])
    assert new_disallowed(before, simulate(booked, harmless, ACCOUNTS, [])) == ()
    harmful = [buy("i", "2026-03-09", 10, 32), sell("i2", "2026-03-10", 30, 31)]
    after = simulate(booked, harmful, ACCOUNTS, [])
    (lost,) = new_disallowed(before, after)
    assert lost.sale == "s"
    assert lost.amount == 90
    assert lost.permanent == 0
    assert lost.trade_date == day("2026-03-02")
    assert [match.replacement for match in lost.matches] == ["i"]


def test_an_intended_sale_can_be_the_one_that_loses():
    booked = [OLD, buy("b", "2026-02-20", 10, 30)]
    before = replay(booked, ACCOUNTS, [])
    after = simulate(booked, [sell("i", "2026-03-02", 60, 31)], ACCOUNTS, [])
    (lost,) = new_disallowed(before, after)
    assert (lost.sale, lost.account, lost.security) == ("i", "T", "M")
    assert lost.amount == 90


def test_a_loss_that_turns_permanent_is_reported():
    booked = [OLD, sell("s", "2026-03-02", 10, 31), buy("b", "2026-03-09", 10, 32)]
    before = replay(booked, ACCOUNTS, [])
    intended = [buy("i", "2026-03-09", 10, 32, account=IRA.id)]
    (lost,) = new_disallowed(before, simulate(booked, intended, ACCOUNTS, []))
    assert lost.amount == 0
    assert lost.permanent == 90


def test_order_inside_a_date_is_execution_order():
    opened = buy("b", "2026-03-02", 10, 50)
    closed = sell("s", "2026-03-02", 10, 40)
    assert sale(run(opened, closed), "s") == [(10, -100, 0)]
    with pytest.raises(LedgerError, match="holds 0 shares"):
        run(closed, opened)


# --- Results -----------------------------------------------------------------------------------

WASHED = (OLD, sell("s", "2026-03-02", 100, 31), buy("b", "2026-03-10", 30, 32))


def test_results_are_values_whether_anybody_has_looked_at_them_or_not():
    (row,) = run(*WASHED).realized
    written_out = RealizedLot(
        sale="s",
        trade_date=day("2026-03-02"),
        account="T",
        security="M",
        lot="old",
        part=0,
        quantity=Fraction(100),
        acquired=day("2025-02-03"),
        holding_start=day("2025-02-03"),
        term=Term.LONG,
        proceeds=Fraction(3100),
        basis=Fraction(4000),
        disallowed=Fraction(270),
    )
    assert row == written_out
    assert {row} == {written_out}
    assert replace(run(*WASHED).realized[0], basis=Fraction(1)) == replace(
        written_out, basis=Fraction(1)
    )
    assert repr(run(*WASHED).realized[0]) == repr(written_out)
    assert pickle.loads(pickle.dumps(run(*WASHED))) == run(*WASHED)


def test_a_result_has_no_fields_but_its_own():
    (row,) = run(*WASHED).realized
    with pytest.raises(AttributeError, match="RealizedLot has no proceedz"):
        row.proceedz  # noqa: B018 - what is refused
    with pytest.raises(AttributeError):
        row.basis = Fraction(0)


# --- Markets -----------------------------------------------------------------------------------


def test_groups_renames_mergers_and_spin_offs_make_one_market():
    entries = [
        OLD,
        buy("n", "2025-02-03", 1, 1, security="N"),
        buy("x", "2025-02-03", 1, 1, security="X"),
        raw(id="r", kind=EntryKind.RENAME, security="X", to_security="Y"),
        raw(id="cash", kind=EntryKind.CASH_IN, security=None),
    ]
    found = markets(entries, [{"M", "L"}, DatedGroup((Membership("L"), Membership("K")))])
    assert found["M"] == found["L"] == found["K"]
    assert found["X"] == found["Y"]
    assert len({found[name] for name in ("M", "N", "X")}) == 3


@pytest.mark.parametrize("groups", [(), GROUPS, DATED_GROUPS, OVERLAPPING_GROUPS])
@pytest.mark.parametrize("literal", [False, True])
def test_a_market_alone_gives_its_own_rows_and_no_others(groups, literal):
    policy = (
        Policy(sold_replacement=SoldReplacementPolicy.LITERAL_ACQUIRED) if literal else Policy()
    )
    for seed in range(5000, 5040):
        entries = busy_history(seed, corporation=seed % 3 == 0)
        whole = replay(entries, HISTORY_ACCOUNTS, groups, policy)
        market_of = markets(entries, groups)
        sales = {entry.id: market_of.get(entry.security or "") for entry in entries}
        for market in set(market_of.values()):
            own = [e for e in entries if e.security is None or market_of[e.security] == market]
            alone = replay(own, HISTORY_ACCOUNTS, groups, policy)
            assert list(alone.realized) == [r for r in whole.realized if sales[r.sale] == market]
            assert list(alone.matches) == [m for m in whole.matches if sales[m.sale] == market]
            assert list(alone.open_lots) == [
                lot for lot in whole.open_lots if market_of[lot.security] == market
            ]
            assert list(alone.retirement_disposals) == [
                r for r in whole.retirement_disposals if sales[r.sale] == market
            ]
