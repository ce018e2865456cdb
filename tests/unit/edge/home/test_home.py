"""The edge's home: the seed is made once and kept, and one process works at a time."""

import stat

import pytest

from dashlight.edge.home import Home
from dashlight.edge.home import home as home_module
from dashlight.errors import Corrupt, HostError, Unauthorized


@pytest.fixture
def home(tmp_path):
    return Home(tmp_path / "home")


def mode_of(path):
    return stat.S_IMODE(path.stat().st_mode)


def test_the_seed_is_random_kept_and_readable_by_its_owner_only(home, tmp_path):
    seed = home.seed()

    assert len(seed) == 32
    assert seed == Home(home.path).seed()
    assert seed != Home(tmp_path / "other").seed()
    assert mode_of(home.path / "seed") == 0o600
    assert mode_of(home.path) == 0o700


def test_two_first_commands_have_one_seed(home, monkeypatch):
    first = Home(home.path)
    written = home_module.write_durably

    def slow(path, content, *, mode):
        written(path, content, mode=mode)
        monkeypatch.setattr(home_module, "write_durably", written)
        first.seed()  # The other command, between our look and our write.

    monkeypatch.setattr(home_module, "write_durably", slow)

    assert home.seed() == first.seed() == (home.path / "seed").read_bytes()
    assert [p.name for p in home.path.iterdir()] == ["seed"]


def test_a_damaged_seed_is_never_replaced(home):
    (home.path / "seed").write_bytes(b"short")

    with pytest.raises(Corrupt, match="5 bytes, not 32"):
        home.seed()

    assert (home.path / "seed").read_bytes() == b"short"


def test_a_damaged_enrolment_is_told(home):
    (home.path / "enrolment.json").write_text('{"server": 1}')

    with pytest.raises(Corrupt, match="not an enrolment"):
        home.enrolment()


def test_without_enrolment_the_hint_says_how(home):
    with pytest.raises(Unauthorized) as caught:
        home.required_enrolment()

    assert "dashlight edge enroll" in caught.value.hint


def test_two_processes_do_not_work_in_one_home(home):
    with home.lock(), pytest.raises(HostError, match="another dashlight"), Home(home.path).lock():
        pytest.fail("the lock was given twice")

    with home.lock():
        pass


def test_the_hint_to_enrol_names_the_most_careful_policy(tmp_path):
    with pytest.raises(Unauthorized) as caught:
        Home(tmp_path / "unenrolled").required_enrolment()

    assert "--policy personal" in caught.value.hint
