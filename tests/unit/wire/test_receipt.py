"""A receipt counts only when it is the server's own for this bundle."""

import pytest

from dashlight.errors import Corrupt
from dashlight.wire import (
    Receipt,
    bundle_key,
    decode_json,
    encode_json,
    encode_receipt,
    public_bytes,
    sign,
    to_base64url,
    verify_receipt,
)

SERVER = bundle_key(bytes(32), 0)
SHA256 = "ab" * 32
RECEIPT = Receipt(SHA256, 2, ("one", "two"))


def verified(encoded, *, key=SERVER, sha256=SHA256):
    return verify_receipt(encoded, server_key=public_bytes(key), sha256=sha256)


def signed(**changes):
    members = decode_json(encode_receipt(RECEIPT, SERVER)) | changes
    members.pop("signature")
    members = {k: v for k, v in members.items() if v is not ...}
    signature = to_base64url(sign(SERVER, "receipt", encode_json(members)))
    return encode_json({**members, "signature": signature})


@pytest.mark.parametrize("receipt", [RECEIPT, Receipt(SHA256, 10)])
def test_a_receipt_reads_as_it_was_signed(receipt):
    assert verified(encode_receipt(receipt, SERVER)) == receipt


def test_another_servers_receipt_is_refused():
    with pytest.raises(Corrupt, match="signature"):
        verified(encode_receipt(RECEIPT, bundle_key(bytes(32), 1)))


def test_another_bundles_receipt_is_refused():
    with pytest.raises(Corrupt, match="not cdcd"):
        verified(encode_receipt(RECEIPT, SERVER), sha256="cd" * 32)


def test_a_key_that_is_none_is_refused():
    with pytest.raises(Corrupt, match="signature"):
        verify_receipt(encode_receipt(RECEIPT, SERVER), server_key=b"short", sha256=SHA256)


@pytest.mark.parametrize(
    "encoded",
    [
        b"",
        b"<html>502 Bad Gateway</html>",
        b"{}",
        b"[]",
        b'"ok"',
        b" " * 70_000,
        encode_receipt(RECEIPT, SERVER)[:-1],
        encode_receipt(RECEIPT, SERVER) + b"\n",
        signed(version=2),
        signed(version=True),
        signed(bundle="AB" * 32),
        signed(bundle=7),
        signed(pictures=True),
        signed(pictures=0),
        signed(pictures="2"),
        signed(pictures=3),
        signed(picture_ids={}),
        signed(picture_ids=["x" * 41, "y"]),
        signed(picture_ids=[1, 2]),
        signed(picture_ids=...),
        signed(extra=1),
        encode_json({**decode_json(encode_receipt(RECEIPT, SERVER)), "signature": ["x"]}),
        encode_json({**decode_json(encode_receipt(RECEIPT, SERVER)), "signature": "AA"}),
    ],
)
def test_what_is_no_receipt_is_refused(encoded):
    with pytest.raises(Corrupt):
        verified(encoded)
