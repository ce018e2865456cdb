import contextlib

import cv2
import made_bundles
import numpy as np
import pytest
import simplejpeg
from hypothesis import given, settings
from hypothesis import strategies as st

from dashlight.errors import Corrupt
from dashlight.wire.jpeg import check_jpeg

PLAIN = made_bundles.jpeg(64, 36)


def check(content, width=64, height=36):
    check_jpeg(memoryview(content), width, height, "0000.jpg")


def with_segment(marker, payload):
    return PLAIN[:2] + bytes((0xFF, marker)) + (len(payload) + 2).to_bytes(2, "big") + payload + PLAIN[2:]


@pytest.mark.parametrize("subsampling", ["444", "422", "420", "440", "Gray"])
@pytest.mark.parametrize("quality", [1, 50, 85, 100])
def test_what_our_encoder_writes_passes(subsampling, quality):
    colorspace = "GRAY" if subsampling == "Gray" else "RGB"
    noise = np.random.default_rng(1).integers(0, 256, (97, 131, 1 if colorspace == "GRAY" else 3), np.uint8)

    content = simplejpeg.encode_jpeg(noise, quality=quality, colorspace=colorspace, colorsubsampling=subsampling)

    check(content, 131, 97)


def test_a_progressive_picture_with_restarts_passes():
    noise = np.random.default_rng(1).integers(0, 256, (97, 131, 3), np.uint8)
    options = [cv2.IMWRITE_JPEG_PROGRESSIVE, 1, cv2.IMWRITE_JPEG_RST_INTERVAL, 2]

    _, content = cv2.imencode(".jpg", noise, options)

    check(content.tobytes(), 131, 97)


def with_coded_data(coded):
    """Return a picture whose coded data is not what its header says: none of it is decoded here."""
    start = PLAIN.index(b"\xff\xda")
    return PLAIN[: start + 2 + int.from_bytes(PLAIN[start + 2 : start + 4])] + coded


@pytest.mark.parametrize("length", [*range(65_530, 65_542), *range(131_060, 131_080)])
def test_coded_data_of_any_length_ends_at_the_first_marker(length):
    check(with_coded_data((b"a\xff\0\xff\xd7" * 30_000)[:length].rstrip(b"\xff") + b"\xff\xd9"))
    with pytest.raises(Corrupt):
        check(with_coded_data((b"a\xff\0\xff\xd7" * 30_000)[:length].rstrip(b"\xff") + b"\xff\xd8" + PLAIN[2:]))


HIDDEN = {
    "Exif": with_segment(0xE1, b"Exif\0\0" + bytes(40)),
    "XMP": with_segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0<x/>"),
    "ICC": with_segment(0xE2, b"ICC_PROFILE\0\1\1" + bytes(40)),
    "comment": with_segment(0xFE, b"12 Main Street"),
    "application": with_segment(0xEF, b"anything"),
    "second JFIF": with_segment(0xE0, b"JFIF\0\1\1\0\0\1\0\1\0\0"),
    "JFIF thumbnail": PLAIN[:2] + b"\xff\xe0\x00\x13JFIF\0\1\1\0\0\1\0\1\1\1abc" + PLAIN[20:],
    "after the end": PLAIN + b"x",
    "second picture": PLAIN + PLAIN,
    "before the start": b"x" + PLAIN,
    "fill bytes": PLAIN[:2] + b"\xff" + PLAIN[2:],
    "no end": PLAIN[:-2],
    "empty": b"",
    "only a start": b"\xff\xd8",
    "no picture": b"\xff\xd8\xff\xd9",
    "segment to nowhere": b"\xff\xd8\xff\xdb\xff\xff",
    "segment without length": b"\xff\xd8\xff\xdb",
    "bad table": with_segment(0xDB, b"\x00" + bytes(63)),
    "huge Huffman table": with_segment(0xC4, b"\x00" + b"\xff" * 16),
    "too many segments": PLAIN[:20] + b"\xff\xdd\0\4\0\0" * 201 + PLAIN[20:],
    "scan without a frame": b"\xff\xd8\xff\xda\0\x08\1\1\0\0\x3f\0\xff\xd9",
    "four components": with_segment(0xC0, b"\x08\0\x24\0\x40\4" + bytes(12)),
    "missing Huffman symbols": with_segment(0xC4, b"\0\1" + bytes(15)),
    "quantisation table 9": with_segment(0xDB, b"\x09" + bytes(64)),
    "spare quantisation tables": with_segment(0xDB, b"\0" + bytes(range(64))),
    "spare Huffman tables": with_segment(0xC4, b"\0\1" + bytes(15) + b"x"),
    "arithmetic coding": with_segment(0xCC, b"\x00\x00"),
}


@pytest.mark.parametrize("what", HIDDEN)
def test_nothing_is_hidden_beside_the_picture(what):
    with pytest.raises(Corrupt) as caught:
        check(HIDDEN[what])

    assert caught.value.code in {"not-jpeg", "jpeg-metadata", "bad-size"}
    assert "0000.jpg" in caught.value.message


@pytest.mark.parametrize("size", [(63, 36), (64, 35), (36, 64)])
def test_a_picture_has_the_size_that_the_manifest_says(size):
    with pytest.raises(Corrupt, match="the manifest says"):
        check(PLAIN, *size)


@settings(max_examples=300)
@given(st.integers(0, len(PLAIN) - 1), st.binary(min_size=1, max_size=4))
def test_any_change_passes_or_is_our_error(at, patch):
    with contextlib.suppress(Corrupt):
        check(PLAIN[:at] + patch + PLAIN[at + len(patch) :])


@given(st.binary(max_size=200))
def test_any_bytes_are_our_error(content):
    with pytest.raises(Corrupt):
        check(b"\xff\xd8" + content)
