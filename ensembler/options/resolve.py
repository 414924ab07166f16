"""Resolution of options to the settings of a member: defaults are added, options without effect are removed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, cast

from ..backbones.custom import OWN_WEIGHTS, make_custom_backbone
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

# Settings that only fine-tuning uses, with the values that a frozen member stores: equal members have equal settings.
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
    backbone: Backbone,
    options: TrainingOptions,
    preset: Preset = DEFAULT_PRESET,
    machine: Machine = _UNKNOWN_MACHINE,
) -> tuple[MemberSettings, str]:
    """Check options, add the defaults, and return the settings of a member; see :func:`make_settings`.

    Raises
    ------
    BadChoice
        If an option does not fit, or the weights do not exist.
    """
    user_sources = [OptionSource("command line", read_options(options))]
    return make_settings(backbone, resolve_options(backbone, user_sources, preset, machine).options)


def resolve_options(
    backbone: Backbone | None,
    user_sources: Sequence[OptionSource],
    preset: Preset = DEFAULT_PRESET,
    machine: Machine = _UNKNOWN_MACHINE,
) -> ResolvedOptions:
    """Merge the user's options with the defaults for a backbone. ``auto`` becomes the machine's precision.

    Parameters
    ----------
    backbone
        Backbone of the member. None omits what depends on it: the image size and the batch size.
    user_sources
        Sources of the user's options, the strongest last.
    """
    user_options = merge_sources(user_sources).options
    resolved = merge_sources([*list_default_sources(backbone, user_options, preset, machine), *user_sources])
    if resolved.options["precision"] == "auto":
        resolved.options["precision"] = machine.precision
        resolved.sources["precision"] = (
            "fast on this GPU" if machine.precision != "float32" else "no faster one on this machine"
        )
    return resolved


def make_settings(backbone: Backbone, options: TrainingOptions) -> tuple[MemberSettings, str]:
    """Make a member's settings from the resolved options for its backbone.

    Returns
    -------
    tuple
        Settings, and the source of the weights: ``imagenet``, ``none``, ``own`` or the path of a file.

    Raises
    ------
    BadChoice
        If options exclude each other, or the weights do not exist.
    """
    phases = cast(tuple[Phase, ...], options.get("phases", ()))
    if "phases" not in options and options["unfreeze"] != "none":
        norm: BatchNorm = options["batch_norm"]
        phases = (Phase(options["unfreeze"], options["epochs"], options["learning_rate"], norm),)
    if not phases and options["head"] == "random":
        raise BadChoice(
            "`--head random` is never trained with `--unfreeze none`: omit it, or unfreeze layers (`--unfreeze all`, "
            "--phase)."
        )
    source, weights = _resolve_weights(backbone, options)
    settings: dict[str, Any] = {
        **{name: value for name, value in options.items() if name in _SETTING_NAMES},
        **({} if phases else UNUSED_WHEN_FROZEN),
        "backbone": backbone.name,
        "builder": backbone.builder if backbone.is_custom else "",
        "preprocessing": backbone.preprocessing if backbone.is_custom else "",
        "weights": weights,
        "phases": phases,
    }
    return MemberSettings(**settings), source


def _resolve_weights(backbone: Backbone, options: TrainingOptions) -> tuple[str, str]:
    """Return the source of the weights, and the setting that identifies them."""
    choice, file = options["weights"], backbone.file
    if file:
        # Refuses a size that differs from the file's.
        make_custom_backbone(str(file), backbone.name, options["image_size"], backbone.preprocessing)
    elif backbone.is_custom:
        return OWN_WEIGHTS, OWN_WEIGHTS
    elif backbone.tiny and choice == "imagenet":
        raise BadChoice(f"{backbone.name} has no ImageNet weights: train it from random weights with `--weights none`.")
    elif choice in ("imagenet", "none"):
        return choice, choice
    else:
        file = find_weights(Path(choice), backbone, options["image_size"])
    return str(file), compute_file_digest(file)


def list_unused_options(user_options: TrainingOptions, settings: MemberSettings) -> list[str]:
    """List the user's options without effect because the backbone stays frozen."""
    single = [name for name in SINGLE_PHASE_OPTIONS if name != "unfreeze"]
    return [name for name in (*single, *UNUSED_WHEN_FROZEN) if settings.frozen and name in user_options]
