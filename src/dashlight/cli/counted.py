"""Numbers of things in words: `1 picture`, `0 pictures`, `2 files of photos`, `10.7 kB`."""

from __future__ import annotations


def counted(count: int, noun: str, plural: str = "") -> str:
    """Return so many of a noun, `1 picture` or `1,200 pictures`; `plural` where an `s` at the end is wrong."""
    return f"{count:,} {noun if count == 1 else plural or f'{noun}s'}"


def sized(size_bytes: int) -> str:
    """Return so many bytes as `10.7 kB` below a hundred kilobytes, as `0.4 MB` or `1,234.5 MB` above."""
    return f"{size_bytes / 1e3:.1f} kB" if 0 < size_bytes < 100_000 else f"{size_bytes / 1e6:,.1f} MB"
