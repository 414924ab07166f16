"""What Kaggle tells: of a competition, of a submission, and how many more it takes today."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

Status = Literal["PENDING", "COMPLETE", "ERROR"]


@dataclass(frozen=True)
class CompetitionFacts:
    """A competition as Kaggle describes it; times are UTC, None where Kaggle names none.

    ``metric`` is Kaggle's own name of it. ``entered`` says whether we joined the competition, which needs its rules
    accepted. ``code_only`` competitions take submissions from notebooks alone. ``closed`` ones take none.
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
    """A submission as Kaggle lists it; scores are None until there are any, ``reason`` tells why it failed."""

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
    """How many submissions were made today (UTC) and how many more are taken.

    ``by_total`` tells that the competition's own total is what limits them, so that tomorrow brings none either.
    """

    used_today: int
    remaining: int
    by_total: bool
