"""What the vehicle's camera always sees: its lens's shade and the vehicle's own bonnet."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Pixels = npt.NDArray[np.uint8]


def lens_shade(width: int, height: int) -> Pixels:
    """Return by how much the lens darkens each pixel, `(height, width, 3)`, 255 for not at all."""
    u, v = np.meshgrid(np.linspace(-1, 1, width), np.linspace(-1, 1, height))
    shade = np.clip(255.0 * (1.0 - 0.16 * (u**2 + v**2) ** 1.2 / 2.3), 0, 255)
    return np.ascontiguousarray(np.broadcast_to(shade[..., None], (height, width, 3))).astype(np.uint8)


def bonnet(width: int, height: int) -> Pixels:
    """Return the vehicle's own bonnet along the lower edge, RGBA."""
    rows = round(0.085 * height)
    u = np.linspace(-1, 1, width)
    edge = rows * (0.16 + 0.75 * np.abs(u) ** 2.6)
    v = np.arange(rows)[:, None]
    inside = np.clip(v - edge[None, :], 0, 1)
    depth = np.clip((v - edge[None, :]) / rows, 0, 1)
    base = 38.0 + 26.0 * np.exp(-depth * 9) + 30.0 * np.exp(-(((u[None, :] + 0.28) / 0.2) ** 2)) * (1 - depth)
    rgb = np.stack([base, base * 1.06, base * 1.2], axis=2)
    return np.dstack([np.clip(rgb, 0, 255), inside * 255]).astype(np.uint8)
