"""What the environment says beside the settings: folders, and the service manager. The only reader of it."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

_MAX_DIGITS = 18  # Of microseconds: thirty thousand years.


@dataclass(frozen=True, slots=True)
class Supervision:
    """What the service manager that started this process wants to hear (sd_notify(3)).

    Attributes:
        socket: Address of its datagram socket, a path or `@` and an abstract name; empty where none listens.
        watchdog_s: It ends the process when it hears nothing for so long; 0 for never.
    """

    socket: str = ""
    watchdog_s: float = 0.0


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
