"""The files that a notebook needs: the stack, the manifest, wheels, and a list of their hashes."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from pathlib import Path

from ...errors import BadData
from ...serialization import compute_fingerprint, read_record, write_record
from ...storage import compute_file_digest

MODEL_FILE = "stack.keras"
MANIFEST_FILE = "competition.toml"
_PUSH_AGAIN = "run `ensembler notebook --push` again"


@dataclass(frozen=True)
class Bundle:
    """The list of a folder that is uploaded as a dataset. The list is named after its content.

    ``outputs`` contains the classes in the order of the stack's probabilities. ``labels`` counts the training photos of
    each label, for the prior of unreadable photos. ``files`` contains the SHA-256 of each other file.
    """

    competition: str
    stack: str
    outputs: tuple[str, ...]
    labels: dict[str, int]
    files: dict[str, str]

    @property
    def list_name(self) -> str:
        """Name of the file that lists the others."""
        return f"ensembler-{compute_fingerprint(asdict(self))}.json"

    def save(self, folder: Path) -> Path:
        """Write the list to the folder of the files."""
        path = folder / self.list_name
        write_record(path, self)
        return path

    @classmethod
    def load(cls, path: Path) -> Bundle:
        """Read the list, and raise ``BadData`` if a file beside it is missing or changed."""
        bundle = read_record(path, cls, f"{_PUSH_AGAIN}.")
        if bundle.list_name != path.name:
            raise BadData(f"The content of {path} does not match its name: {_PUSH_AGAIN}.")
        for name, digest in bundle.files.items():
            file = path.parent / name
            if not file.is_file():
                raise BadData(f"{file} is missing in the dataset: {_PUSH_AGAIN}.")
            if compute_file_digest(file) != digest:
                raise BadData(f"{file} differs from the uploaded file: {_PUSH_AGAIN}.")
        return bundle


def is_list_name(name: str) -> bool:
    """Return whether a file has the name of a bundle's list."""
    return re.fullmatch(r"ensembler-[0-9a-f]{16}\.json", name) is not None
