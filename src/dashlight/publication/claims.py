"""What of a claim is told: the same function when the edge seals a bundle and when ingest publishes it."""

from __future__ import annotations

from dataclasses import replace

from dashlight.model import PictureClaim, Policy


def told_claim(policy: Policy, claim: PictureClaim) -> PictureClaim:
    """Return what the policy lets be told of a claim.

    For `personal` the accuracy is left out: whether a receiver tells one, and which values it likes, would put
    pictures of one device together.
    """
    if policy is not Policy.PERSONAL or claim.accuracy_m is None:
        return claim
    return replace(claim, accuracy_m=None)
