"""How often the loops of tests/fault kill: 20 times in `make test`, as often as it is told in `make soak`."""

from fractions import Fraction

from dashlight.config import environment

SHARES = {"import": Fraction(2, 5), "upload": Fraction(1, 5), "ingest": Fraction(2, 5)}


def kills_of(loop):
    """Return how many of all kills fall to the loop `loop`."""
    return round(int(environment().get("DASHLIGHT_SOAK_KILLS", "20")) * SHARES[loop])
