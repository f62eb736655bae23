"""Laws that hold for every history: conservation, uniqueness, and that every match is one the law knows."""

from collections import defaultdict
from datetime import timedelta
from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from lots.holding_period import term
from lots.replay import replay
from lots.types import (
    EntryKind,
    LedgerEntry,
    Policy,
    Relief,
    ReplayResult,
    Scope,
    SoldReplacementPolicy,
    TackingPolicy,
    Term,
    Treatment,
)
from tests.lots.handfuls import is_long, one_order
from tests.lots.histories import ACTIONS, CASH_IN_LIEU, busy_history, histories
from tests.lots.household import ACCOUNTS, GROUPS

ACQUIRING = (EntryKind.BUY, EntryKind.REINVEST, EntryKind.VEST, EntryKind.OPENING)
BRINGING = (*ACQUIRING, EntryKind.RECEIVE, EntryKind.GIFT, EntryKind.INHERIT)
PAYING = (
    EntryKind.SELL, EntryKind.SPLIT, EntryKind.MERGE, EntryKind.SPIN_OFF, EntryKind.CASH_MERGER,
    EntryKind.RETURN_OF_CAPITAL,
)  # fmt: skip
LEAVING = (EntryKind.SELL, EntryKind.TRANSFER, EntryKind.GIVE)
TAXABLE = {account.id for account in ACCOUNTS if account.kind.is_taxable}


def drawn(*without: str) -> st.SearchStrategy[list[LedgerEntry]]:
    """Half drawn (they shrink well), half dense in wash sales (they find more)."""
    busy = st.integers(0, 10**6).map(lambda seed: busy_history(seed, longest=30, without=without))
    return st.one_of(histories(without=without), busy)


any_history = drawn()
trades = drawn(*ACTIONS)
lawful = settings(max_examples=100, deadline=None, derandomize=True, database=None)
any_policy = st.builds(
    Policy,
    tacking=st.sampled_from(TackingPolicy),
    sold_replacement=st.sampled_from(SoldReplacementPolicy),
)


def run(entries: list[LedgerEntry], policy: Policy = Policy()) -> ReplayResult:  # noqa: B008
    return replay(entries, ACCOUNTS, GROUPS, policy)


def units_after(entries: list[LedgerEntry], security: str | None, entry: LedgerEntry) -> Fraction:
    """Shares at the end that one share at the time of ``entry`` has become."""
    product, told = Fraction(1), set()
    for place, split in enumerate(entries):
        if split.kind is EntryKind.SPLIT and split.security == security:
            first = split.trade_date not in told  # several accounts tell of one split
            told.add(split.trade_date)
            if first and place > entries.index(entry):
                ratio = Fraction(split.quantity)
                product *= Fraction(1, 3) if ratio < Fraction(2, 5) else ratio
    return product


def carried_in(entry: LedgerEntry) -> Fraction:
    """Basis that comes with the shares."""
    return Fraction(entry.amount) + Fraction(entry.fee)


@lawful
@given(drawn("give", "gift"), any_policy)
def test_h1_nothing_vanishes_at_any_prefix(entries, policy):
    """Without shares given away, whose basis leaves, and gifts below basis, whose loss is nobody's."""
    for length in range(len(entries) + 1):
        prefix = entries[:length]
        result = run(prefix, policy)
        booked = [e for e in prefix if e.account in TAXABLE]
        proceeds = sum(Fraction(e.amount - e.fee) for e in booked if e.kind in PAYING)
        cost = sum(carried_in(e) for e in booked if e.kind in BRINGING)
        left = sum(lot.basis for lot in result.open_lots if lot.account in TAXABLE)
        allowed = sum(row.allowed for row in result.realized)
        assert allowed == proceeds - cost + left + result.permanently_disallowed


@lawful
@given(any_history, any_policy)
def test_h2_only_losses_are_disallowed_and_never_more_than_the_loss(entries, policy):
    for row in run(entries, policy).realized:
        assert row.gain == row.proceeds - row.basis
        assert row.allowed == row.gain + row.disallowed
        assert 0 <= row.permanent <= row.disallowed <= max(Fraction(0), -row.gain)


@lawful
@given(any_history)
def test_h3_every_disallowed_dollar_is_in_a_basis_or_gone_for_ever(entries):
    result = run(entries)
    raised = sum(m.amount for m in result.matches if m.treatment is Treatment.DEFERRED)
    disallowed = sum(row.disallowed for row in result.realized)
    assert disallowed == raised + result.permanently_disallowed


@lawful
@given(drawn("give", "gift"), any_policy)
def test_h3_a_retirement_account_keeps_cost_and_dates(entries, policy):
    """R16: whatever it washes, its shares cost what they cost and began when they began."""
    result = run(entries, policy)
    by_id = {entry.id: entry for entry in entries}
    for account in {account.id for account in ACCOUNTS} - TAXABLE:
        booked = [e for e in entries if e.account == account]
        cost = sum(carried_in(e) for e in booked if e.kind in BRINGING)
        paid = sum(Fraction(e.amount - e.fee) for e in booked if e.kind in PAYING)
        left = sum(lot.basis for lot in result.open_lots if lot.account == account)
        gain = sum(r.gain for r in result.retirement_disposals if r.account == account)
        assert gain == paid - cost + left
        for lot in result.open_lots:
            if lot.account == account:
                assert lot.holding_start == (by_id[lot.opening].holding_start or lot.acquired)


