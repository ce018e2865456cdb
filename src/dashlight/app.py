"""The ASGI application, built from settings; wiring, errors and headers, and nothing else."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache, partial
from http import HTTPStatus
from importlib import metadata, resources
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.telemetry import TelemetryConfig
from prometheus_client import CollectorRegistry, generate_latest
from stac_fastapi.types.stac import LandingPage
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from dashlight import catalog, ingest
from dashlight.border.asgi import PROBLEM_TYPE, App, problem_body
from dashlight.border.layers import bordered, spans_of
from dashlight.border.openapi import with_problems
from dashlight.border.spans import Spans
from dashlight.border.store_metrics import StoreMetrics
from dashlight.catalog.assets import Assets
from dashlight.catalog.exports.routes import Exports
from dashlight.catalog.exports.routes import make_router as exports_router
from dashlight.catalog.exports.worker import ExportMetrics, ExportWorker
from dashlight.catalog.live import Hub
from dashlight.catalog.locations.routes import make_router as locations_router
from dashlight.catalog.metrics import CatalogMetrics
from dashlight.catalog.ogc.routes import Ogc
from dashlight.catalog.ogc.routes import make_router as ogc_router
from dashlight.catalog.pages.routes import make_router as pages_router
from dashlight.catalog.panoramax import items as panoramax_items
from dashlight.catalog.panoramax import landing as panoramax_landing
from dashlight.catalog.panoramax.routes import Panoramax
from dashlight.catalog.panoramax.routes import make_router as panoramax_router
from dashlight.catalog.panoramax.routes import plain_tiles as panoramax_plain_tiles
from dashlight.catalog.panoramax.tiles import draw_for
from dashlight.catalog.reports import Budgets
from dashlight.catalog.routes import TILE_PATH, Catalog, PlainTileRoute
from dashlight.catalog.routes import make_router as catalog_router
from dashlight.catalog.stac.cursor import Cursors
from dashlight.catalog.stac.items import Site
from dashlight.catalog.stac.routes import Stac
from dashlight.catalog.stac.routes import make_router as stac_router
from dashlight.catalog.summary import Summaries
from dashlight.catalog.tiles import MAX_ZOOM, Tiles
from dashlight.config import ServerSettings
from dashlight.errors import HTTP_STATUS, DashlightError, Unavailable, UnsatisfiableRange
from dashlight.ingest.door import Door
from dashlight.ingest.idle_look import IdleLook
from dashlight.ingest.idleness import Idleness
from dashlight.ingest.metrics import IngestMetrics
from dashlight.ingest.recheck import IDLE_COMMAND, ProcessLook, SecondLook
from dashlight.ingest.reported_look import ReportedLook
from dashlight.ingest.routes import make_router as ingest_router
from dashlight.ingest.worker import run as run_ingest
from dashlight.model import LICENSES
from dashlight.moderation.challenges import Challenges
from dashlight.moderation.desk.routes import Desk
from dashlight.moderation.pages import Pages
from dashlight.moderation.routes import make_router as moderation_router
from dashlight.store.feature_tables import TABLES
from dashlight.store.locations import open_locations
from dashlight.store.upkeep import Readiness, Store, open_store, sweep
from dashlight.wire import MAX_BUNDLE_BYTES, MAX_PICTURES, MAX_PICTURES_PERSONAL, public_bytes, to_base64url

__all__ = ["Application", "build", "catalog", "ingest"]

_LOG = logging.getLogger("dashlight.app")
_NO_TELEMETRY: TelemetryConfig = {"tracing": False, "metrics": False, "logs": False, "auto_configure": False}
_NO_STORE = {"Cache-Control": "no-store"}
POLICIES = {
    "fleet": "Vehicles of an organisation that agreed in writing: exact times and sequences, on the map at once.",
    "open": "A mapper who chooses to be seen: as fleet, under a name of their own or none.",
    "personal": "Everybody else: no order, no exact time, no ends of drives; shown in one shuffled batch a day.",
}


@dataclass(frozen=True, slots=True)
class Application:
    """One server.

    Attributes:
        asgi: What an ASGI server runs.
        api: The FastAPI application inside.
        store: What it keeps.
        begin_stop: Ends the live streams and refuses new requests; on the event loop only.
        open_requests: Returns how many are being answered.
    """

    asgi: App
    api: FastAPI
    store: Store
    begin_stop: Callable[[], None]
    open_requests: Callable[[], int]


def build(
    settings: ServerSettings,
    folder: Path,
    *,
    base_url: str = "",
    look: SecondLook | None = None,
    idle_look: SecondLook | None = None,
    spans: Spans | None = None,
) -> Application:
    """Return the server of one data folder, whose unfinished business is finished here.

    The caller holds `store.upkeep.lock_store` on the folder.

    Args:
        settings: Of the server.
        folder: Its data.
        base_url: What links begin with; empty for links relative to the origin.
        look: The second look, or None for the detectors in a process of their own.
        idle_look: The look at published pictures, or None likewise.
        spans: The traces, or None for what the settings say.

    Raises:
        HostError: When the folder cannot be used, or the bucket does not keep to what is signed.
    """
    locations = open_locations(folder, settings)
    store = open_store(folder, settings)
    swept = sweep(store.database, store.objects)
    _LOG.info(
        "store.swept",
        extra={"staged": swept.staged_files, "orphans": swept.orphans, "erasures": swept.erasures},
    )
    registry = CollectorRegistry()  # Ours alone: the time and files that the process uses would tell of each upload.
    counts = CatalogMetrics(registry)
    hub = Hub(store.database, clients=settings.live_clients, queue=settings.live_queue, counts=counts)
    counts.watch(hub)
    StoreMetrics(registry, store.database)
    spans = spans or spans_of(settings)
    reported = ReportedLook(
        store.database,
        store.objects,
        look or ProcessLook(timeout_s=settings.recheck_timeout_s, command=IDLE_COMMAND),
    )
    look = look or ProcessLook(timeout_s=settings.recheck_timeout_s)
    metrics = IngestMetrics(registry)
    idleness = Idleness()
    door = Door(
        store.database, store.objects, store.key, look=look, settings=settings, metrics=metrics, idleness=idleness
    )
    idle = IdleLook(
        idleness,
        store.database,
        store.objects,
        idle_look or ProcessLook(timeout_s=settings.recheck_timeout_s, command=IDLE_COMMAND),
        idle_s=settings.recheck_idle_s,
        metrics=metrics,
    )
    exporter = ExportWorker(store.database, folder, settings, base_url=base_url, metrics=ExportMetrics(registry))
    api = FastAPI(
        title="dashlight",
        version=metadata.version("dashlight"),
        summary="A public, living library of street-level pictures.",
        lifespan=_lifespan(store, hub, look, idle, (exporter, reported), settings, metrics, spans),
        docs_url=None,
        redoc_url=None,
        openapi_url="/v1/openapi.json",
        telemetry=_NO_TELEMETRY,  # Its own would tell a collector of every path and query.
    )
    readable = _catalog(settings, store, hub, base_url)
    panoramax = _panoramax(settings, readable)
    api.router.routes += [PlainTileRoute(TILE_PATH, readable.tiles), panoramax_plain_tiles(panoramax)]
    api.include_router(ingest_router(door))
    api.include_router(catalog_router(readable))
    api.include_router(locations_router(store.database, locations))
    api.include_router(pages_router(readable))
    api.include_router(stac_router(_stac(settings, store, readable)))
    api.include_router(panoramax_router(panoramax))
    api.include_router(moderation_router(_desk(settings, store, base_url)))
    api.include_router(ogc_router(_ogc(settings, store, readable)))
    api.include_router(exports_router(_exports(settings, readable)))
    _add_operations(api, store, registry)
    _add_problems(api)
    _describe_problems(api)
    border = bordered(api, settings, registry=registry, spans=spans)

    def begin_stop() -> None:
        border.begin_stop()
        hub.close()

    return Application(border.asgi, api, store, begin_stop, border.open_requests)


def _catalog(settings: ServerSettings, store: Store, hub: Hub, base_url: str) -> Catalog:
    return Catalog(
        database=store.database,
        objects=store.objects,
        tiles=Tiles(store.database, cache_bytes=settings.tile_cache_mb << 20),
        hub=hub,
        summaries=Summaries(store.database),
        budgets=Budgets(together=settings.reports_per_hour, each=settings.reports_per_sender),
        assets=Assets(Path(str(resources.files("dashlight.web")))),
        cursors=Cursors(store.key.private_bytes_raw()),
        base_url=base_url,
        instance={
            "name": settings.name,
            "license": settings.license,
            "contact": settings.contact,
            "licenses": list(LICENSES),
            "server_key": to_base64url(public_bytes(store.key)),
            "version": metadata.version("dashlight"),
            "policies": POLICIES,
            "limits": {
                "bundle_bytes": MAX_BUNDLE_BYTES,
                "bundle_pictures": MAX_PICTURES,
                "bundle_pictures_personal": MAX_PICTURES_PERSONAL,
                "tokens_per_day": settings.tokens_per_day,
                "max_zoom": MAX_ZOOM,
            },
        },
    )


def _stac(settings: ServerSettings, store: Store, readable: Catalog) -> Stac:
    def landing_page(site: Site, license_id: str) -> LandingPage:
        return panoramax_landing.landing_page(site, license_id, readable.summaries.summary())

    return Stac(
        database=store.database,
        cursors=Cursors(store.key.private_bytes_raw()),
        name=settings.name,
        license_id=settings.license,
        base_url=readable.base_url,
        landing_page=landing_page,
        collection_of=panoramax_items.collection_of,
        item_of=panoramax_items.item_of,
    )


def _exports(settings: ServerSettings, readable: Catalog) -> Exports:
    return Exports(
        database=readable.database,
        objects=readable.objects,
        summaries=readable.summaries,
        license_id=settings.license,
        base_url=readable.base_url,
    )


def _ogc(settings: ServerSettings, store: Store, readable: Catalog) -> Ogc:
    return Ogc(
        database=store.database,
        tables=TABLES,
        summaries=readable.summaries,
        cursors=Cursors(store.key.private_bytes_raw()),
        name=settings.name,
        version=readable.instance["version"],
        base_url=readable.base_url,
    )


def _panoramax(settings: ServerSettings, readable: Catalog) -> Panoramax:
    account = panoramax_landing.Account.of(readable.instance["server_key"], settings.name)
    cache_bytes = settings.tile_cache_mb << 19  # Half of what the map's own tiles have.
    draw = draw_for(str(account.id))
    return Panoramax(
        catalog=readable,
        tiles=Tiles(readable.database, cache_bytes=cache_bytes, draw=draw),
        account=account,
        license_id=settings.license,
        contact=settings.contact,
        version=readable.instance["version"],
    )


def _desk(settings: ServerSettings, store: Store, base_url: str) -> Desk:
    return Desk(
        database=store.database,
        objects=store.objects,
        challenges=Challenges(store.key.private_bytes_raw()),
        pages=Pages(settings.name),
        instance=settings.name,
        public_url=base_url,
    )


def _lifespan(
    store: Store,
    hub: Hub,
    look: SecondLook,
    idle: IdleLook,
    workers: Sequence[ExportWorker | ReportedLook],
    settings: ServerSettings,
    metrics: IngestMetrics,
    spans: Spans,
) -> Callable[[FastAPI], Any]:
    @asynccontextmanager
    async def lifespan(_api: FastAPI) -> AsyncIterator[None]:
        hub.start()
        stop = asyncio.Event()
        worker = asyncio.create_task(
            run_ingest(
                stop, store.database, store.objects, hour=settings.batch_hour, metrics=metrics, traced=spans.span
            )
        )
        looking = asyncio.create_task(idle.run())
        working = [asyncio.create_task(each.run(stop)) for each in workers]
        try:
            yield
        finally:
            stop.set()
            idle.stop()
            hub.close()
            await worker
            await looking
            await asyncio.gather(*working)
            await look.close()
            await asyncio.to_thread(store.database.close)
            await asyncio.to_thread(spans.close)

    return lifespan


def _add_operations(api: FastAPI, store: Store, registry: CollectorRegistry) -> None:
    readiness = Readiness(store.database, store.objects)

    @api.get("/healthz", tags=["operations"])
    async def healthz() -> dict[str, str]:
        """Say that the process answers."""
        return {"status": "ok"}

    @api.get("/readyz", tags=["operations"])
    def readyz() -> dict[str, str]:
        """Say that rows and objects can be written; tried at most every five seconds."""
        readiness.check()
        return {"status": "ok"}

    @api.get("/metrics", tags=["operations"], response_class=Response)
    def metrics() -> Response:
        """Return the counters in Prometheus's text format."""
        return Response(generate_latest(registry), media_type="text/plain; version=0.0.4; charset=utf-8")

    del healthz, readyz, metrics


