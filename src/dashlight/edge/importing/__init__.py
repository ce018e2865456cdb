"""From recordings to the spool: what is new, what may be told of it, redacted, sealed, recorded."""

from dashlight.edge.importing.importer import Importer
from dashlight.edge.importing.pipeline import forbid_core_dumps
from dashlight.edge.importing.result import Imported, ImportOptions, Outcome, Progress, left_out_sentence

__all__ = ["ImportOptions", "Imported", "Importer", "Outcome", "Progress", "forbid_core_dumps", "left_out_sentence"]
