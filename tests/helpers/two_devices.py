"""Run in a process of its own, since devices must be set up before TensorFlow looks at them: one device against two."""

from __future__ import annotations

import json
import sys
from typing import Any

import tensorflow as tf

INGREDIENTS = {"ema": 0.9, "weight_decay": 0.01, "clip_norm": 1.0, "first_block_rate": 0.1, "label_smoothing": 0.1}


def trained(*, spread: bool, **changes: Any) -> tuple[Any, Any]:
    """Train the lesson of the other tests; return the training and its network."""
    from helpers.photos import Heard
    from helpers.trainings_made import BATCH, lesson

    from ensembler.members.fine_tuning.jobs.devices import Devices
    from ensembler.members.fine_tuning.jobs.trainer import Trainer

    devices = Devices(data_parallel=spread, batch_size=changes.get("batch_size", BATCH), progress=Heard())
    assert devices.count == (2 if spread else 1)
    training = Trainer(lesson(**changes), devices, Heard())
    return training, training.run()


def difference(**changes: Any) -> dict[str, float]:
    """Largest differences in losses and weights."""
    from helpers.trainings_made import far_apart

    (one, alone), (two, together) = (trained(spread=spread, **changes) for spread in (False, True))
    pairs = zip(one.history, two.history, strict=True)
    return {
        "losses": max(abs(a["training_loss"] - b["training_loss"]) for a, b in pairs),
        "weights": far_apart(alone, together),
    }


def broken_off(**changes: Any) -> float:
    """Largest difference in weights that an interruption within an epoch makes."""
    import tempfile
    from pathlib import Path

    from helpers.photos import Heard
    from helpers.stopping import Stopping
    from helpers.trainings_made import BATCH, far_apart, lesson

    from ensembler.errors import Interrupted
    from ensembler.members.fine_tuning.checkpoints import Checkpoints
    from ensembler.members.fine_tuning.jobs.devices import Devices
    from ensembler.members.fine_tuning.jobs.trainer import Trainer

    with tempfile.TemporaryDirectory() as place:
        for progress in (Stopping(5), Heard()):
            devices = Devices(data_parallel=True, batch_size=BATCH, progress=progress)
            checkpoints = Checkpoints(Path(place) / "a.npz", "me")
            training = Trainer(lesson(**changes), devices, progress, checkpoints)
            try:
                model = training.run()
            except Interrupted:
                assert training.state.step
    return far_apart(trained(spread=True, **changes)[1], model)


def refusal(**changes: Any) -> str:
    """Return what is said of a training that cannot be."""
    from ensembler.errors import BadChoice

    try:
        trained(spread=True, **changes)
    except BadChoice as error:
        return str(error)
    return "nothing"


def main() -> None:
    """Print what differs."""
    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    told = {
        "plain": difference(),
        "all": difference(**INGREDIENTS),
        "broken off": broken_off(**INGREDIENTS),
        "memory": refusal(most=8),
        "uneven": refusal(batch_size=3),
    }
    sys.stdout.write("\n" + json.dumps(told))


if __name__ == "__main__":
    main()
