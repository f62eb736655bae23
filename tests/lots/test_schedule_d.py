"""Schedule D from Form 8949, line by line (R31, R32)."""

from decimal import Decimal
from typing import Any

import pytest

from accounts.types import FilingStatus
from lots.netting import YearInputs
from lots.reports.form_8949 import form_8949
from lots.reports.schedule_d import Brought, ScheduleD, carryforward, schedule_d, worksheet_lines
from lots.types import DisposalEvent, Term
from tests.lots.test_form_8949 import sold

D = Decimal
SINGLE = FilingStatus.SINGLE


def lines(schedule: ScheduleD) -> dict[str, Decimal]:
    return {line.number: line.gain for line in schedule.lines if line.number}


def test_lines_are_the_totals_of_the_boxes():
    form = form_8949(
        [
            sold(50, 40),
            sold(0, 5, event=DisposalEvent.WORTHLESS),
            sold(30, 90, disallowed=20, term=Term.LONG),
        ]
    )

    schedule = schedule_d(form)

    assert lines(schedule) == {
        "1b": D(10), "2": D(0), "3": D(-5), "7": D(5),
        "8b": D(-40), "9": D(0), "10": D(0), "15": D(-40), "16": D(-35),
    }  # fmt: skip
    (box_d,) = (line for line in schedule.lines if line.number == "8b")
    assert (box_d.proceeds, box_d.basis, box_d.adjustment) == (D(30), D(90), D(20))
    assert schedule.line21 is None
    assert schedule.short_carryover is None


def test_what_the_household_brings_along_stands_in_its_own_lines():
    brought = Brought(
        SINGLE, short_outside=D(7), long_outside=D(-3), short_carryover=D(100), long_carryover=D(50)
    )

    schedule = schedule_d(form_8949([sold(50, 40), sold(9, 8, term=Term.LONG)]), brought=brought)

    assert (schedule.line7, schedule.line15, schedule.line16) == (D(-83), D(-52), D(-135))
    assert (lines(schedule)["6"], lines(schedule)["14"]) == (D(-100), D(-50))
    assert schedule.line21 == D(-135)
    assert "ordinary_income" in schedule.why_no_carryover


@pytest.mark.parametrize(
    ("status", "loss", "line21"),
    [
        (SINGLE, 8000, "-3000"),
        (SINGLE, 2999, "-2999"),
        (FilingStatus.MARRIED_SEPARATELY, 8000, "-1500"),
        (SINGLE, -5, "0"),
    ],
)
def test_line_21_is_limited_and_never_a_gain(status, loss, line21):
    schedule = schedule_d(form_8949([sold(9000 - loss, 9000)]), brought=Brought(status))

    assert schedule.line21 == D(line21)


def test_the_worksheet_of_the_published_example():
    """R32: single, 1,000 of other income, -2,000 short and -6,000 long: 1,000 and 6,000 are carried."""
    form = form_8949([sold(1000, 3000), sold(1000, 7000, term=Term.LONG)])
    inputs = YearInputs(year=2026, filing_status=SINGLE, ordinary_taxable_income=D(1000))

    schedule = schedule_d(form, brought=Brought(SINGLE), inputs=inputs)

    assert (schedule.short_carryover, schedule.long_carryover) == (D(1000), D(6000))
    assert schedule.worksheet is not None
    assert [amount for _, _, amount in worksheet_lines(schedule.worksheet)] == [
        D(amount) for amount in (-2000, 3000, 1000, 1000, 2000, 0, 1000, 1000, 6000, 0, 0, 0, 6000)
    ]


def test_a_year_without_rates_has_no_worksheet_and_says_why():
    inputs = YearInputs(year=1999, filing_status=SINGLE)

    schedule = schedule_d(form_8949([sold(1, 9)]), brought=Brought(SINGLE), inputs=inputs)

    assert schedule.worksheet is None
    assert "no tax rates of 1999" in schedule.why_no_carryover


def year_of(loss: int, **more: Any) -> ScheduleD:
    inputs = YearInputs(year=2026, filing_status=SINGLE, ordinary_taxable_income=D(90000))
    return schedule_d(
        form_8949([sold(9000 - loss, 9000)]), brought=Brought(SINGLE, **more), inputs=inputs
    )


def test_a_carryover_that_does_not_follow_from_the_year_before_is_told():
    schedules = {2025: year_of(5000), 2026: year_of(0)}
    right, wrong = Brought(SINGLE, short_carryover=D(2000)), Brought(SINGLE, short_carryover=D(1))

    first, second = carryforward(schedules, {2026: right})
    assert (first.problem, second.problem, second.short_in) == ("", "", D(2000))

    _, second = carryforward(schedules, {2026: wrong})
    assert second.problem == "1.00 short-term is brought in, 2,000.00 was carried out of 2025."

    _, second = carryforward(schedules, {2026: Brought(SINGLE)})
    assert second.problem == ("2,000.00 short-term carried out of 2025 was not brought forward.")


def both_terms(loss: int) -> ScheduleD:
    inputs = YearInputs(year=2022, filing_status=SINGLE, ordinary_taxable_income=D(90000))
    form = form_8949([sold(0, loss), sold(0, loss, term=Term.LONG)])
    return schedule_d(form, brought=Brought(SINGLE), inputs=inputs)


def test_a_loss_that_a_gap_swallows_is_told_with_the_year_that_is_missing():
    """2022 carries 15,000 on, nobody entered 2023: neither that year nor 2024 may show 0 as if it were right."""
    profile = Brought(SINGLE)
    years = {2022: year_of(18000), 2024: year_of(0), 2026: year_of(0)}
    first, second, third = carryforward(years, {2022: profile, 2024: profile, 2026: profile})
    assert (first.problem, third.problem) == ("", "")  # nothing goes out of 2024
    assert second.problem == (
        "15,000.00 short-term carried out of 2022 was not brought forward: 2023 has no tax profile."
    )

    with_sales = {**years, 2023: schedule_d(form_8949([sold(9, 8)]))}
    _, gap, after, _ = carryforward(with_sales, {2022: profile, 2024: profile, 2026: profile})
    assert gap.problem == after.problem == second.problem


def test_both_characters_of_a_lost_carryover_are_told():
    _, later = carryforward(
        {2022: both_terms(5000), 2025: year_of(0)}, {2022: Brought(SINGLE), 2025: Brought(SINGLE)}
    )
    assert later.problem == (
        "2,000.00 short-term carried out of 2022 was not brought forward; "
        "5,000.00 long-term carried out of 2022 was not brought forward: "
        "2023, 2024 have no tax profile."
    )


def test_a_year_whose_income_is_not_known_cannot_say_what_it_carries():
    schedules = {2022: year_of(5000), 2023: schedule_d(form_8949([])), 2024: year_of(0)}
    entered = Brought(SINGLE, short_carryover=D(2000))
    _, second, third = carryforward(
        schedules,
        {2022: Brought(SINGLE), 2023: entered, 2024: Brought(SINGLE, short_carryover=D(500))},
    )
    assert second.problem == ""
    assert third.problem == (
        "500.00 short-term is brought in, 2,000.00 was carried out of 2022: "
        "what 2023 carries on is not known."
    )


def test_what_was_brought_over_a_gap_is_no_problem():
    schedules = {2023: year_of(5000), 2026: year_of(0)}
    brought = {2023: Brought(SINGLE), 2026: Brought(SINGLE, short_carryover=D(2000))}
    assert [one.problem for one in carryforward(schedules, brought)] == ["", ""]
    assert [one.problem for one in carryforward({2026: year_of(0)}, brought)] == [""]
