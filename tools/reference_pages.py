"""The pages of docs/reference that are made of the code: commands, settings, errors and metrics."""

from __future__ import annotations

import argparse
import ast
import dataclasses
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from dashlight import cli, config, errors

MADE = "<!-- Made by `make format`; edit the code instead. -->"
_COMMANDS = """\
Data goes to standard output, everything else to standard error. Every command knows `--help`.
Exit codes: 0 done, 1 a bug, 2 usage, 3 bad input, 4 refused for privacy, 5 server unreachable (work is safe in the
spool), 6 not authorised, 7 this host (disk, model, permission), 130 interrupted."""
_SETTINGS = """\
A value comes from, in rising order: the default, the settings file (TOML, one table a section), the environment, the
command line. `dashlight config show` prints each value and where it came from. The file is `$DASHLIGHT_CONFIG` or
`$XDG_CONFIG_HOME/dashlight/config.toml`. Who controls the file or the environment of the process decides where
pictures go and where the seed lies."""
_ERRORS = """\
Every error has a stable code. On the command line it decides the exit code; over HTTP it is the end of the
problem document's `type`. `…` stands for a value. One code may have more messages than the one shown. A `Rejected`
is one input of several that was left out; the others went on."""
_METRICS = """\
Served at `/metrics` in the Prometheus text format. Labels are closed sets; none tells a place, a person or a file."""


