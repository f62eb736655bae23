"""The worked examples of the wash-sale rules, by hand, and the boundaries and switches around them."""

from datetime import date
from decimal import Decimal
from fractions import Fraction

import pytest

from lots.errors import BadEntry, Unsupported
from lots.replay import replay
from lots.types import (
    DatedGroup,
    EntryKind,
    Membership,
    OlderLotPolicy,
    Policy,
    Scope,
    SoldReplacementPolicy,
    SpousePolicy,
    TackingPolicy,
    TaxDeferredPolicy,
    Term,
    Treatment,
)
from lots.wash_sales import first_clear_date, in_window, merged_groups, window
from tests.lots.ledger import (
    ACCOUNTS,
    buy,
    lots,
    receive,
    reinvest,
    sale,
    sell,
    split,
    trade,
    transfer,
)

OLD = buy("old", "2025-02-03", 100, 40)  # outside every window below


def run(*entries, groups=(), **switches):
    return replay(entries, ACCOUNTS, groups, Policy(**switches))


def disallowed(result, id_="s"):
    return sum(row[2] for row in sale(result, id_))


# --- The window (R5) ---------------------------------------------------------------------------


def test_the_window_has_61_days():
    first, last = window(date(2026, 3, 16))
    assert (first, last) == (date(2026, 2, 14), date(2026, 4, 15))
    assert (last - first).days + 1 == 61


def test_day_30_is_in_and_day_31_is_out_on_both_sides():
    sold = date(2026, 3, 16)
    assert in_window(date(2026, 2, 14), sold)
    assert not in_window(date(2026, 2, 13), sold)
    assert in_window(date(2026, 4, 15), sold)
    assert not in_window(date(2026, 4, 16), sold)


def test_the_first_clear_date_is_day_31():
    assert first_clear_date(date(2026, 3, 2)) == date(2026, 4, 2)
    assert not in_window(first_clear_date(date(2026, 3, 2)), date(2026, 3, 2))


@pytest.mark.parametrize(
    ("bought", "lost"),
    [("2026-02-13", 0), ("2026-02-14", 900), ("2026-04-15", 900), ("2026-04-16", 0)],
)
def test_the_engine_uses_exactly_this_window(bought, lost):
    result = run(OLD, buy("b", bought, 100, 35), sell("s", "2026-03-16", 100, 31))
    assert disallowed(result) == lost


# --- Worked examples ---------------------------------------------------------------------------


def test_the_remainder_of_the_block_is_no_replacement():
    fills = (
        buy("f1", "2026-03-02", 60, 50, block="o1"),
        buy("f2", "2026-03-02", 40, 50, block="o1"),
    )
    loss = sell("s", "2026-03-16", 40, 45)
    alone = run(*fills, loss)
    assert sale(alone, "s") == [(40, -200, 0)]
    assert sum(lot.basis for lot in alone.open_lots) == 3000
    second_order = run(*fills, buy("b2", "2026-03-03", 60, 50), loss)
    assert sale(second_order, "s") == [(40, -200, 200)]


def test_orders_of_two_accounts_with_one_name_are_two_orders():
    """An IRA that buys back what the taxable account sold makes the loss permanent, whatever its order is called."""
    result = run(
        buy("b", "2026-01-05", 10, 100, block="1"),
        sell("s", "2026-06-01", 10, 80),
        buy("i", "2026-06-10", 10, 81, account="I", block="1"),
    )
    assert sale(result, "s") == [(10, -200, 200)]
    assert result.permanently_disallowed == 200


def test_fewer_bought_than_sold_disallows_only_their_share_of_the_loss():
    result = run(OLD, sell("s", "2026-03-02", 100, 31), buy("b", "2026-03-10", 30, 32))
    (row,) = result.realized
    assert (row.term, row.disallowed, row.allowed) == (Term.LONG, 270, -630)
    assert lots(result, "b") == [(30, 1230, "2025-02-11")]
    (match,) = result.matches
    assert match.rule_ids == ("R5", "R11", "R13", "U3")


