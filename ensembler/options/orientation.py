"""Options of an orientation task, which must neither mirror, crop nor turn photos."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from ..callers import format_option
from ..errors import BadChoice
from .configuration import Configuration
from .declared import TrainingOptions
from .sources import OptionSource

# Values that keep the direction of a photo.
_UPRIGHT_VALUES: dict[str, tuple[object, ...]] = {
    "flips": (False,),
    "augmentation": ("none", "pixels"),
    "tta": ("none", "rotations"),
}
_REASON = (
    "a mirrored photo rotated by 90 degrees looks like one rotated by 270, and the other augmentations mirror or turn "
    "photos"
)


def keep_orientation(configuration: Configuration) -> Configuration:
    """Switch off the defaults that mirror, crop or turn photos.

    Raises
    ------
    BadChoice
        If an option of the user asks for them.
    """
    for source in (configuration.general, *configuration.tables.values(), configuration.command):
        if unfit := next(list_turning_options(source.options), None):
            where = "" if source is configuration.command else f" in {source.name}"
            raise BadChoice(
                f"{unfit}{where} does not fit an orientation task, since {_REASON}: leave it out, or use "
                "`--augmentation pixels`."
            )
    general = configuration.general
    options: TrainingOptions = {"flips": False, "tta": "rotations", **general.options}
    return replace(configuration, general=OptionSource(general.name, options))


def list_turning_options(options: TrainingOptions) -> Iterator[str]:
    """Yield the options, with their values, that mirror, crop or turn photos, as a message spells them."""
    for name, upright in _UPRIGHT_VALUES.items():
        if name in options and (value := dict(options)[name]) not in upright:
            given = format_option(name, value)
            yield f"`{given}`" if " " in given else given
