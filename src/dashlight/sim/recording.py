"""A simulated drive on disk, as a Novatek camera leaves it on its card, with the truth beside it.

    <folder>/drive-<hash of the parameters>/
        DCIM/Movie/2026_1123_111500_0001F.MP4   clips that continue each other, positions as `freeGPS` blocks,
                                                local times, as of most such cameras
        truth/2026_1123_111500_0001F.json       what each frame shows, and where the camera really was
        drive.json                              the parameters

The folder appears under its name only when it is whole.
"""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import shutil
import signal
import tempfile
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from multiprocessing.sharedctypes import Synchronized
from multiprocessing.synchronize import Event as ProcessEvent
from pathlib import Path
from typing import Any, Final

import av
import cv2
import numpy as np

from dashlight.errors import HostError, InputError, Unavailable
from dashlight.model import Track
from dashlight.sim.drive import MAX_DURATION_S, Place, lane_path, noisy_fixes, planned_motion
from dashlight.sim.mux import mux_novatek
from dashlight.sim.render import Renderer
from dashlight.sim.truth import Truth

RENDER_VERSION: Final = 1  # Raise it when frames change, so that kept drives are rendered again.
_POLL_S: Final = 0.2


@dataclass(frozen=True, slots=True)
class DriveSettings:
    """What a simulated drive is made from.

    Attributes:
        seed: Of the town, its traffic and the receiver's noise.
        duration_s: Whole seconds, a multiple of `clip_s`.
        clip_s: The camera begins a new file after so many seconds.
        width: Pixels, even.
        height: Pixels, even.
        frames_per_s: Of the video.
    """

    seed: int = 7
    duration_s: int = 52
    clip_s: int = 13
    width: int = 1280
    height: int = 720
    frames_per_s: int = 30

    def __post_init__(self) -> None:
        if not 1 <= self.duration_s <= MAX_DURATION_S:
            raise InputError(
                f"a simulated drive lasts 1..{MAX_DURATION_S:g} s, not {self.duration_s}", code="bad-duration"
            )
        if self.clip_s < 1 or self.duration_s % self.clip_s:
            raise InputError(
                f"clips of {self.clip_s} s do not divide a drive of {self.duration_s} s", code="bad-duration"
            )
        if not 1 <= self.frames_per_s <= 60:
            raise InputError(f"a camera writes 1..60 frames a second, not {self.frames_per_s}", code="bad-rate")

    @property
    def key(self) -> str:
        """Names the drive: equal for equal parameters."""
        parameters = json.dumps({**asdict(self), "version": RENDER_VERSION}, sort_keys=True)
        return hashlib.sha256(parameters.encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class RecordedDrive:
    """A simulated drive on disk.

    Attributes:
        folder: With the truth in it.
        card: The camera's folder tree, what a user would import.
        recordings: The files, in order.
        is_new: Whether it was rendered now.
    """

    folder: Path
    card: Path
    recordings: tuple[Path, ...]
    is_new: bool


def recorded_drive(
    folder: Path,
    settings: DriveSettings,
    *,
    started_at: datetime,
    place: Place | None = None,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
    stop: threading.Event | None = None,
    workers: int = 2,
) -> RecordedDrive:
    """Return a drive, rendered when `folder` does not hold it yet.

    Args:
        folder: Where drives are kept; made when absent.
        settings: Of the drive.
        started_at: Aware UTC, cut to the second. Not part of the parameters: a kept drive keeps its own time.
        place: Where the town lies.
        progress: Told how many frames of how many are rendered.
        stop: When set, rendering ends.
        workers: Processes that render; one renders in this process.

    Raises:
        HostError: When the folder cannot be written or the drawings are missing.
        Unavailable: When it was stopped.
    """
    kept = folder / f"drive-{settings.key}"
    if (kept / "drive.json").is_file():
        return _recorded(kept, is_new=False)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        part = Path(tempfile.mkdtemp(prefix=f".drive-{settings.key}-", dir=folder))
    except OSError as exc:
        raise HostError(
            f"cannot write the simulated drive into {folder}: {exc.strerror}", hint="name another folder with --home"
        ) from exc
    try:
        _render_drive(
            part,
            settings,
            started_at=started_at.replace(microsecond=0),
            place=place or Place(),
            progress=progress,
            stop=stop or threading.Event(),
            workers=workers,
        )
        part.chmod(0o755)
        part.rename(kept)
    except OSError as exc:
        if (kept / "drive.json").is_file():  # Another process was quicker.
            return _recorded(kept, is_new=False)
        raise HostError(f"cannot write the simulated drive into {folder}: {exc.strerror}") from exc
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return _recorded(kept, is_new=True)


@dataclass(frozen=True, slots=True)
class _Clip:
    """One file to make, with everything that its process needs."""

    settings: DriveSettings
    index: int
    started_at: datetime  # Of the drive.
    fixes: Track
    place: Place
    work: Path

    @property
    def start_s(self) -> int:
        return self.index * self.settings.clip_s

    @property
    def name(self) -> str:
        at = self.started_at + timedelta(seconds=self.start_s)
        at += self.place.utc_offset(at)
        return f"{at:%Y_%m%d_%H%M%S}_{self.index + 1:04}F"


def _render_drive(
    part: Path,
    settings: DriveSettings,
    *,
    started_at: datetime,
    place: Place,
    progress: Callable[[int, int], None],
    stop: threading.Event,
    workers: int,
) -> None:
    for each in ("DCIM/Movie", "truth"):
        (part / each).mkdir(parents=True)
    track = noisy_fixes(
        planned_motion(lane_path()),
        place,
        started_at=started_at,
        duration_s=float(settings.duration_s),
        seed=settings.seed,
    )
    clips = [
        _Clip(settings, index, started_at, _cut(track, started_at, index, settings.clip_s), place, part)
        for index in range(settings.duration_s // settings.clip_s)
    ]
    total = settings.duration_s * settings.frames_per_s
    if workers == 1:
        renderer = _renderer(settings)
        for index, clip in enumerate(clips):
            for frame in _render_clip(renderer, clip):
                progress(index * settings.clip_s * settings.frames_per_s + frame, total)
                _check(stop)
    else:
        _render_in_processes(clips, workers, total, progress, stop)
    parameters = {**asdict(settings), "version": RENDER_VERSION, "started_at": _rfc3339(started_at)}
    (part / "drive.json").write_text(json.dumps(parameters, indent=2) + "\n", encoding="utf-8")


def _cut(track: Track, started_at: datetime, index: int, clip_s: int) -> Track:
    start = started_at + timedelta(seconds=index * clip_s)
    end = start + timedelta(seconds=clip_s)
    return Track(tuple(fix for fix in track.fixes if start <= fix.at < end))


def _check(stop: threading.Event) -> None:
    if stop.is_set():
        raise Unavailable("rendering the simulated drive was stopped", hint="run it again", code="stopped")


def _renderer(settings: DriveSettings) -> Renderer:
    return Renderer(
        seed=settings.seed, duration_s=float(settings.duration_s), width=settings.width, height=settings.height
    )


# In the processes that render: how many frames all of them have done, and whether to stop.
_shared: dict[str, Any] = {}


def _begin_process(count: Synchronized[int], stopped: ProcessEvent) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # The parent decides.
    cv2.setNumThreads(1)
    _shared["count"], _shared["stopped"] = count, stopped


def _clip_in_process(clip: _Clip) -> None:
    renderer = _shared.setdefault("renderer", None) or _renderer(clip.settings)
    _shared["renderer"] = renderer
    for _ in _render_clip(renderer, clip):
        with _shared["count"].get_lock():
            _shared["count"].value += 1
        if _shared["stopped"].is_set():
            return


def _render_in_processes(
    clips: list[_Clip], workers: int, total: int, progress: Callable[[int, int], None], stop: threading.Event
) -> None:
    context = multiprocessing.get_context("spawn")
    count: Synchronized[int] = context.Value("i", 0)
    stopped = context.Event()
    with ProcessPoolExecutor(
        max_workers=min(workers, len(clips)),
        mp_context=context,
        initializer=_begin_process,
        initargs=(count, stopped),
    ) as pool:
        pending: set[Future[None]] = {pool.submit(_clip_in_process, clip) for clip in clips}
        try:
            while pending:
                done, pending = wait(pending, timeout=_POLL_S, return_when=FIRST_COMPLETED)
                for future in done:
                    future.result()
                progress(count.value, total)
                _check(stop)
        except BaseException:
            stopped.set()
            pool.shutdown(wait=True, cancel_futures=True)
            raise


def _render_clip(renderer: Renderer, clip: _Clip) -> Iterator[int]:
    """Render, encode and mux one clip; yields the count of frames after each."""
    settings = clip.settings
    plain = clip.work / f".{clip.name}.mp4"
    frames: list[dict[str, Any]] = []
    try:
        with av.open(str(plain), "w") as container:
            stream: Any = container.add_stream("libx264", rate=settings.frames_per_s)
            stream.width, stream.height, stream.pix_fmt = settings.width, settings.height, "yuv420p"
            stream.options = {"preset": "superfast", "crf": "22", "bf": "0"}
            stream.gop_size = settings.frames_per_s
            stream.codec_context.thread_count = 1
            stream.codec_context.colorspace, stream.codec_context.color_range = 5, 1  # BT.601, limited.
            for index in range(settings.clip_s * settings.frames_per_s):
                t_s = clip.start_s + index / settings.frames_per_s
                rgb, truths = renderer.frame(t_s)
                planes = np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2YUV_I420), np.uint8)
                frame = av.VideoFrame.from_ndarray(planes, format="yuv420p")
                frame.pts = index
                for packet in stream.encode(frame):
                    container.mux(packet)
                frames.append(_frame_truth(renderer, clip, t_s, truths))
                yield index + 1
            for packet in stream.encode():
                container.mux(packet)
        start = clip.started_at + timedelta(seconds=clip.start_s)
        mux_novatek(
            plain,
            clip.fixes.fixes,
            clip.work / f"DCIM/Movie/{clip.name}.MP4",
            video_start=start,
            utc_offset=clip.place.utc_offset(start),
        )
    except av.FFmpegError as exc:
        raise HostError(f"cannot write the simulated recording: {exc}", hint="reinstall PyAV") from exc
    finally:
        plain.unlink(missing_ok=True)
    truth = {
        "recording": f"{clip.name}.MP4",
        "width": settings.width,
        "height": settings.height,
        "frames_per_s": settings.frames_per_s,
        "frames": frames,
    }
    (clip.work / "truth" / f"{clip.name}.json").write_text(json.dumps(truth) + "\n", encoding="utf-8")


