"""The publication policy's memory on this machine: the drives it knows, the places it hides, what that withdraws.

The rules themselves are pure functions in `dashlight.publication`; this module keeps their inputs in the ledger. A
place that becomes hidden also hides what waits in the spool: such bundles are withdrawn whole, and those of their
pictures that may still be told are taken from the recording again at the next import.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable
from uuid import UUID

from dashlight.edge.home.ledger import BundleState, Ledger
from dashlight.edge.spool import Spool
from dashlight.errors import NotFound, PrivacyError
from dashlight.model import LonLat, Policy, Track, distance_m
from dashlight.publication import (
    Apprenticeship,
    Drive,
    HiddenPlace,
    LearntPlace,
    Plan,
    Rules,
    apprenticeship,
    default_rules,
    drive_of,
    hide,
    learnt_places,
    plan,
)


class Disclosure:
    """What may be told of this contributor's drives.

    Args:
        ledger: Keeps drives and places.
        spool: Loses what becomes hidden.
        seed: The contributor's; every choice of the policy follows from it.
        policy: The one of the enrolment.
    """

    def __init__(self, ledger: Ledger, spool: Spool, seed: bytes, policy: Policy) -> None:
        self._ledger = ledger
        self._spool = spool
        self._seed = seed
        self.rules: Rules = default_rules(policy)

    @property
    def policy(self) -> Policy:
        """The policy."""
        return self.rules.policy

    def learn(self, track: Track) -> int:
        """Remember a drive and hide the places that it shows; return how many bundles that withdrew."""
        drive = drive_of(track, stop_s=self.rules.stop_s)
        if drive is not None:
            self._ledger.remember_drive(drive)
        known = self.places()
        now_known = learnt_places(self.drives(), self.rules, self._seed, known=known)
        if len(now_known) == len(known):
            return 0
        self._ledger.add_places(now_known[len(known) :])
        return self.withdraw_hidden()

    def hide(self, position: LonLat, *, radius_m: float | None = None) -> tuple[HiddenPlace, int]:
        """Hide a place that the owner named; return what hides it and how many bundles that withdrew.

        Raises:
            PrivacyError: When the radius is smaller than the least.
        """
        hidden = hide(position, self._seed, radius_m=self.rules.hidden_radius_m if radius_m is None else radius_m)
        self._ledger.add_places([LearntPlace(position, hidden)])
        return hidden, self.withdraw_hidden()

    def nearest_drive_m(self, position: LonLat) -> float | None:
        """Return how far a place is from the nearest start, stop or end of a drive; None while no drive is known."""
        ends = (visit.position for drive in self.drives() for visit in drive.ends)
        return min((distance_m(position, end) for end in ends), default=None)

    def take_back_place(self, number: int, *, beyond_m: float) -> LearntPlace:
        """Stop hiding a place that was never needed, and return it; see docs/adr/0006-rules-only-go-up.md.

        Args:
            number: As in `numbered_places`.
            beyond_m: No drive and no picture may have come nearer to it.

        Raises:
            NotFound: When there is no such place.
            PrivacyError: When a drive or a picture is nearer: it is in force then.
        """
        place = dict(self.numbered_places()).get(number)
        if place is None:
            raise NotFound(f"there is no hidden place {number}", hint="dashlight edge hide --list")
        pictures = self._ledger.picture_positions()
        nearest_m = min((distance_m(place.anchor, position) for position in pictures), default=None)
        distances_m = [each for each in (nearest_m, self.nearest_drive_m(place.anchor)) if each is not None]
        if distances_m and min(distances_m) <= beyond_m:
            raise PrivacyError(
                f"hidden place {number} is in force: your drives came within {min(distances_m) / 1000:.1f} km of it, "
                f"and only a place more than {beyond_m / 1000:.0f} km from all of them can be removed",
                hint="what it left out before and told after would show where it is; hidden places are for good",
                code="place-in-force",
            )
        self._ledger.drop_place(number)
        return place

    def plan(self, track: Track) -> Plan:
        """Return what of a drive may be told, after everything that is known by now."""
        return plan(
            track,
            self.rules,
            places=[p.hidden for p in self.places()],
            history=self.drives(),
            secret=self._seed,
        )

    def sequence_id(self, recording: str, about: str) -> UUID:
        """Return an identifier that is the same for the same stretch at every run and tells nothing of it."""
        digest = hmac.new(
            self._seed, f"dashlight/edge/sequence\0{recording}\0{about}".encode(), hashlib.sha256
        ).digest()
        return UUID(bytes=digest[:16], version=4)

    def apprenticeship(self) -> Apprenticeship:
        """Return how far this edge is from knowing the habitual places."""
        return apprenticeship(self.drives(), self.rules)

    def drives(self) -> list[Drive]:
        """Return the drives known, in order of time."""
        return self._ledger.drives()

    def places(self) -> list[LearntPlace]:
        """Return the hidden places, in the order in which they were learnt."""
        return [place for _, place in self._ledger.numbered_places()]

    def numbered_places(self) -> list[tuple[int, LearntPlace]]:
        """Return the hidden places with the numbers that they keep, in the order in which they were learnt."""
        return self._ledger.numbered_places()

    def withdraw_hidden(self) -> int:
        """Withdraw the waiting bundles that have a picture in a hidden place, and return how many.

        One of which a byte may have been sent is withdrawn too, and erased at the server.
        """
        places = [p.hidden for p in self.places()]
        withdrawn = 0
        for bundle in self._ledger.bundles(BundleState.SPOOLED, BundleState.REFUSED):
            pictures = self._ledger.pictures_of(bundle=bundle.number)
            hidden = [p for p in pictures if _is_hidden(LonLat(p.lon, p.lat), places)]
            if not hidden:
                continue
            withdraw(self._ledger, self._spool, bundle.number, bundle.sha256, gone=[p.number for p in hidden])
            withdrawn += 1
        return withdrawn


def withdraw(ledger: Ledger, spool: Spool, number: int, sha256: str, *, gone: Iterable[int]) -> None:
    """Take a bundle that has no receipt out of the spool.

    The pictures whose place in the bundle is in `gone` stay known as taken back; the others may be taken from their
    recordings again. When a byte may have been sent, the server is asked to erase it by the next
    `erase_due`.
    """
    ledger.withdraw_bundle(number, gone=gone)
    spool.drop(sha256)


def _is_hidden(position: LonLat, places: Iterable[HiddenPlace]) -> bool:
    return any(p.hides(position) for p in places)
