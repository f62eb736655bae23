"""Whatever a household has traded, a harvest makes no wash sale: asked of the tax engine, in any order of filling."""

import random
from datetime import timedelta
from decimal import Decimal

import pytest

from accounts.types import AccountKind
from harvesting import drafts, finder, lookback
from harvesting.types import HarvestRules, Outcome, Plan
from lots.replay import replay
from lots.rounding import stored_money, stored_shares
from lots.types import EntryKind, Ledger, LedgerAccount, LedgerEntry, LotPick, LotRow, Policy
from proposals.compliance import entries_of, washed_by
from tests.harvesting.books import (
    AAA,
    BBB,
    CCC,
    DDD,
    EEE,
    IRA,
    SPOUSE,
    TAXABLE,
    TODAY,
    around,
    book,
    position,
)

OWNERS = (
    LedgerAccount(str(TAXABLE), AccountKind.TAXABLE, "Ann"),
    LedgerAccount(str(SPOUSE), AccountKind.TAXABLE, "Bob"),
    LedgerAccount(str(IRA), AccountKind.TRADITIONAL_IRA, "Ann"),
)
TWINS = (frozenset({AAA, EEE}),)
TRADED = (AAA, BBB, EEE)


def random_ledger(seed: int) -> Ledger:
    """A few dozen purchases, reinvestments and sales of the last two years, many of the last weeks."""
    chance = random.Random(seed)
    entries: list[LedgerEntry] = []
    held: dict[tuple[int, int], Decimal] = {}
    days = sorted(
        (chance.choice([chance.randint(0, 45), chance.randint(0, 700)]) for _ in range(14)),
        reverse=True,
    )
    for number, ago in enumerate(days, start=1):
        # Retirement purchases are rare: one of them blocks a security for everybody.
        account = chance.choices([TAXABLE, SPOUSE, IRA], [6, 4, 1])[0]
        security = chance.choice(TRADED)
        kind = chance.choices([EntryKind.BUY, EntryKind.SELL, EntryKind.REINVEST], [6, 4, 1])[0]
        here = held.get((account, security), Decimal(0))
        quantity = Decimal(chance.randint(1, 80))
        if kind is EntryKind.REINVEST:
            quantity = Decimal(chance.randint(1, 99)) / 100
        if kind is EntryKind.SELL:
            quantity = min(quantity, here)
        if not quantity:
            continue
        held[account, security] = here + (-quantity if kind is EntryKind.SELL else quantity)
        entries.append(
            LedgerEntry(
                id=str(number),
                trade_date=TODAY - timedelta(days=ago),
                account=str(account),
                kind=kind,
                security=str(security),
                quantity=quantity,
                amount=quantity * chance.randint(60, 130),
                block=chance.choice([None, None, f"order {ago // 3}"]),
            )
        )
    groups = tuple(frozenset(map(str, group)) for group in TWINS)
    return Ledger(tuple(entries), OWNERS, groups, Policy())


def harvest(ledger: Ledger) -> Plan:
    """The plan of the finder alone: nothing here asks the engine whether it is clean."""
    result = replay(ledger.entries, ledger.accounts, ledger.groups, ledger.policy)
    lots = tuple(
        LotRow(
            opening=int(one.opening),
            part=one.part,
            account=int(one.account),
            security=int(one.security),
            acquired=one.acquired,
            holding_start=one.holding_start,
            quantity=stored_shares(one.quantity),
            basis=stored_money(one.basis),
        )
        for one in result.open_lots
    )
    entries = {entry.id: entry for entry in ledger.entries}
    the_book = book(*lots, rules=HarvestRules(minimum_loss=Decimal(10), minimum_benefit=Decimal(1)))
    passed, screened = finder.screen(the_book)
    purchases = lookback.purchases_held(
        as_of=TODAY,
        lots=lots,
        entries=entries,
        spent=lookback.spent_parts(result.matches),
    )
    surroundings = around(
        *purchases,
        groups=TWINS,
        tax=position(short="20000"),
        substitutes=dict.fromkeys(TRADED, (CCC, DDD)),
        blocks={one.opening: lookback.order_of(entries[str(one.opening)]) for one in lots},
    )
    plan = finder.find(the_book, passed, surroundings)
    taxable_losses = {
        (one.opening, one.part)
        for one in lots
        if one.account != IRA and one.quantity * the_book.prices[one.security].price < one.basis
    }
    told = {(one.opening, one.part) for one in (*screened, *plan.findings)}
    assert taxable_losses - told == set(), "every loss lot has a verdict"
    return plan


@pytest.mark.parametrize("block", range(5))
def test_a_harvest_disallows_nothing_in_whatever_order_it_is_filled(block):
    taken = blocked = 0
    for seed in range(block * 40, block * 40 + 40):
        ledger = random_ledger(seed)
        plan = harvest(ledger)
        taken += len(plan.candidates)
        blocked += sum(one.outcome is Outcome.RECENT_PURCHASE for one in plan.findings)
        if not plan.candidates:
            continue
        intended = entries_of(drafts.trades_of(plan), TODAY)
        assert washed_by(ledger, intended) == (), f"seed {seed}"
        assert washed_by(ledger, intended[::-1]) == (), f"seed {seed}, filled backwards"
    assert taken > 10, "the households must have something to harvest"
    assert blocked > 10, "and something that must not be harvested"


def test_what_the_lookback_blocks_the_engine_would_disallow():
    """Selling one blocked lot alone is a wash sale: the quick answer is not over-careful, lot by lot."""
    checked = 0
    for seed in range(60):
        ledger = random_ledger(seed)
        for finding in harvest(ledger).findings:
            if finding.outcome is not Outcome.RECENT_PURCHASE:
                continue
            alone = LedgerEntry(
                id="alone",
                trade_date=TODAY,
                account=str(finding.account),
                kind=EntryKind.SELL,
                security=str(finding.security),
                quantity=finding.quantity,
                amount=finding.quantity * (50 if finding.security == EEE else 80),
                picks=(LotPick(str(finding.opening), finding.quantity, finding.part),),
            )
            assert washed_by(ledger, [alone]) != (), f"seed {seed}: {finding.detail}"
            checked += 1
    assert checked > 20
