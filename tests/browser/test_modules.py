"""The map's pure modules, in the browser that runs them."""

import json
from pathlib import Path

import h3
import pytest

GOLDEN = Path(__file__).parents[1] / "golden"
pytestmark = pytest.mark.usefixtures("quiet")


@pytest.fixture(autouse=True)
def _page(server, browser):
    browser.open(f"{server.url}/")
    browser.wait_map()


def test_an_event_stream_is_read_however_it_is_cut(browser):
    events = browser.module(r"""
        const { EventStreamParser } = await import('/assets/map/live.js');
        const text = ': hi\n\nid: 7\nevent: picture\ndata: {"a":\ndata: 1}\n\nevent: gone\r\ndata:{}\r\n\r\n'
            + 'retry: 50\n\nid: 8\n\ndata: x\rdata: y\r\r';
        const cut = (size) => {
            const events = [];
            const parser = new EventStreamParser((event) => events.push(`${event.type}|${event.id}|${event.data}`));
            for (let at = 0; at < text.length; at += size) parser.push(text.slice(at, at + size));
            parser.push('\n');
            return [...events, parser.lastId, parser.retryMs];
        };
        return [1, 2, 3, 7, 1000].map(cut);
    """)

    assert events[0] == ['picture|7|{"a":\n1}', "gone|7|{}", "message|8|x\ny", "8", 50]
    assert all(each == events[0] for each in events)


def test_an_address_survives_being_written_and_read(browser):
    addresses = browser.module("""
        const { formatAddress, parseAddress } = await import('/assets/map/address.js');
        const texts = [
            '#at=15.2/43.3617/-5.8494&picture=abc-1&full&from=2026-11-01&to=2026-11-23', '#', '#at=0/0/0',
            '#asof=2026-03-01&policy=fleet,personal&heading=315&layer=amount&names=off',
            '#compare=2026-03-01&asof=2026-06-01&list=before', '#compare=2026-03-01',
        ];
        return texts.map((text) => [parseAddress(text), parseAddress(formatAddress(parseAddress(text)))]);
    """)

    for before, after in addresses:
        places = before.pop("at"), after.pop("at")
        assert after == before
        if places[0]:
            assert places[1] == pytest.approx(places[0], abs=1e-4)
    assert addresses[3][0]["policies"] == ["fleet", "personal"]
    assert addresses[4][0]["list"] == "before"


def test_nonsense_in_an_address_is_left_out(browser):
    plain, parsed = browser.module("""
        const { parseAddress } = await import('/assets/map/address.js');
        const texts = [
            '#at=x/y/z', '#at=5/91/0', '#at=5//', '#from=2026-02-30', '#picture=../../etc', '#to=yesterday',
            '#asof=2026-13-01', '#compare=x', '#policy=spies', '#policy=fleet,open,personal', '#heading=360',
            '#heading=-1', '#heading=', '#layer=secret', '#names=on', '#list=before',
        ];
        return [parseAddress(''), texts.map((each) => parseAddress(each))];
    """)

    assert all(each == plain for each in parsed)
    assert {name: value for name, value in plain.items() if value} == {"list": "after", "layer": "age", "names": True}


def test_a_day_to_look_back_from_leaves_no_period(browser):
    parsed = browser.module("""
        const { parseAddress } = await import('/assets/map/address.js');
        const texts = ['#from=2026-01-01&asof=2026-03-01', '#to=2026-01-01&compare=2026-03-01'];
        return texts.map((each) => parseAddress(each));
    """)

    assert [(each["from"], each["to"]) for each in parsed] == [(None, None)] * 2


