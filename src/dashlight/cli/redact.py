"""`dashlight redact PATH... --output DIR`: destroy faces and plates in photos you have.

The output is a JPEG without metadata beside a line that says what was painted over. The input is
never written to.
"""

from __future__ import annotations

import argparse
import sys
import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dashlight.cli.counted import counted
from dashlight.cli.json_lines import print_json
from dashlight.cli.printable import shown
from dashlight.errors import InputError, Rejected, UsageError

if TYPE_CHECKING:
    from dashlight.model import Detection, RawFrame, RedactedPicture
    from dashlight.vision.sessions import Pixels
    from dashlight.vision.tracking import Detector

SUFFIXES = frozenset({".jpg", ".jpeg", ".png"})
DEFAULT_WORKERS = 2
MAX_WORKERS = 64


def add_parser(subparsers: argparse._SubParsersAction[Any]) -> None:
    """Add `redact` to the command line."""
    parser = subparsers.add_parser(
        "redact",
        help="paint over the faces and number plates in photos",
        description="Paint over faces, heads and number plates in JPEG and PNG photos. "
        "Metadata is dropped, orientation is honoured, inputs are never changed.",
    )
    parser.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="photos, or folders of photos")
    parser.add_argument("--output", type=Path, required=True, metavar="DIR", help="folder for the redacted photos")
    parser.add_argument("--json", action="store_true", help="one JSON object a photo")
    parser.add_argument(
        "--sequence",
        action="store_true",
        help="the photos are one drive, in order of their names: hide in each what its neighbours show",
    )
    parser.add_argument(
        "--workers", type=int, default=DEFAULT_WORKERS, metavar="N", help="photos at once (default: %(default)s)"
    )
    parser.set_defaults(run=run)


@dataclass(frozen=True, slots=True)
class Job:
    """One photo to redact: the file as named, and where its output goes."""

    source: Path
    target: Path


@dataclass(slots=True)
class TimedDetector:
    """Passes pictures on to a detector and keeps how long each took, by the picture's array."""

    detector: Detector
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _took_ms: dict[int, float] = field(default_factory=dict)  # Guarded by `_lock`.

    def detect(self, rgb: Pixels) -> tuple[Detection, ...]:
        """Return what is in a picture."""
        started = time.perf_counter()
        found = self.detector.detect(rgb)
        with self._lock:
            self._took_ms[id(rgb)] = (time.perf_counter() - started) * 1000
        return found

    def pop_ms(self, key: int) -> float:
        """Return and forget how long the picture with the array id `key` took."""
        with self._lock:
            return self._took_ms.pop(key)


@dataclass(slots=True)
class Report:
    """Prints a line a photo and counts what was rejected."""

    is_json: bool
    redacted: int = 0
    rejected: int = 0

    def reject(self, rejected: Rejected) -> None:
        """Say that a file was left out."""
        self.rejected += 1
        if self.is_json:
            self._print({"input": str(rejected.path), "error": rejected.reason})
        hint = f" ({rejected.hint})" if rejected.hint else ""
        sys.stderr.write(shown(f"{rejected.path}: {rejected.reason}{hint}") + "\n")

    def add(self, job: Job, picture: RedactedPicture, *, detect_ms: float) -> None:
        """Say what was painted over in a photo."""
        self.redacted += 1
        if self.is_json:
            self._print(
                {
                    "input": str(job.source),
                    "output": str(job.target),
                    "redactions": [
                        {
                            "kind": each.kind.value,
                            "bbox_xyxy": list(each.bbox_xyxy),
                            "score": round(each.score, 4),
                        }
                        for each in picture.redactions
                    ],
                    "detect_ms": round(detect_ms, 1),
                }
            )
            return
        kinds = [each.kind.value for each in picture.redactions]
        counts = ", ".join(counted(kinds.count(kind), kind) for kind in dict.fromkeys(kinds)) or "nothing"
        sys.stdout.write(f"{shown(job.target)}: {counts} painted over\n")

    def _print(self, row: dict[str, object]) -> None:
        print_json(row)


