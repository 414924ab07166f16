"""From options to a member's settings: what a person left open is filled in, what has no effect is left out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, cast

from ..backbones.custom import OWN_WEIGHTS, CustomBackbone, make_custom_backbone
from ..backbones.registry import Backbone
from ..backbones.weights import find_weights
from ..errors import BadChoice
from ..storage import compute_file_digest
from .declared import Preset, TrainingOptions
from .phases import BatchNorm, Phase
from .presets import DEFAULT_PRESET, Machine, list_default_sources
from .reading import SINGLE_PHASE_OPTIONS, read_options
from .settings import MemberSettings
from .sources import OptionSource, ResolvedOptions, merge_sources

# What fine-tuning alone looks at, as it is written down for a frozen member: so that two members that are the same
# have the same settings.
UNUSED_WHEN_FROZEN: dict[str, Any] = {
    "augmentation": "none",
    "first_block_rate": 1.0,
    "ema": 0.0,
    "patience": 0,
    "precision": "float32",
}
_SETTING_NAMES = {field.name for field in fields(MemberSettings)}
_UNKNOWN_MACHINE = Machine()


def choose_settings(
    backbone: Backbone | CustomBackbone,
    options: TrainingOptions,
    preset: Preset = DEFAULT_PRESET,
    machine: Machine = _UNKNOWN_MACHINE,
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
    user_sources = [OptionSource("command line", read_options(options))]
    network = backbone.backbone if isinstance(backbone, CustomBackbone) else backbone
    return make_settings(backbone, resolve_options(network, user_sources, preset, machine).options)


def resolve_options(
    backbone: Backbone | None,
    user_sources: Sequence[OptionSource],
    preset: Preset = DEFAULT_PRESET,
    machine: Machine = _UNKNOWN_MACHINE,
) -> ResolvedOptions:
    """Lay what was given over the defaults for a backbone; ``auto`` becomes the machine's precision.

    Parameters
    ----------
    backbone
        None for what holds for any backbone: without image size and photos a step.
    user_sources
        What a person says, the strongest last.
    """
    user_options = merge_sources(user_sources).options
    resolved = merge_sources([*list_default_sources(backbone, user_options, preset, machine), *user_sources])
    if resolved.options["precision"] != "auto":
        return resolved
    source = "fast on this GPU" if machine.precision != "float32" else "no faster one on this machine"
    return ResolvedOptions(
        {**resolved.options, "precision": machine.precision}, {**resolved.sources, "precision": source}
    )


def make_settings(backbone: Backbone | CustomBackbone, options: TrainingOptions) -> tuple[MemberSettings, str]:
    """Make a member's settings of the options in force for its backbone; see :func:`choose_settings`."""
    phases = _make_phases(options)
    if not phases and options["head"] == "random":
        raise BadChoice(
            "`--head random` is never trained with `--unfreeze none`: leave it out, or unfreeze something (`--unfreeze "
            "all`, --phase)."
        )
    network = backbone.backbone if isinstance(backbone, CustomBackbone) else backbone
    source, weights = _resolve_weights(backbone, options)
    chosen = {name: value for name, value in options.items() if name in _SETTING_NAMES}
    made: dict[str, Any] = {
        "backbone": network.name,
        "builder": network.builder if network.is_custom else "",
        "preprocessing": network.preprocessing if network.is_custom else "",
        "weights": weights,
        "phases": phases,
    }
    return MemberSettings(**{**chosen, **({} if phases else UNUSED_WHEN_FROZEN), **made}), source


def _make_phases(options: TrainingOptions) -> tuple[Phase, ...]:
    if "phases" in options:
        return cast(tuple[Phase, ...], options["phases"])
    if options["unfreeze"] == "none":
        return ()
    norm: BatchNorm = options["batch_norm"]
    return (Phase(options["unfreeze"], options["epochs"], options["learning_rate"], norm),)


def _resolve_weights(backbone: Backbone | CustomBackbone, options: TrainingOptions) -> tuple[str, str]:
    """Where the weights come from, and what is written down of them."""
    if isinstance(backbone, CustomBackbone):
        return _resolve_custom_weights(backbone, options["image_size"])
    choice = options["weights"]
    if backbone.tiny and choice == "imagenet":
        raise BadChoice(f"{backbone.name} has no ImageNet weights: train it from nothing with `--weights none`.")
    if choice in ("imagenet", "none"):
        return choice, choice
    file = find_weights(Path(choice), backbone, options["image_size"])
    return str(file), compute_file_digest(file)


def _resolve_custom_weights(own: CustomBackbone, image_size: int) -> tuple[str, str]:
    if own.file is None:
        return OWN_WEIGHTS, OWN_WEIGHTS
    # Refuses a size that is not the file's.
    make_custom_backbone(str(own.file), own.backbone.name, image_size, own.backbone.preprocessing)
    return str(own.file), compute_file_digest(own.file)


def list_unused_options(user_options: TrainingOptions, settings: MemberSettings) -> list[str]:
    """Names of options that a person gave and that have no effect, since the backbone stays frozen."""
    if not settings.frozen:
        return []
    single = [name for name in SINGLE_PHASE_OPTIONS if name != "unfreeze"]
    return [name for name in (*single, *UNUSED_WHEN_FROZEN) if name in user_options]
