"""The command line: parse, call, print. Commands import what they need when they run.

Exit codes are API: 0 done; 1 a bug; 2 usage; 3 bad input; 4 refused for privacy; 5 server unreachable (work is safe
in the spool); 6 not authorised; 7 this host (disk, model, permission); 130 interrupted.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

from dashlight import __version__
from dashlight.cli.printable import shown
from dashlight.errors import DashlightError, HostError

__all__ = ["EXIT_BUG", "EXIT_INTERRUPTED", "build_parser", "main"]

EXIT_BUG = 1
EXIT_USAGE = 2
EXIT_INTERRUPTED = 130

# One module a group of commands, in the order of the help. Each has `add_parser(subparsers)`, imports little, and
# sets `run`, a function from the parsed arguments to an exit code.
COMMANDS = (
    "demo",
    "edge",
    "forget",
    "redact",
    "doctor",
    "serve",
    "invite",
    "operator",
    "report",
    "store",
    "export",
    "config",
)

_EPILOG = """\
exit codes:
  0 done   2 usage   3 bad input   4 refused for privacy   5 server unreachable (work is safe in the spool)
  6 not authorised   7 this host (disk, model, permission)   130 interrupted   1 a bug: please report it
"""


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, and what to do, instead of the whole usage."""

    def error(self, message: str) -> NoReturn:
        self.exit(EXIT_USAGE, f"{self.prog}: {shown(message)}\n  try: {self.prog} --help\n")


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the whole command line."""
    parser = _Parser(
        prog="dashlight",
        description="A public, living library of street-level pictures from ordinary dashcams. "
        "Faces and number plates are destroyed on your own machine.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"dashlight {__version__}")
    loudness = parser.add_mutually_exclusive_group()
    loudness.add_argument("-q", "--quiet", action="store_true", help="say nothing but errors and what was asked for")
    loudness.add_argument("-v", "--verbose", action="store_true", help="log what happens, to stderr")
    groups = parser.add_subparsers(dest="command", metavar="COMMAND", parser_class=_Parser)
    for name in COMMANDS:
        module = _module(name)
        if module is not None:
            module.add_parser(groups)
    return parser


def _module(name: str) -> Any | None:
    """Return a command's module; None where only one half of dashlight is installed."""
    try:
        return importlib.import_module(f"dashlight.cli.{name}")
    except ModuleNotFoundError as exc:
        if exc.name == f"dashlight.cli.{name}":
            return None
        raise


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code; errors become a message and a hint on stderr."""
    parser = build_parser()
    try:
        args = parser.parse_args(argv)
        if not hasattr(args, "run"):
            parser.print_help(sys.stderr)
            return EXIT_USAGE
        _log(is_verbose=args.verbose, is_quiet=args.quiet)
        code = _run(args)
        sys.stdout.flush()
    except DashlightError as exc:
        sys.stderr.write(error_text(exc))
        return exc.exit_code
    except KeyboardInterrupt:
        sys.stderr.write("dashlight: interrupted\n")
        return EXIT_INTERRUPTED
    except BrokenPipeError:  # Who read our output has seen enough.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception:  # noqa: BLE001  # the top of the command line
        import traceback

        lines = traceback.format_exc().splitlines()
        sys.stderr.write("\n".join(map(shown, lines)) + "\n")
        sys.stderr.write(
            f"dashlight: this is a bug in dashlight {__version__}; please report it with the lines above\n"
        )
        return EXIT_BUG
    return code


def _run(args: argparse.Namespace) -> int:
    """Run a command.

    Raises:
        HostError: When it needs a package of the half of dashlight that is not installed.
    """
    try:
        return int(args.run(args))
    except ModuleNotFoundError as exc:
        if exc.name is None or exc.name.partition(".")[0] == "dashlight":
            raise
        servers = dict.fromkeys(("serve", "invite", "operator", "report", "store", "export"), "server")
        half = {**servers, "demo": "edge,server"}.get(args.command, "edge")
        raise HostError(
            f"`dashlight {args.command}` needs the package {exc.name.partition('.')[0]}, which is not installed",
            hint=f"pip install 'dashlight[{half}]'",
            code="not-installed",
        ) from exc


def error_text(error: DashlightError) -> str:
    """Return an error for a person: what was wrong, then what to do."""
    hint = f"  {shown(error.hint)}\n" if error.hint else ""
    return f"dashlight: {shown(error.message)}\n{hint}"


def _log(*, is_verbose: bool, is_quiet: bool) -> None:
    import logging

    from dashlight.cli.logs import set_up_logs

    set_up_logs(logging.INFO if is_verbose else logging.ERROR if is_quiet else logging.WARNING)
