"""Is this edge fit to work? Each check answers ok, warn or fail, and a fix where there is one."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import simplejpeg

from dashlight.config import EdgeSettings
from dashlight.edge.home import Home
from dashlight.edge.home.ledger import BundleState, Ledger
from dashlight.edge.recordings import Located, Recording, find_recordings, locate
from dashlight.edge.recordings.folder import VIDEO_SUFFIXES
from dashlight.edge.server import Server
from dashlight.edge.station import spool_of
from dashlight.errors import DashlightError, NotFound, Rejected
from dashlight.model import RawFrame, RedactedPicture
from dashlight.vision.detectors import Detectors
from dashlight.vision.redactor import redact
from dashlight.vision.weights import NAMES, read_weights
from dashlight.wire import from_base64url

CLOCK_WARN_S = 30.0
CLOCK_FAIL_S = 300.0  # Ingest refuses pictures further in the future.
RELEASED = datetime(2026, 1, 1, tzinfo=UTC)  # No clock that is right is before it.
CAMERA_OFF_S = 120.0  # Between a recording's end and its file's time, besides the zone.
ZONE_STEP_S = 900.0  # Zones differ by quarters of an hour, and cards keep the time of the camera's.
DAY_S = 86_400.0
NEWEST = 10  # Recordings that are tried: one may be of a garage.
LOW_DISK_BYTES = 2 * 2**30
FLAT_STD = 6.0  # Of 255; what is left of a number plate under our fill after JPEG.
Pixels = npt.NDArray[np.uint8]


class Health(StrEnum):
    """The answer of a check."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the doctor.

    Attributes:
        name: What was looked at.
        health: The answer.
        message: What was found, with the value.
        fix: What to do, or empty.
    """

    name: str
    health: Health
    message: str
    fix: str = ""


def checked(name: str, look: Callable[[], Check]) -> Check:
    """Return the answer of a check; an error of ours or of the disk is a `fail` with its hint."""
    (check,) = each_checked(name, lambda: (look(),))
    return check


def each_checked(name: str, look: Callable[[], Iterable[Check]]) -> Iterator[Check]:
    """Yield the answers of a check; an error of ours or of the disk is a last one, a `fail` with its hint."""
    try:
        yield from look()
    except DashlightError as exc:
        yield Check(name, Health.FAIL, exc.message, exc.hint)
    except OSError as exc:
        where = f"{exc.filename}: " if exc.filename else ""
        yield Check(name, Health.FAIL, f"{where}{exc.strerror or exc}", "look at the permissions and at the disk")


def camera_folder(folder: Path | None) -> Check:
    """Look for recordings where the camera writes them."""
    name = "camera"
    if folder is None:
        return Check(name, Health.WARN, "no folder was named", "dashlight doctor FOLDER looks at your camera's")
    if not folder.exists():
        return Check(name, Health.FAIL, f"{folder} does not exist", "plug the camera or its card in")
    newest = newest_recordings(folder, most=1)
    if not newest:
        suffixes = " ".join(sorted(VIDEO_SUFFIXES))
        return Check(name, Health.FAIL, f"{folder} has no video ({suffixes})", "name the folder on the card")
    return Check(name, Health.OK, f"{folder} is readable; newest video {newest[0].name}")


def newest_recordings(folder: Path, *, most: int = NEWEST) -> list[Path]:
    """Return the videos that were written last, the newest first; links that lead nowhere are passed over.

    Raises:
        OSError: When the folder cannot be read.
    """
    if folder.is_file():
        return [folder]
    next(folder.iterdir(), None)  # `rglob` is silent about a folder that it may not read.
    videos = [
        p for p in folder.rglob("*") if p.suffix.lower() in VIDEO_SUFFIXES and not p.name.startswith(".") and p.exists()
    ]
    return sorted(videos, key=lambda p: (p.stat().st_mtime, p.name), reverse=True)[:most]


def positions(folder: Path | None, *, now: datetime) -> Iterator[Check]:
    """Try the newest recordings: do they tell where and when they were?"""
    newest = newest_recordings(folder) if folder is not None and folder.exists() else []
    tried = [(path, each) for path in newest if (each := _tried(path, now)) is not None]
    if not tried:
        yield Check("positions", Health.WARN, "not tried: there is no recording of the street")
        return
    told = [each for _, each in tried if isinstance(each, _Told)]
    mute = [(path, each) for path, each in tried if isinstance(each, Rejected)]
    yield _told_positions(told, mute)
    if told:
        yield _camera_clock(told)


@dataclass(frozen=True, slots=True)
class _Told:
    """A recording that tells where it was: its end by its positions, and when its file was written."""

    path: Path
    located: Located
    ended: datetime
    written: datetime


def _tried(path: Path, now: datetime) -> _Told | Rejected | None:
    """Return what a recording tells, why it tells nothing, or None when it does not look at the street."""
    found = next((each for each in find_recordings([path])), None)
    if not isinstance(found, Recording):
        return found
    if not found.is_source:
        return None
    located = locate(found, now=now)
    if isinstance(located, Rejected):
        return located
    ended = located.alignment.video_start + timedelta(seconds=found.duration_s)
    return _Told(path, located, ended, datetime.fromtimestamp(path.stat().st_mtime, UTC))


def _told_positions(told: Sequence[_Told], mute: Sequence[tuple[Path, Rejected]]) -> Check:
    name, count = "positions", len(told) + len(mute)
    if not told:
        path, why = mute[0]
        others = f"; so do the {count - 1} before it" if count > 1 else ""
        return Check(name, Health.FAIL, f"{path.name}: {why.reason}{others}", why.hint)
    first = told[0]
    found = f"{first.path.name}: {first.located.report.summary} from {first.located.source}"
    if not mute:
        return Check(name, Health.OK, f"{found}; all of the newest {count} tell them" if count > 1 else found)
    path, why = mute[0]
    return Check(name, Health.WARN, f"{len(mute)} of the newest {count} tell none; {path.name}: {why.reason}", why.hint)


def _camera_clock(told: Sequence[_Told]) -> Check:
    """Compare when the files were written with when they ended; a camera writes the end last.

    A clock that is off is off alike in every file. Where the difference is another for each file they were copied, and
    their times say nothing. One file that is later may have been copied too; none is written before it ends.
    """
    name, note = "camera clock", told[0].located.alignment.note
    apart = [(each.written - each.ended).total_seconds() for each in told]
    if max(abs(each) for each in apart) > DAY_S or max(apart) - min(apart) > CLOCK_FAIL_S:
        return Check(name, Health.OK, f"{note} The files' own times are of a copy.")
    off_s = sorted(apart)[len(apart) // 2]
    within_zone_s = abs(off_s - round(off_s / ZONE_STEP_S) * ZONE_STEP_S)
    is_copy_possible = len(told) == 1 and off_s > 0
    if within_zone_s > CAMERA_OFF_S and not is_copy_possible:
        return Check(
            name,
            Health.WARN,
            f"{note} The files were written {abs(off_s):.0f} s {'after' if off_s > 0 else 'before'} that",
            "set the camera's clock and zone, or give --timezone at the import",
        )
    return Check(name, Health.OK, note)


def disk(home: Home, settings: EdgeSettings) -> Check:
    """Look at the space for the spool."""
    free = shutil.disk_usage(home.path).free - settings.keep_free_mb * 2**20
    spool = spool_of(home, settings)
    used = spool.used_bytes()
    found = f"{max(0, free) >> 20} MB free for the spool, which holds {used >> 20} of {settings.spool_budget_mb} MB"
    spool.check_room()
    if free < LOW_DISK_BYTES:
        return Check("disk", Health.WARN, found, "make room: a day of driving takes about 2 GB")
    return Check("disk", Health.OK, found)


def weights(folder: Path | None) -> Check:
    """Compare the detectors' weights with their checksums."""
    for name in NAMES:
        read_weights(name, folder)
    return Check("weights", Health.OK, f"{', '.join(NAMES)}: checksums match")


