"""Many live listeners and one stream of uploads in one process: bare asyncio protocols, so that the server is measured.

Region `r` is a box of its own; bundle `b` has one picture in each region of its row and says its number in the time at
which its pictures were captured. A listener notes which bundles it was told of and how late; what it parsed once it
does not parse for the next listener of the region. The bundles are made before the first is uploaded, as edges make
theirs elsewhere: what is measured of this process is listening, sending and reading receipts.
"""

import asyncio
import http.client
import os
import re
import resource
import time
from collections import Counter, OrderedDict
from datetime import UTC, datetime, timedelta
from pathlib import Path

import made_bundles
import uvloop

from dashlight.model import LonLat, PictureClaim, Policy
from dashlight.wire import MEDIA_TYPE, BundlePicture, bundle_key, deletion_commitment, deletion_secret, encode_bundle

PICTURES = 100  # Of one bundle: regions of one row.
START = datetime(2026, 11, 1, tzinfo=UTC)
_STEP_DEG = 0.01
_CAPTURED = re.compile(rb'"captured": ?"([^"]+)"')
_BUCKET_S = 0.01
_UPLOADS = 4  # At once: as many as a server takes.


def raise_limit(sockets):
    """Let this process, and those that it starts, open so many; return whether the machine allows it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < sockets <= hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return sockets <= hard


def position_of(region):
    """Return the middle of a region."""
    row, column = divmod(region, PICTURES)
    return LonLat(10.0 + column * _STEP_DEG, 45.0 + row * _STEP_DEG)


def box_of(region):
    """Return the box of a region, as a query has it."""
    middle = position_of(region)
    half = _STEP_DEG * 0.4
    return f"{middle.lon - half:.4f},{middle.lat - half:.4f},{middle.lon + half:.4f},{middle.lat + half:.4f}"


def bundle(number, regions):
    """Return the archive of one bundle, with a picture in each region of its row."""
    row = number % (regions // PICTURES)
    at = START + timedelta(seconds=number)
    return encode_bundle(
        [
            BundlePicture(
                made_bundles.redacted(column % 20),
                PictureClaim(position_of(row * PICTURES + column), at, 90.0, 3.0),
                deletion_commitment(deletion_secret(made_bundles.SEED, number, column)),
            )
            for column in range(PICTURES)
        ],
        bundle_key(made_bundles.SEED, number),
        policy=Policy.FLEET,
        license_id="CC-BY-SA-4.0",
    )


class Told:
    """What all listeners were told.

    Attributes:
        sent_s: When the upload of each bundle was due; what waits for its turn counts as late.
        late: How many events were how late, in hundredths of a second.
        strange: Pieces of the streams that should not come, such as `refresh`.
        ended: Listeners whose line ended.
    """

    def __init__(self):
        self.sent_s = {}
        self.late = Counter()
        self.strange = Counter()
        self.ended = 0
        self._parsed = OrderedDict()

    def numbers_in(self, data):
        """Return the bundles that a piece of a stream tells of."""
        found = self._parsed.get(data)
        if found is None:
            captured = [each.decode().replace("Z", "+00:00") for each in _CAPTURED.findall(data)]
            found = [round((datetime.fromisoformat(each) - START).total_seconds()) for each in captured]
            if b"event: refresh" in data:
                self.strange["refresh"] += 1
            self._parsed[data] = found
            if len(self._parsed) > 4_096:
                self._parsed.popitem(last=False)
        return found

    def quantile(self, share):
        """Return how late the event at that share of all is, in seconds."""
        due, count = share * sum(self.late.values()), 0
        for bucket in sorted(self.late):
            count += self.late[bucket]
            if count >= due:
                return (bucket + 1) * _BUCKET_S
        return 0.0


class Listener(asyncio.Protocol):
    """One live stream."""

    def __init__(self, told, region):
        self.told = told
        self.region = region
        self.numbers = []
        self.is_ready = asyncio.get_running_loop().create_future()
        self._rest = b""

    def connection_made(self, transport):
        self.transport = transport
        transport.write(f"GET /live?bbox={box_of(self.region)} HTTP/1.1\r\nHost: x\r\n\r\n".encode())

    def data_received(self, data):
        if not self.is_ready.done():
            self._rest += data
            if b"event: hello" in self._rest:
                self.is_ready.set_result(None)
                self._rest = b""
            elif b"\r\n\r\n" in self._rest and b" 200 " not in self._rest[:20]:
                self.is_ready.set_exception(AssertionError(self._rest[:300]))
            return
        if self._rest or not data.endswith(b"\n\n\r\n"):  # A piece that comes in parts.
            data, self._rest = self._rest + data, b""
            if not data.endswith(b"\n\n\r\n"):
                self._rest = data
                return
        told, now_s = self.told, time.perf_counter()
        for number in told.numbers_in(data):
            self.numbers.append(number)
            told.late[int((now_s - told.sent_s[number]) / _BUCKET_S)] += 1

    def connection_lost(self, _exc):
        self.told.ended += 1
        if not self.is_ready.done():
            self.is_ready.set_exception(AssertionError("the line ended"))


async def connect(port, count, regions):
    """Return what will be told and that many listeners, spread over the regions, once all of them are told `hello`."""
    told, listeners = Told(), []
    loop = asyncio.get_running_loop()
    for first in range(0, count, 100):
        some = []
        for number in range(first, min(count, first + 100)):
            made = loop.create_connection(lambda n=number: Listener(told, n % regions), "127.0.0.1", port)
            some.append(made)
        new = [protocol for _, protocol in await asyncio.gather(*some)]
        await asyncio.gather(*(each.is_ready for each in new))
        listeners += new
    return told, listeners


def put(port, archive, token):
    """Upload one bundle; return the status."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    headers = {"Authorization": f"Bearer {token}", "Content-Type": MEDIA_TYPE}
    try:
        connection.request("PUT", f"/v1/bundles/{made_bundles.sha256_of(archive)}", body=archive, headers=headers)
        return connection.getresponse().status
    finally:
        connection.close()


