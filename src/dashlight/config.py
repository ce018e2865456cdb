"""Settings: frozen dataclasses whose defaults are literals, and one loader. The only reader of the environment.

A value comes from, in rising order: the default, the settings file (TOML, one table a section), the environment
(`DASHLIGHT_<SECTION>_<NAME>`), the command line. `load` tells where each came from, and warns of a variable or a key of
the file that names no setting: a slip would otherwise leave the default in force unseen. Who controls the file or the
environment of the process decides where pictures go and where the seed lies; treat both as you treat the program.
"""

from __future__ import annotations

import difflib
import ipaddress
import logging
import os
import re
import sys
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Generic, TypeVar, get_args, get_origin, get_type_hints

from dashlight.errors import HostError, UsageError

__all__ = [
    "EdgeSettings",
    "Loaded",
    "ServerSettings",
    "Supervision",
    "Unknown",
    "data_home",
    "effective_folder",
    "environment",
    "forbid_telemetry",
    "load",
    "masked",
    "settings_file",
    "supervision",
    "unknown_names",
]

_S = TypeVar("_S")
_LOG = logging.getLogger(__name__)
_PREFIX = "DASHLIGHT_"
_NO_SETTINGS = ("DASHLIGHT_CONFIG",)  # Variables of ours that belong to no section.
_WITH_PASSWORD = ("database_url", "objects_url", "public_url", "proxy")
# A password may hold any character where nobody escaped it: what is before the last @ is taken for it.
_PASSWORDS = (re.compile(r"(://[^:@/?#]*):.*@"), re.compile(r"(://)[^@]*:(?!\*\*\*@).*@"))
_QUERY_PASSWORD = re.compile(r"([?&][^=&]*(?:pass|secret|token|key)[^=&]*=)[^&]*", re.IGNORECASE)
_MAX_DIGITS = 18  # Of microseconds: thirty thousand years.
_TRUE, _FALSE = ("1", "true", "yes", "on"), ("0", "false", "no", "off")


@dataclass(frozen=True, slots=True)
class EdgeSettings:
    """Settings of the contributor's side; section `edge`.

    Attributes:
        home: Where seed, ledger and spool lie, or None for `<data home>/edge`. Needs a disk that is encrypted.
        every_m: Metres between pictures; 5 shows the same sign from two sides.
        max_size: Pictures fit within so many pixels and 9/16 of it; 1280 is what the detectors are measured at.
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
    max_size: int = 1280
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
            ("max_size", 64, 16_384),
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


def masked(name: str, value: Any) -> Any:
    """Return a setting's value as it may be shown: without secrets and passwords."""
    if isinstance(value, Path):
        return str(value)
    if not isinstance(value, str) or not value:
        return value
    if name.endswith("_secret"):
        return "***"
    return _without_password(value) if name in _WITH_PASSWORD else value


def _without_password(address: str) -> str:
    if "://" not in address:  # No address: nobody knows which part of it is the password.
        return "***" if "@" in address or "=" in address else address
    shown = _QUERY_PASSWORD.sub(r"\1***", address)
    for password in _PASSWORDS:
        shown, count = password.subn(r"\1:***@", shown)
        if count:
            break
    return shown


def _check_addresses(called: str, given: str) -> None:
    """Raise UsageError unless it is empty or lists addresses and networks, with commas between them."""
    for part in given.split(",") if given else ():
        try:
            ipaddress.ip_network(part.strip())
        except ValueError as exc:
            raise UsageError(
                f"{called} {given!r:.90}: {part.strip()!r:.60} is no address and no network",
                hint="such as 127.0.0.1 or 10.0.0.0/24; a name is never looked up, and nobody may believe everybody",
            ) from exc


