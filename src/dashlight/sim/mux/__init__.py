"""Writes telemetry the way cameras do, onto any video: for the demo, the simulator and the tests of the readers.

The readers in `edge` share no code with these writers.
"""

from dashlight.sim.mux.camm import mux_camm
from dashlight.sim.mux.gpmf import mux_gpmf
from dashlight.sim.mux.novatek import NovatekLayout, mux_novatek, mux_novatek_ts
from dashlight.sim.mux.sidecars import write_70mai, write_blackvue, write_gpx, write_nmea

__all__ = [
    "NovatekLayout",
    "mux_camm",
    "mux_gpmf",
    "mux_novatek",
    "mux_novatek_ts",
    "write_70mai",
    "write_blackvue",
    "write_gpx",
    "write_nmea",
]
