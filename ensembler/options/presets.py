"""What is chosen where a person says nothing: by preset, family of the backbone, start and machine."""

from __future__ import annotations

from dataclasses import dataclass

from ..backbones.registry import Backbone, Precision
from .batch_size import choose_batch_size
from .declared import Preset, TrainingOptions
from .reading import DEFAULTS, RUN
from .sources import OptionSource

DEFAULT_PRESET: Preset = RUN["preset"].default

# Sources of defaults, as a person knows them.
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

# On a CPU a person has to ask for hours of fine-tuning.
CPU_OPTIONS: dict[Preset, TrainingOptions] = {"good": {"unfreeze": "none"}}

# Families that want other figures than most, by the beginning of their names.
FAMILY_OPTIONS: dict[str, TrainingOptions] = {
    # Without BatchNormalization, larger steps spoil it: Chollet, Deep Learning with Python, 2nd edition (2021), 8.3.
    "vgg": {"learning_rate": 1e-5},
    # Liu et al., A ConvNet for the 2020s (2022): the rate of its fine-tuning and the decay of its training.
    "convnext": {"learning_rate": 5e-5, "weight_decay": 0.05},
}

# Random weights have to be moved far, and their BatchNormalization knows nothing of photos yet.
FROM_SCRATCH_OPTIONS: TrainingOptions = {
    "unfreeze": "all",
    "epochs": 20,
    "learning_rate": 1e-3,
    "batch_norm": "train",
    "head": "random",
    "first_block_rate": 1.0,
}

# The demo's networks look at digits of 8 pixels, which must not be mirrored.
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

# Photos a step on a CPU, and where nothing is known of memory; a larger step is no faster there.
CPU_BATCH_SIZE = 32


@dataclass(frozen=True)
class Machine:
    """What training may use.

    Attributes
    ----------
    memory_bytes
        Of the smallest GPU, or of the machine where there is none; 0 where unknown.
    compute_capabilities
        Of each GPU, as ``(8, 0)``; none on a CPU.
    """

    memory_bytes: int = 0
    compute_capabilities: tuple[tuple[int, int], ...] = ()

    @property
    def gpus(self) -> int:
        """How many there are."""
        return len(self.compute_capabilities)

    @property
    def precision(self) -> Precision:
        """The fastest arithmetic that all GPUs have: bfloat16 since Ampere (8.0), float16 since Volta (7.0)."""
        generation = min(self.compute_capabilities, default=(0, 0))[0]
        return "bfloat16" if generation >= 8 else "float16" if generation == 7 else "float32"


def list_default_sources(
    backbone: Backbone | None, user_options: TrainingOptions, preset: Preset, machine: Machine
) -> list[OptionSource]:
    """Give the options that hold unless a person says otherwise, the strongest last.

    Parameters
    ----------
    backbone
        None for what holds for any backbone: without image size and photos a step.
    user_options
        What a person says, since some defaults follow from it.
    """
    sources = [OptionSource("default", DEFAULTS), OptionSource(f"preset {preset}", PRESETS[preset])]
    if not machine.gpus and preset in CPU_OPTIONS:
        sources.append(OptionSource(NO_GPU, CPU_OPTIONS[preset]))
    if user_options.get("flips") is False:
        sources.append(OptionSource(NO_FLIPS, _disable_mirroring(PRESETS[preset])))
    if backbone and not backbone.is_custom:
        sources += [
            OptionSource(f"family {name}", options)
            for name, options in FAMILY_OPTIONS.items()
            if backbone.name.startswith(name)
        ]
    if user_options.get("weights") == "none" and not (backbone and backbone.is_custom):
        sources.append(OptionSource(NO_WEIGHTS, _select_scratch_options(user_options)))
    if backbone and backbone.tiny:
        sources.append(OptionSource("demo network", TINY_OPTIONS))
    if backbone:
        sources += _choose_sizes(backbone, user_options, machine)
    return sources


def _disable_mirroring(preset: TrainingOptions) -> TrainingOptions:
    """Keep mirrored photos out of training and prediction too."""
    return {"augmentation": "none" if preset["augmentation"] == "none" else "pixels", "tta": "none"}


def _select_scratch_options(user_options: TrainingOptions) -> TrainingOptions:
    """Options of random weights; a head on features that stay random is fitted all the same."""
    return (
        {**FROM_SCRATCH_OPTIONS, "head": "fitted"} if user_options.get("unfreeze") == "none" else FROM_SCRATCH_OPTIONS
    )


def _choose_sizes(backbone: Backbone, user_options: TrainingOptions, machine: Machine) -> list[OptionSource]:
    image_size = user_options.get("image_size", backbone.image_size)
    batch_size = CPU_BATCH_SIZE
    if machine.memory_bytes:
        max_batch_size = choose_batch_size(backbone, image_size, machine.memory_bytes)
        batch_size = max_batch_size if machine.gpus else min(max_batch_size, CPU_BATCH_SIZE)
    if user_options.get("data_parallel"):
        # Each GPU takes its share of a batch.
        batch_size *= max(1, machine.gpus)
    source = "memory of the GPU" if machine.gpus else "memory" if batch_size < CPU_BATCH_SIZE else "default"
    return [
        OptionSource(f"{backbone.name}'s own", {"image_size": image_size}),
        OptionSource(source, {"batch_size": batch_size}),
    ]
