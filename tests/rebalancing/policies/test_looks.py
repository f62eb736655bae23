"""When a household is looked at: period ends on the exchange's calendar, caught up once, never doubled (F1)."""

from datetime import date

import pytest

from rebalancing.policies.looks import last_date, next_date, schedule
from rebalancing.policies.policy import Cadence, horizon_of


@pytest.mark.parametrize(
    ("cadence", "as_of", "last", "following"),
    [
        (Cadence.DAILY, date(2022, 12, 28), date(2022, 12, 28), date(2022, 12, 29)),
        (Cadence.DAILY, date(2022, 12, 25), date(2022, 12, 23), date(2022, 12, 27)),
        # Good Friday, 15 April 2022: the week ends on Thursday.
        (Cadence.WEEKLY, date(2022, 4, 14), date(2022, 4, 14), date(2022, 4, 22)),
        (Cadence.WEEKLY, date(2022, 4, 13), date(2022, 4, 8), date(2022, 4, 14)),
        # 30 April 2022 is a Saturday.
        (Cadence.MONTHLY, date(2022, 4, 29), date(2022, 4, 29), date(2022, 5, 31)),
        (Cadence.MONTHLY, date(2022, 4, 28), date(2022, 3, 31), date(2022, 4, 29)),
        (Cadence.MONTHLY, date(2022, 4, 30), date(2022, 4, 29), date(2022, 5, 31)),
        (Cadence.QUARTERLY, date(2022, 8, 1), date(2022, 6, 30), date(2022, 9, 30)),
        (Cadence.QUARTERLY, date(2022, 12, 31), date(2022, 12, 30), date(2023, 3, 31)),
        (Cadence.ANNUAL, date(2022, 12, 28), date(2021, 12, 31), date(2022, 12, 30)),
        (Cadence.ANNUAL, date(2022, 12, 30), date(2022, 12, 30), date(2023, 12, 29)),
    ],
)
def test_a_period_ends_on_its_last_business_day(
    cadence: Cadence, as_of: date, last: date, following: date
) -> None:
    assert (last_date(cadence, as_of), next_date(cadence, as_of)) == (last, following)


def test_a_missed_date_is_caught_up_once() -> None:
    """30 December is missed; the night of 4 January looks, the next one does not."""
    before, late, next_night = date(2022, 11, 30), date(2023, 1, 4), date(2023, 1, 5)
    missed = schedule(cadence=Cadence.MONTHLY, as_of=late, last_look=before)
    assert (missed.due, missed.next_on) == (True, date(2023, 1, 31))
    assert not schedule(cadence=Cadence.MONTHLY, as_of=next_night, last_look=late).due


def test_the_same_night_asked_again_answers_the_same() -> None:
    day = date(2022, 12, 30)
    assert schedule(cadence=Cadence.MONTHLY, as_of=day, last_look=date(2022, 11, 30)).due
    assert not schedule(cadence=Cadence.MONTHLY, as_of=date(2023, 1, 3), last_look=day).due


def test_what_nobody_has_decided_is_looked_at_again_every_night() -> None:
    day, night = date(2022, 12, 30), date(2023, 1, 3)
    assert schedule(cadence=Cadence.MONTHLY, as_of=night, last_look=day, undecided=True).due


def test_a_household_never_looked_at_is_due_and_no_cadence_never_is() -> None:
    day = date(2022, 12, 28)
    assert schedule(cadence=Cadence.ANNUAL, as_of=day, last_look=None).due
    none = schedule(cadence=Cadence.NONE, as_of=day, last_look=None)
    assert (none.due, none.next_on) == (False, None)


def test_a_cool_down_ends_so_many_days_after_the_last_fill() -> None:
    def cooling(as_of: date) -> date | None:
        return schedule(
            cadence=Cadence.DAILY,
            as_of=as_of,
            last_look=None,
            executed_on=date(2022, 12, 1),
            cool_down_days=10,
        ).cooling_until

    assert cooling(date(2022, 12, 9)) == date(2022, 12, 11)
    assert cooling(date(2022, 12, 12)) is None


def test_a_horizon_lasts_until_the_next_look() -> None:
    assert [round(1 / horizon_of(one)) for one in Cadence] == [252, 52, 12, 4, 1, 1]
