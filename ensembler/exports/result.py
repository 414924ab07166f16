"""The result of an export: a row for each file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ..errors import format_count
from ..tables import Shown, Table
from .card import Figures
from .formats import FormatName, Quantization


@dataclass(frozen=True)
class ExportedFile:
    """A file of an export.

    Attributes
    ----------
    format, quantization
        Format of the file, and its quantisation.
    file
        Path of the file, or of the folder of a SavedModel.
    tolerance
        Tolerance that it was judged by.
    figures
        Measurements in its runtime. None if it cannot be converted or run.
    refused
        Reason why it was not written. Empty if it was.
    kept
        Whether an earlier export wrote and measured the same file, which was kept.
    """

    format: FormatName
    quantization: Quantization
    file: Path
    tolerance: float
    figures: Figures | None
    refused: str = ""
    kept: bool = False

    @property
    def name(self) -> str:
        """Name of the file."""
        return self.file.name

    def describe_refusal(self) -> str:
        """Return why the file was not written, as a sentence."""
        return f"{self.name} is not written: {self.refused}."


@dataclass(frozen=True, repr=False)
class ExportResult(Shown):
    """Files of a stack or a member for other runtimes.

    Attributes
    ----------
    name
        Name of the stack or member.
    folder
        Folder of the files.
    files
        Files in the requested order, with those that were refused.
    keras
        Measurements of the network on Keras.
    training_photos, test_photos
        Numbers of photos that predictions were compared on.
    machine
        Processor and number of threads.
    left_out
        Reasons why ``all`` left out formats or quantisations.
    """

    name: str
    folder: Path
    files: tuple[ExportedFile, ...]
    keras: Figures
    training_photos: int
    test_photos: int
    machine: str
    left_out: tuple[str, ...] = ()

    @property
    def refused(self) -> tuple[ExportedFile, ...]:
        """Files that were not written."""
        return tuple(file for file in self.files if file.refused)

    def build_table(self) -> Table:
        """Return a row for Keras and one for each file."""
        columns = ["format", "quantised", "MB", "difference", "log loss", "ms at 1", "ms at 32", "file"]
        rows = [["keras", "none", *_format_figures(self.keras), ""]]
        for file in self.files:
            outcome = "refused" if file.refused else f"{file.name} (kept)" if file.kept else file.name
            rows.append([file.format, file.quantization, *_format_figures(file.figures), outcome])
        return Table(columns, rows, text_columns=["quantised", "file"], notes=self._list_notes())

    def _list_notes(self) -> list[str]:
        training, test = (format_count(range(count), "photo") for count in (self.training_photos, self.test_photos))
        return [
            *(file.describe_refusal() for file in self.refused),
            *self.left_out,
            f"difference: largest between a probability and that of Keras, on {training} of training and {test} of "
            "test; log loss: on those of training, which the network learned from; ms: per photo without decoding, "
            f"alone and in batches of 32, on {self.machine}",
            f"folder  {self.folder}",
        ]


def _format_figures(figures: Figures | None) -> list[str]:
    if figures is None:
        return ["-"] * 5
    loss = "-" if figures.log_loss is None else f"{figures.log_loss:.4f}"
    batch = "-" if figures.milliseconds_in_batch is None else f"{figures.milliseconds_in_batch:.2f}"
    return [f"{figures.megabytes:.2f}", f"{figures.difference:.1e}", loss, f"{figures.milliseconds:.2f}", batch]
