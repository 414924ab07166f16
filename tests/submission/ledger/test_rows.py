from __future__ import annotations

import dataclasses
import json
from datetime import datetime, timedelta, timezone

import pytest
from helpers.ledger_rows import NOON, ROW

from ensembler.submission.ledger.rows import FIELD_NAMES, Row, drop_non_finite, format_utc


@pytest.mark.parametrize(
    ("told", "gap", "in_errors"),
    [
        ({}, 0.003, 1.5),
        ({"public": 0.036}, -0.004, -2.0),
        ({"larger_is_better": True, "own": 0.9, "public": 0.88, "own_error": 0.01}, 0.02, 2.0),
        ({"larger_is_better": True, "own": 0.9, "public": 0.93, "own_error": 0.01}, -0.03, -3.0),
        ({"own_error": None}, 0.003, None),
        ({"own_error": 0.0}, 0.003, None),
        ({"public": None}, None, None),
        ({"own": None}, None, None),
        ({"larger_is_better": None}, None, None),
        ({"public": 0.0, "own": 0.0}, 0.0, 0.0),
    ],
)
def test_a_positive_gap_is_a_public_score_worse_than_our_own(told, gap, in_errors):
    row = dataclasses.replace(ROW, **told)
    assert row.gap == (None if gap is None else pytest.approx(gap))
    assert row.gap_in_errors == (None if in_errors is None else pytest.approx(in_errors))


def test_the_time_of_a_row_is_that_of_the_last_that_happened():
    begun = dataclasses.replace(ROW, submitted=None)
    assert [row.when.minute for row in (ROW, begun, dataclasses.replace(begun, began=None))] == [2, 1, 0]


def test_fields_are_all_that_is_known_in_json():
    told = json.loads(json.dumps(ROW.to_json(), allow_nan=False))
    assert tuple(told) == FIELD_NAMES
    assert set(FIELD_NAMES) == {field.name for field in dataclasses.fields(Row)} | {
        "source",
        "when",
        "gap",
        "gap_in_errors",
    }
    assert told["path"] == "/s/dogs/a.csv"
    assert told["members"] == [{"name": "b0", "fingerprint": "0123"}]
    assert (told["made"], told["when"]) == ("2026-01-31T12:00:00Z", "2026-01-31T12:02:00Z")
    assert (told["source"], told["private"]) == ("stack", None)
    assert dataclasses.replace(ROW, stack="").to_json()["source"] == "by hand"


@pytest.mark.parametrize(
    "time",
    [NOON, NOON.replace(tzinfo=None), NOON.astimezone(timezone(timedelta(hours=9))), NOON.replace(microsecond=9)],
)
def test_times_are_written_in_utc(time):
    assert format_utc(time) == "2026-01-31T12:00:00Z"
    assert datetime.fromisoformat(format_utc(time)) == NOON


@pytest.mark.parametrize(("number", "kept"), [(0.0, 0.0), (-1.5, -1.5), (None, None), (float("nan"), None)])
def test_numbers_that_json_cannot_hold_are_none(number, kept):
    assert drop_non_finite(number) == kept
    assert drop_non_finite(float("-inf")) is None
