from datetime import UTC, date, datetime, timedelta

from scans.alarms import (
    AccountNights,
    AlarmKind,
    Night,
    coverage_alarms,
    deadline,
    effective_dates,
    night_alarms,
    outcome_alarms,
    settled,
)
from scans.coverage_chart import coverage

WED, THU, FRI = date(2022, 12, 28), date(2022, 12, 29), date(2022, 12, 30)
SIX_ON_THURSDAY = datetime(2022, 12, 29, 11, tzinfo=UTC)  # 06:00 in New York
DAYS = [date(2022, 11, 1) + timedelta(days=day) for day in range(12)]


def night(day, *, ended=None, failed=0):
    started = datetime(day.year, day.month, day.day, 23, tzinfo=UTC)
    return Night(day, started, ended, failed)


def kinds(alarms):
    return [(alarm.kind, alarm.night) for alarm in alarms]


def account(number=1, *, since=DAYS[0], scanned=(), empty=(), skipped=()):
    return AccountNights(
        number, f"Account {number}", "Miller", since,
        scanned=frozenset(scanned), empty=frozenset(empty), skipped=frozenset(skipped),
    )  # fmt: skip


def test_a_night_must_have_ended_by_six_in_new_york_in_summer_too():
    assert deadline(WED) == SIX_ON_THURSDAY
    assert deadline(date(2022, 7, 5)) == datetime(2022, 7, 6, 10, tzinfo=UTC)


def test_a_night_that_was_never_opened_is_an_alarm_from_six_on():
    before = SIX_ON_THURSDAY - timedelta(seconds=1)
    assert night_alarms([], due=[WED], now=before, has_clock=True) == []
    found = night_alarms([], due=[WED], now=SIX_ON_THURSDAY, has_clock=True)
    assert kinds(found) == [(AlarmKind.MISSED_NIGHT, WED)]
    assert "never opened" in found[0].sentence


def test_a_night_that_has_not_finished_by_six_is_an_alarm():
    running = [night(WED)]
    assert (
        night_alarms(running, due=[WED], now=SIX_ON_THURSDAY - timedelta(seconds=1), has_clock=True)
        == []
    )
    found = night_alarms(running, due=[WED], now=SIX_ON_THURSDAY, has_clock=True)
    assert kinds(found) == [(AlarmKind.UNFINISHED_NIGHT, WED)]


def test_a_night_that_ended_at_six_is_on_time_and_a_second_later_late():
    for late, expected in ((0, []), (1, [(AlarmKind.LATE_NIGHT, WED)])):
        ended = night(WED, ended=SIX_ON_THURSDAY + timedelta(seconds=late))
        now = SIX_ON_THURSDAY + timedelta(days=3)
        assert kinds(night_alarms([ended], due=[WED], now=now, has_clock=True)) == expected


def test_the_newest_night_comes_first():
    now = datetime(2023, 1, 3, tzinfo=UTC)
    found = night_alarms([night(THU)], due=[WED, THU, FRI], now=now, has_clock=True)
    assert [alarm.night for alarm in found] == [FRI, THU, WED]


def test_a_pinned_firm_is_never_late_but_a_night_left_out_is_seen():
    now = datetime(2026, 1, 1, tzinfo=UTC)
    nights = [night(WED, ended=now), night(FRI)]
    found = night_alarms(nights, due=[WED, THU, FRI], now=now, has_clock=False)
    assert kinds(found) == [(AlarmKind.MISSED_NIGHT, THU)]


def test_failed_households_skipped_accounts_and_bad_prices_of_the_last_night_are_told():
    found = outcome_alarms(
        night(WED, failed=2),
        skipped={"empty_account": 40, "failed": 3, "no_tax_profile": 2, "stale_prices+no_model": 1},
        prices={"price_jump": ["BBB"], "no_price": {f"S{number}" for number in range(9)}},
    )
    assert [alarm.kind for alarm in found] == [
        AlarmKind.FAILED_HOUSEHOLDS,
        AlarmKind.SKIPPED_ACCOUNTS,
        AlarmKind.BAD_PRICES,
        AlarmKind.BAD_PRICES,
    ]
    assert "2 households failed" in found[0].sentence
    assert "3 accounts skipped" in found[1].sentence
    assert "no tax profile 2, stale prices and no model 1" in found[1].sentence
    assert "No price: S0; S1; S2; S3; S4 and 4 more" in found[2].sentence
    assert "Price jump: BBB" in found[3].sentence


