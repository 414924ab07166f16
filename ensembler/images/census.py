"""Looking each photo through once: which cannot be read, and which are the same file twice."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from ..errors import UnreadablePhoto
from ..progress import Progress
from .decoding import open_photo


@dataclass
class Census:
    """What was seen: a digest of each readable photo's bytes, and what is wrong with the others."""

    digests: dict[str, str] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)


def take_census(root: Path, paths: Sequence[str], progress: Progress) -> Census:
    """Decode all photos once, on all processors.

    Parameters
    ----------
    root
        Folder that the paths start from.
    paths
        Photos to look at.
    progress
        Hears of every photo.
    """
    census = Census()
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        looks = pool.map(lambda path: _look(root / path), paths)
        for path, (digest, problem) in zip(paths, progress.track(looks, "look at photos", len(paths)), strict=True):
            if problem:
                census.problems[path] = problem
            else:
                census.digests[path] = digest
    return census


def _look(path: Path) -> tuple[str, str]:
    """Digest of a photo's bytes, and what is wrong with it, if anything."""
    try:
        open_photo(path)
    except UnreadablePhoto as error:
        return "", str(error.__cause__)
    return hashlib.blake2b(path.read_bytes(), digest_size=16).hexdigest(), ""