def test_a_picture_is_wanted_by_day_policy_and_heading(browser):
    wanted = browser.module("""
        const { isWanted, wantedOf } = await import('/assets/map/wanted.js');
        const { parseAddress } = await import('/assets/map/address.js');
        const picture = { day: '2026-03-01', policy: 'open', heading: 350 };
        const fragments = [
            '', '#to=2026-02-28', '#asof=2026-03-01', '#compare=2026-02-28', '#policy=fleet', '#policy=open,fleet',
            '#heading=0', '#heading=35', '#heading=36', '#heading=305', '#heading=180',
        ];
        return [
            fragments.map((each) => isWanted(picture, wantedOf(parseAddress(each)))),
            isWanted(picture, wantedOf(parseAddress('#compare=2026-02-28'), 'before')),
        ];
    """)

    expected = [True, False, True, True, False, True, True, True, False, True, False]
    assert wanted == [expected, False]


SPELLINGS = [
    "43.3617, -5.8494",
    "43.3617 -5.8494",
    "(43.3617; -5.8494)",
    "43,3617; -5,8494",
    "43,3617 -5,8494",
    "43.3617N 5.8494W",
    "N 43.3617, W 5.8494",
    "5.8494° W, 43.3617° N",
    "lat: 43.3617 lon: -5.8494",
    "43.3617 \u22125.8494",
    "43°21'42.12\"N 5°50'57.84\"W",
    "43º 21\u2032 42.12\u2033 N, 5º 50\u2032 57.84\u2033 W",
    "N 43° 21.702' W 5° 50.964'",
    "43 21 42.12 N, 5 50 57.84 W",
    "geo:43.3617,-5.8494?z=17",
    "17/43.3617/-5.8494",
    "[-5.8494, 43.3617]",
    "POINT(-5.8494 43.3617)",
]
LINKS = [
    "https://example.org/map?lat=43.3617&lng=-5.8494&z=17",
    "https://www.openstreetmap.org/#map=17/43.3617/-5.8494&layers=N",
    "https://www.openstreetmap.org/?mlat=43.3617&mlon=-5.8494#map=5/1/1",
    "www.openstreetmap.org/edit#map=17/43.3617/-5.8494",
    "https://www.mapillary.com/app/?lat=43.3617&lng=-5.8494&z=17&pKey=123456",
    "https://kartaview.org/map/@43.3617,-5.8494,17z",
    "https://panoramax.example.org/#focus=pic&map=17/43.3617/-5.8494&pic=9cec1a61-4ffd-4f88-a014-50f138409b38",
    "https://www.google.com/maps/@43.3617,-5.8494,3a,75y,210h,90t/data=!3m6!1e1",
    "https://www.google.com/maps/place/Somewhere/@43.3,-5.8,17z/data=!3m1!4b1!4m6!3m5!8m2!3d43.3617!4d-5.8494",
    "https://www.google.com/maps/search/43.3617,+-5.8494",
    "https://www.google.com/maps?q=43.3617,-5.8494&z=17",
    "https://www.google.com/maps/@?api=1&map_action=pano&viewpoint=43.3617%2C-5.8494",
    "https://maps.apple.com/?ll=43.3617,-5.8494",
    "https://www.bing.com/maps?cp=43.3617~-5.8494&lvl=17",
    "https://yandex.com/maps/?ll=-5.8494%2C43.3617&z=17",
    "http://127.0.0.1/#at=17/43.3617/-5.8494",
    "http://127.0.0.1/embed#at=17/43.3617/-5.8494",
]


@pytest.mark.parametrize("words", [SPELLINGS, LINKS], ids=["spellings", "links"])
def test_coordinates_and_links_are_understood_in_many_spellings(browser, words):
    script = """
        const { search } = await import('/assets/map/find.js');
        const answers = await Promise.all(WORDS.map((each) => search(each)));
        return answers.map(({ found: [each] }) => [each?.lon.toFixed(5), each?.lat.toFixed(5)]);
    """
    found = browser.module(script.replace("WORDS", json.dumps(words)))

    wrong = [(typed, place) for typed, place in zip(words, found, strict=True) if place != ["-5.84940", "43.36170"]]
    assert wrong == []


