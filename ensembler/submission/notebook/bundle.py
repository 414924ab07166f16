"""What a notebook needs to repeat our answer: the stack, the manifest, wheels, and a list of their hashes."""

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
    """A folder that is uploaded as a dataset; its list is named after its content.

    ``outputs`` are the classes in the order of the stack's probabilities, ``labels`` counts the training photos of each
    label, for the prior of photos without pixels, and ``files`` has the SHA-256 of each other file.
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
        """Write the list into the folder of the files."""
        path = folder / self.list_name
        write_record(path, self)
        return path

    @classmethod
    def load(cls, path: Path) -> Bundle:
        """Read the list, and make sure that the files beside it are those that it was made with."""
        bundle = read_record(path, cls, f"{_PUSH_AGAIN}.")
        if bundle.list_name != path.name:
            raise BadData(f"{path} is not what it was named after: {_PUSH_AGAIN}.")
        for name, digest in bundle.files.items():
            file = path.parent / name
            if not file.is_file():
                raise BadData(f"{file} is missing in the dataset: {_PUSH_AGAIN}.")
            if compute_file_digest(file) != digest:
                raise BadData(f"{file} is not the file that was uploaded: {_PUSH_AGAIN}.")
        return bundle


def is_list_name(name: str) -> bool:
    """Return whether a file's name is that of a bundle's list."""
    return re.fullmatch(r"ensembler-[0-9a-f]{16}\.json", name) is not None
