from __future__ import annotations

import pytest

from ensembler.console.formatting import format_duration, format_memory, format_rate


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-1, "0:00"),
        (7.4, "0:07"),
        (65, "1:05"),
        (3600, "1:00:00"),
        (86399, "23:59:59"),
        (2 * 86400 + 61, "2 d 0:01:01"),
    ],
)
def test_times(seconds: float, words: str) -> None:
    assert format_duration(seconds) == words


@pytest.mark.parametrize(
    ("memory", "gpu", "words"),
    [(None, None, ""), (1_440_000_000, None, "1.4 GB"), (10**9, 12 * 10**9, "1.0 + 12.0 GB"), (None, 10**9, "1.0 GB")],
)
def test_memory(memory: int | None, gpu: int | None, words: str) -> None:
    assert format_memory(memory, gpu) == words


@pytest.mark.parametrize(("rate", "words"), [(None, ""), (0.0, ""), (7.84, "7.8"), (118.4, "118")])
def test_rates(rate: float | None, words: str) -> None:
    assert format_rate(rate) == words
