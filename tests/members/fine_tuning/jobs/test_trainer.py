"""Training on rows made here: what is kept, what is mended, what a device more changes."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.photos import Heard
from helpers.trainings_made import (
    BATCH,
    PIXELS,
    TARGETS,
    TRAINED,
    Photos,
    far_apart,
    lesson,
    log_loss_of,
    network,
    trained,
    troubled,
)

from ensembler.errors import BadChoice, Interrupted
from ensembler.events import EpochBegan, EpochEnded
from ensembler.members.allotment import Allotment, PhaseEpochs
from ensembler.members.fine_tuning.checkpoints import Checkpoints
from ensembler.members.fine_tuning.epoch_budget import EpochBudget
from ensembler.members.fine_tuning.jobs.devices import Devices
from ensembler.members.fine_tuning.jobs.trainer import Trainer
from ensembler.options.phases import Phase
from ensembler.progress import Progress


def test_the_network_learns_and_the_history_tells() -> None:
    training, model = trained(phases=(replace(TRAINED, epochs=12),))
    losses = [row["training_loss"] for row in training.history]
    assert losses[-1] < 0.6 * losses[0]
    assert training.history[-1]["held_out_log_loss"] == pytest.approx(log_loss_of(model)["held_out"], abs=1e-6)
    assert [row["epoch"] for row in training.history] == list(range(1, 13))


def test_each_epoch_is_told_and_written_down() -> None:
    heard = Heard()
    training, _ = trained(heard, phases=(Phase("none", 1, 0.01), Phase("all", 2, 0.01)))
    begun = [event for event in heard.events if isinstance(event, EpochBegan)]
    ended = [event for event in heard.events if isinstance(event, EpochEnded)]
    assert heard.events == [event for pair in zip(begun, ended, strict=True) for event in pair]
    places = [
        (event.phase, event.phase_number, event.phases, event.epoch, event.epochs, event.overall) for event in ended
    ]
    assert places == [("none", 1, 2, 1, 1, 1), ("all", 2, 2, 1, 2, 2), ("all", 2, 2, 2, 2, 3)]
    assert [event.overall for event in begun] == [1, 2, 3]
    assert ended[2].learning_rate < ended[1].learning_rate < 0.01
    assert ended[2].learning_rate == pytest.approx(0, abs=1e-6)
    for event, row in zip(ended, training.history, strict=True):
        assert event.photos_a_second == pytest.approx(40 / event.seconds, rel=0.1)
        assert row["training_loss"] == event.training_loss
        assert row["held_out_log_loss"] == event.held_out_log_loss
        assert (row["val_log_loss"], event.val_log_loss) == ("", None)
        assert (row["learning_rate"], row["memory"]) == (event.learning_rate, event.memory or "")
        assert row["photos_a_second"] == pytest.approx(event.photos_a_second, abs=1e-3)


def test_the_training_loss_counts_each_photo_once() -> None:
    training, _ = trained(phases=(Phase("none", 1, 1e-9),))
    probabilities = np.array(network()(PIXELS.astype("f4"), training=False))
    expected = -np.mean(TARGETS * np.log(probabilities) + (1 - TARGETS) * np.log(1 - probabilities))
    assert training.history[0]["training_loss"] == pytest.approx(expected, rel=1e-4)


def test_the_same_seed_gives_the_same_network() -> None:
    first, second = trained()[1], trained()[1]
    assert far_apart(first, second) == 0


def test_phases_follow_each_other_each_with_its_own_layers() -> None:
    start = network()
    training, model = trained(phases=(Phase("none", 2, 0.05), Phase("last:1", 1, 0.05)))
    assert [(row["phase"], row["epoch"]) for row in training.history] == [("none", 1), ("none", 2), ("last:1", 1)]
    backbone_then, backbone_now = start.layers[1].get_weights(), model.layers[1].get_weights()
    moved = [not np.array_equal(*pair) for pair in zip(backbone_then, backbone_now, strict=True)]
    assert moved == [False, False, False, False, True, True]  # three convolutions, the last of which was unfrozen
    assert not np.array_equal(start.layers[2].get_weights()[0], model.layers[2].get_weights()[0])


def test_the_running_mean_is_what_is_judged_and_kept() -> None:
    _, plain = trained()
    training, mean = trained(ema=0.9)
    assert far_apart(plain, mean) > 1e-4
    assert training.history[-1]["held_out_log_loss"] == pytest.approx(log_loss_of(mean)["held_out"], abs=1e-6)


def test_the_running_mean_does_not_change_what_is_learned() -> None:
    """Keras would put it in the place of the weights at the end of each epoch."""
    plain, mean = trained()[0], trained(ema=0.9)[0]
    assert [row["training_loss"] for row in mean.history] == [row["training_loss"] for row in plain.history]


def watched(losses: list[float], kept: list[Any]) -> Callable[[Any], dict[str, float]]:
    def judge(model: Any) -> dict[str, float]:
        kept.append([weight.copy() for weight in model.get_weights()])
        return {"validation": losses[len(kept) - 1], "held_out": 0.0}

    return judge


@pytest.mark.parametrize("ema", [0.0, 0.9])
def test_patience_keeps_the_best_epoch_and_stops_behind_it(ema: float) -> None:
    kept: list[Any] = []
    heard = Heard()
    judge = watched([0.5, 0.3, 0.4, 0.35, 0.1], kept)
    training, model = trained(heard, evaluate=judge, patience=2, ema=ema, phases=(replace(TRAINED, epochs=5),))
    assert len(training.history) == 4
    assert all(np.array_equal(*pair) for pair in zip(model.get_weights(), kept[1], strict=True))
    assert any("no improvement for 2 epochs" in note for note in heard.notes)


def test_without_patience_the_last_epoch_is_kept() -> None:
    kept: list[Any] = []
    training, model = trained(evaluate=watched([0.5, 0.3, 0.4], kept))
    assert len(training.history) == 3
    assert all(np.array_equal(*pair) for pair in zip(model.get_weights(), kept[2], strict=True))


@pytest.mark.parametrize(("most", "parts"), [(8, 2), (4, 4)])
def test_out_of_memory_takes_batches_in_parts_with_the_same_result(most: int, parts: int) -> None:
    heard = Heard()
    _, expected = trained(weight_decay=0.01, clip_norm=1.0)
    training, model = trained(heard, most=most, weight_decay=0.01, clip_norm=1.0)
    assert training.history[0]["batch"] == f"{BATCH // parts} x {parts}"
    assert far_apart(expected, model) < 1e-4
    assert any("out of memory" in warning for warning in heard.warnings)


@pytest.mark.slow
def test_tensorflow_says_out_of_memory_as_we_understand_it() -> None:
    """TensorFlow waits ten seconds for memory before it gives up."""
    _, expected = trained()
    training, model = trained(build=troubled(most=8))
    assert training.history[0]["batch"] == "8 x 2"
    assert far_apart(expected, model) < 1e-4


def test_a_photo_too_large_for_memory_is_told() -> None:
    with pytest.raises(BadChoice, match="1 photos of 8 pixels do not fit into memory"):
        trained(most=0)


def test_another_error_is_not_taken_for_want_of_memory() -> None:
    def judge(_: Any) -> dict[str, float]:
        raise RuntimeError("a bug of ours")

    with pytest.raises(RuntimeError, match="a bug of ours"):
        trained(evaluate=judge)


@pytest.mark.slow
def test_a_loss_that_is_no_number_goes_back_to_float32_and_half_the_rate() -> None:
    heard = Heard()
    build = troubled(numbers=lambda dtype: dtype == "float32")
    training, model = trained(heard, build=build, precision="bfloat16")
    _, expected = trained(phases=(replace(TRAINED, learning_rate=TRAINED.learning_rate / 2),))
    assert [row["precision"] for row in training.history] == ["float32"] * 3
    assert far_apart(expected, model) < 1e-5
    assert sum("NaN or infinite" in warning for warning in heard.warnings) == 1


class PoisonedPhotos(Photos):
    """Its second epoch has a label that is no number, when it is asked for first; keeps the weights met each time."""

    def __init__(self) -> None:
        super().__init__()
        self.training: Any = None
        self.met: list[tuple[int, Any]] = []

    def iterate_epoch(self, number: int, **options: Any) -> Iterator[Any]:
        self.met.append((number, self.training.model.get_weights()))
        poisoned = number == 1 and len(self.met) == 2
        for pixels, targets, weights in super().iterate_epoch(number, **options):
            yield pixels, np.full_like(targets, np.nan) if poisoned else targets, weights


def test_a_loss_that_becomes_no_number_goes_back_to_the_epoch_before() -> None:
    heard, photos = Heard(), PoisonedPhotos()
    poisoned = replace(lesson(precision="bfloat16"), photos=photos)  # type: ignore[arg-type]
    photos.training = Trainer(poisoned, Devices(data_parallel=False, batch_size=BATCH, progress=heard), heard)
    photos.training.run()
    numbers, weights = zip(*photos.met, strict=True)
    assert numbers == (0, 1, 1, 2)
    assert not np.array_equal(weights[0][0], weights[1][0])
    assert all(np.array_equal(*pair) for pair in zip(weights[1], weights[2], strict=True))
    assert [row["precision"] for row in photos.training.history] == ["bfloat16", "float32", "float32"]
    assert len(heard.warnings) == 1
    assert "NaN or infinite in epoch 2. The epoch is repeated in float32 with half" in heard.warnings[0]


def test_a_second_time_it_is_told() -> None:
    with pytest.raises(BadChoice, match="not finite, even in float32 with half the learning rate"):
        trained(build=troubled(numbers=lambda _: False))


# NumPy tells of a rate too large for float32, which is what is wanted here.
@pytest.mark.filterwarnings("ignore:overflow encountered in cast:RuntimeWarning")
def test_weights_that_the_last_step_spoils_are_noticed() -> None:
    """One step an epoch: its loss is known before the weights become too large for numbers."""
    heard = Heard()
    with pytest.raises(BadChoice, match="not finite, even in float32"):
        trained(heard, batch_size=48, phases=(Phase("all", 1, 1e39),))
    assert sum("NaN or infinite in epoch 1" in warning for warning in heard.warnings) == 1


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
@pytest.mark.slow
def test_sixteen_bits_learn_too_and_predict_in_float32(precision: str) -> None:
    training, model = trained(precision=precision, phases=(replace(TRAINED, epochs=12),))
    losses = [row["training_loss"] for row in training.history]
    assert losses[-1] < 0.7 * losses[0]
    assert {layer.compute_dtype for layer in model.layers[1].layers} == {"float32"}
    assert training.model.layers[1].layers[2].layers[1].compute_dtype == precision
    assert training.model.output.dtype == "float32"
    assert training.history[-1]["held_out_log_loss"] == pytest.approx(log_loss_of(model)["held_out"], abs=1e-6)


def allotted(seconds: float, grace: float = 1e6) -> Any:
    return replace(
        lesson(phases=(Phase("all", 200, 0.01, "train"),)),
        allotment=Allotment(time.time() + seconds, grace, (PhaseEpochs(200, 0.2, 2.0),), 0.0),
    )


def keep_pace(training: Trainer, seconds: float = 0.2) -> Trainer:
    """Give a training a clock by which each epoch takes the same time, however busy the machine is."""
    learner, allotment = training.learner, training.fold_task.allotment
    assert allotment

    def count_epochs() -> float:
        # There is no optimizer before the first phase.
        return int(learner.optimizer.iterations) / learner.steps if hasattr(learner, "optimizer") else 0.0

    began = allotment.until - 6.0 - seconds * count_epochs()
    phases = training.fold_task.settings.phases
    training.budget = EpochBudget(phases, learner.steps, allotment, lambda: began + seconds * count_epochs())
    return training


def read_rate(training: Trainer) -> float:
    return float(training.learner.optimizer._get_current_learning_rate())


def test_a_budget_ends_a_phase_early_and_its_rate_at_nothing() -> None:
    progress = Heard()
    training = Trainer(allotted(6.0), Devices(data_parallel=False, batch_size=BATCH, progress=progress), progress)
    keep_pace(training).run()
    assert 20 < len(training.history) < 31
    assert 20 < sum(row["share"] for row in training.history) < 31
    assert read_rate(training) < 1e-5


def test_a_budget_that_is_over_stops_within_an_epoch() -> None:
    progress = Heard()
    training = Trainer(
        allotted(-10.0, 0.0), Devices(data_parallel=False, batch_size=BATCH, progress=progress), progress
    )
    training.run()
    (row,) = training.history
    assert row["share"] == pytest.approx(1 / 3, abs=1e-3)
    assert np.isfinite(row["training_loss"])


class Ending(Progress):
    """Asks for the end at the look with this number."""

    def __init__(self, looks: int) -> None:
        self.looks = looks

    @property
    def stopping(self) -> bool:
        self.looks -= 1
        return self.looks < 0


def test_a_training_within_a_budget_goes_on_at_the_pace_that_is_left(tmp_path: Path) -> None:
    """Interrupted within an epoch, then given less time than it had; in the end its rate is nothing all the same."""
    devices, path = Devices(data_parallel=False, batch_size=BATCH, progress=Heard()), tmp_path / "a.npz"
    with pytest.raises(Interrupted, match=r"in epoch 4 of \d+ of m, fold 0"):
        Trainer(allotted(1e4), devices, Ending(10), Checkpoints(path, "me")).run()
    again = Trainer(allotted(6.0), devices, Heard(), Checkpoints(path, "me"))
    assert (again.state.done, again.state.step) == (9, 1)
    keep_pace(again).run()
    assert 20 < len(again.history) < 40
    assert read_rate(again) < 1e-5
    shares = [row["share"] for row in again.history]
    assert again.state.done == round(3 * sum(shares))
    assert all(math.isfinite(row["training_loss"]) for row in again.history)


@pytest.mark.parametrize("step", [0, 1])
def test_without_a_budget_a_training_that_was_cut_short_goes_on_to_all_its_epochs(step: int, tmp_path: Path) -> None:
    phases = (Phase("none", 2, 0.05), Phase("all", 3, 0.01))
    devices, path = Devices(data_parallel=False, batch_size=BATCH, progress=Heard()), tmp_path / "a.npz"
    over = Allotment(time.time() - 10, 0.0, (PhaseEpochs(2, 0.2), PhaseEpochs(3, 0.2)), 0.0)
    cut = Trainer(replace(lesson(phases=phases), allotment=over), devices, Heard(), Checkpoints(path, "me"))
    cut.run()
    assert [(row["phase"], row["share"]) for row in cut.history] == [("none", 0.333)]
    again = Trainer(lesson(phases=phases), devices, Ending(step) if step else Heard(), Checkpoints(path, "me"))
    if step:
        with pytest.raises(Interrupted):
            again.run()
        again = Trainer(lesson(phases=phases), devices, Heard(), Checkpoints(path, "me"))
    again.run()
    shares = [(row["phase"], row["share"]) for row in again.history]
    assert shares == [("none", 0.333), ("none", 1.0), ("none", 0.667), ("all", 1.0), ("all", 1.0), ("all", 1.0)]
    assert float(again.learner.optimizer._get_current_learning_rate()) == pytest.approx(0, abs=1e-7)


def test_the_loss_of_a_part_of_an_epoch_is_that_of_its_photos() -> None:
    over = Allotment(time.time() - 10, 0.0, (PhaseEpochs(1, 0.2),), 0.0)
    part = replace(lesson(phases=(Phase("none", 1, 1e-9),)), allotment=over)
    training = Trainer(part, Devices(data_parallel=False, batch_size=BATCH, progress=Heard()), Heard())
    training.run()
    rows = np.random.default_rng([part.seed, 0]).permutation(40)[:BATCH]
    probabilities, labels = np.array(network()(PIXELS[rows].astype("f4"), training=False)), TARGETS[rows]
    expected = -np.mean(labels * np.log(probabilities) + (1 - labels) * np.log(1 - probabilities))
    assert training.history[0]["training_loss"] == pytest.approx(expected, rel=1e-4)