EXPORT_SCHEDULES = ("off", "daily")
EXPORT_FORMATS = ("geoparquet", "partitions", "pmtiles", "bundles")


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """Settings of `dashlight serve`; section `server`.

    Attributes:
        data: Folder of database, pictures and the server's key, or None for `<data home>/server`. Who writes there can
            serve other pictures and sign receipts as this server.
        database_url: Of a PostgreSQL database for the rows, `postgresql://user:password@host/name`; empty keeps them in
            the data folder. Several servers may share one.
        objects_url: Of a bucket for the pictures, `s3://bucket/prefix?endpoint=https://host&region=...`; empty keeps
            them in the data folder.
        objects_key_id: Of the bucket's access key; empty leaves it to the environment and the machine's role.
        objects_secret: Of the bucket's access key.
        key_file: The server's key, 32 bytes, or None for `server.key` in the data folder. Servers that share a database
            have the same.
        host: Address to listen on; this machine alone until the operator decides otherwise.
        port: To listen on; 0 takes a free one.
        name: Of the instance, shown to everybody.
        license: SPDX identifier of the licence that new enrolments publish under.
        contact: How readers reach the people who run the instance, shown to everybody: a mail address, a web address or
            words; empty shows none.
        public_url: Address that readers see when a proxy stands before the server; empty for `http://host:port`.
        recheck_share: Of the arriving pictures that the detectors look at again before the receipt; 1 looks at all, and
            0 lets readable faces and plates in unseen.
        recheck_timeout_s: For one picture; a detector that takes longer is ended and nothing is published.
        recheck_idle_s: After so long without an upload the detectors look at random published pictures (`fleet` and
            `open`) in the background and hide what is readable; 0 never does. Not so short that the detectors are
            loaded between two bundles of one drive.
        max_uploads: Bundles received at once; others get 503. Each holds at most 64 MiB of disk.
        upload_stall_s: An upload that sends nothing for so long is ended.
        upload_timeout_s: One upload takes at most so long; 64 MiB at 75 kB/s.
        keep_free_mb: Uploads that would leave less than this free on the disk get 507.
        batch_hour: Hour (UTC) at which the personal pictures of the day are published together.
        tokens_per_day: Upload tokens that one enrolment may draw in a day.
        reports_per_hour: Reports taken from everybody together, of those that hide a picture and again of all others; a
            person sends a few, a script many. Those that hide take at most 2 % of the map, or 20 pictures, half of
            which are there for senders of one or two; what may wait hidden at a time is bounded besides.
        reports_per_sender: Of these from one sender, known by a salted hash that lives in memory for the hour. Over
            both a report about privacy is kept for the operator and hides nothing.
        trusted_proxy: Addresses or networks of the proxy whose `X-Forwarded-For` is believed, such as `127.0.0.1`, with
            commas between them; empty believes nobody, as anybody may write that header.
        live_clients: Live streams open at once; others get 503.
        live_queue: Events that wait for one slow live stream; when full they are dropped for one `refresh`.
        tile_cache_mb: Memory for encoded tiles.
        export_schedule: `off`, or `daily`: make the exports anew after each daily batch. Files of an export that is
            shown are rewritten after something in them was taken back, whatever this says.
        export_formats: Which exports to make daily: of `geoparquet`, `partitions`, `pmtiles` and `bundles`.
        disk_quota_mb: Bundles of the whole instance take at most so much; more get 507. 0 leaves it to `keep_free_mb`.
        reads_per_minute: Requests of one client address for pages, pictures and the like; more get 429. An address is
            known by a hash whose key lives for the minute; this machine's own is not limited, as a proxy that is not
            trusted has it. Of each `per_minute` 0 does not limit, and several servers count each for itself.
        tiles_per_minute: For tiles; a screen of them is 30, and who pans asks for one a second.
        searches_per_minute: For pages of pictures, STAC searches and histograms, which cost most.
        live_per_minute: For live streams; each move of the map begins one.
        reports_per_minute: For reports, whatever becomes of them; a person sends a few.
        writes_per_minute: For uploads, tokens, enrolments and erasures.
        live_per_sender: Live streams that one client address may have open; a large office shares one. 0 does not
            limit.
        head_timeout_s: The head of a request has come whole after so long; a phone on a bad line needs 5.
        body_timeout_s: The body of a request that is no upload has come whole after so long; it has at most 64 KiB.
        read_stall_s: A reader who takes nothing of a reply for so long is cut off; it holds memory.
        stop_s: What is being answered at a stop has so long to end, an upload as well; then it is cut off. Kubernetes
            and systemd kill after 30 and 90 s unless told otherwise.
        drain_s: New requests get 503 for at least so long at a stop before the address is closed, so that whatever
            shares out the requests notices; 0 waits for open requests alone.
        log_json: Log one JSON object a line instead of words, as `serve --json` does.
        traces_url: Of an OpenTelemetry collector (OTLP over HTTP), such as `http://127.0.0.1:4318/v1/traces`; empty
            traces nothing. Needs the extra `otel`. Who controls it learns how busy the server is, and no place,
            person or picture.
        traces_share: Of the requests that are traced; jobs always are.
    """

    data: Path | None = None
    database_url: str = ""
    objects_url: str = ""
    objects_key_id: str = ""
    objects_secret: str = ""
    key_file: Path | None = None
    host: str = "127.0.0.1"
    port: int = 8400
    name: str = "dashlight"
    license: str = "CC-BY-SA-4.0"
    contact: str = ""
    public_url: str = ""
    recheck_share: float = 0.002
    recheck_timeout_s: float = 60.0
    recheck_idle_s: float = 600.0
    max_uploads: int = 4
    upload_stall_s: float = 30.0
    upload_timeout_s: float = 900.0
    keep_free_mb: int = 256
    batch_hour: int = 3
    tokens_per_day: int = 2_000
    reports_per_hour: int = 600
    reports_per_sender: int = 20
    trusted_proxy: str = ""
    live_clients: int = 10_000
    live_queue: int = 1_000
    tile_cache_mb: int = 32
    export_schedule: str = "off"
    export_formats: tuple[str, ...] = ("geoparquet", "pmtiles")
    disk_quota_mb: int = 0
    reads_per_minute: int = 3_000
    tiles_per_minute: int = 3_000
    searches_per_minute: int = 600
    live_per_minute: int = 120
    reports_per_minute: int = 30
    writes_per_minute: int = 600
    live_per_sender: int = 100
    head_timeout_s: float = 10.0
    body_timeout_s: float = 20.0
    read_stall_s: float = 30.0
    stop_s: float = 25.0
    drain_s: float = 0.0
    log_json: bool = False
    traces_url: str = ""
    traces_share: float = 0.1

    def __post_init__(self) -> None:
        """Raise UsageError when a value is outside its bounds."""
        for name, least, most in (
            ("port", 0, 65_535),
            ("recheck_share", 0.0, 1.0),
            ("recheck_timeout_s", 0.1, 3600.0),
            ("recheck_idle_s", 0.0, 86_400.0),
            ("max_uploads", 1, 1000),
            ("upload_stall_s", 0.1, 3600.0),
            ("upload_timeout_s", 1.0, 86_400.0),
            ("keep_free_mb", 0, 10**9),
            ("batch_hour", 0, 23),
            ("tokens_per_day", 1, 10**6),
            ("reports_per_hour", 1, 10**6),
            ("reports_per_sender", 1, 10**6),
            ("live_clients", 1, 10**6),
            ("live_queue", 1, 10**6),
            ("tile_cache_mb", 0, 10**6),
            ("disk_quota_mb", 0, 10**9),
            ("reads_per_minute", 0, 10**6),
            ("tiles_per_minute", 0, 10**6),
            ("searches_per_minute", 0, 10**6),
            ("live_per_minute", 0, 10**6),
            ("reports_per_minute", 0, 10**6),
            ("writes_per_minute", 0, 10**6),
            ("live_per_sender", 0, 10**6),
            ("head_timeout_s", 0.1, 3600.0),
            ("body_timeout_s", 0.1, 3600.0),
            ("read_stall_s", 0.1, 3600.0),
            ("stop_s", 0.0, 3600.0),
            ("drain_s", 0.0, 3600.0),
            ("traces_share", 0.0, 1.0),
        ):
            value = getattr(self, name)
            if not least <= value <= most:
                raise UsageError(f"server.{name} {value} is outside {least}..{most}")
        for name, schemes in (
            ("database_url", ("postgresql://", "postgres://")),
            ("objects_url", ("s3://",)),
            ("traces_url", ("http://", "https://")),
        ):
            value = getattr(self, name)
            if value and not value.startswith(schemes):
                raise UsageError(f"server.{name} {masked(name, value)!r} does not begin with {schemes[0]}")
        _check_addresses("server.trusted_proxy", self.trusted_proxy)
        if self.export_schedule not in EXPORT_SCHEDULES:
            raise UsageError(
                f"server.export_schedule {self.export_schedule!r} is none of {', '.join(EXPORT_SCHEDULES)}"
            )
        unknown = [name for name in self.export_formats if name not in EXPORT_FORMATS]
        if unknown:
            raise UsageError(f"server.export_formats {unknown[0]!r} is none of {', '.join(EXPORT_FORMATS)}")
        if not 1 <= len(self.name) <= 80 or not self.name.isprintable():
            raise UsageError(f"server.name {self.name!r:.90} is not a text of 1 to 80 printable characters")
        if len(self.contact) > 200 or not self.contact.isprintable():
            raise UsageError(f"server.contact {self.contact!r:.210} is not a text of at most 200 printable characters")


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
class Supervision:
    """What the service manager that started this process wants to hear (sd_notify(3)).

    Attributes:
        socket: Address of its datagram socket, a path or `@` and an abstract name; empty where none listens.
        watchdog_s: It ends the process when it hears nothing for so long; 0 for never.
    """

    socket: str = ""
    watchdog_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Loaded(Generic[_S]):
    """Settings, and where each value came from: `default`, `file`, `environment` or `flag`."""

    settings: _S
    sources: Mapping[str, str]


