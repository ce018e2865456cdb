import json
import shutil
import subprocess
from datetime import UTC, datetime, timedelta

import pytest

from dashlight.edge.recordings.telemetry import (
    TelemetryClock,
    blackvue,
    camm,
    exiftool,
    gpmf,
    gpx,
    nmea,
    novatek,
    seventymai,
)
from dashlight.edge.recordings.telemetry.reading import KNOT_MPS
from dashlight.errors import Corrupt, HostError, TooLarge
from dashlight.model import Fix, LonLat, distance_m
from dashlight.sim.mux import (
    NovatekLayout,
    mux_camm,
    mux_gpmf,
    mux_novatek,
    mux_novatek_ts,
    write_70mai,
    write_blackvue,
    write_gpx,
    write_nmea,
)
from dashlight.sim.mux.mp4 import Box, Rewriter
from dashlight.sim.mux.sidecars import blackvue_log, sentence

START = datetime(2025, 6, 1, 12, 0, 0, tzinfo=UTC)
QUADRANTS = [
    LonLat(26.1, 44.43),
    LonLat(-122.4, 37.8),
    LonLat(151.2, -33.9),
    LonLat(-70.6, -33.4),
    LonLat(179.9999, 10.0),
]


def assert_same(telemetry, fixes, *, within_m, offset_within_s=None):
    assert len(telemetry.readings) == len(fixes)
    for reading, fix in zip(telemetry.readings, fixes, strict=True):
        assert distance_m(reading.position, fix.position) < within_m
        assert reading.is_valid
        assert reading.speed_mps == pytest.approx(fix.speed_mps, abs=0.02)
        if offset_within_s is not None:
            assert reading.offset_s == pytest.approx((fix.at - START).total_seconds(), abs=offset_within_s)


@pytest.mark.parametrize("layout", list(NovatekLayout))
@pytest.mark.parametrize("origin", QUADRANTS)
def test_novatek_blocks_of_every_layout_and_hemisphere_are_read(tmp_path, clip, drive, layout, origin):
    fixes = drive(7, origin=origin)

    telemetry = novatek.read(mux_novatek(clip, fixes, tmp_path / "v.mp4", layout=layout))

    assert telemetry.clock is TelemetryClock.LOCAL_OR_UTC
    assert_same(telemetry, fixes, within_m=10.0 if abs(origin.lon) > 100 else 2.0, offset_within_s=0.11)
    assert [reading.clock_s for reading in telemetry.readings] == [fix.at.timestamp() for fix in fixes]


@pytest.mark.parametrize(("day", "hour"), [(3, 16), (12, 12), (25, 6), (1, 1)])
@pytest.mark.parametrize("layout", [NovatekLayout.A119, NovatekLayout.YEAR_FIRST])
def test_the_order_of_a_novatek_time_is_found_even_where_both_are_times(tmp_path, clip, drive, layout, day, hour):
    fixes = drive(7, start=datetime(2021, 9, day, hour, 11, 20, tzinfo=UTC))

    telemetry = novatek.read(mux_novatek(clip, fixes, tmp_path / "v.mp4", layout=layout))

    assert [reading.clock_s for reading in telemetry.readings] == [fix.at.timestamp() for fix in fixes]


def test_unlisted_novatek_blocks_are_searched_for(tmp_path, clip, drive):
    fixes = drive(7)

    telemetry = novatek.read(mux_novatek(clip, fixes, tmp_path / "v.mp4", is_listed=False))

    assert_same(telemetry, fixes, within_m=2.0, offset_within_s=0.11)


def test_novatek_records_in_a_transport_stream_are_read(tmp_path, clip, drive):
    fixes = drive(7)

    telemetry = novatek.read(mux_novatek_ts(clip, fixes, tmp_path / "v.ts"))

    assert_same(telemetry, fixes, within_m=2.0, offset_within_s=0.01)


def test_a_novatek_without_a_fix_is_kept_as_not_valid(tmp_path, clip, drive):
    fixes = drive(7)
    fixes[:3] = [Fix(fix.at, LonLat(0.0, 0.0), is_valid=False) for fix in fixes[:3]]

    telemetry = novatek.read(mux_novatek(clip, fixes, tmp_path / "v.mp4"))

    assert [reading.is_valid for reading in telemetry.readings] == [False] * 3 + [True] * 5


def test_scrambled_novatek_blocks_are_told_as_such(tmp_path, clip, drive):
    path = mux_novatek(clip, drive(7), tmp_path / "v.mp4")
    content = path.read_bytes()
    path.write_bytes(content.replace(b"ANE\0", b"\x13\x37\x42\x99"))

    with pytest.raises(Corrupt, match="8 freeGPS blocks") as raised:
        novatek.read(path)

    assert "exiftool" in raised.value.hint


def test_a_video_without_telemetry_has_none(clip):
    for reader in (novatek.read, gpmf.read, camm.read, blackvue.read_embedded):
        assert reader(clip) is None


