"""Takes the private streams (telemetry) out of an MPEG transport stream; ISO/IEC 13818-1, 2.4.3."""

from __future__ import annotations

from collections.abc import Iterator
from mmap import mmap

import numpy as np
import numpy.typing as npt

PACKET = 188
SYNC = 0x47
CHUNK_PACKETS = 1 << 16
MAX_PAYLOAD = 4096
MAX_EARLY = 1000  # Payloads before the first video frame.
_VIDEO = range(0xE0, 0xF0)
_AUDIO = range(0xC0, 0xE0)
_PRIVATE_1 = 0xBD


def layout_of(content: bytes | mmap) -> tuple[int, int] | None:
    """Return (offset of the first sync byte, bytes a packet: 188, or 192 with a time code), or None."""
    for stride, lead in ((PACKET, 0), (192, 4)):
        if len(content) >= lead + 4 * stride and all(content[lead + k * stride] == SYNC for k in range(4)):
            return lead, stride
    return None


def is_transport_stream(content: bytes | mmap) -> bool:
    """Return whether the bytes look like a transport stream."""
    return layout_of(content) is not None


def private_payloads(content: bytes | mmap) -> Iterator[tuple[bytes, float | None]]:
    """Yield the start of each payload that is neither video, audio nor a table, with its seconds from the first video.

    A payload without a time of its own gets that of the last video packet before it.
    """
    layout = layout_of(content)
    if layout is None:
        return
    first_s: float | None = None
    early: list[tuple[bytes, float | None]] = []
    for body, at_s, video_s in _timed(content, layout):
        first_s = video_s if first_s is None else first_s
        if first_s is None and len(early) < MAX_EARLY:
            early.append((body, at_s))
            continue
        for held in (*early, (body, at_s)):
            if held[0]:
                yield held[0], None if held[1] is None or first_s is None else held[1] - first_s
        early = []
    yield from ((body, None) for body, _ in early if body)


def _timed(content: bytes | mmap, layout: tuple[int, int]) -> Iterator[tuple[bytes, float | None, float | None]]:
    """Yield (payload, its time, that of the last video frame); an empty payload for each video frame with a time."""
    video_s: float | None = None
    partial: dict[int, tuple[bytearray, float | None]] = {}
    audio: set[int] = set()
    for pid, is_start, payload in _packets(content, layout, audio):
        if not is_start:
            if pid in partial and len(partial[pid][0]) < MAX_PAYLOAD:
                partial[pid][0].extend(payload)
            continue
        if pid in partial:
            yield bytes(partial[pid][0]), partial.pop(pid)[1], video_s
        kind, time_s, body = _pes(payload)
        if kind in _VIDEO:
            video_s = time_s if time_s is not None else video_s
            yield b"", None, video_s
        elif kind in _AUDIO:
            audio.add(pid)
        else:
            partial[pid] = (bytearray(body), time_s if time_s is not None else video_s)
    for collected, at_s in partial.values():
        yield bytes(collected), at_s, video_s


def _packets(
    content: bytes | mmap, layout: tuple[int, int], audio: set[int]
) -> Iterator[tuple[int, bool, memoryview[int]]]:
    """Yield (pid, starts a payload, payload): all of the packets of small streams, of media only the starts."""
    lead, stride = layout
    count = (len(content) - lead + (stride - PACKET)) // stride
    small: set[int] = set()
    for first in range(0, count, CHUNK_PACKETS):
        here = min(CHUNK_PACKETS, count - first)
        begin = lead + first * stride
        raw = np.frombuffer(content[begin : begin + (here - 1) * stride + PACKET], np.uint8)
        table = np.lib.stride_tricks.as_strided(raw, (here, PACKET), (stride, 1), writeable=False)
        for index, pid, is_start in _of_interest(table, audio, small):
            packet = table[index]
            control = int(packet[3]) >> 4 & 3
            offset = 4 + (1 + int(packet[4]) if control & 2 else 0)
            if control & 1 and offset < PACKET:
                yield pid, is_start, memoryview(packet[offset:].tobytes())
        del table, raw


def _of_interest(table: npt.NDArray[np.uint8], audio: set[int], small: set[int]) -> Iterator[tuple[int, int, bool]]:
    pids = (table[:, 1].astype(np.int64) & 0x1F) << 8 | table[:, 2]
    starts = (table[:, 1] & 0x40) != 0
    in_sync = table[:, 0] == SYNC
    values, counts = np.unique(pids, return_counts=True)
    # Telemetry is a trickle: a stream with more than a twentieth of the packets is media, of which only starts matter.
    small.update(int(v) for v, n in zip(values, counts, strict=True) if n * 20 < len(pids) or len(pids) < 64)
    keep = in_sync & (pids >= 0x20) & (pids != 0x1FFF)
    keep &= starts | np.isin(pids, list(small))
    for index in np.flatnonzero(keep):
        pid = int(pids[index])
        if pid not in audio:
            yield int(index), pid, bool(starts[index])


def _pes(payload: memoryview[int]) -> tuple[int | None, float | None, bytes]:
    """Return (stream id, presentation time in s, body) of a payload's start; (None, None, all) when it is no PES."""
    if len(payload) < 9 or payload[0] != 0 or payload[1] != 0 or payload[2] != 1:
        return None, None, bytes(payload)
    kind = payload[3]
    if kind not in _VIDEO and kind not in _AUDIO and kind != _PRIVATE_1:
        return kind, None, bytes(payload[6:])
    time_s = None
    if payload[7] & 0x80 and len(payload) >= 14:
        high, middle, low = (
            payload[9] >> 1 & 7,
            (payload[10] << 8 | payload[11]) >> 1,
            (payload[12] << 8 | payload[13]) >> 1,
        )
        time_s = (high << 30 | middle << 15 | low) / 90_000.0
    return kind, time_s, bytes(payload[9 + payload[8] :])
