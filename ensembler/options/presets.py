"""Defaults of options, by preset, family of the backbone, initial weights and machine."""

from __future__ import annotations

from dataclasses import dataclass

from ..backbones.registry import Backbone, Precision
from ..images.augmentation import Augmentation
from .batch_size import DEFAULT_BATCH_SIZE, choose_batch_size
from .declared import Preset, TrainingOptions
from .reading import DEFAULTS, RUN
from .sources import OptionSource

DEFAULT_PRESET: Preset = RUN["preset"].default

# Names of sources of defaults.
NO_GPU = "no GPU"
NO_WEIGHTS = "weights none"
NO_FLIPS = "no flips"

PRESETS: dict[Preset, TrainingOptions] = {
    "quick": {
        "unfreeze": "none",
        "epochs": 3,
        "flips": False,
        "augmentation": "none",
        "label_smoothing": 0.0,
        "ema": 0.0,
        "tta": "none",
    },
    "good": {
        "unfreeze": "all",
        "epochs": 5,
        "flips": True,
        "augmentation": "crops",
        "label_smoothing": 0.0,
        "ema": 0.0,
        "tta": "flip",
    },
    "best": {
        "unfreeze": "all",
        "epochs": 10,
        "flips": True,
        "augmentation": "strong",
        "label_smoothing": 0.0,
        "ema": 0.99,
        "tta": "crops",
    },
}

# On a CPU, fine-tuning takes hours, so the user has to request it.
CPU_OPTIONS: dict[Preset, TrainingOptions] = {"good": {"unfreeze": "none"}}

# Families that need other values than most, by the beginning of their names.
FAMILY_OPTIONS: dict[str, TrainingOptions] = {
    # Without BatchNormalization, larger steps ruin it: Chollet, Deep Learning with Python, 2nd edition (2021), 8.3.
    "vgg": {"learning_rate": 1e-5},
    # Liu et al., A ConvNet for the 2020s (2022): the rate of its fine-tuning and the decay of its training.
    "convnext": {"learning_rate": 5e-5, "weight_decay": 0.05},
}

# Random weights need longer and faster training, and their BatchNormalization has no statistics yet.
FROM_SCRATCH_OPTIONS: TrainingOptions = {
    "unfreeze": "all",
    "epochs": 20,
    "learning_rate": 1e-3,
    "batch_norm": "train",
    "head": "random",
    "first_block_rate": 1.0,
}

# The networks of the demo classify digits of 8 pixels, which must not be mirrored.
TINY_OPTIONS: TrainingOptions = {
    "learning_rate": 5e-3,
    "flips": False,
    "augmentation": "none",
    "label_smoothing": 0.0,
    "weight_decay": 0.0,
    "clip_norm": 0.0,
    "first_block_rate": 1.0,
    "ema": 0.0,
    "precision": "float32",
    "tta": "none",
}


@dataclass(frozen=True)
class Machine:
    """Hardware that training may use.

    Attributes
    ----------
    memory_bytes
        Memory of the smallest GPU, or of the machine without a GPU. 0 if unknown.
    compute_capabilities
        Compute capability of each GPU, such as ``(8, 0)``. Empty on a CPU.
    """

    memory_bytes: int = 0
    compute_capabilities: tuple[tuple[int, int], ...] = ()

    @property
    def gpus(self) -> int:
        """Number of GPUs."""
        return len(self.compute_capabilities)

    @property
    def precision(self) -> Precision:
        """Fastest data type that all GPUs support: bfloat16 since Ampere (8.0), float16 since Volta (7.0)."""
        generation = min(self.compute_capabilities, default=(0, 0))[0]
        return "bfloat16" if generation >= 8 else "float16" if generation == 7 else "float32"


def list_default_sources(
    backbone: Backbone | None, user_options: TrainingOptions, preset: Preset, machine: Machine
) -> list[OptionSource]:
    """List the sources of defaults, the strongest last.

    Parameters
    ----------
    backbone
        Backbone of the member. None omits the image size and the batch size.
    user_options
        Options that the user set. Some defaults depend on them.
    preset
        Preset in force.
    machine
        Machine that trains the member.
    """
    is_custom = backbone is not None and backbone.is_custom
    sources = [OptionSource("default", DEFAULTS), OptionSource(f"preset {preset}", PRESETS[preset])]
    if not machine.gpus and preset in CPU_OPTIONS:
        sources.append(OptionSource(NO_GPU, CPU_OPTIONS[preset]))
    if user_options.get("flips") is False:
        # Crops and test-time views mirror photos too.
        augmentation: Augmentation = "none" if PRESETS[preset]["augmentation"] == "none" else "pixels"
        sources.append(OptionSource(NO_FLIPS, {"augmentation": augmentation, "tta": "none"}))
    for family, options in FAMILY_OPTIONS.items():
        if backbone and not is_custom and backbone.name.startswith(family):
            sources.append(OptionSource(f"family {family}", options))
    if user_options.get("weights") == "none" and not is_custom:
        # A head on features that stay random is fitted nevertheless.
        fitted: TrainingOptions = {"head": "fitted"} if user_options.get("unfreeze") == "none" else {}
        sources.append(OptionSource(NO_WEIGHTS, {**FROM_SCRATCH_OPTIONS, **fitted}))
    if backbone and backbone.tiny:
        sources.append(OptionSource("demo network", TINY_OPTIONS))
    return sources + (_list_sizes(backbone, user_options, machine) if backbone else [])


def _list_sizes(backbone: Backbone, user_options: TrainingOptions, machine: Machine) -> list[OptionSource]:
    image_size = user_options.get("image_size", backbone.image_size)
    batch_size = DEFAULT_BATCH_SIZE
    if machine.memory_bytes:
        max_batch_size = choose_batch_size(backbone, image_size, machine.memory_bytes)
        # Larger batches are not faster on a CPU.
        batch_size = max_batch_size if machine.gpus else min(max_batch_size, DEFAULT_BATCH_SIZE)
    if user_options.get("data_parallel"):
        # Each GPU computes its share of a batch.
        batch_size *= max(1, machine.gpus)
    source = "memory of the GPU" if machine.gpus else "memory" if batch_size < DEFAULT_BATCH_SIZE else "default"
    return [
        OptionSource(f"{backbone.name}'s own", {"image_size": image_size}),
        OptionSource(source, {"batch_size": batch_size}),
    ]
