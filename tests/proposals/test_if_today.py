"""The windows and the tax engine look at the same facts (T36): random households, both asked, both ways."""

import random
from datetime import date, timedelta
from decimal import Decimal

import pytest

from accounts.types import AccountKind
from lots.engine.entry_checks import PURCHASES
from lots.replay import replay
from lots.rounding import stored_money, stored_shares
from lots.types import EntryKind, Ledger, LedgerAccount, LedgerEntry, LotRow, Policy, ReplayResult
from proposals.compliance import coming_entries, with_entries
from proposals.if_today import Desk
from proposals.types import ComingPurchase, Windows
from proposals.windows import LossSale, Purchase, windows_on

TODAY = date(2022, 12, 28)
ANN, BOB, IRA = 1, 2, 3
AAA, BBB, EEE = 11, 12, 15
TWINS = (frozenset({AAA, EEE}),)
PRICES = {AAA: Decimal(80), BBB: Decimal(80), EEE: Decimal(50)}
OWNERS = (
    LedgerAccount(str(ANN), AccountKind.TAXABLE, "Ann"),
    LedgerAccount(str(BOB), AccountKind.TAXABLE, "Bob"),
    LedgerAccount(str(IRA), AccountKind.TRADITIONAL_IRA, "Ann"),
)


def days_ago(days: int) -> date:
    return TODAY - timedelta(days=days)


def entry(
    number: int, ago: int, kind: EntryKind, quantity: str, price: int = 100, **changes: object
):
    given = {"account": ANN, "security": AAA, **changes}
    shares = Decimal(quantity)
    return LedgerEntry(
        id=str(number),
        trade_date=days_ago(ago),
        account=str(given["account"]),
        kind=kind,
        security=str(given["security"]),
        quantity=shares,
        amount=shares * price,
    )


def ledger_of(*entries: LedgerEntry) -> Ledger:
    groups = tuple(frozenset(map(str, group)) for group in TWINS)
    return Ledger(tuple(entries), OWNERS, groups, Policy())


def random_ledger(chance: random.Random) -> Ledger:
    entries: list[LedgerEntry] = []
    held: dict[tuple[int, int], Decimal] = {}
    ago = sorted(
        (chance.choice([chance.randint(0, 40), chance.randint(0, 500)]) for _ in range(14)),
        reverse=True,
    )
    for number, days in enumerate(ago, start=1):
        account = chance.choices([ANN, BOB, IRA], [6, 3, 1])[0]
        security = chance.choice([AAA, BBB, EEE])
        kind = chance.choices([EntryKind.BUY, EntryKind.SELL, EntryKind.REINVEST], [6, 4, 1])[0]
        quantity = Decimal(chance.randint(1, 60))
        if kind is EntryKind.SELL:
            quantity = min(quantity, held.get((account, security), Decimal(0)))
        if quantity:
            change = -quantity if kind is EntryKind.SELL else quantity
            held[account, security] = held.get((account, security), Decimal(0)) + change
            price = chance.randint(55, 130)
            entries.append(
                entry(number, days, kind, str(quantity), price, account=account, security=security)
            )
    return ledger_of(*entries)


def random_coming(chance: random.Random) -> list[ComingPurchase]:
    return [
        ComingPurchase(
            security=chance.choice([AAA, BBB, EEE]),
            account=chance.choice([ANN, BOB, IRA]),
            day=TODAY + timedelta(days=chance.randint(1, 80)),
            shares=Decimal(chance.randint(1, 9)),
            price=Decimal(80),
            cause="a plan",
            is_reinvestment=False,
            retirement=False,
        )
        for _ in range(chance.randint(0, 2))
    ]


def open_lots(result: ReplayResult) -> list[LotRow]:
    return [
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
    ]


def found_windows(ledger: Ledger, coming: list[ComingPurchase]) -> tuple[Windows, list[LotRow]]:
    """From the same facts as the selector takes: losses sold, and purchases as far as they are still held."""
    result = replay(ledger.entries, ledger.accounts, ledger.groups, ledger.policy)
    lots = open_lots(result)
    kinds = {int(one.id): one.kind for one in ledger.entries}
    return (
        windows_on(
            TODAY,
            loss_sales=[
                LossSale(int(row.security), row.trade_date, stored_shares(row.quantity), "sold")
                for row in result.realized
                if row.proceeds < row.basis and int(row.account) != IRA
            ],
            purchases=[
                Purchase(lot.security, lot.acquired, lot.quantity, "bought", lot.account == IRA)
                for lot in lots
                if kinds[lot.opening] in PURCHASES
            ],
            coming=coming,
            groups=TWINS,
        ),
        lots,
    )


