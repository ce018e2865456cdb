"""What this edge has seen, spooled and had acknowledged. Only the modules in here know the ledger's tables."""

from dashlight.edge.home.ledger.ledger import Ledger
from dashlight.edge.home.ledger.rows import BundleRow, BundleState, PictureRow, RecordingRow, RecordingState, Terms

__all__ = [
    "BundleRow",
    "BundleState",
    "Ledger",
    "PictureRow",
    "RecordingRow",
    "RecordingState",
    "Terms",
]
