"""The demo's own server: `dashlight serve` in a process of its own, ended with the demo whatever happens."""

from __future__ import annotations

import json
import queue
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Final, Self

from dashlight.errors import HostError

USUAL_PORT: Final = 8400
START_S: Final = 60.0  # A slow disk and a cold cache included.
STOP_S: Final = 10.0


class DemoServer:
    """Runs a server with embedded defaults on this machine's loopback; use it as a context manager.

    Args:
        data: Its folder.
        port: To listen on, or None for the usual one when free, else any.
        name: Of the instance.
    """

    def __init__(self, data: Path, *, port: int | None, name: str) -> None:
        self._data = data
        self._port = free_port() if port is None else port
        self._name = name
        self._log_path = data / "server.log"
        self._process: subprocess.Popen[str] | None = None
        self._log: IO[str] | None = None
        self.url = ""

    def __enter__(self) -> Self:
        """Start it and wait until it tells its address.

        Raises:
            HostError: When it ends or stays silent instead.
        """
        from dashlight.config import environment

        # No settings of a real server of this machine: the demo has the built-in ones.
        env = {name: value for name, value in environment().items() if not name.startswith("DASHLIGHT_")}
        command = [sys.executable, "-m", "dashlight", "serve", "--json", "--name", self._name, "--host", "127.0.0.1"]
        command += ["--port", str(self._port), "--data", str(self._data), "--config", str(self._data / "no-settings")]
        try:
            self._data.mkdir(parents=True, exist_ok=True)
            self._log = self._log_path.open("w", encoding="utf-8")
        except OSError as exc:
            raise HostError(
                f"cannot write into {self._data}: {exc.strerror}", hint="name another folder with --home"
            ) from exc
        try:
            # In a session of its own: Ctrl-C reaches this process, which ends the server when its work is safe.
            self._process = subprocess.Popen(  # noqa: S603  # our own program
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=self._log,
                text=True,
                env=env,
                start_new_session=True,
            )
            self.url = self._announced(self._process)
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """End it."""
        self.stop()

    def check(self) -> None:
        """Do nothing while it runs.

        Raises:
            HostError: When it has ended.
        """
        if self._process is None or self._process.poll() is not None:
            raise HostError(f"the demo's server has ended{self._last_words()}", hint=f"its log is {self._log_path}")

    def stop(self) -> None:
        """End it: politely, then not."""
        process, self._process = self._process, None
        if process is not None:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
            try:
                process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            if process.stdout is not None:
                process.stdout.close()
        if self._log is not None:
            self._log.close()
            self._log = None

    def _announced(self, process: subprocess.Popen[str]) -> str:
        lines: queue.Queue[str] = queue.Queue()
        stdout = process.stdout
        if stdout is None:
            raise HostError("the demo's server has no output")
        threading.Thread(target=lambda: lines.put(stdout.readline()), name="announcement", daemon=True).start()
        try:
            line = lines.get(timeout=START_S)
        except queue.Empty as exc:
            raise HostError(
                f"the demo's server did not start within {START_S:g} s", hint=f"its log is {self._log_path}"
            ) from exc
        try:
            announced: Any = json.loads(line)
            return str(announced["url"])
        except (ValueError, KeyError, TypeError) as exc:
            process.wait(STOP_S)
            raise HostError(
                f"the demo's server does not start{self._last_words()}", hint=f"its log is {self._log_path}"
            ) from exc

    def _last_words(self) -> str:
        try:
            lines = self._log_path.read_text(encoding="utf-8", errors="replace").split("\n")
        except OSError:
            return ""
        said = [line.removeprefix("dashlight: ").strip() for line in lines if line.startswith("dashlight: ")]
        return f": {said[-1]}" if said else ""


def free_port() -> int:
    """Return the usual port when nothing listens there, else 0, which takes any free one."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", USUAL_PORT))
        except OSError:
            return 0
    return USUAL_PORT
