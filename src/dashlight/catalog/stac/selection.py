"""The `fields` of a question: which parts of an item are sent (STAC API, fields extension)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from dashlight.errors import InputError

ALWAYS = ("type", "stac_version", "id", "collection")
_MOST_FIELDS = 100
_MOST_CHARACTERS = 200


@dataclass(frozen=True, slots=True)
class Selection:
    """Which parts to send; names that no item has are passed over, as the specification says.

    Attributes:
        include: Dotted paths; empty for all.
        exclude: Dotted paths; what is included by name, or has an included part, stays.
    """

    include: tuple[tuple[str, ...], ...] = ()
    exclude: tuple[tuple[str, ...], ...] = ()

    @classmethod
    def of(cls, value: Any) -> Selection:
        """Return the selection of `{"include": [..], "exclude": [..]}` or None.

        Raises:
            InputError: When it is not that.
        """
        if value is None:
            return cls()
        if not isinstance(value, dict) or set(value) - {"include", "exclude"}:
            raise InputError(f"fields: {value!r:.60} is not an object of include and exclude", code="bad-fields")
        return cls(*(_paths(value.get(name), name) for name in ("include", "exclude")))

    def of_item(self, item: dict[str, Any]) -> dict[str, Any]:
        """Return the selected parts of an item; its type, version, id and collection always are."""
        if not self.include and not self.exclude:
            return item
        chosen = _only(item, self.include) if self.include else item
        for path in self.exclude:
            if not any(kept[: len(path)] == path for kept in self.include):
                chosen = _without(chosen, path)
        return {name: item[name] for name in ALWAYS} | chosen


def _paths(value: Any, name: str) -> tuple[tuple[str, ...], ...]:
    if value is None:
        return ()
    if not isinstance(value, list) or len(value) > _MOST_FIELDS:
        raise InputError(f"fields: {name} is not an array of at most {_MOST_FIELDS} names", code="bad-fields")
    for one in value:
        if not isinstance(one, str) or not 0 < len(one) <= _MOST_CHARACTERS:
            raise InputError(f"fields: {one!r:.60} in {name} is not a name", code="bad-fields")
    return tuple(tuple(one.split(".")) for one in value)


def _only(item: dict[str, Any], paths: tuple[tuple[str, ...], ...]) -> dict[str, Any]:
    chosen: dict[str, Any] = {}
    for path in sorted(paths, key=len, reverse=True):  # A whole member comes after its parts.
        found: Any = item
        for name in path:
            found = found.get(name) if isinstance(found, dict) else None
        if found is None:
            continue
        inside = chosen
        for name in path[:-1]:
            inside = inside.setdefault(name, {})
        inside[path[-1]] = found
    return chosen


def _without(item: dict[str, Any], path: tuple[str, ...]) -> dict[str, Any]:
    """Return a copy without one path; what is not on the way is shared."""
    if path[0] not in item:
        return item
    if len(path) == 1:
        return {name: value for name, value in item.items() if name != path[0]}
    inside = item[path[0]]
    return item | {path[0]: _without(inside, path[1:])} if isinstance(inside, dict) else item
