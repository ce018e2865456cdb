"""A server that does what it likes cannot hold the edge up, nor fill its memory, nor get lies told."""

import contextlib
import socket
import threading
import time
import zlib

import pytest

from dashlight.edge.server import Server
from dashlight.edge.server import client as edge_server
from dashlight.errors import Corrupt, Unavailable
from dashlight.model import Policy

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


@contextlib.contextmanager
def answering(*answers):
    """Serve one connection: each answer gets the request's bytes and the connection, in turn."""
    requests = []
    stop = threading.Event()

    def serve(listener):
        with contextlib.suppress(OSError):
            connection, _ = listener.accept()
            with connection:
                for answer in answers:
                    request = b""
                    while b"\r\n\r\n" not in request:
                        request += connection.recv(65_536)
                    requests.append(request)
                    answer(connection, stop)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, args=(listener,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}", requests
        finally:
            stop.set()
            thread.join()


def trickling(first, again):
    def answer(connection, stop):
        connection.sendall(first)
        while not stop.wait(0.05):
            connection.sendall(again)

    return answer


def whole(reply):
    return lambda connection, _: connection.sendall(reply)


@contextlib.contextmanager
def client(url, **options):
    server = Server(url, **options)
    try:
        yield server
    finally:
        server.close()


def test_a_packed_reply_is_refused_before_it_is_unpacked():
    packed = zlib.compress(b"{" + b" " * 1_000_000 + b"}")
    reply = HEAD + b"Content-Encoding: deflate\r\nContent-Length: %d\r\n\r\n" % len(packed) + packed

    with (
        answering(whole(reply)) as (url, requests),
        client(url) as server,
        pytest.raises(Corrupt, match="packed") as refusal,
    ):
        server.instance()

    assert refusal.value.code == "bad-reply"
    assert b"accept-encoding: identity\r\n" in requests[0].lower()


@pytest.mark.parametrize(
    ("first", "again"),
    [
        (HEAD + b"\r\n", b" "),
        (b"", b"HTTP/1.1 103 Early Hints\r\n\r\n"),
        (HEAD, b"X: y\r\n"),
    ],
    ids=["body", "early-hints", "headers"],
)
def test_a_reply_that_trickles_without_end_is_given_up(first, again):
    with answering(trickling(first, again)) as (url, _), client(url, timeout_s=0.2) as server:
        started = time.monotonic()
        with pytest.raises(Unavailable, match="no whole reply within 1 s"):
            server.instance()

    assert time.monotonic() - started < 0.2 * edge_server.TOTAL_TIMEOUTS + 2


def test_a_connection_that_is_used_again_has_its_deadline_too():
    good = whole(HEAD + b"Content-Length: 2\r\n\r\n{}")
    hints = trickling(b"", b"HTTP/1.1 103 Early Hints\r\n\r\n")
    with answering(good, hints) as (url, requests), client(url, timeout_s=0.2) as server:
        assert server.instance() == {}
        with pytest.raises(Unavailable, match="no whole reply"):
            server.instance()

    assert len(requests) == 2


def test_the_largest_upload_has_an_hour_on_a_slow_line():
    assert edge_server.sending_s(64 * 2**20, timeout_s=30.0) >= 3600
    assert edge_server.sending_s(0, timeout_s=30.0) == 30.0 * edge_server.TOTAL_TIMEOUTS


def test_a_redirected_enrolment_does_not_promise_to_be_tried_again():
    reply = b"HTTP/1.1 307 Temporary Redirect\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n"
    with (
        answering(whole(reply)) as (url, _),
        client(url) as server,
        pytest.raises(Unavailable, match="a redirect; none is followed") as refusal,
    ):
        server.enroll("x", policy=Policy.FLEET, license_id="CC-BY-4.0")

    assert refusal.value.code == "redirected"
    assert "no enrolment was stored" in refusal.value.hint
    assert "tried again" not in refusal.value.hint
