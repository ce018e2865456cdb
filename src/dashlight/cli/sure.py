"""Commands that destroy: `--dry-run` only says what would go, and without `--yes` a person is asked."""

from __future__ import annotations

import argparse
import sys


def add_sure(parser: argparse.ArgumentParser) -> None:
    """Add the two options."""
    parser.add_argument("--dry-run", action="store_true", help="only say what would go")
    parser.add_argument("--yes", action="store_true", help="do not ask")


def is_sure(args: argparse.Namespace, question: str) -> bool:
    """Return whether to go on: `--yes` was given, or a person answers yes to `question`.

    Raises:
        UsageError: When there is nobody to ask.
    """
    from dashlight.errors import UsageError

    if args.yes:
        return True
    if not sys.stdin.isatty():
        raise UsageError("this destroys something, and there is no terminal to ask at", hint="add --yes, or --dry-run")
    sys.stderr.write(f"{question} [y/N] ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in ("y", "yes")