def run(args: argparse.Namespace) -> int:
    """Redact the photos that are named.

    Returns:
        0 when every photo was redacted, 3 when at least one was rejected.

    Raises:
        InputError: When there is no photo at all.
        HostError: When the weights are missing or the output cannot be written.
    """
    from dashlight.vision import Detectors, redact_sequence

    if not 1 <= args.workers <= MAX_WORKERS:
        raise UsageError(f"--workers {args.workers} is outside 1..{MAX_WORKERS}")
    check_output(args.paths, args.output)
    report = Report(args.json)
    jobs = []
    for planned in plan(args.paths, args.output):
        if isinstance(planned, Rejected):
            report.reject(planned)
        else:
            jobs.append(planned)
    if not jobs and not report.rejected:
        raise InputError(
            f"no photo in {', '.join(map(str, args.paths))}",
            hint=f"dashlight redact reads {', '.join(sorted(SUFFIXES))} files",
        )
    if not jobs:
        return InputError.exit_code
    detector = TimedDetector(Detectors.load())
    pending: deque[tuple[Job, int]] = deque()
    frames = read_frames(jobs, pending, report)
    lookaround = 1 if args.sequence else 0
    for picture in redact_sequence(frames, detector, lookaround=lookaround, workers=args.workers):
        job, key = pending.popleft()
        write_picture(job.target, picture.jpeg)
        report.add(job, picture, detect_ms=detector.pop_ms(key))
    if not getattr(args, "quiet", False):
        sys.stderr.write(f"{counted(report.redacted, 'photo')} redacted, {report.rejected} rejected\n")
    return InputError.exit_code if report.rejected else 0


def read_frames(jobs: Iterable[Job], pending: deque[tuple[Job, int]], report: Report) -> Iterator[RawFrame]:
    """Yield the frame of each photo that can be read; `pending` gets its job in the same order.

    The frames of a sequence are taken to be a second apart: close enough to be neighbours.
    """
    from dashlight.cli.photo import read_photo
    from dashlight.model import RawFrame

    for index, job in enumerate(jobs):
        read = read_photo(job.source)
        if isinstance(read, Rejected):
            report.reject(read)
            continue
        pending.append((job, id(read)))
        yield RawFrame(read, offset_s=float(index))


def check_output(paths: Iterable[Path], output: Path) -> None:
    """Raise UsageError when the output is one of the folders of photos: they are never overwritten."""
    own = output.resolve()
    for path in paths:
        if path.is_dir() and path.resolve() == own:
            raise UsageError(
                f"--output {output} is the folder of the photos itself, and photos are never overwritten",
                hint=f"name another folder, such as --output {own.parent / f'{own.name}-redacted'}",
            )


def plan(paths: Iterable[Path], output: Path) -> Iterator[Job | Rejected]:
    """Yield what to redact and where to, in order of names; nothing in `output` is an input of a folder."""
    sources = [*photos_in(paths, output)]
    inputs = {source.resolve() for source, _ in sources if not isinstance(source, Rejected)}
    taken: dict[Path, Path] = {}
    for source, name in sources:
        if isinstance(source, Rejected):
            yield source
            continue
        target = output / name.with_suffix(".jpg" if source.suffix.lower() == ".png" else source.suffix)
        place = target.resolve()
        if place in inputs:
            yield Rejected(source, f"its output {target} would overwrite an input", hint="name another --output")
        elif place in taken:
            yield Rejected(source, f"its output {target} is that of {taken[place]} already", hint="rename one")
        else:
            taken[place] = source
            yield Job(source, target)


def photos_in(paths: Iterable[Path], output: Path) -> Iterator[tuple[Path | Rejected, Path]]:
    """Yield each photo with the name of its output below the output folder."""
    own = output.resolve()
    for path in paths:
        if path.is_dir():
            is_below = own.is_relative_to(path.resolve())  # What an earlier run wrote there is no input.
            for source in sorted(path.rglob("*")):
                is_photo = source.suffix.lower() in SUFFIXES and source.is_file()
                if is_photo and not (is_below and source.resolve().is_relative_to(own)):
                    yield source, source.relative_to(path)
        elif path.is_file():
            yield path, Path(path.name)
        else:
            yield Rejected(path, "there is no such file or folder"), path


def write_picture(path: Path, jpeg: bytes) -> None:
    """Write a picture whole or not at all; durable on return, readable as the user's other files are.

    Raises:
        HostError: When the folder cannot be written to.
    """
    from dashlight.store.durable import make_folder, write_durably

    make_folder(path.parent, mode=0o777)  # Less the umask, as for the file.
    write_durably(path, jpeg, mode=0o666)
