"""What a caller may catch, and what stands in it."""

from pathlib import Path
from typing import assert_type

from dashlight.errors import (
    HTTP_STATUS,
    Busy,
    Conflict,
    Corrupt,
    DashlightError,
    Gone,
    HostError,
    InputError,
    NotFound,
    PrivacyError,
    Rejected,
    TooLarge,
    TooSlow,
    Unauthorized,
    Unavailable,
    UnsatisfiableRange,
    UsageError,
)


def every_error_has_a_message_a_hint_and_a_code(error: DashlightError) -> str:
    assert_type(error.exit_code, int)
    assert_type(error.message, str)
    assert_type(error.hint, str)
    assert_type(error.code, str)
    assert_type(HTTP_STATUS[type(error)], int)
    return f"{error}: {error.hint}"


def some_are_worth_retrying(error: DashlightError) -> float | None:
    match error:
        case Busy() | TooSlow():
            return error.retry_after_s
        case Unavailable(retry_after_s=retry_after_s):
            return assert_type(retry_after_s, float | None)
        case UnsatisfiableRange():
            assert_type(error.size_bytes, int | None)
            return None
        case _:
            return None


def a_class_says_what_a_caller_can_do() -> tuple[type[DashlightError], ...]:
    return (
        Conflict,
        Corrupt,
        Gone,
        HostError,
        InputError,
        NotFound,
        PrivacyError,
        TooLarge,
        Unauthorized,
        UsageError,
    )


def a_rejected_file_is_a_value(path: Path) -> str:
    rejected = Rejected(path, "a video without positions", code="no-positions", hint="Put a GPX file beside it.")
    return assert_type(rejected.reason, str)
