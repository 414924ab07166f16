"""What Kaggle knows of a competition, of a submission, and of the limits of submissions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

Status = Literal["PENDING", "COMPLETE", "ERROR"]


@dataclass(frozen=True)
class CompetitionFacts:
    """A competition as Kaggle describes it; times are UTC, None where Kaggle names none.

    ``metric`` is Kaggle's name of it. ``entered`` says whether we joined the competition, which needs its rules
    accepted. ``code_only`` competitions accept submissions from notebooks alone. ``closed`` ones accept none.
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
    """A submission as Kaggle lists it; scores are None until there are any, ``reason`` is why it failed."""

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
    """Numbers of submissions that were made today (UTC) and that are still accepted.

    ``by_total`` says that the competition's total is the limit, so that none is accepted tomorrow either.
    """

    used_today: int
    remaining: int
    by_total: bool
