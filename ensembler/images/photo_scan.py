"""Looking each photo through once: which cannot be read, and what tells whether two show the same picture."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from ..errors import UnreadablePhoto
from ..progress import Progress
from .decoding import DECODED_SIZE, open_photo
from .miniatures import Miniature, miniature
from .perceptual_hash import SIDE

# Height and width in pixels at which photos are decoded, or more: several times what is kept of them.
LOOK = 8 * SIDE // DECODED_SIZE


@dataclass
class Census:
    """What was seen, by path.

    Attributes
    ----------
    digests
        Of each readable photo's bytes.
    miniatures
        Of each readable photo that is not too small for one.
    problems
        What is wrong with the others.
    """

    digests: dict[str, str] = field(default_factory=dict)
    miniatures: dict[str, Miniature] = field(default_factory=dict)
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
        for path, seen in zip(paths, progress.track(looks, "look at photos", len(paths)), strict=True):
            if isinstance(seen, str):
                census.problems[path] = seen
                continue
            census.digests[path], small = seen
            if small is not None:
                census.miniatures[path] = small
    return census


def _look(path: Path) -> tuple[str, Miniature | None] | str:
    """Digest of a photo's bytes and its miniature, or what is wrong with it."""
    try:
        photo = open_photo(path, LOOK)
    except UnreadablePhoto as error:
        return str(error.__cause__)
    return hashlib.blake2b(path.read_bytes(), digest_size=16).hexdigest(), miniature(photo)