def redaction(folder: Path | None, face: Pixels | None) -> Check:
    """Redact a rendered picture with a plate, and a face when there is one; both must be gone.

    Fails closed: what is not found, or still to be seen, is a `fail`.
    """
    rgb, plate_box, face_box = built_in_picture(face)
    started = time.perf_counter()
    detectors = Detectors.load(folder)
    picture = redact(RawFrame(rgb), detectors.detect(rgb))
    took_ms = (time.perf_counter() - started) * 1000
    boxes = {"plate": plate_box} | ({"face": face_box} if face_box is not None else {})
    left = [name for name, box in boxes.items() if not is_hidden(picture, box)]
    if left:
        return Check(
            "redaction",
            Health.FAIL,
            f"the {' and the '.join(left)} of the built-in picture can still be seen",
            "do not import anything; install dashlight again and report this",
        )
    return Check(
        "redaction", Health.OK, f"the {' and the '.join(boxes)} of the built-in picture are gone ({took_ms:.0f} ms)"
    )


def built_in_picture(face: Pixels | None) -> tuple[Pixels, tuple[int, int, int, int], tuple[int, int, int, int] | None]:
    """Return a street of 1280x720 with the back of a car and its plate, and the boxes of plate and face."""
    rgb = np.full((720, 1280, 3), (150, 170, 190), np.uint8)
    rgb[420:] = (90, 90, 92)
    cv2.rectangle(rgb, (420, 300), (860, 600), (130, 30, 30), -1)
    cv2.rectangle(rgb, (480, 320), (800, 420), (40, 50, 60), -1)
    box = (540, 480, 740, 526)
    cv2.rectangle(rgb, box[:2], box[2:], (245, 245, 245), -1)
    cv2.rectangle(rgb, box[:2], box[2:], (20, 20, 20), 2)
    cv2.putText(rgb, "DL 426 HJ", (550, 517), cv2.FONT_HERSHEY_SIMPLEX, 1.1, (15, 15, 25), 3, cv2.LINE_AA)
    if face is None:
        return rgb, box, None
    height = 120
    width = round(face.shape[1] * height / face.shape[0])
    left, top = 1000, 330
    rgb[top : top + height, left : left + width] = cv2.resize(
        face[..., :3], (width, height), interpolation=cv2.INTER_AREA
    )
    inner = (left + width // 3, top + height // 3, left + 2 * width // 3, top + 2 * height // 3)
    return rgb, box, inner


def is_hidden(picture: RedactedPicture, box: tuple[int, int, int, int]) -> bool:
    """Return whether the published pixels of a box are painted over and flat."""
    x_min, y_min, x_max, y_max = box
    is_listed = any(
        r.bbox_xyxy[0] <= x_min + 4
        and r.bbox_xyxy[1] <= y_min + 4
        and r.bbox_xyxy[2] >= x_max - 4
        and r.bbox_xyxy[3] >= y_max - 4
        for r in picture.redactions
    )
    pixels = simplejpeg.decode_jpeg(picture.jpeg)[y_min + 4 : y_max - 4, x_min + 4 : x_max - 4].astype(np.float32)
    flatness = float(np.abs(np.diff(pixels, axis=1)).mean())
    return is_listed and flatness <= FLAT_STD


def server(home: Home, settings: EdgeSettings, ledger: Ledger, *, now: datetime) -> Iterator[Check]:
    """Look at the server of the enrolment: ready, the pinned key, clock, tokens."""
    enrolment = home.enrolment()
    if enrolment is None:
        yield Check(
            "server", Health.WARN, "not enrolled", "dashlight edge enroll --server URL --invite CODE --policy personal"
        )
        yield clock(None, now, home)
        return
    client = Server(enrolment.server, timeout_s=min(10.0, settings.timeout_s), proxy=settings.proxy)
    at = None
    try:
        at = client.ready()
        yield Check("server", Health.OK, f"{enrolment.server} is ready; {enrolment.policy}, {enrolment.license_id}")
        yield _server_key(client, enrolment.server_key)
    except DashlightError as exc:
        hint = "is that address a dashlight server?" if isinstance(exc, NotFound) else exc.hint
        yield Check("server", Health.FAIL, exc.message, hint)
    finally:
        client.close()
    yield clock(at, now, home)
    left, waiting = ledger.tokens_left(), len(ledger.bundles(BundleState.SPOOLED))
    refused = len(ledger.bundles(BundleState.REFUSED))
    yield Check("tokens", Health.OK, f"{left} upload tokens left, {waiting} bundles wait")
    if refused:
        yield Check("refused", Health.WARN, f"{refused} bundles were refused", "dashlight edge status says why")


def _server_key(client: Server, pinned: bytes) -> Check:
    shown = client.instance().get("server_key")
    if isinstance(shown, str) and from_base64url(shown, size=32) == pinned:
        return Check("server key", Health.OK, "the server shows the key that was pinned at enrolment")
    return Check(
        "server key",
        Health.FAIL,
        "the server shows another key than the one pinned at enrolment",
        "nothing is lost and no receipt is believed; ask the operator before you enrol again",
    )


def clock(at: datetime | None, now: datetime, home: Home) -> Check:
    """Compare this machine's clock with the server's, or without one with what it wrote itself.

    Args:
        at: The server's time, when it told it.
        now: This machine's.
        home: Its files were written by this machine's clock.
    """
    if at is None:
        return _own_clock(now, home)
    apart_s = (now - at).total_seconds()
    found = f"this machine's clock is {apart_s:+.0f} s from the server's"
    if abs(apart_s) > CLOCK_FAIL_S:
        return Check("clock", Health.FAIL, found, "switch time synchronisation on")
    if abs(apart_s) > CLOCK_WARN_S:
        return Check("clock", Health.WARN, found, "switch time synchronisation on")
    return Check("clock", Health.OK, found)


def _own_clock(now: datetime, home: Home) -> Check:
    newest = datetime.fromtimestamp(max((p.stat().st_mtime for p in home.path.iterdir()), default=0.0), UTC)
    found = f"this machine's clock says {now:%Y-%m-%d %H:%M} UTC"
    if now < RELEASED:
        return Check("clock", Health.FAIL, f"{found}, before this program was made", "switch time synchronisation on")
    if (newest - now).total_seconds() > CLOCK_WARN_S:
        return Check(
            "clock",
            Health.FAIL,
            f"{found}; it wrote a file at {newest:%Y-%m-%d %H:%M}",
            "the clock went back: switch time synchronisation on",
        )
    return Check("clock", Health.OK, f"{found}; there is no server to compare it with")
