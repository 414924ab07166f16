from __future__ import annotations

from pathlib import Path

import pytest
from helpers.survey_made import surveyed

from ensembler.paths import Workspace
from ensembler.workflows.survey.answers import TypedOptions, find_smallest_good, suggest_commands
from ensembler.workflows.survey.result import BestCombination

# Standard errors are 0.01.
FOUND = [
    surveyed("tiny", 0.2, 1, accuracy=0.96),
    surveyed("small", 0.109, 2, accuracy=0.97),
    surveyed("large", 0.1, 3, accuracy=0.98),
]
HERE = Workspace(Path("data"), Path("submissions"))


@pytest.mark.parametrize(
    ("accuracy", "name"), [(None, "small"), (0.5, "tiny"), (0.97, "small"), (0.975, "large"), (0.99, None)]
)
def test_the_smallest_that_is_good_enough(accuracy: float | None, name: str | None) -> None:
    found, words = find_smallest_good(FOUND, accuracy)
    assert (found.name if found else None) == name
    assert words == (
        "a log loss within one standard error of the best, 0.1100"
        if accuracy is None
        else f"an accuracy of {accuracy:g}"
    )


def test_commands_train_the_three_with_the_options_of_the_survey() -> None:
    trio = BestCombination(("b", "a", "c"), 0.1, "a", 0.0, 0.0)
    commands = suggest_commands(FOUND[0], trio, TypedOptions("my weights", 96, 7, HERE, "cats"))
    assert commands == (
        "ensembler train-members --members b,a,c --weights 'my weights' --image-size 96 --seed 7 -c cats",
        "ensembler stack --members b,a,c -c cats",
    )
    alone = suggest_commands(FOUND[0], None, TypedOptions(None, None, 0, HERE, ""))
    assert alone == ("ensembler train-members --members tiny", "ensembler stack --members tiny")
