"""Files that predict photos: a ``stack.keras``, or an exported file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..serialization import make_record
from ..stacking.card import StackCard, read_card
from .card import ExportCard
from .formats import require_runtime
from .placing import require_unchanged

PREDICT_FILES = "ensembler.stacking.jobs.loaded_stack:predict_files"
_PREDICT_EXPORTED = "ensembler.exports.jobs.check:predict_exported"


@dataclass(frozen=True)
class NetworkFile:
    """A file that predicts photos.

    Attributes
    ----------
    path
        Path of the file, or of the folder of a SavedModel.
    function
        Function of the job that predicts with it.
    stack_card
        Card of a ``stack.keras``. That of an exported file is read by its runtime.
    """

    path: Path
    function: str
    stack_card: StackCard | None = None

    @property
    def files(self) -> tuple[Path, ...]:
        """The file, and the weights beside the ``.xml`` of OpenVINO. A folder stands for all files in it."""
        return (self.path, self.path.with_suffix(".bin")) if self.path.suffix == ".xml" else (self.path,)

    @property
    def uses_keras(self) -> bool:
        """Whether Keras predicts, rather than the runtime of an exported file."""
        return self.stack_card is not None

    def read_card(self, result: dict[str, Any]) -> StackCard:
        """Return the description of the network, for which an exported file needs the result of the job."""
        return self.stack_card or make_record(result["card"], ExportCard, self.path).network


def find_stack_file(path: Path) -> NetworkFile:
    """Return a ``stack.keras``, which may have another name. The errors are those of :func:`.read_card`."""
    return NetworkFile(path, PREDICT_FILES, read_card(path))


def find_network_file(path: Path) -> NetworkFile:
    """Return a file of a format that its suffix names.

    Raises
    ------
    BadChoice
        If it does not exist, is of no known format, or its runtime is not installed.
    BadData
        If it is a damaged ``stack.keras``, or not the file that the JSON beside it describes.
    Mismatch
        If another version wrote a ``stack.keras``.
    """
    if path.suffix == ".keras":
        return find_stack_file(path)
    require_runtime(path)
    require_unchanged(path)
    return NetworkFile(path, _PREDICT_EXPORTED)
