import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from dashlight.vision import Detectors

SHARED = Path(__file__).resolve().parents[4] / "shared" / "data"


@pytest.fixture(scope="session")
def detectors():
    return Detectors.load()


@pytest.fixture(scope="session")
def labelled():
    """A function from the name of a labelled set to its rows, pictures read on demand."""

    def rows_of(name, count=None):
        folder = SHARED / name
        if not folder.is_dir():
            pytest.skip(f"{folder} is not here: the labelled pictures are not part of the project")
        rows = [json.loads(line) for line in (folder / "labels.jsonl").read_text("utf-8").splitlines()]
        step = 1 if count is None else max(1, len(rows) // count)
        for row in rows[::step][:count]:
            image = cv2.imread(str(folder / row["image"]))
            boxes = np.array([box["bbox_xyxy"] for box in row["boxes"]], np.float32).reshape(-1, 4)
            yield np.ascontiguousarray(image[:, :, ::-1]), boxes

    return rows_of


@pytest.fixture
def street():
    """A noisy picture `(H, W, 3) uint8` that stands for a street."""
    rng = np.random.default_rng(1)
    return rng.integers(0, 256, (180, 320, 3), dtype=np.uint8)
