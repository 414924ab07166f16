from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from ensembler.errors import KaggleError
from ensembler.submission.kaggle.access_errors import explain_access_error
from ensembler.submission.kaggle.errors import AccessDenied, TransientError
from ensembler.submission.kaggle.facts import CompetitionFacts

NOW = datetime.now(UTC)
DAY = timedelta(days=1)
PETS = CompetitionFacts("cats-and-dogs", "Log Loss", NOW + 9 * DAY, None, 5, False, False, False)


class Kaggle:
    """Knows one competition, if any, and finds slugs by a word in them."""

    def __init__(self, facts=None, slugs=(), trouble=None):
        self.known, self.slugs, self.trouble, self.searched = facts, slugs, trouble, []

    def request_facts(self, slug):
        if self.known is None:
            raise AccessDenied("403", slug, rules=False)
        return self.known

    def search_competitions(self, text):
        self.searched.append(text)
        if self.trouble:
            raise self.trouble
        return [slug for slug in self.slugs if any(word in slug for word in text.split())]


def told(kaggle, slug="cats-and-dogs", *, rules=False):
    return str(explain_access_error(AccessDenied("Accept the rules.", slug, rules=rules), kaggle))


def test_rules_are_told_as_they_are():
    assert told(Kaggle(), rules=True) == "Accept the rules."


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({}, "join it and accept its rules at https://www.kaggle.com/competitions/cats-and-dogs/rules"),
        ({"entered": True, "entry_deadline": NOW - DAY}, "join it"),
        ({"entry_deadline": NOW + DAY}, "join it"),
        ({"entry_deadline": NOW - 9 * DAY, "deadline": NOW - DAY}, "join it"),
        ({"entry_deadline": NOW - DAY}, f"no new entrants since {NOW - DAY:%Y-%m-%d}"),
    ],
)
def test_a_competition_that_kaggle_knows(change, says):
    assert says in told(Kaggle(replace(PETS, **change)))


@pytest.mark.parametrize(
    ("slug", "near"),
    [
        ("cat-and-dogs", "did you mean cats-and-dogs?"),
        ("cats-n-dogs", "did you mean cats-and-dogs?"),
        ("whales", "check the slug"),
    ],
)
def test_a_slug_that_kaggle_does_not_know(slug, near):
    kaggle = Kaggle(slugs=("cats-and-dogs", "dogs-of-the-world-and-their-owners"))
    sentence = told(kaggle, slug)
    assert repr(slug) in sentence
    assert near in sentence
    assert f"competitions/{slug}/rules" in sentence
    assert 1 <= len(kaggle.searched) <= 3


def test_a_search_that_fails_is_no_error_of_its_own():
    assert "check the slug" in told(Kaggle(trouble=TransientError("Busy.")), "cats")


def test_a_competition_that_cannot_be_asked_about_just_now_is_no_typo():
    kaggle = Kaggle(slugs=["cats"])
    kaggle.request_facts = lambda slug: (_ for _ in ()).throw(KaggleError("Busy."))
    assert told(kaggle, "cats") == "Accept the rules."


def test_the_slug_itself_is_not_near():
    assert "did you mean" not in told(Kaggle(slugs=["cats"]), "cats")
