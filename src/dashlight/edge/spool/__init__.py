"""Bundles between redaction and receipt: sealed, kept on disk, sent."""

from dashlight.edge.spool.resealing import reseal
from dashlight.edge.spool.sealing import MAX_ARCHIVE_BYTES, ReadyPicture, Sealed, Sealer, rounded
from dashlight.edge.spool.spool import UNREADABLE, Spool, SpoolFull
from dashlight.edge.spool.upload import Retries, Uploaded, Uploader

__all__ = [
    "MAX_ARCHIVE_BYTES",
    "UNREADABLE",
    "ReadyPicture",
    "Retries",
    "Sealed",
    "Sealer",
    "Spool",
    "SpoolFull",
    "Uploaded",
    "Uploader",
    "reseal",
    "rounded",
]
