"""Laws that hold for every history: conservation, uniqueness, scaling, independence of order and names."""

from collections import defaultdict
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from lots.holding_period import term
from lots.replay import replay
from lots.types import (
    EntryKind,
    LedgerAccount,
    LedgerEntry,
    Policy,
    ReplayResult,
    Scope,
    SoldReplacementPolicy,
    TackingPolicy,
    Treatment,
)
from tests.lots.histories import ACCOUNTS, GROUPS, busy_history, histories
from tests.lots.oracle import one_order

ACQUIRING = (EntryKind.BUY, EntryKind.REINVEST)
TAXABLE = {account.id for account in ACCOUNTS if account.kind.is_taxable}

# Half drawn (they shrink well), half dense in wash sales (they find more).
any_history = st.one_of(histories(), st.integers(0, 10**6).map(busy_history))
lawful = settings(max_examples=60, deadline=None, derandomize=True, database=None)
any_policy = st.builds(
    Policy,
    tacking=st.sampled_from(TackingPolicy),
    sold_replacement=st.sampled_from(SoldReplacementPolicy),
)


def run(entries: list[LedgerEntry], policy: Policy = Policy()) -> ReplayResult:  # noqa: B008
    return replay(entries, ACCOUNTS, GROUPS, policy)


def units_after(entries: list[LedgerEntry], security: str | None, entry: LedgerEntry) -> Fraction:
    """Shares at the end that one share at the time of ``entry`` has become."""
    later = entries[entries.index(entry) + 1 :]
    ratios = [e.quantity for e in later if e.kind is EntryKind.SPLIT and e.security == security]
    return Fraction(ratios[0]) if ratios else Fraction(1)


@lawful
@given(any_history, any_policy)
def test_h1_nothing_vanishes_at_any_prefix(entries, policy):
    for length in range(len(entries) + 1):
        prefix = entries[:length]
        result = run(prefix, policy)
        booked = [e for e in prefix if e.account in TAXABLE]
        proceeds = sum(Fraction(e.amount - e.fee) for e in booked if e.kind is EntryKind.SELL)
        cost = sum(Fraction(e.amount + e.fee) for e in booked if e.kind in ACQUIRING)
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
    by_id = {entry.id: entry for entry in entries}
    raised = sum(m.amount for m in result.matches if m.treatment is Treatment.DEFERRED)
    disallowed = sum(row.disallowed for row in result.realized)
    assert disallowed == raised + result.permanently_disallowed
    for lot in result.open_lots:
        if lot.account in TAXABLE:
            continue
        entry = by_id[lot.opening]
        bought = Fraction(entry.quantity) * units_after(entries, entry.security, entry)
        assert lot.basis == Fraction(entry.amount + entry.fee) * lot.quantity / bought
        assert lot.holding_start == lot.acquired


@lawful
@given(any_history, any_policy)
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
@given(any_history, any_policy)
def test_h5_every_match_is_one_the_law_knows(entries, policy):
    by_id = {entry.id: entry for entry in entries}
    for match in run(entries, policy).matches:
        sold, bought = by_id[match.sale], by_id[match.replacement]
        opened = by_id[match.sold_lot]
        assert abs(bought.trade_date - sold.trade_date) <= timedelta(days=30)
        assert bought.kind in ACQUIRING
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
        places = [(e.trade_date, e.account in TAXABLE, entries.index(e)) for e in chosen]
        assert places == sorted(places)


@lawful
@given(any_history, any_policy)
def test_h7_share_counts_tie(entries, policy):
    result = run(entries, policy)
    counted: dict[tuple[str, str | None], Fraction] = defaultdict(Fraction)
    for entry in entries:
        sign = {EntryKind.SELL: -1, EntryKind.SPLIT: 0}.get(entry.kind, 1)
        units = units_after(entries, entry.security, entry)
        counted[entry.account, entry.security] += sign * Fraction(entry.quantity) * units
    held: dict[tuple[str, str | None], Fraction] = defaultdict(Fraction)
    for lot in result.open_lots:
        assert lot.quantity > 0
        held[lot.account, lot.security] += lot.quantity
    assert {k: v for k, v in counted.items() if v} == dict(held)


@lawful
@given(any_history)
def test_h8_holding_periods_start_in_time(entries):
    by_method = {method: run(entries, Policy(tacking=method)) for method in TackingPolicy}
    for result in by_method.values():
        for row in result.realized:
            assert row.holding_start <= row.acquired <= row.trade_date
            assert row.term is term(row.holding_start, row.trade_date)
        assert all(lot.holding_start <= lot.acquired for lot in result.open_lots)
    # The same shares whatever the method: only dates differ, and UNION is the latest of the first match.
    union = by_method[TackingPolicy.UNION]
    for result in by_method.values():
        assert [m.amount for m in result.matches] == [m.amount for m in union.matches]


@lawful
@given(any_history, st.data())
def test_h9_a_new_trade_leaves_sales_older_than_its_window_alone(entries, data):
    assume(entries)
    added = data.draw(st.sampled_from(entries))
    extra = replace(added, id="new", kind=EntryKind.BUY, quantity=Decimal(2), picks=(), block=None)
    place = entries.index(added)
    before = run(entries)
    after = run([*entries[: place + 1], extra, *entries[place + 1 :]])
    safe = extra.trade_date - timedelta(days=30)
    assert [row for row in before.realized if row.trade_date < safe] == [
        row for row in after.realized if row.trade_date < safe
    ]


@lawful
@given(any_history, st.randoms(use_true_random=False))
def test_h10_order_across_dates_and_names_of_accounts_mean_nothing(entries, rng):
    days = sorted({entry.trade_date for entry in entries})
    rng.shuffle(days)
    shuffled = [entry for day in days for entry in entries if entry.trade_date == day]
    assert run(shuffled) == run(entries)
    names = {account.id: f"{9 - index} renamed" for index, account in enumerate(ACCOUNTS)}
    renamed = replay(
        [replace(entry, account=names[entry.account]) for entry in entries],
        [LedgerAccount(names[a.id], a.kind, a.owner, a.owner_kind) for a in ACCOUNTS],
        GROUPS,
    )
    plain = run(entries)
    assert [replace(row, account=names[row.account]) for row in plain.realized] == list(
        renamed.realized
    )
    assert {replace(lot, account=names[lot.account]) for lot in plain.open_lots} == set(
        renamed.open_lots
    )


@lawful
@given(any_history, st.sampled_from([Decimal(3), Decimal("0.7"), Decimal(1000)]))
def test_h11_scaling_money_or_shares_scales_the_result(entries, k):
    plain = run(entries)
    dearer = run([replace(e, amount=e.amount * k, fee=e.fee * k) for e in entries])
    larger = run(
        [
            e
            if e.kind is EntryKind.SPLIT
            else replace(e, quantity=e.quantity * k, amount=e.amount * k, fee=e.fee * k)
            for e in entries
        ]
    )
    factor = Fraction(k)
    for row, money, shares in zip(plain.realized, dearer.realized, larger.realized, strict=True):
        expected = replace(
            row,
            proceeds=row.proceeds * factor,
            basis=row.basis * factor,
            disallowed=row.disallowed * factor,
            permanent=row.permanent * factor,
        )
        assert money == expected
        assert shares == replace(expected, quantity=row.quantity * factor)
    scaled = [replace(lot, basis=lot.basis * factor) for lot in plain.open_lots]
    assert list(dearer.open_lots) == scaled


@lawful
@given(any_history)
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
