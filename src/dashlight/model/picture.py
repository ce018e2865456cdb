"""What is told of a picture beside its pixels."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from dashlight.errors import InputError
from dashlight.model.lonlat import LonLat


@dataclass(frozen=True, slots=True)
class Week:
    """An ISO week; the finest time that a `personal` picture tells.

    >>> Week.of(date(2026, 11, 23)).label
    '2026-W48'
    """

    year: int
    number: int

    def __post_init__(self) -> None:
        try:
            date.fromisocalendar(self.year, self.number, 1)
        except ValueError as exc:
            raise InputError(f"{self.year}-W{self.number:02} is not an ISO week", code="bad-time") from exc

    @property
    def label(self) -> str:
        """The week as ISO 8601 writes it, `2026-W48`."""
        return f"{self.year:04}-W{self.number:02}"

    @property
    def monday(self) -> date:
        """The first day of the week."""
        return date.fromisocalendar(self.year, self.number, 1)

    @classmethod
    def of(cls, day: date) -> Week:
        """Return the week that holds `day`."""
        iso = day.isocalendar()
        return cls(iso.year, iso.week)

    @classmethod
    def parse(cls, label: str) -> Week:
        """Return the week of `2026-W48`.

        Raises:
            InputError: When the label is not of that form.
        """
        if len(label) != 8 or label[4:6] != "-W" or not (label[:4] + label[6:]).isdecimal() or not label.isascii():
            raise InputError(f"{label!r} is not an ISO week such as 2026-W48", code="bad-time")
        return cls(int(label[:4]), int(label[6:]))


@dataclass(frozen=True, slots=True)
class Month:
    """A calendar month; told instead of the week while an instance has few contributors."""

    year: int
    number: int

    def __post_init__(self) -> None:
        if not (1 <= self.number <= 12 and 1 <= self.year <= 9999):
            raise InputError(f"{self.year}-{self.number:02} is not a month", code="bad-time")

    @property
    def label(self) -> str:
        """The month as RFC 3339 writes it, `2026-11`."""
        return f"{self.year:04}-{self.number:02}"

    @classmethod
    def parse(cls, label: str) -> Month:
        """Return the month of `2026-11`.

        Raises:
            InputError: When the label is not of that form.
        """
        if len(label) != 7 or label[4] != "-" or not (label[:4] + label[5:]).isdecimal() or not label.isascii():
            raise InputError(f"{label!r} is not a month such as 2026-11", code="bad-time")
        return cls(int(label[:4]), int(label[5:]))


CapturedAt = datetime | Week | Month


@dataclass(frozen=True, slots=True)
class PictureClaim:
    """Where, when and which way, as the policy allows it to be told.

    Attributes:
        position: Rounded to 1e-6 degrees.
        captured: An aware UTC time (`fleet`, `open`; milliseconds), or a week or month (`personal`).
        heading_deg: 0 <= h < 360, rounded to 0.1; true north.
        accuracy_m: Horizontal, when known.
    """

    position: LonLat
    captured: CapturedAt
    heading_deg: float
    accuracy_m: float | None = None

    def __post_init__(self) -> None:
        if not 0.0 <= self.heading_deg < 360.0:
            raise InputError(f"heading {self.heading_deg} is outside 0 <= h < 360", code="bad-heading")
        if isinstance(self.captured, datetime) and self.captured.utcoffset() != timedelta(0):
            raise InputError(f"the time {self.captured!r} of a picture is not aware UTC", code="bad-time")
        if self.accuracy_m is not None and not 0.0 <= self.accuracy_m <= 10_000.0:
            raise InputError(f"accuracy {self.accuracy_m} m is outside 0..10000", code="bad-position")
