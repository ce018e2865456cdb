"""Check the docs: made pages are current, links resolve, settings are explained, pages found and pictures shown.

python tools/check_docs.py [--write]
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from reference_pages import metrics, pages, settings_without_words

ROOT = Path(__file__).resolve().parent.parent
_LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
_IMAGE = re.compile(r"!\[[^\]]*\]\(([^)\s]+)\)|<img\b[^>]*\bsrc=\"([^\"]+)\"")
_CODE = re.compile(r"^```.*?^```|`[^`\n]*`", re.MULTILINE | re.DOTALL)
_HEADING = re.compile(r"^#+ +(.+?) *$", re.MULTILINE)
_FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)


def documents(root: Path) -> list[Path]:
    """Return every page that a reader may open."""
    return sorted([*root.glob("*.md"), *root.glob("docs/**/*.md"), *root.glob("changelog.d/*.md")])


def anchors_of(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as code hosts make them."""
    headings = _HEADING.findall(_FENCE.sub("", page.read_text(encoding="utf-8")))
    return {re.sub(r"[^\w\- ]", "", h.lower()).replace(" ", "-") for h in headings}


def links_of(page: Path) -> list[str]:
    """Return the targets of a page's links and the sources of its images, outside code."""
    return _LINK.findall(_CODE.sub("", page.read_text(encoding="utf-8"))) + images_of(page)


def images_of(page: Path) -> list[str]:
    """Return the sources of the images that a page shows, in Markdown or HTML, outside code."""
    found = _IMAGE.findall(_CODE.sub("", page.read_text(encoding="utf-8")))
    return [markdown or html for markdown, html in found]


def broken_links(root: Path) -> Iterator[str]:
    """Yield every link within the project that leads nowhere."""
    for page in documents(root):
        for link in dict.fromkeys(links_of(page)):
            if re.match(r"[a-z]+:", link):
                continue
            name, _, anchor = link.partition("#")
            target = (page.parent / name).resolve() if name else page
            if not target.exists():
                yield f"{page.relative_to(root)}: {link} is not there"
            elif anchor and target.suffix == ".md" and anchor not in anchors_of(target):
                yield f"{page.relative_to(root)}: {link} has no such heading"


def lost_pages(root: Path) -> Iterator[str]:
    """Yield every page under docs that no other page links to."""
    linked = {
        (page.parent / link.partition("#")[0]).resolve()
        for page in documents(root)
        for link in links_of(page)
        if not re.match(r"[a-z]+:|#", link)
    }
    for page in root.glob("docs/**/*.md"):
        folders = {page.resolve(), page.parent.resolve()}
        if page != root / "docs" / "index.md" and not folders & linked:
            yield f"{page.relative_to(root)}: no page links to it"


def lost_images(root: Path) -> Iterator[str]:
    """Yield every picture under docs/images that no page shows."""
    shown = {(page.parent / image).resolve() for page in documents(root) for image in images_of(page)}
    for image in sorted(root.glob("docs/images/*")):
        if image.resolve() not in shown:
            yield f"{image.relative_to(root)}: no page shows it"


def stale_pages(root: Path) -> Iterator[str]:
    """Yield every made page that the code would make otherwise."""
    for name, text in pages(root).items():
        path = root / name
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            yield f"{name}: not what the code says; run `make format`"


def badly_named_metrics(source: Path) -> Iterator[str]:
    """Yield every metric that is not `dashlight_<package>_<noun>_<unit>[_total]`, or has no word on what it counts."""
    packages = "|".join(sorted(path.parent.name for path in source.glob("*/__init__.py")))
    for name, (kind, _, said) in sorted(metrics(source).items()):
        if not re.fullmatch(rf"dashlight_({packages})(_[a-z0-9]+)+", name):
            yield f"{name}: is not dashlight_<package>_<noun>_<unit>"
        if (kind == "counter") != name.endswith("_total"):
            yield f"{name}: a counter ends in _total, and nothing else does"
        if kind == "histogram" and not name.endswith(("_seconds", "_bytes", "_events")):
            yield f"{name}: does not say its unit"
        if len(said) < 10:
            yield f"{name}: does not say what it counts"


def main() -> int:
    """Print every problem, or write the made pages."""
    parser = argparse.ArgumentParser(description="Check the docs, or write the made pages.")
    parser.add_argument("--write", action="store_true", help="write the pages that are made of the code")
    if parser.parse_args().write:
        for name, text in pages(ROOT).items():
            (ROOT / name).write_text(text, encoding="utf-8")
        return 0
    found = [*stale_pages(ROOT), *broken_links(ROOT), *lost_pages(ROOT), *lost_images(ROOT)]
    found += [f"src/dashlight/config: {name} is not explained" for name in settings_without_words()]
    found += badly_named_metrics(ROOT / "src" / "dashlight")
    for problem in found:
        print(problem, file=sys.stderr)
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
