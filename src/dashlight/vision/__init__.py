"""Find faces, plates and people, and paint over them on the contributor's machine.

    rgb -> Detectors.detect -> redact -> RedactedPicture -> (published) -> recheck

Names are loaded on first use: `import dashlight.vision` costs nothing, onnxruntime and OpenCV
are imported when a name below needs them. Nothing here reads a plate, describes a face, or
knows of HTTP, of the edge or of the store.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dashlight.vision.detectors import Detectors, Thresholds
    from dashlight.vision.redactor import Margins, redact
    from dashlight.vision.second_look import Strictness, Verdict, recheck
    from dashlight.vision.tracking import redact_sequence
    from dashlight.vision.weights import Weights, read_weights, weights_table

__all__ = [
    "Detectors",
    "Margins",
    "Strictness",
    "Thresholds",
    "Verdict",
    "Weights",
    "read_weights",
    "recheck",
    "redact",
    "redact_sequence",
    "weights_table",
]

_MODULES = {
    "Detectors": "detectors",
    "Margins": "redactor",
    "Strictness": "second_look",
    "Thresholds": "detectors",
    "Verdict": "second_look",
    "Weights": "weights",
    "read_weights": "weights",
    "recheck": "second_look",
    "redact": "redactor",
    "redact_sequence": "tracking",
    "weights_table": "weights",
}


def __getattr__(name: str) -> Any:
    """Import the module of a public name when it is first asked for."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
    globals()[name] = value
    return value
