"""Where an edge lives: its seed, its enrolment, its lock and its ledger."""

from dashlight.edge.home.fingerprints import fingerprint
from dashlight.edge.home.home import DEFAULT_LICENSE, Choices, Enrolment, Home

__all__ = ["DEFAULT_LICENSE", "Choices", "Enrolment", "Home", "fingerprint"]