def environment() -> Mapping[str, str]:
    """Return the environment; for what is no setting, such as `NO_COLOR`."""
    return os.environ  # noqa: TID251  # this module is the one place


def supervision(env: Mapping[str, str], *, pid: int) -> Supervision:
    """Return what the service manager wants to hear; nothing where none started this process.

    Args:
        env: The environment; `NOTIFY_SOCKET`, `WATCHDOG_USEC` and `WATCHDOG_PID` of it.
        pid: Of this process: a watchdog that waits for another one is not ours to feed.
    """
    address = env.get("NOTIFY_SOCKET", "")
    if not address.startswith(("/", "@")) or len(address) < 2:  # a mark and a name
        return Supervision()
    microseconds, waits_for = env.get("WATCHDOG_USEC", ""), env.get("WATCHDOG_PID", "")
    is_ours = not waits_for or waits_for == str(pid)
    is_number = microseconds.isascii() and microseconds.isdigit() and len(microseconds) <= _MAX_DIGITS
    return Supervision(address, int(microseconds) / 1e6 if is_ours and is_number else 0.0)


def forbid_telemetry() -> None:
    """See to it that onnxruntime reports nothing; call it before the first `import onnxruntime`.

    Its recent wheels for Linux and macOS upload events under an identifier that they keep in the user's cache
    folder (microsoft/onnxruntime#27379). Only this variable, read when the library is loaded, stops all of it;
    `disable_telemetry_events()` comes too late.
    """
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # noqa: TID251  # this module is the one place


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


def effective_folder(section: str, given: Path | None, env: Mapping[str, str]) -> tuple[Path, str]:
    """Return the folder that a section's data lie in, and where that was said: `given`, `environment` or `default`.

    Args:
        section: `server` or `edge`.
        given: Its setting, or None.
        env: The environment.
    """
    if given is not None:
        return given, "given"
    place = data_home(env)
    return place / section, "default" if place == data_home({}) else "environment"


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
