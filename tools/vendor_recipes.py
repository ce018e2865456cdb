"""What is done to members on the way into the project: each recipe is bytes in, bytes out.

Heavy imports (onnx, shapely, resvg) are inside the recipes, because a run that finds
everything in place needs none of them.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import PurePosixPath

from dashlight.errors import InputError
from vendor_table import Output, inside

Files = dict[str, bytes]
"""Bytes by name; names in an archive going in, names below `into` coming out."""

SIGN_WIDTH_PX = 256


def copy(members: Files, output: Output) -> Files:
    """Keep bytes as they are; names lose the folder `strip`, or become `name`."""
    if output.name:
        return {output.name: _only(members)}
    copied = {}
    for name, data in members.items():
        if not name.startswith(output.strip):
            raise InputError(f"member {name!r} is not below {output.strip!r}")
        copied[str(inside(name.removeprefix(output.strip)))] = data
    return copied


def centerface(members: Files, output: Output) -> Files:
    """Declare CenterFace's sizes free."""
    import patch_centerface  # noqa: PLC0415

    return {output.name: patch_centerface.patched(_only(members))}


def nanodet(members: Files, output: Output) -> Files:
    """Turn NanoDet's TensorFlow.js graph into ONNX."""
    import convert_nanodet  # noqa: PLC0415

    by_suffix = {PurePosixPath(name).suffix: data for name, data in members.items()}
    return {output.name: convert_nanodet.converted(json.loads(by_suffix[".json"]), by_suffix[".bin"])}


def basemap(members: Files, _output: Output) -> Files:
    """Make land, borders, states and labels."""
    import prepare_basemap  # noqa: PLC0415

    by_stem = {PurePosixPath(name).stem: json.loads(data) for name, data in members.items()}
    return prepare_basemap.prepare(by_stem["countries-50m"], by_stem["states-10m"])


def signs(members: Files, _output: Output) -> Files:
    """Draw SVG files as PNG with a transparent ground, `SIGN_WIDTH_PX` wide."""
    import resvg_py  # noqa: PLC0415

    drawn = {}
    for name, data in members.items():
        picture = resvg_py.svg_to_bytes(svg_string=data.decode(), width=SIGN_WIDTH_PX, skip_system_fonts=True)
        drawn[PurePosixPath(name).with_suffix(".png").name] = bytes(picture)
    return drawn


RECIPES: dict[str, Callable[[Files, Output], Files]] = {
    "basemap": basemap,
    "centerface": centerface,
    "copy": copy,
    "nanodet": nanodet,
    "signs": signs,
}


def _only(members: Files) -> bytes:
    if len(members) != 1:
        raise InputError(f"one member is wanted, {len(members)} match: {sorted(members)}")
    return next(iter(members.values()))
