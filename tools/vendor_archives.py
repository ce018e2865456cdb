"""Fetch packages with the registries' own clients and read members out of them.

An archive is hostile until its hash is right, and its member names stay hostile after
that: nothing is unpacked to where an archive says. Members are read into memory by
name, and only the table and `inside` decide where bytes end up.
"""

from __future__ import annotations

import gzip
import hashlib
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path

from dashlight.errors import Corrupt, HostError, Unavailable
from vendor_table import Archive, inside

FETCH_TIMEOUT_S = 900.0  # The largest package is 145 MB.
MEMBER_LIMIT_BYTES = 64 << 20  # The largest member wanted is 8 MB.

Fetch = Callable[[Archive, Path], None]


def sha256_of(data: bytes) -> str:
    """Return the hash in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def sha256_of_file(path: Path) -> str:
    """Return a file's hash in hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def require_hash(name: str, wanted: str, got: str, hint: str) -> None:
    """Stop when a hash is not the table's.

    Raises:
        Corrupt: naming the file and both hashes.
    """
    if wanted != got:
        raise Corrupt(f"{name}: sha256 is {got}, the table wants {wanted}", hint=hint, code="hash-mismatch")


def fetch_command(archive: Archive, folder: Path) -> list[str]:
    """Return the ordinary client's command that puts one archive into `folder`."""
    if archive.registry == "npm":
        npm = shutil.which("npm")
        if npm is None:
            raise HostError("npm is not installed", hint="Install Node.js with npm, then run `make vendor` again.")
        return [npm, "pack", archive.requirement, "--pack-destination", str(folder), "--ignore-scripts", "--silent"]
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--disable-pip-version-check"]
    return [*pip, "--only-binary=:all:", *archive.pip_options, "--dest", str(folder), archive.requirement]


def fetch_from_registry(archive: Archive, folder: Path) -> None:
    """Ask the registry's client for the archive.

    Raises:
        HostError: the client is not installed.
        Unavailable: the client failed or took longer than `FETCH_TIMEOUT_S`.
    """
    command = fetch_command(archive, folder)
    try:
        subprocess.run(
            command, check=True, timeout=FETCH_TIMEOUT_S, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL
        )
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as exc:
        raise Unavailable(
            f"{archive.registry} did not give {archive.requirement}: {exc}",
            hint="Check the network, or put the file into the cache folder yourself.",
        ) from exc


def obtain(archive: Archive, cache: Path, fetch: Fetch) -> Path:
    """Return the archive in the cache, fetched if it is not there, its hash checked.

    Raises:
        Corrupt: the cached or fetched file has another hash; a fetched one is not kept.
        Unavailable: it could not be fetched.
    """
    kept = cache / archive.file
    if kept.exists():
        hint = f"Delete {kept} to fetch it again."
        require_hash(archive.file, archive.sha256, sha256_of_file(kept), hint)
        return kept
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache) as folder:
        fetch(archive, Path(folder))
        fetched = Path(folder, archive.file)
        if not fetched.is_file():
            names = sorted(each.name for each in Path(folder).iterdir())
            raise Corrupt(f"{archive.requirement}: the registry gave {names}, the table wants {archive.file}")
        hint = "The registry's file is not the one that was reviewed; nothing of it was used."
        require_hash(archive.file, archive.sha256, sha256_of_file(fetched), hint)
        fetched.replace(kept)
    return kept


def read_members(path: Path, patterns: list[str]) -> dict[str, bytes]:
    """Return the members that match, by name, in the order of their names.

    Raises:
        Corrupt: a name that matches leaves the folder, stands there twice, is no plain file or is
            larger than `MEMBER_LIMIT_BYTES`; a pattern matches nothing; the archive is damaged.
    """
    found: dict[str, bytes] = {}
    try:
        for name, size, read in _plain_members(path):
            if not any(matches(name, pattern) for pattern in patterns):
                continue
            inside(name)
            if name in found:
                raise Corrupt(f"{path.name}: member {name!r} stands there twice")
            if size > MEMBER_LIMIT_BYTES:
                raise Corrupt(f"{path.name}: member {name!r} has {size} bytes, at most {MEMBER_LIMIT_BYTES} are read")
            found[name] = read()
    except (tarfile.TarError, zipfile.BadZipFile, zlib.error, gzip.BadGzipFile, EOFError) as exc:
        raise Corrupt(f"{path.name} is not a readable archive: {exc}") from exc
    for pattern in patterns:
        if not any(matches(name, pattern) for name in found):
            raise Corrupt(f"{path.name}: no plain file matches {pattern!r}")
    return dict(sorted(found.items()))


def matches(name: str, pattern: str) -> bool:
    """Return whether a member's name matches, `*` never crossing a slash."""
    names, patterns = name.split("/"), pattern.split("/")
    return len(names) == len(patterns) and all(map(fnmatchcase, names, patterns))


def _plain_members(path: Path) -> Iterator[tuple[str, int, Callable[[], bytes]]]:
    """Yield name, size and reader of every plain file; links and devices are skipped."""
    if path.suffix == ".whl":
        with zipfile.ZipFile(path) as wheel:
            for entry in wheel.infolist():
                if not entry.is_dir():
                    yield entry.filename, entry.file_size, partial(wheel.read, entry)
        return
    with tarfile.open(path, "r:gz") as tarball:
        for member in tarball:
            if member.isfile():
                yield member.name, member.size, partial(_tar_bytes, tarball, member)


def _tar_bytes(tarball: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    stream = tarball.extractfile(member)
    return b"" if stream is None else stream.read()
