"""What the shape of the source promises: one maker of publishable pixels, one reader of the environment, two halves."""

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "dashlight"
MODULES = sorted(SOURCE.rglob("*.py"))
PACKAGES = sorted(p.name for p in SOURCE.iterdir() if (p / "__init__.py").is_file())

EDGE_ONLY = ("av", "gpxpy", "httpx", "mapillary_tools", "pynmeagps", "tzfpy")
SERVER_ONLY = (
    "brotli",
    "fastapi",
    "httptools",
    "isal",
    "prometheus_client",
    "pyarrow",
    "starlette",
    "uvicorn",
    "uvloop",
)

BLOCKED = """
import importlib, pkgutil, sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {absent!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Absent())
for package in {packages!r}:
    module = importlib.import_module(package)
    for found in pkgutil.walk_packages(getattr(module, "__path__", []), package + "."):
        importlib.import_module(found.name)
{then}
"""


def names_in(path):
    """Return every name, attribute and imported name of a module."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.Attribute):
            yield node.attr
        elif isinstance(node, ast.ImportFrom | ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.arg):
            yield node.arg
        elif isinstance(node, ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef):
            yield node.name
        elif isinstance(node, ast.Constant) and node.value == "_SEAL":
            yield "_SEAL"


def run(script):
    return subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=120)


def test_only_the_redactor_knows_the_seal():
    knowing = {p.relative_to(SOURCE).as_posix() for p in MODULES if "_SEAL" in set(names_in(p))}

    assert knowing == {"model/frame.py", "vision/redactor.py"}


def test_nobody_makes_a_redacted_picture_around_its_constructor():
    around = re.compile(r"object\.__new__|__setstate__|RedactedPicture\.__new__|dataclasses\.replace|import replace")
    making = {
        p.relative_to(SOURCE).as_posix()
        for p in MODULES
        if "RedactedPicture" in (text := p.read_text("utf-8")) and around.search(text)
    }

    assert making == set()


def test_only_config_reads_the_environment():
    reading = {
        p.relative_to(SOURCE).as_posix()
        for p in MODULES
        if {"environ", "environb", "getenv", "getenvb"} & set(names_in(p))
    }

    assert reading <= {"config/environment.py"}


@pytest.mark.parametrize("name", ["common", "helpers", "manager", "misc", "utils", "base"])
def test_no_module_is_named_for_nothing(name):
    assert not [p for p in MODULES if name in {p.stem, p.parent.name}]


@pytest.mark.parametrize("package", PACKAGES)
def test_each_package_can_be_imported_alone(package):
    done = run(f"import dashlight.{package}")

    assert done.returncode == 0, done.stderr


def test_importing_the_edge_brings_no_web_framework():
    done = run(f"import sys, dashlight.edge; sys.exit(sorted({set(SERVER_ONLY)!r} & set(sys.modules)) or 0)")

    assert done.returncode == 0, done.stderr


def importable(names):
    return [f"dashlight.{n}" for n in names if (SOURCE / n).is_dir() or (SOURCE / f"{n}.py").is_file()]


def test_the_edge_starts_without_the_servers_dependencies():
    packages = importable(["edge", "vision", "store", "translog", "wire", "publication", "model"])
    then = "from dashlight.cli import main\nfor a in (['edge', '--help'], ['redact', '--help']):\n"
    then += "    try:\n        main(a)\n    except SystemExit as e:\n        assert not e.code, e.code"

    done = run(BLOCKED.format(absent=SERVER_ONLY, packages=packages, then=then))

    assert done.returncode == 0, done.stderr


def test_the_server_starts_without_the_edges_dependencies():
    packages = importable(["app", "ingest", "catalog", "fusion", "gateway", "store", "vision", "translog", "wire"])
    then = "from dashlight.cli import main\nfor a in (['serve', '--help'], ['invite', '--help']):\n"
    then += "    try:\n        main(a)\n    except SystemExit as e:\n        assert not e.code, e.code"

    done = run(BLOCKED.format(absent=EDGE_ONLY, packages=packages, then=then))

    assert done.returncode == 0, done.stderr


def test_what_is_shipped_is_in_the_wheel():
    build = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["hatch"]["build"]["targets"]["wheel"]

    assert build["packages"] == ["src/dashlight"]
    assert {"src/dashlight/web/vendor/**", "src/dashlight/vision/weights/**"} <= set(build["artifacts"])