def test_more_bought_than_sold_takes_the_earliest_in_every_account():
    result = run(
        buy("old", "2025-01-10", 100, 30),
        buy("b1", "2026-04-20", 40, 21, account="T2"),
        sell("s", "2026-05-15", 100, 20),
        buy("b2", "2026-05-20", 40, 19),
        buy("b3", "2026-05-28", 50, 20),
    )
    assert sale(result, "s") == [(100, -1000, 1000)]
    assert lots(result, "b1") == [(40, 1240, "2025-01-10")]
    assert lots(result, "b2") == [(40, 1160, "2025-01-15")]
    assert lots(result, "b3") == [(20, 600, "2025-01-23"), (30, 600, "2026-05-28")]
    assert [match.rule_ids for match in result.matches] == [
        ("R5", "R12", "R13", "R17", "U3"),
        ("R5", "R12", "R13", "U3"),
        ("R5", "R12", "R13", "U3"),
    ]


@pytest.mark.parametrize(
    ("bought", "by_sum", "by_date", "by_union"),
    [
        ("2026-03-02", "2026-01-15", "2026-01-05", "2026-01-15"),
        ("2026-02-10", "2025-12-26", "2026-01-05", "2026-01-05"),
    ],
)
def test_the_holding_period_tacks_by_the_chosen_method(bought, by_sum, by_date, by_union):
    entries = (
        buy("old", "2026-01-05", 10, 50),
        buy("b", bought, 10, 45),
        sell("s", "2026-02-20", 10, 40, of=[("old", 10)]),
    )
    for method, start in (
        (TackingPolicy.SUM, by_sum),
        (TackingPolicy.DATE, by_date),
        (TackingPolicy.UNION, by_union),
    ):
        assert lots(run(*entries, tacking=method), "b") == [(10, 550, start)]


def test_an_ira_purchase_loses_the_loss_for_ever():
    result = run(
        buy("old", "2025-06-02", 100, 80),
        sell("s", "2026-06-15", 100, 70),
        buy("b", "2026-06-20", 60, 71, account="I"),
    )
    (row,) = result.realized
    assert (row.disallowed, row.permanent, row.allowed) == (600, 600, -400)
    assert result.permanently_disallowed == 600
    assert lots(result, "b") == [(60, 4260, "2026-06-20")]
    (match,) = result.matches
    assert match.treatment is Treatment.PERMANENT
    assert match.rule_ids == ("R5", "R11", "R16", "R17")


def test_an_ira_share_washes_only_once():
    result = run(
        buy("x", "2025-06-02", 100, 80),
        buy("y", "2025-06-03", 100, 90),
        sell("s1", "2026-06-15", 100, 70),
        buy("b", "2026-06-16", 100, 71, account="I"),
        sell("s2", "2026-06-17", 100, 70),
    )
    assert disallowed(result, "s1") == 1000
    assert disallowed(result, "s2") == 0


def test_a_loss_inside_an_ira_is_no_loss():
    result = run(
        buy("b1", "2026-01-05", 10, 50, account="I"),
        sell("s", "2026-02-02", 10, 40, account="I"),
        buy("b2", "2026-02-03", 10, 40, account="I"),
    )
    assert result.realized == ()
    assert result.matches == ()
    (row,) = result.retirement_disposals
    assert (row.gain, row.disallowed) == (-100, 0)


def test_a_chain_measures_the_second_loss_on_the_adjusted_basis():
    result = run(
        buy("a", "2026-01-05", 100, 50),
        sell("s1", "2026-02-02", 100, 40),
        buy("b", "2026-02-09", 100, 41),
        sell("s2", "2026-03-02", 100, 45),
        buy("c", "2026-03-10", 100, 44),
    )
    assert sale(result, "s1") == [(100, -1000, 1000)]
    assert result.realized[1].holding_start == date(2026, 1, 12)
    assert sale(result, "s2") == [(100, -600, 600)]
    assert lots(result, "c") == [(100, 5000, "2026-01-20")]
    assert sum(row.allowed for row in result.realized) == 0
    assert "R21" in result.matches[1].rule_ids


def test_shares_match_in_split_adjusted_units():
    result = run(
        buy("a", "2025-05-01", 100, 60),
        sell("s", "2026-03-02", 100, 50),
        split("x", "2026-03-09", "2"),
        buy("b", "2026-03-16", 120, 26),
    )
    (row,) = result.realized
    assert (row.disallowed, row.allowed) == (600, -400)
    assert lots(result, "b") == [(120, 3720, "2025-05-15")]
    (match,) = result.matches
    assert match.shares == 60  # in units of the sale date
    assert "R23" in match.rule_ids


