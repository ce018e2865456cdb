"""The ledger's pictures: which moment of which recording is in which bundle."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dashlight.edge.home.ledger.file import LedgerFile
from dashlight.edge.home.ledger.rows import PictureRow
from dashlight.model import LonLat

_PICTURE = "recording, offset_ms, lon, lat, heading_deg, bundle, number, picture_id"


class PictureTable(LedgerFile):
    """The pictures that are in bundles."""

    def published_spans_ms(self, fingerprint: str) -> list[tuple[int, int]]:
        """Return the stretches of a recording that are in bundles, one a bundle, or were taken back, one a picture."""
        rows = self.rows(
            "SELECT min(offset_ms), max(offset_ms) FROM pictures WHERE recording = ? AND state = 'kept' GROUP BY bundle"
            " UNION ALL SELECT offset_ms, offset_ms FROM pictures WHERE recording = ? AND state <> 'kept'",
            (fingerprint, fingerprint),
        )
        return sorted((first, last) for first, last in rows)

    def pictures_of(self, *, bundle: int) -> list[PictureRow]:
        """Return the pictures of a bundle in its order."""
        return self._pictures("bundle = ?", (bundle,), order="number")

    def kept_pictures(self, *, recording: str) -> list[PictureRow]:
        """Return the pictures of a recording that nobody took back."""
        return self._pictures("recording = ? AND state = 'kept'", (recording,), order="bundle, number")

    def pictures_named(self, picture_id: str) -> list[PictureRow]:
        """Return the picture that the server calls so; none when no receipt told that name."""
        return self._pictures("picture_id = ?", (picture_id,))

    def unnamed_pictures(self) -> list[PictureRow]:
        """Return the pictures that the server never told a name of, and nobody took back."""
        return self._pictures("picture_id IS NULL AND state = 'kept'", (), order="bundle, number")

    def picture_positions(self) -> list[LonLat]:
        """Return where the pictures of every bundle are, those that were taken back too."""
        return [LonLat(lon, lat) for lon, lat in self.rows("SELECT lon, lat FROM pictures")]

    def _pictures(self, where: str, values: Sequence[Any], *, order: str = "recording, offset_ms") -> list[PictureRow]:
        rows = self.rows(f"SELECT {_PICTURE} FROM pictures WHERE {where} ORDER BY {order}", values)  # noqa: S608
        return [PictureRow(*row) for row in rows]
