"""What may be told of this contributor's drives, and how it is taken back."""

from dashlight.edge.disclosure.disclosure import Disclosure
from dashlight.edge.disclosure.erasure import (
    PERSONAL_SPREAD_S,
    Selection,
    due_count,
    erase_due,
    of_drive,
    of_recording,
    selected,
    selected_picture,
    take_back,
)

__all__ = [
    "PERSONAL_SPREAD_S",
    "Disclosure",
    "Selection",
    "due_count",
    "erase_due",
    "of_drive",
    "of_recording",
    "selected",
    "selected_picture",
    "take_back",
]
