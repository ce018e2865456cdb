"""What a detector says of a picture: boxes in pixels."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from dashlight.errors import InputError


class RedactionKind(StrEnum):
    """What a painted box hid. No more is ever told of it."""

    FACE = "face"
    PLATE = "plate"
    HEAD = "head"  # The head zone of a person, whether or not a face was found in it.


@dataclass(frozen=True, slots=True)
class Detection:
    """A box in pixel space.

    Attributes:
        kind: What was found: a `RedactionKind`, or a class of objects such as `person` or `car`.
        bbox_xyxy: x_min, y_min, x_max, y_max in pixels, half-open, origin top left.
        score: The model's output, 0..1.
    """

    kind: str
    bbox_xyxy: tuple[float, float, float, float]
    score: float

    def __post_init__(self) -> None:
        x_min, y_min, x_max, y_max = self.bbox_xyxy
        if not (x_min <= x_max and y_min <= y_max):
            raise InputError(f"bbox_xyxy {self.bbox_xyxy} has its corners exchanged", code="bad-box")
        if not 0.0 <= self.score <= 1.0:
            raise InputError(f"score {self.score} is outside 0..1", code="bad-score")


@dataclass(frozen=True, slots=True)
class Redaction:
    """A box that was painted over.

    Attributes:
        kind: What was hidden.
        bbox_xyxy: Whole pixels of the published picture, half-open, clipped to it.
        score: The highest score of what led to it, 0..1; a box kept from a neighbouring picture has that one's.
    """

    kind: RedactionKind
    bbox_xyxy: tuple[int, int, int, int]
    score: float