def make_bundles(folder, count, regions):
    """Write that many bundles into a folder; return their paths."""
    made = []
    for number in range(count):
        path = Path(folder, f"{number}.bundle")
        path.write_bytes(bundle(number, regions))
        made.append(path)
    return made


async def upload(port, told, bundles, tokens, *, bundles_per_s):
    """Upload a bundle with each token at that pace, whether or not those before have arrived.

    Returns:
        Seconds from the first upload to the last receipt.
    """
    waiting, began = set(), time.perf_counter()
    slots = asyncio.Semaphore(_UPLOADS)

    async def one(path, token):
        async with slots:
            archive = await asyncio.to_thread(path.read_bytes)
            for _ in range(200):
                status = await asyncio.to_thread(put, port, archive, token)
                if status != 503:
                    break
        assert status == 201, status
        path.unlink()

    for number, (path, token) in enumerate(zip(bundles, tokens, strict=True)):
        told.sent_s[number] = began + number / bundles_per_s
        await asyncio.sleep(max(0.0, told.sent_s[number] - time.perf_counter()))
        task = asyncio.create_task(one(path, token))
        waiting.add(task)
        task.add_done_callback(lambda t: (waiting.discard(t), t.result()))
    await asyncio.gather(*waiting)
    return time.perf_counter() - began


def due_of(region, bundles, regions):
    """Return the bundles that have a picture in a region."""
    return [n for n in range(bundles) if n % (regions // PICTURES) == region // PICTURES]


def processor_s(pid):
    """Return the processor time that a process has taken so far, in seconds."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def load(server, tokens, folder, **of_what):
    """Make the bundles, connect, upload, wait until all was told or ten seconds passed; return what came of it.

    Args:
        server: A `ServerProcess` that runs.
        tokens: One for each bundle.
        folder: For the bundles.
        of_what: `listeners`, `regions` and `bundles_per_s`.
    """
    bundles = make_bundles(folder, len(tokens), of_what["regions"])
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_load(server, bundles, tokens, **of_what))


async def _load(server, bundles, tokens, *, listeners, regions, bundles_per_s):
    told, connected = await connect(server.port, listeners, regions)
    pids = {"server": server.process.pid, "listeners": os.getpid()}
    before_s = {name: processor_s(pid) for name, pid in pids.items()}
    lasted_s = await upload(server.port, told, bundles, tokens, bundles_per_s=bundles_per_s)
    due = {region: due_of(region, len(tokens), regions) for region in range(regions)}
    count = sum(len(due[each.region]) for each in connected)
    for _ in range(100):
        if sum(told.late.values()) >= count:
            break
        await asyncio.sleep(0.1)
    cores = {name: (processor_s(pid) - before_s[name]) / lasted_s for name, pid in pids.items()}
    wrong = sum(sorted(each.numbers) != due[each.region] for each in connected)
    ended = told.ended
    for each in connected:
        each.transport.abort()
    return {
        "listeners": len(connected),
        "regions": regions,
        "pictures": len(tokens) * PICTURES,
        "pictures_per_s": round(len(tokens) * PICTURES / lasted_s),
        "events": sum(told.late.values()),
        "events_due": count,
        "listeners_with_wrong_events": wrong,
        "strange": dict(told.strange),
        "ended": ended,
        "event_p50_s": round(told.quantile(0.5), 2),
        "event_p95_s": round(told.quantile(0.95), 2),
        "event_max_s": round(told.quantile(1.0), 2),
        "server_cores": round(cores["server"], 2),
        "listeners_cores": round(cores["listeners"], 2),
        "load_average": round(os.getloadavg()[0], 1),
    }
