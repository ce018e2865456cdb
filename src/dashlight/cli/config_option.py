"""The option of every command that reads settings: which file they are in."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_config(parser: argparse.ArgumentParser) -> None:
    """Add the option that names the settings file."""
    parser.add_argument(
        "--config",
        type=Path,
        metavar="FILE",
        help="settings file (default: $DASHLIGHT_CONFIG, or dashlight/config.toml in your configuration folder)",
    )
