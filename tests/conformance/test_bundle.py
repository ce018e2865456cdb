"""A bundle is read by programs that know nothing of dashlight but docs/reference/bundle.md."""

import base64
import hashlib
import io
import json
import subprocess
from pathlib import Path

import av
import numpy as np
import pytest
from made_bundles import SEED, archive

from dashlight.wire import Receipt, bundle_key, deletion_commitment, deletion_secret, encode_json, encode_receipt

GOLDEN = sorted((Path(__file__).parents[1] / "golden").glob("bundle-*.tar"))
ED25519_DER = bytes.fromhex("302a300506032b6570032100")  # RFC 8410, section 4
CANONICAL = """
import {readFileSync} from "node:fs";
const written = (value) =>
  Array.isArray(value) ? `[${value.map(written)}]`
  : value !== null && typeof value === "object"
    ? `{${Object.keys(value).sort().map((key) => `${JSON.stringify(key)}:${written(value[key])}`)}}`
    : JSON.stringify(value);
process.stdout.write(written(JSON.parse(readFileSync(0, "utf8"))));
"""


def decoded(text):
    """Return the bytes of base64url without padding."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


@pytest.fixture
def extracted(program, tmp_path):
    """Return a function that has tar unpack a bundle, and returns the folder and the names in their order."""

    def unpack(bundle):
        (tmp_path / "bundle.tar").write_bytes(bundle)
        command = [program("tar"), "-xvf", "bundle.tar"]
        said = subprocess.run(command, cwd=tmp_path, capture_output=True, check=True, timeout=60, text=True)
        assert said.stderr == ""
        return tmp_path, said.stdout.split()

    return unpack


@pytest.fixture
def openssl(program, tmp_path):
    """Return a function that has openssl say whether a signature holds."""

    def holds(public_key, message, signature):
        (tmp_path / "key.der").write_bytes(ED25519_DER + public_key)
        (tmp_path / "message").write_bytes(message)
        (tmp_path / "signature").write_bytes(signature)
        command = [program("openssl"), "pkeyutl", "-verify", "-pubin", "-keyform", "DER", "-inkey", "key.der"]
        command += ["-rawin", "-in", "message", "-sigfile", "signature"]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, timeout=60, check=False).returncode == 0

    return holds


@pytest.mark.parametrize("stored", GOLDEN, ids=lambda path: path.stem)
def test_tar_unpacks_a_bundle_in_the_documented_order(extracted, stored):
    folder, names = extracted(stored.read_bytes())

    pictures = json.loads((folder / "manifest.json").read_bytes())["pictures"]
    due = [name for n in range(len(pictures)) for name in (f"{n:04}.jpg", f"{n:04}.thumb.jpg")]
    assert names == ["manifest.json", "manifest.sig", *due]
    for number, picture in enumerate(pictures):
        full, small = (folder / f"{number:04}{end}" for end in (".jpg", ".thumb.jpg"))
        assert hashlib.sha256(full.read_bytes()).digest() == decoded(picture["sha256"])
        assert hashlib.sha256(small.read_bytes()).digest() == decoded(picture["thumbnail"]["sha256"])
        assert full.stat().st_size == picture["size_bytes"]


def test_tar_tells_no_owner_and_no_time(program, tmp_path):
    (tmp_path / "bundle.tar").write_bytes(archive(2))

    command = [program("tar"), "--numeric-owner", "--utc", "--full-time", "-tvf", tmp_path / "bundle.tar"]
    said = subprocess.run(command, capture_output=True, check=True, timeout=60, text=True).stdout

    told = {tuple(line.split()[i] for i in (0, 1, 3, 4)) for line in said.splitlines()}
    assert told == {("-rw-r--r--", "0/0", "1970-01-01", "00:00:00")}


def test_ffmpeg_decodes_every_picture_at_its_size(extracted):
    folder, _ = extracted(archive(3))

    for number, picture in enumerate(json.loads((folder / "manifest.json").read_bytes())["pictures"]):
        for name, told in ((f"{number:04}.jpg", picture), (f"{number:04}.thumb.jpg", picture["thumbnail"])):
            with av.open(io.BytesIO((folder / name).read_bytes()), format="jpeg_pipe") as file:
                (frame,) = file.decode(video=0)
            assert (frame.width, frame.height) == (told["width"], told["height"])


def test_openssl_verifies_the_manifest_and_refuses_a_changed_one(extracted, openssl):
    folder, _ = extracted(archive(2))
    manifest, signature = ((folder / name).read_bytes() for name in ("manifest.json", "manifest.sig"))
    key = decoded(json.loads(manifest)["key"])

    assert openssl(key, b"dashlight/v1/bundle\0" + manifest, signature)
    assert not openssl(key, b"dashlight/v1/forget\0" + manifest, signature)
    assert not openssl(key, b"dashlight/v1/bundle\0" + manifest.replace(b"CC-BY-SA-4.0", b"CC-BY-SA-5.0"), signature)


def test_openssl_verifies_a_receipt(openssl):
    server = bundle_key(SEED, 7)
    receipt = json.loads(encode_receipt(Receipt("0f" * 32, 2, ("a", "b")), server))

    signature = decoded(receipt.pop("signature"))

    # The members of a receipt are ASCII and whole numbers, whose canonical form Python's own encoder writes.
    canonical = json.dumps(receipt, sort_keys=True, separators=(",", ":")).encode()
    assert openssl(server.public_key().public_bytes_raw(), b"dashlight/v1/receipt\0" + canonical, signature)


def test_openssl_derives_the_secrets_of_a_contributor_from_the_seed(program):
    def derived(info):
        command = [program("openssl"), "kdf", "-keylen", "32", "-binary", "-kdfopt", "digest:SHA256"]
        command += [
            "-kdfopt",
            f"hexkey:{SEED.hex()}",
            "-kdfopt",
            "salt:dashlight/v1",
            "-kdfopt",
            f"info:{info}",
            "HKDF",
        ]
        return subprocess.run(command, capture_output=True, check=True, timeout=60).stdout

    assert derived("bundle-key/3") == bundle_key(SEED, 3).private_bytes_raw()
    secret = derived("deletion-secret/3/0")
    assert secret == deletion_secret(SEED, 3, 0)
    assert hashlib.sha256(secret).digest() == deletion_commitment(secret)


@pytest.mark.parametrize("stored", GOLDEN, ids=lambda path: path.stem)
def test_a_manifest_is_canonical_to_the_letter_of_ecmascript(extracted, node, stored):
    """RFC 8785 writes numbers as ECMAScript does and sorts keys by UTF-16, so that Node is the reference itself."""
    folder, _ = extracted(stored.read_bytes())
    manifest = (folder / "manifest.json").read_bytes()

    assert node(CANONICAL, manifest) == manifest


def test_any_number_and_key_is_written_as_ecmascript_does(node):
    bits = np.random.default_rng(8785).integers(0, 1 << 64, 5_000, dtype=np.uint64, endpoint=False)
    drawn = [value for value in bits.view(np.float64).tolist() if np.isfinite(value)]
    degrees = [round(n / 1e6, 6) for n in range(-180_000_000, 180_000_000, 90_001)]
    edges = [0.0, -0.0, 1e21, 1e-7, 1e-6, 123456789012345680000.0, 5e-324, 0.1 + 0.2]
    keys = {"\u20ac": 1, "\r": 2, "\ufb33": 3, "1": 4, "\U0001f600": 5, "\u0080": 6, "\u00f6": 7, 'a"\\\u001f': 8}

    encoded = encode_json([drawn, degrees, edges, keys])

    assert node(CANONICAL, encoded) == encoded