def _frame_truth(renderer: Renderer, clip: _Clip, t_s: float, truths: list[Truth]) -> dict[str, Any]:
    pose = renderer.motion.pose_at(t_s)
    position = clip.place.lon_lat(pose.x, pose.y)
    return {
        "offset_s": round(t_s - clip.start_s, 4),
        "captured": _rfc3339(clip.started_at + timedelta(seconds=t_s)),
        "lon": round(position.lon, 7),
        "lat": round(position.lat, 7),
        "heading_deg": round(clip.place.heading(pose.heading_deg), 2) % 360.0,
        "speed_mps": round(pose.speed_mps, 2),
        "things": [_thing(clip.place, truth) for truth in truths],
    }


def _thing(place: Place, truth: Truth) -> dict[str, Any]:
    position = place.lon_lat(truth.x, truth.y)
    return {
        "kind": truth.kind,
        "name": truth.name,
        "bbox_xyxy": [round(c, 1) for c in truth.bbox_xyxy],
        "visible": truth.visible,
        "lon": round(position.lon, 7),
        "lat": round(position.lat, 7),
        "distance_m": round(truth.distance_m, 2),
        "text": truth.text,
    }


def _rfc3339(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _recorded(folder: Path, *, is_new: bool) -> RecordedDrive:
    recordings = tuple(sorted((folder / "DCIM" / "Movie").glob("*.MP4")))
    if not recordings:
        raise HostError(f"the simulated drive in {folder} is damaged", hint=f"remove {folder} and run it again")
    return RecordedDrive(folder, folder / "DCIM", recordings, is_new)
