"""Objects in a bucket of S3, or of what speaks it, through obstore.

A PUT that was answered is durable by S3's contract; an object goes up in one, so that none is ever there in part. S3
cannot write into an object: a range is zeroed by reading the object, zeroing, and putting it back on the condition that
nobody put another in between. S3 tells when an object was written and keeps old versions where a bucket is told to;
what follows for the operator is in docs/how-to/second-scale.md.
"""

from __future__ import annotations

import mmap
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from obstore.exceptions import AlreadyExistsError, BaseError, NotFoundError, PreconditionError
from obstore.store import S3Store

from dashlight.errors import Corrupt, HostError, NotFound, Unavailable
from dashlight.store.bucket import parsed_bucket
from dashlight.store.staging import Staging

RETRY_AFTER_S = 5.0
SETTLED_S = 3600.0  # An object that no row names may be on its way there for a while; no upload takes so long.
_ATTEMPTS = 20  # Of zeroing one object while others do the same.
PROBES = "probe/"  # Before the keys of objects that only try the store.


class S3Objects:
    """Objects in one bucket, below a prefix.

    Args:
        url: `s3://bucket/prefix?endpoint=https://...&region=...`; without `endpoint` it is Amazon's, and
            `style=virtual` puts the bucket into the host's name.
        staging: A folder of this machine for uploads that are arriving.
        key_id: Of the access key; empty leaves it to the environment and the machine's role.
        secret: Of the access key.

    Raises:
        UsageError: When `url` is not such an address.
    """

    is_shared = True

    def __init__(self, url: str, staging: Path, *, key_id: str = "", secret: str = "") -> None:
        self._staging = Staging(staging)
        bucket = parsed_bucket(url)
        config = {
            "region": bucket.region,
            "virtual_hosted_style_request": bucket.is_virtual,
            "conditional_put": "etag",
        }
        if bucket.endpoint:
            config["endpoint"] = bucket.endpoint
        if key_id:
            config |= {"access_key_id": key_id, "secret_access_key": secret}
        self._store = S3Store(
            bucket.name,
            prefix=bucket.prefix or None,
            config=config,  # type: ignore[arg-type]  # A plain dict of its keys.
            client_options={
                "allow_http": bucket.endpoint.startswith("http://"),
                "connect_timeout": timedelta(seconds=3),
                "timeout": timedelta(seconds=60),
                "pool_idle_timeout": timedelta(seconds=20),
            },
            retry_config={
                "max_retries": 3,
                "backoff": {
                    "init_backoff": timedelta(milliseconds=100),
                    "max_backoff": timedelta(seconds=1),
                    "base": 2,
                },
                "retry_timeout": timedelta(seconds=10),
            },
        )

    def staging_file(self) -> Path:
        """Return a path on this machine."""
        return self._staging.file()

    def adopt(self, staged: Path, key: str) -> None:
        """Put a staged file as the object `key`, whole, and delete it."""
        try:
            with staged.open("rb") as file:
                size = staged.stat().st_size
                # The map goes with its last reference: obstore may still hold a part of it when an upload fails.
                content = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)) if size else memoryview(b"")
        except OSError as exc:
            raise HostError(f"cannot store {key}: {exc.strerror}", code="disk") from exc
        with _as_ours(key):
            # Not "create": an answer that is lost makes the client put again, and find what it put itself.
            self._store.put(key, content, use_multipart=False)
        staged.unlink(missing_ok=True)

    def read(self, key: str, offset: int, length: int) -> bytes:
        """Return a range of an object."""
        if length == 0:
            return b""
        with _as_ours(key):
            content = bytes(self._store.get_range(key, start=offset, length=length))
        if len(content) != length:
            raise Corrupt(f"the object {key} ends before byte {offset + length}")
        return content

    def version(self, key: str) -> str:
        """Return the ETag of an object, with its quotes: another once a part of it is zeroed.

        Raises:
            NotFound: When there is no such object.
            Unavailable: When the store does not answer, or has no ETags.
        """
        with _as_ours(key):
            found = self._store.head(key)["e_tag"]
        if not found:
            raise Unavailable("the store of pictures has no ETags", retry_after_s=RETRY_AFTER_S, code="objects")
        return found

    def zero(self, key: str, ranges: Sequence[tuple[int, int]]) -> None:
        """Put the object back with its ranges zeroed, unless it is another by then; then once more."""
        for _ in range(_ATTEMPTS):
            try:
                with _as_ours(key):
                    found = self._store.get(key)
                    version = found.meta["e_tag"]
                    content = bytearray(found.bytes())
                for offset, length in ranges:
                    end = min(len(content), offset + length)
                    content[offset:end] = bytes(max(0, end - offset))
                with _as_ours(key):
                    self._store.put(key, bytes(content), mode={"e_tag": version}, use_multipart=False)
            except NotFound:
                return
            except PreconditionError:
                continue
            return
        raise Unavailable(f"the object {key} changes all the time", retry_after_s=RETRY_AFTER_S, code="objects")

    def remove(self, key: str) -> None:
        """Delete an object."""
        with _as_ours(key):
            try:
                self._store.delete(key)
            except (NotFoundError, FileNotFoundError):
                return

    def keys(self, *, is_settled: bool = False) -> Iterator[str]:
        """Yield every key; of settled ones those that were written `SETTLED_S` ago."""
        latest = datetime.now(UTC) - timedelta(seconds=SETTLED_S)
        with _as_ours("list"):
            for page in self._store.list():
                for entry in page:
                    is_ours = not entry["path"].startswith(PROBES)
                    if is_ours and (not is_settled or entry["last_modified"] < latest):
                        yield entry["path"]

    def sweep_staging(self) -> int:
        """Delete what an earlier process left unfinished on this machine."""
        return self._staging.sweep()

    def free_bytes(self) -> int:
        """Return the free space for uploads that are arriving; a bucket has no end."""
        return self._staging.free_bytes()

    def check_writable(self) -> None:
        """Put and take back an object."""
        key = f"{PROBES}{secrets.token_hex(8)}"
        with _as_ours(key):
            self._store.put(key, b"probe", use_multipart=False)
        self.remove(key)


@contextmanager
def _as_ours(key: str) -> Iterator[None]:
    """Raise our errors; who asks over HTTP is told nothing of the server behind."""
    try:
        yield
    except (PreconditionError, AlreadyExistsError):
        raise
    except (NotFoundError, FileNotFoundError) as exc:
        raise NotFound(f"the object {key} is not there") from exc
    except (BaseError, OSError) as exc:
        raise Unavailable("the store of pictures does not answer", retry_after_s=RETRY_AFTER_S, code="objects") from exc
