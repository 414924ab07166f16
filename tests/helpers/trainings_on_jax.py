"""Trainings of a small network on JAX, run in a process of its own, which prints what was found as JSON."""

from __future__ import annotations

import json
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import jax
import numpy as np
from helpers.photos import Heard
from helpers.stopping import Stopping
from helpers.trainings_made import BATCH, TARGETS, far_apart, lesson

from ensembler.errors import BadChoice, Interrupted
from ensembler.members.fine_tuning.checkpoints import NO_CHECKPOINTS, Checkpoints
from ensembler.members.fine_tuning.jobs.compiled_networks import CompiledNetworks
from ensembler.members.fine_tuning.jobs.devices import Devices
from ensembler.members.fine_tuning.jobs.trainer import Trainer
from ensembler.options.phases import Phase

PHASES = (Phase("none", 1, 0.01), Phase("all", 1, 0.003, "train"))
# All that could make the step of one fold another one's.
INGREDIENTS: dict[str, Any] = {
    "phases": PHASES,
    "ema": 0.9,
    "weight_decay": 0.01,
    "clip_norm": 1.0,
    "first_block_rate": 0.1,
    "class_weights": "balanced",
}
COMPILATIONS: list[float] = []


def make_training(
    fold: int = 0,
    networks: CompiledNetworks | None = None,
    checkpoints: Checkpoints = NO_CHECKPOINTS,
    heard: Heard | None = None,
    **changes: Any,
) -> Trainer:
    """Return the training of a fold, whose labels have other class weights than those of other folds."""
    progress = heard or Heard()
    task = replace(lesson(**{**INGREDIENTS, **changes}), targets=TARGETS[fold:], fold=fold)
    devices = Devices(data_parallel=False, batch_size=BATCH, progress=progress)
    return Trainer(task, devices, progress, checkpoints, networks)


def count_compilations(precision: str) -> tuple[list[int], float]:
    """Return the compilations of three folds in turn, and how far the last is from the same fold by itself."""
    networks, counts = CompiledNetworks(), []
    for fold in range(3):
        before = len(COMPILATIONS)
        model = make_training(fold, networks, precision=precision).run()
        counts.append(len(COMPILATIONS) - before)
    return counts, far_apart(model, make_training(2, precision=precision).run())


def resume_within_an_epoch() -> tuple[int, float]:
    """Return the step of an interruption, and how far the resumed training is from one without it."""
    with tempfile.TemporaryDirectory() as place:
        stored = Checkpoints(Path(place) / "a.npz", "me")
        stopped = make_training(checkpoints=stored, heard=Stopping(5))
        try:
            stopped.run()
        except Interrupted:
            step = stopped.state.step
        return step, far_apart(make_training(checkpoints=stored).run(), make_training().run())


def run_out_of_memory() -> dict[str, Any]:
    """Fail in a step whose weights JAX has taken, as a full device does."""
    heard = Heard()
    training = make_training(heard=heard)
    training.begin_phase(0)
    model, failed = training.learner.model, []
    model.make_train_function()
    step = model.train_function

    def fail_once(state: Any, iterator: Any) -> Any:
        if not failed:
            failed.append(len([variable for variable in training.learner.network.variables if variable._value is None]))
            raise RuntimeError("RESOURCE_EXHAUSTED: Out of memory while trying to allocate 8 bytes.")
        return step(state, iterator)

    model.train_function = fail_once
    trained = training.run()
    return {
        "taken": failed,
        "warnings": heard.warnings,
        "parts": training.learner.accumulation_steps,
        "difference": far_apart(trained, make_training().run()),
    }


def refuse_data_parallel() -> str:
    """Return what is said of several devices."""
    try:
        Devices(data_parallel=True, batch_size=BATCH, progress=Heard())
    except BadChoice as error:
        return str(error)
    return "nothing"


def main() -> None:
    """Print what was found."""

    def listen(name: str, seconds: float, **_: Any) -> None:
        if name == "/jax/core/compile/backend_compile_duration":
            COMPILATIONS.append(seconds)

    jax.monitoring.register_event_duration_secs_listener(listen)
    found = {
        "float32": count_compilations("float32"),
        "float16": count_compilations("float16"),
        "resumed": resume_within_an_epoch(),
        "memory": run_out_of_memory(),
        "data parallel": refuse_data_parallel(),
    }
    sys.stdout.write("\n" + json.dumps(found, default=np.ndarray.tolist))


if __name__ == "__main__":
    main()
