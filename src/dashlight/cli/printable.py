"""Text of others for a terminal: names of files and words of servers may hold anything."""

from __future__ import annotations


def shown(text: object) -> str:
    r"""Return what `text` says with all that does not print written with a backslash.

    Terminal controls, line ends and marks that turn the direction of writing become `\x1b`, `\n`, `\u202e`; the bytes
    of a name that are not UTF-8 become `\xff`.
    """
    return "".join(c if c.isprintable() else _escaped(c) for c in str(text))


def encodable(value: object) -> object:
    """Return a value for JSON with what UTF-8 cannot say written with a backslash, in all that is in it."""
    if isinstance(value, str):
        return "".join(_escaped(c) if "\ud800" <= c <= "\udfff" else c for c in value)
    if isinstance(value, dict):
        return {encodable(key): encodable(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [encodable(each) for each in value]
    return value


def _escaped(character: str) -> str:
    if "\udc80" <= character <= "\udcff":  # How Python holds a byte of a file name that is not UTF-8.
        return f"\\x{ord(character) - 0xDC00:02x}"
    return character.encode("unicode_escape").decode("ascii")
