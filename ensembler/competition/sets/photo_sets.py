"""Training and test photos, by the names of their folders."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath

from ...errors import BadData
from ..layout.evidence import Evidence
from ..manifest import TestLayout
from ..photo_files import PhotoFiles, find_common_folder
from ..photo_ids import find_nearest
from ..photo_names import extract_stem, extract_suffix
from ..pictures.likeness import are_versions, have_few_colours, look_at
from ..sample_submission import SampleSubmission
from .photo_versions import select_versions
from .set_names import TEST, TRAIN, VALIDATION, find_other_sets, find_set, find_set_folder, parse_set_name

# The first available format is used. Other formats come between the two: tif files may contain more bands and bits than
# a photo.
_PREFERRED_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp")
_LAST_SUFFIXES = (".gif", ".tif", ".tiff")
# Number of photos whose pictures are compared, and least number that tells something.
_MAX_PAIRS, _MIN_PAIRS = 12, 2


@dataclass(frozen=True)
class PhotoSets:
    """The photos of a competition, by the folders that name their sets."""

    photos: PhotoFiles

    def list_folders(self, word: str) -> dict[str, list[str]]:
        """Return the paths below each folder of the set ``word``; folders of preferred formats come first."""
        folders = self._folders.get(word, {})
        return dict(sorted(folders.items(), key=lambda item: (_rank_format(item[1]), item[0])))

    def list_paths(self, word: str) -> list[str]:
        """Return the paths of the set ``word``."""
        return sorted(path for paths in self._folders.get(word, {}).values() for path in paths)

    @cached_property
    def _folders(self) -> dict[str, dict[str, list[str]]]:
        others = find_other_sets(self.photos.paths)
        folders: dict[str, dict[str, list[str]]] = {}
        for path in self.photos.paths:
            word, folder = _locate(path, others)
            folders.setdefault(word, {}).setdefault(folder, []).append(path)
        return folders


def _locate(path: str, others: dict[str, str]) -> tuple[str, str]:
    """Return the set of a photo, and the folder that names it; two empty strings if none does."""
    if word := find_set(path):
        return word, find_set_folder(path, word)
    if others:
        parts = path.split("/")
        for depth in range(1, len(parts)):
            folder = "/".join(parts[:depth])
            if word := others.get(folder, ""):
                return word, folder
    return "", ""


@dataclass(frozen=True)
class TrainingSet:
    """Folders of photos to learn from.

    ``folders`` maps the training folders to their paths. ``more`` contains folders that may be labelled too: those for
    validation, and those with the names of other training photos, but other pictures.
    """

    folders: dict[str, list[str]]
    more: dict[str, list[str]]

    @property
    def folder(self) -> str:
        """The first training folder."""
        return next(iter(self.folders))

    def select(self, photos: PhotoFiles, *, with_more: bool = False) -> PhotoFiles:
        """Return the photos of the training folders, or also of those for validation."""
        parts = [*self.folders.values(), *(self.more.values() if with_more else [])]
        return PhotoFiles(photos.root, tuple(sorted(path for paths in parts for path in paths)))


def find_training_set(photos: PhotoFiles, evidence: Evidence, test: TestLayout | None = None) -> TrainingSet:
    """Find the folders of the photos to learn from; ``test`` contains the folders of those to predict, if known.

    Without a folder named train, all photos outside folders named test are training photos. Of folders with the same
    photos in several formats or sizes, such as ``train-jpg`` and ``train-tif``, one is used.
    """
    sets = PhotoSets(photos)
    folders = sets.list_folders(TRAIN)
    kept, versions, ambiguous = select_versions(folders, sets.list_folders(TEST), _OtherPictures(photos.root))
    for folder, other in versions.items():
        evidence.leave_out(folder, f"it contains the photos of {other} in another format or size")
    more = {
        folder: paths
        for folder, paths in sets.list_folders(VALIDATION).items()
        if test is None or folder not in test.folders
    }
    if kept:
        used = {folder: folders[folder] for folder in kept}
        return TrainingSet(used, {folder: folders[folder] for folder in ambiguous} | more)
    if rest := sets.list_paths(""):
        return TrainingSet({find_common_folder(rest): rest}, more)
    # Without other photos, those for validation are all that may have labels.
    rest = sets.list_paths(VALIDATION)
    return TrainingSet({find_common_folder(rest): rest}, {})


@dataclass(frozen=True)
class _OtherPictures:
    """Tells whether photos of the same names in two folders are different pictures, judged by some of them."""

    root: Path

    def __call__(self, ones: list[str], others: list[str]) -> bool:
        known = {extract_stem(path): path for path in others}
        pairs = [(path, known[stem]) for path in ones if (stem := extract_stem(path)) in known]
        looks = [
            (first, second)
            for one, other in pairs[:: max(1, len(pairs) // _MAX_PAIRS)]
            if (first := look_at(self.root / one)) and (second := look_at(self.root / other))
        ]
        if len(looks) < _MIN_PAIRS or have_few_colours([first for first, _ in looks]):
            return False
        return not are_versions([first for first, _ in looks], [second for _, second in looks])


def list_test_folders(photos: PhotoFiles, evidence: Evidence) -> list[str]:
    """Return the folders of photos to predict, by their names, except further versions of the same photos."""
    folders = PhotoSets(photos).list_folders(TEST)
    kept, versions, ambiguous = select_versions(folders, (), _OtherPictures(photos.root))
    for folder, other in versions.items():
        evidence.leave_out(folder, f"it contains the photos of {other} in another format or size")
    return [*kept, *ambiguous]


def _rank_format(paths: list[str]) -> int:
    suffix, _ = Counter(extract_suffix(path).lower() for path in paths).most_common(1)[0]
    if suffix in _PREFERRED_SUFFIXES:
        return _PREFERRED_SUFFIXES.index(suffix)
    return len(_PREFERRED_SUFFIXES) + (_LAST_SUFFIXES.index(suffix) + 1 if suffix in _LAST_SUFFIXES else 0)


def find_test_layout(photos: PhotoFiles, sample: SampleSubmission) -> TestLayout:
    """Find the folders of the photos to predict: those named test that contain the sample's ids, else any.

    ``BadData`` is raised if no id is the name of a photo.
    """
    sets = PhotoSets(photos)
    folders = _select_answering(sets.list_folders(TEST), photos, sample)
    if folders:
        return TestLayout(folders[0], tuple(folders[1:]))
    # Other names of sets, such as "eval", are no reason to refuse ids of photos elsewhere.
    named = [path for path in photos.paths if find_set(path) == TEST]
    matched = [] if named else [path for identity in sample.ids if (path := photos.find(identity))]
    if not matched:
        raise _make_unanswered_error(sample, PhotoFiles(photos.root, tuple(named)) if named else photos)
    return TestLayout(find_common_folder(matched))


def _make_unanswered_error(sample: SampleSubmission, photos: PhotoFiles) -> BadData:
    """Return the error of a sample without ids of photos, with the reason if several ids belong to one photo."""
    identity = sample.ids[0]
    reason = f"The ids of {sample.path} (first: {identity!r})"
    for path in photos.paths:
        above = [part for part in PurePosixPath(path).parts[:-1] if not parse_set_name(part)]
        names = [*above, extract_stem(path)]
        if any(_has_prefix(name, identity) or _has_prefix(identity, name) for name in names):
            return BadData(
                f"{reason} do not stand for one photo each, as {photos.root / path} shows: only competitions with one "
                "row per photo file are supported."
            )
    where, nearest = photos.root / find_common_folder(photos.paths), find_nearest(identity, photos.paths)
    return BadData(
        f"{reason} are not names of photos in {where}, of which {nearest} is most like it: "
        "correct the ids or the names of the photos, or name another file with --sample FILE."
    )


def _has_prefix(name: str, start: str) -> bool:
    """Return whether a name equals ``start``, or continues it after a separator."""
    return name == start or bool(re.match(rf"{re.escape(start)}[\W_]", name))


def _select_answering(folders: dict[str, list[str]], photos: PhotoFiles, sample: SampleSubmission) -> list[str]:
    """Return the folders that contain ids missing in the folders before them."""
    missing, answering = sample.ids, []
    for folder, paths in folders.items():
        inside = PhotoFiles(photos.root, tuple(paths))
        left = [identity for identity in missing if not inside.find(identity)]
        if len(left) < len(missing):
            answering.append(folder)
        missing = left
    return answering
