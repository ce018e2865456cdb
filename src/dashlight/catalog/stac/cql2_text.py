"""CQL2's text form into its JSON form, by recursive descent over the grammar of OGC 21-065r2, annex B.

An expression is terms with OR between; a term is factors with AND between; a factor is NOT and a factor, an expression
in parentheses, TRUE, FALSE or a predicate. A predicate is an operand, and a comparison with another, IS [NOT] NULL, or
[NOT] BETWEEN or IN.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from dashlight.errors import InputError

MOST_CHARACTERS = 4_000
MOST_DEPTH = 20
_TOKEN = re.compile(
    r"""\s*(?:
    (?P<text>'(?:[^']|'')*')
    |(?P<quoted>"[^"]+")
    |(?P<number>[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?)
    |(?P<word>[A-Za-z_][A-Za-z0-9_:.\-]*)
    |(?P<sign><>|<=|>=|[=<>(),])
    )""",
    re.ASCII | re.VERBOSE,
)
_KEYWORDS = frozenset({"AND", "OR", "NOT", "IS", "NULL", "BETWEEN", "IN", "TRUE", "FALSE"})


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    at: int


def json_of_text(text: str) -> Any:
    """Return the CQL2 JSON of a CQL2 text.

    Raises:
        InputError: When it is not one, or longer or deeper than the bounds.
    """
    if len(text) > MOST_CHARACTERS:
        raise _wrong(f"{len(text)} characters are over {MOST_CHARACTERS}")
    parser = _Parser(_tokens(text))
    value = parser.expression(0)
    parser.end()
    return value


def _wrong(message: str) -> InputError:
    return InputError(f"filter: {message}", code="bad-filter")


def _tokens(text: str) -> list[_Token]:
    tokens, at = [], 0
    while text[at:].strip():
        match = _TOKEN.match(text, at)
        if match is None:
            raise _wrong(f"{text[at:].strip()[:20]!r} at character {at} is not understood")
        kind = str(match.lastgroup)
        found = match[kind]
        if kind == "word" and found.upper() in _KEYWORDS:
            kind, found = "keyword", found.upper()
        tokens.append(_Token(kind, found, match.start(kind if kind != "keyword" else "word")))
        at = match.end()
    return tokens


class _Parser:
    """Walks over tokens once."""

    def __init__(self, tokens: list[_Token]) -> None:
        self._tokens = tokens
        self._next = 0

    def expression(self, depth: int) -> Any:
        if depth > MOST_DEPTH:
            raise _wrong(f"it is nested deeper than {MOST_DEPTH}")
        return self._joined("OR", lambda: self._joined("AND", lambda: self._factor(depth)))

    def end(self) -> None:
        if self._next < len(self._tokens):
            raise self._unexpected("the end")

    def _joined(self, word: str, part: Any) -> Any:
        parts = [part()]
        while self._take("keyword", word):
            parts.append(part())
        return parts[0] if len(parts) == 1 else {"op": word.lower(), "args": parts}

    def _factor(self, depth: int) -> Any:
        if depth > MOST_DEPTH:
            raise _wrong(f"it is nested deeper than {MOST_DEPTH}")
        if self._take("keyword", "NOT"):
            return {"op": "not", "args": [self._factor(depth + 1)]}
        if self._take("sign", "("):
            inside = self.expression(depth + 1)
            self._need("sign", ")")
            return inside
        for word in ("TRUE", "FALSE"):
            if self._take("keyword", word):
                return word == "TRUE"
        return self._predicate()

    def _predicate(self) -> Any:
        left = self._operand()
        for sign in ("=", "<>", "<=", ">=", "<", ">"):
            if self._take("sign", sign):
                return {"op": sign, "args": [left, self._operand()]}
        if self._take("keyword", "IS"):
            is_not = self._take("keyword", "NOT")
            self._need("keyword", "NULL")
            return _negated({"op": "isNull", "args": [left]}, is_not=is_not)
        is_not = self._take("keyword", "NOT")
        return _negated(self._worded(left), is_not=is_not)

    def _worded(self, left: Any) -> Any:
        if self._take("keyword", "BETWEEN"):
            least = self._operand()
            self._need("keyword", "AND")
            return {"op": "between", "args": [left, least, self._operand()]}
        if self._take("keyword", "IN"):
            self._need("sign", "(")
            values = [self._operand()]
            while self._take("sign", ","):
                values.append(self._operand())
            self._need("sign", ")")
            return {"op": "in", "args": [left, values]}
        raise self._unexpected("a comparison")

    def _operand(self) -> Any:
        token = self._peek()
        if token is None or token.kind in ("sign", "keyword"):
            raise self._unexpected("a property or a value")
        self._next += 1
        if token.kind == "text":
            return token.text[1:-1].replace("''", "'")
        if token.kind == "number":
            return float(token.text)
        if token.kind == "quoted":
            return {"property": token.text[1:-1]}
        if self._take("sign", "("):
            return self._call(token)
        return {"property": token.text}

    def _call(self, token: _Token) -> Any:
        name = token.text.lower()
        if name not in ("timestamp", "date"):
            raise _wrong(f"the function {token.text[:40]!r} at character {token.at} is not supported")
        inside = self._peek()
        if inside is None or inside.kind != "text":
            raise self._unexpected("a quoted time")
        self._next += 1
        self._need("sign", ")")
        return {name: inside.text[1:-1]}

    def _peek(self) -> _Token | None:
        return self._tokens[self._next] if self._next < len(self._tokens) else None

    def _take(self, kind: str, text: str) -> bool:
        token = self._peek()
        is_it = token is not None and token.kind == kind and token.text == text
        self._next += is_it
        return is_it

    def _need(self, kind: str, text: str) -> None:
        if not self._take(kind, text):
            raise self._unexpected(repr(text))

    def _unexpected(self, wanted: str) -> InputError:
        token = self._peek()
        found = "the end" if token is None else f"{token.text[:20]!r} at character {token.at}"
        return _wrong(f"{wanted} is due where {found} stands")


def _negated(value: Any, *, is_not: bool) -> Any:
    return {"op": "not", "args": [value]} if is_not else value
