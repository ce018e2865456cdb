"""The edge's home: the seed is made once and kept, and one process works at a time."""

import stat

import httpx
import pytest
from edge_stations import FakeServer

from dashlight.edge import home as home_module
from dashlight.edge.enrolling import enroll, license_of
from dashlight.edge.home import Home
from dashlight.edge.ledger import Ledger
from dashlight.edge.station import Choices
from dashlight.errors import Conflict, Corrupt, HostError, Unauthorized, Unavailable
from dashlight.model import Policy
from dashlight.wire import public_bytes


@pytest.fixture
def home(tmp_path):
    return Home(tmp_path / "home")


@pytest.fixture
def ledger(home):
    ledger = Ledger(home.ledger_path)
    yield ledger
    ledger.close()


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


def test_enrolling_pins_the_key_and_keeps_the_choice_of_licence(home, ledger):
    server = FakeServer()

    enroll(home, ledger, server.client(), "good", Choices(Policy.FLEET, "CC0-1.0"))

    enrolment = home.enrolment()
    assert enrolment.server_key == public_bytes(server.key)
    assert (enrolment.policy, enrolment.license_id) == (Policy.FLEET, "CC0-1.0")
    assert ledger.tokens_left() == 2
    assert mode_of(home.path / "enrolment.json") == 0o600
    assert "credential" not in repr(enrolment)


def test_a_spent_invite_enrols_nobody(home, ledger):
    with pytest.raises(Unauthorized, match="spent"):
        enroll(home, ledger, FakeServer().client(), "bad", Choices())

    assert home.enrolment() is None


def test_a_server_that_shows_two_keys_is_not_believed(home, ledger):
    server = FakeServer()
    server._get_instance = lambda _: __import__("httpx").Response(200, json={"server_key": "A" * 43})

    with pytest.raises(Corrupt, match="another one"):
        enroll(home, ledger, server.client(), "good", Choices(Policy.FLEET))

    assert home.enrolment() is None


@pytest.mark.parametrize("answer", [httpx.Response(503), httpx.Response(200, json={}), httpx.Response(200, text="hi")])
def test_a_server_that_does_not_say_who_it_is_costs_no_invite(home, ledger, answer):
    server = FakeServer()
    server._get_instance = lambda _: answer

    with pytest.raises((Corrupt, Unavailable)):
        enroll(home, ledger, server.client(), "good", Choices(Policy.FLEET))

    assert not [r for r in server.requests if r.startswith("POST")]


def test_bundles_that_wait_for_one_server_do_not_go_to_another(tmp_path):
    from edge_stations import sealed, station_in  # noqa: PLC0415

    with station_in(tmp_path / "home") as station:
        sealed(station)

        with pytest.raises(Conflict, match="bundles wait for"):
            enroll(
                station.home,
                station.ledger,
                FakeServer().client("https://other.example"),
                "good",
                Choices(Policy.FLEET),
            )


def test_the_hint_to_enrol_names_the_most_careful_policy(tmp_path):
    with pytest.raises(Unauthorized) as caught:
        Home(tmp_path / "unenrolled").required_enrolment()

    assert "--policy personal" in caught.value.hint


def test_the_licence_is_the_servers_unless_chosen():
    server = FakeServer()
    server.answer = lambda _: httpx.Response(200, json={"license": "CC0-1.0"})

    assert license_of(server.client()) == "CC0-1.0"


def test_a_server_that_names_no_licence_is_told():
    with pytest.raises(Corrupt, match="licence None"):
        license_of(FakeServer().client())
