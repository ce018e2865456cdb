"""Every exception that dashlight raises.

    DashlightError            1   a defect of ours, if it reaches a person
    |-- UsageError            2   the command or its options are wrong
    |-- InputError            3   a file or a request is wrong; another one may be right
    |   |-- TooLarge          3   the same, because it is over a limit
    |   `-- UnsatisfiableRange 3  the part of a file that is asked for lies behind its end
    |-- PrivacyError          4   refused, because it would tell what must not be told
    |-- Unavailable           5   worth retrying: the server, the network, a busy database
    |   |-- Busy              5   the same one is being served already
    |   `-- TooSlow           5   a request that came too slowly was ended
    |-- Unauthorized          6   no token, a forged one, or one that may not do this
    |-- Conflict              3   the thing exists already in another form, or is already spent
    |-- NotFound              3   there is no such thing
    |   `-- Gone              3   there was; it was erased or is hidden
    |-- Corrupt               3   bytes that do not say what they claim; never worth retrying
    `-- HostError             7   this machine: disk, permission, model weights, device

Exit codes and HTTP statuses are API. The table from class to HTTP status is `HTTP_STATUS`, in this one place.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePath
from typing import ClassVar

__all__ = [
    "HTTP_STATUS",
    "Busy",
    "Conflict",
    "Corrupt",
    "DashlightError",
    "Gone",
    "HostError",
    "InputError",
    "NotFound",
    "PrivacyError",
    "Rejected",
    "TooLarge",
    "TooSlow",
    "Unauthorized",
    "Unavailable",
    "UnsatisfiableRange",
    "UsageError",
]


class DashlightError(Exception):
    """The root of all errors.

    Args:
        message: What was wrong, with the value and the bound.
        hint: What to do next, or empty.
        code: A stable, kebab-case name of the precise reason; it is the end of a problem document's `type`.
    """

    exit_code: ClassVar[int] = 1
    default_code: ClassVar[str] = "defect"

    def __init__(self, message: str, *, hint: str = "", code: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.code: str = code or self.default_code


class UsageError(DashlightError):
    """The command line or the settings are wrong."""

    exit_code = 2
    default_code = "usage"


class InputError(DashlightError):
    """A file or a request is wrong."""

    exit_code = 3
    default_code = "bad-input"


class TooLarge(InputError):
    """A file or a request is over a limit."""

    default_code = "too-large"


class UnsatisfiableRange(InputError):
    """The part of a file that is asked for lies behind its end.

    Args:
        size_bytes: Of the whole file, when it is known.
    """

    exit_code = 3
    default_code = "bad-range"

    def __init__(self, message: str, *, hint: str = "", code: str = "", size_bytes: int | None = None) -> None:
        super().__init__(message, hint=hint, code=code)
        self.size_bytes = size_bytes


class PrivacyError(DashlightError):
    """Refused, because it would tell what must not be told."""

    exit_code = 4
    default_code = "privacy"


class Unavailable(DashlightError):
    """Not now: the server, the network or a lock; the same call may succeed later.

    Args:
        retry_after_s: When the other side said how long to wait.
    """

    exit_code = 5
    default_code = "unavailable"

    def __init__(self, message: str, *, hint: str = "", code: str = "", retry_after_s: float | None = None) -> None:
        super().__init__(message, hint=hint, code=code)
        self.retry_after_s = retry_after_s


class Busy(Unavailable):
    """Not now: whoever asks is being served already."""

    default_code = "being-served"


class TooSlow(Unavailable):
    """A request came too slowly and was ended."""

    default_code = "too-slow"


class Unauthorized(DashlightError):
    """No credential or token, a forged one, or one that may not do this."""

    exit_code = 6
    default_code = "unauthorized"


class Conflict(DashlightError):
    """The thing exists already in another form, or was spent already."""

    exit_code = 3
    default_code = "conflict"


class NotFound(DashlightError):
    """There is no such thing (any more)."""

    exit_code = 3
    default_code = "not-found"


class Gone(NotFound):
    """There was such a thing; it was erased, or it is hidden until a report is decided."""

    exit_code = 3
    default_code = "gone"


class Corrupt(DashlightError):
    """Bytes that do not say what they claim: a wrong hash, signature or structure."""

    exit_code = 3
    default_code = "corrupt"


class HostError(DashlightError):
    """This machine: a full disk, a missing permission, model weights, a device."""

    exit_code = 7
    default_code = "host"


HTTP_STATUS: dict[type[DashlightError], int] = {
    DashlightError: 500,
    UsageError: 400,
    InputError: 400,
    TooLarge: 413,
    UnsatisfiableRange: 416,
    PrivacyError: 422,
    Unavailable: 503,
    Busy: 429,
    TooSlow: 408,
    Unauthorized: 401,
    Conflict: 409,
    NotFound: 404,
    Gone: 410,
    Corrupt: 400,
    HostError: 507,
}


@dataclass(frozen=True, slots=True)
class Rejected:
    """One input of a batch that was left out, as a value beside the good ones.

    Attributes:
        path: The file as the user named it.
        reason: One sentence for a person, with the value and the bound.
        code: The stable name of the reason.
        hint: What to do next, or empty.
    """

    path: PurePath
    reason: str
    code: str = "bad-input"
    hint: str = ""
