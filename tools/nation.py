"""Compute on paper what the reference nation of the design costs, from measured figures and stated prices.

    python tools/nation.py [--write]

Measured figures are read from the last table of docs/reference/benchmarks.md; what is assumed, and every price with its
source and date, stands in the tables below and is printed with the result. The page is docs/reference/nation.md;
`--write` renews it, without it the tool says whether the page is current.
"""

from __future__ import annotations

import math
import re
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BENCHMARKS = ROOT / "docs" / "reference" / "benchmarks.md"
PAGE = ROOT / "docs" / "reference" / "nation.md"
_ROW = re.compile(r"^\| `(?P<name>[a-z_0-9.]+)`[^|]*\| *(?P<value>[0-9.]+)", re.MULTILINE)
MONTH_S = 30 * 86_400


@dataclass(frozen=True, slots=True)
class Given:
    """A number that is stated rather than computed."""

    name: str
    value: float
    unit: str
    why: str


NATION = (
    Given("miles", 150e6, "miles a month", "DESIGN, the reference nation"),
    Given("spacing_m", 10.0, "m", "a picture each 10 m is kept"),
    Given("bundle_pictures", 300, "pictures", "bundle, wire v1"),
    Given("picture_bytes", 100_000, "bytes", "picture with thumbnail; 2.4 PB a month over 24 billion"),
    Given("months_kept", 1, "months", "each further month adds its objects and rows again"),
)
ASSUMED = (
    Given("peak", 3.0, "", "busiest hour over the month's mean, by daylight and commuting"),
    Given("headroom", 0.6, "", "share of the measured rate that a machine is planned for"),
    Given("tile_requests", 5_000, "tiles/s", "readers at the busiest hour"),
    Given("cache_hits", 0.9, "", "of tiles, answered by a CDN or the tile cache"),
    Given("searches", 200, "searches/s", "of 10 pictures each, at the busiest hour"),
    Given("tile_bytes", 40_000, "bytes", "a compressed tile, mean of all zooms"),
    Given("viewed_pictures", 500, "pictures/s", "mean of the month, shown in full"),
    Given("cores", 2, "cores", "of the machine that the figures were measured on"),
    Given("row_bytes", 600, "bytes", "a picture in PostgreSQL with marks, counts and every index"),
    Given("parquet_row_bytes", 31, "bytes", "DESIGN: 0.74 TB of rows as Parquet over 24 billion"),
)
PRICES = (
    Given(
        "machine",
        62.0,
        "$ a month",
        "general purpose, 2 cores, 8 GB, on demand (m7g.large, us-east-1: $0.0816/h x 730 h)",
    ),
    Given("object_gb", 0.021, "$ a GB-month", "S3 Standard above 500 TB, us-east-1"),
    Given("put_1000", 0.005, "$ for 1000", "S3 Standard PUT, us-east-1"),
    Given("get_1000", 0.0004, "$ for 1000", "S3 Standard GET, us-east-1"),
    Given("egress_gb", 0.05, "$ a GB", "data transfer out above 150 TB, us-east-1"),
    Given("disk_gb", 0.08, "$ a GB-month", "block storage gp3 for the database, us-east-1"),
)
PRICES_ARE_OF = (
    "list prices of Amazon Web Services, us-east-1; the machine and the requests as published tables gave them in 2026 "
    "(factualminds.com, June; devnotes.tech), the others from 2025 and not looked up since; check before you budget"
)
NEEDED = (
    "ingest.scaled.pictures_per_s",
    "tiles.postgresql.p50_ms",
    "search.limit10_p50_ms",
    "export.geoparquet_rows_per_s",
)


@dataclass(frozen=True, slots=True)
class Line:
    """One computed figure."""

    what: str
    value: float
    unit: str
    how: str


def measured(text: str) -> dict[str, float]:
    """Return the medians of the table `Last measured` of a page.

    Raises:
        ValueError: When the table is not there.
    """
    _, found, table = text.partition("## Last measured")
    if not found:
        raise ValueError("the page has no section 'Last measured'")
    return {row["name"]: float(row["value"]) for row in _ROW.finditer(table)}


def missing(figures: dict[str, float]) -> list[str]:
    """Return what has to be measured before the page can be computed."""
    return [name for name in NEEDED if name not in figures]


def values(*tables: tuple[Given, ...]) -> dict[str, float]:
    """Return stated numbers by their names."""
    return {each.name: each.value for table in tables for each in table}


