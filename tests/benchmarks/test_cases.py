"""All inputs of a folder of generators beside the checkout, if there is one."""

from __future__ import annotations

from pathlib import Path

import pytest
from cases import Case, judge, list_cases

GENERATORS = Path(__file__).parents[3] / "shared" / "cases"


@pytest.mark.slow
@pytest.mark.shared
@pytest.mark.skipif(not GENERATORS.is_dir(), reason="the generators are not beside the checkout")
@pytest.mark.parametrize("case", list(list_cases()), ids=lambda case: case.name.replace(" ", "-"))
def test_inputs_as_people_have_them_are_understood(tmp_path: Path, case: Case) -> None:
    verdict, output = judge(case, GENERATORS, tmp_path)
    assert verdict == "right", output