def test_a_split_long_before_changes_nothing_between_identical_securities():
    result = run(
        buy("a", "2024-05-01", 50, 60),
        split("x", "2024-06-03", "2"),
        sell("s", "2026-03-02", 100, 25),
        buy("b", "2026-03-16", 100, 80, security="N"),
        groups=[{"M", "N"}],
    )
    assert disallowed(result) == 500
    assert result.matches[0].rule_ids == ("R5", "R12", "R13", "R24", "U3", "U8")


def test_a_split_of_the_replacement_after_the_sale_is_taken_back():
    result = run(
        OLD,
        sell("s", "2026-03-02", 100, 30),
        split("x", "2026-03-09", "2", security="N"),
        buy("b", "2026-03-16", 100, 10, security="N"),
        groups=[{"M", "N"}],
    )
    assert disallowed(result) == 500  # 100 new shares of N are 50 of the sale date


# --- Losses only, lot by lot (R8, R20) ---------------------------------------------------------


def test_a_loss_is_not_netted_against_a_gain_of_the_same_order():
    result = run(
        buy("high", "2025-01-06", 50, 60),
        buy("low", "2025-01-07", 50, 20),
        sell("s", "2026-03-02", 100, 40),
        buy("b", "2026-03-03", 100, 40),
    )
    assert sale(result, "s") == [(50, -1000, 1000), (50, 1000, 0)]


def test_losses_of_one_order_count_in_the_order_of_acquisition():
    result = run(
        buy("first", "2025-01-06", 50, 60),
        buy("second", "2025-01-07", 50, 90),
        sell("s", "2026-03-02", 100, 40, of=[("second", 50), ("first", 50)]),
        buy("b", "2026-03-03", 50, 40),
    )
    assert sale(result, "s") == [(50, -1000, 1000), (50, -2500, 0)]


def test_losses_are_served_in_the_order_of_disposition():
    result = run(
        buy("x", "2025-01-06", 10, 60),
        buy("y", "2025-01-07", 10, 90),
        sell("s1", "2026-03-02", 10, 40, of=[("y", 10)]),
        sell("s2", "2026-03-09", 10, 40, of=[("x", 10)]),
        buy("b", "2026-03-16", 10, 40),
    )
    assert (disallowed(result, "s1"), disallowed(result, "s2")) == (500, 0)


def test_a_january_purchase_reaches_back_to_december():
    result = run(OLD, sell("s", "2025-12-31", 100, 31), buy("b", "2026-01-30", 100, 31))
    assert disallowed(result) == 900
    assert result.realized[0].trade_date.year == 2025


# --- What is an acquisition (R19, R25) ---------------------------------------------------------


def test_a_reinvested_dividend_is_a_purchase_however_small():
    result = run(OLD, sell("s", "2026-03-02", 100, 31), reinvest("d", "2026-03-17", "1.25", 32))
    assert disallowed(result) == Fraction(45, 4)
    assert "R25" in result.matches[0].rule_ids


def test_a_receipt_is_no_replacement_and_keeps_its_history():
    result = run(
        OLD,
        sell("s", "2026-03-02", 100, 31),
        receive("g", "2026-03-10", 100, 20, holding_start=date(2019, 5, 6)),
    )
    assert disallowed(result) == 0
    assert lots(result, "g") == [(100, 2000, "2019-05-06")]


def test_a_transfer_is_no_acquisition():
    result = run(
        OLD,
        buy("other", "2025-03-03", 100, 40, account="T2"),
        sell("s", "2026-03-02", 100, 31),
        transfer("t", "2026-03-10", 100, "T", account="T2"),
    )
    assert disallowed(result) == 0
    assert lots(result, "other") == [(100, 4000, "2025-03-03")]


def test_transferred_shares_bought_in_the_window_still_are_replacements():
    result = run(
        OLD,
        buy("b", "2026-02-20", 100, 35, account="T2"),
        transfer("t", "2026-02-25", 40, "S", account="T2"),
        sell("s", "2026-03-02", 80, 31),
    )
    assert disallowed(result) == 720
    assert {(lot.account, lot.quantity, lot.basis) for lot in result.open_lots} == {
        ("T", 20, 800),
        ("T2", 60, 60 * 35 + 540),
        ("S", 20, 20 * 35 + 180),
        ("S", 20, 20 * 35),
    }