def test_a_plus_code_is_the_middle_of_its_cell(browser):
    found = browser.module("""
        const { plusCodeIn } = await import('/assets/map/coordinates.js');
        return ['7FG49Q00+', '8FVC2222+22', '8FVC2222+235', '1234', '8CPV'].map((each) => plusCodeIn(each));
    """)

    assert found[0] is None  # A padded code is an area, not a place.
    assert (found[1]["lat"], found[1]["lon"]) == pytest.approx((47.0000625, 8.0000625), abs=1e-7)
    assert (found[2]["lat"], found[2]["lon"]) == pytest.approx((47.0000125, 8.000234375), abs=1e-8)
    assert found[3:] == [None, None]


def test_impossible_coordinates_are_not_found(browser):
    words = [
        "91, 181",
        "0, 181",
        "43 N, 5 N",
        "43°61'N 5°0'W",
        "-43 N, 5 W",
        "43 O 5",
        "geo:91,0",
        "1234567",
        "4,5,6",
        "'",
    ]
    script = """
        const { search } = await import('/assets/map/find.js');
        return (await Promise.all(WORDS.map((each) => search(each)))).map(({ found }) => found);
    """

    assert browser.module(script.replace("WORDS", json.dumps(words))) == [[]] * len(words)


def test_a_link_without_a_position_is_not_followed(browser):
    links = [
        "https://",
        "https://kartaview.org/details/1234/5/track-info",
        "https://www.mapillary.com/app/?pKey=123456",
        "https://example.org/%E0%A4%A",
        "https://example.org/?lat=abc&lng=1",
        "https://example.org/map?lat=95&lng=1",
    ]
    script = """
        const { search } = await import('/assets/map/find.js');
        return (await Promise.all(WORDS.map((each) => search(each)))).map(({ found }) => found);
    """

    assert browser.module(script.replace("WORDS", json.dumps(links))) == [[]] * len(links)
    # Nothing was asked of them: see `quiet`.


def test_a_picture_is_found_by_its_id_and_by_its_links(server, browser):
    picture = "9cec1a61-4ffd-4f88-a014-50f138409b38"
    words = [picture, picture.upper(), f"{server.url}/p/{picture}", f"{server.url}/#at=3/4/5&picture={picture}"]
    script = """
        const { search } = await import('/assets/map/find.js');
        return Promise.all(WORDS.map(async (each) => (await search(each)).found.map(({ id }) => id)));
    """

    assert browser.module(script.replace("WORDS", json.dumps(words))) == [[picture]] * 4


def test_cells_are_found_however_they_are_written(browser):
    cell = h3.latlng_to_cell(43.3617, -5.8494, 9)
    words = [cell, cell.upper(), f"0x{cell}", f"0{cell}", str(int(cell, 16)), "8000000000fffff"]
    script = """
        const { search } = await import('/assets/map/find.js');
        return Promise.all(WORDS.map(async (each) => (await search(each)).found[0]?.name ?? null));
    """

    assert browser.module(script.replace("WORDS", json.dumps(words))) == [cell] * 5 + [None]


def test_names_are_found_in_the_readers_language_and_without_accents(server, browser):
    browser.open(f"{server.url}/?lang=es")
    browser.wait_map()

    found = browser.module("""
        const { search } = await import('/assets/map/find.js');
        const words = [
            'espana', 'Spain', 'alema', 'estados unidos', 'cote d', 'zelanda', 'turquia', 'califor', 'x', 'qqqq',
        ];
        return Promise.all(words.map(async (each) => (await search(each)).found[0]?.name ?? null));
    """)

    assert found == [
        "España",
        "España",
        "Alemania",
        "Estados Unidos",
        "Côte d\u2019Ivoire",
        "Nueva Zelanda",
        "Turquía",
        "California",
        None,
        None,
    ]


