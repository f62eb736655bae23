"""The arithmetic of the goals, the extrapolated night, the tables."""

import numpy as np
import pytest

from benchmarks.rebalance import goals, tables
from benchmarks.rebalance.goals import Goal, Solved, Steps
from benchmarks.rebalance.night import interval
from benchmarks.rebalance.tables import Row
from benchmarks.rebalance.timing import Timing, timed

BASIS_POINT = 1e-4


def solved(*, excess_bp=0.0, gap_bp=0.0, violation=0.0, seconds=0.05):
    return Solved(
        objective=-0.02,
        bound=-0.02 - gap_bp * BASIS_POINT,
        best_known=-0.02 - excess_bp * BASIS_POINT,
        violation=violation,
        seconds=seconds,
    )


def named(found):
    return {goal.name: goal for goal in found}


def test_excess_is_counted_in_basis_points_median_and_largest():
    found = named(goals.of_value([solved(), solved(excess_bp=0.04), solved(excess_bp=0.6)]))
    assert found["excess_median"].measured == pytest.approx(0.04)
    assert found["excess_median"].is_met
    assert found["excess_max"].measured == pytest.approx(0.6)
    assert not found["excess_max"].is_met


def test_being_better_than_the_best_known_is_no_credit():
    assert solved(excess_bp=-3.0).excess_bp == 0.0


def test_the_gap_is_met_at_ninety_five_of_a_hundred_and_not_at_ninety_four():
    enough = [solved(gap_bp=0.9)] * 95 + [solved(gap_bp=1.1)] * 5
    few = [solved(gap_bp=0.9)] * 94 + [solved(gap_bp=1.1)] * 6
    assert named(goals.of_value(enough))["gap_within_1bp"].is_met
    assert not named(goals.of_value(few))["gap_within_1bp"].is_met


def test_one_violation_among_many_is_not_met():
    found = named(goals.of_value([solved(), solved(violation=2e-8)]))
    assert found["violation_max"].measured == 2e-8
    assert not found["violation_max"].is_met


def test_no_accounts_are_no_goal_met():
    for goals_of in (goals.of_value, goals.of_smallest_trade):
        with pytest.raises(ValueError, match="no account"):
            goals_of([])


def test_a_smallest_trade_is_held_to_the_same_gap_and_time():
    some = [solved(gap_bp=0.9, seconds=0.07)] * 19 + [solved(gap_bp=1.1, seconds=0.3)]
    found = named(goals.of_smallest_trade(some))
    assert found["smallest_gap_within_1bp"].is_met
    assert found["smallest_proposal"].measured == pytest.approx(70.0)
    assert not named(goals.of_smallest_trade([*some, solved(gap_bp=2.0)]))[
        "smallest_gap_within_1bp"
    ].is_met


def test_speed_is_in_milliseconds_and_beside_the_peer_only_where_it_was_measured():
    accounts = [solved(seconds=0.05), solved(seconds=0.07), solved(seconds=0.5)]
    alone = named(goals.of_speed(accounts, peer_seconds=[]))
    assert alone["proposal"].measured == pytest.approx(70.0)
    assert "beside_peer" not in alone
    beside = named(goals.of_speed(accounts, peer_seconds=[7.0, 3.5, 14.0]))
    assert beside["beside_peer"].measured == pytest.approx(100.0)
    assert beside["beside_peer"].is_met


def test_ratios_of_the_step_are_taken_on_each_account():
    found = named(goals.of_steps([Steps(0.002, 0.02, 8.0), Steps(0.004, 0.02, None)]))
    assert found["fixed_step"].measured == pytest.approx(3.0)
    assert found["step_beside_cvxpy"].measured == pytest.approx(7.5)
    assert not found["step_beside_cvxpy"].is_met
    assert found["step_beside_slsqp"].measured == pytest.approx(4_000.0)


@pytest.mark.parametrize("power", [0.8, 1.0, 2.0])
def test_the_exponent_of_a_power_is_the_power(power):
    seconds = {size: [3.0 * size**power] * 3 for size in (20, 50, 100, 500)}
    assert goals.exponent(seconds) == pytest.approx(power)
    assert goals.of_growth(seconds).is_met == (power <= 1.3)


def test_one_size_has_no_growth():
    with pytest.raises(ValueError, match="two sizes"):
        goals.exponent({20: [1.0]})


def test_the_textbook_is_beaten_by_a_share_of_our_value():
    found = goals.of_textbook(50, ours=[1.0, 2.0, 4.0], theirs=[1.01, 2.06, 4.4])
    assert found.measured == pytest.approx(0.03)
    assert found.is_met
    assert goals.of_textbook_time(50, ours=[1.0, 3.0], theirs=[6.0, 4.0]).measured == 2.5


def test_a_night_is_ten_thousand_times_the_mean_account():
    assert goals.of_night(0.09).measured == pytest.approx(900.0)
    assert goals.of_night(0.0901).is_met is False
    assert goals.of_night(0.0899).is_met


def test_the_interval_of_equal_accounts_is_a_point_and_of_others_surrounds_the_mean():
    assert interval([0.1] * 20, seed=1) == pytest.approx((0.1, 0.1))
    seconds = np.random.default_rng(2).exponential(0.1, 200).tolist()
    low, high = interval(seconds, seed=1)
    mean, error = np.mean(seconds), np.std(seconds) / np.sqrt(200)
    assert low == pytest.approx(mean - 1.96 * error, rel=0.05)
    assert high == pytest.approx(mean + 1.96 * error, rel=0.05)


def test_goals_are_met_on_the_limit():
    assert Goal("a", "a", 1.0, 1.0, "s").is_met
    assert Goal("a", "a", 1.0, 1.0, "s", at_least=True).is_met


def test_a_table_names_what_is_infeasible_and_by_how_much(capsys):
    rows = [
        Row("ours", 0.0, 8, 0.0, "", Timing(0.1, 0.2)),
        Row("plain", -12.0, 9, 0.0123, "loss sold and bought in group 12", Timing(0.3, 0.4)),
        Row("late", None, 0, 0.0, "", Timing(20.0, 20.0), "nothing in 20 s"),
    ]
    tables.contenders("Title", rows)
    ours, plain, late = capsys.readouterr().out.splitlines()[-3:]
    assert ours.endswith("kept")
    assert "1/1" in ours
    assert "INFEASIBLE in 1: loss sold and bought in group, by 1.2300 % of V" in plain
    assert "0/1" in late
    assert late.endswith("nothing in 20 s")


def test_a_goal_not_met_is_printed_in_capitals(capsys):
    tables.goals([Goal("a", "fast", 5.0, 3.0, "ms"), Goal("b", "good", 0.01, 0.05, "bp")])
    fast, good = capsys.readouterr().out.splitlines()[-2:]
    assert fast.split()[-1] == "NO"
    assert good.split()[-1] == "yes"


def test_time_is_the_median_of_the_repeats_with_the_last_answer():
    answers = iter([1, 2, 3])
    timing, answer = timed(lambda: next(answers), repeats=3)
    assert answer == 3
    assert 0.0 <= timing.cpu < 1.0
    with pytest.raises(ValueError, match="0 repeats"):
        timed(lambda: 1, repeats=0)
