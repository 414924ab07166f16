"""What Kaggle would refuse whatever the CSV says, found out before it is uploaded."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Protocol

from ...errors import KaggleError
from ...progress import Progress
from .errors import rules_page, submissions_page
from .facts import CompetitionFacts, Limits


class Asked(Protocol):
    """What is needed of Kaggle here."""

    def competition(self, slug: str, progress: Progress, /) -> CompetitionFacts:
        """Ask what Kaggle knows of a competition."""

    def limits(self, slug: str, progress: Progress, /) -> Limits | None:
        """Ask how many more submissions are taken today."""


def look_ahead(kaggle: Asked, slug: str, progress: Progress, *, notebook: bool = False) -> None:
    """Make sure that Kaggle takes one more submission, and tell what is good to know.

    Parameters
    ----------
    notebook : bool
        Whether a notebook is to be submitted, which competitions take that take CSVs, too.

    Raises
    ------
    KaggleError
        If it takes none.
    """
    facts, limits, now = kaggle.competition(slug, progress), kaggle.limits(slug, progress), datetime.now(UTC)
    check_open(facts, notebook=notebook)
    check_limits(slug, limits, now)
    for told in outlook(facts, limits, now):
        progress.note(told)


def check_open(facts: CompetitionFacts, *, notebook: bool = False) -> None:
    """Make sure that the competition takes CSVs from us, or a notebook.

    Raises
    ------
    KaggleError
        If it takes no submissions, takes them from notebooks alone, or we have not joined it.
    """
    slug = facts.slug
    if facts.closed:
        raise KaggleError(f"{slug} takes no submissions, neither in time nor late: see {submissions_page(slug)}.")
    if facts.code_only and not notebook:
        raise KaggleError(
            f"{slug} takes submissions from notebooks alone: make one with `ensembler notebook --push --submit`."
        )
    if not facts.entered:
        raise KaggleError(f"You have not joined {slug}: accept its rules at {rules_page(slug)} and try again.")


def check_limits(slug: str, limits: Limits | None, now: datetime) -> None:
    """Make sure that one more submission is taken today; Kaggle's days begin at midnight UTC.

    Raises
    ------
    KaggleError
        If none is.
    """
    if limits is None or limits.left > 0:
        return
    if limits.by_total:
        raise KaggleError(f"{slug} takes no more submissions from your team, whose total is used up.")
    if not limits.today:
        raise KaggleError(f"{slug} takes no submissions from you today: see {submissions_page(slug)}.")
    midnight = (now.astimezone(UTC) + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
    hours, seconds = divmod(int((midnight - now).total_seconds()), 3600)
    raise KaggleError(
        f"Today's submissions to {slug} are used up ({limits.today} made): the next is taken after midnight UTC, in "
        f"{hours} h {seconds // 60} min."
    )


def outlook(facts: CompetitionFacts, limits: Limits | None, now: datetime) -> list[str]:
    """Tell what is good to know before a submission: how many are left today, and how long there is."""
    told = []
    if limits is not None:
        told.append(f"{limits.left} more submission{'' if limits.left == 1 else 's'} today, {limits.today} made.")
    if facts.deadline is None:
        return told
    left = facts.deadline - now
    if left < timedelta(0):
        told.append(f"The deadline was {facts.deadline:%Y-%m-%d %H:%M} UTC: this is scored, but not ranked.")
    elif left < timedelta(days=3):
        hours, seconds = divmod(int(left.total_seconds()), 3600)
        told.append(f"The deadline is {facts.deadline:%Y-%m-%d %H:%M} UTC, in {hours} h {seconds // 60} min.")
    return told
