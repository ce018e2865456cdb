"""How much of what must be hidden is hidden, how much else is, and how long it takes.

Every figure is of the whole way, detectors and margins and all, on the labelled pictures beside the checkout:

- plates: the last fifth of each of two videos by time, on which nothing was trained. A plate counts when at
  least 90 % of its labelled area is painted over, by whatever.
- faces: labels are whole heads, in crowds; one counts when at least 90 % of its middle half, each way, is painted over.
- heads: of whole-body labels the top seventh, in the middle half, must be painted over to 90 %.

    python tests/bench/bench_redaction.py
"""

import json
import statistics
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from dashlight.model import RawFrame
from dashlight.vision import Detectors, recheck, redact

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
NAMES = (
    "redaction.plate_recall",
    "redaction.painted_share",
    "redaction.false_boxes",
    "redaction.detect_ms",
    "redaction.face_recall",
    "redaction.head_recall",
    "redaction.false_refusals",
)
HELD_OUT_SHARE = 0.2
COVERED_SHARE = 0.9


def labels(name: str) -> list[dict[str, Any]]:
    """Return the rows of a labelled set."""
    return [json.loads(line) for line in (DATA / name / "labels.jsonl").read_text("utf-8").splitlines()]


def held_out_plates() -> list[dict[str, Any]]:
    """Return the last fifth of each video by time."""
    videos: dict[str, list[tuple[int, dict[str, Any]]]] = {}
    for row in labels("plates/romania"):
        video, second = Path(row["image"]).stem.rsplit("_", 1)
        videos.setdefault(video, []).append((int(second), row))
    kept = []
    for _, rows in sorted(videos.items()):
        rows.sort(key=lambda pair: pair[0])
        kept += [row for _, row in rows[round(len(rows) * (1 - HELD_OUT_SHARE)) :]]
    return kept


def whole(box: np.ndarray) -> np.ndarray:
    """Return the labelled box."""
    return box


def middle_half(box: np.ndarray) -> np.ndarray:
    """Return the middle half of a box, each way."""
    width, height = box[2:] - box[:2]
    return np.array([box[0] + width / 4, box[1] + height / 4, box[2] - width / 4, box[3] - height / 4])


def head(box: np.ndarray) -> np.ndarray:
    """Return where the head of a labelled body is."""
    width, height = box[2:] - box[:2]
    return np.array([box[0] + width / 4, box[1], box[2] - width / 4, box[1] + height / 7])


def painted_over(redactions: Any, shape: tuple[int, ...]) -> np.ndarray:
    """Return `(H, W) bool`, true where a picture is painted over."""
    mask = np.zeros(shape[:2], bool)
    for each in redactions:
        x_min, y_min, x_max, y_max = each.bbox_xyxy
        mask[y_min:y_max, x_min:x_max] = True
    return mask


def measured(detectors: Detectors, name: str, rows: list[dict[str, Any]], part: Any) -> dict[str, Any]:
    """Return what redacting the pictures of a set covers, paints, takes, and whether ingest would refuse it."""
    hits: list[bool] = []
    shares, false_boxes, took_ms, refused = [], [], [], 0
    for row in rows:
        rgb = np.ascontiguousarray(cv2.imread(str(DATA / name / row["image"]))[:, :, ::-1])
        started = time.thread_time()
        found = detectors.detect(rgb)
        took_ms.append((time.thread_time() - started) * 1000)
        picture = redact(RawFrame(rgb), found)
        refused += bool(recheck(picture.jpeg, picture.redactions, detectors).readable)
        mask = painted_over(picture.redactions, rgb.shape)
        shares.append(float(mask.mean()))
        boxes = np.array([box["bbox_xyxy"] for box in row["boxes"] if box["class"] in {"plate", "face", "person"}])
        for box in boxes:
            x_min, y_min, x_max, y_max = np.round(part(box)).astype(int)
            window = mask[max(0, y_min) : max(y_max, y_min + 1), max(0, x_min) : max(x_max, x_min + 1)]
            if window.size:
                hits.append(float(window.mean()) >= COVERED_SHARE)
        false_boxes.append(sum(not touches(each.bbox_xyxy, boxes) for each in picture.redactions))
    return {"hits": hits, "shares": shares, "false": false_boxes, "ms": took_ms, "refused": refused}


def touches(box: tuple[int, ...], boxes: np.ndarray) -> bool:
    """Say whether a painted box overlaps anything labelled."""
    if not len(boxes):
        return False
    low, high = np.maximum(box[:2], boxes[:, :2]), np.minimum(box[2:], boxes[:, 2:])
    return bool((np.clip(high - low, 0, None).prod(axis=1) > 0).any())


def spread(values: list[float]) -> float:
    """Return the distance between the quartiles."""
    low, high = np.percentile(values, [25, 75]) if values else (0.0, 0.0)
    return round(float(high - low), 4)


def row_of(name: str, value: float, unit: str, source: str, values: list[float]) -> dict[str, Any]:
    """Return one line of the benchmark's output."""
    return {
        "name": f"redaction.{name}",
        "value": round(value, 4),
        "unit": unit,
        "input": source,
        "runs": len(values),
        "spread": spread(values),
    }


def share_of(hits: list[bool]) -> float:
    """Return how many of the labels were covered, 0..1."""
    return sum(hits) / max(1, len(hits))


def run() -> Iterator[dict[str, Any]]:
    """Yield one dict a figure; nothing where the labelled pictures are not there."""
    if not (DATA / "plates/romania").is_dir():
        sys.stderr.write(f"bench_redaction: {DATA} is not here, nothing measured\n")
        return
    cv2.setNumThreads(1)
    detectors = Detectors.load()
    source = "plates/romania, last fifth of each video"
    plates = measured(detectors, "plates/romania", held_out_plates(), whole)
    yield row_of("plate_recall", share_of(plates["hits"]), "share", source, [float(hit) for hit in plates["hits"]])
    yield row_of("painted_share", statistics.mean(plates["shares"]), "share", source, plates["shares"])
    yield row_of("false_boxes", statistics.mean(plates["false"]), "boxes/picture", source, plates["false"])
    yield row_of(
        "detect_ms", statistics.median(plates["ms"]), "ms", f"{source}, 1280x720, CPU time of one thread", plates["ms"]
    )
    faces = measured(detectors, "roads/faces_crowd_gray", labels("roads/faces_crowd_gray"), middle_half)
    hits = [float(hit) for hit in faces["hits"]]
    yield row_of("face_recall", share_of(faces["hits"]), "share", "roads/faces_crowd_gray", hits)
    people = measured(detectors, "roads/pennfudan_persons", labels("roads/pennfudan_persons"), head)
    hits = [float(hit) for hit in people["hits"]]
    yield row_of("head_recall", share_of(people["hits"]), "share", "roads/pennfudan_persons", hits)
    looked_at = [plates, faces, people]
    pictures = sum(len(each["shares"]) for each in looked_at)
    refused = sum(each["refused"] for each in looked_at)
    verdicts = [1.0] * refused + [0.0] * (pictures - refused)
    yield row_of("false_refusals", refused / pictures, "share", f"{pictures} redacted pictures", verdicts)


if __name__ == "__main__":
    for line in run():
        print(json.dumps(line), flush=True)  # noqa: T201 (a program's output)
