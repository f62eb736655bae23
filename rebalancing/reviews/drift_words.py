"""How reviews tell a drift, by day and by week in the same words: pure Decimal."""

from decimal import Decimal

from rebalancing.mandates.rule_words import per_cent


def weight_and_band(
    symbol: str, weight: Decimal, target: Decimal, low: Decimal, high: Decimal
) -> str:
    """``AAA weighs 24.99 %, its target is 4.90 % and its band 3.92 % to 5.88 %``; fractions."""
    return (
        f"{symbol} weighs {per_cent(weight)}, its target is {per_cent(target)} and its band {per_cent(low)} to "
        f"{per_cent(high)}"
    )


def names_out(many: int) -> str:
    """``2 names are out of band``."""
    if not many:
        return "none is out of band"
    return f"{many} name{' is' if many == 1 else 's are'} out of band"
