"""Process in which ``gpu.py`` measures the package's networks on any backend of Keras.

It reads settings as a line of JSON from standard input, and writes a line of JSON for each result. Without settings, it
writes the device and the versions. Nothing here imports TensorFlow directly.
"""

from __future__ import annotations

import importlib
import json
import math
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

# By default, JAX uses three quarters of a GPU's memory, and TensorFlow nearly all.
os.environ.setdefault("XLA_PYTHON_CLIENT_MEM_FRACTION", "0.95")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np

from ensembler.backbones.jobs.build import build_backbone
from ensembler.backbones.jobs.precision import use_precision
from ensembler.backbones.registry import find_backbone
from ensembler.heads.jobs.keras_heads import build_random_head
from ensembler.heads.jobs.losses import LogLoss, compute_class_weights
from ensembler.inference.jobs.networks import join_head
from ensembler.members.fine_tuning.jobs.optimizer import build_optimizer
from ensembler.members.fine_tuning.jobs.recovery import is_out_of_memory
from ensembler.members.fine_tuning.jobs.unfreezing import compute_layer_rates, unfreeze
from ensembler.options.declared import TrainingOptions
from ensembler.options.resolve import choose_settings

# Result of one measurement.
Line = dict[str, Any]

# Number of the head's classes. The head is small beside the backbone.
CLASSES = 100
# Largest number of steps of a timed run.
MOST_STEPS = 500

# Defaults on a GPU, except for random weights, which are as fast as others.
OPTIONS: TrainingOptions = {
    "weights": "none",
    "unfreeze": "all",
    "head": "random",
    "epochs": 5,
    "learning_rate": 1e-4,
    "batch_norm": "frozen",
    "first_block_rate": 0.1,
}


@dataclass(frozen=True)
class Setting:
    """Measurement of one process.

    Attributes
    ----------
    backbone, precision
        Names of the backbone and of the precision.
    xla
        Whether XLA compiles the network. Without it, JAX runs each operation separately.
    mode
        ``training`` or ``prediction``.
    batches
        Photos per step, in increasing order.
    size
        Height and width of the photos in pixels.
    seconds
        Approximate seconds of a timed run.
    repeats
        Number of timed runs, whose median counts.
    most_steps
        Largest number of steps of a timed run.
    only_compile
        Whether to run only one step of each size, without results.
    """

    backbone: str
    precision: Any
    xla: bool
    mode: str
    batches: tuple[int, ...]
    size: int
    seconds: float
    repeats: int
    most_steps: int = MOST_STEPS
    only_compile: bool = False


def facts() -> dict[str, str]:
    """Return the device and the versions of the results."""
    backend = keras.backend.backend()
    names = ["keras", *(("jax", "jaxlib") if backend == "jax" else (backend,))]
    return {
        "device": device_name(backend),
        "backend": backend,
        "versions": ", ".join([f"{name} {version(name)}" for name in names] + [f"Python {platform.python_version()}"]),
    }


def device_name(backend: str) -> str:
    """Return the name of the backend's default device."""
    library = importlib.import_module(backend)
    if backend == "jax":
        kinds = [device.device_kind for device in library.devices() if device.platform != "cpu"]
    elif backend == "tensorflow":
        details = library.config.experimental.get_device_details
        kinds = [details(gpu).get("device_name", "GPU") for gpu in library.config.list_physical_devices("GPU")]
    else:
        kinds = [library.cuda.get_device_name(number) for number in range(library.cuda.device_count())]
    return kinds[0] if kinds else f"CPU, {processor()}, {os.cpu_count()} cores"


def processor() -> str:
    """Return the name of the processor."""
    told = Path("/proc/cpuinfo")
    lines = told.read_text("utf-8").splitlines() if told.is_file() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def photos_and_targets(batch: int, size: int) -> tuple[Any, Any]:
    """Return noise in the form of decoded photos, and a class for each."""
    random = np.random.default_rng(0)
    photos = random.integers(0, 256, (batch, size, size, 3), dtype=np.uint8)
    return photos, np.eye(CLASSES, dtype=np.float32)[random.integers(0, CLASSES, batch)]


