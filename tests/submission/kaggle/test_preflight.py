from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from helpers.photos import Heard

from ensembler.errors import KaggleError
from ensembler.submission.kaggle.facts import CompetitionFacts, SubmissionLimits
from ensembler.submission.kaggle.preflight import check_limits, check_open, describe_outlook, run_preflight

NOW = datetime(2026, 3, 4, 20, 30, tzinfo=UTC)
OPEN = CompetitionFacts("pets", "Log Loss", NOW + timedelta(days=30), None, 5, True, False, False)


def test_an_open_competition():
    check_open(OPEN)


def test_a_notebook_is_taken_whether_or_not_csvs_are():
    check_open(replace(OPEN, code_only=True), notebook=True)
    check_open(OPEN, notebook=True)
    with pytest.raises(KaggleError, match="accepts no submissions"):
        check_open(replace(OPEN, closed=True), notebook=True)


class Kaggle:
    """Tells the same whatever it is asked about."""

    def __init__(self, facts=OPEN, limits=None):
        self.facts, self.told = facts, limits

    def fetch_competition(self, slug, progress):
        return self.facts

    def fetch_limits(self, slug, progress):
        return self.told


def test_looking_ahead_tells_what_is_good_to_know():
    heard = Heard()
    run_preflight(Kaggle(limits=SubmissionLimits(1, 4, False)), "pets", heard)
    assert heard.notes[0] == "4 submissions left today, 1 made."


@pytest.mark.parametrize(
    ("facts", "limits", "notebook", "says"),
    [
        (OPEN, SubmissionLimits(5, 0, True), False, "used up"),
        (OPEN, SubmissionLimits(5, 0, True), True, "used up"),
        (replace(OPEN, code_only=True), None, False, "ensembler.notebook"),
        (replace(OPEN, entered=False), None, True, "rules"),
    ],
)
def test_looking_ahead_refuses_what_kaggle_would(facts, limits, notebook, says):
    with pytest.raises(KaggleError, match=says):
        run_preflight(Kaggle(facts, limits), "pets", Heard(), notebook=notebook)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"closed": True}, "pets accepts no submissions"),
        ({"code_only": True}, r"ensembler\.notebook\(push=True, submit=True\)"),
        ({"entered": False}, "https://www.kaggle.com/competitions/pets/rules"),
    ],
)
def test_a_competition_that_takes_no_csv_from_us(change, says):
    with pytest.raises(KaggleError, match=says):
        check_open(replace(OPEN, **change))


@pytest.mark.parametrize("limits", [None, SubmissionLimits(4, 1, False), SubmissionLimits(0, 5, True)])
def test_one_more_is_taken(limits):
    check_limits("pets", limits, NOW)


@pytest.mark.parametrize(
    ("limits", "now", "says"),
    [
        (SubmissionLimits(5, 0, False), NOW, r"\(5 made\).* in 3 h 30 min"),
        (SubmissionLimits(5, 0, False), NOW.astimezone(timezone(timedelta(hours=9))), " in 3 h 30 min"),
        (SubmissionLimits(5, 0, False), NOW.replace(hour=0, minute=0), " in 24 h 0 min"),
        (SubmissionLimits(5, 0, True), NOW, "are used up"),
        (SubmissionLimits(0, 0, False), NOW, "no submissions from you today"),
    ],
)
def test_none_is_taken(limits, now, says):
    with pytest.raises(KaggleError, match=says):
        check_limits("pets", limits, now)


@pytest.mark.parametrize(
    ("deadline", "limits", "told"),
    [
        (None, None, []),
        (NOW + timedelta(days=30), SubmissionLimits(1, 4, False), ["4 submissions left today, 1 made."]),
        (NOW + timedelta(days=30), SubmissionLimits(4, 1, False), ["1 submission left today, 4 made."]),
        (NOW + timedelta(hours=25, minutes=5), None, ["The deadline is 2026-03-05 21:35 UTC, in 25 h 5 min."]),
        (
            NOW - timedelta(days=1),
            None,
            ["The deadline was 2026-03-03 20:30 UTC: the submission is scored, but not ranked."],
        ),
    ],
)
def test_outlook(deadline, limits, told):
    assert describe_outlook(replace(OPEN, deadline=deadline), limits, NOW) == told
