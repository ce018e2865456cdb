"""`dashlight edge hide`: name a place that is never told, list those that are hidden, take a mistaken one back."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from dashlight.cli.counted import counted
from dashlight.cli.edge_options import add_home, home_of, settings_of
from dashlight.cli.json_lines import print_json

if TYPE_CHECKING:
    from dashlight.edge.station import Station
    from dashlight.model import LonLat

FAR_M = 100_000.0  # A place so far from every known drive was probably not meant.
_EXAMPLE = "such as 13.3777 52.5163, longitude first"


def add_hide(verbs: argparse._SubParsersAction[Any]) -> None:
    """Add `hide` to the commands of the edge."""
    parser = verbs.add_parser(
        "hide",
        help="never tell anything within 1,200 m and more of a place",
        description="Hide a place, longitude first: nothing within 1,200 m and more of it is told from now on, and "
        "what waits of it is withdrawn. Hidden places are for good; only one that no drive of yours has come within "
        "100 km of, such as a mistyped one, can be removed.",
    )
    # What begins with a minus is an option to argparse unless this fits it; it knows `-3.7`, but not `-3.7,40.4`.
    parser._negative_number_matcher = re.compile(r"-\d*\.?\d+(,.*)?$")  # noqa: SLF001
    parser.add_argument("place", nargs="*", metavar="LON LAT", help=_EXAMPLE)
    parser.add_argument("--radius-m", type=float, metavar="M", help="at least 1200 (default: 1200)")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--list", action="store_true", help="list the hidden places")
    what.add_argument("--remove", type=int, metavar="N", help="remove the place of that number, if it was never needed")
    add_home(parser)
    parser.set_defaults(run=run_hide)


def run_hide(args: argparse.Namespace) -> int:
    """Hide a place, or list or remove hidden places."""
    from dashlight.edge.station import opened
    from dashlight.errors import UsageError

    is_other = args.list or args.remove is not None
    if is_other and (args.place or args.radius_m is not None):
        raise UsageError("--list and --remove take neither a place nor --radius-m")
    position = None if is_other else place_of(args.place)
    settings = settings_of(args)
    with opened(home_of(settings), settings) as station:
        if args.list:
            _list(args, station)
        elif args.remove is not None:
            _remove(args, station)
        elif position is not None:
            _hide(args, station, position)
    return 0


def place_of(words: Sequence[str]) -> LonLat:
    """Return the place that is named as `LON LAT` or `LON,LAT`.

    Raises:
        UsageError: When it is none.
    """
    from dashlight.errors import InputError, UsageError
    from dashlight.model import LonLat

    if not words:
        raise UsageError("no place is named", hint=f"{_EXAMPLE}; or --list, or --remove N")
    said = " ".join(words)
    try:
        lon, lat = (float(part) for part in said.replace(",", " ").split())
        return LonLat(lon, lat)
    except ValueError as exc:
        raise UsageError(f"{said!r} is not a longitude and a latitude", hint=_EXAMPLE) from exc
    except InputError as exc:
        raise UsageError(exc.message, hint=_EXAMPLE) from exc


def in_letters(place: LonLat) -> str:
    """Return a place as people write it, `52.5163° N, 13.3777° E`."""
    return (
        f"{abs(place.lat):.4f}° {'N' if place.lat >= 0 else 'S'}, "
        f"{abs(place.lon):.4f}° {'E' if place.lon >= 0 else 'W'}"
    )


def _distance(distance_m: float | None) -> str:
    if distance_m is None:
        return "no drive is known yet"
    if distance_m < 10_000:
        return f"{distance_m / 1000:.1f} km from the nearest end of a drive of yours"
    return f"{distance_m / 1000:,.0f} km from the nearest end of a drive of yours"


def _hide(args: argparse.Namespace, station: Station, position: LonLat) -> None:
    nearest_m = station.disclosure.nearest_drive_m(position)
    hidden, withdrawn = station.disclosure.hide(position, radius_m=args.radius_m)
    number = station.disclosure.numbered_places()[-1][0]
    is_far = nearest_m is not None and nearest_m > FAR_M
    if args.json:
        print_json(
            {
                "event": "hidden",
                "number": number,
                "radius_m": hidden.radius_m,
                "withdrawn_bundles": withdrawn,
                "nearest_drive_m": None if nearest_m is None else round(nearest_m),
                "is_far": is_far,
            }
        )
        return
    sys.stdout.write(
        f"Hidden place {number}: {in_letters(position)} ({_distance(nearest_m)})\n"
        f"Nothing inside a circle of {hidden.radius_m:.0f} m is told from now on; its centre is not your place, "
        f"but your place is at least {hidden.radius_m - 800:.0f} m inside.\n"
    )
    if withdrawn:
        was = "was" if withdrawn == 1 else "were"
        sys.stdout.write(f"{counted(withdrawn, 'waiting bundle')} {was} withdrawn.\n")
    sys.stdout.write("What was published before stays until you forget it.\n")
    if is_far:
        swapped = _swapped(position)
        or_this = f"; {swapped} would be the other way round" if swapped else ""
        sys.stderr.write(
            f"Warning: that is {_distance(nearest_m)}. Longitude comes first{or_this}.\n"
            f"If it was a mistake: dashlight edge hide --remove {number}, then hide the right place.\n"
        )


def _swapped(position: LonLat) -> str:
    """Return the place with the two numbers exchanged, in letters; nothing where that is no place."""
    from dashlight.model import LonLat

    return in_letters(LonLat(position.lat, position.lon)) if abs(position.lon) <= 90 else ""


def _list(args: argparse.Namespace, station: Station) -> None:
    places = station.disclosure.numbered_places()
    for number, place in places:
        nearest_m = station.disclosure.nearest_drive_m(place.anchor)
        if args.json:
            print_json(
                {
                    "event": "place",
                    "number": number,
                    "lon": place.anchor.lon,
                    "lat": place.anchor.lat,
                    "radius_m": place.hidden.radius_m,
                    "nearest_drive_m": None if nearest_m is None else round(nearest_m),
                }
            )
        else:
            sys.stdout.write(
                f"{number:>4}  {in_letters(place.anchor):<26}  {place.hidden.radius_m:.0f} m  {_distance(nearest_m)}\n"
            )
    if not args.json and not places:
        sys.stdout.write("no place is hidden; places where your drives end twice will be\n")


def _remove(args: argparse.Namespace, station: Station) -> None:
    removed = station.disclosure.take_back_place(args.remove, beyond_m=FAR_M)
    if args.json:
        print_json({"event": "removed", "number": args.remove})
    else:
        sys.stdout.write(f"Hidden place {args.remove} is removed: {in_letters(removed.anchor)}\n")
