"""Numbers of things in words: `1 picture`, `0 pictures`, `2 files of photos`."""

from __future__ import annotations


def counted(count: int, noun: str, plural: str = "") -> str:
    """Return so many of a noun, `1 picture` or `1,200 pictures`; `plural` where an `s` at the end is wrong."""
    return f"{count:,} {noun if count == 1 else plural or f'{noun}s'}"
