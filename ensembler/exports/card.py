"""The description of an exported file: inside the file as its card, and beside it as JSON with what was measured."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ..competition.samples import PIXELS_VERSION, RULED_PIXELS_VERSION
from ..errors import BadData, Mismatch
from ..serialization import format_json, make_record, read_json, write_record
from ..stacking.card import StackCard
from .formats import FormatName, Quantization

# Key of the card in the metadata of a file, and version of its format.
CARD_KEY = "ensembler"
EXPORT_VERSION = 1
_REMEDY = "export it again with `ensembler export`."


@dataclass(frozen=True)
class ExportCard:
    """A description of an exported file.

    Attributes
    ----------
    version
        Version of this description.
    format, quantization
        Format of the file, and quantisation of its weights and arithmetic.
    single_photo
        Whether the batch is fixed to one photo.
    network
        Description of the network: its name, its task, its classes, the sizes of photos and the rule of pixels.
    inputs
        Names of the inputs, in the order of the network's image sizes. Each takes float32 pixels from 0 to 255 of shape
        (batch, size, size, 3).
    output
        Name of the output, probabilities of shape (batch, outputs).
    metric
        Metric of the competition.
    source
        SHA-256 of what was exported: of ``stack.keras``, or of the names and checksums of a member's networks.
    versions
        Versions of the packages that wrote the file.
    """

    format: FormatName
    quantization: Quantization
    single_photo: bool
    network: StackCard
    inputs: tuple[str, ...]
    output: str
    metric: str
    source: str
    versions: dict[str, str]
    version: int = EXPORT_VERSION

    def to_text(self) -> str:
        """Return the card as JSON."""
        return format_json(asdict(self))


@dataclass(frozen=True)
class Figures:
    """Measurements of a network on one runtime.

    Attributes
    ----------
    megabytes
        Size of all files.
    log_loss
        Log loss on the labelled photos. None if there are none.
    milliseconds
        Time per photo alone, without decoding.
    milliseconds_in_batch
        Time per photo in a batch. None if the batch is fixed to one photo.
    difference
        Largest difference between a probability and that of Keras.
    """

    megabytes: float
    log_loss: float | None
    milliseconds: float
    milliseconds_in_batch: float | None
    difference: float = 0.0


@dataclass(frozen=True)
class ExportRecord:
    """Content of the JSON beside an exported file.

    Attributes
    ----------
    card
        Description that is also inside the file.
    tolerance
        Tolerance that the file keeps, see :func:`.tolerances.find_excess`.
    training_photos, test_photos
        Numbers of photos that it was compared on.
    keras, exported
        Measurements of the network on Keras, and of the file on its runtime.
    machine
        Processor and number of threads of the measurements.
    sha256
        Checksums of the files by their names.
    """

    card: ExportCard
    tolerance: float
    training_photos: int
    test_photos: int
    keras: Figures
    exported: Figures
    machine: str
    sha256: dict[str, str]


def locate_record(file: Path) -> Path:
    """Return the path of the JSON beside an exported file."""
    return file.with_name(f"{file.name}.json")


def write_export_record(file: Path, record: ExportRecord) -> None:
    """Write the JSON beside an exported file."""
    write_record(locate_record(file), record)


def read_export_record(file: Path) -> ExportRecord | None:
    """Read the JSON beside an exported file. Return None if there is none, or another version wrote it."""
    path = locate_record(file)
    if not path.is_file():
        return None
    try:
        return make_record(read_json(path), ExportRecord, path, _REMEDY)
    except BadData:
        return None


def read_card_text(text: str, source: Path) -> ExportCard:
    """Read the card from the metadata of a file.

    Raises
    ------
    BadData
        If there is no card, or it is damaged.
    Mismatch
        If another version wrote the file.
    """
    if not text:
        raise BadData(f"{source} contains no card of an export: pass a file that `ensembler export` wrote.")
    try:
        content: Any = json.loads(text)
    except ValueError as error:
        raise BadData(f"The card in {source} is damaged ({error}): {_REMEDY}") from error
    card = make_record(content, ExportCard, f"the card of {source}", _REMEDY)
    known = (PIXELS_VERSION, RULED_PIXELS_VERSION)
    if card.version != EXPORT_VERSION or card.network.pixels not in known:
        raise Mismatch(
            f"{source} has version {card.version} and pixels {card.network.pixels}, expected {EXPORT_VERSION} and "
            f"{' or '.join(map(str, known))}: use the version of ensembler that wrote it, or {_REMEDY}"
        )
    return card
