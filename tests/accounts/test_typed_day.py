"""One way to write a day behind a command's option, and one way to refuse it."""

from datetime import date, timedelta

import pytest
from django.core.management.base import CommandError
from django.utils import timezone

from accounts.typed_day import typed_day


def test_a_day_is_read_and_nothing_is_nothing() -> None:
    assert typed_day("2022-12-28") == date(2022, 12, 28)
    assert typed_day(date(2022, 12, 28)) == date(2022, 12, 28)
    assert typed_day(None) is None
    assert typed_day(str(timezone.localdate())) == timezone.localdate()


@pytest.mark.parametrize(
    "text",
    ["soon", "", "2022-13-01", "2022-02-30", "20221228", "2022-W52-3", "28.12.2022", "2022-1-2"],
)
def test_what_is_no_day_is_refused_with_what_to_type(text: str) -> None:
    with pytest.raises(CommandError) as refusal:
        typed_day(text)
    assert str(refusal.value) == f"--as-of {text!r} is no date: write it like 2022-12-28."


def test_a_day_that_is_still_to_come_is_refused_unless_it_may_be() -> None:
    tomorrow = timezone.localdate() + timedelta(days=1)
    with pytest.raises(CommandError, match=f"--as-of {tomorrow} is still to come: today is"):
        typed_day(str(tomorrow))
    assert typed_day(str(tomorrow), option="date", may_be_ahead=True) == tomorrow
