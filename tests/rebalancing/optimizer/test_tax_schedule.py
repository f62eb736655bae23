"""T(S, L): five regions, exact on every boundary, and covered by pieces on which it is convex."""

import numpy as np
import pytest

from rebalancing.errors import BadProblem
from rebalancing.optimizer.tax_schedule import Box, TaxSchedule, least_slopes, pieces, reachable

USUAL = TaxSchedule(0.4, 0.2, 0.0, 0.0, 0.01, 0.35, 0.15)
SCHEDULES = (
    USUAL,
    TaxSchedule(0.4, 0.2, 0.0, 0.0, 0.0, 0.35, 0.15),  # no loss limit left
    TaxSchedule(0.3, 0.3, 0.0, 0.0, 0.01, 0.3, 0.3),
    TaxSchedule(0.2, 0.3, 0.0, 0.0, 0.01, 0.3, 0.1),  # long-term dearer than short-term
    TaxSchedule(0.4, 0.2, 0.0, 0.0, 0.01, 0.1, 0.3),  # carrying beats deducting
    TaxSchedule(0.3, 0.2, 0.0, 0.0, 0.01, 0.4, 0.1),  # ordinary above short-term
    TaxSchedule(0.0, 0.0, 0.0, 0.0, 0.01, 0.0, 0.0),
)


@pytest.mark.parametrize(
    ("short", "long", "tax"),
    [
        (0.10, 0.20, 0.08),  # both gains
        (0.10, 0.0, 0.04),
        (0.0, 0.10, 0.02),
        (0.10, -0.04, 0.024),  # short-term gain against long-term loss: the rest is short-term
        (-0.04, 0.10, 0.012),  # short-term loss against long-term gain: the rest is long-term
        (0.10, -0.10, 0.0),
        (-0.10, 0.10, 0.0),
        (0.0, 0.0, 0.0),
        (-0.005, 0.0, -0.00175),  # net loss within the limit
        (0.02, -0.025, -0.00175),
        (-0.01, 0.0, -0.0035),  # exactly the limit
        (-0.02, 0.0, -0.005),  # beyond it the loss is carried
        (0.05, -0.07, -0.005),
        (-0.07, 0.05, -0.005),
    ],
)
def test_year_tax_of_each_region_and_boundary(short, long, tax):
    assert USUAL.year_tax(short, long) == pytest.approx(tax, abs=1e-15)


def test_added_tax_is_zero_without_trades_and_counts_the_year_so_far():
    schedule = TaxSchedule(0.4, 0.2, 0.03, -0.05, 0.01, 0.35, 0.15)
    assert schedule.added_tax(0.0, 0.0) == 0.0
    # From S+L = -0.02 (carried beyond the limit) to +0.01 of short-term gain.
    assert schedule.added_tax(0.03, 0.0) == pytest.approx(0.004 + 0.005, abs=1e-15)


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_pieces_cover_the_plane_and_agree_with_the_tax(schedule):
    grid = np.unique(np.concatenate([np.linspace(-0.05, 0.05, 21), [-0.01, 0.01, 0.0]]))
    for short in grid:
        for long in grid:
            inside = [p for p in pieces(schedule) if p.contains(short, long, slack=1e-15)]
            assert inside
            for piece in inside:
                expected = schedule.year_tax(short, long)
                assert piece.value(short, long) == pytest.approx(expected, abs=1e-14)


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_reachable_pieces_cover_the_box(schedule):
    random = np.random.default_rng(7)
    for _ in range(40):
        s, t = random.uniform(-0.03, 0.03, 2), random.uniform(-0.03, 0.03, 2)
        s[random.random(2) < 0.3] = 0.0
        t[random.random(2) < 0.3] = 0.0
        box = Box(s.min(), s.max(), t.min(), t.max())
        found = reachable(schedule, box)
        for _ in range(10):
            short, long = random.uniform(*box[:2]), random.uniform(*box[2:])
            inside = [p for p in found if p.contains(short, long, slack=1e-15)]
            assert inside
            for piece in inside:
                expected = schedule.year_tax(short, long)
                assert piece.value(short, long) == pytest.approx(expected, abs=1e-14)


def test_a_year_of_gains_alone_needs_one_piece():
    found = reachable(USUAL, Box(0.01, 0.02, 0.01, 0.02))
    assert [(piece.name, piece.within) for piece in found] == [("gain", ())]


@pytest.mark.parametrize(
    "changes", [{"st_rate": -0.1}, {"lt_rate": 1.1}, {"loss_limit": -1.0}, {"max_tax": np.nan}]
)
def test_a_bad_rate_is_refused(changes):
    values = dict.fromkeys(("st_rate", "lt_rate", "st_realised", "lt_realised"), 0.1)
    values |= {"loss_limit": 0.1, "ordinary_rate": 0.1, "carried_loss_value": 0.1}
    with pytest.raises(BadProblem, match=next(iter(changes))):
        TaxSchedule(**{**values, **changes})


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_no_dollar_of_gain_in_the_box_costs_less_than_the_least_slope(schedule):
    random = np.random.default_rng(11)
    for _ in range(60):
        s, t = random.uniform(-0.03, 0.03, 2), random.uniform(-0.03, 0.03, 2)
        s[random.random(2) < 0.3] = 0.0
        t[random.random(2) < 0.3] = 0.0
        box = Box(s.min(), s.max(), t.min(), t.max())
        short_least, long_least = least_slopes(schedule, box)
        for _ in range(20):
            a, b = np.sort(random.uniform(*box[:2], 2)), np.sort(random.uniform(*box[2:], 2))
            more_short = schedule.year_tax(a[1], b[0]) - schedule.year_tax(a[0], b[0])
            more_long = schedule.year_tax(a[0], b[1]) - schedule.year_tax(a[0], b[0])
            assert more_short >= short_least * (a[1] - a[0]) - 1e-15
            assert more_long >= long_least * (b[1] - b[0]) - 1e-15


@pytest.mark.parametrize(
    ("box", "least"),
    [
        (Box(0.0, 0.1, 0.0, 0.1), (0.4, 0.2)),  # gains alone
        (Box(0.0, 0.0, 0.0, 0.1), (0.2, 0.2)),  # no short-term total to tell the region from
        (Box(-0.01, 0.1, 0.05, 0.1), (0.2, 0.2)),  # a short-term loss meets a long-term gain
        (Box(0.05, 0.1, -0.02, 0.0), (0.4, 0.4)),  # a long-term loss meets a short-term gain
        (Box(-0.005, 0.0, 0.0, 0.004), (0.2, 0.2)),  # within the limit at 0.35, above at 0.2
        (Box(-0.008, 0.0, -0.002, 0.0), (0.35, 0.35)),  # no further than the limit
        (Box(-0.02, 0.1, 0.0, 0.1), (0.15, 0.15)),  # beyond the limit a loss is carried
        (Box(-0.5, -0.4, 0.0, 0.1), (0.15, 0.15)),
    ],
)
def test_least_slopes_by_hand(box, least):
    assert least_slopes(USUAL, box) == least
