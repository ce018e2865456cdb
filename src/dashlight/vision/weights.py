"""The detectors' weights: where they lie and what their bytes must be.

No detector, no picture: weights that are missing or changed stop the work. The table
`weights.toml` comes with the package; whoever can change it can change this code too.
"""

from __future__ import annotations

import hashlib
import tomllib
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from dashlight.errors import HostError

NAMES = ("centerface", "text_det", "nanodet", "plate_net")
VENDOR_HINT = "run `make vendor` in a checkout, or install the wheel again"


@dataclass(frozen=True, slots=True)
class Weights:
    """One row of the table.

    Attributes:
        name: `centerface`, `text_det`, `nanodet` or `plate_net`.
        file: Name of the file in the folder of weights.
        sha256: What its bytes must hash to, hex.
        licence: SPDX name, for `dashlight doctor` and the notices.
        source: Where it came from.
    """

    name: str
    file: str
    sha256: str
    licence: str
    source: str


def default_folder() -> Path:
    """Return the folder of weights inside the installed package."""
    return Path(str(resources.files("dashlight.vision"))) / "weights"


def weights_table() -> dict[str, Weights]:
    """Return the rows of `weights.toml` by name.

    Raises:
        HostError: When the table is missing, unreadable or lacks a row.
    """
    path = resources.files("dashlight.vision") / "weights.toml"
    try:
        rows = tomllib.loads(path.read_text("utf-8"))
        table = {
            name: Weights(name, row["file"], row["sha256"], row["licence"], row["source"]) for name, row in rows.items()
        }
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, KeyError, TypeError) as exc:
        raise HostError(
            f"the table of weights {path} cannot be read: {exc}", hint=VENDOR_HINT, code="weights-table"
        ) from exc
    missing = [name for name in NAMES if name not in table]
    if missing:
        raise HostError(
            f"the table of weights {path} has no row for {', '.join(missing)}",
            hint=VENDOR_HINT,
            code="weights-table",
        )
    return table


def read_weights(name: str, folder: Path | None = None) -> bytes:
    """Return the bytes of the weights `name`, after checking their SHA-256.

    Raises:
        HostError: When the file is missing or its bytes are not those of the table.
    """
    row = weights_table()[name]
    path = (folder or default_folder()) / row.file
    try:
        model = path.read_bytes()
    except OSError as exc:
        raise HostError(
            f"the weights {path} cannot be read: {exc.strerror or exc}",
            hint=VENDOR_HINT,
            code="weights-missing",
        ) from exc
    found = hashlib.sha256(model).hexdigest()
    if found != row.sha256:
        raise HostError(
            f"the weights {path} have SHA-256 {found}, not {row.sha256}", hint=VENDOR_HINT, code="weights-changed"
        )
    return model
