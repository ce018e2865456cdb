"""onnxruntime sessions and the arrays that they take."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import cv2
import numpy as np
import numpy.typing as npt

from dashlight.config import forbid_telemetry
from dashlight.errors import HostError

forbid_telemetry()
import onnxruntime  # noqa: E402  # only now: it reports on its user from the moment it is loaded
from onnxruntime.capi import onnxruntime_pybind11_state as _errors  # noqa: E402  # likewise

# Its exceptions have no base of their own but Exception: each status of its C API is a class.
_UNREADABLE = (
    _errors.EPFail,
    _errors.EngineError,
    _errors.Fail,
    _errors.InvalidArgument,
    _errors.InvalidGraph,
    _errors.InvalidProtobuf,
    _errors.NoModel,
    _errors.NotImplemented,
    _errors.RuntimeException,
    RuntimeError,
    ValueError,
)
Pixels = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]


class Network(Protocol):
    """What the finders need of a session; `run` may be called from several threads."""

    def run(self, output_names: list[str] | None, input_feed: dict[str, Any]) -> list[Any]:
        """Return the named outputs."""


# The statistics of ImageNet, for blue, green, red: what the text and the object network were trained with.
BGR_MEAN = (103.53, 116.28, 123.675)
BGR_FACTOR = (1 / 57.375, 1 / 57.12, 1 / 58.395)


@dataclass(frozen=True, slots=True)
class Fitted:
    """An input array and how it was scaled.

    Attributes:
        blob: `(1, 3, H, W) float32`.
        scale: Input pixels of the network for one pixel of the picture, x and y.
    """

    blob: Floats
    scale: tuple[float, float]


def open_session(model: bytes, *, name: str, intra_op_threads: int = 1) -> Network:
    """Return a CPU session on the bytes of an ONNX model.

    Threads do not spin while they wait: the edge shares its machine with a camera.

    Raises:
        HostError: When onnxruntime cannot read the model.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = intra_op_threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        session: Network = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    except _UNREADABLE as exc:
        raise HostError(
            f"onnxruntime {onnxruntime.__version__} cannot load the weights {name}: {exc}",
            hint="run `make vendor`, and check that onnxruntime is 1.23 or newer",
            code="weights-unreadable",
        ) from exc
    return session


def fitted_size(size: tuple[int, int], *, long_side: int, multiple: int) -> tuple[int, int]:
    """Return width and height with the long side at `long_side`, both rounded up to `multiple`."""
    width, height = size
    scale = long_side / max(width, height)
    return tuple(max(multiple, -(-round(side * scale) // multiple) * multiple) for side in (width, height))  # type: ignore[return-value]


def fitted(
    rgb: Pixels,
    target: tuple[int, int],
    *,
    factor: tuple[float, float, float] = (1.0, 1.0, 1.0),
    mean: tuple[float, float, float] = (0.0, 0.0, 0.0),
    is_bgr: bool = False,
) -> Fitted:
    """Return the picture stretched to `target` (width, height) as `(value - mean) * factor`.

    `factor` and `mean` are in the order of the channels that the network takes.
    """
    height, width = rgb.shape[:2]
    resized = resized_to(rgb, target)
    blob: Floats = np.asarray(cv2.dnn.blobFromImage(resized, swapRB=is_bgr), np.float32)
    if factor != (1.0, 1.0, 1.0) or mean != (0.0, 0.0, 0.0):
        blob -= np.asarray(mean, np.float32)[None, :, None, None]
        blob *= np.asarray(factor, np.float32)[None, :, None, None]
    return Fitted(blob, (target[0] / width, target[1] / height))


def resized_to(rgb: Pixels, target: tuple[int, int]) -> Pixels:
    """Return the picture at `target` (width, height), averaged when it gets smaller."""
    height, width = rgb.shape[:2]
    if (width, height) == target:
        return np.ascontiguousarray(rgb)
    is_smaller = target[0] * target[1] < width * height * 0.5
    flag = cv2.INTER_AREA if is_smaller else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(rgb, target, interpolation=flag), np.uint8)
