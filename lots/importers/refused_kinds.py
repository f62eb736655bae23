"""Kinds of transactions that other systems write and that are not computed, with what to do instead."""

from collections.abc import Mapping

_SHORTS = (
    "is a short sale or its cover. Short positions are not computed (R26): losses on them follow a window of their own "
    "(IRC 1091(e)). Keep the account's short trades out of the file and reckon them by hand"
)
_OPTIONS = (
    "is an option. Options are not computed (R26): a bought call can wash a loss, and so can a put that was written. "
    "Keep option trades out of the file, and look at the household's losses within 30 days of them by hand"
)
_MIXED = (
    "pays in stock and in cash. A merger for both is not computed: the gain that is taxed depends on the value of each "
    "share received (IRC 356). Book a give of the old shares and a receive of the new ones, with the basis and the "
    "dates that the client's preparer reckons; the taxed gain then stays outside Lotwise"
)
_SHORT_KINDS = (
    "short", "short_sale", "sell_short", "sellshort", "short_sell", "cover", "short_cover",
    "buy_to_cover", "buytocover",
)  # fmt: skip
_OPTION_KINDS = (
    "option", "write", "call", "put", "exercise", "assign", "assignment", "expire", "expiration", "buy_to_open",
    "sell_to_open", "buy_to_close", "sell_to_close", "buytoopen", "selltoopen", "buytoclose", "selltoclose",
)  # fmt: skip
_MIXED_KINDS = ("mixed_merger", "stock_and_cash_merger", "cash_and_stock_merger", "merge_with_cash")

REFUSED_KINDS: Mapping[str, str] = {
    **dict.fromkeys(_SHORT_KINDS, _SHORTS),
    **dict.fromkeys(_OPTION_KINDS, _OPTIONS),
    **dict.fromkeys(_MIXED_KINDS, _MIXED),
}
# The same things as OFX says them: elements, and the words of BUYTYPE and SELLTYPE.
REFUSED_ELEMENTS: Mapping[str, str] = dict.fromkeys(("BUYOPT", "SELLOPT", "CLOSUREOPT"), _OPTIONS)
REFUSED_WORDS: Mapping[str, str] = {
    **dict.fromkeys(("BUYTOCOVER", "SELLSHORT"), _SHORTS),
    **dict.fromkeys(("BUYTOOPEN", "BUYTOCLOSE", "SELLTOOPEN", "SELLTOCLOSE"), _OPTIONS),
}
SHORT_POSITION = _SHORTS


def why_refused(kind: str) -> str | None:
    """The reason for a kind that is refused by name; None for any other word, whatever its case and its blanks."""
    return REFUSED_KINDS.get(kind.strip().lower().replace(" ", "_").replace("-", "_"))
