"""Settings: frozen dataclasses whose defaults are literals, and one loader. The only reader of the environment.

A value comes from, in rising order: the default, the settings file (TOML, one table a section), the environment
(`DASHLIGHT_<SECTION>_<NAME>`), the command line. `load` tells where each came from. Who controls the file or the
environment of the process decides where pictures go and where the seed lies; treat both as you treat the program.
"""

from __future__ import annotations

import os
import sys
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Generic, TypeVar, get_args, get_origin, get_type_hints

from dashlight.errors import HostError, UsageError

__all__ = ["EdgeSettings", "Loaded", "data_home", "environment", "load", "settings_file"]

_S = TypeVar("_S")
_TRUE, _FALSE = ("1", "true", "yes", "on"), ("0", "false", "no", "off")


@dataclass(frozen=True, slots=True)
class EdgeSettings:
    """Settings of the contributor's side; section `edge`.

    Attributes:
        home: Where seed, ledger and spool lie, or None for `<data home>/edge`. Needs a disk that is encrypted.
        every_m: Metres between pictures; 5 shows the same sign from two sides.
        max_size: Longest side of a published picture in pixels; 0 keeps the recording's own.
        bundle_pictures: A bundle is sealed at so many pictures, so that the first go up soon; at most 300.
        spool_budget_mb: Redacted pictures that wait for the server take at most so much disk.
        keep_free_mb: The spool never leaves less than this free on its disk.
        detector_threads: Threads that look for faces and plates; 2 keep two cores busy.
        timeout_s: A request without any byte moving for so long has failed.
        upload_attempts: Of one bundle in one run; the next run begins anew.
        backoff_s: Before the second attempt; doubles each time, with full jitter.
        backoff_max_s: No pause is longer, not even one that the server asks for.
        proxy: Of all requests to the server, such as `socks5://127.0.0.1:9050`; empty for none.
        watch_s: A watched folder is looked at this often.
        settle_s: A file is taken when size and time of it have not changed for so long.
    """

    home: Path | None = None
    every_m: float = 5.0
    max_size: int = 1920
    bundle_pictures: int = 100
    spool_budget_mb: int = 20_000
    keep_free_mb: int = 500
    detector_threads: int = 2
    timeout_s: float = 30.0
    upload_attempts: int = 5
    backoff_s: float = 1.0
    backoff_max_s: float = 60.0
    proxy: str = ""
    watch_s: float = 5.0
    settle_s: float = 10.0

    def __post_init__(self) -> None:
        """Raise UsageError when a value is outside its bounds."""
        for name, least, most in (
            ("every_m", 0.5, 1000.0),
            ("max_size", 0, 16_384),
            ("bundle_pictures", 1, 300),
            ("spool_budget_mb", 64, 10**9),
            ("keep_free_mb", 0, 10**9),
            ("detector_threads", 1, 64),
            ("timeout_s", 0.1, 3600.0),
            ("upload_attempts", 1, 100),
            ("backoff_s", 0.0, 3600.0),
            ("backoff_max_s", 0.0, 86_400.0),
            ("watch_s", 0.1, 3600.0),
            ("settle_s", 0.0, 3600.0),
        ):
            value = getattr(self, name)
            if not least <= value <= most:
                raise UsageError(f"edge.{name} {value} is outside {least}..{most}")


@dataclass(frozen=True, slots=True)
class Loaded(Generic[_S]):
    """Settings, and where each value came from: `default`, `file`, `environment` or `flag`."""

    settings: _S
    sources: Mapping[str, str]


def environment() -> Mapping[str, str]:
    """Return the environment; for what is no setting, such as `NO_COLOR`."""
    return os.environ  # noqa: TID251  # this module is the one place


def data_home(env: Mapping[str, str]) -> Path:
    """Return the folder for data that must outlive upgrades: `$XDG_DATA_HOME/dashlight`, or the system's like."""
    if env.get("XDG_DATA_HOME"):
        return Path(env["XDG_DATA_HOME"]) / "dashlight"
    if sys.platform == "win32" and env.get("LOCALAPPDATA"):
        return Path(env["LOCALAPPDATA"]) / "dashlight"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "dashlight"
    return Path.home() / ".local" / "share" / "dashlight"


def settings_file(env: Mapping[str, str]) -> Path:
    """Return the settings file: `$DASHLIGHT_CONFIG`, or `$XDG_CONFIG_HOME/dashlight/config.toml`."""
    if env.get("DASHLIGHT_CONFIG"):
        return Path(env["DASHLIGHT_CONFIG"])
    base = Path(env["XDG_CONFIG_HOME"]) if env.get("XDG_CONFIG_HOME") else Path.home() / ".config"
    return base / "dashlight" / "config.toml"


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
        UsageError: When a value is not of its field's type, or a name is unknown.
        HostError: When the file cannot be read.
    """
    types = get_type_hints(kind)
    names = [f.name for f in fields(kind)]  # type: ignore[arg-type]  # every section is a dataclass
    path = file or settings_file(env)
    table = _table(path, section)
    unknown = sorted(set(table) - set(names))
    if unknown:
        raise UsageError(f"{path}: [{section}] has no setting {unknown[0]!r}", hint=f"it has {', '.join(names)}")
    values: dict[str, Any] = {}
    sources = dict.fromkeys(names, "default")
    for name in names:
        variable = f"DASHLIGHT_{section.upper()}_{name.upper()}"
        for source, given, called in (
            ("file", table.get(name), f"{path}: {section}.{name}"),
            ("environment", env.get(variable), variable),
            ("flag", flags.get(name), "--" + name.replace("_", "-")),
        ):
            if given is not None:
                values[name], sources[name] = _converted(given, types[name], called), source
    return Loaded(kind(**values), sources)


def _table(path: Path, section: str) -> dict[str, Any]:
    try:
        parsed = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except OSError as exc:
        raise HostError(f"cannot read the settings {path}: {exc.strerror}") from exc
    except ValueError as exc:
        raise UsageError(f"{path} is not TOML: {exc}") from exc
    table = parsed.get(section, {})
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
