"""Edges in a folder, pictures to seal, and a server behind a transport, for tests of the edge."""

import json
import random
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import httpx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from made_bundles import HERE, START, redacted

from dashlight.config import EdgeSettings
from dashlight.edge.home import Choices, Enrolment, Home
from dashlight.edge.server import Server
from dashlight.edge.spool import ReadyPicture, Retries, Uploader
from dashlight.edge.station import opened
from dashlight.errors import Corrupt
from dashlight.model import Month, PictureClaim, Policy, destination
from dashlight.wire import (
    Receipt,
    decode_bundle,
    deletion_commitment,
    encode_receipt,
    from_base64url,
    public_bytes,
    to_base64url,
    verify,
)

NOW = datetime(2026, 11, 24, tzinfo=UTC).timestamp()
SERVER_KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33)))
SMALL = EdgeSettings(spool_budget_mb=64, keep_free_mb=0)


def ready(number, *, recording="r" * 32, apart_m=5.0, policy=Policy.FLEET):
    """Return the picture `number` of a straight drive at 5 m/s."""
    at = START + timedelta(seconds=number * apart_m / 5.0)
    captured = Month(at.year, at.month) if policy is Policy.PERSONAL else at
    size = {"width": 1280, "height": 720} if policy is Policy.PERSONAL else {}
    claim = PictureClaim(destination(HERE, 45.0, number * apart_m), captured, 45.0, 3.0)
    claim = PictureClaim(
        type(claim.position)(round(claim.position.lon, 6), round(claim.position.lat, 6)), captured, 45.0, 3.0
    )
    return ReadyPicture(redacted(number % 200, **size), claim, recording, number * 1000, at.timestamp())


@contextmanager
def station_in(folder, *, policy=Policy.FLEET, enrolled=True, settings=SMALL, server="https://roads.example"):
    """Hold an edge open in `folder`."""
    home = Home(folder)
    if enrolled and home.enrolment() is None:
        home.save_enrolment(Enrolment(server, public_bytes(SERVER_KEY), "credential", policy, "CC-BY-SA-4.0", None))
    with opened(home, settings, choices=Choices(policy), now=lambda: NOW) as station:
        yield station


def sealed(station, count=3, *, first=0, recording="r" * 32, sequence=None, not_before=0.0):
    """Seal one bundle of `count` pictures and return its row."""
    policy = station.choices.policy
    step = 2500.0 if policy is Policy.PERSONAL else 5.0
    pictures = [ready(n, recording=recording, policy=policy, apart_m=step) for n in range(first, first + count)]
    done = station.sealer.seal(pictures, sequence=sequence, not_before=not_before)
    assert (len(done.pictures), done.left_out) == (count, ())
    return station.ledger.bundles()[-1]


def _unread(response):
    """Return a response as a network gives it: its body still to be read."""
    return httpx.Response(response.status_code, headers=response.headers, stream=httpx.ByteStream(response.content))


