"""From options to a member's settings: what a person left open is filled in, what has no effect is left out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, cast

from ..backbones.custom import OWN_WEIGHTS, OwnBackbone, own_backbone
from ..backbones.registry import Backbone
from ..backbones.weights import find_weights
from ..errors import BadChoice
from ..storage import file_digest
from .declared import TrainingOptions
from .phases import BatchNorm, Phase
from .presets import USUAL, Machine, Preset, default_layers
from .reading import SINGLE_PHASE, read_options
from .settings import MemberSettings
from .sources import InForce, Layer, merge

# What fine-tuning alone looks at, as it is written down for a frozen member: so that two members that are the same
# have the same settings.
UNUSED_WHEN_FROZEN: dict[str, Any] = {
    "augmentation": "none",
    "first_block_rate": 1.0,
    "ema": 0.0,
    "patience": 0,
    "precision": "float32",
}
_SETTINGS = {field.name for field in fields(MemberSettings)}
_OPEN = Machine()


def choose_settings(
    backbone: Backbone | OwnBackbone, options: TrainingOptions, preset: Preset = USUAL, machine: Machine = _OPEN
) -> tuple[MemberSettings, str]:
    """Fill in what a person left open.

    Returns
    -------
    tuple
        The settings, and where the weights come from: ``imagenet``, ``none``, ``own`` or a file's path.

    Raises
    ------
    BadChoice
        If an option does not fit, or there are no such weights.
    """
    given = [Layer("command line", read_options(options))]
    network = backbone.backbone if isinstance(backbone, OwnBackbone) else backbone
    return settings_from(backbone, options_in_force(network, given, preset, machine).options)


def options_in_force(
    backbone: Backbone | None, given: Sequence[Layer], preset: Preset = USUAL, machine: Machine = _OPEN
) -> InForce:
    """Lay what was given over the defaults for a backbone; ``auto`` becomes the machine's precision.

    Parameters
    ----------
    backbone
        None for what holds for any backbone: without image size and photos a step.
    given
        What a person says, the strongest last.
    """
    asked = merge(given).options
    found = merge([*default_layers(backbone, asked, preset, machine), *given])
    if found.options["precision"] != "auto":
        return found
    source = "fast on this GPU" if machine.precision != "float32" else "no faster one on this machine"
    return InForce({**found.options, "precision": machine.precision}, {**found.sources, "precision": source})


def settings_from(backbone: Backbone | OwnBackbone, options: TrainingOptions) -> tuple[MemberSettings, str]:
    """Make a member's settings of the options in force for its backbone; see :func:`choose_settings`."""
    phases = _phases(options)
    if not phases and options["head"] == "random":
        raise BadChoice(
            "--head random is never trained with --unfreeze none: leave it out, or unfreeze something (--unfreeze all, "
            "--phase)."
        )
    network = backbone.backbone if isinstance(backbone, OwnBackbone) else backbone
    source, weights = _weights(backbone, options)
    chosen = {name: value for name, value in options.items() if name in _SETTINGS}
    made: dict[str, Any] = {
        "backbone": network.name,
        "builder": network.builder if network.own else "",
        "preprocessing": network.preprocessing if network.own else "",
        "weights": weights,
        "phases": phases,
    }
    return MemberSettings(**{**chosen, **({} if phases else UNUSED_WHEN_FROZEN), **made}), source


def _phases(options: TrainingOptions) -> tuple[Phase, ...]:
    if "phases" in options:
        return cast(tuple[Phase, ...], options["phases"])
    if options["unfreeze"] == "none":
        return ()
    norm: BatchNorm = options["batch_norm"]
    return (Phase(options["unfreeze"], options["epochs"], options["learning_rate"], norm),)


def _weights(backbone: Backbone | OwnBackbone, options: TrainingOptions) -> tuple[str, str]:
    """Where the weights come from, and what is written down of them."""
    if isinstance(backbone, OwnBackbone):
        return _own_weights(backbone, options["image_size"])
    asked = options["weights"]
    if backbone.tiny and asked == "imagenet":
        raise BadChoice(f"{backbone.name} has no ImageNet weights: train it from nothing with --weights none.")
    if asked in ("imagenet", "none"):
        return asked, asked
    file = find_weights(Path(asked), backbone, options["image_size"])
    return str(file), file_digest(file)


def _own_weights(own: OwnBackbone, image_size: int) -> tuple[str, str]:
    if own.file is None:
        return OWN_WEIGHTS, OWN_WEIGHTS
    # Refuses a size that is not the file's.
    own_backbone(str(own.file), own.backbone.name, image_size, own.backbone.preprocessing)
    return str(own.file), file_digest(own.file)


def unused_options(asked: TrainingOptions, settings: MemberSettings) -> list[str]:
    """Names of options that a person gave and that have no effect, since the backbone stays frozen."""
    if not settings.frozen:
        return []
    single = [name for name in SINGLE_PHASE if name != "unfreeze"]
    return [name for name in (*single, *UNUSED_WHEN_FROZEN) if name in asked]
