"""Parsers of hostile bytes raise only our errors, and what they return is within bounds."""

import contextlib
import math
import struct
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from dashlight.edge.recordings.names import named
from dashlight.edge.recordings.telemetry import blackvue, camm, exiftool, gpmf, gpx, nmea, novatek, seventymai
from dashlight.edge.recordings.telemetry.boxes import boxes_in, find_box
from dashlight.edge.recordings.telemetry.transport import private_payloads
from dashlight.errors import DashlightError
from dashlight.model import Fix, LonLat
from dashlight.sim.mux.camm import sample_of
from dashlight.sim.mux.gpmf import payload_of
from dashlight.sim.mux.mp4 import Box, TimedTrack, _trak
from dashlight.sim.mux.novatek import NovatekLayout, block_of
from dashlight.sim.mux.sidecars import blackvue_log, sentences_of

START = datetime(2025, 6, 1, 12, 0, 0, tzinfo=UTC)
FIXES = [Fix(START + timedelta(seconds=i), LonLat(26.1 + i / 1e4, 44.43), 15.0, 90.0, 3.0) for i in range(4)]
NMEA = "\r\n".join(line for fix in FIXES for line in sentences_of(fix))
BLACKVUE = blackvue_log(FIXES)
CARD = "$V02\n" + "\n".join(f"{1748750400 + i},A,44.43,26.1,9000,1500,0,0,0,NO20250601-150000-1F.MP4" for i in range(4))
GPX = (
    '<gpx version="1.1"><trk><trkseg>'
    + "".join(f'<trkpt lat="44.43" lon="26.1"><time>2025-06-01T12:00:0{i}Z</time></trkpt>' for i in range(4))
    + "</trkseg></trk></gpx>"
)
EXIFTOOL = '[{"Doc1:GPSLatitude": 44.43, "Doc1:GPSLongitude": 26.1, "Doc1:GPSDateTime": "2025:06:01 12:00:00Z"}]'

mutations = st.lists(st.tuples(st.integers(0, 1 << 20), st.binary(min_size=0, max_size=6)), max_size=8)
relaxed = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def mutated(content, changes):
    out = bytearray(content)
    for place, patch in changes:
        at = place % (len(out) + 1)
        out[at : at + max(1, len(patch))] = patch
    return bytes(out)


def check(telemetry):
    if telemetry is None:
        return
    assert telemetry.readings
    for reading in telemetry.readings:
        assert reading.clock_s is None or math.isfinite(reading.clock_s)
        assert reading.speed_mps is None or reading.speed_mps >= 0.0
        assert reading.course_deg is None or 0.0 <= reading.course_deg < 360.0


def parse(parser, *arguments):
    with contextlib.suppress(DashlightError):
        check(parser(*arguments))


@pytest.mark.parametrize(
    ("parser", "seed"),
    [
        (nmea.parsed, NMEA),
        (blackvue.parsed, BLACKVUE),
        (seventymai.parsed, CARD),
        (gpx.parsed, GPX),
    ],
    ids=["nmea", "blackvue", "70mai", "gpx"],
)
@relaxed
@given(changes=mutations)
def test_damaged_text_raises_only_our_errors(parser, seed, changes):
    parse(parser, mutated(seed.encode(), changes).decode("utf-8", "replace"))


@pytest.mark.parametrize("parser", [nmea.parsed, blackvue.parsed, seventymai.parsed, gpx.parsed])
@relaxed
@given(text=st.text(max_size=400))
def test_any_text_raises_only_our_errors(parser, text):
    parse(parser, text)
    parse(parser, "$V02\n" + text)


@relaxed
@given(
    fields=st.lists(st.text("0123456789.-NSEWAV", max_size=14), min_size=0, max_size=13),
    kind=st.sampled_from(["GPRMC", "GNGGA"]),
)
@example(fields=["240000.00", "A", "9999.99", "N", "18100.0", "E", "1e9", "400", "320199"], kind="GPRMC")
@example(fields=["235960.00", "A", "4425.8", "N", "02606.0", "E", "-1", "-1", "290223"], kind="GPRMC")
def test_any_sentence_raises_only_our_errors(fields, kind):
    parse(nmea.parsed, f"${kind}," + ",".join(fields))


