"""What may be told about a drive, in the order in which a program of somebody else's would ask."""

from collections.abc import Sequence
from datetime import datetime
from typing import assert_type
from uuid import UUID, uuid5

from dashlight.model import LonLat, Month, PictureClaim, Policy, Track, Week
from dashlight.publication import (
    MIN_SECRET_BYTES,
    MONTH_BELOW_ENROLMENTS,
    PERSONAL_SIZE,
    SENTENCES,
    Apprenticeship,
    Candidate,
    Drive,
    FleetRules,
    HiddenBy,
    HiddenPlace,
    LearntPlace,
    OpenRules,
    PersonalRules,
    Piece,
    Plan,
    Rules,
    SequenceRuns,
    Stop,
    Verdict,
    Violation,
    Visit,
    apprenticeship,
    bundles_of,
    check_bundle,
    coarse_time,
    default_rules,
    density_key,
    drive_of,
    hide,
    learnt_places,
    plan,
    send_after,
    stops_of,
    thinned,
    told_claim,
    visits_of,
)


def constants_are_whole_numbers_and_sentences() -> tuple[int, ...]:
    assert_type(SENTENCES[HiddenBy.STOP], str)
    return (MIN_SECRET_BYTES, MONTH_BELOW_ENROLMENTS, *PERSONAL_SIZE)


def rules_are_matched_exhaustively(rules: Rules) -> Policy:
    match rules:
        case FleetRules():
            assert_type(rules.rest_s, float)
        case OpenRules():
            assert_type(rules.trim_m, float)
        case PersonalRules():
            assert_type(rules.apprenticeship_days, int)
    return rules.policy


def a_drive_shows_places(track: Track, secret: bytes, known: Sequence[LearntPlace]) -> list[HiddenPlace]:
    assert_type(stops_of(track), tuple[Stop, ...])
    drive = drive_of(track)
    if drive is None:
        return [hide(LonLat(26.1, 44.4), secret)]
    assert_type(drive, Drive)
    assert_type(drive.started_at, datetime)
    assert_type(visits_of([drive]), tuple[Visit, ...])
    assert_type(visits_of([drive])[0].stayed_s, float)
    assert_type(apprenticeship([drive], PersonalRules()), Apprenticeship)
    learnt = learnt_places([drive], default_rules(Policy.PERSONAL), secret, known=known)
    assert_type(learnt, tuple[LearntPlace, ...])
    return [place.hidden for place in learnt]


def a_plan_says_what_may_be_told(
    track: Track, history: Sequence[Drive], places: list[HiddenPlace], secret: bytes, times: Sequence[datetime]
) -> Plan:
    planned = plan(track, OpenRules(), places=places, history=history, secret=secret)
    verdict = planned.allows(times[0], places[0].centre)
    assert_type(verdict, Verdict)
    assert_type(verdict.hidden_by, HiddenBy | None)
    assert_type(verdict.sentence, str)
    assert_type(planned.piece_at(times[0]), Piece | None)
    runs = SequenceRuns(planned, gap_s=300.0, identifier=lambda about: uuid5(UUID(int=1), about))
    assert_type([runs.sequence_at(at) for at in times], list[UUID | None])
    return planned


def personal_is_thinned_and_delayed(at: datetime, position: LonLat, secret: bytes) -> Week | Month:
    candidate = Candidate(position, 90.0, at)
    taken = {density_key(candidate)}
    assert_type(thinned([candidate], PersonalRules(), secret, taken=taken), tuple[Verdict, ...])
    assert_type(bundles_of([position], secret), tuple[tuple[int, ...], ...])
    assert_type(send_after(at, PersonalRules(), secret, about="bundle 1"), datetime)
    return assert_type(coarse_time(at, 12), Week | Month)


def a_claim_is_told_as_its_policy_lets_it(claim: PictureClaim) -> PictureClaim:
    return assert_type(told_claim(Policy.PERSONAL, claim), PictureClaim)


def a_server_checks_again(claims: Sequence[PictureClaim], now: datetime) -> list[str]:
    found = check_bundle(Policy.PERSONAL, claims, None, now=now, sizes=[PERSONAL_SIZE], active_enrolments=12)
    assert_type(found, tuple[Violation, ...])
    assert_type(found[0].picture, int | None)
    return [violation.message for violation in found]