# --- Who counts (R17, R18, U2, U7, R27) --------------------------------------------------------


def bought_by(account, **switches):
    return run(
        OLD,
        sell("s", "2026-03-02", 100, 31),
        buy("b", "2026-03-10", 100, 32, account=account),
        **switches,
    )


def test_a_spouse_counts_unless_only_the_taxpayer_does():
    result = bought_by("S")
    assert disallowed(result) == 900
    assert lots(result, "b") == [(100, 4100, "2025-02-11")]
    assert result.matches[0].rule_ids == ("R5", "R12", "R13", "R18", "U2", "U3")
    assert disallowed(bought_by("S", spouse=SpousePolicy.TAXPAYER_ONLY)) == 0


def test_a_controlled_corporation_counts_and_raises_nobodys_basis():
    result = bought_by("C", spouse=SpousePolicy.TAXPAYER_ONLY)
    assert disallowed(result) == 900
    assert lots(result, "b") == [(100, 3200, "2026-03-10")]
    assert result.matches[0].rule_ids == ("R5", "R12", "R16", "R18")


def test_a_block_sold_beside_another_lot_leaves_no_purchase_of_the_corporation_out():
    """65 sold at 10 that cost 50, 40 lost on each. The block's 35 take 10, 10 and 15 of the corporation's shares; the
    30 of the other lot take the block's last 5, then 25 of the 35 that the corporation's third purchase has left."""
    result = run(
        buy("f1", "2026-03-02", 10, 50, block="B"),
        buy("f2", "2026-03-02", 10, 50, block="B"),
        buy("f3", "2026-03-02", 20, 50, block="B"),
        buy("g", "2026-03-03", 30, 50),
        buy("x2", "2026-03-04", 10, 40, account="C"),
        buy("x3", "2026-03-04", 10, 40, account="C"),
        buy("x4", "2026-03-05", 50, 8, account="C"),
        sell("s", "2026-03-10", 65, 10, of=[("f1", 10), ("f2", 10), ("f3", 15), ("g", 30)]),
        buy("x5", "2026-03-11", 5, 10, account="C"),
    )
    assert sale(result, "s") == [
        (10, -400, 400), (10, -400, 400), (15, -600, 600), (30, -1200, 1200)
    ]  # fmt: skip
    assert [(match.replacement, match.shares) for match in result.matches] == [
        ("x2", 10), ("x3", 10), ("x4", 15), ("f3", 5), ("x4", 25)
    ]  # fmt: skip
    assert sum(row.permanent for row in result.realized) == 2400
    assert lots(result, "f3") == [(5, 450, "2026-03-02")]  # own date: g is younger


def test_a_corporations_own_loss_looks_at_its_own_purchases():
    entries = (
        buy("a", "2025-01-06", 100, 50, account="C"),
        sell("s", "2026-03-02", 100, 40, account="C"),
    )
    assert disallowed(run(*entries, buy("b", "2026-03-03", 100, 40))) == 0
    own = run(*entries, buy("b", "2026-03-03", 100, 40, account="C"))
    assert lots(own, "b") == [(100, 5000, "2025-01-07")]


def test_a_401k_counts_like_an_ira_unless_switched_off():
    result = bought_by("K")
    assert result.permanently_disallowed == 900
    assert "U7" in result.matches[0].rule_ids
    narrow = TaxDeferredPolicy.IRA_AND_ROTH_ONLY
    assert disallowed(bought_by("K", tax_deferred=narrow)) == 0
    assert bought_by("R", tax_deferred=narrow).permanently_disallowed == 900


def test_a_broker_sees_only_its_own_account_and_security():
    entries = (
        OLD,
        sell("s", "2026-03-02", 100, 31),
        buy("b1", "2026-03-09", 30, 32, account="T2"),
        buy("b2", "2026-03-10", 30, 32, security="N"),
        buy("b3", "2026-03-11", 30, 32),
    )
    assert disallowed(run(*entries, groups=[{"M", "N"}])) == 810
    broker = run(*entries, groups=[{"M", "N"}], scope=Scope.BROKER)
    assert disallowed(broker) == 270
    assert lots(broker, "b3") == [(30, 1230, "2025-02-12")]


# --- Switches U4, U5, U6 -----------------------------------------------------------------------


