"""The door: what happens between the first byte of an upload and its receipt.

    token known, not spent elsewhere ─ receive ─ verify ─ second look ─ object durable ─ one commit ─ receipt

Nothing of a refused bundle is kept. The object is durable before the commit that names it, and the commit before the
receipt; a crash in between leaves an object without a row, which the next start sweeps away.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import mmap
import secrets
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar
from uuid import UUID

import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from dashlight.config import ServerSettings
from dashlight.errors import Busy, Corrupt, DashlightError, Gone, InputError, PrivacyError, Unauthorized, Unavailable
from dashlight.ingest import upload, verify
from dashlight.ingest.idleness import Idleness
from dashlight.ingest.metrics import IngestMetrics
from dashlight.ingest.recheck import SecondLook
from dashlight.model import LICENSES, Policy, day_of
from dashlight.store import bundles, pictures, tokens, withdraw
from dashlight.store.bundles import Accepted, StoredObject
from dashlight.store.database import Database, Transaction
from dashlight.store.objects import Objects
from dashlight.wire import Receipt, deletion_commitment, encode_receipt, public_bytes, published_sequence
from dashlight.wire.keys import verify as verify_signature

T = TypeVar("T")
FIRST_TOKENS = 20  # Enough for a first evening; more are drawn with the credential.
_BUSY_RETRY_S = 2.0


@dataclass(frozen=True, slots=True)
class Enrolled:
    """The answer to an invite."""

    credential: str
    policy: Policy
    license_id: str
    tokens: tuple[str, ...]


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Door:
    """Everything that contributors may ask of a server.

    Args:
        database: The rows.
        objects: The bytes.
        key: The server's own, which signs receipts.
        look: The second look.
        settings: Limits and shares.
        metrics: Counters.
        idleness: Told while a bundle is taken in.
        now: The clock, aware UTC.
    """

    def __init__(
        self,
        database: Database,
        objects: Objects,
        key: Ed25519PrivateKey,
        *,
        look: SecondLook,
        settings: ServerSettings,
        metrics: IngestMetrics,
        idleness: Idleness | None = None,
        now: Callable[[], datetime] = _utc_now,
    ) -> None:
        self._database = database
        self._objects = objects
        self._key = key
        self._look = look
        self._settings = settings
        self._metrics = metrics
        self._idleness = idleness or Idleness()
        self._now = now
        self._quota = upload.Quota(settings.disk_quota_mb << 20, self._stored_bytes)
        self._uploads: set[bytes] = set()  # By the token's hash; changed on the event loop only.
        self._draw_secret = hmac.digest(key.private_bytes_raw(), b"dashlight second look", hashlib.sha256)

    @property
    def server_key(self) -> bytes:
        """The public key that verifies this server's receipts, 32 bytes."""
        return public_bytes(self._key)

    async def enrol(self, invite: str, policy: Policy, license_id: str) -> Enrolled:
        """Spend an invite.

        Raises:
            InputError: When the licence is not one that pictures may have, or for `personal` not this server's.
            Unauthorized: When the invite is spent, forged or for another policy.
        """
        if license_id not in LICENSES:
            raise InputError(f"licence {license_id!r} is none of {', '.join(LICENSES)}", code="bad-license")
        ours = self._settings.license
        if policy is Policy.PERSONAL and license_id != ours:
            raise InputError(
                f"personal pictures are published under {ours} here, not {license_id}: one for all, so that it "
                "tells nobody's pictures from others'",
                hint=f"enrol with --license {ours}",
                code="license-differs",
            )
        day, per_day = self._day(), self._settings.tokens_per_day

        def spend(transaction: Transaction) -> tuple[str, list[str]]:
            credential = tokens.enrol(transaction, invite, policy, license_id)
            count = min(FIRST_TOKENS, per_day)
            return credential, self._drawn(transaction, credential, count, day=day, per_day=per_day)

        credential, first_tokens = await self._write(spend)
        return Enrolled(credential, policy, license_id, tuple(first_tokens))

    async def draw_tokens(self, credential: str, count: int) -> list[str]:
        """Return new upload tokens.

        Raises:
            Unauthorized: When the credential is not one of this server's, or of `personal` under another licence.
            Unavailable: When today's are drawn.
        """
        day, per_day = self._day(), self._settings.tokens_per_day
        return await self._write(lambda t: self._drawn(t, credential, count, day=day, per_day=per_day))

    def _drawn(self, transaction: Transaction, credential: str, count: int, *, day: int, per_day: int) -> list[str]:
        policy, license_id = tokens.enrolled_terms(transaction.connection, credential)
        self._check_license(policy, license_id)
        return tokens.draw_tokens(transaction, credential, count, day=day, per_day=per_day)

    def _check_license(self, policy: Policy, license_id: str) -> None:
        """Check that `personal` comes under the one licence; as for a bad token, so that an edge keeps what it has."""
        ours = self._settings.license
        if policy is Policy.PERSONAL and license_id != ours:
            raise Unauthorized(
                f"the enrolment is for {license_id}; personal pictures are published under {ours} here",
                hint=f"nothing is lost: enrol again with --license {ours}, then what waits is sealed anew",
                code="license-differs",
            )

    def _day(self) -> int:
        return day_of(self._now())

    async def put_bundle(
        self, sha256: str, token: str, chunks: AsyncIterator[bytes], *, length: int | None
    ) -> tuple[bytes, bool]:
        """Take a bundle in; return its receipt and whether it is new.

        Args:
            sha256: The name in the request, 64 hex characters.
            token: The upload token.
            chunks: The body.
            length: What the request announces, if it does.

        Raises:
            Unauthorized: No such token, or one for another policy; a `personal` bundle under another licence.
            Conflict: The token is spent on another bundle, or the bundle was erased.
            Corrupt: The body is not the bundle that it claims to be.
            TooLarge: Over a limit.
            PrivacyError: It breaks its policy, or a plate or face can be read.
            Busy: An upload with this token runs.
            TooSlow: The body stalls or comes too slowly.
            Unavailable: Too busy, or no second look is possible.
            HostError: The disk is full or refuses.
        """
        policy = None
        try:
            token_hash = tokens.secret_hash(token, "token")
            policy, known = await asyncio.to_thread(self._known, bytes.fromhex(sha256), token_hash)
            if known is not None:
                return known, False
            with self._idleness.working():
                return await self._put(sha256, token_hash, policy, chunks, length)
        except DashlightError as exc:
            self._metrics.count_refused(type(exc).__name__, policy)
            raise

    async def _put(
        self, sha256: str, token_hash: bytes, policy: Policy, chunks: AsyncIterator[bytes], length: int | None
    ) -> tuple[bytes, bool]:
        if token_hash in self._uploads:  # One token may not take everybody's places.
            raise Busy("an upload with this token is running", retry_after_s=_BUSY_RETRY_S, code="upload-running")
        if len(self._uploads) >= self._settings.max_uploads:
            raise Unavailable(
                f"{len(self._uploads)} uploads are running", retry_after_s=_BUSY_RETRY_S, code="too-many-uploads"
            )
        upload.check_length(
            length, free_bytes=self._objects.free_bytes(), keep_free_bytes=self._settings.keep_free_mb << 20
        )
        await asyncio.to_thread(self._quota.check, length)
        staged = self._objects.staging_file()
        self._uploads.add(token_hash)
        told = 0 if policy is Policy.PERSONAL else 1
        self._metrics.uploading.inc(told)
        try:
            received = await upload.receive(
                chunks, staged, stall_s=self._settings.upload_stall_s, timeout_s=self._settings.upload_timeout_s
            )
            return await self._take_in(sha256, token_hash, staged, received)
        finally:
            self._uploads.discard(token_hash)
            self._metrics.uploading.dec(told)
            staged.unlink(missing_ok=True)

    def _stored_bytes(self) -> int:
        with self._database.read() as connection:
            return bundles.stored_bytes(connection)

    def _known(self, sha256: bytes, token_hash: bytes) -> tuple[Policy, bytes | None]:
        with self._database.read() as connection:
            policy = bundles.check_token(connection, token_hash, sha256)
            bundles.check_not_refused(connection, sha256)
            return policy, bundles.known_receipt(connection, sha256, policy=policy)

    async def _take_in(
        self, sha256: str, token_hash: bytes, staged: Path, received: upload.Received
    ) -> tuple[bytes, bool]:
        began = time.monotonic()
        verified, drawn = await asyncio.to_thread(self._verify, sha256, staged, received)
        try:
            for each in drawn:
                await self._look_again(each, verified.policy)
        except PrivacyError:  # Remembered before it is told, so that nobody may try until the draw is lucky.
            hashed, day = bytes.fromhex(sha256), self._day()
            await self._write(lambda t: bundles.refuse(t, hashed, token_hash, day=day))
            raise
        receipt, is_new = await asyncio.to_thread(self._commit, verified, token_hash, staged)
        self._quota.add(verified.bundle.size_bytes if is_new else 0)
        if verified.policy is Policy.PERSONAL:
            return receipt, is_new
        if is_new:
            self._metrics.bundles.labels(verified.policy).inc()
            self._metrics.pictures.labels(verified.policy).inc(len(verified.bundle.pictures))
            self._metrics.bytes.inc(verified.bundle.size_bytes)
        self._metrics.commit_s.observe(time.monotonic() - began)
        return receipt, is_new

    def _verify(
        self, sha256: str, staged: Path, received: upload.Received
    ) -> tuple[verify.Verified, list[verify.Drawn]]:
        with self._database.read() as connection:
            active = tokens.count_enrolments(connection, Policy.PERSONAL)
        if received.size_bytes == 0:
            raise Corrupt("the body is empty", code="empty-bundle")
        with staged.open("rb") as file:
            # Not closed here: an error's traceback may still hold parts of it. It goes with its last reference.
            archive = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
        verified = verify.verify_bundle(
            archive, sha256=sha256, digest=received.sha256, now=self._now(), active_enrolments=active
        )
        self._check_license(verified.policy, verified.bundle.manifest.license_id)
        share = self._settings.recheck_share
        numbers = verify.drawn_numbers(self._draw_secret, sha256, len(verified.bundle.pictures), share)
        return verified, verify.drawn_pictures(archive, verified.bundle, numbers)

    async def _look_again(self, drawn: verify.Drawn, policy: Policy) -> None:
        found = await self._look.readable(drawn.jpeg, drawn.redactions, drawn.thumbnail_jpeg)
        self._metrics.count_rechecked(policy, is_readable=bool(found))
        if found:
            x_min, y_min, x_max, y_max = (round(v) for v in found[0].bbox_xyxy)
            at = f"at {x_min}, {y_min}, {x_max}, {y_max}"
            is_thumbnail = found[0].kind == "thumbnail"
            what = "the thumbnail shows something else" if is_thumbnail else f"a {found[0].kind} can be read"
            raise PrivacyError(
                f"picture {drawn.number}: {what} {at}",
                hint="nothing of the bundle was kept; redact the recordings again with a newer dashlight",
                code="thumbnail-differs" if is_thumbnail else f"readable-{found[0].kind}",
            )

    def _commit(self, verified: verify.Verified, token_hash: bytes, staged: Path) -> tuple[bytes, bool]:
        """Make object, rows and receipt durable, in this order."""
        bundle, manifest = verified.bundle, verified.bundle.manifest
        is_personal = verified.policy is Policy.PERSONAL
        ids = () if is_personal else tuple(_random_uuid() for _ in bundle.pictures)
        name = secrets.token_hex(16)
        stored = StoredObject(
            key=f"{'staged' if is_personal else 'bundles'}/{name[:2]}/{name}",
            size_bytes=bundle.size_bytes,
            head_bytes=verified.head_bytes,
        )
        receipt = Receipt(bundle.sha256, len(bundle.pictures), tuple(str(i) for i in ids))
        accepted = Accepted(
            sha256=bytes.fromhex(bundle.sha256),
            policy=verified.policy,
            public_key=manifest.public_key,
            sequence=None if manifest.sequence is None else published_sequence(manifest.sequence),
            pictures=[verify.new_picture(p, manifest, i) for p, i in zip(bundle.pictures, ids, strict=not is_personal)],
            stored=stored,
            receipt=encode_receipt(receipt, self._key),
        )
        self._objects.adopt(staged, stored.key)
        try:
            return self._database.write(lambda t: bundles.accept(t, accepted, token_hash))
        finally:
            self._remove_unless_named(stored.key)

    def _remove_unless_named(self, key: str) -> None:
        """Remove an object that no row names; a commit that failed may still have been made, so look."""
        with self._database.read() as connection:
            is_named = bundles.is_object(connection, key)
        if not is_named:
            self._objects.remove(key)

    async def erase_bundle(self, sha256: str, signature: bytes) -> None:
        """Erase a bundle on the word of its key; once more changes nothing.

        Raises:
            NotFound: There is none, or its key was forgotten.
            Unauthorized: The signature is not its key's.
        """
        await asyncio.to_thread(self._erase_bundle, bytes.fromhex(sha256), signature)

    def _erase_bundle(self, sha256: bytes, signature: bytes) -> None:
        with self._database.read() as connection:
            key = bundles.bundle_key(connection, sha256)
        try:
            verify_signature(key, "forget", sha256.hex().encode(), signature)
        except Corrupt as exc:
            raise Unauthorized("the signature is not by the bundle's key", code="bad-signature") from exc
        self._database.write(lambda t: bundles.erase_bundle(t, sha256))
        withdraw.finish_erasures(self._database, self._objects)

    async def erase_picture(self, picture_id: UUID, secret: bytes) -> None:
        """Erase one picture for whoever shows its deletion secret; once more changes nothing.

        Raises:
            NotFound: There never was one.
            Gone: It is erased, or hidden and the secret is not its: which of the two is nobody's business.
            Unauthorized: It is shown, and the secret is not its.
        """
        await asyncio.to_thread(self._erase_picture, picture_id, secret)

    def _erase_picture(self, picture_id: UUID, secret: bytes) -> None:
        def erase(transaction: Transaction) -> None:
            withdraw.erase(transaction, [_number_for(transaction.connection, picture_id, secret)])

        try:
            with self._database.read() as connection:  # A wrong secret keeps no writer waiting.
                _number_for(connection, picture_id, secret)
            self._database.write(erase)
        except Gone:  # Whoever asks again was perhaps told to wait: nothing is called gone whose bytes are there.
            withdraw.finish_erasures(self._database, self._objects)
            raise
        withdraw.finish_erasures(self._database, self._objects)

    async def _write(self, job: Callable[[Transaction], T]) -> T:
        return await asyncio.wrap_future(self._database.submit(job))


def _number_for(connection: sa.Connection, picture_id: UUID, secret: bytes) -> int:
    """Return the number of the picture that the secret erases.

    Of an erased one nothing is kept that a secret could be compared with; a hidden one answers alike.
    """
    found = pictures.find_for_erasure(connection, picture_id)
    if found is not None and secrets.compare_digest(deletion_commitment(secret), found.commitment):
        return found.number
    if found is None or not found.is_shown:
        raise Gone(f"the picture {picture_id} is not shown any more", hint="if the secret is its, it is erased")
    raise Unauthorized("the deletion secret is not this picture's", code="bad-secret")


def _random_uuid() -> UUID:
    return UUID(bytes=secrets.token_bytes(16), version=4)