def _parsers(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    yield parser
    seen: list[int] = []
    for action in parser._actions:  # noqa: SLF001  # argparse has no public way to its subcommands
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001
            for child in action.choices.values():
                if id(child) not in seen:
                    seen.append(id(child))
                    yield from _parsers(child)


def _called(action: argparse.Action) -> str:
    """Return how an argument is written: `--server URL`, `PATH ...`."""
    choices = "{" + ",".join(map(str, action.choices)) + "}" if action.choices else None
    value = action.metavar if isinstance(action.metavar, str) else choices
    if not action.option_strings:
        return f"{value or action.dest}{' ...' if action.nargs in ('*', '+') else ''}"
    value = "" if action.nargs == 0 else f" {value or action.dest.upper()}"
    return ", ".join(action.option_strings) + value


def _arguments(parser: argparse.ArgumentParser) -> Iterator[str]:
    for action in parser._actions:  # noqa: SLF001  # argparse has no public list of its arguments
        if isinstance(action, argparse._HelpAction | argparse._VersionAction):  # noqa: SLF001
            continue
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001
            continue
        said = (action.help or "") % {**vars(action), "prog": parser.prog}
        due = " (required)" if action.option_strings and action.required else ""
        yield f"| `{_called(action)}` | {said}{due} |".replace("\n", " ")


def commands_page() -> str:
    """Return every command with its arguments."""
    parts = [
        "# Commands",
        MADE,
        _COMMANDS,
    ]
    for parser in _parsers(cli.build_parser()):
        rows = list(_arguments(parser))
        said = (parser.description or "").strip()
        if rows or said:
            parts.append(f"## {parser.prog}")
        if said:
            parts.append(" ".join(said.split()))
        if rows:
            parts.append("\n".join(["| argument | what |", "|---|---|", *rows]))
    return "\n\n".join(parts) + "\n"


def _attributes(docstring: str) -> dict[str, str]:
    text = inspect.cleandoc(docstring).partition("Attributes:\n")[2]
    found = re.findall(r"^    (\w+): (.*(?:\n {8}.*)*)", text, re.MULTILINE)
    return {name: " ".join(said.split()) for name, said in found}


def settings_page() -> str:
    """Return every setting with its default and what it is for."""
    parts = [
        "# Settings",
        MADE,
        _SETTINGS,
    ]
    for section, kind in (("edge", config.EdgeSettings), ("server", config.ServerSettings)):
        said = _attributes(kind.__doc__ or "")
        rows = []
        for field in dataclasses.fields(kind):
            variable = f"DASHLIGHT_{section}_{field.name}".upper()
            rows.append(f"| `{field.name}` | {_shown(field.default)} | `{variable}` | {said.get(field.name, '')} |")
        parts.append(
            "\n".join([f"## [{section}]", "", "| name | default | variable | what |", "|---|---|---|---|", *rows])
        )
    return "\n\n".join(parts) + "\n"


def _shown(default: Any) -> str:
    return "-" if default is None or default == "" else f"`{default}`"


def settings_without_words() -> list[str]:
    """Return the settings that their docstring does not explain."""
    return [
        f"{section}.{field.name}"
        for section, kind in (("edge", config.EdgeSettings), ("server", config.ServerSettings))
        for field in dataclasses.fields(kind)
        if not _attributes(kind.__doc__ or "").get(field.name)
    ]


def _calls(source: Path) -> Iterator[tuple[str, ast.Call]]:
    for path in sorted(source.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute):
                yield (node.func.id if isinstance(node.func, ast.Name) else node.func.attr), node


def _template(node: ast.expr) -> str:
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(_template(v) if isinstance(v, ast.Constant) else "…" for v in node.values)
    return "…"


def error_codes(source: Path) -> dict[str, tuple[str, str]]:
    """Return for each code the class that carries it first, and its message with the values left out."""
    found: dict[str, tuple[str, str]] = {}
    for name, kind in vars(errors).items():
        if isinstance(kind, type) and issubclass(kind, errors.DashlightError):
            found[kind.default_code] = (name, (kind.__doc__ or "").splitlines()[0])
    for name, call in _calls(source):
        for keyword in call.keywords:
            is_code = keyword.arg == "code" and isinstance(keyword.value, ast.Constant)
            if is_code and (hasattr(errors, name)) and call.args:
                first = call.args[1] if name == "Rejected" and len(call.args) > 1 else call.args[0]
                found.setdefault(str(keyword.value.value), (name, _template(first)))  # type: ignore[attr-defined]
    return found


def errors_page(source: Path) -> str:
    """Return every error code with its exit code and HTTP status."""
    rows = []
    for code, (name, message) in sorted(error_codes(source).items()):
        kind = getattr(errors, name)
        is_value = kind is errors.Rejected
        exit_code = 3 if is_value else kind.exit_code
        status = "-" if is_value else errors.HTTP_STATUS[kind]
        rows.append(f"| `{code}` | {name} | {exit_code} | {status} | {message.replace('|', chr(92) + '|')} |")
    head = [
        "# Errors",
        "",
        MADE,
        "",
        _ERRORS,
        "",
        "| code | class | exit | HTTP | message |",
        "|---|---|---|---|---|",
    ]
    return "\n".join([*head, *rows]) + "\n"


def metrics(source: Path) -> dict[str, tuple[str, str, str]]:
    """Return for each metric its type, labels and what it counts."""
    found: dict[str, tuple[str, str, str]] = {}
    for kind, call in _calls(source):
        arguments = call.args
        if kind not in ("Counter", "Gauge", "Histogram", "CounterMetricFamily", "GaugeMetricFamily") or not arguments:
            continue
        name = _template(arguments[0])
        if name.startswith("dashlight_"):
            labels = arguments[2] if len(arguments) > 2 else None
            told = ", ".join(_template(e) for e in labels.elts) if isinstance(labels, ast.List | ast.Tuple) else ""
            said = _template(arguments[1]) if len(arguments) > 1 else ""
            shown = kind.removesuffix("MetricFamily").lower()
            found[name + ("_total" if shown == "counter" and not name.endswith("_total") else "")] = (shown, told, said)
    return found


def metrics_page(source: Path) -> str:
    """Return every metric of `/metrics`."""
    rows = [
        f"| `{name}` | {kind} | {labels or '-'} | {said} |"
        for name, (kind, labels, said) in sorted(metrics(source).items())
    ]
    head = [
        "# Metrics",
        "",
        MADE,
        "",
        _METRICS,
        "",
        "| metric | type | labels | what |",
        "|---|---|---|---|",
    ]
    return "\n".join([*head, *rows]) + "\n"


def pages(root: Path) -> dict[str, str]:
    """Return every made page by its path under the root."""
    source = root / "src" / "dashlight"
    return {
        "docs/reference/commands.md": commands_page(),
        "docs/reference/settings.md": settings_page(),
        "docs/reference/errors.md": errors_page(source),
        "docs/reference/metrics.md": metrics_page(source),
    }
