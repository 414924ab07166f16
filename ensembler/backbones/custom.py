"""Custom backbones: a function that returns a Keras model, or a ``.keras`` file."""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast, get_args

from ..errors import BadChoice
from ..paths import NAME_PATTERN, require_file
from .names import LABEL_SEPARATOR
from .registry import BACKBONES, Backbone, Preprocessing, find_backbone

# Source of a member's weights if its function loads them.
OWN_WEIGHTS = "own"
# Builder of a network that is loaded from a file.
FILE_BUILDER = "file"

_FUNCTION_PATTERN = re.compile(r"(?P<module>[A-Za-z_]\w*(\.[A-Za-z_]\w*)*):(?P<function>[A-Za-z_]\w*)")
_TEXT_FORM = "[NAME=]module:function or [NAME=]FILE.keras, then ,size=PIXELS and ,preprocessing=inside|tf|torch|caffe"
_TABLE_FORM = "either builder = 'module:function' or file = 'FILE.keras', then image_size and preprocessing"
# Names of parts in text and tables, and the arguments that they become.
_PARTS = {"builder": "builder", "file": "builder", "image_size": "image_size", "preprocessing": "preprocessing"}
_PARTS["size"] = "image_size"


def parse_custom_backbone(text: str) -> Backbone:
    """Parse a specification such as ``mine=mynets:build,size=96,preprocessing=tf`` or ``nets/mine.keras``.

    Raises
    ------
    BadChoice
        If the form is invalid, or :func:`make_custom_backbone` rejects a value.
    """
    source, *options = text.split(",")
    name, _, builder = source.rpartition("=")
    parts = [("builder", builder), *(option.strip().partition("=")[::2] for option in options)]
    return _make_from_parts(repr(text), _TEXT_FORM, name, parts)


def read_backbone_table(name: str, table: object) -> Backbone:
    """Read a table with ``builder`` or ``file``, ``image_size`` and ``preprocessing``."""
    label = f"[backbones.{name}]"
    if not isinstance(table, Mapping):
        raise BadChoice(f"{label} must be a table: write {_TABLE_FORM}.")
    return _make_from_parts(label, _TABLE_FORM, name, list(table.items()))


def _make_from_parts(label: str, form: str, name: str, parts: Sequence[tuple[str, Any]]) -> Backbone:
    arguments: dict[str, Any] = {}
    for key, value in parts:
        part = key.replace("-", "_")
        if part not in _PARTS:
            raise BadChoice.from_unknown_name(f"part of {label}", part, _PARTS)
        if _PARTS[part] in arguments:
            raise BadChoice(f"{label} repeats a part: write {form}.")
        arguments[_PARTS[part]] = value
    if "builder" not in arguments:
        raise BadChoice(f"{label} has no network: write {form}.")
    return make_custom_backbone(name=name, **arguments)


def make_custom_backbone(
    builder: str, name: str = "", image_size: int | str | None = None, preprocessing: str = "inside"
) -> Backbone:
    """Check and describe a custom backbone.

    Parameters
    ----------
    builder
        Path of a ``.keras`` file, or ``module:function``. The function is called as
        ``function(input_shape=(size, size, 3))`` and returns a Keras model without its top, weights loaded.
    name
        Name of the backbone. An empty name becomes ``module.function``, or the file's name without ``.keras``.
    image_size
        Height and width of the photos in pixels. None reads it from the file.
    preprocessing
        Preprocessing of pixels (0 to 255): ``inside`` (none), ``tf``, ``torch`` or ``caffe``.

    Raises
    ------
    BadChoice
        If the file does not exist, the form or the name is invalid, the name is taken, or the size is missing or
        differs from the file's.
    """
    if preprocessing not in get_args(Preprocessing):
        raise BadChoice(
            f"The preprocessing of the backbone {builder} must be one of inside, tf, torch and caffe. "
            f"Received: {preprocessing}"
        )
    size = int(image_size) if isinstance(image_size, str) and image_size.isdecimal() else image_size
    if size is not None and (type(size) is not int or size < 1):
        raise BadChoice(
            f"The size of the backbone {builder} must be a whole number, at least 1. Received: {image_size}"
        )
    file = Path(builder).expanduser().absolute() if str(builder).endswith(".keras") else None
    if file:
        name, builder, size = name or file.stem, FILE_BUILDER, _resolve_size(file, size)
    elif not _FUNCTION_PATTERN.fullmatch(str(builder)):
        raise BadChoice(f"{builder!r} is not a custom backbone: write {_TEXT_FORM}.")
    elif size is None:
        raise BadChoice(f"The backbone {builder} has no image size: add ,size=PIXELS.")
    name = _check_name(name or builder.replace(":", "."))
    return Backbone(name, builder, size, cast(Preprocessing, preprocessing), is_custom=True, file=file)


def resolve_backbone(name: str, builder: str, preprocessing: str, image_size: int) -> Backbone:
    """Return the backbone of a member's settings: from the registry if ``builder`` is empty, else a custom one."""
    if not builder:
        return find_backbone(name)
    return Backbone(name, builder, image_size, cast(Preprocessing, preprocessing), is_custom=True)


def _check_name(name: str) -> str:
    if name in BACKBONES:
        raise BadChoice(f"{name} is a backbone of keras.applications: choose another name with NAME=...")
    if not NAME_PATTERN.fullmatch(name) or LABEL_SEPARATOR in name:
        raise BadChoice(
            f"{name!r} is not a valid backbone name: choose one of letters, digits, '.', '_' and '-' with NAME=..."
        )
    return name


def _resolve_size(file: Path, requested: int | None) -> int:
    stored = read_stored_size(file)
    if stored is None and requested is None:
        raise BadChoice(f"The network in {file} accepts photos of any size: choose one with ,size=PIXELS.")
    if stored is not None and requested is not None and stored != requested:
        raise BadChoice(
            f"The network in {file} accepts photos of {stored} pixels, not of {requested}: remove size={requested}."
        )
    return cast(int, stored or requested)


def read_stored_size(file: Path) -> int | None:
    """Read the image size in pixels of a ``.keras`` file without Keras. None means that any size is accepted.

    Raises
    ------
    BadChoice
        If the file does not exist, is damaged, or does not have exactly one input of square RGB photos.
    """
    shapes = _list_input_shapes(_read_architecture(file))
    if len(shapes) != 1 or len(shapes[0]) != 4 or shapes[0][3] != 3 or shapes[0][1] != shapes[0][2]:
        raise BadChoice(
            f"The network in {file} must have one input of shape (batch, size, size, 3). Received: "
            f"{', '.join(map(str, shapes)) or 'none'}"
        )
    return shapes[0][1]


def _read_architecture(file: Path) -> dict[str, Any]:
    require_file(file, "pass a network that Keras 3 saved as FILE.keras.")
    try:
        with zipfile.ZipFile(file) as archive:
            return cast(dict[str, Any], json.loads(archive.read("config.json")))
    except (zipfile.BadZipFile, KeyError, ValueError) as error:
        raise BadChoice(
            f"{file} is not a complete .keras file ({error}): save the network again with model.save('FILE.keras')."
        ) from error


def _list_input_shapes(data: dict[str, Any]) -> list[tuple[int | None, ...]]:
    """List the shapes of all inputs of a model, batch included. A model without layers has none."""
    inputs = [
        layer["config"] for layer in data.get("config", {}).get("layers", []) if layer["class_name"] == "InputLayer"
    ]
    shapes = [config.get("batch_shape") or config.get("batch_input_shape") for config in inputs]
    return [tuple(shape) for shape in shapes if shape]
