"""What may be told about a drive: pure functions of track, rules, hidden places, history and a secret.

The edge applies them before anything leaves the machine, ingest checks again what can be checked (`check_bundle`),
and the simulator attacks them. Specification: docs/explanation/publication.md.

In the order of use: `drive_of` remembers a drive, `learnt_places` says which places it shows, `plan` says what of it
may be told, and for `personal` `thinned`, `coarse_time`, `bundles_of` and `send_after` how much, how coarsely, in
whose company and when.
"""

from dashlight.publication.chance import MIN_SECRET_BYTES
from dashlight.publication.checks import Violation, check_bundle
from dashlight.publication.claims import told_claim
from dashlight.publication.ends import Stop, stops_of
from dashlight.publication.places import (
    Apprenticeship,
    Drive,
    LearntPlace,
    Visit,
    apprenticeship,
    drive_of,
    hide,
    learnt_places,
    visits_of,
)
from dashlight.publication.rules import (
    MONTH_BELOW_ENROLMENTS,
    PERSONAL_SIZE,
    FleetRules,
    HiddenPlace,
    OpenRules,
    PersonalRules,
    Rules,
    default_rules,
)
from dashlight.publication.sequences import SequenceRuns
from dashlight.publication.telling import SENTENCES, HiddenBy, Piece, Plan, Verdict, plan
from dashlight.publication.thinning import Candidate, bundles_of, coarse_time, density_key, send_after, thinned

__all__ = [
    "MIN_SECRET_BYTES",
    "MONTH_BELOW_ENROLMENTS",
    "PERSONAL_SIZE",
    "SENTENCES",
    "Apprenticeship",
    "Candidate",
    "Drive",
    "FleetRules",
    "HiddenBy",
    "HiddenPlace",
    "LearntPlace",
    "OpenRules",
    "PersonalRules",
    "Piece",
    "Plan",
    "Rules",
    "SequenceRuns",
    "Stop",
    "Verdict",
    "Violation",
    "Visit",
    "apprenticeship",
    "bundles_of",
    "check_bundle",
    "coarse_time",
    "default_rules",
    "density_key",
    "drive_of",
    "hide",
    "learnt_places",
    "plan",
    "send_after",
    "stops_of",
    "thinned",
    "told_claim",
    "visits_of",
]
