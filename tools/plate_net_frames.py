"""The pictures that `train_plate_net.py` learns from: frames with labelled plates, and streets without labels."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

Pixels = np.ndarray[Any, Any]  # (H, W, 3) uint8
Boxes = npt.NDArray[np.float32]

HELD_OUT_SHARE = 0.2
SIGN_SETS = ("gtsdb_classes_281", "road_signs_877_subset", "traffic_lights_asia")


@dataclass(frozen=True, slots=True)
class Frame:
    """A picture and its plates.

    Attributes:
        image: RGB.
        boxes: Labelled plates, `(N, 4)`.
        sure: Places known to be plates or not; where labels of other things are.
        is_labelled: Every plate is in `boxes`.
        unsure: Places that may be plates, found by a trained network.
        is_searched: Every place that may be a plate is in `unsure`.
    """

    image: Pixels
    boxes: Boxes
    sure: Boxes
    is_labelled: bool
    unsure: Boxes = field(default_factory=lambda: np.zeros((0, 4), np.float32))
    is_searched: bool = False


def read_rgb(path: Path) -> Pixels:
    """Return the picture at `path`, RGB."""
    bgr = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if bgr is None:
        raise SystemExit(f"{path} is no picture")
    return np.ascontiguousarray(bgr[:, :, ::-1])


def read_labels(folder: Path) -> list[dict[str, Any]]:
    """Return the rows of `labels.jsonl`."""
    return [json.loads(line) for line in (folder / "labels.jsonl").read_text("utf-8").splitlines()]


def boxes_in(row: dict[str, Any]) -> Boxes:
    """Return the `(N, 4)` boxes of a label row."""
    return np.array([box["bbox_xyxy"] for box in row["boxes"]], np.float32).reshape(-1, 4)


def load_frames(folder: Path) -> tuple[list[Frame], list[Frame]]:
    """Return the training frames and the held-out ones: the last fifth of each video."""
    videos: dict[str, list[tuple[int, dict[str, Any]]]] = {}
    for row in read_labels(folder):
        video, second = Path(row["image"]).stem.rsplit("_", 1)
        videos.setdefault(video, []).append((int(second), row))
    kept: list[Frame] = []
    held_out: list[Frame] = []
    for _video, rows in sorted(videos.items()):
        rows.sort(key=lambda pair: pair[0])
        split = round(len(rows) * (1 - HELD_OUT_SHARE))
        for index, (_second, row) in enumerate(rows):
            boxes = boxes_in(row)
            frame = Frame(read_rgb(folder / row["image"]), boxes, boxes, is_labelled=True)
            (kept if index < split else held_out).append(frame)
    return kept, held_out


def load_backgrounds(folder: Path) -> list[Frame]:
    """Return street pictures whose real plates, if any, are unknown."""
    found = []
    for name in (*SIGN_SETS, "coco_street"):
        for row in read_labels(folder / name):
            sure = boxes_in(row) if name in SIGN_SETS else np.zeros((0, 4), np.float32)
            found.append(Frame(read_rgb(folder / name / row["image"]), sure[:0], sure, is_labelled=False))
    return found
