"""What can be set of the contributor's side."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from dashlight.config.bounds import Bounds, check_bounds

_BOUNDS: Bounds = {
    "every_m": (0.5, 1000.0),
    "max_size": (64, 16_384),
    "bundle_pictures": (1, 300),
    "spool_budget_mb": (64, 10**9),
    "keep_free_mb": (0, 10**9),
    "detector_threads": (1, 64),
    "timeout_s": (0.1, 3600.0),
    "upload_attempts": (1, 100),
    "backoff_s": (0.0, 3600.0),
    "backoff_max_s": (0.0, 86_400.0),
    "watch_s": (0.1, 3600.0),
    "settle_s": (0.0, 3600.0),
}


@dataclass(frozen=True, slots=True)
class EdgeSettings:
    """Settings of the contributor's side; section `edge`.

    Attributes:
        home: Where seed, ledger and spool lie, or None for `<data home>/edge`. Needs a disk that is encrypted.
        every_m: Metres between pictures; 5 shows the same sign from two sides.
        max_size: Pictures fit within so many pixels and 9/16 of it; 1280 is what the detectors are measured at.
        bundle_pictures: A bundle is sealed at so many pictures, so that the first go up soon; at most 300.
        spool_budget_mb: Redacted pictures that wait for the server take at most so much disk.
        keep_free_mb: The spool never leaves less than this free on its disk.
        detector_threads: Threads that look for faces and plates; 2 keep two cores busy.
        timeout_s: A request without any byte moving for so long has failed.
        upload_attempts: Of one bundle in one run; the next run begins anew.
        backoff_s: Before the second attempt; doubles each time, with full jitter.
        backoff_max_s: No pause is longer, not even one that the server asks for.
        proxy: Of all requests to the server, such as `socks5://127.0.0.1:9050`; empty for none.
        watch_s: A watched folder is looked at this often.
        settle_s: A file is taken when size and time of it have not changed for so long.
    """

    home: Path | None = None
    every_m: float = 5.0
    max_size: int = 1280
    bundle_pictures: int = 100
    spool_budget_mb: int = 20_000
    keep_free_mb: int = 500
    detector_threads: int = 2
    timeout_s: float = 30.0
    upload_attempts: int = 5
    backoff_s: float = 1.0
    backoff_max_s: float = 60.0
    proxy: str = ""
    watch_s: float = 5.0
    settle_s: float = 10.0

    def __post_init__(self) -> None:
        """Raise UsageError when a value is outside its bounds."""
        check_bounds("edge", self, _BOUNDS)
