"""The gate of the branch coverage."""

from pathlib import Path

import pytest

import check_coverage

ROOT = Path(__file__).parents[3]


def report_of(*, has_branches=True, **files):
    """Return a report like that of `coverage json`; each file as (covered, all, missing lines, missing branches)."""
    return {
        "meta": {"branch_coverage": has_branches},
        "files": {
            f"src/dashlight/{name}": {
                "summary": {
                    "covered_lines": covered,
                    "num_statements": count,
                    "covered_branches": 10 - len(branches),
                    "num_branches": 10,
                },
                "missing_lines": lines,
                "missing_branches": branches,
            }
            for name, (covered, count, lines, branches) in files.items()
        },
    }


def test_one_branch_of_a_thousand_is_seen():
    report = report_of(**{"wire/tar.py": (9_989, 9_990, [7], []), "wire/keys.py": (10, 10, [], [[3, 5]])})

    (problem,) = check_coverage.problems_of(report, {"wire": 100.0})

    assert problem.startswith("wire: 99.9 %")
    assert problem.endswith("at least 100: src/dashlight/wire/keys.py:3, src/dashlight/wire/tar.py:7")


def test_a_package_above_its_floor_is_well():
    report = report_of(**{"edge/spool.py": (85, 100, [1], []), "wire/tar.py": (1, 100, [1], [])})

    assert list(check_coverage.problems_of(report, {"edge": 80.0})) == []


def test_a_module_is_not_taken_for_a_package_of_a_like_name():
    report = report_of(**{"errors.py": (1, 1, [], []), "errors_more/a.py": (0, 100, [1], [])})

    assert check_coverage.reached(report, "errors").percent == 100.0


def test_a_package_that_no_test_ran_is_told():
    assert list(check_coverage.problems_of(report_of(), {"model": 100.0})) == ["model: the report has nothing of it"]


def test_a_report_without_branches_does_not_pass():
    with pytest.raises(SystemExit, match="no branches"):
        list(check_coverage.problems_of(report_of(has_branches=False), {"model": 0.0}))


def test_model_and_wire_are_covered_in_full():
    least = check_coverage.floors(ROOT / "pyproject.toml")

    assert (least["model"], least["wire"]) == (100.0, 100.0)
    assert all((ROOT / "src" / "dashlight" / name).is_dir() or name == "errors" for name in least)
