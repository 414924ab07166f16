"""The options of training, by section."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from .options import F, PhraseType, option

# Options of training by section: what is typed, how its value is written, and its help. They are passed on as text:
# one place checks them, whether they come from here, from a file or from Python.
_TRAINING_OPTIONS: dict[str, list[tuple[list[str], str | None, str]]] = {
    "Start": [
        (["--weights"], "imagenet|none|FOLDER", "What networks start from; imagenet by default."),
        (["--backbone", "backbones"], "[NAME=]SPEC", "A backbone of your own; see docs/training.md. Repeatable."),
        (["--head"], "fitted|random", "Fitted on frozen features first, or random."),
        (["--image-size"], "PIXELS", "Height and width; each backbone's own by default."),
        (["--seed"], "N", "Of folds, random weights, order and augmentation; 0 by default."),
    ],
    "Fine-tuning": [
        (["--unfreeze"], "none|all|last:N|from:BLOCK", "What is trained of the backbone."),
        (["--epochs"], "N", "Passes over the photos."),
        (["--learning-rate"], "RATE", "The highest, of the head."),
        (["--batch-norm"], "frozen|train", "Whether BatchNormalization is trained."),
        (
            ["--phase", "phases"],
            "PHASE",
            "Instead of those four, such as 'from:block5 epochs=5 learning-rate=1e-3'. Repeatable.",
        ),
        (["--first-block-rate"], "SHARE", "Learning rate of the first block, as a share of the head's."),
        (["--patience"], "EPOCHS", "Without a better log loss before a phase ends; 0 for never."),
    ],
    "Head": [
        (["--pooling"], "average|max", "From maps to features."),
        (["--hidden"], "UNITS", "Of a dense layer before the last one; 0 for none."),
        (["--dropout"], "SHARE", "Of what enters a dense layer."),
    ],
    "Photos and labels": [
        (["--flips/--no-flips"], None, "Whether mirrored photos are as good as others."),
        (["--augment", "augmentation"], "none|crops|pixels|strong", "Of photos in fine-tuning."),
        (["--tta"], "none|flip|crops", "Views that are averaged in prediction."),
        (["--label-smoothing"], "SHARE", "Of each label, spread over all classes."),
        (["--class-weights"], "none|balanced", "Balanced: rare classes count as much as others."),
    ],
    "Steps": [
        (["--batch-size"], "PHOTOS", "In a step; by default what memory allows."),
        (["--weight-decay"], "RATE", "Of AdamW, on kernels alone."),
        (["--clip-norm"], "NORM", "Largest norm of all gradients; 0 for no limit."),
        (["--ema"], "SHARE", "Of the running mean of the weights kept at each step; 0 for none."),
        (["--precision"], "auto|float32|bfloat16|float16", "Of the layers' arithmetic."),
        (["--data-parallel/--no-data-parallel"], None, "Whether all GPUs share each step of one network."),
    ],
}


def add_training_options(command: F) -> F:
    """Add what decides how members are trained."""
    for section, rows in reversed(_TRAINING_OPTIONS.items()):
        for names, metavar, text in reversed(rows):
            several = names[-1] in ("phases", "backbones")
            kind: dict[str, Any] = {"default": None} if metavar is None else {"type": PhraseType(), "metavar": metavar}
            command = option(*names, help=text, section=section, multiple=several, **kind)(command)
    for added in (
        option("--config", type=click.Path(path_type=Path), metavar="FILE.toml", help="Options as `config` prints."),
        option("--preset", metavar="quick|good|best", help="Sets options together; good by default."),
    ):
        command = added(command)
    return command


def select_given_options(options: dict[str, Any]) -> dict[str, Any]:
    """Return the options that a person gave."""
    return {name: value for name, value in options.items() if value not in (None, ())}
