"""The watching loop vouches for itself and for the uploads: never where either is not there any more."""

import threading

from dashlight.edge import worker


class Uploads:
    """Uploads that live or do not."""

    def __init__(self, *, is_alive):
        self.is_alive = is_alive


class Silent:
    """Progress that nobody looks at."""

    def __getattr__(self, _name):
        return lambda *_: None


def beats(uploads, *, seconds=0.0):
    heard = []
    stop = threading.Event()
    worker._rest(stop, seconds, worker._with_uploads(lambda: heard.append(1), uploads))
    return len(heard)


def test_a_loop_whose_uploads_died_is_not_vouched_for():
    assert beats(Uploads(is_alive=True)) == 1
    assert beats(Uploads(is_alive=False)) == 0


def test_a_long_rest_is_vouched_for_each_second():
    assert beats(Uploads(is_alive=True), seconds=1.1) >= 2


def test_each_thing_that_an_import_tells_is_a_sign_of_life():
    heard = []
    progress = worker._Vouching(Silent(), lambda: heard.append(1))

    progress.begun(None, None, 1)
    progress.picture(None)
    progress.sealed(1)
    progress.ended(None, 1)
    progress.rejected(None)

    assert len(heard) == 5
