"""Every public name is used here, so that no type of the public API goes unseen by the two checkers."""

import ast
import importlib
from pathlib import Path

import pytest

from check_api import PUBLIC


def imported_from(module):
    """Return the names that the files here import from a package."""
    trees = [ast.parse(path.read_text("utf-8")) for path in Path(__file__).parent.glob("*_api.py")]
    return {
        alias.name
        for tree in trees
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module == module
        for alias in node.names
    }


@pytest.mark.parametrize("module", PUBLIC)
def test_every_public_name_is_used_as_a_user_would(module):
    public = set(importlib.import_module(module).__all__)

    assert public - imported_from(module) == set()
    assert imported_from(module) - public == set()
