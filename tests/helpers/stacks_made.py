"""A finished stack of made-up members: right in its files and names, but its model is no network."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np

from ensembler.competition.manifest import Manifest
from ensembler.competition.tables import Tables
from ensembler.paths import CompetitionFolder
from ensembler.serialization import write_arrays, write_json
from ensembler.storage import remove_file, write_bytes


def as_if_on_kaggle(folder: CompetitionFolder, slug: str) -> None:
    """Give an adopted competition a slug and a sample submission among its files, and take away what we hid."""
    manifest = Manifest.load(folder.manifest)
    write_bytes(Path(manifest.photos) / folder.sample.name, folder.sample.read_bytes())
    answer = dataclasses.replace(manifest.answer, sample=folder.sample.name)
    manifest = dataclasses.replace(manifest, slug=slug, answer=answer)
    manifest.save(folder.manifest)
    # The tables are the same.
    write_json(folder.stamp, {"manifest": manifest.fingerprint})
    remove_file(folder.solution)


def make_stack(folder: CompetitionFolder, tables: Tables, name: str = "a_b", model: bytes = b"a model") -> None:
    place = folder.stack(name)
    write_bytes(place / "stack.keras", model)
    write_arrays(place / "predictions.npz", classes=np.array(tables.manifest.outputs, dtype=str))
    members = [{"name": "a", "log_loss": 0.5, "fingerprint": "f1"}, {"name": "b", "log_loss": 0.6, "fingerprint": "f2"}]
    figures = {"metric": "log loss", "score": 0.4, "standard_error": 0.01, "log_loss": 0.4}
    write_json(place / "stack.json", {"name": name, "members": members, **figures})
