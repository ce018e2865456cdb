"""Invites, credentials and tokens."""

from dashlight.store.tokens import SECRET_BYTES, new_secret
from dashlight.wire import from_base64url


def test_no_secret_begins_as_a_flag_does():
    drawn = iter([b"\xf8" + bytes(31), b"\xfb" + bytes(31), b"\x00" + bytes(31)])

    secret = new_secret(draw=lambda _: next(drawn))

    assert not secret.startswith("-")
    assert from_base64url(secret, size=SECRET_BYTES) == bytes(32)


def test_secrets_differ():
    assert new_secret() != new_secret()