@relaxed
@given(changes=mutations)
def test_exiftools_output_raises_only_our_errors(changes):
    parse(exiftool.parsed, mutated(EXIFTOOL.encode(), changes))


@pytest.mark.parametrize("layout", list(NovatekLayout))
@relaxed
@given(changes=mutations)
def test_damaged_novatek_blocks_raise_only_our_errors(layout, changes):
    blocks = [mutated(block_of(fix, utc_offset=timedelta(0), layout=layout, size_bytes=256), changes) for fix in FIXES]

    parse(novatek.telemetry_of, blocks, [float(i) for i in range(len(blocks))])


@relaxed
@given(content=st.binary(max_size=256), letters=st.sampled_from([b"ANE\0", b"VSW\0", b"A\0\0\0", b"V\0\0\0"]))
def test_any_novatek_block_raises_only_our_errors(content, letters):
    for at in (16, 0x1C, 0x28, 0x3C, 0x48):
        parse(novatek.telemetry_of, [content[:at].ljust(at, b"\1") + letters + content], [None])


@relaxed
@given(changes=mutations, size=st.sampled_from([4, 64, 1024]))
def test_damaged_boxes_raise_only_our_errors(changes, size):
    block = block_of(FIXES[0], utc_offset=timedelta(0), layout=NovatekLayout.A119, size_bytes=256)
    listing = Box(b"moov", Box(b"gps ", struct.pack(">4I", 0, 1, 8, 256)).encoded()).encoded()
    content = mutated(Box(b"mdat", block * size).encoded()[:4096] + listing, changes)

    for start, length in novatek.blocks_of_mp4(content):
        assert 0 <= start < len(content)
        assert length >= 92
    for box in boxes_in(content):
        assert box.start <= box.end <= len(content)
    find_box(content, b"moov", b"gps ")


@relaxed
@given(packets=st.lists(st.binary(min_size=187, max_size=187), min_size=4, max_size=12))
def test_any_transport_stream_raises_only_our_errors(packets):
    content = b"".join(b"\x47" + packet for packet in packets)

    for payload, offset_s in private_payloads(content):
        assert len(payload) < 8192
        assert offset_s is None or math.isfinite(offset_s)


def _container(handler, entry, samples):
    """Return a file of one telemetry track, its samples first."""
    body = b"".join(samples)
    offsets, at = [], 8
    for sample in samples:
        offsets.append(at)
        at += len(sample)
    track = TimedTrack(handler, entry, [(float(i), sample) for i, sample in enumerate(samples)], b"x")
    header = Box(b"mvhd", struct.pack(">5I", 0, 0, 0, 1000, 4000) + bytes(80))
    trak = _trak(track, offsets, number=1)
    moov = Box(b"moov", children=[header, trak], is_container=True)
    return Box(b"mdat", body).encoded() + moov.encoded()


@pytest.mark.parametrize(
    ("reader", "content"),
    [
        (camm.read, _container(b"camm", b"camm", [sample_of(fix) for fix in FIXES])),
        (gpmf.read, _container(b"meta", b"gpmd", [payload_of([fix]) for fix in FIXES])),
        (novatek.read, Box(b"mdat", block_of(FIXES[0], utc_offset=timedelta(0), layout=NovatekLayout.A119)).encoded()),
        (blackvue.read_embedded, Box(b"free", Box(b"gps ", BLACKVUE.encode()).encoded()).encoded()),
    ],
    ids=["camm", "gpmf", "novatek", "blackvue"],
)
@relaxed
@given(changes=mutations)
@example(changes=[])
def test_damaged_files_raise_only_our_errors(tmp_path, reader, content, changes):
    path = tmp_path / "v.mp4"
    path.write_bytes(mutated(content, changes))

    if changes:
        parse(reader, path)
    else:
        assert reader(path) is not None


@given(stem=st.text(max_size=60), folders=st.lists(st.text(max_size=20), max_size=4))
@example(stem="20260230_250000", folders=[])
@example(stem="٢٠٢٦٠٢١٥_١٤٤١٢٠", folders=[])
def test_any_name_is_a_name(stem, folders):
    told = named(stem, folders)

    assert told.at is None or told.at.tzinfo is None
