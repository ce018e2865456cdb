"""The spool, the ledger and the uploader under any order of sealing, sending, failing, crashing and taking back.

A crash is what `kill -9` leaves: files and rows as they were written, nothing of memory. The invariants are those of
promise 5, and of `dashlight forget`.
"""

import random
import shutil
import tempfile
from pathlib import Path

import httpx
from edge_stations import NOW, FakeServer, problem, ready, sealed, station_in, uploader
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from dashlight.edge.disclosure import erase_due, selected, take_back
from dashlight.edge.home.ledger import BundleState
from dashlight.edge.station import sweep
from dashlight.errors import HostError, Unavailable
from dashlight.wire import verify_receipt


class SpoolMachine(RuleBasedStateMachine):
    """One edge, one server, and everything that may go wrong between them."""

    def __init__(self):
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.server = FakeServer()
        self.held = station_in(self.folder / "home")
        self.station = self.held.__enter__()
        self.next_picture = 0
        self.numbers = []
        self.acknowledged = set()  # what the edge had a stored receipt for
        self.taken_back = set()

    def teardown(self):
        self.held.__exit__(None, None, None)
        shutil.rmtree(self.folder)

    @initialize()
    def start(self):
        sweep(self.station)

    @rule(count=st.integers(1, 3))
    def seal(self, count):
        row = sealed(self.station, count, first=self.next_picture)
        self.next_picture += count + 1
        self.numbers.append(row.number)

    @rule()
    def crash_between_number_and_file(self):
        self.numbers.append(self.station.ledger.reserve_bundle_number())
        self.restart()

    @rule()
    def crash_between_file_and_row(self):
        ledger = self.station.ledger
        add, ledger.add_bundle = ledger.add_bundle, None
        try:
            self.station.sealer.seal([ready(self.next_picture)], sequence=None)
        except TypeError:
            pass
        finally:
            ledger.add_bundle = add
        self.restart()

    @rule()
    def restart(self):
        self.held.__exit__(None, None, None)
        self.held = station_in(self.folder / "home")
        self.station = self.held.__enter__()
        sweep(self.station)

    @rule()
    def upload(self):
        self.server.answer = lambda _: None
        uploader(self.station, self.server).upload_due()

    @rule(status=st.sampled_from([400, 401, 409, 413, 422, 429, 500, 503]), after=st.integers(0, 3))
    def upload_to_a_server_that_refuses(self, status, after):
        self.upload_with(lambda _: problem(status, "no", "no"), after)

    @rule(body=st.sampled_from([b"", b"<html>", b"{}"]), after=st.integers(0, 3))
    def upload_to_something_else(self, body, after):
        self.upload_with(lambda _: httpx.Response(200, content=body), after)

    @rule(after=st.integers(0, 3), is_stored=st.booleans())
    def upload_and_lose_the_reply(self, after, is_stored):
        def lose(request):
            if is_stored:
                self.server._put_bundles(request)
            raise httpx.ReadTimeout("lost", request=request)

        self.upload_with(lose, after)

    def upload_with(self, answer, after):
        puts = iter(range(10**6))
        self.server.answer = lambda r: answer(r) if r.method == "PUT" and next(puts) >= after else None
        uploader(self.station, self.server, attempts=2).upload_due()

    @rule(is_stored=st.booleans())
    def crash_before_the_receipt_is_stored(self, is_stored):
        self.server.answer = lambda r: None if is_stored or r.method != "PUT" else httpx.Response(503)
        ledger = self.station.ledger

        def crash(*_, **__):
            raise HostError("the power is off")

        ledger.receive = crash
        uploader(self.station, self.server, attempts=1).upload_due()
        self.restart()

    @rule()
    def retry_refused(self):
        self.station.ledger.retry_refused()

    @precondition(lambda self: self.station.ledger.bundles())
    @rule(data=st.data())
    def take_a_bundle_back(self, data):
        row = data.draw(st.sampled_from(self.station.ledger.bundles()))
        chosen = selected(self.station.ledger, bundle=row.sha256)
        take_back(self.station.ledger, self.station.spool, chosen, now=NOW, at_once=True, rng=random.Random(1))
        self.taken_back.add(row.sha256)

    @rule(is_there=st.booleans())
    def erase(self, is_there):
        self.server.answer = lambda _: None if is_there else httpx.Response(503)
        try:
            erase_due(self.station.ledger, self.server.client(), self.station.seed, now=NOW)
        except Unavailable:
            return
        for row in self.station.ledger.bundles():
            if row.sha256 in self.taken_back and row.sha256 in self.server.bundles:
                assert row.sha256 in self.server.erased

    @invariant()
    def nothing_unacknowledged_is_gone(self):
        for row in self.station.ledger.bundles(BundleState.SPOOLED, BundleState.REFUSED):
            assert self.station.spool.read(row.sha256)

    @invariant()
    def every_dropped_bundle_has_a_receipt_that_holds(self):
        for row in self.station.ledger.bundles(BundleState.RECEIVED):
            receipt = verify_receipt(
                row.receipt,
                server_key=self.station.enrolment.server_key,
                sha256=row.sha256,
            )
            assert receipt.pictures == row.pictures
            assert row.sha256 in self.server.bundles
            self.acknowledged.add(row.sha256)

    @invariant()
    def an_acknowledgement_is_never_forgotten(self):
        known = {row.sha256: row.state for row in self.station.ledger.bundles()}
        for sha256 in self.acknowledged:
            assert known[sha256] is BundleState.RECEIVED or sha256 in self.taken_back

    @invariant()
    def no_picture_is_in_two_bundles(self):
        rows = self.station.ledger.rows("SELECT recording, offset_ms, count(*) FROM pictures GROUP BY 1, 2")
        assert all(count == 1 for _, _, count in rows)

    @invariant()
    def no_number_comes_twice(self):
        assert len(set(self.numbers)) == len(self.numbers)

    @invariant()
    def no_token_pays_for_two_bundles(self):
        rows = self.station.ledger.rows("SELECT token, count(*) FROM bundles WHERE token IS NOT NULL GROUP BY 1")
        assert all(count == 1 for _, count in rows)

    @invariant()
    def what_was_taken_back_is_not_in_the_spool(self):
        names = self.station.spool.names()
        waiting = {row.sha256 for row in self.station.ledger.bundles(BundleState.SPOOLED, BundleState.REFUSED)}
        assert not (self.taken_back & names)
        assert not (self.taken_back & waiting)


TestSpoolMachine = SpoolMachine.TestCase
TestSpoolMachine.settings = settings(
    max_examples=25, stateful_step_count=20, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
