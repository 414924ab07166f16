"""The card of a stack: ``ensembler.json`` in the ``.keras`` file, which is a zip.

Keras ignores the card. Copies of the file contain it, but a file that Keras saves again does not.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from ..competition.manifest import Manifest
from ..competition.pixels import PLAIN, PixelRule
from ..competition.samples import PIXELS_VERSION, RULED_PIXELS_VERSION
from ..competition.task import Task
from ..errors import BadData, Mismatch
from ..members.work import estimate_photo_work
from ..paths import require_file
from ..serialization import format_json, make_record

# Name of the card in the zip, and version of its format.
CARD_FILE = "ensembler.json"
CARD_VERSION = 1


@dataclass(frozen=True)
class StackedMember:
    """A member of a stack: its name, its layer, and the height and width of its photos in pixels."""

    name: str
    layer: str
    image_size: int


@dataclass(frozen=True)
class StackCard:
    """A description of the inputs and outputs of a stack.

    Attributes
    ----------
    name
        Name of the stack.
    task
        Task: ``binary``, ``multiclass`` (probabilities sum to 1) or ``multilabel``.
    classes, class_names
        All classes, and their names if the classes are numbers.
    outputs
        Classes of the file's outputs: the last class in a binary task, otherwise all classes.
    members
        Members in the order of the meta-learner's inputs.
    image_sizes
        Heights and widths of the photos, one for each input.
    pixels
        Version of the conversion of photos to pixels.
    pixel_rule
        The competition's rule for photos with transparency or more than 8 bits.
    is_orientation
        Whether the classes are degrees by which a photo is rotated counter-clockwise from upright.
    """

    name: str
    task: Task
    classes: tuple[str, ...]
    class_names: tuple[str, ...]
    outputs: tuple[str, ...]
    members: tuple[StackedMember, ...]
    image_sizes: tuple[int, ...]
    pixels: int = PIXELS_VERSION
    pixel_rule: PixelRule = PLAIN
    is_orientation: bool = False


@dataclass(frozen=True)
class _CardVersions:
    """The versions in a card, which are checked before the rest."""

    format: int
    pixels: int


def estimate_stack_work(card: StackCard) -> float:
    """Estimate the work of a photo by its size for each member, because a card does not name backbones."""
    return sum(estimate_photo_work(None, member.image_size) for member in card.members)


def make_stack_card(name: str, manifest: Manifest, members: Sequence[StackedMember]) -> StackCard:
    """Describe a stack of ``members``, in the order of the meta-learner's inputs."""
    sizes = sorted({member.image_size for member in members})
    return StackCard(
        name,
        manifest.task,
        manifest.classes,
        manifest.class_names,
        manifest.outputs,
        tuple(members),
        tuple(sizes),
        # Earlier versions would ignore the rule, so they must refuse the file.
        PIXELS_VERSION if manifest.pixels == PLAIN else RULED_PIXELS_VERSION,
        manifest.pixels,
        manifest.is_orientation,
    )


def attach_card(path: Path, card: StackCard) -> None:
    """Add a card to a ``.keras`` file that has none."""
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(CARD_FILE, format_json({"format": CARD_VERSION, **asdict(card)}))


def read_card(path: Path) -> StackCard:
    """Read the card of a stack's file without Keras.

    Raises
    ------
    BadChoice
        If the file does not exist.
    BadData
        If the file is damaged or has no card.
    Mismatch
        If another version wrote the file.
    """
    remedy = "build the stack again with `ensembler stack`."
    require_file(path, "pass the path of a stack.keras.")
    try:
        with zipfile.ZipFile(path) as archive:
            if CARD_FILE not in archive.namelist():
                raise BadData(
                    f"{path} does not contain {CARD_FILE}: it is not a stack, an older version wrote it, or Keras "
                    f"saved it again; {remedy}"
                )
            data = json.loads(archive.read(CARD_FILE))
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise BadData(f"Cannot read {path} as a .keras file ({error}): pass a stack.keras, or {remedy}") from error
    source = f"{CARD_FILE} of {path}"
    versions = make_record(data, _CardVersions, source, remedy)
    pixels_known = (PIXELS_VERSION, RULED_PIXELS_VERSION)
    for key, found, known in (("format", versions.format, (CARD_VERSION,)), ("pixels", versions.pixels, pixels_known)):
        if found not in known:
            raise Mismatch(
                f"{path} has {key} version {found!r}, expected {' or '.join(map(str, known))}: use the version of "
                f"ensembler that wrote it, or {remedy}"
            )
    return make_record(data, StackCard, source, remedy)
