"""Enrolling: the server's key is pinned, the choice of licence kept, and what fails costs no invite."""

import stat

import httpx
import pytest
from edge_stations import FakeServer, sealed, station_in

from dashlight.edge.home import Choices, Home
from dashlight.edge.home.ledger import Ledger
from dashlight.edge.server import enroll, license_of
from dashlight.errors import Conflict, Corrupt, NotFound, Unauthorized, Unavailable
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
    server._get_instance = lambda _: httpx.Response(200, json={"server_key": "A" * 43})

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


def test_an_address_without_a_server_is_told(home, ledger):
    server = FakeServer()
    server._get_instance = lambda _: httpx.Response(404, json={"detail": "Not Found"})

    with pytest.raises(NotFound, match="there is no dashlight server at"):
        enroll(home, ledger, server.client(), "good", Choices(Policy.FLEET))


def test_bundles_that_wait_for_one_server_do_not_go_to_another(tmp_path):
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


def test_the_licence_is_the_servers_unless_chosen():
    server = FakeServer()
    server.answer = lambda _: httpx.Response(200, json={"license": "CC0-1.0"})

    assert license_of(server.client()) == "CC0-1.0"


def test_a_server_that_names_no_licence_is_told():
    with pytest.raises(Corrupt, match="licence None"):
        license_of(FakeServer().client())
