"""Geometry of the charts: round numbers, the right places, names that do not touch."""

from decimal import Decimal as D

from rebalancing.transition import curves


def test_a_curve_has_round_numbers_and_its_dots_in_proportion() -> None:
    found = curves.curve(
        [
            (D(0), D("0.04"), "a", False),
            (D(1000), D("0.01"), "b", True),
            (D(4000), D(0), "c", False),
        ]
    )

    assert [mark.value for mark in found.xs] == [D(0), D(1000), D(2000), D(3000), D(4000)]
    assert [mark.value for mark in found.ys] == [D(0), D("0.01"), D("0.02"), D("0.03"), D("0.04")]
    assert [(point.x, point.y) for point in found.points] == [
        (D(90), D(16)),
        (D("207.5"), D(178)),
        (D(560), D(232)),
    ]
    assert [point.is_chosen for point in found.points] == [False, True, False]
    assert found.path.startswith("90.0,16.0 207.5,178.0")


def test_a_little_saved_has_room_but_no_number() -> None:
    found = curves.curve([(D(-100), D("0.04"), "a", False), (D(4000), D("0.01"), "b", False)])

    assert found.xs[0].value == D(0)
    assert found.points[0].x == D(90) < found.xs[0].at
    lost = curves.curve([(D(-4000), D("0.04"), "a", False), (D(100), D("0.01"), "b", False)])
    assert lost.xs[0].value == D(-4000)


def test_names_of_dots_in_one_place_stand_above_each_other() -> None:
    found = curves.curve([(D(5), D("0.02"), name, False) for name in "abc"])

    heights = [point.name_y for point in found.points]
    assert len(set(heights)) == 3
    assert all(abs(a - b) >= 14 for a in heights for b in heights if a != b)


def test_lines_over_years_begin_today_and_end_in_their_year() -> None:
    found = curves.over_years([("10%", [D(100), D(80), D(60), D(40)]), ("100%", [D(100), D(0)])])

    assert [mark.value for mark in found.xs] == [D(0), D(1), D(2), D(3)]
    slow, fast = found.lines
    assert slow.path.split()[0] == fast.path.split()[0] == "90.0,16.0"
    assert slow.end_x == D(566)
    assert fast.path.split()[1].endswith(",232.0")
    assert curves.over_years([]).lines == ()
