"""What anybody may know of reports and decisions, as of the last daily batch: counts, what waits, sentences."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from dashlight.store.moderated import REFUSED, UPLOAD
from dashlight.store.told_figures import told_figures


def figures(connection: sa.Connection, *, today: int) -> dict[str, Any]:
    """Return the public figures as JSON.

    Args:
        connection: To read with.
        today: Days since 1970-01-01.
    """
    months: dict[str, dict[str, Any]] = {}
    told = told_figures(connection)
    for count in told.counts:
        month = months.setdefault(count.month, {"month": count.month, "refused_uploads": 0, "pictures": []})
        if (count.issue, count.decision) == (UPLOAD, REFUSED):
            month["refused_uploads"] = count.pictures
        else:
            month["pictures"].append({"issue": count.issue, "decision": count.decision, "count": count.pictures})
    oldest = told.oldest_day
    return {
        "months": list(months.values()),
        "waiting": {
            "pictures": told.waiting,
            "days": None if oldest is None else max(0, today - oldest),
        },
        "statements": [
            {
                "month": each.month,
                "issue": each.issue,
                "decision": each.decision,
                "reason": each.reason,
                "sentence": each.sentence,
            }
            for each in told.statements
        ],
    }
