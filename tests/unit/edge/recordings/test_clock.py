import zoneinfo
from datetime import UTC, datetime, timedelta

import pytest

from dashlight.edge.recordings.clock import ClockSource, Wall, aligned
from dashlight.edge.recordings.telemetry import Reading, Telemetry, TelemetryClock
from dashlight.errors import InputError
from dashlight.model import LonLat

START = datetime(2025, 6, 1, 12, 0, 0, tzinfo=UTC)
NOW = datetime(2026, 1, 1, tzinfo=UTC)
ZONE = zoneinfo.ZoneInfo("Europe/Bucharest")  # UTC+3 in June
HOURS_3 = timedelta(hours=3)
BUCHAREST = LonLat(26.1, 44.43)


def telemetry_of(clock, *, ahead=timedelta(0), tied=True, whole=False, shifts=(), seconds=60, start=START):
    readings = tuple(
        Reading(
            BUCHAREST,
            clock_s=None if clock is TelemetryClock.NONE else (start + ahead).timestamp() + i,
            offset_s=float(i) if tied else None,
        )
        for i in range(seconds)
    )
    return Telemetry("test", readings, clock, is_whole_drive=whole, other_clock_shifts_s=shifts)


def naive(at):
    return at.replace(tzinfo=None)


def align(telemetry, *, named=None, created=None, modified_s=0.0, timezone=None, own=False, now=NOW):
    wall = Wall(named and naive(named), created and naive(created), modified_s, 60.0)
    alignment, fixes = aligned(telemetry, wall, zone_at=lambda _: ZONE, timezone=timezone, now=now, is_own_sidecar=own)
    return alignment, fixes


@pytest.mark.parametrize(
    ("ahead", "named", "created", "modified", "timezone"),
    [
        (HOURS_3, START + HOURS_3, None, None, None),
        (HOURS_3, None, START + HOURS_3, None, None),
        (HOURS_3, None, START + HOURS_3 + timedelta(seconds=60), None, None),
        (HOURS_3, None, START, None, None),
        (HOURS_3, None, None, START + timedelta(seconds=60), None),
        (HOURS_3, START + HOURS_3 + timedelta(minutes=4), START, None, None),
        (timedelta(0), START + HOURS_3, START, None, None),
        (timedelta(0), START + HOURS_3, None, None, None),
        (timedelta(0), None, START + HOURS_3, None, None),
        (timedelta(0), None, None, None, None),
        (timedelta(0), START, None, START + timedelta(seconds=60), None),
        (timedelta(0), START, START, None, UTC),
        (timedelta(hours=-7), START - timedelta(hours=7), None, None, zoneinfo.ZoneInfo("America/Los_Angeles")),
        (timedelta(0), START - timedelta(hours=7), None, None, zoneinfo.ZoneInfo("America/Los_Angeles")),
    ],
)
def test_local_and_utc_telemetry_come_out_as_the_same_utc(ahead, named, created, modified, timezone):
    telemetry = telemetry_of(TelemetryClock.LOCAL_OR_UTC, ahead=ahead)
    modified_s = modified.timestamp() if modified else 0.0

    alignment, fixes = align(telemetry, named=named, created=created, modified_s=modified_s, timezone=timezone)

    assert alignment.video_start == START
    assert alignment.source is ClockSource.RECEIVER
    assert fixes[0].at == START
    assert len(fixes) == 60
    assert "2025-06-01 12:00:00 UTC" in alignment.note


def test_the_note_names_the_zone_and_where_it_is_from():
    local = telemetry_of(TelemetryClock.LOCAL_OR_UTC, ahead=HOURS_3)

    by_position, _ = align(local, named=START + HOURS_3)
    by_setting, _ = align(local, named=START + HOURS_3, timezone=ZONE)

    assert (by_position.zone, by_position.offset_s) == ("Europe/Bucharest", -10_800.0)
    assert "zone Europe/Bucharest from the position" in by_position.note
    assert "zone Europe/Bucharest from your setting" in by_setting.note


def test_local_time_that_would_be_in_the_future_is_utc():
    telemetry = telemetry_of(TelemetryClock.LOCAL_OR_UTC)
    west = zoneinfo.ZoneInfo("America/Los_Angeles")

    alignment, _ = align(telemetry, named=START, timezone=west, now=START + timedelta(minutes=2))

    assert alignment.video_start == START
    assert "future" in alignment.note


@pytest.mark.parametrize(
    ("named", "created", "source"),
    [
        (START + HOURS_3, None, ClockSource.FILE_NAME),
        (START, None, ClockSource.FILE_NAME),
        (None, START, ClockSource.CONTAINER),
        (None, START + timedelta(seconds=60), ClockSource.CONTAINER),
        (None, START + HOURS_3, ClockSource.CONTAINER),
    ],
)
def test_a_log_of_a_day_is_placed_by_the_clocks_of_the_file(named, created, source):
    log = telemetry_of(TelemetryClock.UTC, tied=False, whole=True, seconds=400, start=START - timedelta(seconds=200))

    alignment, fixes = align(log, named=named, created=created)

    assert alignment.source is source
    assert abs(alignment.video_start - START) <= timedelta(seconds=60)
    assert all(abs(fix.at - START) <= timedelta(seconds=181) for fix in fixes)
    assert len(fixes) <= 181


def test_a_sidecar_of_the_same_name_starts_with_its_video_when_no_clock_fits():
    log = telemetry_of(TelemetryClock.UTC, tied=False, whole=True)

    alignment, _ = align(log, created=datetime(2016, 1, 1, tzinfo=UTC), own=True)

    assert (alignment.video_start, alignment.source) == (START, ClockSource.ASSUMED_START)
    assert "assumed" in alignment.note


def test_a_log_of_another_day_is_refused_with_both_times():
    log = telemetry_of(TelemetryClock.UTC, tied=False, whole=True)

    with pytest.raises(InputError, match="2025-06-01 12:00") as raised:
        align(log, named=datetime(2016, 1, 1, tzinfo=UTC))

    assert raised.value.code == "no-overlap"
    assert "2016-01-01" in raised.value.message


def test_positions_without_any_clock_are_refused():
    with pytest.raises(InputError) as raised:
        align(telemetry_of(TelemetryClock.NONE))

    assert raised.value.code == "no-time"


def test_positions_without_a_clock_take_the_files():
    alignment, fixes = align(telemetry_of(TelemetryClock.NONE), named=START + HOURS_3)

    assert alignment.video_start == START
    assert fixes[10].at == START + timedelta(seconds=10)


def test_a_clock_that_jumps_all_the_time_is_refused():
    readings = tuple(Reading(BUCHAREST, clock_s=START.timestamp() + 100.0 * i, offset_s=float(i)) for i in range(10))

    with pytest.raises(InputError) as raised:
        align(Telemetry("test", readings, TelemetryClock.UTC))

    assert raised.value.code == "clock-jumps"


@pytest.mark.parametrize("bias", [0.0, 8 * 3600.0])
def test_the_bias_of_70mai_firmware_is_found_by_the_files_name(bias):
    log = telemetry_of(TelemetryClock.UTC, tied=False, whole=True, ahead=timedelta(seconds=bias), shifts=(-8 * 3600.0,))

    alignment, _ = align(log, named=START + HOURS_3)

    assert alignment.video_start == START
    assert alignment.offset_s == -bias
