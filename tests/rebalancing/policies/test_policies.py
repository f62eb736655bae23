"""How far a rebalance goes: hand-computed weights, the same in Decimal and in float."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rebalancing.policies.policy import Destination, destinations

D = Decimal
TARGETS = {1: D("0.5"), 2: D("0.3"), 3: D("0.2")}
WIDTHS = {1: D("0.1"), 2: D("0.06"), 3: D("0.04")}  # 20 % of each target


def found(weights, outside, to, **changes):
    values = {"targets": TARGETS, "widths": WIDTHS, "total": D(1), **changes}
    return destinations(weights=weights, outside=frozenset(outside), to=to, **values)


@pytest.mark.parametrize(
    ("to", "first", "second", "third"),
    [
        # What 1 gives up (0.15, 0.10, 0.05) goes to 2 (0.10 short) and 3 (0.05 short), two to one.
        (Destination.TARGET, "0.50", "0.30", "0.20"),
        (Destination.HALF, "0.55", "0.2666666666666666666666666667", "0.1833333333333333333333333333"),
        (Destination.EDGE, "0.60", "0.2333333333333333333333333333", "0.1666666666666666666666666667"),
    ],
)  # fmt: skip
def test_a_name_too_heavy_goes_as_far_as_it_is_told(to, first, second, third):
    weights = {1: D("0.65"), 2: D("0.20"), 3: D("0.15")}

    assert found(weights, [1], to) == {1: D(first), 2: D(second), 3: D(third)}


def test_a_name_too_light_is_bought_up_to_the_edge_below_its_target():
    weights = {1: D("0.38"), 2: D("0.37"), 3: D("0.25")}

    # 1 rises to 0.40; 2 and 3 are 0.07 and 0.05 above their targets and give 0.02 in that proportion.
    ends = found(weights, [1], Destination.EDGE)
    assert ends[1] == D("0.40")
    assert ends[2] == D("0.37") - D("0.02") * (D("0.07") / D("0.12"))
    assert ends[3] == D("0.25") - D("0.02") * (D("0.05") / D("0.12"))


def test_where_every_name_is_outside_all_go_to_target():
    weights = {1: D("0.70"), 2: D("0.18"), 3: D("0.12")}

    for to in Destination:
        assert found(weights, [1, 2, 3], to) == TARGETS


def test_names_inside_that_need_nothing_share_the_rest_equally():
    weights = {1: D("0.35"), 2: D("0.40"), 3: D("0.25")}
    to_sell = {1: D("0.4"), 2: D("0.4"), 3: D("0.2")}

    # 2 is at its target and 3 above it by 0.05: 3 alone gives what 1 needs.
    assert found(weights, [1], Destination.TARGET, targets=to_sell)[3] == D("0.20")
    # 2 and 3 are at or below target, and something must be sold all the same: half each.
    lower = {1: D("0.3"), 2: D("0.4"), 3: D("0.3")}
    ends = found(lower, [1], Destination.TARGET, targets={1: D("0.4"), 2: D("0.4"), 3: D("0.3")})
    assert (ends[2], ends[3]) == (D("0.35"), D("0.25"))


def test_a_holding_without_a_target_goes_to_zero():
    weights = {1: D("0.45"), 2: D("0.30"), 3: D("0.20"), 9: D("0.05")}

    ends = found(weights, [9], Destination.TARGET, widths={**WIDTHS, 9: D(0)})

    assert ends[9] == 0
    assert ends[1] == D("0.50")


WEIGHTS = st.lists(st.integers(1, 1000), min_size=3, max_size=6)


@given(WEIGHTS, st.sets(st.integers(0, 5)), st.sampled_from(Destination))
def test_decimal_and_float_agree_and_make_the_whole(numbers, marked, to):
    names = range(len(numbers))
    outside = frozenset(marked) & frozenset(names)
    exact = [Fraction(number, sum(numbers)) for number in numbers]
    decimals = {name: D(one.numerator) / D(one.denominator) for name, one in enumerate(exact)}
    target = D(1) / len(numbers)

    in_decimal = destinations(
        weights=decimals,
        targets=dict.fromkeys(names, target),
        widths=dict.fromkeys(names, target / 5),
        outside=outside,
        to=to,
        total=D(1),
    )
    in_float = destinations(
        weights={name: float(one) for name, one in decimals.items()},
        targets=dict.fromkeys(names, float(target)),
        widths=dict.fromkeys(names, float(target) / 5),
        outside=outside,
        to=to,
        total=1.0,
    )

    assert float(sum(in_decimal.values())) == pytest.approx(1.0)
    assert sum(in_float.values()) == pytest.approx(1.0)
    if sum(abs(decimals[name] - target) for name in names) > D("1e-9"):
        # A gap of nothing but rounding decides who shares the rest: there the two may differ.
        for name in names:
            assert in_float[name] == pytest.approx(float(in_decimal[name]), abs=1e-7)