def test_replacements_already_sold_count_only_under_the_literal_reading():
    entries = (
        OLD,
        buy("b", "2026-02-20", 100, 30),
        sell("g", "2026-02-27", 100, 33, of=[("b", 100)]),
        sell("s", "2026-03-02", 100, 31, of=[("old", 100)]),
    )
    assert disallowed(run(*entries)) == 0
    literal = run(*entries, sold_replacement=SoldReplacementPolicy.LITERAL_ACQUIRED)
    assert disallowed(literal) == 900
    assert sale(literal, "g") == [(100, -600, 0)]  # the loss moved into the sale of the shares
    assert "U4" in literal.matches[0].rule_ids
    assert sum(row.allowed for row in literal.realized) == 300 - 900


def test_a_purchase_after_the_sale_counts_even_if_sold_again():
    result = run(
        OLD,
        sell("s", "2026-03-02", 100, 31),
        buy("b", "2026-03-09", 100, 32),
        sell("s2", "2026-03-10", 100, 45),
    )
    assert disallowed(result) == 900
    assert sale(result, "s2") == [(100, 400, 0)]


def test_an_older_lot_in_the_window_counts_unless_switched_off():
    entries = (
        buy("older", "2026-02-10", 100, 35),
        buy("newer", "2026-02-20", 100, 40),
        sell("s", "2026-03-02", 100, 31, of=[("newer", 100)]),
    )
    result = run(*entries)
    assert lots(result, "older") == [(100, 4400, "2026-02-10")]
    assert "U5" in result.matches[0].rule_ids
    assert disallowed(run(*entries, older_lot=OlderLotPolicy.ONLY_NEWER_THAN_SOLD)) == 0


def test_on_one_date_the_ira_is_taken_first():
    result = run(
        OLD,
        sell("s", "2026-03-02", 100, 31),
        buy("b", "2026-03-10", 100, 32),
        buy("i", "2026-03-10", 60, 32, account="I"),
    )
    assert result.permanently_disallowed == 540
    assert lots(result, "b") == [(40, 1640, "2025-02-11"), (60, 1920, "2026-03-10")]
    assert [("U6" in match.rule_ids) for match in result.matches] == [True, False]


# --- Data (R24) --------------------------------------------------------------------------------


def test_only_listed_securities_are_identical():
    entries = (OLD, sell("s", "2026-03-02", 100, 31), buy("b", "2026-03-10", 100, 9, security="N"))
    assert disallowed(run(*entries)) == 0
    assert disallowed(run(*entries, groups=[["N", "M"]])) == 900


def test_groups_that_overlap_are_one_market():
    groups = merged_groups([{"A", "B"}, {"C", "D"}, {"B", "C"}, {"E"}, set()])
    assert groups == {"A": "A", "B": "A", "C": "A", "D": "A", "E": "E"}


def test_securities_of_one_market_that_no_group_holds_together_are_not_identical():
    """N is said to be distinct from M, though both are identical to L (docs/adr/0011)."""
    entries = (
        OLD,
        sell("s", "2026-03-02", 100, 31),
        buy("n", "2026-03-09", 40, 9, security="N"),
        buy("l", "2026-03-10", 30, 9, security="L"),
    )
    assert disallowed(run(*entries, groups=[["M", "L"], ["L", "N"]])) == 270
    assert disallowed(run(*entries, groups=[["M", "L", "N"]])) == 630


def belonging(*, since=None, until=None):
    """N belongs with M from a day to a day; either may be missing."""
    dates = [None if text is None else date.fromisoformat(text) for text in (since, until)]
    return DatedGroup((Membership("M"), Membership("N", *dates)))


@pytest.mark.parametrize(
    ("group", "lost"),
    [
        (belonging(), 900),
        (belonging(since="2026-03-10"), 900),  # both belong on the day of the purchase
        (belonging(since="2026-03-11"), 0),
        (belonging(until="2026-03-02"), 900),  # both belong on the day of the sale
        (belonging(until="2026-03-01"), 0),
        (belonging(since="2026-03-03", until="2026-03-09"), 0),  # only between the two
    ],
)
def test_members_of_a_dated_group_match_if_they_belong_at_the_sale_or_at_the_purchase(group, lost):
    bought = buy("b", "2026-03-10", 100, 9, security="N")
    result = run(OLD, sell("s", "2026-03-02", 100, 31), bought, groups=[group])
    assert disallowed(result) == lost


