"""A competition as Kaggle mounts it in a notebook: its sample submission and the requested photos."""

from __future__ import annotations

import glob
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import pandas as pd

from ...competition.archives.formats import is_archive
from ...competition.archives.pixel_tables import draw_pixel_tables
from ...competition.archives.unpacking import extract_archive
from ...competition.manifest import Manifest
from ...competition.photo_files import PhotoFiles
from ...competition.sample_submission import SampleSubmission, list_csv_files
from ...errors import BadData
from ...progress import Progress

_MAX_SHOWN = 10


@dataclass(frozen=True)
class MountedCompetition:
    """A competition that can only be read; what is packed there is unpacked elsewhere.

    The paths of the sample submission and of each folder of test photos start from ``sample_root`` and ``photo_roots``.
    """

    manifest: Manifest
    sample_root: Path
    photo_roots: tuple[Path, ...]

    @classmethod
    def open(cls, manifest: Manifest, root: Path, scratch: Path, progress: Progress) -> MountedCompetition:
        """Find what the manifest names below ``root``; ``scratch`` is the folder to unpack into."""
        roots = tuple(_find_or_unpack(folder, root, scratch, progress) for folder in manifest.test.folders)
        return cls(manifest, _find_or_unpack(manifest.answer.sample, root, scratch, progress), roots)

    def read_requested_photos(self) -> pd.DataFrame:
        """Read which photos are asked for: id and path, which is empty where there is no photo."""
        sample = SampleSubmission.read(self.sample_root / self.manifest.answer.sample)
        folders = self.manifest.test.folders
        photos = [_list_photos(root, folder) for root, folder in zip(self.photo_roots, folders, strict=True)]
        paths = [
            next((str(files.root / path) for files in photos if (path := files.find(identity))), "")
            for identity in sample.ids
        ]
        if not any(paths):
            raise BadData(
                f"None of the ids of {sample.path} is a photo in {self.photo_roots[0] / folders[0]} "
                f"(first: {sample.ids[0]!r}): check the folders in the manifest."
            )
        return pd.DataFrame({"id": sample.ids, "path": paths})


def find_mount(slug: str, inputs: Path) -> Path:
    """Find the folder of a competition below ``inputs``, where Kaggle has changed its place once.

    Kaggle spells it as the competition's founders did, with capitals; slugs here have none.
    """
    folders = [path for place in (inputs, inputs / "competitions") for path in sorted(place.glob("*"))]
    matches = [path for path in folders if path.name.lower() == slug.lower() and path.is_dir()]
    if matches:
        return min(matches, key=lambda path: path.name != slug)
    mounted = sorted(
        path.relative_to(inputs).as_posix() for path in [*inputs.glob("*"), *inputs.glob("competitions/*")]
    )
    raise BadData(f"{slug} is not mounted in {inputs} ({', '.join(mounted) or 'nothing is'}): add it to the notebook.")


def _list_photos(root: Path, folder: str) -> PhotoFiles:
    """List the photos of one folder by their paths from ``root``; others may be many and slow to list."""
    if folder in (".", ""):
        return PhotoFiles.list_below(root)
    below = PhotoFiles.list_below(root / folder)
    return PhotoFiles(root, tuple(f"{folder}/{path}" for path in below.paths))


def _find_or_unpack(relative_path: str, root: Path, scratch: Path, progress: Progress) -> Path:
    """Return ``root`` if it has ``relative_path``, else a folder that has it after unpacking."""
    if (root / relative_path).exists():
        return root
    place = PurePosixPath(relative_path)
    for inner in [*reversed(place.parents), place]:
        for archive in _list_archives(root, inner):
            unpacked = _unpack(archive, inner, scratch, progress)
            if (unpacked / relative_path).exists():
                return unpacked
    drawn = _draw_photos(root, scratch, progress)
    if (drawn / relative_path).exists():
        return drawn
    existing = ", ".join(sorted(path.name for path in root.iterdir())[:_MAX_SHOWN])
    raise BadData(
        f"{root} has no {relative_path}, nor an archive with it (it has {existing}): check the manifest's paths."
    )


def _list_archives(root: Path, inner: PurePosixPath) -> list[Path]:
    if not inner.name:
        return []
    named = (root / inner.parent).glob(f"{glob.escape(inner.name)}.*")
    return sorted(path for path in named if is_archive(path) and path.is_file())


def _unpack(archive: Path, inner: PurePosixPath, scratch: Path, progress: Progress) -> Path:
    """Unpack an archive to where ``fetch`` would have: beside itself if its members begin with its own name."""
    unpacked, root = Path(tempfile.mkdtemp(dir=scratch)) / inner.name, Path(tempfile.mkdtemp(dir=scratch))
    try:
        extract_archive(archive, unpacked, progress, max_bytes=0)
    except ModuleNotFoundError as error:
        raise BadData(f"{archive} cannot be unpacked without {error.name}, which is not installed here.") from error
    tops = {path.name for path in unpacked.iterdir()}
    place = root / inner.parent if tops == {inner.name} else root / inner
    place.mkdir(parents=True, exist_ok=True)
    for path in unpacked.iterdir():
        shutil.move(path, place / path.name)
    return root


def _draw_photos(mount: Path, scratch: Path, progress: Progress) -> Path:
    """Draw photos that are mounted as tables of pixels."""
    root = Path(tempfile.mkdtemp(dir=scratch))
    for table in list_csv_files(mount):
        link = root / table.relative_to(mount)
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(table)
    draw_pixel_tables(root, progress)
    return root
