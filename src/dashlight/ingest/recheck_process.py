"""The child of `ingest.recheck`: reads pictures from stdin, writes verdicts to stdout, one JSON object a line.

Asked: a line `{"size_bytes", "thumbnail_size_bytes", "redactions": [[kind, x_min, y_min, x_max, y_max, score]]}`, the
JPEG and that of the thumbnail. Answered: `{"ready": true}` once, then `{"readable": [[kind, x_min, y_min, x_max,
y_max]]}` or `{"corrupt": reason}` for each. A thumbnail that shows something else is of the kind `thumbnail`.
It ends when stdin ends, so it never outlives the server. With `--idle` it takes only what nothing else wants to run on.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any, BinaryIO

from dashlight.errors import Corrupt, TooLarge
from dashlight.model import Redaction, RedactionKind
from dashlight.vision.detectors import Detectors
from dashlight.vision.second_look import recheck, thumbnail_difference

_NICENESS = 5  # The server itself goes first.
_IDLE_NICENESS = 19


def main() -> None:
    """Look at pictures until stdin ends."""
    _step_back(is_idle="--idle" in sys.argv[1:])
    detectors = Detectors.load()
    requests, replies = sys.stdin.buffer, sys.stdout.buffer
    _reply(replies, {"ready": True})
    while line := requests.readline():
        asked = json.loads(line)
        jpeg = requests.read(asked["size_bytes"])
        thumbnail = requests.read(asked["thumbnail_size_bytes"])
        if (len(jpeg), len(thumbnail)) != (asked["size_bytes"], asked["thumbnail_size_bytes"]):
            return
        _reply(replies, _looked(jpeg, thumbnail, asked["redactions"], detectors))


def _step_back(*, is_idle: bool) -> None:
    """Let others go first."""
    if is_idle and hasattr(os, "SCHED_IDLE"):
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    if hasattr(os, "nice"):
        os.nice(_IDLE_NICENESS if is_idle else _NICENESS)


def _looked(jpeg: bytes, thumbnail: bytes, redactions: list[list[Any]], detectors: Detectors) -> dict[str, Any]:
    listed = [Redaction(RedactionKind(kind), (x0, y0, x1, y1), score) for kind, x0, y0, x1, y1, score in redactions]
    try:
        verdict = recheck(jpeg, listed, detectors)
        other = thumbnail_difference(jpeg, thumbnail)
    except (Corrupt, TooLarge) as exc:
        return {"corrupt": exc.message}
    readable: list[list[Any]] = [[str(found.kind), *found.bbox_xyxy] for found in verdict.readable]
    return {"readable": readable if other is None else [*readable, ["thumbnail", *other]]}


def _reply(replies: BinaryIO, message: dict[str, Any]) -> None:
    replies.write(json.dumps(message).encode() + b"\n")
    replies.flush()


if __name__ == "__main__":
    main()
