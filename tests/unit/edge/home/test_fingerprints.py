"""A recording has the same name whatever its file is called."""

import os

import pytest

from dashlight.edge.home import fingerprint
from dashlight.errors import HostError


def test_a_recording_is_known_by_its_bytes(tmp_path):
    content = os.urandom(3_000_000)
    (tmp_path / "a.mp4").write_bytes(content)
    (tmp_path / "b.mov").write_bytes(content)
    (tmp_path / "c.mp4").write_bytes(content[:-1] + b"\0")
    (tmp_path / "d.mp4").write_bytes(b"")

    a, b, c, d = (fingerprint(tmp_path / name) for name in ("a.mp4", "b.mov", "c.mp4", "d.mp4"))

    assert a == b
    assert len({a, c, d}) == 3


def test_a_recording_that_is_gone_is_told(tmp_path):
    with pytest.raises(HostError, match="cannot be read"):
        fingerprint(tmp_path / "none.mp4")
