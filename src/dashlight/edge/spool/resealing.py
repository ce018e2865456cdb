"""Bundles that were sealed before the enrolment get the licence that was agreed with the server."""

from __future__ import annotations

import logging

from dashlight.edge.home import Enrolment
from dashlight.edge.home.ledger import BundleRow, Ledger, Terms
from dashlight.edge.spool.spool import Spool, SpoolFull
from dashlight.errors import DashlightError
from dashlight.wire import bundle_key, relicensed

_LOG = logging.getLogger(__name__)


def reseal(ledger: Ledger, spool: Spool, seed: bytes, enrolment: Enrolment) -> int:
    """Seal the bundles that wait under another licence again, under the enrolment's, and return how many.

    Call it under the home's lock, before anything is sent. What was sent stays as it is: the server may have it. A
    bundle that cannot be sealed again stays as it is, too; sending it tells why. After a crash each bundle is whole,
    under the one licence or the other.

    Args:
        ledger: Knows the bundles.
        spool: Has them.
        seed: Their keys follow from it.
        enrolment: Says policy, licence and attribution.
    """
    terms = Terms(enrolment.license_id, enrolment.attribution)
    resealed = 0
    for bundle in ledger.sealed_otherwise(str(enrolment.policy), terms):
        try:
            resealed += _resealed(ledger, spool, seed, bundle, terms)
        except SpoolFull:
            break
        except DashlightError as exc:
            _LOG.warning("reseal.failed", extra={"code": exc.code, "bundle": bundle.number})
    return resealed


def _resealed(ledger: Ledger, spool: Spool, seed: bytes, bundle: BundleRow, terms: Terms) -> bool:
    archive = relicensed(
        spool.read(bundle.sha256),
        bundle_key(seed, bundle.number),
        license_id=terms.license_id,
        attribution=terms.attribution,
    )
    sha256 = spool.put(archive)
    if sha256 == bundle.sha256:  # An older ledger did not say under what it was sealed.
        ledger.reseal(bundle, sha256, len(archive), terms)
        return False
    is_taken = ledger.reseal(bundle, sha256, len(archive), terms)
    spool.drop(bundle.sha256 if is_taken else sha256)
    return is_taken
