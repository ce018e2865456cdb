"""The child of `ingest.recheck`: reads pictures from stdin, writes verdicts to stdout, one JSON object a line.

Asked: a line `{"size_bytes", "redactions": [[kind, x_min, y_min, x_max, y_max, score]]}` and the JPEG. Answered:
`{"ready": true}` once, then `{"readable": [[kind, x_min, y_min, x_max, y_max]]}` or `{"corrupt": reason}` for each.
It ends when stdin ends, so it never outlives the server.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any, BinaryIO

from dashlight.errors import Corrupt, TooLarge
from dashlight.model import Redaction, RedactionKind
from dashlight.vision.detectors import Detectors
from dashlight.vision.second_look import recheck

_NICENESS = 5  # The server itself goes first.


def main() -> None:
    """Look at pictures until stdin ends."""
    if hasattr(os, "nice"):
        os.nice(_NICENESS)
    detectors = Detectors.load()
    requests, replies = sys.stdin.buffer, sys.stdout.buffer
    _reply(replies, {"ready": True})
    while line := requests.readline():
        asked = json.loads(line)
        jpeg = requests.read(asked["size_bytes"])
        if len(jpeg) != asked["size_bytes"]:
            return
        _reply(replies, _looked(jpeg, asked["redactions"], detectors))


def _looked(jpeg: bytes, redactions: list[list[Any]], detectors: Detectors) -> dict[str, Any]:
    listed = [Redaction(RedactionKind(kind), (x0, y0, x1, y1), score) for kind, x0, y0, x1, y1, score in redactions]
    try:
        verdict = recheck(jpeg, listed, detectors)
    except (Corrupt, TooLarge) as exc:
        return {"corrupt": exc.message}
    return {"readable": [[str(found.kind), *found.bbox_xyxy] for found in verdict.readable]}


def _reply(replies: BinaryIO, message: dict[str, Any]) -> None:
    replies.write(json.dumps(message).encode() + b"\n")
    replies.flush()


if __name__ == "__main__":
    main()
