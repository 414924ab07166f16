"""A person's own backbones: a function that returns a Keras model, or a ``.keras`` file."""

from __future__ import annotations

import json
import re
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast, get_args

from ..errors import BadChoice
from ..paths import NAME_PATTERN
from .names import LABEL_SEPARATOR
from .registry import BACKBONES, Backbone, Preprocessing, find_backbone

# Where a member's weights come from if its function brings them.
OWN_WEIGHTS = "own"
# The builder of a network that is read from a file.
FILE_BUILDER = "file"

_FUNCTION_PATTERN = re.compile(r"(?P<module>[A-Za-z_]\w*(\.[A-Za-z_]\w*)*):(?P<function>[A-Za-z_]\w*)")
_SYNTAX = "[NAME=]module:function or [NAME=]FILE.keras, then ,size=PIXELS and ,preprocessing=inside|tf|torch|caffe"


@dataclass(frozen=True)
class CustomBackbone:
    """A backbone and what it is read from.

    Attributes
    ----------
    backbone
        Its name, builder (``module:function`` or ``file``), input size and preprocessing.
    file
        The ``.keras`` file; None for a function.
    """

    backbone: Backbone
    file: Path | None = None

    @property
    def weights(self) -> str:
        """Where its weights come from: the file's path, or ``own`` for a function that brings them."""
        return str(self.file) if self.file else OWN_WEIGHTS


def parse_custom_backbone(text: str) -> CustomBackbone:
    """Read a specification such as ``mine=mynets:build,size=96,preprocessing=tf`` or ``nets/mine.keras``.

    Raises
    ------
    BadChoice
        If it has another form, or says what :func:`make_custom_backbone` refuses.
    """
    source, *options = text.split(",")
    name, _, builder = source.rpartition("=")
    values = dict(_parse_option(option, text) for option in options)
    if len(values) < len(options):
        raise BadChoice(f"The backbone {text!r} says an option twice.")
    size = values.get("size")
    if size is not None and not size.isdecimal():
        raise BadChoice(f"The size of the backbone {text!r} must be a number of pixels. Received: {size}")
    return make_custom_backbone(builder, name, int(size) if size else None, values.get("preprocessing", "inside"))


def _parse_option(text: str, whole: str) -> tuple[str, str]:
    name, _, value = text.strip().partition("=")
    if name not in ("size", "preprocessing") or not value:
        raise BadChoice(f"{text.strip()!r} is no option of the backbone {whole!r}: give {_SYNTAX}.")
    return name, value


def make_custom_backbone(
    builder: str, name: str = "", image_size: int | None = None, preprocessing: str = "inside"
) -> CustomBackbone:
    """Describe a person's own backbone.

    Parameters
    ----------
    builder
        ``module:function``, called as ``function(input_shape=(size, size, 3))``, which returns a Keras model without
        top that has its weights; or the path of a ``.keras`` file.
    name
        Of the backbone; empty for ``module.function``, or the file's name without ``.keras``.
    image_size
        Height and width of its photos in pixels; None to read it from the file.
    preprocessing
        What is done to pixels from 0 to 255 before they enter: ``inside`` (nothing), ``tf``, ``torch`` or ``caffe``.

    Raises
    ------
    BadChoice
        If there is no such file or form, the name is taken or cannot name a folder, or the size is missing or is not
        that of the file.
    """
    if preprocessing not in get_args(Preprocessing):
        raise BadChoice(
            f"The preprocessing of the backbone {builder} must be inside, tf, torch or caffe. Received: {preprocessing}"
        )
    if image_size is not None and image_size < 1:
        raise BadChoice(f"The size of the backbone {builder} must be at least 1. Received: {image_size}")
    kind = cast(Preprocessing, preprocessing)
    if builder.endswith(".keras"):
        file = Path(builder).expanduser().absolute()
        size = _resolve_size(file, image_size)
        return CustomBackbone(Backbone(_check_name(name or file.stem), FILE_BUILDER, size, kind, is_custom=True), file)
    if not _FUNCTION_PATTERN.fullmatch(builder):
        raise BadChoice(f"{builder!r} is no backbone of one's own: give {_SYNTAX}.")
    if image_size is None:
        raise BadChoice(f"The backbone {builder} needs the size of its photos: add ,size=PIXELS.")
    return CustomBackbone(
        Backbone(_check_name(name or builder.replace(":", ".")), builder, image_size, kind, is_custom=True)
    )


def resolve_backbone(name: str, builder: str, preprocessing: str, image_size: int) -> Backbone:
    """Return the backbone that a member's settings name: from the registry if they have no builder, else its own."""
    if not builder:
        return find_backbone(name)
    return Backbone(name, builder, image_size, cast(Preprocessing, preprocessing), is_custom=True)


def _check_name(name: str) -> str:
    if name in BACKBONES:
        raise BadChoice(f"{name} is a backbone of keras.applications: give yours another name with NAME=...")
    if not NAME_PATTERN.fullmatch(name) or LABEL_SEPARATOR in name:
        raise BadChoice(
            f"{name!r} cannot name a backbone: give it one of letters, digits, '.', '_' and '-' with NAME=..."
        )
    return name


def _resolve_size(file: Path, requested: int | None) -> int:
    stored = read_stored_size(file)
    if stored is None and requested is None:
        raise BadChoice(f"The network in {file} takes photos of any size: say which with ,size=PIXELS.")
    if stored is not None and requested is not None and stored != requested:
        raise BadChoice(f"The network in {file} takes photos of {stored} pixels, not of {requested}.")
    return cast(int, stored or requested)


def read_stored_size(file: Path) -> int | None:
    """Read height and width of its photos from a ``.keras`` file, without Keras; None if they are left open.

    Raises
    ------
    BadChoice
        If the file is not there, is no whole ``.keras`` file, or its input is not one square RGB photo.
    """
    shapes = _list_input_shapes(_read_architecture(file))
    if len(shapes) != 1 or len(shapes[0]) != 4 or shapes[0][3] != 3 or shapes[0][1] != shapes[0][2]:
        raise BadChoice(
            f"The network in {file} must have one input of shape (batch, size, size, 3). Received: "
            f"{', '.join(map(str, shapes)) or 'none'}"
        )
    return shapes[0][1]


def _read_architecture(file: Path) -> dict[str, Any]:
    if not file.is_file():
        raise BadChoice(f"There is no file {file}: give a network that Keras 3 saved as FILE.keras.")
    try:
        with zipfile.ZipFile(file) as archive:
            return cast(dict[str, Any], json.loads(archive.read("config.json")))
    except (zipfile.BadZipFile, KeyError, ValueError) as error:
        raise BadChoice(
            f"{file} is no whole .keras file ({error}): save the network anew with model.save('FILE.keras')."
        ) from error


def _list_input_shapes(data: dict[str, Any]) -> list[tuple[int | None, ...]]:
    """Shapes of all inputs of a model, batch included; none if it is not made of layers."""
    inputs = [
        layer["config"] for layer in data.get("config", {}).get("layers", []) if layer["class_name"] == "InputLayer"
    ]
    shapes = [config.get("batch_shape") or config.get("batch_input_shape") for config in inputs]
    return [tuple(shape) for shape in shapes if shape]