def problem(status: int, code: str, detail: str, *, hint: str = "", headers: dict[str, str] | None = None) -> Response:
    """Return a problem document (RFC 9457); nothing may keep it, as a 404 or 410 may be kept unless it says so."""
    content = problem_body(status, code, detail, hint=hint)
    return Response(content, status, media_type=PROBLEM_TYPE, headers={**_NO_STORE, **(headers or {})})


def status_of(exc: DashlightError) -> int:
    """Return the HTTP status of an error: of its class, or of the nearest above it."""
    return next(HTTP_STATUS[kind] for kind in type(exc).__mro__ if kind in HTTP_STATUS)


async def _on_ours(_request: Request, exc: Exception) -> Response:
    if not isinstance(exc, DashlightError):
        raise exc
    headers = {}
    if isinstance(exc, Unavailable):
        headers["Retry-After"] = str(max(1, round(exc.retry_after_s or 5.0)))
    if isinstance(exc, UnsatisfiableRange) and exc.size_bytes is not None:
        headers["Content-Range"] = f"bytes */{exc.size_bytes}"
    status = status_of(exc)
    if status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = "Bearer"
    if status in (HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.REQUEST_TIMEOUT):
        headers["Connection"] = "close"  # Nobody reads the rest of it.
    return problem(status, exc.code, exc.message, hint=exc.hint, headers=headers)


