"""What a child process writes to stderr, as the server may log it: kinds of errors and places in code.

A traceback also holds the error's message, and that may name what somebody sent; so may anything else that is written
there. What is not known for a kind or a place is thrown away, and memory is bounded however much comes.
"""

from __future__ import annotations

import asyncio
import re
from collections import deque

_MOST_LINE_BYTES = 1_000  # Of a line, what follows is thrown away.
_MOST_WORDS = 40  # Places and kinds, the last ones.
_READ_BYTES = 8_192
_LINGER_S = 1.0  # For what a child has left behind that holds its stderr.
_HEAD = re.compile(
    r"Traceback \(most recent call last\):|(?:Current thread|Thread) 0x[0-9a-f]+ .*\(most recent call first\):"
)
_FATAL = re.compile(r"Fatal Python error: ([A-Za-z ]{1,60})$")
_FRAME = re.compile(r'  File "(?:[^"]*/)?([\w.-]{1,80}\.py|<[\w .]{1,80}>)", line (\d{1,9})(?:,? in ([\w<>.]{1,80}))?')
_KIND = re.compile(r"([A-Za-z_][\w.]{0,99})(?::|$)")


class Crash:
    """Kinds and places in what is fed, in the order of the writing."""

    def __init__(self) -> None:
        """Know nothing yet."""
        self._line = b""
        self._is_inside = False  # Of a traceback, whose lines alone are looked at.
        self._words: deque[str] = deque(maxlen=_MOST_WORDS)

    @property
    def words(self) -> str:
        """Places as `module.py:line function` and kinds, or nothing."""
        return " > ".join(self._words)

    def feed(self, content: bytes) -> None:
        """Take what comes next."""
        for piece in content.splitlines(keepends=True):
            self._line = (self._line + piece)[:_MOST_LINE_BYTES]
            if piece.endswith((b"\n", b"\r")):
                self._note(self._line.decode("utf-8", "replace").rstrip("\r\n"))
                self._line = b""

    def _note(self, line: str) -> None:
        if match := _FATAL.match(line):
            self._words.append(match[1])
        elif _HEAD.fullmatch(line):
            self._is_inside = True
        elif not self._is_inside:
            return
        elif match := _FRAME.match(line):
            self._words.append(f"{match[1]}:{match[2]} {match[3] or ''}".rstrip())
        elif not line.startswith(" "):  # The error itself, of which only its kind is taken; or the end of the places.
            self._is_inside = False
            if match := _KIND.match(line):
                self._words.append(match[1])


class Overheard:
    """The stderr of a child, read from now on so that the child never waits for it; on the event loop.

    Args:
        stream: Of the child.
    """

    def __init__(self, stream: asyncio.StreamReader) -> None:
        self._stream = stream
        self._crash = Crash()
        self._reading = asyncio.create_task(self._read())

    async def _read(self) -> None:
        while content := await self._stream.read(_READ_BYTES):
            self._crash.feed(content)

    async def words(self) -> str:
        """Return the `Crash.words` of a child that has ended."""
        await asyncio.wait({self._reading}, timeout=_LINGER_S)
        self._reading.cancel()
        return self._crash.words
