"""Checks, before an upload, that Kaggle accepts a submission."""

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
    """Raise ``KaggleError`` if Kaggle does not accept another submission; report the remaining number and the deadline.

    ``notebook`` is whether a notebook is submitted, which competitions of CSVs accept, too.
    """
    facts, limits = kaggle.fetch_competition(slug, progress), kaggle.fetch_limits(slug, progress)
    now = datetime.now(UTC)
    check_open(facts, notebook=notebook)
    check_limits(slug, limits, now)
    for message in describe_outlook(facts, limits, now):
        progress.note(message)


def check_open(facts: CompetitionFacts, *, notebook: bool = False) -> None:
    """Raise ``KaggleError`` if the competition does not accept a CSV, or a notebook, from the user."""
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
    """Raise ``KaggleError`` if no submission is left today. Kaggle's days begin at midnight UTC."""
    if limits is None or limits.remaining > 0:
        return
    if limits.by_total:
        raise KaggleError(f"All submissions of your team to {slug} are used up: see {build_submissions_url(slug)}.")
    if not limits.used_today:
        raise KaggleError(f"{slug} accepts no submissions from you today: see {build_submissions_url(slug)}.")
    midnight = (now.astimezone(UTC) + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
    raise KaggleError(
        f"Today's submissions to {slug} are used up ({limits.used_today} made): submit again after midnight UTC, in "
        f"{_format_hours(midnight - now)}."
    )


def _format_hours(time: timedelta) -> str:
    hours, seconds = divmod(int(time.total_seconds()), 3600)
    return f"{hours} h {seconds // 60} min"


def describe_outlook(facts: CompetitionFacts, limits: SubmissionLimits | None, now: datetime) -> list[str]:
    """Return messages about the remaining submissions of today, and about a near or past deadline."""
    messages = []
    if limits is not None:
        messages.append(
            f"{limits.remaining} submission{'' if limits.remaining == 1 else 's'} left today, {limits.used_today} made."
        )
    if facts.deadline is None:
        return messages
    left = facts.deadline - now
    if left < timedelta(0):
        messages.append(
            f"The deadline was {facts.deadline:%Y-%m-%d %H:%M} UTC: the submission is scored, but not ranked."
        )
    elif left < timedelta(days=3):
        messages.append(f"The deadline is {facts.deadline:%Y-%m-%d %H:%M} UTC, in {_format_hours(left)}.")
    return messages