@lawful
@given(trades, any_policy)
def test_h4_no_share_serves_twice(entries, policy):
    result = run(entries, policy)
    by_id = {entry.id: entry for entry in entries}
    used: dict[str, Fraction] = defaultdict(Fraction)
    washed: dict[tuple[str, str, int], Fraction] = defaultdict(Fraction)
    for match in result.matches:
        replacement = by_id[match.replacement]
        at_sale = units_after(entries, replacement.security, by_id[match.sale])
        used[match.replacement] += match.shares * at_sale
        washed[match.sale, match.sold_lot, match.sold_part] += match.shares
    for id_, shares in used.items():
        entry = by_id[id_]
        assert shares <= Fraction(entry.quantity) * units_after(entries, entry.security, entry)
    sold = {(row.sale, row.lot, row.part): row.quantity for row in result.realized}
    assert all(shares <= sold[key] for key, shares in washed.items())


@lawful
@given(trades, any_policy)
def test_h5_every_match_is_one_the_law_knows(entries, policy):
    by_id = {entry.id: entry for entry in entries}
    for match in run(entries, policy).matches:
        sold, bought = by_id[match.sale], by_id[match.replacement]
        opened = by_id[match.sold_lot]
        acquired = bought.acquired or bought.trade_date
        assert abs(acquired - sold.trade_date) <= timedelta(days=30)
        assert bought.kind in ACQUIRING
        assert bought.security == sold.security or {bought.security, sold.security} <= GROUPS[0]
        assert not one_order(bought, opened)
        assert match.shares > 0
        assert match.amount > 0


@lawful
@given(any_history)
def test_h6_no_earlier_share_is_passed_over(entries):
    """Replacements of one row come in the order of acquisition, and only the last is left in part."""
    result = run(entries)
    by_id = {entry.id: entry for entry in entries}
    order: dict[tuple[str, str, int], list[LedgerEntry]] = defaultdict(list)
    for match in result.matches:
        order[match.sale, match.sold_lot, match.sold_part].append(by_id[match.replacement])
    for chosen in order.values():
        places = [
            (e.acquired or e.trade_date, e.account in TAXABLE, entries.index(e)) for e in chosen
        ]
        assert places == sorted(places)


@lawful
@given(trades, any_policy)
def test_h7_share_counts_tie(entries, policy):
    """Also reliability's I1 and I2: what came, less what went, is what is there, and none of it is below zero."""
    result = run(entries, policy)
    counted: dict[tuple[str, str | None], Fraction] = defaultdict(Fraction)
    for entry in entries:
        shares = Fraction(entry.quantity) * units_after(entries, entry.security, entry)
        if entry.kind in BRINGING:
            counted[entry.account, entry.security] += shares
        elif entry.kind in LEAVING:
            counted[entry.account, entry.security] -= shares
        if entry.to_account is not None:
            counted[entry.to_account, entry.security] += shares
    by_id = {entry.id: entry for entry in entries}
    for row in (*result.realized, *result.retirement_disposals):
        if by_id[row.sale].kind is EntryKind.SPLIT:  # cash in lieu of a fraction
            units = units_after(entries, row.security, by_id[row.sale])
            counted[row.account, row.security] -= row.quantity * units
    held: dict[tuple[str, str | None], Fraction] = defaultdict(Fraction)
    for lot in result.open_lots:
        assert lot.quantity > 0
        assert lot.basis >= 0
        held[lot.account, lot.security] += lot.quantity
    assert {key: shares for key, shares in counted.items() if shares} == dict(held)


@lawful
@given(any_history)
def test_h8_holding_periods_start_in_time_and_decide_the_term(entries):
    by_id = {entry.id: entry for entry in entries}
    for method in TackingPolicy:
        result = run(entries, Policy(tacking=method))
        for row in result.realized:
            assert row.acquired <= row.trade_date
            if by_id[row.lot].kind is not EntryKind.GIFT:  # its loss counts from the gift
                assert row.holding_start <= row.acquired
            if by_id[row.lot].kind is EntryKind.INHERIT:
                assert row.term is Term.LONG
                continue
            assert row.term is term(row.holding_start, row.trade_date)
            assert (row.term is Term.LONG) is is_long(row.holding_start, row.trade_date)
        assert all(lot.holding_start <= lot.acquired for lot in result.open_lots)


@lawful
@given(drawn(Relief.LOWEST_TAX))
def test_h8_methods_of_tacking_change_dates_alone(entries):
    """Unless the lots themselves are chosen by their term, as for the lowest tax."""
    union, by_sum, by_date = (
        run(entries, Policy(tacking=method))
        for method in (TackingPolicy.UNION, TackingPolicy.SUM, TackingPolicy.DATE)
    )
    for result in (by_sum, by_date):
        assert [m.amount for m in result.matches] == [m.amount for m in union.matches]
        assert [row.basis for row in result.realized] == [row.basis for row in union.realized]


@lawful
@given(drawn("transfer", CASH_IN_LIEU, *ACTIONS))
def test_h12_with_one_account_the_broker_sees_what_the_household_does(entries):
    alone = [e for e in entries if e.account == "joint" or e.kind is EntryKind.SPLIT]
    household = replay(alone, ACCOUNTS, [])
    broker = replay(alone, ACCOUNTS, [], Policy(scope=Scope.BROKER))
    assert broker.realized == household.realized
    assert broker.open_lots == household.open_lots


@lawful
@given(any_history, any_policy)
def test_h17_every_match_cites_its_rules_and_rows_sum_their_matches(entries, policy):
    result = run(entries, policy)
    amounts: dict[tuple[str, str, int], Fraction] = defaultdict(Fraction)
    for match in result.matches:
        assert match.rule_ids[0] == "R5"
        assert match.rule_ids[1] in ("R11", "R12")
        permanent = match.treatment is Treatment.PERMANENT
        assert match.rule_ids[2] == ("R16" if permanent else "R13")
        amounts[match.sale, match.sold_lot, match.sold_part] += match.amount
    for row in result.realized:
        assert amounts[row.sale, row.lot, row.part] == row.disallowed
