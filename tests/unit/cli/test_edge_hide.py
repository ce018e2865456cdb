"""A hidden place is shown as it was understood, and can be taken back only while it hides nothing."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from edge_stations import sealed, station_in
from made_bundles import HERE

from dashlight.cli import main
from dashlight.cli.edge_hide import in_letters, place_of
from dashlight.config import EdgeSettings
from dashlight.edge.home import Choices, Home
from dashlight.edge.station import opened
from dashlight.errors import UsageError
from dashlight.model import Fix, LonLat, Policy, Track, destination

HOME = LonLat(-3.7038, 40.4168)
START = datetime(2026, 6, 1, 9, tzinfo=UTC)


@pytest.fixture
def hide(tmp_path, capsys):
    """Runs `edge hide` and returns its exit code and what it wrote."""

    def run(*words):
        code = main(["edge", "hide", *words, "--home", str(tmp_path / "home")])
        return code, *capsys.readouterr()

    return run


@pytest.fixture
def driven(tmp_path):
    """Lets the edge know one drive that began at `HOME`."""
    with opened(Home(tmp_path / "home"), EdgeSettings(), choices=Choices(Policy.FLEET)) as station:
        track = Track(tuple(Fix(START + timedelta(seconds=n), destination(HOME, 80.0, 10.0 * n)) for n in range(60)))
        station.disclosure.learn(track)


@pytest.mark.parametrize(
    "words",
    [["-3.7038", "40.4168"], ["-3.7038,40.4168"], ["-3.7038,", "40.4168"], ["--", "-3.7038,40.4168"]],
)
def test_a_place_is_taken_as_people_write_it_and_echoed_in_letters(hide, words, tmp_path):
    code = main(["edge", "hide", "--home", str(tmp_path / "home"), *words])

    assert code == 0
    assert "40.4168° N, 3.7038° W" in hide("--list")[1]


@pytest.mark.parametrize(
    ("place", "words"),
    [
        (LonLat(13.3777, 52.5163), "52.5163° N, 13.3777° E"),
        (LonLat(-70.6, -33.45), "33.4500° S, 70.6000° W"),
    ],
)
def test_each_hemisphere_has_its_letter(place, words):
    assert in_letters(place) == words


@pytest.mark.parametrize(
    "words", [[], ["somewhere"], ["1"], ["1", "2", "3"], ["200", "10"], ["10", "91"], ["nan", "1"]]
)
def test_what_is_no_place_is_told(words):
    with pytest.raises(UsageError) as told:
        place_of(words)

    assert "longitude first" in told.value.hint


@pytest.mark.usefixtures("driven")
def test_the_distance_to_the_nearest_drive_is_told(hide):
    code, out, err = hide("-3.7038", "40.4258")

    assert code == 0
    assert "1.0 km from the nearest end of a drive of yours" in out
    assert err == ""


@pytest.mark.usefixtures("driven")
def test_exchanged_coordinates_are_warned_of_and_hidden_nevertheless(hide):
    code, out, err = hide("40.4168", "-3.7038")

    assert code == 0
    assert "3.7038° S, 40.4168° E" in out
    assert "Warning" in err
    assert "40.4168° N, 3.7038° W would be the other way round" in err
    assert "edge hide --remove 1" in err
    row = json.loads(hide("40.4168", "-3.7038", "--json")[1])
    assert row["is_far"] is True
    assert row["nearest_drive_m"] > 5_000_000


@pytest.mark.usefixtures("driven")
def test_a_place_that_no_drive_came_near_can_be_removed(hide):
    hide("40.4168", "-3.7038")
    hide("-3.7038", "40.4168")

    code, out, _ = hide("--remove", "1")

    assert code == 0
    assert "3.7038° S, 40.4168° E" in out
    listed = hide("--list")[1].splitlines()
    assert len(listed) == 1
    assert listed[0].startswith("   2  40.4168° N, 3.7038° W")


@pytest.mark.usefixtures("driven")
def test_a_place_in_force_stays(hide):
    hide("-3.7038", "40.4168")

    code, _, err = hide("--remove", "1")

    assert code == 4
    assert "hidden place 1 is in force" in err
    assert "40.4168° N" in hide("--list")[1]


def test_a_place_near_a_picture_is_in_force_whatever_the_drives_say(tmp_path, hide):
    with station_in(tmp_path / "home") as station:
        sealed(station, 3)
    hide(str(HERE.lon), str(HERE.lat + 0.5))

    code, _, err = hide("--remove", "1")

    assert code == 4
    assert "in force" in err


def test_a_place_that_is_not_there_is_told(hide):
    code, _, err = hide("--remove", "7")

    assert code == 3
    assert "there is no hidden place 7" in err


@pytest.mark.parametrize("words", [["--list", "1", "2"], ["--remove", "1", "--radius-m", "2000"]])
def test_a_list_takes_no_place(hide, words):
    assert hide(*words)[0] == 2


@pytest.mark.parametrize("radius", ["0", "1199", "nan", "inf", "-5"])
def test_a_radius_that_hides_too_little_is_refused_and_not_replaced(hide, radius):
    code, _, said = hide("--radius-m", radius, "-3.7038", "40.4168")

    assert code != 0
    assert "radius" in said
    assert "no place is hidden" in hide("--list")[1]
