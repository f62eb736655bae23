"""The picture of factor exposures: everything on one scale, bars from zero, marks at the limits."""

from decimal import Decimal as D

from rebalancing.reviews.factor_chart import FactorLine, chart


def line(active: str, low: str | None = None, high: str | None = None) -> FactorLine:
    limits = (None if one is None else D(one) for one in (low, high))
    return FactorLine(
        name="value", active=D(active), **dict(zip(("low", "high"), limits, strict=True))
    )


def test_bars_and_marks_share_one_scale_that_reaches_to_the_farthest() -> None:
    found = chart([line("0.02", "-0.04", "0.03"), line("-0.01"), line("0")])
    first, second, third = found.bars
    half = found.zero_x - D(190)  # the farthest, 0.04, is half the plot away from zero
    assert first.low_x == D(190)
    assert first.high_x == found.zero_x + half * D("0.75")
    assert (first.x, first.width) == (found.zero_x, half / 2)
    assert (second.x, second.width) == (found.zero_x - half / 4, half / 4)
    assert (second.low_x, second.high_x) == (None, None)
    assert third.width == 0
    assert first.y < second.y < third.y < found.height


def test_a_wide_limit_does_not_make_bars_tiny() -> None:
    """It has no mark then; one of twice the farthest exposure still has."""
    found = chart([line("0.02", "-0.5", "0.04"), line("-0.01")])
    first, second = found.bars
    assert (first.low_x, first.high_x) == (None, D(590))
    assert (first.width, second.width) == (D(100), D(50))
    assert found.is_cut
    assert not chart([line("0.02", "-0.04", "0.04")]).is_cut
    assert chart([line("0", "-0.5", "0.5")]).bars[0].high_x == D(590)


def test_all_zero_is_a_picture_too() -> None:
    assert chart([line("0", "0", "0")]).bars[0].low_x == chart([line("0")]).zero_x


def test_a_value_on_its_limit_is_inside() -> None:
    assert not line("0.02", "0.02", "0.02").is_outside
    assert line("0.03", None, "0.02").is_outside
    assert line("0.01", "0.02").is_outside
    assert not line("0.01").is_outside
