"""Bring everything third-party that dashlight ships: by name, by version, by hash.

    python tools/vendor.py [--check | --update] [--cache FOLDER]

`vendor.toml` beside this file says what is fetched and what is made of it, `vendor.sha256`
what must come out. When every file is in place a run only hashes them. Otherwise it takes
the archives from the cache, or from their registry with its ordinary client, checks their
hashes, makes the files in memory, checks their hashes, and only then puts them in place.
docs/reference/vendored.md has the list and the options.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from dashlight.errors import Corrupt, DashlightError, InputError
from vendor_archives import Fetch, fetch_from_registry, obtain, read_members, require_hash, sha256_of, sha256_of_file
from vendor_pages import (
    WEIGHTS_FOLDER,
    Hashes,
    third_party_page,
    vendored_page,
    weight_entries,
    weights_manifest,
    weights_toml,
)
from vendor_recipes import RECIPES, Files
from vendor_table import Output, Table, inside, read_table

TABLE_FILE = "tools/vendor.toml"
HASH_FILE = "tools/vendor.sha256"
MANIFEST_FILE = f"{WEIGHTS_FOLDER}/MANIFEST.json"
MISMATCH_HINT = (
    "If the table was changed on purpose, run `python tools/vendor.py --update` and review the diff; "
    "otherwise install the pinned tools (dependency group `vendor`)."
)


@dataclass(frozen=True, slots=True)
class Project:
    """Where a run works, and how it gets archives."""

    root: Path
    cache: Path
    fetch: Fetch = fetch_from_registry


def read_hashes(path: Path) -> Hashes:
    """Return the wanted hashes; the file is one that `sha256sum --check` reads too.

    Raises:
        InputError: a line is neither `# output` nor `hash  path`.
    """
    hashes: Hashes = {}
    group: dict[str, str] = {}
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else []:
        if line.startswith("# "):
            group = hashes.setdefault(line.removeprefix("# "), {})
            continue
        digest, separator, name = line.partition("  ")
        if not separator or len(digest) != 64:
            raise InputError(f"{path.name}: line {line!r} is not a hash, two spaces and a path")
        group[str(inside(name))] = digest
    return hashes


def hashes_text(hashes: Hashes) -> str:
    """Return the hash file's text."""
    lines = []
    for key, files in hashes.items():
        lines += [f"# {key}", *(f"{digest}  {name}" for name, digest in files.items())]
    return "\n".join(lines) + "\n"


def differences(root: Path, wanted: dict[str, str]) -> list[str]:
    """Return what is missing or has another hash, one sentence each."""
    found = []
    for name, digest in wanted.items():
        path = root / name
        if not path.is_file():
            found.append(f"{name}: missing")
        elif (got := sha256_of_file(path)) != digest:
            found.append(f"{name}: sha256 is {got}, the table wants {digest}")
    return found


def strays(root: Path, table: Table, hashes: Hashes) -> list[Path]:
    """Return files in the owned folders that the table does not know."""
    known = {root / name for files in hashes.values() for name in files}
    present = (path for folder in table.owned for path in (root / folder).rglob("*") if not path.is_dir())
    return sorted(path for path in present if path not in known)


def make(project: Project, table: Table, output: Output) -> Files:
    """Return an output's files by path, from archives whose hashes are right."""
    members: Files = {}
    for key in dict.fromkeys(member.archive for member in output.members):
        path = obtain(table.archives[key], project.cache, project.fetch)
        members |= read_members(path, [member.pattern for member in output.members if member.archive == key])
    if output.recipe not in RECIPES:
        raise InputError(f"output {output.key}: recipe {output.recipe!r} is not one of {sorted(RECIPES)}")
    made = RECIPES[output.recipe](members, output)
    return {str(output.into / inside(name)): data for name, data in sorted(made.items())}


def require_wanted(output: Output, files: Files, wanted: dict[str, str]) -> None:
    """Stop unless exactly the wanted files were made, with the wanted hashes.

    Raises:
        Corrupt: naming the file, and the wanted and found hash.
    """
    for name in sorted(set(files) ^ set(wanted)):
        state = "was made, but is not in the table" if name in files else "is in the table, but was not made"
        raise Corrupt(f"output {output.key}: {name} {state}", hint=MISMATCH_HINT, code="hash-mismatch")
    for name, data in files.items():
        require_hash(name, wanted[name], sha256_of(data), MISMATCH_HINT)


