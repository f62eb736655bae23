"""The canonical text of a proposal: what an approval binds itself to."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal

from accounts.canonical import canonical_text
from lots.rounding import STORED_MONEY, STORED_SHARES
from proposals.types import DraftProposal, DraftTrade

FORMAT = 1
STORED_PRICE = Decimal("0.000001")


def at_stored_precision(draft: DraftProposal) -> DraftProposal:
    """The draft as the database will hold it, so that what is hashed is what is stored.

    Shares are cut, never raised: a sale must not exceed its lot.
    """
    return replace(draft, trades=tuple(_stored(trade) for trade in draft.trades))


def _stored(trade: DraftTrade) -> DraftTrade:
    return replace(
        trade,
        quantity=trade.quantity.quantize(STORED_SHARES, ROUND_DOWN),
        price=trade.price.quantize(STORED_PRICE, ROUND_HALF_UP),
        basis=trade.basis.quantize(STORED_MONEY, ROUND_HALF_UP),
    )


def content_text(draft: DraftProposal, *, tax_profile: Mapping[str, str]) -> str:
    """Trades, figures and the tax profile behind them, in canonical form.

    A deferred loss is named only where there is one: texts from before that word have the same hash.
    """
    deferred = {"wash_deferred": draft.wash_deferred} if draft.wash_deferred else {}
    return canonical_text(
        {
            "format": FORMAT,
            "household": draft.household,
            "kind": draft.kind,
            "as_of": draft.as_of,
            "sentence": draft.sentence,
            "reasons": draft.reasons,
            "tax_saved": draft.tax_saved,
            "carried_worth": draft.carried_worth,
            "cost": draft.cost,
            "net": draft.net,
            "short_gain": draft.short_gain,
            "long_gain": draft.long_gain,
            "risk_before": draft.risk_before,
            "risk_after": draft.risk_after,
            "gap_bp": draft.gap_bp,
            "tax_profile": tax_profile,
            "trades": trade_facts(draft.trades),
            **deferred,
        }
    )


def trade_facts(trades: Sequence[DraftTrade]) -> list[dict[str, object]]:
    """The trades as they stand in the canonical text."""
    return [
        {
            "account": trade.account,
            "security": trade.security,
            "side": trade.side,
            "quantity": trade.quantity,
            "price": trade.price,
            "amount": trade.amount,
            "opening": trade.opening,
            "part": trade.part,
            "basis": trade.basis,
            "term": trade.term,
            "pair": trade.pair,
            "reason": trade.reason,
        }
        for trade in trades
    ]
