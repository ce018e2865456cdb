"""Ten thousand live listeners over a thousand regions while a thousand pictures come a second: nothing is lost.

`make soak` runs it at that size for five minutes; `make test` a twentieth of it for some seconds. Server and listeners
share the machine; the report says how many cores each took, and how busy it was with everything else. The second look
is off: its detectors would be measured.
"""

import listeners
import pytest
from servers import ServerProcess, draw_tokens

from dashlight.config import environment

SECONDS = int(environment().get("DASHLIGHT_SOAK_LIVE_S", "0"))
LISTENERS, REGIONS, BUNDLES_PER_S = (10_000, 1_000, 10) if SECONDS else (500, 100, 2)
P95_S = 3.0
PER_S = BUNDLES_PER_S * listeners.PICTURES
REPORTED = (
    "listeners",
    "pictures_per_s",
    "events",
    "event_p50_s",
    "event_p95_s",
    "event_max_s",
    "server_mb",
    "server_cores",
    "listeners_cores",
    "load_average",
)


@pytest.mark.soak
def test_live_listeners_are_told_everything_soon(tmp_path, record_property):
    if not listeners.raise_limit(LISTENERS + 500):
        pytest.skip(f"this machine allows no {LISTENERS + 500} open sockets in one process")
    tokens = draw_tokens(tmp_path, (SECONDS or 5) * BUNDLES_PER_S)
    server = ServerProcess(tmp_path, "--recheck-share", "0").start()
    try:
        found = listeners.load(
            server, tokens, tmp_path, listeners=LISTENERS, regions=REGIONS, bundles_per_s=BUNDLES_PER_S
        )
        found["server_mb"] = round(server.resident_mb())
    finally:
        assert server.stop() == 0

    for name in REPORTED:
        record_property(name, found[name])
    assert (found["ended"], found["strange"]) == (0, {})
    assert found["events"] == found["events_due"]
    assert found["listeners_with_wrong_events"] == 0
    assert found["event_p95_s"] <= P95_S
    assert found["pictures_per_s"] >= found["pictures"] / (found["pictures"] / PER_S + P95_S), "the pace was not kept"
