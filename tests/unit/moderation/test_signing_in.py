"""What signing in rests on: origins, challenges, and parsers of bytes that nobody meant well."""

import contextlib
import json

import pytest
from authenticators import Authenticator, tampered
from hypothesis import given
from hypothesis import strategies as st

from dashlight.errors import InputError, Unauthorized
from dashlight.moderation import passkeys
from dashlight.moderation.challenges import LIFE_S, Challenges
from dashlight.moderation.origins import Origin, check_same_origin, origin_of
from dashlight.store.operators import Passkey
from dashlight.wire import to_base64url

HERE = Origin("https://map.example.org", "map.example.org", is_secure=True)
NOW_MS = 1_800_000_000_000
CHALLENGES = Challenges(bytes(32))
CHALLENGE = CHALLENGES.new("sign-in", now_ms=NOW_MS)
DEVICE = Authenticator(HERE.text)
MADE = DEVICE.make(passkeys.creation_options(HERE, CHALLENGE, instance="x", label="y", known=[]))
KEY = passkeys.verified_passkey(MADE, HERE, CHALLENGE, label="y")
SIGNED = DEVICE.sign(passkeys.request_options(HERE, CHALLENGE))


@pytest.mark.parametrize(
    ("public_url", "host", "text"),
    [
        ("https://Map.Example.org/", "ignored", "https://map.example.org"),
        ("https://map.example.org:8443/x", "", "https://map.example.org:8443"),
        ("https://map.example.org:443", "", "https://map.example.org"),
        ("", "localhost:8400", "http://localhost:8400"),
        ("", "localhost", "http://localhost"),
        ("http://localhost:80", "", "http://localhost"),
    ],
)
def test_passkeys_belong_to_a_name_with_https_or_to_this_machine(public_url, host, text):
    assert origin_of(public_url, host).text == text


@pytest.mark.parametrize(
    ("public_url", "host"),
    [
        ("", "map.example.org"),
        ("", "127.0.0.1:8400"),
        ("", "localhost.evil.example"),
        ("", "evil.example/localhost"),
        ("", ""),
        ("", "x@localhost"),
        ("", "localhost:99999999"),
        ("", "localhost:99999"),
        ("", "[::1"),
        ("http://map.example.org", "localhost"),
        ("https://192.0.2.1", ""),
        ("https://[2001:db8::1]", ""),
    ],
)
def test_elsewhere_nobody_signs_in(public_url, host):
    with pytest.raises(InputError) as caught:
        origin_of(public_url, host)

    assert caught.value.code == "no-passkeys-here"


@given(st.text(max_size=60))
def test_a_host_header_never_breaks_anything(host):
    with contextlib.suppress(InputError):
        assert origin_of("", host).domain == "localhost"


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "same-origin", "origin": HERE.text},
        {"sec-fetch-site": "same-origin", "origin": "null"},
        {"sec-fetch-site": "same-origin"},
        {"origin": HERE.text},
    ],
)
def test_our_own_page_may_act(headers):
    check_same_origin(HERE, headers)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"origin": "null"},
        {"sec-fetch-site": "none"},
        {"sec-fetch-site": "same-site", "origin": HERE.text},
        {"sec-fetch-site": "same-origin", "origin": "https://evil.example"},
        {"origin": "http://map.example.org"},
        {"origin": "https://map.example.org.evil.example"},
    ],
)
def test_nobody_else_may(headers):
    with pytest.raises(Unauthorized):
        check_same_origin(HERE, headers)


def test_a_challenge_is_known_for_its_purpose_and_its_time():
    made = CHALLENGES.new("sign-in", now_ms=NOW_MS)

    assert CHALLENGES.known(made.content, "sign-in", now_ms=NOW_MS + LIFE_S * 1000 - 1) == made
    for content, purpose, now_ms, challenges in (
        (made.content, "enrol", NOW_MS, CHALLENGES),
        (made.content, "sign-in", NOW_MS + LIFE_S * 1000, CHALLENGES),
        (made.content, "sign-in", NOW_MS, Challenges(bytes(31) + b"x")),
        (made.content[:-1], "sign-in", NOW_MS, CHALLENGES),
        (made.content + b"x", "sign-in", NOW_MS, CHALLENGES),
        (b"", "sign-in", NOW_MS, CHALLENGES),
    ):
        with pytest.raises(Unauthorized):
            challenges.known(content, purpose, now_ms=now_ms)