def put(root: Path, name: str, data: bytes) -> None:
    """Replace a file by its new content in one step; an unchanged one is not touched."""
    path = root / name
    if path.is_file() and path.read_bytes() == data:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".vendor-", delete=False) as stream:
        stream.write(data)
    Path(stream.name).chmod(0o644)
    Path(stream.name).replace(path)


def weights_of(root: Path, table: Table, hashes: Hashes) -> dict[str, dict[str, str]]:
    """Return the checksums that the package reads, with those of own weights as they lie there."""
    own = {each.name: root / WEIGHTS_FOLDER / f"{each.name}.onnx" for each in table.own_weights}
    return weight_entries(table, hashes, {name: sha256_of_file(path) for name, path in own.items() if path.exists()})


def generated(root: Path, table: Table, hashes: Hashes) -> dict[str, str]:
    """Return the committed texts that follow from the table, by path."""
    return {
        HASH_FILE: hashes_text(hashes),
        "docs/reference/vendored.md": vendored_page(table, hashes),
        "THIRD_PARTY.md": third_party_page(table),
        "src/dashlight/vision/weights.toml": weights_toml(weights_of(root, table, hashes)),
    }


def check(project: Project) -> list[str]:
    """Return everything that differs from the table; touch nothing."""
    root, table, hashes = _read(project)
    found = [each for files in hashes.values() for each in differences(root, files)]
    found += [f"{output.key}: no hashes" for output in table.outputs if output.key not in hashes]
    found += [f"{path.relative_to(root)}: not in the table" for path in strays(root, table, hashes)]
    for name, text in generated(root, table, hashes).items():
        path = root / name
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            found.append(f"{name}: not what `python tools/vendor.py --update` writes")
    return found


def vendor(project: Project) -> int:
    """Put every file in place and return how many had to be made.

    Raises:
        Corrupt: a hash is not the table's; files made before that one stay, all correct.
        Unavailable: an archive is neither in the cache nor to be had.
    """
    root, table, hashes = _read(project)
    count = 0
    for output in table.outputs:
        wanted = hashes.get(output.key, {})
        if wanted and not differences(root, wanted):
            continue
        print(f"making {output.key}", file=sys.stderr)
        files = make(project, table, output)
        require_wanted(output, files, wanted)
        for name, data in files.items():
            put(root, name, data)
        count += len(files)
    _finish(root, table, hashes)
    return count


def update(project: Project) -> int:
    """Make everything anew, write hashes and generated texts, and return the number of files."""
    root, table, _ = _read(project)
    made = {output.key: make(project, table, output) for output in table.outputs}
    hashes = {key: {name: sha256_of(data) for name, data in files.items()} for key, files in made.items()}
    for name, data in ((name, data) for files in made.values() for name, data in files.items()):
        put(root, name, data)
    for name, text in generated(root, table, hashes).items():
        put(root, name, text.encode())
    _finish(root, table, hashes)
    return sum(map(len, made.values()))


def _read(project: Project) -> tuple[Path, Table, Hashes]:
    return project.root, read_table(project.root / TABLE_FILE), read_hashes(project.root / HASH_FILE)


def _finish(root: Path, table: Table, hashes: Hashes) -> None:
    for path in strays(root, table, hashes):
        path.unlink()
    put(root, MANIFEST_FILE, weights_manifest(weights_of(root, table, hashes)).encode())


def run(arguments: Sequence[str]) -> int:
    """Carry out the command line and return the exit code."""
    parser = argparse.ArgumentParser(description="Fetch, check and make everything third-party that is shipped.")
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument("--check", action="store_true", help="only check; touch nothing")
    mode.add_argument("--update", action="store_true", help="make everything anew and write the hashes")
    parser.add_argument("--cache", type=Path, help="folder of archives (default: .vendor-cache)")
    options = parser.parse_args(arguments)
    root = Path(__file__).resolve().parent.parent
    project = Project(root, options.cache or root / ".vendor-cache")
    try:
        if options.check:
            return _report(check(project))
        count = update(project) if options.update else vendor(project)
    except DashlightError as exc:
        print(f"error: {exc.message}", exc.hint, sep="\n", file=sys.stderr)
        return exc.exit_code
    print(f"{count} files made, all in place" if count else "everything is in place", file=sys.stderr)
    return 0


def _report(found: Iterable[str]) -> int:
    lines = list(found)
    print(*(lines or ["everything is as the table says"]), sep="\n", file=sys.stderr)
    return Corrupt.exit_code if lines else 0


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
