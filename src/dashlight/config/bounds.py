"""What every section checks of its values: that numbers lie within their bounds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dashlight.errors import UsageError

Bounds = Mapping[str, tuple[float, float]]


def check_bounds(section: str, settings: Any, bounds: Bounds) -> None:
    """Check each setting that has bounds.

    Args:
        section: That the settings are of.
        settings: Its dataclass.
        bounds: The least and the most value of each, by its name.

    Raises:
        UsageError: When one is outside.
    """
    for name, (least, most) in bounds.items():
        value = getattr(settings, name)
        if not least <= value <= most:
            raise UsageError(f"{section}.{name} {value} is outside {least}..{most}")
