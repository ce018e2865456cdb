"""What came of an import, in words and as one object: made, left out and why, rejected and why, sent, waiting."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from dashlight.cli.counted import counted
from dashlight.edge.home.ledger import BundleState
from dashlight.edge.importing import Imported, left_out_sentence
from dashlight.edge.spool import Uploaded
from dashlight.edge.station import Station
from dashlight.errors import Rejected

MAX_NAMED = 5  # Files of one reason that are named one by one; of more, the rest are counted.


def summary_lines(
    station: Station, imported: Imported, uploaded: Uploaded | None, *, seconds: float, is_broken_off: bool = False
) -> Iterator[str]:
    """Yield what came of it all, and what to do next, a line each.

    Args:
        station: The edge.
        imported: What was made.
        uploaded: What was sent, or None where nothing was to be.
        seconds: It took.
        is_broken_off: Whether somebody stopped it before the end.
    """
    rate = ""
    if imported.pictures and imported.driven_s and seconds > 0:
        rate = f", {imported.driven_s / seconds:.1f} times as fast as driven"
    if uploaded is None or imported != Imported():  # Who only uploads need not read that nothing was imported.
        yield (
            f"{counted(imported.recordings, 'recording')}, {counted(imported.pictures, 'picture')}, "
            f"{counted(imported.redactions, 'redaction')} in {seconds:.1f} s{rate}"
        )
    yield from _known_lines(imported)
    yield from left_out_lines(imported.left_out)
    yield from _waiting_lines(station, imported)
    yield from rejected_lines(imported.rejected)
    yield from _uploaded_lines(station, imported, uploaded, is_broken_off=is_broken_off)
    if is_broken_off:
        yield from _broken_off_lines(station)


def _known_lines(imported: Imported) -> Iterator[str]:
    before = imported.known - imported.forgotten
    if before:
        yield f"{counted(before, 'recording')} {_was(before)} imported before"
    if imported.forgotten:
        yield f"{counted(imported.forgotten, 'recording')} {_was(imported.forgotten)} forgotten; not imported again"


def _waiting_lines(station: Station, imported: Imported) -> Iterator[str]:
    if imported.waiting:
        told = station.disclosure.apprenticeship()
        yield (
            f"{counted(imported.waiting, 'recording')} {_waits(imported.waiting)}: under the policy personal nothing "
            "is told before 14 days and 20 drives are known "
            f"(now {counted(int(told.days), 'day')}, {counted(told.drives, 'drive')})"
        )
    policy = station.choices.policy
    if imported.kept:
        yield (
            f"{counted(imported.kept, 'recording')} came in under a more careful policy and "
            f"{'stays' if imported.kept == 1 else 'stay'} so; "
            f"name a file itself in an import to tell it under {policy}"
        )
    if imported.converted:
        yield (
            f"{counted(imported.converted, 'recording')} that you named waited under another policy; now under {policy}"
        )
    if imported.taken_up:
        yield (
            f"{counted(imported.taken_up, 'recording')} {_was(imported.taken_up)} left by an earlier import and taken "
            f"up under {policy}"
        )


def left_out_lines(left_out: Mapping[str, int]) -> Iterator[str]:
    """Yield of how many places no picture was made, by reason, the most frequent first."""
    if not left_out:
        return
    yield f"Left out: {counted(sum(left_out.values()), 'place')} along the way, of which no picture was made"
    for reason, count in sorted(left_out.items(), key=lambda each: -each[1]):
        yield f"  {count:>6,}  {left_out_sentence(reason)}"


def rejected_lines(rejected: Sequence[Rejected]) -> Iterator[str]:
    """Yield what could not be used, by reason: the reason with most files first, at most `MAX_NAMED` of them named."""
    if not rejected:
        return
    by_reason: dict[tuple[str, str], list[Rejected]] = {}
    for each in rejected:
        by_reason.setdefault((each.reason, each.hint), []).append(each)
    yield f"Rejected: {counted(len(rejected), 'file or folder', 'files and folders')}"
    for (reason, hint), files in sorted(by_reason.items(), key=lambda group: -len(group[1])):
        yield f"  {len(files):>6,}  {reason}{f'. {hint}' if hint else ''}"
        for each in files[:MAX_NAMED]:
            yield f"          {each.path}"
        if len(files) > MAX_NAMED:
            yield f"          and {counted(len(files) - MAX_NAMED, 'more', 'more')}; --json names each"


def _uploaded_lines(
    station: Station, imported: Imported, uploaded: Uploaded | None, *, is_broken_off: bool
) -> Iterator[str]:
    pending = station.ledger.bundles(BundleState.SPOOLED)
    wait = f"{counted(len(pending), 'bundle')} {_waits(len(pending))}"
    if uploaded is None:
        if station.enrolment is None and pending and not is_broken_off:
            yield (
                f"{wait} in the spool. Next: dashlight edge enroll --server URL --invite CODE "
                f"--policy {station.choices.policy}, then dashlight edge run"
            )
        elif station.enrolment is not None and imported.bundles:
            yield f"{wait} in the spool. Next: dashlight edge run --once"
        return
    if uploaded.bundles:
        have = "has" if uploaded.bundles == 1 else "have"
        yield (
            f"{counted(uploaded.bundles, 'bundle')} with {counted(uploaded.pictures, 'picture')} {have} a verified "
            f"receipt; {wait if pending else 'nothing waits'}"
        )
    elif pending:
        yield f"Nothing uploaded; {wait} in the spool"
    elif not uploaded.refused and uploaded.stopped_by is None:
        yield "Nothing to upload."
    for bundle, why in zip(uploaded.refused, uploaded.refusals, strict=True):
        yield f"  refused   bundle {bundle.sha256[:16]}: {why.message} {why.hint}".rstrip()
    if uploaded.stopped_by is not None:
        yield f"  stopped   {uploaded.stopped_by.message} {uploaded.stopped_by.hint}".rstrip()


def _broken_off_lines(station: Station) -> Iterator[str]:
    pending = station.ledger.bundles(BundleState.SPOOLED)
    pictures = counted(sum(b.pictures for b in pending), "picture")
    kept = f"{counted(len(pending), 'bundle')} with {pictures} kept in the spool" if pending else "the spool is empty"
    yield f"Interrupted: {kept}; what the server acknowledged stays there, and no recording was changed."
    yield "To go on, give the same command again: it begins behind what is kept."
    if pending and station.enrolment is not None:
        yield "To send only what is kept: dashlight edge run --once"


def _was(count: int) -> str:
    return "was" if count == 1 else "were"


def _waits(count: int) -> str:
    return "waits" if count == 1 else "wait"


def summary_row(
    station: Station, imported: Imported, sent: Uploaded, *, seconds: float, is_broken_off: bool = False
) -> dict[str, Any]:
    """Return the `summary` of docs/reference/edge-json.md."""
    stopped = sent.stopped_by
    return {
        "event": "summary",
        "recordings": imported.recordings,
        "pictures": imported.pictures,
        "bundles": imported.bundles,
        "redactions": imported.redactions,
        "known": imported.known,
        "forgotten": imported.forgotten,
        "waiting": imported.waiting,
        "kept": imported.kept,
        "converted": imported.converted,
        "taken_up": imported.taken_up,
        "candidates": sum(outcome.candidates for outcome in imported.outcomes),
        "left_out": dict(imported.left_out),
        "rejected": len(imported.rejected),
        "uploaded_bundles": sent.bundles,
        "uploaded_pictures": sent.pictures,
        "refused_bundles": len(sent.refused),
        "pending_bundles": len(station.ledger.bundles(BundleState.SPOOLED)),
        "stopped_by": None if stopped is None else {"code": stopped.code, "reason": stopped.message},
        "interrupted": is_broken_off,
        "policy": str(station.choices.policy),
        "license": station.choices.license_id,
        "driven_s": round(imported.driven_s, 3),
        "seconds": round(seconds, 3),
    }