@pytest.mark.parametrize("layout", [NovatekLayout.A119, NovatekLayout.A119_V3, NovatekLayout.S1])
def test_the_muxed_novatek_reads_the_same_with_exiftool(tmp_path, shared_recordings, drive, layout):
    program = shutil.which("exiftool")
    if program is None:
        pytest.skip("exiftool is not installed: the independent reader is missing")
    fixes = drive(7, origin=LonLat(-70.6, -33.4))
    path = mux_novatek(shared_recordings / "solidWhiteRight.mp4", fixes, tmp_path / "v.mp4", layout=layout)

    command = [program, "-ee", "-n", "-json", "-G3", "-GPS*", str(path)]
    said = subprocess.run(command, capture_output=True, check=True, timeout=60)

    theirs, ours = exiftool.parsed(said.stdout), novatek.read(path)
    assert len(theirs.readings) == len(fixes)
    for their, our in zip(theirs.readings, ours.readings, strict=True):
        assert distance_m(their.position, our.position) < 0.01
        assert their.clock_s == our.clock_s
        assert their.speed_mps == pytest.approx(our.speed_mps, abs=0.01)


def test_the_muxed_video_has_every_frame_of_its_source(tmp_path, clip, drive):
    import av  # noqa: PLC0415

    paths = [
        clip,
        mux_novatek(clip, drive(7), tmp_path / "n.mp4"),
        mux_camm(clip, drive(7), tmp_path / "c.mp4"),
        mux_gpmf(clip, drive(7, rate=10), tmp_path / "g.mp4"),
    ]
    seen = []
    for path in paths:
        with av.open(str(path)) as container:
            seen.append([(frame.pts, bytes(frame.planes[0])) for frame in container.decode(video=0)])

    assert len(seen[0]) == 80
    assert seen[1] == seen[2] == seen[3] == seen[0]


@pytest.mark.parametrize("late_s", [0.0, 0.4, 2.0])
def test_camm_is_read_with_its_offsets(tmp_path, clip, drive, late_s):
    fixes = drive(5, rate=5, start=START + timedelta(seconds=late_s))

    telemetry = camm.read(mux_camm(clip, fixes, tmp_path / "v.mp4", video_start=START))

    assert telemetry.clock is TelemetryClock.UTC
    assert_same(telemetry, fixes, within_m=0.01, offset_within_s=0.02)
    assert [r.clock_s for r in telemetry.readings] == pytest.approx([f.at.timestamp() for f in fixes], abs=1e-3)
    assert telemetry.readings[0].accuracy_m == 3.0


def test_gpmf_is_read_with_its_offsets(tmp_path, clip, drive):
    fixes = drive(7, rate=10)

    telemetry = gpmf.read(mux_gpmf(clip, fixes, tmp_path / "v.mp4"))

    assert telemetry.clock is TelemetryClock.UTC
    assert_same(telemetry, fixes, within_m=0.05, offset_within_s=0.02)
    assert telemetry.readings[0].accuracy_m == pytest.approx(3.0, abs=0.05)
    assert telemetry.readings[0].clock_s == START.timestamp()


def test_the_gopro_max_tells_its_191_positions(shared_recordings):
    telemetry = gpmf.read(shared_recordings / "max-heromode.mp4")

    assert len(telemetry.readings) == 191
    assert telemetry.readings[0].position == LonLat(-117.3273436, 33.12677)


def test_gpx_is_read(tmp_path, drive):
    fixes = drive(30)

    telemetry = gpx.read(write_gpx(fixes, tmp_path / "t.gpx"))

    assert (telemetry.clock, telemetry.is_whole_drive) == (TelemetryClock.UTC, True)
    assert [r.clock_s for r in telemetry.readings] == [f.at.timestamp() for f in fixes]
    assert max(distance_m(r.position, f.position) for r, f in zip(telemetry.readings, fixes, strict=True)) < 0.01
    assert telemetry.readings[0].accuracy_m == pytest.approx(3.0, abs=0.05)


def test_the_shared_gpx_is_read(shared_recordings):
    assert len(gpx.read(shared_recordings / "sf_30km_h.gpx").readings) == 49


@pytest.mark.parametrize(
    "text",
    [
        "not xml",
        "<gpx",
        "<gpx><trk><trkseg><trkpt lat='x' lon='1'/></trkseg></trk></gpx>",
        '<!DOCTYPE g [<!ENTITY a "b">]><gpx/>',
    ],
)
def test_a_damaged_gpx_is_told(text):
    with pytest.raises(Corrupt):
        gpx.parsed(text)


def test_gpx_without_times_has_no_positions():
    text = '<gpx version="1.1"><trk><trkseg><trkpt lat="1" lon="1"/></trkseg></trk></gpx>'

    assert gpx.parsed(text) is None


@pytest.mark.parametrize("origin", QUADRANTS)
def test_nmea_is_read(tmp_path, drive, origin):
    fixes = drive(30, origin=origin)

    telemetry = nmea.read(write_nmea(fixes, tmp_path / "t.nmea"))

    assert_same(telemetry, fixes, within_m=0.1)
    assert [r.clock_s for r in telemetry.readings] == [f.at.timestamp() for f in fixes]
    assert telemetry.readings[3].accuracy_m == pytest.approx(3.0, abs=0.05)
    assert telemetry.readings[3].altitude_m == 80.0


