"""What can be set of a server."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from pathlib import Path

from dashlight.config.bounds import Bounds, check_bounds
from dashlight.config.masking import masked
from dashlight.errors import UsageError

EXPORT_SCHEDULES = ("off", "daily")
EXPORT_FORMATS = ("geoparquet", "partitions", "pmtiles", "bundles")
_BOUNDS: Bounds = {
    "port": (0, 65_535),
    "recheck_share": (0.0, 1.0),
    "recheck_timeout_s": (0.1, 3600.0),
    "recheck_idle_s": (0.0, 86_400.0),
    "max_uploads": (1, 1000),
    "upload_stall_s": (0.1, 3600.0),
    "upload_timeout_s": (1.0, 86_400.0),
    "keep_free_mb": (0, 10**9),
    "batch_hour": (0, 23),
    "tokens_per_day": (1, 10**6),
    "reports_per_hour": (1, 10**6),
    "reports_per_sender": (1, 10**6),
    "live_clients": (1, 10**6),
    "live_queue": (1, 10**6),
    "tile_cache_mb": (0, 10**6),
    "disk_quota_mb": (0, 10**9),
    "reads_per_minute": (0, 10**6),
    "tiles_per_minute": (0, 10**6),
    "searches_per_minute": (0, 10**6),
    "live_per_minute": (0, 10**6),
    "reports_per_minute": (0, 10**6),
    "writes_per_minute": (0, 10**6),
    "live_per_sender": (0, 10**6),
    "head_timeout_s": (0.1, 3600.0),
    "body_timeout_s": (0.1, 3600.0),
    "read_stall_s": (0.1, 3600.0),
    "presigned_s": (0, 300),
    "stop_s": (0.0, 3600.0),
    "drain_s": (0.0, 3600.0),
    "traces_share": (0.0, 1.0),
}


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """Settings of `dashlight serve`; section `server`.

    Attributes:
        data: Folder of database, pictures and the server's key, or None for `<data home>/server`. Who writes there can
            serve other pictures and sign receipts as this server.
        database_url: Of a PostgreSQL database for the rows, `postgresql://user:password@host/name`; empty keeps them in
            the data folder. Several servers may share one.
        objects_url: Of a bucket for the pictures, `s3://bucket/prefix?endpoint=https://host&region=...`; empty keeps
            them in the data folder.
        objects_key_id: Of the bucket's access key; empty leaves it to the environment and the machine's role.
        objects_secret: Of the bucket's access key.
        presigned_s: Seconds that an address is good for at which a reader fetches one picture of `fleet` or `open` from
            the bucket itself; 0 gives out none. A picture that is hidden can be read at it until then, and the bucket's
            server learns who reads what. Needs `objects_key_id`, of a key that anybody may know the id of.
        presigned_endpoint: Of the bucket's server as readers reach it, `https://host`; empty for that of `objects_url`.
        key_file: The server's key, 32 bytes, or None for `server.key` in the data folder. Servers that share a database
            have the same.
        host: Address to listen on; this machine alone until the operator decides otherwise.
        port: To listen on; 0 takes a free one.
        name: Of the instance, shown to everybody.
        license: SPDX identifier of the licence that new enrolments publish under unless they choose another. `personal`
            has no choice, so that a licence tells nobody's pictures from others'; after a change its enrolments have to
            be made again, and pictures from before keep theirs: better leave it as it is.
        contact: How readers reach the people who run the instance, shown to everybody: a mail address, a web address or
            words; empty shows none.
        public_url: Address that readers see when a proxy stands before the server; empty for `http://host:port`.
        recheck_share: Of the arriving pictures that the detectors look at again before the receipt; 1 looks at all, and
            0 lets readable faces and plates in unseen.
        recheck_timeout_s: For one picture; a detector that takes longer is ended and nothing is published.
        recheck_idle_s: After so long without an upload the detectors look at random published pictures (`fleet` and
            `open`) in the background and hide what is readable; 0 never does. Not so short that the detectors are
            loaded between two bundles of one drive.
        max_uploads: Bundles received at once; others get 503. Each holds at most 64 MiB of disk.
        upload_stall_s: An upload that sends nothing for so long is ended.
        upload_timeout_s: One upload takes at most so long; 64 MiB at 75 kB/s.
        keep_free_mb: Uploads that would leave less than this free on the disk get 507.
        batch_hour: Hour (UTC) at which the personal pictures of the day are published together.
        tokens_per_day: Upload tokens that one enrolment may draw in a day.
        reports_per_hour: Reports taken from everybody together, of those that hide a picture and again of all others; a
            person sends a few, a script many. Those that hide take at most 2 % of the map, or 20 pictures, half of
            which are there for senders of one or two; what may wait hidden at a time is bounded besides.
        reports_per_sender: Of these from one sender, known by a salted hash that lives in memory for the hour. Over
            both a report about privacy is kept for the operator and hides nothing.
        trusted_proxy: Addresses or networks of the proxy whose `X-Forwarded-For` is believed, such as `127.0.0.1`, with
            commas between them; empty believes nobody, as anybody may write that header.
        live_clients: Live streams open at once; others get 503.
        live_queue: Events that wait for one slow live stream; when full they are dropped for one `refresh`.
        tile_cache_mb: Memory for encoded tiles.
        export_schedule: `off`, or `daily`: make the exports anew after each daily batch. Files of an export that is
            shown are rewritten after something in them was taken back, whatever this says.
        export_formats: Which exports to make daily: of `geoparquet`, `partitions`, `pmtiles` and `bundles`.
        disk_quota_mb: Bundles of the whole instance take at most so much; more get 507. 0 leaves it to `keep_free_mb`.
        reads_per_minute: Requests of one client address for pages, pictures and the like; more get 429. An address is
            known by a hash whose key lives for the minute; this machine's own is not limited, as a proxy that is not
            trusted has it. Of each `per_minute` 0 does not limit, and several servers count each for itself.
        tiles_per_minute: For tiles; a screen of them is 30, and who pans asks for one a second.
        searches_per_minute: For pages of pictures, STAC searches and histograms, which cost most.
        live_per_minute: For live streams; each move of the map begins one.
        reports_per_minute: For reports, whatever becomes of them; a person sends a few.
        writes_per_minute: For uploads, tokens, enrolments and erasures.
        live_per_sender: Live streams that one client address may have open; a large office shares one. 0 does not
            limit.
        head_timeout_s: The head of a request has come whole after so long; a phone on a bad line needs 5.
        body_timeout_s: The body of a request that is no upload has come whole after so long; it has at most 64 KiB.
        read_stall_s: A reader who takes nothing of a reply for so long is cut off; it holds memory.
        stop_s: What is being answered at a stop has so long to end, an upload as well; then it is cut off. Kubernetes
            and systemd kill after 30 and 90 s unless told otherwise.
        drain_s: New requests get 503 for at least so long at a stop before the address is closed, so that whatever
            shares out the requests notices; 0 waits for open requests alone.
        log_json: Log one JSON object a line instead of words, as `serve --json` does.
        traces_url: Of an OpenTelemetry collector (OTLP over HTTP), such as `http://127.0.0.1:4318/v1/traces`; empty
            traces nothing. Needs the extra `otel`. Who controls it learns how busy the server is, and no place,
            person or picture.
        traces_share: Of the requests that are traced; jobs always are.
    """

    data: Path | None = None
    database_url: str = ""
    objects_url: str = ""
    objects_key_id: str = ""
    objects_secret: str = ""
    presigned_s: int = 0
    presigned_endpoint: str = ""
    key_file: Path | None = None
    host: str = "127.0.0.1"
    port: int = 8400
    name: str = "dashlight"
    license: str = "CC-BY-SA-4.0"
    contact: str = ""
    public_url: str = ""
    recheck_share: float = 0.002
    recheck_timeout_s: float = 60.0
    recheck_idle_s: float = 600.0
    max_uploads: int = 4
    upload_stall_s: float = 30.0
    upload_timeout_s: float = 900.0
    keep_free_mb: int = 256
    batch_hour: int = 3
    tokens_per_day: int = 2_000
    reports_per_hour: int = 600
    reports_per_sender: int = 20
    trusted_proxy: str = ""
    live_clients: int = 10_000
    live_queue: int = 1_000
    tile_cache_mb: int = 32
    export_schedule: str = "off"
    export_formats: tuple[str, ...] = ("geoparquet", "pmtiles")
    disk_quota_mb: int = 0
    reads_per_minute: int = 3_000
    tiles_per_minute: int = 3_000
    searches_per_minute: int = 600
    live_per_minute: int = 120
    reports_per_minute: int = 30
    writes_per_minute: int = 600
    live_per_sender: int = 100
    head_timeout_s: float = 10.0
    body_timeout_s: float = 20.0
    read_stall_s: float = 30.0
    stop_s: float = 25.0
    drain_s: float = 0.0
    log_json: bool = False
    traces_url: str = ""
    traces_share: float = 0.1

    def __post_init__(self) -> None:
        """Raise UsageError when a value is outside its bounds."""
        check_bounds("server", self, _BOUNDS)
        for name, schemes in (
            ("database_url", ("postgresql://", "postgres://")),
            ("objects_url", ("s3://",)),
            ("presigned_endpoint", ("http://", "https://")),
            ("traces_url", ("http://", "https://")),
        ):
            value = getattr(self, name)
            if value and not value.startswith(schemes):
                raise UsageError(f"server.{name} {masked(name, value)!r} does not begin with {schemes[0]}")
        _check_presigned(self)
        _check_addresses("server.trusted_proxy", self.trusted_proxy)
        if self.export_schedule not in EXPORT_SCHEDULES:
            raise UsageError(
                f"server.export_schedule {self.export_schedule!r} is none of {', '.join(EXPORT_SCHEDULES)}"
            )
        unknown = [name for name in self.export_formats if name not in EXPORT_FORMATS]
        if unknown:
            raise UsageError(f"server.export_formats {unknown[0]!r} is none of {', '.join(EXPORT_FORMATS)}")
        if not 1 <= len(self.name) <= 80 or not self.name.isprintable():
            raise UsageError(f"server.name {self.name!r:.90} is not a text of 1 to 80 printable characters")
        if len(self.contact) > 200 or not self.contact.isprintable():
            raise UsageError(f"server.contact {self.contact!r:.210} is not a text of at most 200 printable characters")


def _check_presigned(settings: ServerSettings) -> None:
    """Raise UsageError when addresses of the bucket are asked for and cannot be signed."""
    missing = [name for name in ("objects_url", "objects_key_id", "objects_secret") if not getattr(settings, name)]
    if settings.presigned_s and missing:
        raise UsageError(
            f"server.presigned_s {settings.presigned_s} needs server.{missing[0]}",
            hint="addresses are of a bucket, and signed with a key that is in the settings",
        )


def _check_addresses(called: str, given: str) -> None:
    """Raise UsageError unless it is empty or lists addresses and networks, with commas between them."""
    for part in given.split(",") if given else ():
        try:
            ipaddress.ip_network(part.strip())
        except ValueError as exc:
            raise UsageError(
                f"{called} {given!r:.90}: {part.strip()!r:.60} is no address and no network",
                hint="such as 127.0.0.1 or 10.0.0.0/24; a name is never looked up, and nobody may believe everybody",
            ) from exc
