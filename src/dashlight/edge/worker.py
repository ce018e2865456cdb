"""The edge at work: upload beside the redacting, and watch folders until told to stop.

Stop: within one picture and `STOP_UPLOAD_S` seconds. What was redacted is sealed; an upload that does not end in that
time is abandoned and repeated by the next run, under the same name and token, which the server knows again.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from dashlight.edge.disclosure import erase_due
from dashlight.edge.home.ledger import BundleRow
from dashlight.edge.importing import Imported, Importer, ImportOptions, Progress
from dashlight.edge.recordings import Located, Look, Recording
from dashlight.edge.server import Server
from dashlight.edge.spool import Retries, SpoolFull, Uploaded, Uploader, reseal
from dashlight.edge.station import Station, sweep
from dashlight.errors import Corrupt, DashlightError, Rejected, Unauthorized, Unavailable
from dashlight.model import RedactedPicture
from dashlight.vision.detectors import Detectors

STOP_UPLOAD_S = 10.0
IDLE_S = 60.0  # Bundles that become due by time, and a server that was away, are looked at this often.
_LOG = logging.getLogger(__name__)


class Watching(Progress, Protocol):
    """Is told what a watching edge does."""

    def away(self, folder: Path) -> None:
        """A watched folder is gone: the camera was unplugged."""

    def back(self, folder: Path) -> None:
        """It is there again."""

    def paused(self, reason: str) -> None:
        """Redacting pauses; uploading goes on."""


class UploadThread:
    """Sends what is due in a thread of its own; make it under the home's lock.

    Args:
        station: The edge; it must be enrolled.
        server: Used by the thread only, once it runs.
        retries: Bounds of one pass.
        on_sent: Called in the thread after each stored receipt.
        stop: When set, the thread ends after the request at hand.
    """

    def __init__(
        self,
        station: Station,
        server: Server,
        *,
        retries: Retries,
        on_sent: Callable[[BundleRow], None],
        stop: threading.Event,
    ) -> None:
        self._station = station
        self._server = server
        self._on_sent = on_sent
        self._stop = stop
        self._changed = threading.Condition()
        self._is_woken = True  # guarded by _changed, as the next four are
        self._is_closing = False
        self._is_forced = False
        self._passes = 0
        self._total = Uploaded()
        enrolment = station.home.required_enrolment()
        reseal(station.ledger, station.spool, station.seed, enrolment)
        self._uploader = Uploader(
            station.ledger,
            station.spool,
            server,
            enrolment,
            retries=retries,
            pause=self._pause,
        )
        self._thread = threading.Thread(target=self._run, name="upload", daemon=True)

    def start(self) -> None:
        """Begin with what waits from earlier."""
        self._thread.start()

    def wake(self) -> None:
        """Say that there is something new in the spool, or that it is time to stop."""
        with self._changed:
            self._is_woken = True
            self._changed.notify_all()

    @property
    def is_alive(self) -> bool:
        """Return whether the thread runs."""
        return self._thread.is_alive()

    def wait_for_room(self, alive: Callable[[], None] = lambda: None) -> bool:
        """Wait for a whole pass over the line, calling `alive` meanwhile; return whether anything was sent in it."""
        with self._changed:
            before = (self._passes, self._total.bundles)
            # Two passes: the one that may be under way saw an older line.
            while self._passes < before[0] + 2 and self._thread.is_alive() and not self._stop.is_set():
                self._is_forced = True
                self._changed.notify_all()
                self._changed.wait(timeout=0.2)
                alive()
                if self._total.bundles > before[1]:
                    return True
            return self._total.bundles > before[1]

    def finish(self) -> Uploaded:
        """Send what is left, end the thread, and return what all passes did."""
        with self._changed:
            self._is_closing = self._is_woken = True
            self._changed.notify_all()
        while self._thread.is_alive() and not self._stop.is_set():
            self._thread.join(timeout=0.2)
        self._thread.join(timeout=STOP_UPLOAD_S)
        with self._changed:
            return self._total

    def _run(self) -> None:
        while True:
            with self._changed:
                is_last = self._is_closing
                self._is_woken = self._is_forced = False
            done = self._pass()
            with self._changed:
                self._total.add(done)
                self._passes += 1
                self._changed.notify_all()
                if is_last or self._stop.is_set():
                    return
                # What failed is tried again after a while, not at every new bundle.
                wait_s = IDLE_S
                deadline = time.monotonic() + wait_s
                while not self._is_due(done) and time.monotonic() < deadline:
                    self._changed.wait(timeout=min(1.0, wait_s))

    def _is_due(self, last: Uploaded) -> bool:
        return (
            self._is_closing or self._is_forced or self._stop.is_set() or (self._is_woken and last.stopped_by is None)
        )

    def _pass(self) -> Uploaded:
        try:
            self._erase()
            return self._uploader.upload_due(self._sent)
        except DashlightError as exc:
            return Uploaded(stopped_by=exc)
        except Exception as exc:  # noqa: BLE001  # the top of a worker
            _LOG.exception("upload.failed")
            return Uploaded(stopped_by=DashlightError(f"a defect while uploading: {exc!r}"))

    def _erase(self) -> None:
        """Erase what is due before anything new goes up; what fails stays due and does not hold up the rest."""
        try:
            erase_due(self._station.ledger, self._server, self._station.seed, now=time.time())
        except (Unavailable, Unauthorized, Corrupt) as exc:
            _LOG.warning("erasure.failed", extra={"code": exc.code})

    def _sent(self, bundle: BundleRow) -> None:
        self._on_sent(bundle)
        with self._changed:
            self._changed.notify_all()

    def _pause(self, seconds: float) -> bool:
        return self._stop.wait(seconds)


@dataclass(frozen=True, slots=True)
class WatchOptions:
    """How folders are watched; for the seconds see `config.EdgeSettings`.

    Attributes:
        watch_s: Between two looks.
        settle_s: A file has settled that did not change for so long.
        alive: Called by the watching loop at each look, each picture and each second of waiting, as long as the
            thread of the uploads lives too.
    """

    watch_s: float = 5.0
    settle_s: float = 10.0
    alive: Callable[[], None] = lambda: None


def import_once(
    station: Station,
    paths: Iterable[Path],
    detectors: Detectors,
    *,
    options: ImportOptions,
    progress: Progress,
    stop: threading.Event,
    uploads: UploadThread | None = None,
    found: Callable[[Sequence[Path]], None] = lambda _: None,
) -> Imported:
    """Import recordings while what is sealed goes up; the caller finishes the uploads, `found` is as in `Importer`.

    Raises:
        SpoolFull: When there is no room and nothing goes up.
        HostError: When this machine fails.
    """
    importer = Importer(
        station,
        detectors,
        options=options,
        progress=_waking(progress, uploads),
        stop=stop,
        wait_for_room=uploads.wait_for_room if uploads is not None else lambda: False,
        found=found,
    )
    sweep(station)
    return importer.import_paths(paths)


def run(
    stop: threading.Event,
    station: Station,
    folders: Sequence[Path],
    detectors: Detectors,
    *,
    options: ImportOptions,
    watch: WatchOptions,
    progress: Watching,
    uploads: UploadThread,
) -> Imported:
    """Watch folders, import what settles in them, keep uploading, until `stop` is set."""
    alive = _with_uploads(watch.alive, uploads)
    sweep(station)
    importer = Importer(
        station,
        detectors,
        options=options,
        progress=_Vouching(_waking(progress, uploads), alive),
        stop=stop,
        wait_for_room=lambda: _waited_for_room(stop, progress, uploads, alive),
    )
    look = Look(folders, settle_s=watch.settle_s)
    while not stop.is_set():
        for folder in look.gone():
            progress.away(folder)
        for folder in look.returned():
            progress.back(folder)
        found = look.settled(time.time())
        fresh = [each for each in found if not isinstance(each, Rejected)]
        for each in found:
            if isinstance(each, Rejected):
                importer.reject(each)
        try:
            importer.import_recordings(fresh)
            if not stop.is_set():
                importer.import_waiting(folders, settle_s=watch.settle_s)
        except SpoolFull as exc:
            look.again(r.path for r in fresh)
            progress.paused(exc.message)
        _rest(stop, watch.watch_s, alive)
    return importer.done


def keep_uploading(
    stop: threading.Event, station: Station, uploads: UploadThread, *, alive: Callable[[], None] = lambda: None
) -> None:
    """Let the uploads go on until `stop` is set, calling `alive` as long as they live."""
    sweep(station)
    alive = _with_uploads(alive, uploads)
    while not stop.is_set():
        _rest(stop, IDLE_S, alive)


def _with_uploads(alive: Callable[[], None], uploads: UploadThread) -> Callable[[], None]:
    def both() -> None:
        if uploads.is_alive:
            alive()

    return both


def _rest(stop: threading.Event, seconds: float, alive: Callable[[], None]) -> None:
    """Wait, calling `alive` each second, until `stop` is set."""
    ends_s = time.monotonic() + seconds
    alive()
    while (left_s := ends_s - time.monotonic()) > 0 and not stop.wait(min(left_s, 1.0)):
        alive()


def _waited_for_room(
    stop: threading.Event, progress: Watching, uploads: UploadThread, alive: Callable[[], None]
) -> bool:
    progress.paused("the spool is full; redacting goes on when the server has taken some of it")
    while not stop.is_set():
        if uploads.wait_for_room(alive):
            return True
        _rest(stop, IDLE_S, alive)
    return False


class _Waking:
    """Passes everything on, and wakes the uploads at each bundle."""

    def __init__(self, inner: Progress, uploads: UploadThread) -> None:
        self.begun = inner.begun
        self.waits = inner.waits
        self.picture = inner.picture
        self.ended = inner.ended
        self.rejected = inner.rejected
        self._sealed = inner.sealed
        self._uploads = uploads

    def sealed(self, pictures: int) -> None:
        """Pass on, then wake."""
        self._sealed(pictures)
        self._uploads.wake()


class _Vouching:
    """Passes everything on, and calls `alive` each time: the importing loop tells only when it goes round."""

    def __init__(self, inner: Progress, alive: Callable[[], None]) -> None:
        self._inner = inner
        self._alive = alive

    def begun(self, recording: Recording, located: Located, wanted: int) -> None:
        """Pass on."""
        self._alive()
        self._inner.begun(recording, located, wanted)

    def waits(self, recording: Recording, located: Located) -> None:
        """Pass on."""
        self._alive()
        self._inner.waits(recording, located)

    def picture(self, picture: RedactedPicture) -> None:
        """Pass on."""
        self._alive()
        self._inner.picture(picture)

    def sealed(self, pictures: int) -> None:
        """Pass on."""
        self._alive()
        self._inner.sealed(pictures)

    def ended(self, recording: Recording, pictures: int) -> None:
        """Pass on."""
        self._alive()
        self._inner.ended(recording, pictures)

    def rejected(self, rejected: Rejected) -> None:
        """Pass on."""
        self._alive()
        self._inner.rejected(rejected)


def _waking(progress: Progress, uploads: UploadThread | None) -> Progress:
    return progress if uploads is None else _Waking(progress, uploads)