def computed(figures: dict[str, float]) -> list[Line]:
    """Return the nation's machines, bytes, requests and dollars.

    Raises:
        KeyError: When a figure of `NEEDED` was not measured.
    """
    given = values(NATION, ASSUMED, PRICES)
    pictures = given["miles"] * 1_609.344 / given["spacing_m"]
    per_s = pictures / MONTH_S
    bundles = pictures / given["bundle_pictures"]
    kept = pictures * given["months_kept"]
    object_gb = kept * given["picture_bytes"] / 1e9
    rows_gb = kept * given["row_bytes"] / 1e9
    rates = {
        "ingest": (per_s * given["peak"], figures["ingest.scaled.pictures_per_s"]),
        "tiles": (given["tile_requests"] * (1 - given["cache_hits"]), 1_000 / figures["tiles.postgresql.p50_ms"]),
        "search": (given["searches"], 1_000 / figures["search.limit10_p50_ms"]),
    }
    machines = {name: math.ceil(wanted / (one * given["headroom"])) for name, (wanted, one) in rates.items()}
    views = given["viewed_pictures"] * MONTH_S
    # Tiles are asked for at the stated rate in the busiest hour, so in the mean at a share of it.
    tile_gb = given["tile_requests"] / given["peak"] * MONTH_S * given["tile_bytes"] / 1e9
    egress_gb = tile_gb + views * given["picture_bytes"] / 1e9
    export_h = kept / figures["export.geoparquet_rows_per_s"] / 3_600
    dollars = {
        "machines": sum(machines.values()) * given["machine"],
        "objects": object_gb * given["object_gb"],
        "PUTs": bundles / 1_000 * given["put_1000"],
        "GETs": views / 1_000 * given["get_1000"],
        "egress": egress_gb * given["egress_gb"],
        "database disks": rows_gb * given["disk_gb"],
    }
    lines = [
        Line("pictures a month", pictures / 1e9, "billion", "miles x 1609.344 / spacing"),
        Line("pictures a second, mean", per_s, "pictures/s", "over 30 days"),
        Line("bundles a second, mean", bundles / MONTH_S, "bundles/s", "pictures / bundle"),
        Line("objects", object_gb / 1e6, "PB", "pictures kept x bytes"),
        Line("database", rows_gb / 1e3, "TB", "pictures kept x row"),
        Line("exports as Parquet", kept * given["parquet_row_bytes"] / 1e12, "TB", "pictures kept x Parquet row"),
        *(
            Line(f"machines for {name}", machines[name], "machines", f"{wanted:,.0f}/s wanted, {one:,.0f}/s measured")
            for name, (wanted, one) in rates.items()
        ),
        Line("one whole export", export_h, "hours of a machine", "pictures kept / rows a second"),
        Line("object PUTs a month", bundles / 1e6, "million", "one a bundle; one a picture would be 300 times more"),
        Line("egress a month", egress_gb / 1e3, "TB", "tiles at the mean rate, pictures shown in full"),
        *(Line(f"dollars for {name}", value, "$ a month", "at the prices below") for name, value in dollars.items()),
    ]
    total = sum(dollars.values())
    return [
        *lines,
        Line("dollars together", total, "$ a month", "sum of the above"),
        Line("dollars a million pictures", total / pictures * 1e6, "$", "together / pictures a month"),
    ]


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 or value == int(value) else f"{value:,.3g}"


def _table(rows: tuple[Given, ...]) -> str:
    body = "".join(f"| {each.why} | {_number(each.value)} | {each.unit} |\n" for each in rows)
    return "| what | value | unit |\n|---|---|---|\n" + body


def page(text: str) -> str:
    """Return the page, computed from the page of benchmarks."""
    figures = measured(text)
    lacking = missing(figures)
    head = (
        "# The reference nation on paper\n\n"
        "What the second scale would cost at 150 million miles a month. Written by `python tools/nation.py --write` "
        "from the figures of [benchmarks](benchmarks.md); nobody has run it at this size. Rates of one machine are "
        "multiplied, which holds where work can be divided: one database commits one transaction at a time, so the "
        "machines for ingest stand for as many instances, each with a region and a database of its own.\n\n"
    )
    if lacking:
        result = (
            f"Not computed yet: {', '.join(f'`{name}`' for name in lacking)} not measured at the size of the table.\n\n"
        )
    else:
        body = "".join(f"| {e.what} | {_number(e.value)} | {e.unit} | {e.how} |\n" for e in computed(figures))
        result = "## The result\n\n| what | value | unit | how |\n|---|---|---|---|\n" + body + "\n"
        used = "".join(f"| `{name}` | {figures[name]:g} |\n" for name in NEEDED)
        result += "## Measured\n\n| name | median |\n|---|---|\n" + used + "\n"
    return (
        head
        + result
        + f"## The nation\n\n{_table(NATION)}\n## Assumed\n\n{_table(ASSUMED)}\n"
        + f"## Prices\n\nParameters, to be replaced by yours: {PRICES_ARE_OF}.\n\n{_table(PRICES)}"
    )


def main() -> int:
    """Write the page, or say whether it is current."""
    wanted = page(BENCHMARKS.read_text(encoding="utf-8"))
    if "--write" in sys.argv[1:]:
        PAGE.write_text(wanted, encoding="utf-8")
        return 0
    is_current = PAGE.exists() and PAGE.read_text(encoding="utf-8") == wanted
    print(wanted if is_current else f"{PAGE.name} is not current: run tools/nation.py --write")
    return 0 if is_current else 1


if __name__ == "__main__":
    sys.exit(main())
