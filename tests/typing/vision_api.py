"""Finding and painting over, as a program of somebody else's calls it."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import assert_type

from dashlight.model import Detection, RawFrame, RedactedPicture
from dashlight.vision import (
    Detectors,
    Margins,
    Strictness,
    Thresholds,
    Verdict,
    Weights,
    read_weights,
    recheck,
    redact,
    redact_sequence,
    weights_table,
)


def networks_are_loaded_from_checked_weights(folder: Path) -> Detectors:
    assert_type(weights_table(), dict[str, Weights])
    assert_type(weights_table()["nanodet"].licence, str)
    assert_type(read_weights("nanodet", folder), bytes)
    return assert_type(Detectors.load(folder, intra_op_threads=2, thresholds=Thresholds(face=0.1)), Detectors)


def one_frame_is_redacted_and_looked_at_again(frame: RawFrame, detectors: Detectors) -> RedactedPicture:
    found = detectors.detect(frame.rgb)
    assert_type(found, tuple[Detection, ...])
    picture = redact(frame, found, margins=Margins(face=1.0), jpeg_quality=80)
    verdict = recheck(picture.jpeg, picture.redactions, detectors, strictness=Strictness(face=0.5))
    assert_type(verdict, Verdict)
    assert_type(verdict.readable, tuple[Detection, ...])
    return assert_type(picture, RedactedPicture)


def a_drive_is_redacted_with_its_neighbours(
    frames: Iterable[RawFrame], detectors: Detectors
) -> Iterator[RedactedPicture]:
    return assert_type(redact_sequence(frames, detectors, lookaround=2, workers=2), Iterator[RedactedPicture])
