"""The tools that look after the project itself."""

import json
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

import bench
import check_docs
import check_tree
import check_wheels
import lock
import reference_pages
import soak

ROOT = Path(__file__).parents[3]


@pytest.fixture
def tree(tmp_path):
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    (tmp_path / "changelog.d").mkdir()
    return tmp_path


def test_the_locks_are_made_of_this_pyproject():
    assert lock.stale() == []


def test_a_changed_requirement_makes_a_lock_stale(tmp_path):
    shutil.copy(ROOT / "pyproject.toml", tmp_path / "pyproject.toml")
    changed = tmp_path / "pyproject.toml"
    before = [lock.digest_of(each, changed) for each in lock.LOCKS]

    changed.write_text(changed.read_text("utf-8").replace('"av>=15"', '"av>=16"'), "utf-8")

    after = [lock.digest_of(each, changed) for each in lock.LOCKS]
    assert [a != b for a, b in zip(before, after, strict=True)] == ["edge" in each.extras for each in lock.LOCKS]


def test_no_lock_names_an_index():
    for each in lock.LOCKS:
        text = (ROOT / each.file).read_text("utf-8")
        assert "://" not in text
        assert text.count("--hash=sha256:") > text.count("==")


def test_an_arm_machine_is_asked_for_wheels_only():
    command = check_wheels.pip_command(Path("x.lock"), "aarch64", "empty")

    assert {"--only-binary=:all:", "--require-hashes", "--dry-run", "manylinux_2_28_aarch64"} <= set(command)
    assert not [part for part in command if "x86" in part]


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("see https://pypi" + ".org/simple", "registry"),
        ("deb http://deb.deb" + "ian.org", "registry"),
        ("open(/" + "root/data/x)", "one machine"),
        ("cd /" + "work/main", "one machine"),
    ],
)
def test_an_address_of_a_registry_or_a_machine_is_found(tree, text, word):
    (tree / "a.py").write_text(f"ok\n{text}\n")

    (found,) = [p for path in check_tree.tracked(tree) for p in check_tree.problems_of(path, tree)]

    assert found.startswith("a.py:2: ")
    assert word in found


def test_a_relative_path_is_no_path_of_a_machine(tree):
    (tree / "a.py").write_text("../shared/data/work/root x/work/y $HOME/work/\n")

    assert [p for path in check_tree.tracked(tree) for p in check_tree.problems_of(path, tree)] == []


@pytest.mark.parametrize(
    ("name", "text", "problems"),
    [
        ("map.added.md", "The map shows pictures.", 0),
        ("map.md", "The map shows pictures.", 1),
        ("map.fixed.md", "- no sentence", 1),
        ("Map.done.md", "x", 2),
    ],
)
def test_a_change_note_has_its_form(tree, name, text, problems):
    (tree / "changelog.d" / name).write_text(text)

    assert len(list(check_tree.fragments(tree))) == problems


def test_a_link_that_leads_nowhere_is_found(tmp_path):
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "index.md").write_text(
        "# A b\n[x](gone.md) [y](#a-b) [z](#c) [w](https://x.example)\n`[v](no.md)`\n"
    )

    assert [p.split(": ")[1] for p in check_docs.broken_links(tmp_path)] == [
        "gone.md is not there",
        "#c has no such heading",
    ]


def test_a_page_that_nothing_links_to_is_found(tmp_path):
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "index.md").write_text("[a](a.md)")
    (tmp_path / "docs" / "a.md").write_text("a")
    (tmp_path / "docs" / "lost.md").write_text("lost")

    assert list(check_docs.lost_pages(tmp_path)) == ["docs/lost.md: no page links to it"]


def test_a_picture_that_no_page_shows_is_found(tmp_path):
    (tmp_path / "docs" / "images").mkdir(parents=True)
    for name in ("markdown", "html", "linked", "quoted"):
        (tmp_path / "docs" / "images" / f"{name}.png").write_bytes(b"")
    (tmp_path / "docs" / "index.md").write_text(
        '![a](images/markdown.png) <img alt="b" src="images/html.png" width="9"> [c](images/linked.png)\n'
        "`![d](images/quoted.png)`\n"
    )

    assert list(check_docs.lost_images(tmp_path)) == [
        "docs/images/linked.png: no page shows it",
        "docs/images/quoted.png: no page shows it",
    ]


def test_an_image_that_is_not_there_is_found(tmp_path):
    (tmp_path / "README.md").write_text('![a](a.png) <img src="b.png"> <img src="https://x.example/c.png">\n')

    assert list(check_docs.broken_links(tmp_path)) == ["README.md: a.png is not there", "README.md: b.png is not there"]


def test_every_error_code_metric_setting_and_command_has_its_row():
    pages = reference_pages.pages(ROOT)

    assert "| `bad-hash` | Corrupt | 3 | 400 |" in pages["docs/reference/errors.md"]
    assert "`dashlight_ingest_pictures_total`" in pages["docs/reference/metrics.md"]
    assert "`DASHLIGHT_EDGE_EVERY_M`" in pages["docs/reference/settings.md"]
    assert "## dashlight edge import" in pages["docs/reference/commands.md"]
    assert reference_pages.settings_without_words() == []


def test_a_benchmark_gives_one_complete_object_a_line(tmp_path, monkeypatch, capsys):
    (tmp_path / "bench_one.py").write_text(
        "NAMES = ('one.a', 'one.b')\n"
        "def run():\n"
        "    for name in NAMES:\n"
        "        yield dict(unit='s', spread=0.1, runs=3, input='x', value=1.5, name=name)\n"
    )
    (tmp_path / "bench_two.py").write_text("NAMES = ('two.a',)\ndef run():\n    raise AssertionError\n")
    monkeypatch.setattr(bench, "FOLDER", tmp_path)
    monkeypatch.setattr(bench, "ROOT", tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["bench", "--only", "one.b"])

    assert bench.main() == 0

    assert [json.loads(line) for line in capsys.readouterr().out.splitlines()] == [
        {"name": "one.b", "value": 1.5, "unit": "s", "input": "x", "runs": 3, "spread": 0.1}
    ]


def test_an_incomplete_figure_is_refused():
    with pytest.raises(ValueError, match="unit"):
        bench.checked({"name": "a", "value": 1}, ("a",))


def test_the_soak_page_tells_what_broke(tmp_path):
    report = tmp_path / "report.xml"
    report.write_text(
        '<testsuites><testsuite><testcase name="import" time="61.2"><properties><property name="kills" value="200"/>'
        '</properties></testcase><testcase name="ingest" time="3"><failure>lost</failure></testcase>'
        "</testsuite></testsuites>"
    )

    day = datetime(2026, 11, 23, tzinfo=UTC)
    before = soak.page(
        [soak.Outcome("upload", "held", 5.0, "kills 40"), soak.Outcome("ingest", "held", 4.0, "")],
        "",
        commit="old",
        at=datetime(2026, 11, 20, tzinfo=UTC),
    )

    page = soak.page(soak.outcomes_of(report), before, commit="abc", at=day)

    assert "| `import` | held | 61 | kills 200 | 2026-11-23, `abc` |" in page
    assert "| `ingest` | failure | 3 | - | 2026-11-23, `abc` |" in page
    assert "| `upload` | held | 5 | kills 40 | 2026-11-20, `old` |" in page, "a loop that did not run keeps its row"
    assert page.count("`ingest`") == 1