@given(st.integers(0, 55), st.integers(1, 255))
def test_a_challenge_that_was_changed_is_not_ours(at, by):
    content = bytearray(CHALLENGE.content)
    content[at] ^= by

    with pytest.raises(Unauthorized):
        CHALLENGES.known(bytes(content), "sign-in", now_ms=NOW_MS)


def test_the_true_signature_is_taken():
    passkeys.check_signature(SIGNED, HERE, CHALLENGE, KEY)


@pytest.mark.parametrize("part", ["clientDataJSON", "authenticatorData", "signature"])
def test_a_changed_one_is_not(part):
    with pytest.raises(Unauthorized):
        passkeys.check_signature(tampered(SIGNED, part), HERE, CHALLENGE, KEY)


def test_a_signature_for_another_place_or_by_another_key_is_not_taken():
    elsewhere = Origin("https://evil.example", "evil.example", is_secure=True)
    other = Authenticator(HERE.text)
    made = other.make(passkeys.creation_options(HERE, CHALLENGE, instance="x", label="y", known=[]))
    key = passkeys.verified_passkey(made, HERE, CHALLENGE, label="y")

    for origin, passkey in ((elsewhere, KEY), (HERE, key), (HERE, Passkey(KEY.id, b"", "y"))):
        with pytest.raises(Unauthorized):
            passkeys.check_signature(SIGNED, origin, CHALLENGE, passkey)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20) | st.binary(max_size=80).map(to_base64url),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=8,
)
PARTS = st.sampled_from(["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"])
SHAPED = st.fixed_dictionaries(
    {},
    optional={
        "id": JSON,
        "rawId": JSON,
        "type": st.just("public-key") | JSON,
        "response": st.dictionaries(PARTS, JSON, max_size=5) | JSON,
        "authenticatorAttachment": JSON,
        "clientExtensionResults": JSON,
    },
)


@given(SHAPED)
def test_what_no_browser_sends_raises_only_our_errors(credential):
    for call in (
        lambda: passkeys.challenge_in(credential),
        lambda: passkeys.id_in(credential),
        lambda: passkeys.verified_passkey(credential, HERE, CHALLENGE, label="y"),
        lambda: passkeys.check_signature(credential, HERE, CHALLENGE, KEY),
    ):
        with contextlib.suppress(Unauthorized):
            call()


@given(st.binary(max_size=300))
def test_hostile_attestations_raise_only_our_errors(content):
    credential = {**MADE, "response": {**MADE["response"], "attestationObject": to_base64url(content)}}

    with pytest.raises(Unauthorized):
        passkeys.verified_passkey(credential, HERE, CHALLENGE, label="y")


@given(st.integers(0, 170), st.binary(min_size=1, max_size=8))
def test_damaged_attestations_raise_only_our_errors(at, by):
    attestation = bytearray(passkeys.from_base64url(MADE["response"]["attestationObject"]))
    attestation[at : at + len(by)] = by
    credential = {**MADE, "response": {**MADE["response"], "attestationObject": to_base64url(bytes(attestation))}}

    with contextlib.suppress(Unauthorized):
        passkeys.verified_passkey(credential, HERE, CHALLENGE, label="y")


@given(st.binary(max_size=120))
def test_hostile_authenticator_data_raises_only_our_errors(content):
    credential = {**SIGNED, "response": {**SIGNED["response"], "authenticatorData": to_base64url(content)}}

    with pytest.raises(Unauthorized):
        passkeys.check_signature(credential, HERE, CHALLENGE, KEY)


def test_options_tell_no_passkey_to_whoever_asks():
    options = json.dumps(passkeys.request_options(HERE, CHALLENGE))

    assert to_base64url(KEY.id) not in options