def test_empty_accounts_alone_are_no_alarm():
    assert outcome_alarms(night(WED), skipped={"empty_account": 40}, prices={}) == []


def test_an_account_not_scanned_for_ten_business_nights_is_listed_t3():
    idle = effective_dates([account(scanned=DAYS[:2])], DAYS)
    assert idle[0].is_idle
    assert [alarm.kind for alarm in coverage_alarms(idle)] == [AlarmKind.NOT_ACTED]
    busy = effective_dates([account(scanned=DAYS[:3])], DAYS)
    assert not busy[0].is_idle
    assert [alarm.kind for alarm in coverage_alarms(busy)] == [AlarmKind.OFF_SCHEDULE]


def test_skipped_for_a_reason_every_night_is_not_acted_on_and_empty_is():
    assert effective_dates([account(skipped=DAYS)], DAYS)[0].is_idle
    empty = effective_dates([account(empty=DAYS)], DAYS)
    assert (empty[0].is_idle, empty[0].gaps, coverage_alarms(empty)) == (False, (), [])


def test_nine_nights_are_too_few_to_say_so():
    assert not effective_dates([account()], DAYS[:9])[0].is_idle


def test_every_other_night_is_not_daily_t2():
    (row,) = effective_dates([account(scanned=DAYS[::2])], DAYS)
    assert (row.gaps, row.scanned, row.last_scanned) == (tuple(DAYS[1::2]), 6, DAYS[10])
    (alarm,) = coverage_alarms([row])
    assert alarm.kind is AlarmKind.OFF_SCHEDULE


def test_every_night_is_daily():
    rows = effective_dates([account(scanned=DAYS)], DAYS)
    assert coverage_alarms(rows) == []


def test_an_account_is_due_since_it_is_known():
    (row,) = effective_dates([account(since=DAYS[4], scanned=DAYS[4:])], DAYS)
    assert (row.due, row.gaps) == (tuple(DAYS[4:]), ())
    (never,) = effective_dates([account(since=date.max)], DAYS)
    assert (never.due, never.is_idle) == ((), False)


def test_a_gap_is_seen_in_the_chart():
    rows = effective_dates(
        [account(1, scanned=DAYS), account(2, scanned=DAYS[1:], skipped=DAYS[:1]), account(3, scanned=DAYS[1:])],
        DAYS,
    )  # fmt: skip
    chart = coverage(DAYS, rows)
    assert [(bar.scanned, bar.skipped, bar.missing) for bar in chart.bars[:2]] == [
        (1, 1, 1),
        (3, 0, 0),
    ]
    assert chart.bars[0].scanned_height < chart.bars[1].scanned_height
    assert chart.bars[0].missing_height > 0
    assert [bar.day for bar in chart.gaps] == [DAYS[0]]
    assert [bar.label for bar in chart.bars][::10] == ["01 Nov", "11 Nov"]
    assert coverage([], []).bars == ()


def test_a_night_that_still_runs_has_no_gaps_yet():
    nights = [night(WED, ended=SIX_ON_THURSDAY), night(THU)]
    evening = datetime(2022, 12, 30, 0, 0, tzinfo=UTC)
    assert settled([WED, THU], nights, now=evening, has_clock=True) == [WED]
    assert settled([WED, THU], nights, now=evening + timedelta(days=1), has_clock=True) == [
        WED,
        THU,
    ]
    assert settled([WED, THU], nights[:1], now=evening, has_clock=True) == [WED]
    assert settled([WED, THU, FRI], nights, now=evening + timedelta(days=900), has_clock=False) == [
        WED,
        FRI,
    ]
