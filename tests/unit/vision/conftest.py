import numpy as np
import pytest

from dashlight.vision import Detectors


@pytest.fixture(scope="session")
def detectors():
    return Detectors.load()


@pytest.fixture
def street():
    """A noisy picture `(H, W, 3) uint8` that stands for a street."""
    rng = np.random.default_rng(1)
    return rng.integers(0, 256, (180, 320, 3), dtype=np.uint8)