def test_a_purchase_before_the_sale_counts_by_the_same_two_days():
    entries = (
        OLD,
        buy("b", "2026-02-20", 100, 9, security="N"),
        sell("s", "2026-03-02", 100, 31),
    )
    assert disallowed(run(*entries, groups=[belonging(until="2026-02-20")])) == 900
    assert disallowed(run(*entries, groups=[belonging(until="2026-02-19")])) == 0
    assert disallowed(run(*entries, groups=[belonging(since="2026-03-02")])) == 900
    assert disallowed(run(*entries, groups=[belonging(since="2026-03-03")])) == 0


# --- Contracts (R26) ---------------------------------------------------------------------------

CALL = {"security": "C", "multiplier": Decimal(100)}


def test_a_contract_replaces_the_shares_it_covers():
    result = run(
        buy("old", "2025-02-03", 250, 40),
        sell("s", "2026-03-02", 250, 31),
        buy("c", "2026-03-10", 3, 200, **CALL),
        groups=[{"M", "C"}],
    )
    assert sale(result, "s") == [(250, -2250, 2250)]
    assert lots(result, "c") == [
        (Fraction(5, 2), 2750, "2025-02-11"),
        (Fraction(1, 2), 100, "2026-03-10"),
    ]
    (match,) = result.matches
    assert (match.shares, match.rule_ids) == (
        250,
        ("R5", "R12", "R13", "R24", "R26", "U3", "U8"),
    )


def test_a_contract_sold_at_a_loss_is_replaced_share_by_share():
    result = run(
        buy("c", "2025-12-01", 2, 900, **CALL),
        sell("s", "2026-03-02", 1, 750, **CALL),
        buy("b", "2026-03-10", 40, 31),
        groups=[{"M", "C"}],
    )
    assert sale(result, "s") == [(1, -150, 60)]
    assert lots(result, "b") == [(40, 1300, "2025-12-09")]
    assert [match.shares for match in result.matches] == [40]


@pytest.mark.parametrize("kind", [EntryKind.WORTHLESS, EntryKind.CASH_MERGER])
@pytest.mark.parametrize("told", [{}, {"multiplier": Decimal(100)}], ids=["not told", "told"])
def test_contracts_that_end_at_a_loss_are_replaced_share_by_share(kind, told):
    """2 contracts on 200 shares, 10,000 lost: 50 a share, on 30 shares 1,500."""
    result = run(
        buy("c", "2026-12-01", 2, 5000, **CALL),
        trade(kind, "end", "2026-12-31", 2, 0, security="C", **told),
        buy("b", "2027-01-05", 30, 10),
        groups=[{"M", "C"}],
    )
    assert sale(result, "end") == [(2, -10000, 1500)]
    (match,) = result.matches
    assert (match.shares, match.amount) == (30, 1500)
    assert "R26" in match.rule_ids


def test_what_changes_the_shares_a_contract_covers_is_refused_whatever_it_says_itself():
    merger = trade(EntryKind.MERGE, "m", "2026-12-31", 1, 0, security="C", to_security="D")
    with pytest.raises(Unsupported, match="a merge of contracts changes what they cover"):
        run(buy("c", "2026-12-01", 2, 5000, **CALL), merger)


def test_the_same_security_under_a_new_symbol_is_no_other_security():
    """No rule on identical securities decided the match, and none on unequal prices."""
    result = run(
        OLD,
        sell("s", "2026-03-02", 100, 31),
        trade(EntryKind.RENAME, "r", "2026-03-05", 1, 0, to_security="N"),
        buy("b", "2026-03-10", 100, 32, security="N"),
    )
    (match,) = result.matches
    assert match.amount == 900
    assert match.rule_ids == ("R5", "R12", "R13", "U3")


def test_a_contract_covers_the_same_shares_in_every_trade():
    with pytest.raises(BadEntry, match="covers 10 shares here and 100 in entry c") as refusal:
        run(
            buy("c", "2025-12-01", 2, 900, **CALL),
            buy("d", "2025-12-02", 2, 900, security="C", multiplier=Decimal(10)),
        )
    assert refusal.value.entry == "d"
    for odd in (Decimal(0), Decimal("NaN")):
        with pytest.raises(BadEntry, match="multiplier"):
            run(buy("c", "2025-12-01", 2, 900, security="C", multiplier=odd))
