"""What of a claim is told."""

from dataclasses import replace

import made_bundles
import pytest

from dashlight.model import Policy
from dashlight.publication import told_claim

CLAIM = made_bundles.bundled(0).claim


def test_no_accuracy_is_told_of_a_personal_picture():
    assert CLAIM.accuracy_m == 3.5
    assert told_claim(Policy.PERSONAL, CLAIM) == replace(CLAIM, accuracy_m=None)


@pytest.mark.parametrize("policy", [Policy.FLEET, Policy.OPEN])
def test_other_policies_tell_all_of_a_claim(policy):
    assert told_claim(policy, CLAIM) == CLAIM
