"""How a setting is shown: without the secrets and passwords in it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

_WITH_PASSWORD = ("database_url", "objects_url", "presigned_endpoint", "public_url", "proxy")
# A password may hold any character where nobody escaped it: what is before the last @ is taken for it.
_PASSWORDS = (re.compile(r"(://[^:@/?#]*):.*@"), re.compile(r"(://)[^@]*:(?!\*\*\*@).*@"))
_QUERY_PASSWORD = re.compile(r"([?&][^=&]*(?:pass|secret|token|key)[^=&]*=)[^&]*", re.IGNORECASE)


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
