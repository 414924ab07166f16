"""Checks before an upload that Kaggle accepts a submission at all."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from ...errors import KaggleError
from ...progress import Progress
from .errors import build_rules_url, build_submissions_url
from .facts import CompetitionFacts, SubmissionLimits

if TYPE_CHECKING:
    from .competitions import KaggleCompetitions


def run_preflight(kaggle: KaggleCompetitions, slug: str, progress: Progress, *, notebook: bool = False) -> None:
    """Make sure that Kaggle accepts one more submission, and report how many are left and the deadline.

    ``notebook`` says whether a notebook is to be submitted, which competitions that take CSVs accept, too.
    """
    facts, limits = kaggle.fetch_competition(slug, progress), kaggle.fetch_limits(slug, progress)
    now = datetime.now(UTC)
    check_open(facts, notebook=notebook)
    check_limits(slug, limits, now)
    for message in describe_outlook(facts, limits, now):
        progress.note(message)


def check_open(facts: CompetitionFacts, *, notebook: bool = False) -> None:
    """Make sure that the competition accepts CSVs from us, or a notebook."""
    slug = facts.slug
    if facts.closed:
        raise KaggleError(f"{slug} accepts no submissions, not even late ones: see {build_submissions_url(slug)}.")
    if facts.code_only and not notebook:
        raise KaggleError(
            f"{slug} accepts submissions only from notebooks: make one with `ensembler notebook --push --submit`."
        )
    if not facts.entered:
        raise KaggleError(f"You have not joined {slug}: accept its rules at {build_rules_url(slug)} and try again.")


def check_limits(slug: str, limits: SubmissionLimits | None, now: datetime) -> None:
    """Make sure that one more submission is accepted today; Kaggle's days begin at midnight UTC."""
    if limits is None or limits.remaining > 0:
        return
    if limits.by_total:
        raise KaggleError(f"{slug} accepts no more submissions from your team, whose total is used up.")
    if not limits.used_today:
        raise KaggleError(f"{slug} accepts no submissions from you today: see {build_submissions_url(slug)}.")
    midnight = (now.astimezone(UTC) + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
    raise KaggleError(
        f"Today's submissions to {slug} are used up ({limits.used_today} made): the next is accepted after midnight "
        f"UTC, in {_format_hours(midnight - now)}."
    )


def _format_hours(time: timedelta) -> str:
    hours, seconds = divmod(int(time.total_seconds()), 3600)
    return f"{hours} h {seconds // 60} min"


def describe_outlook(facts: CompetitionFacts, limits: SubmissionLimits | None, now: datetime) -> list[str]:
    """Report how many submissions are left today, and the deadline if it is near."""
    messages = []
    if limits is not None:
        messages.append(
            f"{limits.remaining} more submission{'' if limits.remaining == 1 else 's'} today, {limits.used_today} made."
        )
    if facts.deadline is None:
        return messages
    left = facts.deadline - now
    if left < timedelta(0):
        messages.append(f"The deadline was {facts.deadline:%Y-%m-%d %H:%M} UTC: this is scored, but not ranked.")
    elif left < timedelta(days=3):
        messages.append(f"The deadline is {facts.deadline:%Y-%m-%d %H:%M} UTC, in {_format_hours(left)}.")
    return messages
