"""Looks at watched folders again and again, and tells what has settled in them since the last look."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from dashlight.edge.recordings.folder import POSITION_SUFFIXES, VIDEO_SUFFIXES, Settling, find_recordings
from dashlight.edge.recordings.recording import Recording
from dashlight.errors import Rejected

ALONE_TIMES = 12.0  # Positions wait so many times longer than a video to settle: their video may be on its way.


class Look:
    """What changed in watched folders since the last look.

    A file counts when its size and time have been the same for `settle_s`; positions without a video, after longer.

    Args:
        folders: Watched with all that is below them.
        settle_s: See above.
    """

    def __init__(self, folders: Sequence[Path], *, settle_s: float) -> None:
        self._folders = folders
        self._settle_s = settle_s
        self._absent: set[Path] = set()
        self._sizes: dict[Path, tuple[int, float]] = {}
        self._since: dict[Path, float] = {}
        self._taken: dict[Path, tuple[int, float]] = {}

    def gone(self) -> list[Path]:
        """Return the folders that were there at the last call and are not now."""
        gone = [f for f in self._folders if f not in self._absent and not f.is_dir()]
        self._absent.update(gone)
        return gone

    def returned(self) -> list[Path]:
        """Return the folders that are there again."""
        back = [f for f in self._folders if f in self._absent and f.is_dir()]
        self._absent.difference_update(back)
        for folder in back:  # What was cut short is offered again; what is done is known by its bytes.
            self.again([path for path in self._taken if path.is_relative_to(folder)])
        return back

    def again(self, paths: Iterable[Path]) -> None:
        """Offer files once more at the next look."""
        for path in paths:
            self._taken.pop(path, None)

    def settled(self, now_s: float) -> list[Recording | Rejected]:
        """Return the files that have settled and were not returned before; each once until it changes."""
        sizes = self._sizes_now()
        for path, size in sizes.items():
            if self._sizes.get(path) != size:
                self._since[path] = now_s
        self._sizes.update(sizes)
        quiet = {
            path
            for path, size in sizes.items()
            if now_s - self._since[path] >= self._quiet_s(path) and self._taken.get(path) != size
        }
        if not quiet:
            return []
        present = [f for f in self._folders if f.is_dir()]
        settling = Settling(now_s=now_s, quiet_s=self._settle_s, seen=dict(sizes))
        found = [each for each in find_recordings(present, settling=settling) if each.path in quiet]
        for path in [*(Path(each.path) for each in found), *(path for path in quiet if _is_positions(path))]:
            self._taken[path] = sizes[path]
        return found

    def _quiet_s(self, path: Path) -> float:
        return self._settle_s * ALONE_TIMES if _is_positions(path) else self._settle_s

    def _sizes_now(self) -> dict[Path, tuple[int, float]]:
        sizes: dict[Path, tuple[int, float]] = {}
        for folder in self._folders:
            try:
                for path in folder.rglob("*"):
                    if path.suffix.lower() in VIDEO_SUFFIXES | POSITION_SUFFIXES and path.is_file():
                        status = path.stat()
                        sizes[path] = (status.st_size, status.st_mtime)
            except OSError:  # The camera went away while we looked; the next look tells.
                continue
        return sizes


def _is_positions(path: Path) -> bool:
    return path.suffix.lower() in POSITION_SUFFIXES