@pytest.mark.parametrize("block", range(4))
def test_what_the_engine_washes_is_blocked_and_from_the_clear_day_on_it_washes_nothing(block):
    """T36, T31, T19: one function owns the window, whoever asks, before the trade and after it."""
    washed_sales = washed_buys = cleared = 0
    for seed in range(block * 30, block * 30 + 30):
        chance = random.Random(seed)
        ledger, coming = random_ledger(chance), random_coming(chance)
        windows, lots = found_windows(ledger, coming)
        ahead = with_entries(ledger, coming_entries(coming))
        today = Desk(ahead, as_of=TODAY, prices=PRICES)
        positions: dict[tuple[int, int], list[LotRow]] = {}
        for lot in lots:
            if lot.account != IRA:
                positions.setdefault((lot.account, lot.security), []).append(lot)
        for (_, security), position in positions.items():
            answer = today.if_sold(position)
            if answer is None:
                continue
            said = windows.sell_blocked.get(security)
            if answer.deferred or answer.permanent:
                washed_sales += 1
                assert said is not None, f"seed {seed}: {answer}"
            if said is not None:
                later = Desk(ahead, as_of=said.clear_on, prices=PRICES).if_sold(position)
                assert later is not None
                assert later.deferred + later.permanent == 0, f"seed {seed}: {said} {later}"
                cleared += 1
        for security in PRICES:
            bought = today.if_bought(account=ANN, security=security)
            block_of = windows.buy_blocked.get(security)
            if bought.washed:
                washed_buys += 1
                assert block_of is not None, f"seed {seed}: {bought}"
            if block_of is not None:
                clear = Desk(ahead, as_of=block_of.clear_on, prices=PRICES)
                assert clear.if_bought(account=ANN, security=security).washed == ()
    assert washed_sales > 10
    assert washed_buys > 2
    assert cleared > 20


def if_sold(*entries: LedgerEntry, account: int = ANN, security: int = AAA):
    ledger = ledger_of(*entries)
    result = replay(ledger.entries, ledger.accounts, ledger.groups, ledger.policy)
    position = [
        lot for lot in open_lots(result) if (lot.account, lot.security) == (account, security)
    ]
    return Desk(ledger, as_of=TODAY, prices=PRICES).if_sold(position)


OLDER = entry(1, 300, EntryKind.BUY, "100")


@pytest.mark.parametrize(("ago", "deferred"), [(30, "400.00"), (31, "0.00")])
def test_a_purchase_on_day_30_before_the_sale_counts_and_one_on_day_31_does_not(ago, deferred):
    """T19, T31: 20 shares bought elsewhere defer 20 shares' loss of $20."""
    answer = if_sold(OLDER, entry(2, ago, EntryKind.BUY, "20", account=BOB))
    assert answer.deferred == Decimal(deferred)
    assert answer.washed_shares == (20 if ago == 30 else 0)


def test_the_purchase_of_an_ira_takes_the_loss_away_for_ever():
    """T10."""
    answer = if_sold(OLDER, entry(2, 10, EntryKind.BUY, "20", account=IRA))
    assert (answer.deferred, answer.permanent) == (Decimal("0.00"), Decimal("400.00"))


def test_selling_everything_together_washes_nothing():
    """T21: the dip buyer holds 20 young shares above water; sold along, they replace nothing."""
    answer = if_sold(OLDER, entry(2, 10, EntryKind.BUY, "20", 70))
    assert answer.shares == 100
    assert answer.deferred == Decimal("400.00")
    assert answer.whole_is_clean
    assert answer.held == 120


def test_a_full_liquidation_with_a_purchase_elsewhere_is_washed_all_the_same():
    """T7: nothing bypasses the check."""
    answer = if_sold(OLDER, entry(2, 10, EntryKind.BUY, "20", account=BOB, security=EEE))
    assert answer.deferred == Decimal("400.00")
    assert not answer.whole_is_clean


def test_one_share_bought_washes_one_share_of_the_loss_and_the_ira_washes_it_for_ever():
    ledger = ledger_of(OLDER, entry(2, 30, EntryKind.SELL, "100", 80))
    desk = Desk(ledger, as_of=TODAY, prices=PRICES)
    assert desk.if_bought(account=BOB, security=EEE).deferred == Decimal("20.00")
    assert desk.if_bought(account=IRA, security=AAA).permanent == Decimal("20.00")
    day_31 = Desk(ledger, as_of=TODAY + timedelta(days=1), prices=PRICES)
    assert day_31.if_bought(account=BOB, security=AAA).washed == ()


def test_a_position_without_a_loss_has_no_answer():
    assert if_sold(entry(1, 300, EntryKind.BUY, "100", 70)) is None