def network(setting: Setting) -> Any:
    """Build and compile the network as fine-tuning does."""
    backbone = find_backbone(setting.backbone)
    settings, _ = choose_settings(backbone, {**OPTIONS, "image_size": setting.size, "precision": setting.precision})
    phase = settings.phases[0]
    with use_precision(setting.precision):
        features = build_backbone(backbone, setting.size, "none", settings.seed)
        shares = np.full(CLASSES, 1 / CLASSES)
        head = build_random_head(int(features.output_shape[-1]), shares, settings.seed, multiclass=True)
        model = join_head(features, head, setting.backbone)
    unfreeze(features, phase)
    rates = compute_layer_rates(features, settings.first_block_rate)
    weights = compute_class_weights(np.eye(CLASSES, dtype=np.float32), "none", multiclass=True)
    optimizer = build_optimizer(model, settings, rates)
    optimizer.start(phase.learning_rate, 10_000)
    model.compile(
        optimizer=optimizer,
        loss=LogLoss(multiclass=True, smoothing=0.0, weights=weights),
        jit_compile=setting.xla,
    )
    return model


def stretch(model: Any, setting: Setting, batch: int) -> Callable[[int], None]:
    """Return a function that runs a number of steps on photos in memory."""
    photos, targets = photos_and_targets(batch, setting.size)
    counting = np.ones(batch, np.float32)

    def batches(steps: int) -> Iterator[tuple[Any, ...]]:
        for _ in range(steps):
            yield photos, targets, counting

    def train(steps: int) -> None:
        fitted = model.fit(batches(steps), steps_per_epoch=steps, epochs=1, verbose=0, shuffle=False)
        # Reading the loss waits for the last step.
        if not math.isfinite(float(fitted.history["loss"][0])):
            raise ArithmeticError("the loss is not finite")

    def predict(steps: int) -> None:
        for _ in range(steps):
            model.predict_on_batch(photos)

    return train if setting.mode == "training" else predict


def photos_a_second(work: Callable[[int], None], setting: Setting, batch: int) -> float:
    """Return the median rate of several timed runs, after steps that compile and warm up."""
    work(2)
    steps = max(1, min(setting.most_steps, math.ceil(setting.seconds / timed(work, min(3, setting.most_steps)))))
    return batch / statistics.median(timed(work, steps) for _ in range(setting.repeats))


def timed(work: Callable[[int], None], steps: int) -> float:
    """Return the seconds per step."""
    began = time.perf_counter()
    work(steps)
    return (time.perf_counter() - began) / steps


def measure(setting: Setting, tell: Callable[[Line], None]) -> None:
    """Build the network and measure it."""
    stretch_of = partial(stretch, network(setting), setting)
    if setting.only_compile:
        for batch in setting.batches:
            stretch_of(batch)(1)
    else:
        measure_each(stretch_of, setting, tell)


def measure_each(
    stretch_of: Callable[[int], Callable[[int], None]], setting: Setting, tell: Callable[[Line], None]
) -> None:
    """Measure one batch size after another, until one does not fit into memory."""
    for batch in setting.batches:
        try:
            rate = photos_a_second(stretch_of(batch), setting, batch)
        except Exception as error:  # noqa: BLE001  # shown in the table; other batches may succeed
            if is_out_of_memory(error):
                tell({"batch": batch, "outcome": "memory"})
                return
            tell({"batch": batch, "outcome": "failed", "words": f"{type(error).__name__}: {str(error)[:300]}"})
        else:
            tell({"batch": batch, "outcome": "measured", "rate": rate})


def main() -> None:
    told = sys.stdin.readline()
    results = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    # The output of libraries must not mix with the results.
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())

    def tell(line: Line) -> None:
        results.write(json.dumps(line) + "\n")
        results.flush()

    if not told.strip():
        tell(facts())
        return
    setting = json.loads(told)
    measure(Setting(**{**setting, "batches": tuple(setting["batches"])}), tell)


if __name__ == "__main__":
    main()
