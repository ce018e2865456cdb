"""Take pictures back: out of the spool at once, off the server when it is reached.

What is to be erased is written down durably first (`forget_at`, and the recording's state), then done; a crash or an
absent server only delays it. A bundle of `fleet` or `open` is erased by the bundle's key, a picture by its deletion
secret. Of `personal` pictures the server never told an identifier: they are found by place and heading.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from dashlight.edge.disclosure.disclosure import withdraw
from dashlight.edge.home import fingerprint
from dashlight.edge.home.ledger import BundleRow, BundleState, Ledger, PictureRow, RecordingRow
from dashlight.edge.server import Server
from dashlight.edge.spool import Spool
from dashlight.errors import DashlightError, HostError, InputError, NotFound, Unauthorized, Unavailable
from dashlight.model import Policy
from dashlight.wire import bundle_key, deletion_secret, sign, to_base64url

PERSONAL_SPREAD_S = 14 * 86_400.0  # Erased together, pictures would show that they belong together.
GIVE_UP_AFTER_S = 30 * 86_400.0  # A personal picture that is not found for so long is not there (any more).
_T = TypeVar("_T")
_SAME_DEG = 1.5e-6
_SAME_HEADING_DEG = 0.11


@dataclass(frozen=True, slots=True)
class Selection:
    """What is to be taken back; an empty one is nothing.

    Attributes:
        pictures: Recordings and moments of pictures that are in bundles.
        bundles: Numbers of the bundles that hold nothing else.
        recordings: Fingerprints that are never to be taken again.
    """

    pictures: tuple[PictureRow, ...] = ()
    bundles: tuple[int, ...] = ()
    recordings: tuple[str, ...] = ()


def selected(
    ledger: Ledger,
    *,
    bundle: str = "",
    day: str = "",
    pending: bool = False,
    everything: bool = False,
    recordings: Sequence[RecordingRow] = (),
) -> Selection:
    """Return what the owner named; exactly one way of naming is used.

    Args:
        ledger: Where it is looked up.
        bundle: SHA-256, or at least 8 of its first characters.
        day: `YYYY-MM-DD` (UTC) of the first frames.
        pending: All that waits in the spool.
        everything: All.
        recordings: From `of_recording` or `of_drive`.

    Raises:
        NotFound: When nothing is of that name.
        InputError: When a name fits several bundles.
    """
    if bundle or pending:
        return _of_bundles(ledger, _named_bundles(ledger, bundle) if bundle else _pending(ledger))
    wanted = [
        row.fingerprint for row in recordings or ledger.recordings() if recordings or everything or row.day == day
    ]
    if not wanted and not everything:
        raise NotFound(f"no recording of {day} was imported here", hint="days are UTC, such as 2026-11-23")
    pictures = [p for name in wanted for p in ledger.kept_pictures(recording=name)]
    return Selection(tuple(pictures), _whole_bundles(ledger, pictures), tuple(wanted))


def selected_picture(ledger: Ledger, picture_id: str, *, server: Server | None) -> Selection:
    """Return the picture of that identifier.

    A `personal` picture's identifier is not in the ledger: the server is asked where it is, and the pictures of that
    place and heading are meant.

    Raises:
        NotFound: When it is none of this edge's.
    """
    rows = ledger.pictures_named(picture_id)
    if not rows and server is not None:
        feature = server.picture(picture_id)
        rows = [p for p in ledger.unnamed_pictures() if _may_be(feature, p)]
    if not rows:
        raise NotFound(f"the picture {picture_id} is none that this edge published")
    return Selection(pictures=tuple(rows))


def of_recording(ledger: Ledger, path: Path) -> list[RecordingRow]:
    """Return the recordings of that path: by its bytes where the file is there, else by the name it had.

    Raises:
        NotFound: When the ledger has none.
    """
    name = fingerprint(path) if path.is_file() else None
    rows = [
        row
        for row in ledger.recordings()
        if row.fingerprint == name or (name is None and Path(row.path).parts[-len(path.parts) :] == path.parts)
    ]
    if not rows:
        raise NotFound(f"no recording {path} was imported here", hint="dashlight edge status")
    return rows


def of_drive(ledger: Ledger, path: Path) -> list[RecordingRow]:
    """Return the recordings of the drive that the one of that path belongs to.

    Raises:
        NotFound: When the ledger has none.
    """
    drives = {row.drive for row in of_recording(ledger, path)}
    return [row for row in ledger.recordings() if row.drive in drives]


def _named_bundles(ledger: Ledger, name: str) -> list[BundleRow]:
    found = [b for b in ledger.bundles() if b.sha256.startswith(name.lower())]
    if not found or len(name) < 8:
        raise NotFound(f"the ledger has no bundle {name!r}", hint="name at least 8 characters of its SHA-256")
    if len(found) > 1:
        raise InputError(f"{name!r} fits {len(found)} bundles", hint="name more of it")
    return found


def _pending(ledger: Ledger) -> list[BundleRow]:
    return ledger.bundles(BundleState.SPOOLED, BundleState.REFUSED)


def _of_bundles(ledger: Ledger, bundles: Sequence[BundleRow]) -> Selection:
    pictures = [p for b in bundles for p in ledger.pictures_of(bundle=b.number)]
    return Selection(tuple(pictures), tuple(b.number for b in bundles))


def _whole_bundles(ledger: Ledger, pictures: Iterable[PictureRow]) -> tuple[int, ...]:
    of_bundle: dict[int, int] = {}
    for picture in pictures:
        of_bundle[picture.bundle] = of_bundle.get(picture.bundle, 0) + 1
    sizes = {b.number: b.pictures for b in ledger.bundles()}
    return tuple(number for number, count in of_bundle.items() if sizes.get(number) == count)


def take_back(
    ledger: Ledger, spool: Spool, selection: Selection, *, now: float, at_once: bool, rng: random.Random
) -> None:
    """Write down durably what is to be erased, and drop at once what never left.

    Args:
        ledger: Keeps it.
        spool: Loses it.
        selection: What.
        now: Unix seconds.
        at_once: Do not spread the erasure of `personal` pictures over 14 days.
        rng: For that spreading.
    """
    ledger.forget_recordings(selection.recordings)
    selection = _with_newest(ledger, selection)
    bundles = {b.number: b for b in ledger.bundles()}
    numbers = {p.bundle for p in selection.pictures} | set(selection.bundles)
    for bundle in (bundles[number] for number in sorted(numbers) if number in bundles):
        mine = [p for p in selection.pictures if p.bundle == bundle.number]
        is_whole = bundle.number in selection.bundles
        if bundle.state in (BundleState.SPOOLED, BundleState.REFUSED):
            withdraw(ledger, spool, bundle.number, bundle.sha256, gone=[p.number for p in mine])
        elif bundle.state is BundleState.RECEIVED and is_whole and bundle.policy != Policy.PERSONAL:
            ledger.erase_bundle_at(bundle.number, now)
        elif bundle.state is BundleState.RECEIVED:
            is_spread = bundle.policy == Policy.PERSONAL and not at_once and len(selection.pictures) > 1
            spread_s = PERSONAL_SPREAD_S if is_spread else 0.0
            ledger.erase_pictures_at((p, now + rng.uniform(0, spread_s)) for p in mine)


def _with_newest(ledger: Ledger, selection: Selection) -> Selection:
    """Return a selection with what an import sealed of its recordings since it was made; nothing comes after it."""
    pictures = {(p.recording, p.offset_ms): p for p in selection.pictures}
    for name in selection.recordings:
        for picture in ledger.kept_pictures(recording=name):
            pictures.setdefault((picture.recording, picture.offset_ms), picture)
    if len(pictures) == len(selection.pictures):
        return selection
    found = tuple(pictures.values())
    return Selection(found, tuple({*selection.bundles, *_whole_bundles(ledger, found)}), selection.recordings)


def due_count(ledger: Ledger) -> int:
    """Return how many erasures still have to reach the server."""
    return ledger.erasures_left()


def erase_due(ledger: Ledger, server: Server, seed: bytes, *, now: float) -> int:
    """Erase at the server what is due, and return how many bundles and pictures that was.

    What fails stays due and does not hold up the rest, unless nobody answers at all.

    Raises:
        Unavailable: When the server cannot be reached, or answered one of the requests so.
        Unauthorized: When the server does not take a key.
        Corrupt: When what answers is not the server.
    """
    erased, failed = _each(ledger.bundles_to_erase(now), lambda due: _erase_bundle(ledger, server, seed, due, now=now))
    if failed is None or not _is_away(failed):
        more, later = _each(
            ledger.pictures_to_erase(now), lambda due: _settle_picture(ledger, server, seed, *due, now=now)
        )
        erased, failed = erased + more, failed or later
    if failed is not None:
        raise failed
    return erased


def _each(items: Iterable[_T], erase: Callable[[_T], bool]) -> tuple[int, DashlightError | None]:
    """Erase one by one; return how many, and the first failure."""
    erased, failed = 0, None
    for item in items:
        try:
            erased += erase(item)
        except HostError:
            raise
        except DashlightError as exc:
            failed = failed or exc
            if _is_away(exc):
                break
    return erased, failed


def _is_away(error: DashlightError) -> bool:
    return isinstance(error, Unavailable) and error.code == "unreachable"


def _erase_bundle(ledger: Ledger, server: Server, seed: bytes, bundle: BundleRow, *, now: float) -> bool:
    if bundle.policy == Policy.PERSONAL:
        server.on_fresh_connection()
    signature = to_base64url(sign(bundle_key(seed, bundle.number), "forget", bundle.sha256.encode()))
    was_there = server.delete_bundle(bundle.sha256, signature=signature)
    # The server forgets which pictures a personal bundle had once they are public: then each goes by its own secret.
    pictures_at = now if bundle.policy == Policy.PERSONAL and not was_there else None
    ledger.note_bundle_erased(bundle.number, pictures_at=pictures_at)
    return True


def _settle_picture(
    ledger: Ledger, server: Server, seed: bytes, picture: PictureRow, due_since: float, *, now: float
) -> bool:
    if picture.picture_id is None:
        server.on_fresh_connection()
    if not _erase_picture(server, seed, picture) and now - due_since <= GIVE_UP_AFTER_S:
        return False
    ledger.note_picture_erased(picture)
    return True


def _erase_picture(server: Server, seed: bytes, picture: PictureRow) -> bool:
    """Erase one picture; return False when it is not to be found (yet)."""
    secret = to_base64url(deletion_secret(seed, picture.bundle, picture.number))
    if picture.picture_id is not None:
        server.delete_picture(picture.picture_id, secret=secret)
        return True
    for feature in server.pictures_at(picture.lon, picture.lat):
        if not _may_be(feature, picture):
            continue
        try:
            is_ours = server.delete_picture(str(feature["id"]), secret=secret)
        except Unauthorized:
            continue  # Somebody else's picture of the same place.
        if is_ours:  # One that has just been hidden says nothing of whose it is.
            return True
    return False


def _may_be(feature: dict[str, object], picture: PictureRow) -> bool:
    geometry, properties = feature.get("geometry"), feature.get("properties")
    if not isinstance(geometry, dict) or not isinstance(properties, dict) or "id" not in feature:
        return False
    coordinates, heading = geometry.get("coordinates"), properties.get("view:azimuth")
    if not isinstance(coordinates, list) or len(coordinates) < 2 or not isinstance(heading, int | float):
        return False
    lon, lat = coordinates[:2]
    return (
        isinstance(lon, int | float)
        and isinstance(lat, int | float)
        and abs(lon - picture.lon) <= _SAME_DEG
        and abs(lat - picture.lat) <= _SAME_DEG
        and abs(heading - picture.heading_deg) <= _SAME_HEADING_DEG
    )
