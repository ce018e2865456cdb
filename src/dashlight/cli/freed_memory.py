"""What the allocator does with memory that is freed: a server asks for the same again with the next tile."""

from __future__ import annotations

import ctypes

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8  # Of glibc's malloc.h.
_ARENAS = 2  # Threads take turns here, so that one finds what another has freed.
_KEPT_BYTES = 8 * 1024 * 1024  # At the end of each heap; a full tile takes about five.
_MAPPED_BYTES = 1024 * 1024  # What is larger, bundles and pictures, goes back when it is freed.


def keep_freed_memory() -> bool:
    """Keep some of what is freed, rather than give it back and have the kernel clear it anew for the next tile.

    Returns:
        Whether the allocator knows of it; others than glibc's are left as they are.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return False
    mallopt.argtypes, mallopt.restype = (ctypes.c_int, ctypes.c_int), ctypes.c_int
    chosen = {_M_TRIM_THRESHOLD: _KEPT_BYTES, _M_MMAP_THRESHOLD: _MAPPED_BYTES, _M_ARENA_MAX: _ARENAS}
    return {mallopt(name, value) for name, value in chosen.items()} == {1}
