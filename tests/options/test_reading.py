from __future__ import annotations

import inspect
import re
from pathlib import Path
from typing import Any, Unpack

import click
import pytest

from ensembler.backbones.custom import make_custom_backbone
from ensembler.callers import address_command_line, format_option
from ensembler.cli import commands
from ensembler.errors import BadChoice
from ensembler.options.declared import TrainingOptions
from ensembler.options.phases import Phase
from ensembler.options.reading import OPTIONS, RUN, read_options, show_options

# For each option: a valid value, the value that is read, and an invalid value.
VALUES: dict[str, tuple[Any, Any, Any]] = {
    "weights": ("imagenet", "imagenet", ""),
    "unfreeze": ("last:3", "last:3", "most"),
    "epochs": ("5", 5, 0),
    "learning_rate": ("1e-3", 0.001, 0),
    "batch_norm": ("train", "train", "on"),
    "phases": (["all epochs=1 learning-rate=1"], (Phase("all", 1, 1.0),), []),
    "head": ("random", "random", "Random"),
    "pooling": ("max", "max", "sum"),
    "hidden": ("0", 0, -1),
    "dropout": (0.5, 0.5, 1.0),
    "flips": (False, False, "no"),
    "augmentation": ("strong", "strong", "weak"),
    "label_smoothing": (0, 0.0, 1),
    "class_weights": ("balanced", "balanced", "even"),
    "exclude": (Path("check/doubts.csv"), "check/doubts.csv", 5),
    "relabel": ("labels.csv", "labels.csv", 5),
    "weight_decay": (0.01, 0.01, -0.1),
    "clip_norm": (0, 0.0, -1),
    "first_block_rate": (1, 1.0, 0),
    "ema": (0.99, 0.99, 1),
    "patience": (0, 0, -1),
    "precision": ("auto", "auto", "int8"),
    "tta": ("crops", "crops", "all"),
    "image_size": (8, 8, 7),
    "batch_size": (1, 1, 0),
    "seed": ("7", 7, 2**31),
    "backbones": (["nets:build,size=96"], (make_custom_backbone("nets:build", image_size=96),), 5),
    "data_parallel": (True, True, 1),
}


def test_each_option_is_declared_once_for_all() -> None:
    assert OPTIONS.keys() == TrainingOptions.__annotations__.keys() == VALUES.keys()


@pytest.mark.parametrize("name", [*RUN, *OPTIONS])
def test_each_option_has_a_placeholder_and_a_sentence(name: str) -> None:
    option = (RUN | OPTIONS)[name]
    assert option.metavar or option.kind is bool or option.default is False
    assert re.fullmatch(r"[A-Z][^\n]*\.", option.help)


def test_help_includes_defaults() -> None:
    shown = {name: option.help.partition(" By default ")[2] for name, option in OPTIONS.items()}
    assert (shown["weights"], shown["hidden"], shown["learning_rate"]) == ("imagenet.", "0.", "0.0001.")
    assert (shown["epochs"], shown["data_parallel"]) == ("", "")


def test_help_of_a_function_shows_all_options() -> None:
    @show_options(OPTIONS)
    def train(_members: str, **options: Unpack[TrainingOptions]) -> None:
        """Train."""

    signature = inspect.signature(train)
    assert list(signature.parameters) == ["_members", *OPTIONS]
    assert (train.__doc__ or "").startswith("Train.\n\nOptions\n-------\n    weights\n        Initial weights")


@pytest.mark.parametrize("name", OPTIONS)
def test_what_fits_is_read(name: str) -> None:
    given, read, _ = VALUES[name]
    assert read_options({name: given}) == {name: read}
    assert read_options({name.replace("_", "-"): given}) == {name: read}
    assert read_options({format_option(name).lstrip("-"): given}) == {name: read}


@pytest.mark.parametrize("name", OPTIONS)
def test_what_does_not_fit_is_one_sentence_with_option_value_and_place(name: str) -> None:
    wrong = VALUES[name][2]
    with pytest.raises(BadChoice) as caught:
        read_options({name: wrong})
    assert str(caught.value).startswith(f"{name} ")
    assert str(caught.value).endswith(f". Received: {wrong}")
    with address_command_line(), pytest.raises(BadChoice, match=f"^{format_option(name)} "):
        read_options({name: wrong})
    with pytest.raises(BadChoice, match=rf"^{name} in a\.toml "):
        read_options({name: wrong}, "a.toml")


@pytest.mark.parametrize("command", ["train-members", "config"])
def test_the_command_line_has_the_same_options(command: str) -> None:
    found = commands.commands[command]
    options = [
        each
        for each in found.get_params(click.Context(found, help_option_names=["-h", "--help"]))
        if isinstance(each, click.Option)
    ]
    named = {found.name: found for found in options}
    assert set(OPTIONS) <= named.keys()
    for name in OPTIONS:
        assert named[name].opts == [format_option(name)]
        # The command line knows only text and booleans. The values are checked in one place.
        assert isinstance(named[name].type, click.types.StringParamType | click.types.BoolParamType)
        assert named[name].multiple == (name in ("phases", "backbones"))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"epcohs": 3}, "There is no option named 'epcohs': did you mean epochs"),
        ({"batch_size": 3, "batch-size": 3}, "The call sets batch_size twice"),
        ({"augment": "none", "augmentation": "none"}, "The call sets augmentation twice"),
        ({"phases": ["all epochs=1 learning-rate=1"], "epochs": 3}, "either phases or epochs: a phase sets"),
    ],
    ids=str,
)
def test_wrong_options_are_refused(options: dict[str, Any], words: str) -> None:
    with pytest.raises(BadChoice, match=words):
        read_options(options)


def test_a_file_is_named() -> None:
    with pytest.raises(BadChoice, match=r"no option in a\.toml named 'epcohs'"):
        read_options({"epcohs": 3}, "a.toml")
    with pytest.raises(BadChoice, match=r"no option in a\.toml named 'seed'"):
        read_options({"seed": 3}, "a.toml", excluded=["seed"])
    with pytest.raises(BadChoice, match=r"either phases or epochs in a\.toml"):
        read_options({"phases": ["all epochs=1 learning-rate=1"], "epochs": 3}, "a.toml")


def test_none_leaves_an_option_open() -> None:
    assert read_options({"epochs": None, "seed": 3}) == {"seed": 3}
    with pytest.raises(BadChoice, match="no option named 'epcohs'"):
        read_options({"epcohs": None})
