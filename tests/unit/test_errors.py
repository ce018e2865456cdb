"""Exit codes and HTTP statuses are API."""

import importlib
from pathlib import PurePath

import pytest

from dashlight import errors
from dashlight.errors import HTTP_STATUS, DashlightError, Gone, Rejected, Unavailable, UnsatisfiableRange

CLASSES = [c for c in vars(errors).values() if isinstance(c, type) and issubclass(c, DashlightError)]


@pytest.mark.parametrize("kind", CLASSES)
def test_every_error_has_an_exit_code_a_status_and_a_code(kind):
    error = kind("wrong: 7 is over 5", hint="take 5")

    assert kind.exit_code in {1, 2, 3, 4, 5, 6, 7}
    assert kind in HTTP_STATUS
    assert error.code == kind.default_code
    assert (error.message, error.hint, str(error)) == ("wrong: 7 is over 5", "take 5", "wrong: 7 is over 5")


def test_there_is_one_table_of_statuses_and_no_error_outside_it():
    importlib.import_module("dashlight.app")  # And with it everything that answers requests.

    def below(kind):
        return {kind}.union(*(below(each) for each in kind.__subclasses__()))

    shown = {kind for kind in below(DashlightError) if kind.__module__.startswith("dashlight.")}
    public = {kind for kind in shown if not kind.__name__.startswith("_")}
    at_the_edge = {kind for kind in public if kind.__module__.startswith("dashlight.edge.")}  # These answer no request.
    assert public - at_the_edge <= set(HTTP_STATUS)
    assert (HTTP_STATUS[Gone], HTTP_STATUS[UnsatisfiableRange]) == (410, 416)


def test_codes_differ():
    assert len({c.default_code for c in CLASSES}) == len(CLASSES)


def test_the_docstring_draws_every_error():
    assert all(c.__name__ in (errors.__doc__ or "") for c in CLASSES)


def test_what_is_worth_retrying_may_say_when():
    assert Unavailable("busy", retry_after_s=3.0).retry_after_s == 3.0


def test_a_rejected_file_is_a_value():
    assert Rejected(PurePath("a.mp4"), "0 bytes").code == "bad-input"
