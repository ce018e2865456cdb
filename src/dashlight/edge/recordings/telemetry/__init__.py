"""The telemetry of a recording: one module a format, all of them return readings before any clock is believed."""

from dashlight.edge.recordings.telemetry.reading import Reading, Telemetry, TelemetryClock
from dashlight.edge.recordings.telemetry.sources import sources_of

__all__ = ["Reading", "Telemetry", "TelemetryClock", "sources_of"]
