from __future__ import annotations

from typing import Any

import pytest

from ensembler.errors import BadChoice
from ensembler.options.kinds import InvalidValue, read_value
from ensembler.options.phases import Phase, Unfreeze, read_phase


@pytest.mark.parametrize(
    "words", ["none", "all", "last:1", "last:20", "from:block5", "from:conv4_block1", "from:stage-2.a"]
)
def test_what_may_be_unfrozen(words: str) -> None:
    assert read_value("unfreeze", Unfreeze, words) == words


@pytest.mark.parametrize(
    "words", ["", "some", "last:0", "last:", "last:x", "from:", "from:a b", "all ", "all\n", "ALL", 3, None]
)
def test_invalid_trainable_parts_are_refused(words: object) -> None:
    with pytest.raises(BadChoice, match=r"unfreeze takes none, all, last:N or from:BLOCK\. Received"):
        read_value("unfreeze", Unfreeze, words)


@pytest.mark.parametrize(
    ("data", "phase"),
    [
        ("all epochs=10 learning-rate=1e-4", Phase("all", 10, 1e-4, "frozen")),
        ("from:block5 epochs=5 learning-rate=1e-3 batch-norm=train", Phase("from:block5", 5, 1e-3, "train")),
        ("  learning_rate=1  unfreeze=last:3 epochs=2 ", Phase("last:3", 2, 1.0)),
        ({"unfreeze": "all", "epochs": 1, "learning-rate": 0.5, "batch_norm": "train"}, Phase("all", 1, 0.5, "train")),
        (Phase("none", 3, 1e-3), Phase("none", 3, 1e-3)),
    ],
    ids=["typed", "batch norm", "any order", "table", "phase"],
)
def test_a_phase_is_read(data: Any, phase: Phase) -> None:
    assert read_phase(data) == phase


@pytest.mark.parametrize("rate", [1e-4, 5e-05, 0.123456789, 1.0])
def test_a_phase_is_written_as_it_is_read(rate: float) -> None:
    phase = Phase("from:block5", 5, rate, "train")
    assert read_phase(str(phase)) == phase


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ("", "is not a phase"),
        ("all", "lacks epochs and learning-rate"),
        ("all epochs=5", "lacks learning-rate"),
        ("epochs=5 learning-rate=1", "lacks unfreeze"),
        ("all epochs=5 epochs=6 learning-rate=1", "is not a phase"),
        ("all epochs 5 learning-rate=1", "is not a phase"),
        ("all epochs= learning-rate=1", "is not a phase"),
        ("all epochs=5 learning-rte=1", "did you mean learning_rate"),
        ("all epochs=0 learning-rate=1", r"epochs of the phase '.*' must be a whole number, at least 1\. Received: 0"),
        ("all epochs=5 learning-rate=0", r"learning-rate of the phase '.*' must be a number, above 0\. Received: 0"),
        ("most epochs=5 learning-rate=1", r"unfreeze of the phase '.*' takes none, all, .* Received: most"),
        ("all epochs=5 learning-rate=1 batch-norm=on", "takes frozen or train. Received: on"),
        ({"unfreeze": "all", "epochs": "x", "learning_rate": 1}, "epochs of the phase 'unfreeze=all epochs=x"),
        ({"epoch": 3}, "did you mean epochs"),
    ],
    ids=str,
)
def test_invalid_phases_are_refused(data: Any, words: str) -> None:
    with pytest.raises(BadChoice, match=words):
        read_phase(data)


@pytest.mark.parametrize("data", [3, None, ["all"]], ids=str)
def test_other_types_are_not_phases(data: Any) -> None:
    with pytest.raises(InvalidValue, match="takes phases"):
        read_phase(data)
