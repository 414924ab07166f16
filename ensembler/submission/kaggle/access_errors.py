"""Explanation of denied access, since Kaggle's response is the same for rules, closed entry and mistyped slugs."""

from __future__ import annotations

import contextlib
import difflib
from datetime import UTC, datetime
from typing import Protocol

from ...errors import KaggleError
from .errors import AccessDenied, build_rules_url
from .facts import CompetitionFacts


class CompetitionSearch(Protocol):
    """The part of Kaggle's API that is needed to explain an error."""

    def request_facts(self, slug: str, /) -> CompetitionFacts:
        """Return facts about a competition, without retries."""

    def search_competitions(self, text: str, /) -> list[str]:
        """Return the slugs of competitions that Kaggle finds for a text."""


def explain_access_error(denial: AccessDenied, kaggle: CompetitionSearch) -> KaggleError:
    """Return the error that explains why Kaggle denied access to a competition by 403 or 404.

    The facts about the competition are requested, and similar competitions if Kaggle does not know it.
    """
    if denial.rules:
        return denial
    slug = denial.slug
    try:
        facts = kaggle.request_facts(slug)
    except AccessDenied:
        similar = _find_similar_slugs(slug, kaggle)
    except KaggleError:
        return denial
    else:
        begin, end, now = facts.entry_deadline, facts.deadline, datetime.now(UTC)
        if not facts.entered and begin and end and begin < now < end:
            return KaggleError(
                f"{slug} has accepted no new entrants since {begin:%Y-%m-%d}: wait for its end on {end:%Y-%m-%d}, when "
                "late submissions may open, or choose another competition."
            )
        return KaggleError(
            f"Kaggle denies you access to {slug}: join it and accept its rules at {build_rules_url(slug)}, then "
            "try again."
        )
    hint = f"did you mean {' or '.join(similar)}?" if similar else "check the slug in the address of its page."
    return KaggleError(
        f"Kaggle has no competition {slug!r} that is open to you: {hint} If the slug is correct, join the competition "
        f"and accept its rules at {build_rules_url(slug)}."
    )


def _find_similar_slugs(slug: str, kaggle: CompetitionSearch) -> list[str]:
    """Search for competitions with slugs similar to a mistyped one."""
    words = sorted(slug.split("-"), key=len, reverse=True)
    found: set[str] = set()
    for text in dict.fromkeys([slug.replace("-", " "), *words[:2]]):
        with contextlib.suppress(KaggleError):
            found.update(kaggle.search_competitions(text))
    return difflib.get_close_matches(slug, sorted(found - {slug}), n=3, cutoff=0.5)
