"""Builders of literal facts and trades for the pure checks."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

from accounts.types import AccountKind
from lots.types import EntryKind, Ledger, LedgerAccount, LedgerEntry, LotRow, Policy
from proposals.compliance import Facts
from proposals.costs import TradingCosts
from proposals.types import DraftProposal, DraftTrade, ProposalKind, Side, Windows
from securities.types import Quote

TODAY = date(2022, 12, 28)
BOUGHT = date(2022, 3, 1)
OLD, TWIN, SUB, OTHER = 1, 2, 3, 4  # OLD and TWIN are identical
TAXABLE, IRA = 10, 11
LOT = 100


def facts(**changes: object) -> Facts:
    base = Facts(
        as_of=TODAY,
        ledger=Ledger(
            entries=(
                LedgerEntry(
                    str(LOT),
                    BOUGHT,
                    str(TAXABLE),
                    EntryKind.BUY,
                    str(OLD),
                    Decimal(20),
                    Decimal(2000),
                ),
            ),
            accounts=(
                LedgerAccount(str(TAXABLE), AccountKind.TAXABLE, "ann"),
                LedgerAccount(str(IRA), AccountKind.ROTH_IRA, "ann"),
            ),
            groups=(frozenset({str(OLD), str(TWIN)}),),
            policy=Policy(),
        ),
        lots={
            (LOT, 0): LotRow(
                LOT, 0, TAXABLE, OLD, BOUGHT, BOUGHT, quantity=Decimal(20), basis=Decimal(2000)
            )
        },
        windows=Windows({}, {}, {}),
        quotes={n: Quote(Decimal(80), TODAY) for n in (OLD, TWIN, SUB, OTHER)},
        costs=TradingCosts(half_spreads=dict.fromkeys((OLD, TWIN, SUB, OTHER), Decimal("0.0005"))),
        cash={TAXABLE: Decimal(0), IRA: Decimal(0)},
        groups=(frozenset({OLD, TWIN}),),
        symbols={OLD: "OLD", TWIN: "TWIN", SUB: "SUB", OTHER: "OTHER"},
        accounts={TAXABLE: "Ann taxable", IRA: "Ann Roth"},
        taxable=frozenset({TAXABLE}),
    )
    return replace(base, **changes)  # type: ignore[arg-type]


def sale(quantity: str = "20", **changes: object) -> DraftTrade:
    trade = DraftTrade(
        account=TAXABLE,
        security=OLD,
        side=Side.SELL,
        quantity=Decimal(quantity),
        price=Decimal(80),
        reason="loss",
        opening=LOT,
        part=0,
        basis=Decimal(quantity) * 100,
        term="short",
        pair=1,
    )
    return replace(trade, **changes)  # type: ignore[arg-type]


def purchase(quantity: str = "19", **changes: object) -> DraftTrade:
    trade = DraftTrade(
        account=TAXABLE,
        security=SUB,
        side=Side.BUY,
        quantity=Decimal(quantity),
        price=Decimal(80),
        reason="substitute",
        pair=1,
    )
    return replace(trade, **changes)  # type: ignore[arg-type]


def draft(*trades: DraftTrade, kind: ProposalKind = ProposalKind.HARVEST) -> DraftProposal:
    return DraftProposal(
        household=1,
        kind=kind,
        as_of=TODAY,
        sentence="Take a loss.",
        reasons=("loss",),
        trades=trades,
        tax_saved=Decimal(100),
        cost=Decimal(1),
        short_gain=Decimal(-400),
        long_gain=Decimal(0),
    )