def test_the_way_on_is_ahead_near_and_the_same_direction(browser):
    chosen = browser.module("""
        const { nearestTowards } = await import('/assets/map/geo.js');
        const at = (id, east, north, heading) => ({
            id,
            geometry: { coordinates: [east / 111320, north / 111320] },
            properties: { 'view:azimuth': heading },
        });
        const current = at('here', 0, 0, 90);
        const others = [
            current, at('far', 40, 0, 90), at('near', 12, 3, 80), at('against', 8, 0, 270),
            at('back', -9, 0, 95), at('aside', 0, 5, 90),
        ];
        return ['ahead', 'behind'].map((side) => nearestTowards(current, others, side)?.id)
            .concat([nearestTowards(current, [current], 'ahead')]);
    """)

    assert chosen == ["near", "back", None]


def test_a_box_over_the_antimeridian_keeps_its_order(browser):
    boxes = browser.module("""
        const { bboxParameter, contains } = await import('/assets/map/geo.js');
        const bounds = { west: 170, south: -10, east: 190, north: 10 };
        return [
            bboxParameter(bounds), bboxParameter({ west: -300, south: -95, east: 300, north: 95 }),
            contains(bounds, -175, 0), contains(bounds, 175, 0), contains(bounds, 0, 0),
        ];
    """)

    assert boxes == ["170,-10,-170,10", "-180,-90,180,90", True, True, False]


def test_a_date_is_told_as_precisely_as_it_may_be(browser):
    told = browser.module("""
        const { captured } = await import('/assets/map/format.js');
        const of = (captured, captured_precision, day) => ({ captured, captured_precision, day });
        return [
            of('2026-W47', 'week', '2026-11-16'), of('2026-11', 'month', '2026-11-01'),
            of('2026-11-23T10:00:05.000Z', 'instant', '2026-11-23'),
        ].map(captured);
    """)

    assert told[:2] == ["week of 16 November 2026", "November 2026"]
    assert "23 November 2026" in told[2]
    assert "11:00:05" in told[2]  # In the reader's zone, which these tests say is Madrid.
    assert "CET" in told[2] or "GMT+1" in told[2]


def test_a_position_is_named_after_its_own_side_of_a_border(browser):
    names = browser.module("""
        const { nearestName, places } = await import('/assets/map/places.js');
        const gazetteer = await places();
        const positions = [[-117.3273, 33.1267], [-6.97, 38.88], [-7.9, 38.57], [13.4, 52.52], [-5.85, 43.36]];
        return positions.map((each) => nearestName(gazetteer, each));
    """)

    assert names == ["California, United States of America", "Spain", "Portugal", "Germany", "Spain"]


def test_places_are_named_as_on_the_servers_pages(browser):
    stored = json.loads((GOLDEN / "places.json").read_text(encoding="utf-8"))
    positions = [[lon, lat] for lon, lat, _ in stored]

    names = browser.module(f"""
        const {{ nearestName, places }} = await import('/assets/map/places.js');
        const gazetteer = await places();
        return {json.dumps(positions)}.map((each) => nearestName(gazetteer, each));
    """)

    assert [[*at, name] for at, name in zip(positions, names, strict=True)] == stored


def test_licences_are_named_as_on_the_servers_pages(browser):
    stored = json.loads((GOLDEN / "licences.json").read_text(encoding="utf-8"))

    names = browser.module(f"""
        const {{ licence }} = await import('/assets/map/format.js');
        return {json.dumps([*stored, "MIT"])}.map(licence);
    """)

    assert dict(zip(stored, names, strict=False)) == stored
    assert names[-1] == ["MIT", None]


def test_every_module_is_asked_for_at_once(browser):
    asked, announced = browser.module("""
        const scripts = performance.getEntriesByType('resource').map(({ name }) => new URL(name).pathname)
            .filter((path) => /\\.m?js$/.test(path) && !path.includes('worker'));
        const links = [...document.querySelectorAll('link[rel=modulepreload]')]
            .map((link) => link.getAttribute('href'));
        return [scripts, links];
    """)

    assert sorted(set(asked)) == sorted(announced)
