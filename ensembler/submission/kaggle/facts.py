"""Facts from Kaggle about a competition, a submission, and the limits of submissions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

Status = Literal["PENDING", "COMPLETE", "ERROR"]


@dataclass(frozen=True)
class CompetitionFacts:
    """Facts about a competition. Times are UTC, or None.

    ``metric`` is Kaggle's name of the metric. ``entered`` is whether the user joined the competition and accepted its
    rules. ``code_only`` competitions accept submissions only from notebooks. ``closed`` ones accept none.
    """

    slug: str
    metric: str
    deadline: datetime | None
    entry_deadline: datetime | None
    daily_limit: int
    entered: bool
    code_only: bool
    closed: bool


@dataclass(frozen=True)
class Submission:
    """A submission in Kaggle's list. Scores may be None. ``reason`` explains a failure."""

    ref: int
    status: Status
    public: float | None = None
    private: float | None = None
    reason: str = ""
    when: datetime | None = None
    file_name: str = ""
    description: str = ""
    total_bytes: int = 0


@dataclass(frozen=True)
class SubmissionLimits:
    """Numbers of submissions made today (UTC) and remaining.

    With ``by_total`` the competition's total limit applies, which does not renew tomorrow.
    """

    used_today: int
    remaining: int
    by_total: bool
