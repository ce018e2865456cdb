"""The opened edge: home, ledger, spool, policy and keys together, as every command needs them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from dashlight.config import EdgeSettings, data_home
from dashlight.edge.disclosure import Disclosure
from dashlight.edge.home import Choices, Enrolment, Home
from dashlight.edge.home.ledger import BundleState, Ledger
from dashlight.edge.spool import Sealer, Spool


@dataclass(frozen=True, slots=True)
class Station:
    """An opened edge; `seed` is secret."""

    home: Home
    ledger: Ledger
    spool: Spool
    disclosure: Disclosure
    sealer: Sealer
    choices: Choices
    enrolment: Enrolment | None
    seed: bytes = field(repr=False)


def home_path(settings: EdgeSettings, env: Mapping[str, str]) -> Path:
    """Return where the edge lives."""
    return settings.home if settings.home is not None else data_home(env) / "edge"


def spool_of(home: Home, settings: EdgeSettings) -> Spool:
    """Return the spool of a home."""
    return Spool(
        home.spool_path,
        budget_bytes=settings.spool_budget_mb * 2**20,
        keep_free_bytes=settings.keep_free_mb * 2**20,
    )


@contextmanager
def opened(
    home: Home, settings: EdgeSettings, *, choices: Choices | None = None, now: Callable[[], float] = time.time
) -> Iterator[Station]:
    """Hold an edge open.

    Args:
        home: Where it lives.
        settings: Budgets.
        choices: Before there is an enrolment; afterwards the enrolment's own count.
        now: Unix seconds.

    Raises:
        HostError: When the home cannot be read or written.
        Corrupt: When seed or enrolment are damaged.
    """
    seed = home.seed()
    enrolment = home.enrolment()
    if enrolment is not None:
        choices = Choices(enrolment.policy, enrolment.license_id, enrolment.attribution)
    choices = choices or Choices()
    ledger = Ledger(home.ledger_path)
    try:
        spool = spool_of(home, settings)
        yield Station(
            home=home,
            ledger=ledger,
            spool=spool,
            disclosure=Disclosure(ledger, spool, seed, choices.policy),
            sealer=Sealer(
                ledger,
                spool,
                seed,
                policy=choices.policy,
                license_id=choices.license_id,
                attribution=choices.attribution,
                now=now,
            ),
            choices=choices,
            enrolment=enrolment,
            seed=seed,
        )
    finally:
        ledger.close()


def sweep(station: Station) -> int:
    """Delete what a crash left in the spool, and return how many files; call it under the home's lock."""
    kept = {b.sha256 for b in station.ledger.bundles(BundleState.SPOOLED, BundleState.REFUSED)}
    return station.spool.sweep(kept)
