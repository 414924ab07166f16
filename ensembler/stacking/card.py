"""What a stack's file says of itself: ``ensembler.json`` in the ``.keras`` file, which is a zip.

Keras passes over it, and a copy of the file brings it along; a file that Keras saves anew lacks it.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ..competition.manifest import Manifest
from ..competition.samples import PIXELS_VERSION
from ..competition.task import Task
from ..errors import BadChoice, BadData, Mismatch
from ..serialization import format_json, make_record

# Its name in the zip, and the version of its form.
CARD_FILE = "ensembler.json"
CARD_VERSION = 1
_REMEDY = "build the stack again with `ensembler stack`."


@dataclass(frozen=True)
class StackedMember:
    """One member: its name, the layer in which it stands, and the height and width of its photos in pixels."""

    name: str
    layer: str
    image_size: int


@dataclass(frozen=True)
class StackCard:
    """What is needed to feed a stack and to read its answers.

    Attributes
    ----------
    name
        The stack's.
    task
        ``binary``, ``multiclass`` (probabilities sum to 1) or ``multilabel``.
    classes, class_names
        All classes, and what they are called if they are numbers.
    outputs
        Classes that a probability is given for, in the order of the file's outputs: the last class alone in a binary
        task, else all classes.
    members
        In the order of the meta-learner's inputs.
    image_sizes
        Heights and widths of the photos, an input each.
    pixels
        Version of the way in which a photo becomes pixels.
    """

    name: str
    task: Task
    classes: tuple[str, ...]
    class_names: tuple[str, ...]
    outputs: tuple[str, ...]
    members: tuple[StackedMember, ...]
    image_sizes: tuple[int, ...]
    pixels: int = PIXELS_VERSION


@dataclass(frozen=True)
class _CardVersions:
    """The versions in a card, which are looked at before the rest is read."""

    format: int
    pixels: int


def make_stack_card(name: str, manifest: Manifest, members: Sequence[StackedMember]) -> StackCard:
    """Describe a stack of ``members``, in the order of the meta-learner's inputs."""
    sizes = sorted({member.image_size for member in members})
    return StackCard(
        name, manifest.task, manifest.classes, manifest.class_names, manifest.outputs, tuple(members), tuple(sizes)
    )


def attach_card(path: Path, card: StackCard) -> None:
    """Put the card into a ``.keras`` file that has none."""
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(CARD_FILE, format_json({"format": CARD_VERSION, **asdict(card)}))


def read_card(path: Path) -> StackCard:
    """Read the card of a stack's file; Keras is not needed for that.

    Raises
    ------
    BadChoice
        If there is no such file.
    BadData
        If it is damaged, or has no card.
    Mismatch
        If another version wrote it.
    """
    if not path.is_file():
        raise BadChoice(f"There is no file {path}: name a stack.keras.")
    try:
        with zipfile.ZipFile(path) as archive:
            if CARD_FILE not in archive.namelist():
                raise BadData(
                    f"{path} does not tell its classes: it is no stack, of an older version, or was saved anew by "
                    f"Keras; {_REMEDY}"
                )
            data = json.loads(archive.read(CARD_FILE))
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise BadData(f"Cannot read {path} as a .keras file ({error}): name a stack.keras, or {_REMEDY}") from error
    _check_versions(data, path)
    return make_record(data, StackCard, f"{CARD_FILE} of {path}", _REMEDY)


def _check_versions(data: Any, path: Path) -> None:
    versions = make_record(data, _CardVersions, f"{CARD_FILE} of {path}", _REMEDY)
    for key, found, known in (("format", versions.format, CARD_VERSION), ("pixels", versions.pixels, PIXELS_VERSION)):
        if found != known:
            raise Mismatch(
                f"{path} has {found!r} for the version of its {key}, this ensembler knows {known}: use that which "
                f"wrote it, or {_REMEDY}"
            )