async def _on_invalid(_request: Request, exc: Exception) -> Response:
    if not isinstance(exc, RequestValidationError):
        raise exc
    first = exc.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    return problem(400, "bad-request", f"{where}: {first['msg']} (given {first.get('input')!r:.80})")


async def _on_http(_request: Request, exc: Exception) -> Response:
    if not isinstance(exc, HTTPException):
        raise exc
    code = HTTPStatus(exc.status_code).phrase.lower().replace(" ", "-")
    return problem(exc.status_code, code, str(exc.detail), headers=dict(exc.headers or {}))


async def _on_hang_up(_request: Request, _exc: Exception) -> Response:
    return problem(400, "hung-up", "the request ended before its body did")  # Nobody is there to read it.


async def _on_defect(_request: Request, exc: Exception) -> Response:
    _LOG.error("request.crashed", exc_info=exc)
    return problem(500, "defect", "the server has a defect; nothing was changed")


def _describe_problems(api: FastAPI) -> None:
    described = cache(lambda generate: with_problems(generate()))
    api.openapi = partial(described, api.openapi)  # type: ignore[method-assign]  # The framework's way to extend it.


def _add_problems(api: FastAPI) -> None:
    api.add_exception_handler(DashlightError, _on_ours)
    api.add_exception_handler(RequestValidationError, _on_invalid)
    api.add_exception_handler(HTTPException, _on_http)
    api.add_exception_handler(ClientDisconnect, _on_hang_up)
    api.add_exception_handler(Exception, _on_defect)
