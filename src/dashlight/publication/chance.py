"""Chance that is kept: every random choice of the policy follows from the contributor's secret.

A choice that is drawn afresh for every drive averages out over the drives and gives away what it was to hide. So
each one is HMAC-SHA-256 (RFC 2104) of what it is about, under a secret that never leaves the contributor's machine:
the same question always has the same answer, and nobody without the secret can tell it from a fair draw.
"""

from __future__ import annotations

import hashlib
import hmac
import math

from dashlight.errors import PrivacyError
from dashlight.model import LonLat, destination

MIN_SECRET_BYTES = 16


def drawn(secret: bytes, purpose: str, about: str) -> tuple[float, float]:
    """Return two independent numbers, each 0 <= u < 1, that are the same for the same question for ever.

    Args:
        secret: The contributor's own, at least 16 bytes.
        purpose: Which choice it is; choices for different purposes are independent.
        about: The thing chosen for, such as a place or a week.

    Raises:
        PrivacyError: When the secret is too short to hide anything.
    """
    if len(secret) < MIN_SECRET_BYTES:
        raise PrivacyError(
            f"a secret of {len(secret)} bytes; at least {MIN_SECRET_BYTES} are due",
            hint="Enrol again; the secret is made then.",
            code="weak-secret",
        )
    digest = hmac.new(secret, f"dashlight/publication/{purpose}\0{about}".encode(), hashlib.sha256).digest()
    return _unit(digest[:8]), _unit(digest[8:16])


def _unit(eight_bytes: bytes) -> float:
    return (int.from_bytes(eight_bytes) >> 11) / (1 << 53)


def moved(position: LonLat, most_m: float, secret: bytes, purpose: str) -> LonLat:
    """Return `position` moved to a point uniform over the area of a disc of radius `most_m` around it.

    The offset is kept: it depends on nothing but the secret, the purpose and the position.
    """
    area_share, turn = drawn(secret, purpose, f"{position.lon:.6f},{position.lat:.6f}")
    return destination(position, 360.0 * turn, most_m * math.sqrt(area_share))