def test_nmea_goes_over_midnight_and_the_turn_of_the_year(drive):
    fixes = drive(10, start=datetime(2025, 12, 31, 23, 59, 55, tzinfo=UTC))
    from dashlight.sim.mux.sidecars import sentences_of  # noqa: PLC0415

    telemetry = nmea.parsed("\n".join(line for fix in fixes for line in sentences_of(fix)))

    assert [r.clock_s for r in telemetry.readings] == [f.at.timestamp() for f in fixes]


@pytest.mark.parametrize(
    "line",
    [
        "$GPRMC,120000.00,A,4425.80000,N,02606.00000,E,29.158,45.00,010625,,,A*00",
        "$GPRMC,120000.00,A,4425.80000,N,02606.00000,E,29.158,45.00,010625,,,A",
        "$GPRMC,120000.00,A,4425.80000,N,02606.00000,E,29.158,45.00,010625,,,A*",
        "garbage$GNRMC,120000.00,A,4425.80000,N,02606.00000,E,29.158,45.00,010625,,,A*7",
    ],
)
def test_nmea_is_lenient_with_checksums(line):
    telemetry = nmea.parsed(f"$GSENSOR,1,2,3\n{line}\n$GPRMC,broken\n")

    reading = telemetry.readings[0]
    assert distance_m(reading.position, LonLat(26.1, 44.43)) < 0.1
    assert reading.clock_s == START.timestamp()
    assert reading.speed_mps == pytest.approx(29.158 * KNOT_MPS)


def test_nmea_without_a_fix_is_kept_as_not_valid():
    telemetry = nmea.parsed(sentence("GPRMC,120000.00,V,,,,,,,010625,,,N"))

    assert [reading.is_valid for reading in telemetry.readings] == [False]


def test_text_without_sentences_is_no_nmea():
    assert nmea.parsed("Dear diary, $GPRMC is a sentence") is None


def test_a_70mai_log_is_read_and_the_lines_of_a_clip_are_found(tmp_path, drive):
    first, second = drive(5), drive(5, start=START + timedelta(hours=3))
    log = write_70mai(
        [("NO20250601-150000-000001F.MP4", START, first), ("NO20250601-180000-000002F.MP4", START, second)],
        tmp_path / "GPSData000001.txt",
    )

    everything = seventymai.read(log)
    rear = seventymai.read(log, "NO20250601-180000-000002B.MP4")

    assert_same(everything, [*first, *second], within_m=0.2)
    assert [r.clock_s for r in rear.readings] == [f.at.timestamp() for f in second]
    assert seventymai.parsed("1,A,2,3,4,5") is None


def test_blackvue_is_read_beside_and_inside_the_video(tmp_path, clip, drive):
    fixes = drive(7)
    beside = blackvue.read(write_blackvue(fixes, tmp_path / "v.gps", utc_offset=timedelta(hours=3)))
    rewriter = Rewriter(clip)
    rewriter.write(tmp_path / "v.mp4")
    text = blackvue_log(fixes, utc_offset=timedelta(hours=3)).encode()
    rewriter.finish(tmp_path / "v.mp4", trailing=[Box(b"free", Box(b"gps ", text).encoded())])
    inside = blackvue.read_embedded(tmp_path / "v.mp4")

    for telemetry in (beside, inside):
        assert_same(telemetry, fixes, within_m=0.1, offset_within_s=0.001)
        assert [r.clock_s for r in telemetry.readings] == [f.at.timestamp() for f in fixes]


def test_exiftools_output_is_read():
    output = [
        {
            "SourceFile": "v.mp4",
            "Main:GPSLatitude": 1.0,
            "Doc1:GPSLatitude": 44.43,
            "Doc1:GPSLongitude": 26.1,
            "Doc1:GPSDateTime": "2025:06:01 12:00:00Z",
            "Doc1:GPSSpeed": 54.0,
            "Doc1:SampleTime": 0.0,
            "Doc2:GPSLatitude": 44.4301,
            "Doc2:GPSLongitude": 26.1001,
            "Doc3:GPSLatitude": "44 deg",
        }
    ]

    telemetry = exiftool.parsed(json.dumps(output).encode())

    assert len(telemetry.readings) == 2
    assert telemetry.readings[0].speed_mps == pytest.approx(15.0)
    assert telemetry.readings[0].clock_s == START.timestamp()
    assert telemetry.readings[1].clock_s is None


@pytest.mark.parametrize("output", [b"{}", b"[1]", b"[", b"\xff", b"[[[]]]", b"null"])
def test_nonsense_of_exiftool_is_told(output):
    with pytest.raises(Corrupt):
        exiftool.parsed(output)


def test_sidecars_are_bounded_and_missing_ones_are_told(tmp_path):
    path = tmp_path / "huge.gpx"
    with path.open("wb") as file:
        file.truncate(300 * 2**20)

    with pytest.raises(TooLarge, match="268435456"):
        gpx.read(path)
    with pytest.raises(HostError):
        nmea.read(tmp_path / "gone.nmea")
