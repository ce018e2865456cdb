from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashlight.model import DAY_MS, EPOCH, day_of, moment_of, moment_text, ms_of


@given(st.datetimes(timezones=st.just(UTC)))
def test_milliseconds_lie_in_their_day_and_lead_back(moment):
    ms = ms_of(moment)

    assert moment - timedelta(milliseconds=1) < moment_of(ms) <= moment
    assert ms // DAY_MS == day_of(moment) == (moment.date() - EPOCH.date()).days


@pytest.mark.parametrize(
    ("moment", "day"),
    [
        (datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC), -1),
        (EPOCH, 0),
        (datetime(1970, 1, 2, 1, tzinfo=timezone(timedelta(hours=2))), 0),
        (datetime(2026, 11, 23, 23, 59, tzinfo=UTC), 20_780),
    ],
)
def test_a_day_is_one_in_utc(moment, day):
    assert day_of(moment) == day


@pytest.mark.parametrize(
    ("ms", "text"),
    [
        (1_795_428_000_000, "2026-11-23T10:00:00.000Z"),
        (-1, "1969-12-31T23:59:59.999Z"),
        (-62_135_596_800_000, "0001-01-01T00:00:00.000Z"),
        (253_402_300_799_999, "9999-12-31T23:59:59.999Z"),
    ],
)
def test_a_moment_is_written_with_four_digits_of_a_year_and_three_of_a_second(ms, text):
    assert moment_text(ms) == text
