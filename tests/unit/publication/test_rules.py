"""The numbers of the policies only go up."""

import dataclasses
import math

import pytest

from dashlight.errors import PrivacyError
from dashlight.model import LonLat, Policy
from dashlight.publication import FleetRules, HiddenPlace, OpenRules, PersonalRules, default_rules

WEAKER = [
    (FleetRules, "hidden_radius_m", 1_199.0),
    (FleetRules, "stop_s", 301.0),
    (FleetRules, "rest_s", 14_401.0),
    (OpenRules, "hidden_radius_m", 0.0),
    (OpenRules, "trim_m", 499.9),
    (OpenRules, "trim_random_m", 100.0),
    (OpenRules, "stop_s", -1.0),
    (PersonalRules, "hidden_radius_m", math.nan),
    (PersonalRules, "trim_m", math.inf),
    (PersonalRules, "trim_random_m", 499.0),
    (PersonalRules, "stop_s", 600.0),
    (PersonalRules, "apprenticeship_days", 13),
    (PersonalRules, "apprenticeship_drives", 19),
    (PersonalRules, "kept_share", 0.51),
    (PersonalRules, "send_after_least_s", 3_600.0),
    (PersonalRules, "send_after_most_s", 86_400.0),
]


@pytest.mark.parametrize(("rules", "name", "value"), WEAKER)
def test_a_weaker_rule_is_refused_with_value_and_bound(rules, name, value):
    with pytest.raises(PrivacyError, match=name) as caught:
        rules(**{name: value})

    assert f"{value:g}" in caught.value.message
    assert caught.value.hint
    assert caught.value.exit_code == 4


@pytest.mark.parametrize("policy", Policy)
def test_default_rules_are_of_their_policy(policy):
    assert default_rules(policy).policy is policy


@pytest.mark.parametrize("rules", [FleetRules, OpenRules, PersonalRules])
def test_every_rule_has_a_bound_that_is_tested(rules):
    tested = {name for owner, name, _ in WEAKER if owner is rules}

    assert tested == {f.name for f in dataclasses.fields(rules)}


def test_rules_go_up():
    rules = PersonalRules(
        hidden_radius_m=3_000, trim_m=900, kept_share=0.1, apprenticeship_days=30, send_after_most_s=1e6
    )

    assert rules.hidden_radius_m == 3_000


def test_the_span_of_sending_stays_two_days_wide_when_it_begins_later():
    with pytest.raises(PrivacyError, match="send_after_most_s"):
        PersonalRules(send_after_least_s=70 * 3_600.0)


@pytest.mark.parametrize("radius_m", [1_199.9, math.nan, math.inf, -1.0])
def test_a_small_hidden_place_is_refused(radius_m):
    with pytest.raises(PrivacyError, match="1200"):
        HiddenPlace(LonLat(0, 0), radius_m)
