"""The supervisor is told over a real datagram socket, by name and by path, and only as often as it needs."""

import os
import socket
from contextlib import contextmanager

import pytest

from dashlight.cli.supervisor import Supervisor
from dashlight.config import Supervision


@contextmanager
def manager(address):
    """Listen as a service manager does."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(address)
        listener.setblocking(False)
        yield listener


def heard(listener):
    messages = []
    while True:
        try:
            messages.append(listener.recv(4096).decode())
        except BlockingIOError:
            return messages


@pytest.mark.parametrize("is_abstract", [False, True])
@pytest.mark.skipif("sys.platform != 'linux'", reason="abstract sockets are Linux's")
def test_ready_and_stopping_are_told_over_any_socket(tmp_path, is_abstract):
    name = f"dashlight-test-{os.getpid()}" if is_abstract else str(tmp_path / "notify")
    with manager("\0" + name if is_abstract else name) as listener:
        with Supervisor(Supervision("@" + name if is_abstract else name)) as supervisor:
            supervisor.ready("at work")
            supervisor.stopping()

        assert heard(listener) == ["READY=1\nSTATUS=at work", "STOPPING=1"]


def test_the_watchdog_is_fed_four_times_as_often_as_it_bites(tmp_path):
    clock = [100.0]
    with (
        manager(str(tmp_path / "notify")) as listener,
        Supervisor(Supervision(str(tmp_path / "notify"), 60.0), now_s=lambda: clock[0]) as supervisor,
    ):
        for _ in range(61):
            supervisor.alive()
            clock[0] += 1.0

        assert supervisor.beat_s == 15.0
        assert heard(listener) == ["WATCHDOG=1"] * 5


def test_without_a_watchdog_nobody_is_told_of_life(tmp_path):
    with (
        manager(str(tmp_path / "notify")) as listener,
        Supervisor(Supervision(str(tmp_path / "notify"))) as supervisor,
    ):
        supervisor.alive()

        assert heard(listener) == []


def test_without_a_manager_there_is_silence():
    with Supervisor(Supervision()) as supervisor:
        supervisor.ready()
        supervisor.alive()
        supervisor.stopping()


@pytest.mark.parametrize("address", ["/nowhere/at/all", "@nobody-listens-here", "/" + "x" * 300, "/a\0b"])
def test_a_manager_that_does_not_listen_stops_nothing(address):
    with Supervisor(Supervision(address, 1.0)) as supervisor:
        supervisor.ready()
        supervisor.alive()
        supervisor.stopping()


def test_a_manager_that_hears_too_slowly_holds_nothing_up(tmp_path):
    with (
        manager(str(tmp_path / "notify")),
        Supervisor(Supervision(str(tmp_path / "notify"), 1.0)) as supervisor,
    ):
        for _ in range(10_000):
            supervisor.ready()
