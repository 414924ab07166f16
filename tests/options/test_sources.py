from __future__ import annotations

import pytest

from ensembler.errors import BadChoice
from ensembler.options.declared import TrainingOptions
from ensembler.options.phases import Phase
from ensembler.options.sources import OptionSource, merge_sources

ONE, OTHER = Phase("all", 1, 0.1), Phase("none", 2, 0.2)
DEFAULTS: TrainingOptions = {"unfreeze": "none", "epochs": 3, "learning_rate": 0.5, "batch_norm": "frozen"}


def merged(*options: TrainingOptions) -> TrainingOptions:
    return merge_sources([OptionSource(str(number), options) for number, options in enumerate(options)]).options


def test_later_layers_win_and_each_value_knows_its_source() -> None:
    found = merge_sources(
        [OptionSource("low", {"epochs": 1, "seed": 1}), OptionSource("high", {"epochs": 2}), OptionSource("top", {})]
    )
    assert found.options == {"epochs": 2, "seed": 1}
    assert found.sources == {"epochs": "high", "seed": "low"}


@pytest.mark.parametrize(
    ("options", "found"),
    [
        ([DEFAULTS, {"phases": [ONE]}], {"phases": [ONE]}),
        ([DEFAULTS, {"phases": [ONE]}, {"phases": [OTHER]}], {"phases": [OTHER]}),
        ([DEFAULTS, {"phases": [ONE], "seed": 1}, {"unfreeze": "all"}], {**DEFAULTS, "seed": 1, "unfreeze": "all"}),
        ([DEFAULTS, {"phases": [ONE]}, {"unfreeze": "all", "epochs": 9}], {**DEFAULTS, "unfreeze": "all", "epochs": 9}),
        ([DEFAULTS, {"epochs": 9}, {"phases": [ONE]}], {"phases": [ONE]}),
        (
            [DEFAULTS, {"phases": [ONE]}, {"unfreeze": "all"}, {"epochs": 9}],
            {**DEFAULTS, "unfreeze": "all", "epochs": 9},
        ),
    ],
    ids=["phases", "other phases", "unfreeze", "unfreeze and epochs", "phases at last", "epochs after unfreeze"],
)
def test_phases_and_a_single_phase_replace_each_other(options: list[TrainingOptions], found: TrainingOptions) -> None:
    assert merged(*options) == found


@pytest.mark.parametrize("option", [{"epochs": 9}, {"learning_rate": 1.0}, {"batch_norm": "train"}], ids=str)
def test_half_a_single_phase_over_phases_is_refused(option: TrainingOptions) -> None:
    name = next(iter(option))
    with pytest.raises(BadChoice, match=rf"either phases or {name} \(command line; the phases are from a\.toml\)"):
        merge_sources(
            [
                OptionSource("default", DEFAULTS),
                OptionSource("a.toml", {"phases": [ONE]}),
                OptionSource("command line", option),
            ]
        )


def test_sources_are_those_of_the_options_that_are_left() -> None:
    found = merge_sources([OptionSource("default", DEFAULTS), OptionSource("a.toml", {"phases": [ONE]})])
    assert found.sources == {"phases": "a.toml"}
