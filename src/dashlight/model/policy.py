"""Under which rules a picture is published; see docs/explanation/publication.md."""

from __future__ import annotations

from enum import StrEnum


class Policy(StrEnum):
    """The publication policy that was chosen at enrolment."""

    PERSONAL = "personal"
    OPEN = "open"
    FLEET = "fleet"


LICENSES = ("CC-BY-SA-4.0", "CC-BY-4.0", "CC0-1.0", "ODbL-1.0")  # SPDX identifiers an instance may offer.
