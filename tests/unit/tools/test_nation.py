"""The page of the reference nation says what its script computes."""

import importlib.util
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
SPEC = importlib.util.spec_from_file_location("nation", ROOT / "tools" / "nation.py")
nation = importlib.util.module_from_spec(SPEC)
sys.modules["nation"] = nation
SPEC.loader.exec_module(nation)

FIGURES = {
    "ingest.scaled.pictures_per_s": 1_000.0,
    "tiles.postgresql.p50_ms": 2.0,
    "search.limit10_p50_ms": 4.0,
    "export.geoparquet_rows_per_s": 500_000.0,
}


def found(figures):
    return {line.what: line.value for line in nation.computed(figures)}


def test_the_page_is_what_the_script_writes():
    text = nation.BENCHMARKS.read_text(encoding="utf-8")

    assert nation.PAGE.read_text(encoding="utf-8") == nation.page(text)


def test_the_nation_is_that_of_the_design():
    figures = found(FIGURES)

    assert figures["pictures a month"] == pytest.approx(24, rel=0.01)
    assert figures["pictures a second, mean"] == pytest.approx(9_300, rel=0.01)
    assert figures["bundles a second, mean"] == pytest.approx(31, rel=0.01)
    assert figures["objects"] == pytest.approx(2.4, rel=0.01)
    assert figures["exports as Parquet"] == pytest.approx(0.74, rel=0.02)


def test_machines_follow_what_was_measured():
    slow, fast = found(FIGURES), found({**FIGURES, "ingest.scaled.pictures_per_s": 2_000.0})

    assert slow["machines for ingest"] == 47  # 27,940 pictures/s at 600 each.
    assert fast["machines for ingest"] == 24
    assert fast["dollars together"] < slow["dollars together"]


def test_dollars_add_up():
    figures = found(FIGURES)

    parts = [value for what, value in figures.items() if what.startswith("dollars for ")]
    assert figures["dollars together"] == pytest.approx(sum(parts))


def test_a_figure_that_was_not_measured_is_named():
    text = "## Last measured\n\n| name | median |\n|---|---|\n| `tiles.postgresql.p50_ms` (worst: z14) | 1.94 | 0.5 |\n"

    assert nation.measured(text) == {"tiles.postgresql.p50_ms": 1.94}
    assert "ingest.scaled.pictures_per_s" in nation.page(text)
    assert "dollars together" not in nation.page(text)
