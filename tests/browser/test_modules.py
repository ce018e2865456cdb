"""The map's pure modules, in the browser that runs them."""

import pytest

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
        const texts = ['#at=15.2/43.3617/-5.8494&picture=abc-1&full&from=2026-11-01&to=2026-11-23', '#', '#at=0/0/0'];
        return texts.map((text) => [parseAddress(text), parseAddress(formatAddress(parseAddress(text)))]);
    """)

    for before, after in addresses:
        assert (after["picture"], after["full"], after["from"], after["to"]) == (
            before["picture"],
            before["full"],
            before["from"],
            before["to"],
        )
        if before["at"]:
            assert after["at"] == pytest.approx(before["at"], abs=1e-4)


def test_nonsense_in_an_address_is_left_out(browser):
    parsed = browser.module("""
        const { parseAddress } = await import('/assets/map/address.js');
        return ['#at=x/y/z', '#at=5/91/0', '#at=5//', '#from=2026-02-30', '#picture=../../etc', '#to=yesterday']
            .map((each) => parseAddress(each));
    """)

    assert all(each == {"at": None, "picture": None, "full": False, "from": None, "to": None} for each in parsed)


def test_coordinates_and_links_are_understood_in_many_spellings(browser):
    found = browser.module("""
        const { coordinatesIn, positionInLink } = await import('/assets/map/places.js');
        const texts = ['43.3617, -5.8494', '43.3617N 5.8494W', '5.8494° W, 43.3617° N', '43.3617 -5.8494'];
        const links = [
            'https://example.org/map?lat=43.3617&lng=-5.8494&z=17',
            'https://example.org/#focus=map&map=17/43.3617/-5.8494',
            'https://example.org/map/@43.3617,-5.8494,17z',
            'http://127.0.0.1/#at=17/43.3617/-5.8494',
        ];
        return [...texts.map((each) => coordinatesIn(each)), ...links.map((each) => positionInLink(each))]
            .map(([each]) => [each?.lon, each?.lat]);
    """)

    assert found == [[-5.8494, 43.3617]] * 8


def test_impossible_coordinates_are_not_found(browser):
    found = browser.module("""
        const { coordinatesIn, positionInLink } = await import('/assets/map/places.js');
        return [coordinatesIn('91, 0'), coordinatesIn('0, 181'), coordinatesIn('Spain'), positionInLink('https://')].flat();
    """)

    assert found == []


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


def test_every_module_is_asked_for_at_once(browser):
    asked, announced = browser.module("""
        const scripts = performance.getEntriesByType('resource').map(({ name }) => new URL(name).pathname)
            .filter((path) => /\\.m?js$/.test(path) && !path.includes('worker'));
        const links = [...document.querySelectorAll('link[rel=modulepreload]')]
            .map((link) => link.getAttribute('href'));
        return [scripts, links];
    """)

    assert sorted(set(asked)) == sorted(announced)
