"""A competition mounted in a notebook on Kaggle: its sample submission and the requested photos."""

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
from ...competition.sample_submission import SampleSubmission
from ...competition.table_files.listing import list_table_files
from ...errors import BadData
from ...progress import Progress

_MAX_SHOWN = 10


@dataclass(frozen=True)
class MountedCompetition:
    """A read-only competition, whose archives are unpacked elsewhere.

    The manifest's path of the sample submission is relative to ``sample_root``, and those of the folders of test photos
    are relative to ``photo_roots``.
    """

    manifest: Manifest
    sample_root: Path
    photo_roots: tuple[Path, ...]

    @classmethod
    def open(cls, manifest: Manifest, root: Path, scratch: Path, progress: Progress) -> MountedCompetition:
        """Find the manifest's files below ``root``; archives are unpacked into ``scratch``."""
        roots = tuple(_find_or_unpack(folder, root, scratch, progress) for folder in manifest.test.folders)
        return cls(manifest, _find_or_unpack(manifest.answer.sample, root, scratch, progress), roots)

    def read_requested_photos(self) -> pd.DataFrame:
        """Return the table of requested photos: id, and path, which is empty if the photo is missing."""
        sample = SampleSubmission.read(self.sample_root / self.manifest.answer.sample)
        folders = self.manifest.test.folders
        photos = [
            _list_photos(root, folder).leave_out(self.manifest.leave_out)
            for root, folder in zip(self.photo_roots, folders, strict=True)
        ]
        paths = [
            next((str(files.root / path) for files in photos if (path := files.find(identity))), "")
            for identity in sample.ids
        ]
        if not any(paths):
            raise BadData(
                f"No id of {sample.path} is a photo in {self.photo_roots[0] / folders[0]} "
                f"(first: {sample.ids[0]!r}): check the folders in the manifest."
            )
        return pd.DataFrame({"id": sample.ids, "path": paths})


def find_mount(slug: str, inputs: Path) -> Path:
    """Find the folder of a competition in one of Kaggle's two places below ``inputs``.

    Its name may contain capitals, which ``slug`` does not.
    """
    folders = [*sorted(inputs.glob("*")), *sorted(inputs.glob("competitions/*"))]
    matches = [path for path in folders if path.name.lower() == slug.lower() and path.is_dir()]
    if matches:
        return min(matches, key=lambda path: path.name != slug)
    found = ", ".join(path.relative_to(inputs).as_posix() for path in folders) or "nothing"
    raise BadData(f"{slug} is not mounted in {inputs}, which contains {found}: add it to the notebook.")


def _list_photos(root: Path, folder: str) -> PhotoFiles:
    """List the photos of one folder, with paths relative to ``root``. Other folders may be slow to list."""
    if folder in (".", ""):
        return PhotoFiles.list_below(root)
    below = PhotoFiles.list_below(root / folder)
    return PhotoFiles(root, tuple(f"{folder}/{path}" for path in below.paths))


def _find_or_unpack(relative_path: str, root: Path, scratch: Path, progress: Progress) -> Path:
    """Return ``root`` if it contains ``relative_path``, else a folder that contains it after unpacking."""
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
        f"{root} contains neither {relative_path} nor an archive with it (it contains {existing}): check the paths in "
        "the manifest."
    )


def _list_archives(root: Path, inner: PurePosixPath) -> list[Path]:
    if not inner.name:
        return []
    named = (root / inner.parent).glob(f"{glob.escape(inner.name)}.*")
    return sorted(path for path in named if is_archive(path) and path.is_file())


def _unpack(archive: Path, inner: PurePosixPath, scratch: Path, progress: Progress) -> Path:
    """Unpack an archive to the same place as ``fetch``: beside itself if its entries begin with its own name."""
    unpacked, root = Path(tempfile.mkdtemp(dir=scratch)) / inner.name, Path(tempfile.mkdtemp(dir=scratch))
    try:
        extract_archive(archive, unpacked, progress, max_bytes=0)
    except ModuleNotFoundError as error:
        raise BadData(f"{archive} needs the package {error.name}, which is missing here: install it.") from error
    tops = {path.name for path in unpacked.iterdir()}
    place = root / inner.parent if tops == {inner.name} else root / inner
    place.mkdir(parents=True, exist_ok=True)
    for path in unpacked.iterdir():
        shutil.move(path, place / path.name)
    return root


def _draw_photos(mount: Path, scratch: Path, progress: Progress) -> Path:
    """Convert mounted tables of pixels into photos."""
    root = Path(tempfile.mkdtemp(dir=scratch))
    for table in list_table_files(mount):
        link = root / table.relative_to(mount)
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(table)
    draw_pixel_tables(root, progress)
    return root
