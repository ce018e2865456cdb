"""Send what the spool holds until each bundle has a verified receipt.

What comes back, and what is done with the bundle:

    200, 201 with a receipt by the pinned key     stored durably, then the spool's copy is dropped
    200, 201 with anything else                   kept; the pass ends: whoever answers is not our server
    400, 413, 422 as a problem document of ours   parked as `refused` with the reason, file kept; the next one is sent
    401                                           the token is replaced once; when that fails, the pass ends
    409                                           the token is replaced once, then parked
    no answer, 429, 5xx, anything else            tried again with growing pauses, then left for the next pass, which
                                                  begins with those that were tried less often
    (a file that cannot be read now)              left for the next pass; the next one is sent

Clock, pauses and randomness are arguments, so that tests need neither time nor luck.
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum, auto

from dashlight.edge.home import Enrolment
from dashlight.edge.home.ledger import BundleRow, Ledger
from dashlight.edge.server import Server
from dashlight.edge.spool.spool import UNREADABLE, Spool
from dashlight.errors import (
    Conflict,
    Corrupt,
    DashlightError,
    InputError,
    PrivacyError,
    TooLarge,
    Unauthorized,
    Unavailable,
)
from dashlight.model import Policy
from dashlight.wire import verify_receipt

TOKENS_AT_ONCE = 20
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Retries:
    """How often and how long; after `attempts` the bundle waits for the next pass."""

    attempts: int = 5
    backoff_s: float = 1.0
    backoff_max_s: float = 60.0


@dataclass(slots=True)
class Uploaded:
    """What one pass did; `stopped_by` is what ended it before the line was empty."""

    bundles: int = 0
    pictures: int = 0
    bytes_sent: int = 0
    refused: list[BundleRow] = field(default_factory=list)
    refusals: list[DashlightError] = field(default_factory=list)
    stopped_by: DashlightError | None = None

    def add(self, other: Uploaded) -> None:
        """Count another pass in; its end is the end."""
        self.bundles += other.bundles
        self.pictures += other.pictures
        self.bytes_sent += other.bytes_sent
        self.refused += other.refused
        self.refusals += other.refusals
        self.stopped_by = other.stopped_by


class _Outcome(Enum):
    RECEIVED = auto()
    REFUSED = auto()
    SKIPPED = auto()


class Uploader:
    """Sends bundles, one at a time.

    Args:
        ledger: Where receipts go.
        spool: Where bundles are.
        server: The one of the enrolment.
        enrolment: Whose key signs receipts, and whose credential fetches tokens.
        retries: Bounds of one pass.
        now: Unix seconds.
        pause: Waits so many seconds and returns True when it is time to stop.
        rng: For jitter and, under `personal`, for the order.
    """

    def __init__(
        self,
        ledger: Ledger,
        spool: Spool,
        server: Server,
        enrolment: Enrolment,
        *,
        retries: Retries | None = None,
        now: Callable[[], float] = time.time,
        pause: Callable[[float], bool],
        rng: random.Random | None = None,
    ) -> None:
        self._ledger = ledger
        self._spool = spool
        self._server = server
        self._enrolment = enrolment
        self._retries = retries or Retries()
        self._now = now
        self._pause = pause
        self._rng = rng or random.SystemRandom()

    def upload_due(self, on_sent: Callable[[BundleRow], None] = lambda _: None) -> Uploaded:
        """Send everything that is due, once through the line.

        Never raises for what the server does: that is in the result.

        Args:
            on_sent: Called after each stored receipt.
        """
        done = Uploaded()
        line = self._ledger.due(self._now(), policy=str(self._enrolment.policy))
        if self._enrolment.policy is Policy.PERSONAL:
            self._rng.shuffle(line)
        for bundle in line:
            try:
                outcome = self._send_patiently(bundle, done)
            except DashlightError as exc:
                self._ledger.note_failure(bundle.number, exc.message, exc.code)
                _LOG.warning("upload.stopped", extra={"code": exc.code, "bundle": bundle.number})
                done.stopped_by = exc
                if exc.code == UNREADABLE:
                    continue
                return done
            if outcome is _Outcome.RECEIVED:
                done.bundles += 1
                done.pictures += bundle.pictures
                done.bytes_sent += bundle.size_bytes
                on_sent(bundle)
        return done

    def _send_patiently(self, bundle: BundleRow, done: Uploaded) -> _Outcome:
        """Send one bundle with retries.

        Raises:
            DashlightError: When the pass has to end.
        """
        attempt = 1
        while True:
            try:
                return self._send(bundle)
            except Unavailable as exc:
                if attempt >= self._retries.attempts or self._pause(self._backoff_s(attempt, exc)):
                    raise
                _LOG.info("upload.retried", extra={"attempt": attempt, "code": exc.code})
            except _Refused as exc:
                self._ledger.refuse(bundle.number, exc.cause.message, exc.cause.code)
                done.refused.append(bundle)
                done.refusals.append(exc.cause)
                return _Outcome.REFUSED
            attempt += 1

    def _backoff_s(self, attempt: int, error: Unavailable) -> float:
        """Return the pause before the next attempt: full jitter, or what the server asks for, within the bound."""
        longest = min(self._retries.backoff_max_s, self._retries.backoff_s * 2 ** (attempt - 1))
        jittered = self._rng.uniform(0, longest)
        return min(self._retries.backoff_max_s, max(jittered, error.retry_after_s or 0.0))

    def _send(self, bundle: BundleRow) -> _Outcome:
        archive = self._archive(bundle)
        is_replaced = False
        while True:
            token = self._token(bundle)
            if not self._ledger.begin_attempt(bundle.number):
                return _Outcome.SKIPPED  # Its owner took it back in the meantime.
            try:
                reply = self._put(bundle, archive, token)
            except (Unauthorized, Conflict) as exc:
                self._ledger.drop_token(bundle.number)
                if is_replaced:
                    raise _without_token(exc) from exc
                is_replaced = True
            except (Corrupt, PrivacyError, TooLarge, InputError) as exc:
                raise _Refused(exc) from exc
            else:
                self._accept(bundle, reply)
                return _Outcome.RECEIVED

    def _put(self, bundle: BundleRow, archive: bytes, token: str) -> bytes:
        if self._enrolment.policy is Policy.PERSONAL:
            self._server.on_fresh_connection()
        try:
            return self._server.put_bundle(bundle.sha256, archive, token=token)
        except Corrupt as exc:
            if exc.code == "bad-reply":
                raise Unavailable(exc.message, hint="is this a dashlight server?", code=exc.code) from exc
            raise

    def _archive(self, bundle: BundleRow) -> bytes:
        try:
            return self._spool.read(bundle.sha256)
        except Corrupt as exc:
            raise _Refused(exc) from exc

    def _token(self, bundle: BundleRow) -> str:
        token = self._ledger.token_for(bundle.number)
        if token is None:
            fresh = self._server.tokens(self._enrolment.credential, count=TOKENS_AT_ONCE)
            self._ledger.add_tokens(fresh, str(self._enrolment.policy))
            token = self._ledger.token_for(bundle.number)
        if token is None:
            raise Unauthorized("the server gave no upload token", hint="ask its operator", code="no-token")
        return token

    def _accept(self, bundle: BundleRow, reply: bytes) -> None:
        try:
            receipt = verify_receipt(reply, server_key=self._enrolment.server_key, sha256=bundle.sha256)
        except Corrupt as exc:
            raise Corrupt(
                f"what answered is not the server of the enrolment: {exc.message}",
                hint="nothing is lost; check the address and `dashlight doctor`. "
                "If the operator changed the server's key, enrol again",
                code="bad-receipt",
            ) from exc
        if receipt.pictures != bundle.pictures:
            raise Corrupt(f"the receipt is for {receipt.pictures} pictures, not {bundle.pictures}", code="bad-receipt")
        self._ledger.receive(bundle.number, reply, receipt.picture_ids, now=self._now())
        self._spool.drop(bundle.sha256)


class _Refused(Exception):  # carries an error, is none for a person
    """This bundle will not be taken as it is; the next one may."""

    def __init__(self, cause: DashlightError) -> None:
        super().__init__(cause.message)
        self.cause = cause


def _without_token(exc: Unauthorized | Conflict) -> _Refused | Unauthorized:
    """Return what it means that a fresh token is not taken either."""
    if isinstance(exc, Conflict):
        return _Refused(exc)
    return Unauthorized(
        f"the server refuses fresh tokens too: {exc.message}",
        hint="enrol again with a new invite: dashlight edge enroll",
        code=exc.code,
    )