class FakeServer:
    """A server of the contributors' half of the HTTP API, in memory.

    `answer` may be set to a function of a request that returns a response, or None to let the server answer.
    """

    def __init__(self, *, key=SERVER_KEY):
        self.key = key
        self.bundles = {}  # sha256 -> archive
        self.puts = []  # sha256 of every PUT that was taken
        self.spent = {}  # token -> sha256
        self.issued = set()
        self.erased = []
        self.requests = []
        self.answer = lambda _: None

    def transport(self):
        return httpx.MockTransport(lambda request: _unread(self._handle(request)))

    def client(self, url="https://roads.example"):
        return Server(url, transport=self.transport())

    def _handle(self, request):
        self.requests.append(f"{request.method} {request.url.path}")
        answered = self.answer(request)
        if answered is not None:
            return answered
        kind = request.url.path.split("/")[2] if request.url.path.startswith("/v1/") else request.url.path
        return getattr(self, f"_{request.method.lower()}_{kind.strip('/')}")(request)

    def _get_instance(self, _):
        return httpx.Response(200, json={"server_key": to_base64url(public_bytes(self.key)), "name": "fake"})

    def _get_readyz(self, _):
        return httpx.Response(200, json={}, headers={"Date": "Mon, 23 Nov 2026 10:00:00 GMT"})

    def _post_enrolments(self, request):
        asked = json.loads(request.content)
        if asked["invite"] != "good":
            return problem(401, "invite-spent", "the invite was spent")
        return httpx.Response(
            201,
            json={
                "credential": "credential",
                "policy": asked["policy"],
                "license": asked["license"],
                "server_key": to_base64url(public_bytes(self.key)),
                "tokens": self.fresh_tokens(2),
            },
        )

    def fresh_tokens(self, count):
        tokens = [to_base64url(len(self.issued).to_bytes(4) + bytes([n]) * 28) for n in range(count)]
        self.issued.update(tokens)
        return tokens

    def _post_tokens(self, request):
        if request.headers["authorization"] != "Bearer credential":
            return problem(401, "unauthorized", "no such enrolment")
        return httpx.Response(201, json={"tokens": self.fresh_tokens(json.loads(request.content)["count"])})

    def _put_bundles(self, request):
        sha256 = request.url.path.rsplit("/", 1)[-1]
        token = request.headers["authorization"].removeprefix("Bearer ")
        if token not in self.issued:
            return problem(401, "unknown-token", "the token is not one of ours")
        if self.spent.get(token, sha256) != sha256:
            return problem(409, "token-spent", "the token was spent on another bundle")
        try:
            bundle = decode_bundle(request.content, sha256=sha256)
        except Corrupt as exc:
            return problem(400, exc.code, exc.message)
        self.spent[token] = sha256
        status = 200 if sha256 in self.bundles else 201
        self.bundles[sha256] = bytes(request.content)
        self.puts.append(sha256)
        return httpx.Response(status, content=self.receipt(sha256, len(bundle.pictures)))

    def receipt(self, sha256, count, *, key=None):
        ids = tuple(f"{sha256[:16]}{n:04}" for n in range(count))
        return encode_receipt(Receipt(sha256, count, ids), key or self.key)

    def _delete_bundles(self, request):
        sha256 = request.url.path.rsplit("/", 1)[-1]
        if sha256 not in self.bundles:
            return problem(404, "not-found", "no such bundle")
        manifest = decode_bundle(self.bundles[sha256]).manifest
        verify(manifest.public_key, "forget", sha256.encode(), from_base64url(request.headers["dashlight-signature"]))
        self.erased.append(sha256)
        return httpx.Response(204)

    def _delete_pictures(self, request):
        picture_id = request.url.path.rsplit("/", 1)[-1]
        archive = next(a for s, a in self.bundles.items() if s.startswith(picture_id[:16]))
        entry = decode_bundle(archive).manifest.pictures[int(picture_id[16:])]
        secret = from_base64url(request.headers["dashlight-deletion-secret"])
        if deletion_commitment(secret) != entry.deletion_commitment:
            return problem(401, "wrong-secret", "not this picture's secret")
        self.erased.append(picture_id)
        return httpx.Response(204)


def problem(status, code, detail, **headers):
    """Return a problem document."""
    body = {"type": f"https://dashlight.example/problems/{code}", "title": code, "status": status, "detail": detail}
    return httpx.Response(status, json=body, headers=headers)


class Pauses:
    """Pauses that take no time and are remembered."""

    def __init__(self, *, stop_after=10**6):
        self.taken = []
        self._stop_after = stop_after

    def __call__(self, seconds):
        self.taken.append(seconds)
        return len(self.taken) >= self._stop_after


def uploader(station, server, *, pauses=None, now=NOW, attempts=3):
    """Return an uploader without time and luck."""
    return Uploader(
        station.ledger,
        station.spool,
        server.client(),
        station.home.required_enrolment(),
        retries=Retries(attempts, 1.0, 60.0),
        now=lambda: now,
        pause=pauses or Pauses(),
        rng=random.Random(1),
    )
