"""One value, one spelling; one seed, many keys."""

import math

import pytest

from dashlight.errors import Corrupt, InputError
from dashlight.wire import (
    bundle_key,
    captured_from_text,
    captured_to_text,
    decode_json,
    deletion_secret,
    encode_json,
    from_base64url,
    public_bytes,
    to_base64url,
)


def test_members_are_sorted_and_numbers_are_short():
    assert encode_json({"b": 1.0, "a": [True, None, "é"]}) == '{"a":[true,null,"é"],"b":1}'.encode()


@pytest.mark.parametrize("value", [math.nan, math.inf, 2**53, "\ud800", {1: 2}])
def test_what_json_cannot_say_is_refused(value):
    with pytest.raises(Corrupt):
        encode_json(value)


def test_a_value_nested_beyond_reason_is_refused():
    value: list = []
    for _ in range(100_000):
        value = [value]

    with pytest.raises(Corrupt):
        encode_json(value)


OTHER_SPELLINGS = [
    *(b'{"b":1,"a":2}', b'{"a":2,"A":1}', b'{"a":1,"a":1}', b" 1", b"[1, 2]", b"[1,]", b"\xff\xfe1\0", b"Infinity"),
    *(b"1.0", b"-0", b"-0.0", b"0.10", b"1e2", b"1E400", b"1e-5", b"1e16", b"1.0000000000000000001"),
    *(b"9007199254740992", b"1" * 5_000, b'"\\u00e9"', b'"\\u001F"', b'"\\u000a"', b'"\\/"', b'"\\ud800"'),
]


@pytest.mark.parametrize("text", OTHER_SPELLINGS)
def test_json_in_another_spelling_is_refused(text):
    with pytest.raises(Corrupt):
        decode_json(text)


@pytest.mark.parametrize("raw", [b"", b"\0", b"\xfb\xff", bytes(32)])
def test_base64url_has_no_padding_and_one_spelling(raw):
    text = to_base64url(raw)

    assert "=" not in text
    assert from_base64url(text, size=len(raw)) == raw


@pytest.mark.parametrize("text", ["A", "AB", "AA==", "+/8", "A A", "é", "AAAA\n"])
def test_another_spelling_of_base64url_is_refused(text):
    with pytest.raises(Corrupt):
        from_base64url(text)


def test_a_wrong_length_is_named():
    with pytest.raises(Corrupt, match="3 bytes where 32"):
        from_base64url("AAAA", size=32)


def test_each_bundle_has_its_own_key_and_each_picture_its_own_secret():
    seed = bytes(32)

    assert len({public_bytes(bundle_key(seed, n)) for n in range(50)}) == 50
    assert len({deletion_secret(seed, b, p) for b in range(10) for p in range(10)}) == 100


def test_a_seed_of_another_length_is_refused():
    with pytest.raises(InputError, match="31 bytes; 32"):
        bundle_key(bytes(31), 0)


@pytest.mark.parametrize("text", ["0999-01-02T03:04:05.006Z", "2026-11-23T10:00:00.000Z", "2026-W48", "2026-11"])
def test_a_time_has_one_spelling(text):
    assert captured_to_text(captured_from_text(text)) == text
