"""The detectors' second look, in a process of its own.

The process starts with the first picture drawn, so that a server without work stays small, and is ended when it
takes too long. It fails closed: no process, no verdict, no receipt.
"""

from __future__ import annotations

import asyncio
import json
import logging
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol

from dashlight.errors import Corrupt, Unavailable
from dashlight.model import Redaction
from dashlight.store.crashes import Overheard

_LOG = logging.getLogger("dashlight.ingest")
_COMMAND = (sys.executable, "-X", "faulthandler", "-m", "dashlight.ingest.recheck_process")
IDLE_COMMAND = (*_COMMAND, "--idle")  # At the lowest priority; for what nobody waits for.
_START_TIMEOUT_S = 60.0  # Loading the networks on a slow disk.
_RETRY_AFTER_S = 30.0
_LEAVE_S = 1.0


@dataclass(frozen=True, slots=True)
class Readable:
    """Something that can still be read: `face` or `plate`; or `thumbnail`, one that shows something else."""

    kind: str
    bbox_xyxy: tuple[float, float, float, float]


class SecondLook(Protocol):
    """Looks at a published picture again."""

    async def readable(
        self, jpeg: bytes, redactions: Sequence[Redaction], thumbnail_jpeg: bytes
    ) -> tuple[Readable, ...]:
        """Return the faces and plates that can still be read, and a thumbnail that is not of the picture.

        Raises:
            Corrupt: When the picture or its thumbnail cannot be decoded.
            Unavailable: When nobody can look; nothing may be published then.
        """
        ...

    async def close(self) -> None:
        """End whatever looks."""
        ...


class ProcessLook:
    """A second look by a child process, one picture at a time.

    Args:
        timeout_s: For one picture.
        command: Of the process.
    """

    def __init__(self, *, timeout_s: float, command: Sequence[str] = _COMMAND) -> None:
        self._timeout_s = timeout_s
        self._command = tuple(command)
        self._process: Process | None = None
        self._overheard: Overheard | None = None  # Its stderr.
        self._turn = asyncio.Lock()

    async def readable(
        self, jpeg: bytes, redactions: Sequence[Redaction], thumbnail_jpeg: bytes
    ) -> tuple[Readable, ...]:
        """Ask the process; start it when it is not running."""
        asked = json.dumps(
            {
                "size_bytes": len(jpeg),
                "thumbnail_size_bytes": len(thumbnail_jpeg),
                "redactions": [[str(r.kind), *r.bbox_xyxy, r.score] for r in redactions],
            }
        )
        async with self._turn:
            try:
                reply = await self._ask(asked.encode() + b"\n" + jpeg + thumbnail_jpeg)
            except (OSError, EOFError, TimeoutError, ValueError) as exc:
                await self._end(reason=type(exc).__name__)
                raise Unavailable(
                    "the second look at the pictures is not available; nothing was published",
                    hint="try again later; the operator's `dashlight doctor` looks at the detectors",
                    code="recheck-unavailable",
                    retry_after_s=_RETRY_AFTER_S,
                ) from exc
            except BaseException:  # Its reply would be taken for the verdict on the next picture.
                await self._end()
                raise
        if "corrupt" in reply:
            raise Corrupt(f"a picture cannot be decoded: {reply['corrupt']}", code="bad-jpeg")
        return tuple(Readable(kind, (x0, y0, x1, y1)) for kind, x0, y0, x1, y1 in reply["readable"])

    async def _ask(self, message: bytes) -> dict[str, Any]:
        process = self._process
        if process is None or process.returncode is not None:
            await self._end()
            async with asyncio.timeout(_START_TIMEOUT_S):
                process = self._process = await asyncio.create_subprocess_exec(
                    *self._command, stdin=PIPE, stdout=PIPE, stderr=PIPE
                )
                self._overheard = Overheard(process.stderr) if process.stderr else None
                await self._line(process)  # It says once that the networks are loaded.
        if process.stdin is None:
            raise EOFError
        async with asyncio.timeout(self._timeout_s):
            process.stdin.write(message)
            await process.stdin.drain()
            return await self._line(process)

    @staticmethod
    async def _line(process: Process) -> dict[str, Any]:
        line = await process.stdout.readline() if process.stdout else b""
        if not line.endswith(b"\n"):
            raise EOFError
        reply = json.loads(line)
        if not isinstance(reply, dict):
            raise ValueError(reply)  # noqa: TRY004  # A reply that is not ours, caught above.
        return reply

    async def _end(self, *, reason: str = "ended") -> None:
        """End the process, and log what it crashed of: a defect of it, or of the machine, is to be found.

        Args:
            reason: Kind of the error for which it is ended.
        """
        process, self._process = self._process, None
        overheard, self._overheard = self._overheard, None
        if process is None:
            if reason != "ended":
                _LOG.warning("recheck.failed", extra={"reason": reason})
            return
        if reason == EOFError.__name__:  # It is ending by itself; its own exit code tells more.
            with suppress(TimeoutError):
                await asyncio.wait_for(process.wait(), _LEAVE_S)
        if process.returncode is None:
            process.kill()
            await process.wait()
        crash = await overheard.words() if overheard else ""
        if crash or reason != "ended":
            _LOG.warning("recheck.failed", extra={"reason": reason, "exit_code": process.returncode, "crash": crash})

    async def close(self) -> None:
        """End the process."""
        async with self._turn:
            await self._end()
