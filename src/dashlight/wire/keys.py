"""Keys: the contributor's seed, what is derived from it, and signatures with a purpose.

Everything a contributor must keep to erase what was published follows from one 32-byte seed by HKDF-SHA-256
(RFC 5869). Signatures are Ed25519 (RFC 8032) over `dashlight/v1/<purpose>` 00 `message`, so that a signature made
for one purpose never serves for another.
"""

from __future__ import annotations

import hashlib

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from dashlight.errors import Corrupt, InputError

SEED_SIZE_BYTES = 32
SIGNATURE_SIZE_BYTES = 64


def _derived(seed: bytes, info: str) -> bytes:
    if len(seed) != SEED_SIZE_BYTES:
        raise InputError(f"a seed of {len(seed)} bytes; {SEED_SIZE_BYTES} are due")
    return HKDF(algorithm=SHA256(), length=32, salt=b"dashlight/v1", info=info.encode()).derive(seed)


def bundle_key(seed: bytes, bundle_number: int) -> Ed25519PrivateKey:
    """Return the key that signs the contributor's bundle of that number, and that can erase it."""
    return Ed25519PrivateKey.from_private_bytes(_derived(seed, f"bundle-key/{bundle_number}"))


def deletion_secret(seed: bytes, bundle_number: int, picture_number: int) -> bytes:
    """Return the 32 bytes that delete one picture when shown."""
    return _derived(seed, f"deletion-secret/{bundle_number}/{picture_number}")


def deletion_commitment(secret: bytes) -> bytes:
    """Return what a picture carries of its deletion secret: the SHA-256."""
    return hashlib.sha256(secret).digest()


def public_bytes(key: Ed25519PrivateKey) -> bytes:
    """Return the 32 bytes of the public half."""
    return key.public_key().public_bytes_raw()


def sign(key: Ed25519PrivateKey, purpose: str, message: bytes) -> bytes:
    """Return the 64-byte signature of `message` for one `purpose`."""
    return key.sign(_framed(purpose, message))


def verify(public_key: bytes, purpose: str, message: bytes, signature: bytes) -> None:
    """Check a signature made by `sign`.

    Raises:
        Corrupt: When the key is not one, or the signature is not this key's for this purpose and message.
    """
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, _framed(purpose, message))
    except (InvalidSignature, ValueError) as exc:
        raise Corrupt(f"the signature for {purpose!r} does not hold", code="bad-signature") from exc


def _framed(purpose: str, message: bytes) -> bytes:
    return b"dashlight/v1/" + purpose.encode() + b"\0" + message
