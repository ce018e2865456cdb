"""The one loader: what is set, and where each value came from."""

from __future__ import annotations

import difflib
import logging
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Generic, TypeVar, get_args, get_origin, get_type_hints

from dashlight.config.edge import EdgeSettings
from dashlight.config.environment import settings_file
from dashlight.config.server import ServerSettings
from dashlight.errors import HostError, UsageError

_S = TypeVar("_S")
_LOG = logging.getLogger(__name__)
_PREFIX = "DASHLIGHT_"
_NO_SETTINGS = ("DASHLIGHT_CONFIG",)  # Variables of ours that belong to no section.
_TRUE, _FALSE = ("1", "true", "yes", "on"), ("0", "false", "no", "off")
_SECTIONS: Mapping[str, type[EdgeSettings | ServerSettings]] = {"edge": EdgeSettings, "server": ServerSettings}


@dataclass(frozen=True, slots=True)
class Unknown:
    """A name that was given and that no setting has.

    Attributes:
        source: `environment`, or the settings file.
        name: As it was given.
        nearest: The known name that is most like it, or empty.
    """

    source: str
    name: str
    nearest: str


@dataclass(frozen=True, slots=True)
class Loaded(Generic[_S]):
    """Settings, and where each value came from: `default`, `file`, `environment` or `flag`."""

    settings: _S
    sources: Mapping[str, str]


def unknown_names(env: Mapping[str, str], path: Path) -> list[Unknown]:
    """Return the variables and the keys of the settings file that name no setting, each with the nearest known name.

    Raises:
        UsageError: When the file is not TOML.
        HostError: When it cannot be read.
    """
    names = {section: _names(kind) for section, kind in _SECTIONS.items()}
    variables = [_variable(section, name) for section, known in names.items() for name in known]
    variables += _NO_SETTINGS
    found = [
        Unknown("environment", name, _nearest(name, variables))
        for name in sorted(env)
        if name.startswith(_PREFIX) and name not in variables
    ]
    for section, table in _parsed(path).items():
        if section not in names:
            found.append(Unknown(str(path), section, _nearest(section, names)))
        elif isinstance(table, dict):
            known = [f"{section}.{name}" for name in names[section]]
            given = [f"{section}.{name}" for name in table]
            found += [Unknown(str(path), name, _nearest(name, known)) for name in given if name not in known]
    return found


def _names(kind: type[Any]) -> list[str]:
    return [f.name for f in fields(kind)]


def _variable(section: str, name: str) -> str:
    return f"{_PREFIX}{section.upper()}_{name.upper()}"


def _nearest(name: str, known: Iterable[str]) -> str:
    return next(iter(difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)), "")


@cache
def _warn_once(unknown: Unknown) -> None:
    nearest = {"nearest": unknown.nearest} if unknown.nearest else {}
    _LOG.warning("settings.unknown", extra={"source": unknown.source, "given": unknown.name, **nearest})


def load(
    kind: type[_S],
    section: str,
    *,
    flags: Mapping[str, Any],
    env: Mapping[str, str],
    file: Path | None = None,
) -> Loaded[_S]:
    """Return the settings of one section, merged from all sources.

    Args:
        kind: The dataclass of the section.
        section: The table of the file, and the middle of the variables' names.
        flags: From the command line by field name; None means not given.
        env: The environment.
        file: The settings file, or None for `settings_file(env)`; may be absent.

    Raises:
        UsageError: When a value is not of its field's type, or the section's table of the file has an unknown name.
        HostError: When the file cannot be read.
    """
    types = get_type_hints(kind)
    names = _names(kind)
    path = file or settings_file(env)
    table = _table(path, section)
    unknown = sorted(set(table) - set(names))
    if unknown:
        nearest = _nearest(unknown[0], names)
        raise UsageError(
            f"{path}: [{section}] has no setting {unknown[0]!r}",
            hint=f"did you mean {nearest}?" if nearest else f"it has {', '.join(names)}",
        )
    for stray in unknown_names(env, path):
        _warn_once(stray)
    values: dict[str, Any] = {}
    sources = dict.fromkeys(names, "default")
    for name in names:
        variable = _variable(section, name)
        for source, given, called in (
            ("file", table.get(name), f"{path}: {section}.{name}"),
            ("environment", env.get(variable), variable),
            ("flag", flags.get(name), "--" + name.replace("_", "-")),
        ):
            if given is not None:
                values[name], sources[name] = _converted(given, types[name], called), source
    return Loaded(kind(**values), sources)


def _parsed(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except OSError as exc:
        raise HostError(f"cannot read the settings {path}: {exc.strerror}") from exc
    except ValueError as exc:
        raise UsageError(f"{path} is not TOML: {exc}") from exc


def _table(path: Path, section: str) -> dict[str, Any]:
    table = _parsed(path).get(section, {})
    if not isinstance(table, dict):
        raise UsageError(f"{path}: {section} is not a table")
    return table


def _converted(given: Any, kind: Any, called: str) -> Any:
    if get_origin(kind) is UnionType:
        kind = next(k for k in get_args(kind) if k is not NoneType)
    if kind is bool:
        return _as_bool(given, called)
    if kind in (int, float) and isinstance(given, bool):
        raise UsageError(f"{called} {given!r} is not a number")
    if get_origin(kind) is tuple:
        parts = given.split(",") if isinstance(given, str) else given
        return tuple(_converted(p.strip() if isinstance(p, str) else p, get_args(kind)[0], called) for p in parts)
    try:
        return kind(given)
    except (TypeError, ValueError) as exc:
        raise UsageError(f"{called} {given!r} is not a {kind.__name__}") from exc


def _as_bool(given: Any, called: str) -> bool:
    text = str(given).lower()
    if text in _TRUE + _FALSE:
        return text in _TRUE
    raise UsageError(f"{called} {given!r} is neither {', '.join(_TRUE)} nor {', '.join(_FALSE)}")
