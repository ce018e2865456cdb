"""`dashlight serve` and `dashlight edge run` under a service manager: real processes and a real socket."""

import signal
import socket
import subprocess
import sys
import threading

import httpx
import pytest
from servers import SETTINGS, CleanLook, served

from dashlight.app import build
from dashlight.cli.http_server import SupervisedServer, server_config
from dashlight.cli.supervisor import Supervisor
from dashlight.config import Supervision, environment

pytestmark = pytest.mark.skipif("sys.platform != 'linux'", reason="service managers that are told are Linux's")


@pytest.fixture
def manager(tmp_path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(tmp_path / "notify"))
        listener.settimeout(60)
        yield listener


def test_the_server_says_when_it_is_ready_that_it_lives_and_that_it_stops(tmp_path, manager):
    command = [sys.executable, "-m", "dashlight", "serve", "--data", str(tmp_path / "data"), "--port", "0", "--json"]
    env = {**environment(), "NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "800000"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=env) as process:
        ready = manager.recv(4096).decode()
        url = ready.rsplit(" ", 1)[1]
        answer = httpx.get(url + "/readyz", trust_env=False)
        beats = [manager.recv(4096) for _ in range(3)]
        process.send_signal(signal.SIGTERM)
        last = manager.recv(4096)
        while last == b"WATCHDOG=1":
            last = manager.recv(4096)
        code = process.wait(60)

    assert ready.startswith("READY=1\nSTATUS=dashlight is at http://127.0.0.1:")
    assert answer.status_code == 200
    assert beats == [b"WATCHDOG=1"] * 3
    assert (last, code) == (b"STOPPING=1", 0)


def test_a_writer_that_hangs_is_not_vouched_for(tmp_path, manager):
    application = build(SETTINGS, tmp_path / "data", look=CleanLook())
    release = threading.Event()
    listener = socket.create_server(("127.0.0.1", 0))
    supervisor = Supervisor(Supervision(str(tmp_path / "notify"), 0.4))
    server = SupervisedServer(
        server_config(application.asgi, SETTINGS),
        begin_stop=application.begin_stop,
        open_requests=application.open_requests,
        ask_writer=lambda: application.store.database.submit(lambda _: None),
        supervisor=supervisor,
        status="",
    )
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        assert manager.recv(100) == b"READY=1"
        assert manager.recv(100) == b"WATCHDOG=1"
        hanging = application.store.database.submit(lambda _: release.wait(60))
        manager.settimeout(1.5)
        silences = 0
        for _ in range(8):  # What was on its way may still come; then nothing does.
            try:
                manager.recv(100)
            except TimeoutError:
                silences += 1
                break
        assert silences == 1
        release.set()
        hanging.result()
        manager.settimeout(60)
        assert manager.recv(100) == b"WATCHDOG=1"
    finally:
        release.set()
        server.should_exit = True
        thread.join(30)
        listener.close()
        supervisor.__exit__(None, None, None)


def enrolled(home, running):
    command = [sys.executable, "-m", "dashlight", "edge", "enroll", "--home", str(home), "--server", running.url]
    command += ["--invite", running.invite(), "--policy", "fleet"]
    subprocess.run(command, check=True, capture_output=True, timeout=120)


def test_an_edge_that_only_uploads_says_that_it_lives(tmp_path, manager):
    with served(tmp_path / "data") as running:
        enrolled(tmp_path / "home", running)
        command = [sys.executable, "-m", "dashlight", "edge", "run", "--home", str(tmp_path / "home")]
        env = {**environment(), "NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "4000000"}
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=env) as process:
            heard = [manager.recv(4096) for _ in range(3)]
            process.send_signal(signal.SIGTERM)
            last = manager.recv(4096)
            while last == b"WATCHDOG=1":
                last = manager.recv(4096)
            process.communicate(timeout=60)

    assert heard == [b"READY=1", b"WATCHDOG=1", b"WATCHDOG=1"]
    assert (last, process.returncode) == (b"STOPPING=1", 0)
