"""Recordings to selected raw frames: find the files, read their telemetry, align the clocks, decode the winners."""

from dashlight.edge.recordings.clock import ClockAlignment, ClockSource
from dashlight.edge.recordings.folder import CONTINUES_WITHIN_S, Settling, drives, find_recordings
from dashlight.edge.recordings.locate import Located, SelectedFrame, candidates_of, locate, selected_frames
from dashlight.edge.recordings.look import Look
from dashlight.edge.recordings.recording import CameraPosition, Drive, Recording

__all__ = [
    "CONTINUES_WITHIN_S",
    "CameraPosition",
    "ClockAlignment",
    "ClockSource",
    "Drive",
    "Located",
    "Look",
    "Recording",
    "SelectedFrame",
    "Settling",
    "candidates_of",
    "drives",
    "find_recordings",
    "locate",
    "selected_frames",
]
