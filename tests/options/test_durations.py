from __future__ import annotations

import pytest

from ensembler.options.durations import format_duration, read_duration
from ensembler.options.kinds import InvalidValue


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("90s", 90),
        ("10m", 600),
        ("1h30m", 5400),
        ("1h 30m", 5400),
        ("2H", 7200),
        ("0.5h", 1800),
        ("1h1m1s", 3661),
        (45, 45),
        (1.5, 1.5),
    ],
)
def test_lengths_of_time_are_read(value: object, seconds: float) -> None:
    assert read_duration(value) == seconds


@pytest.mark.parametrize("value", ["", "90", "m", "10 minutes", "-1h", "30m1h", "0s", 0, -3, True, None, float("inf")])
def test_what_is_no_length_of_time_is_refused(value: object) -> None:
    with pytest.raises(InvalidValue, match="90s, 10m, 1h30m or 2h"):
        read_duration(value)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.2, "0s"), (59.6, "1m"), (45, "45s"), (340, "5m 40s"), (3599.7, "1h"), (5400, "1h 30m"), (7229, "2h")],
)
def test_lengths_of_time_are_written(seconds: float, text: str) -> None:
    assert format_duration(seconds) == text


@pytest.mark.parametrize("seconds", [1, 59, 61, 3600, 5460, 86_400])
def test_what_is_written_can_be_read(seconds: int) -> None:
    assert read_duration(format_duration(seconds)) == seconds
