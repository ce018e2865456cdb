"""Settings: frozen dataclasses whose defaults are literals, and one loader. The only reader of the environment.

A value comes from, in rising order: the default, the settings file (TOML, one table a section), the environment
(`DASHLIGHT_<SECTION>_<NAME>`), the command line. `load` tells where each came from, and warns of a variable or a key of
the file that names no setting: a slip would otherwise leave the default in force unseen. Who controls the file or the
environment of the process decides where pictures go and where the seed lies; treat both as you treat the program.
"""

from dashlight.config.edge import EdgeSettings
from dashlight.config.environment import (
    Supervision,
    data_home,
    effective_folder,
    environment,
    forbid_telemetry,
    settings_file,
    supervision,
)
from dashlight.config.loading import Loaded, Unknown, load, unknown_names
from dashlight.config.masking import masked
from dashlight.config.server import EXPORT_FORMATS, EXPORT_SCHEDULES, ServerSettings

__all__ = [
    "EXPORT_FORMATS",
    "EXPORT_SCHEDULES",
    "EdgeSettings",
    "Loaded",
    "ServerSettings",
    "Supervision",
    "Unknown",
    "data_home",
    "effective_folder",
    "environment",
    "forbid_telemetry",
    "load",
    "masked",
    "settings_file",
    "supervision",
    "unknown_names",
]
