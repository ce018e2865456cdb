"""Real servers for tests: in a thread of this process, or in a process that can be killed."""

import json
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import made_bundles
import uvicorn

from dashlight.app import build
from dashlight.cli.http_server import server_config
from dashlight.config import ServerSettings, environment
from dashlight.model import Month, PictureClaim, Policy, destination
from dashlight.store import tokens
from dashlight.store.upkeep import open_store
from dashlight.wire import (
    MEDIA_TYPE,
    BundlePicture,
    bundle_key,
    deletion_commitment,
    deletion_secret,
    encode_bundle,
    from_base64url,
    verify_receipt,
)

SETTINGS = ServerSettings(recheck_share=0.0, recheck_idle_s=0.0, name="test instance", keep_free_mb=0, stop_s=5.0)


QUIET = {"DASHLIGHT_SERVER_KEEP_FREE_MB": "0", "DASHLIGHT_SERVER_RECHECK_IDLE_S": "0"}


class CleanLook:
    """A second look that finds nothing: for tests of everything else."""

    async def readable(self, _jpeg, _redactions, _thumbnail):
        return ()

    async def close(self):
        pass


class Served:
    """A running server and a client for it."""

    def __init__(self, application, url, folder):
        self.application = application
        self.folder = Path(folder)
        self.url = url
        self.store = application.store
        self.client = httpx.Client(base_url=url, timeout=30, trust_env=False)
        self.server_key = from_base64url(self.client.get("/v1/instance").json()["server_key"])

    def invite(self, policy=Policy.FLEET):
        return self.store.database.write(lambda t: tokens.create_invite(t, policy))

    def enrol(self, policy=Policy.FLEET, license_id="CC-BY-SA-4.0"):
        asked = {"invite": self.invite(policy), "policy": policy, "license": license_id}
        reply = self.client.post("/v1/enrolments", json=asked)
        assert reply.status_code == 201, reply.text
        return reply.json()

    def token(self, policy=Policy.FLEET):
        return self.enrol(policy)["tokens"][0]

    def put(self, archive, token=None, *, sha256=None, policy=Policy.FLEET, **headers):
        sha256 = sha256 or made_bundles.sha256_of(archive)
        given = {"Authorization": f"Bearer {token or self.token(policy)}", "Content-Type": MEDIA_TYPE, **headers}
        return self.client.put(f"/v1/bundles/{sha256}", content=archive, headers=given)

    def publish(self, archive, token=None, *, policy=Policy.FLEET):
        reply = self.put(archive, token, policy=policy)
        assert reply.status_code == 201, reply.text
        return verify_receipt(reply.content, server_key=self.server_key, sha256=made_bundles.sha256_of(archive))


class StoppingServer(uvicorn.Server):
    """Ends the live streams first, and refuses new requests, as `dashlight serve` does."""

    async def shutdown(self, sockets=None):
        self.application.begin_stop()
        await super().shutdown(sockets)


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@contextmanager
def served(folder, *, look=None, idle_look=None, spans=None, **settings):
    """Run a server of `folder` in a thread."""
    chosen = replace(SETTINGS, **settings)
    application = build(chosen, folder, look=look or CleanLook(), idle_look=idle_look, spans=spans)
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(100)  # Who connects before the server runs waits for it.
    server = StoppingServer(server_config(application.asgi, chosen))
    server.application = application
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    running = Served(application, url, folder)
    try:
        yield running
    finally:
        running.client.close()
        server.should_exit = True
        thread.join(20)
        listener.close()


class ServerProcess:
    """`dashlight serve` as a process, which may be killed at any moment.

    Its first life takes a free port, which it keeps in all later ones: a port that is chosen before it is bound may
    be somebody else's by then.
    """

    def __init__(self, folder, *flags, env=None, largest_file_kb=None):
        self.folder = Path(folder)
        self.port = 0
        self._command = [sys.executable, "-m", "dashlight", "serve", "--data", str(folder), "--json", *flags]
        if largest_file_kb is not None:  # As if the disk were full from there on.
            self._command = ["bash", "-c", f'ulimit -f {largest_file_kb}; exec "$@"', "bash", *self._command]
        self._env = {**environment(), **QUIET, **(env or {})}
        self.process = None

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def start(self):
        with tempfile.TemporaryFile("w+") as said:
            self.process = subprocess.Popen(
                [*self._command, "--port", str(self.port)],
                stdout=subprocess.PIPE,
                stderr=said,
                env=self._env,
                text=True,
            )
            line = self.process.stdout.readline()
            if not line:
                code = self.process.wait()
                self.process.stdout.close()
                said.seek(0)
                raise AssertionError(f"the server did not start (exit code {code}): {said.read()[-2000:]}")
        url = json.loads(line)["url"]
        assert self.port in (0, urlsplit(url).port)
        self.port = urlsplit(url).port
        self._wait_until_ready()
        return self

    def _wait_until_ready(self):
        ends = time.monotonic() + 30
        with httpx.Client(trust_env=False) as client:
            while True:
                try:
                    if client.get(self.url + "/healthz").status_code == 200:
                        return
                except httpx.TransportError:
                    assert time.monotonic() < ends, "the server does not answer"
                    assert self.process.poll() is None, "the server has ended"

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.process.stdout.close()

    def stop(self):
        self.process.terminate()
        code = self.process.wait(40)
        self.process.stdout.close()
        return code

    def resident_mb(self):
        with Path(f"/proc/{self.process.pid}/status").open() as status:
            line = next(line for line in status if line.startswith("VmRSS"))
        return int(line.split()[1]) / 1024


def personal_archive(count, number):
    """Return a personal bundle as the edge makes it: 1280x720, a month, no two within 2 km."""
    pictures = [
        BundlePicture(
            made_bundles.redacted((n * 10 + number) % 200, width=1280, height=720),
            PictureClaim(destination(made_bundles.HERE, 90.0, n * 2_100.0), Month(2026, 10), 90.0),
            deletion_commitment(deletion_secret(made_bundles.SEED, number, n)),
        )
        for n in range(count)
    ]
    return encode_bundle(
        pictures, bundle_key(made_bundles.SEED, number), policy=Policy.PERSONAL, license_id="CC-BY-SA-4.0"
    )


def draw_tokens(folder, count, policy=Policy.FLEET):
    """Return tokens put straight into the database of `folder`, beside a running server or before it."""
    store = open_store(Path(folder))
    try:
        invite = store.database.write(lambda t: tokens.create_invite(t, policy))
        credential = store.database.write(lambda t: tokens.enrol(t, invite, policy, "CC-BY-SA-4.0"))
        return store.database.write(lambda t: tokens.draw_tokens(t, credential, count, day=0, per_day=max(count, 1)))
    finally:
        store.database.close()
