from __future__ import annotations

import pytest

from ensembler.figures import format_parameters, format_score, format_signed


@pytest.mark.parametrize(
    ("score", "error", "shown"),
    [(0.04, 0.002, "0.0400 ± 0.0020"), (0.04, None, "0.0400"), (0.04, float("nan"), "0.0400"), (None, 0.002, "")],
)
def test_a_score_stands_beside_its_standard_error(score: float | None, error: float | None, shown: str) -> None:
    assert format_score(score, error) == shown


def test_differences_have_signs_and_parameters_have_millions() -> None:
    assert [format_signed(value) for value in (0.01, -0.01, float("nan"))] == ["+0.0100", "-0.0100", ""]
    assert [format_parameters(value) for value in (2_257_984, 99_999)] == ["2.26 M", "99,999"]
