"""The real server over bare connections: who is slow is given up, who asks too often waits, and the stop is orderly."""

import json
import socket
import threading
import time
from contextlib import closing

import httpx
import made_bundles
import pytest
from servers import ServerProcess, draw_tokens, served

from dashlight.wire import MEDIA_TYPE


def connected(url, timeout_s=20):
    host, port = url.removeprefix("http://").split(":")
    return closing(socket.create_connection((host, int(port)), timeout=timeout_s))


def said_until_closed(connection, end=None):
    """Return what the server said until it closed, or until `end`."""
    said = b""
    try:
        while (end is None or not said.endswith(end)) and (more := connection.recv(65_536)):
            said += more
    except ConnectionError:
        pass
    return said


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        (b"", b""),
        (b"GET / HTTP/1.1\r\nHost: x\r\n", b"HTTP/1.1 408 "),
        (b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\nGET / HTTP", b"HTTP/1.1 200 "),
        (b"POST /api/search HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n{", b"HTTP/1.1 408 "),
    ],
    ids=["nothing", "half a head", "half a second head", "half a body"],
)
def test_who_does_not_go_on_is_given_up(tmp_path, sent, said):
    with served(tmp_path, head_timeout_s=0.3, body_timeout_s=0.3) as server, connected(server.url) as connection:
        connection.sendall(sent)

        assert said_until_closed(connection).startswith(said)


def test_a_slow_head_in_parts_is_given_up_all_the_same(tmp_path):
    with served(tmp_path, head_timeout_s=0.5) as server, connected(server.url) as connection:
        began = time.monotonic()
        closed = threading.Event()

        def drip():
            connection.sendall(b"GET / HTTP/1.1\r\n")
            while not closed.wait(0.05):
                try:
                    connection.sendall(b"X: y\r\n")
                except OSError:
                    return

        dripping = threading.Thread(target=drip)
        dripping.start()
        said_until_closed(connection)
        lasted_s = time.monotonic() - began
        closed.set()
        dripping.join()

    assert lasted_s < 10


def send_for_ever(connection, request):
    while True:
        connection.sendall(request * 100)


def test_a_reader_who_takes_nothing_is_cut_off(tmp_path):
    with served(tmp_path, read_stall_s=0.3) as server:
        request = b"GET /v1/openapi.json HTTP/1.1\r\nHost: x\r\n\r\n"
        with connected(server.url) as connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
            connection.settimeout(20)
            with pytest.raises(ConnectionError):
                send_for_ever(connection, request)  # The replies pile up on the server.

        assert server.client.get("/healthz").status_code == 200


def test_a_head_of_many_headers_is_refused(tmp_path):
    with served(tmp_path) as server:
        few = server.client.get("/healthz", headers={f"X-{n}": "1" for n in range(80)})
        many = server.client.get("/healthz", headers={f"X-{n}": "1" for n in range(120)})

    assert (few.status_code, many.status_code) == (200, 431)


def test_clients_behind_a_trusted_proxy_are_limited_one_by_one(tmp_path):
    with served(tmp_path, trusted_proxy="127.0.0.1", tiles_per_minute=2, live_per_sender=1) as server:

        def status(address):
            return server.client.get("/v1/tiles/1/0/0.mvt", headers={"X-Forwarded-For": address}).status_code

        assert [status("203.0.113.7") for _ in range(3)] == [204, 204, 429]
        assert status("198.51.100.9") == 204
        headers = {"X-Forwarded-For": "203.0.113.7"}
        asked = [server.client.stream("GET", "/live", headers=headers) for _ in range(2)]
        with asked[0] as first, asked[1] as second:
            assert (first.status_code, second.status_code) == (200, 429)
        refused = server.client.get("/metrics").text
        assert 'dashlight_border_refused_requests_total{group="tiles",reason="rate"} 1.0' in refused
        assert "203.0.113" not in refused


def test_an_instance_that_holds_enough_takes_no_more(tmp_path):
    with served(tmp_path, disk_quota_mb=65) as server:
        assert server.put(made_bundles.archive(3, bundle_number=1)).status_code == 201
        server.application.store.database.write(
            lambda t: t.connection.exec_driver_sql("UPDATE object SET size_bytes = 68157000") and None
        )
    with served(tmp_path, disk_quota_mb=65) as server:
        reply = server.put(made_bundles.archive(3, bundle_number=2))

    assert (reply.status_code, reply.json()["type"].rsplit("/", 1)[1]) == (507, "quota")


def test_a_stop_finishes_what_runs_refuses_what_is_new_and_ends_streams_with_a_time_to_come_back(tmp_path):
    (token,) = draw_tokens(tmp_path, 1)
    archive = made_bundles.archive(3)
    server = ServerProcess(tmp_path, "--recheck-share", "0").start()
    with connected(server.url) as upload, connected(server.url) as live:
        live.sendall(b"GET /live HTTP/1.1\r\nHost: x\r\n\r\n")
        while b"event: hello" not in live.recv(65_536):
            pass
        head = (
            f"PUT /v1/bundles/{made_bundles.sha256_of(archive)} HTTP/1.1\r\nHost: x\r\nContent-Type: {MEDIA_TYPE}\r\n"
        )
        head += f"Authorization: Bearer {token}\r\nContent-Length: {len(archive)}\r\nExpect: 100-continue\r\n\r\n"
        upload.sendall(head.encode())
        assert upload.recv(1_000).startswith(b"HTTP/1.1 100")  # The request is open: its body is waited for.

        server.process.terminate()
        ended = said_until_closed(live, b"\r\n0\r\n\r\n")  # The last chunk.
        with httpx.Client(base_url=server.url, trust_env=False) as client:
            refused = client.get("/v1/instance")
            probes = [client.get(path).status_code for path in ("/healthz", "/readyz")]
        upload.sendall(archive)
        receipt = said_until_closed(upload)

    assert server.process.wait(30) == 0
    server.process.stdout.close()
    assert b"retry: " in ended
    assert (refused.status_code, probes) == (503, [200, 503])
    assert int(refused.headers["retry-after"]) >= 1
    assert receipt.startswith(b"HTTP/1.1 201")
    assert json.loads(receipt.rpartition(b"\r\n\r\n")[2])["pictures"] == 3


def test_what_takes_longer_than_the_stop_is_cut_off(tmp_path):
    (token,) = draw_tokens(tmp_path, 1)
    server = ServerProcess(tmp_path, "--recheck-share", "0", env={"DASHLIGHT_SERVER_STOP_S": "1"}).start()
    with connected(server.url) as upload:
        head = f"PUT /v1/bundles/{'0' * 64} HTTP/1.1\r\nHost: x\r\nContent-Type: {MEDIA_TYPE}\r\n"
        head += f"Authorization: Bearer {token}\r\nContent-Length: 1000\r\nExpect: 100-continue\r\n\r\n"
        upload.sendall(head.encode())
        assert upload.recv(1_000).startswith(b"HTTP/1.1 100")

        assert server.stop() == 0
