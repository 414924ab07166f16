"""The manifest: facts about a competition that the user can read and correct."""

from __future__ import annotations

import contextlib
import json
import re
import tomllib
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from ..errors import BadChoice, BadData
from ..paths import CompetitionFolder
from ..serialization import compute_fingerprint, format_toml, make_record, read_record, read_toml
from ..storage import write_text
from .metrics.metrics import resolve_metric
from .photo_ids import normalise_text
from .pixels import PLAIN, PixelRule
from .task import ROTATIONS, AnswerKind, LabelSource, Task

_REMEDY = "correct it, or delete the file and fetch or adopt again."
_PIXELS_HEADING = re.compile(r"^[ \t]*\[[ \t]*pixels[ \t]*\][^\n]*(?:\n|\Z)", re.MULTILINE)
# Keys that can change without a new scan of the photos.
_NOT_IN_TABLES = ("metric", "code_only", "class_names")
# Keys by table that earlier versions did not have. Without them the tables of an earlier version stay valid.
_LATER_KEYS = {
    "": ("leave_out",),
    "train": ("more_folders", "class_level", "missing_photos", "conflicting", "separator"),
    "answer": ("separator", "labels", "placeholder"),
}

# Version of the scan of photos. Version 2 finds the rule of pixels.
SCAN_VERSION = 2
# Separator of several labels of one photo in our tables.
SEPARATOR = "|"
# Stands for folders instead of a table of groups.
FOLDERS = "folders"

HEADER = """\
Properties of this competition, as detected. Correct them if they are wrong, then run `ensembler folds`.

task            binary (one probability per photo), multiclass (one class) or multilabel (any number of classes)
classes         all classes; a binary task predicts the probability of the last one
photos          the folder that all other paths are relative to; relative to this file, or absolute
metric          the metric of the competition; it decides selection and the content of the CSV
code_only       true if Kaggle accepts submissions only from notebooks
class_names     readable names of numbered classes, in the order of `classes`; for display only
leave_out       files and folders that are neither learned from nor predicted; `*` stands for any characters
[train]         more_folders: further folders of labelled photos, such as those for validation
                labels = "names": the class is the part of the file name before the number (cat.12.jpg)
                labels = "folders": the class is the name of the photo's folder, or with class_level = 1 that of the
                first folder below `folder`, with 2 of the second, and so on
                labels = "csv": the table `file` contains ids (`id_column`) and labels (`columns`: one column of
                classes, or a column of 0 and 1 for each class); incomplete = true skips photos without a label,
                missing_photos = true rows without a photo, and conflicting = true photos with several labels;
                separator separates the tags of a photo: " " by default, "," and others, or "list" for ['a', 'b']
                labels = "rotations": the photos are upright; each is learned from and predicted in four rotations
                groups: a table with the group of each id (`group_id_column`, `group_column`), such as its patient,
                "names" for pairs of photos named left and right, or "folders" for the folders at the level
                `group_column` (1: the first below `folder`); folds keep groups together; delete these three lines
                to use no groups
[test]          the folder of the photos to predict; photos that it lacks are searched in more_folders
[answer]        the sample submission, its id column, the columns to fill in (one per class, in the order of
                `classes`), and their content: "probabilities", the "label", "tags" separated by `separator`, or a
                "flag" (1 for the last of two classes, 0 for the other); labels: how the CSV spells the classes;
                placeholder: a cell of the sample submission that is no answer
[pixels]        for photos with transparency or more than 8 bits: the `ground` under transparent pixels ("white",
                "black", "grey", or "none" to drop transparency), and the two numbers that become 0 and 255, for
                photos of `unsigned` or `signed` whole numbers or of `floats`; one rule for all photos
"""


@dataclass(frozen=True)
class TrainLayout:
    """Folders of the labelled photos, and source of their labels and groups.

    ``class_level`` counts folders below a training folder: the class is the name of the first with 1, of the second
    with 2, and of the innermost with 0.
    """

    folder: str
    labels: LabelSource
    file: str = ""
    id_column: str = ""
    columns: tuple[str, ...] = ()
    incomplete: bool = False
    groups: str = ""
    group_id_column: str = ""
    group_column: str = ""
    more_folders: tuple[str, ...] = ()
    class_level: int = 0
    missing_photos: bool = False
    conflicting: bool = False
    separator: str = ""

    @property
    def folders(self) -> tuple[str, ...]:
        """All folders of labelled photos."""
        return (self.folder, *self.more_folders)

    def describe_groups(self) -> str:
        """Return the source of the groups in words."""
        if self.groups == FOLDERS:
            return f"the folders at level {self.group_column} below {', '.join(self.folders)}"
        return f"{self.group_column} of {self.groups}"

    def extract_class(self, folder: str) -> str:
        """Return the class that the folder of a photo names; an empty string if it names none."""
        parts = self.split_below(folder)
        if not parts:
            return ""
        level = self.class_level or len(parts)
        return normalise_text(parts[level - 1]) if level <= len(parts) else ""

    def split_below(self, folder: str) -> list[str]:
        """Return the parts of a path below the deepest training folder that contains it."""
        bases = ["" if base == "." else base for base in self.folders]
        inside = [base for base in bases if not base or folder == base or folder.startswith(base + "/")]
        base = max(inside, key=len, default="")
        return folder[len(base) :].strip("/").split("/") if folder != base else []


@dataclass(frozen=True)
class TestLayout:
    """Folders of the photos to predict. An id that is in several folders is the photo in the first of them."""

    __test__ = False  # not a test class, whatever pytest makes of the name

    folder: str
    more_folders: tuple[str, ...] = ()

    @property
    def folders(self) -> tuple[str, ...]:
        """All folders, in the order of the search."""
        return (self.folder, *self.more_folders)


@dataclass(frozen=True)
class AnswerLayout:
    """Format of the submission."""

    sample: str
    id_column: str
    columns: tuple[str, ...]
    kind: AnswerKind
    separator: str = ""
    labels: tuple[str, ...] = ()
    placeholder: str = ""


@dataclass(frozen=True)
class Manifest:
    """Properties of a competition that later stages need.

    ``outputs`` contains the classes of the network's units, in their order: only the last class in a binary task (one
    sigmoid unit), otherwise all classes.
    """

    name: str
    slug: str
    task: Task
    classes: tuple[str, ...]
    photos: str
    train: TrainLayout
    test: TestLayout
    answer: AnswerLayout
    metric: str = "log loss"
    code_only: bool = False
    class_names: tuple[str, ...] = ()
    pixels: PixelRule = PLAIN
    leave_out: tuple[str, ...] = ()

    @property
    def outputs(self) -> tuple[str, ...]:
        """Classes in the order of the networks' units."""
        return self.classes[-1:] if self.task == "binary" else self.classes

    @property
    def is_orientation(self) -> bool:
        """Whether the classes are rotations of upright photos, and each photo has four rows."""
        return self.train.labels == "rotations"

    @property
    def sums_to_one(self) -> bool:
        """Whether a photo's probabilities sum to 1."""
        return self.task == "multiclass"

    @property
    def fingerprint(self) -> str:
        """Hash of all that the tables depend on."""
        content = {key: value for key, value in asdict(self).items() if key not in _NOT_IN_TABLES}
        # Tables that were made before a key existed remain current.
        for table, keys in _LATER_KEYS.items():
            part = content[table] if table else content
            for key in keys:
                if not part[key]:
                    del part[key]
        if self.pixels == PLAIN:
            del content["pixels"]
        return compute_fingerprint(content)

    def describe(self) -> str:
        """Return the task in words."""
        if self.task == "binary":
            other, positive = self.class_names or self.classes
            column = self.answer.columns[0]
            if self.answer.kind == "label":
                return f"binary: `{column}` is {other!r} or {positive!r}"
            if self.answer.kind == "flag":
                return f"binary: `{column}` is 1 for {positive!r}, 0 for {other!r}"
            return f"binary: `{column}` is the probability of {positive!r}, not {other!r}"
        named = [f"{name} ({meaning})" for name, meaning in zip(self.classes, self.class_names, strict=False)]
        shown = ", ".join((named or list(self.classes))[:6]) + (", ..." if len(self.classes) > 6 else "")
        if self.is_orientation:
            return f"orientation: degrees by which a photo is rotated counter-clockwise ({', '.join(self.classes)})"
        kind = "one class" if self.task == "multiclass" else "any number of classes"
        return f"{self.task}: {kind} per photo, {len(self.classes)} classes ({shown})"

    def save(self, path: Path) -> None:
        """Write the manifest with comments that explain it."""
        write_text(path, self.text)

    @property
    def text(self) -> str:
        """The manifest as TOML, with comments that explain it."""
        content = asdict(self)
        for section in ("train", "test", "answer"):
            content[section] = {key: value for key, value in content[section].items() if value not in ("", (), False)}
        content["pixels"] = self.pixels.keys
        for key in ("code_only", "class_names", "leave_out", "pixels"):
            if not content[key]:
                del content[key]
        return format_toml(HEADER, content)

    @classmethod
    def load(cls, path: Path) -> Manifest:
        """Read a manifest that the user may have edited.

        Raises
        ------
        BadData
            If a key is missing, unknown or of the wrong kind.
        """
        content = read_toml(path)
        _refuse_unknown_keys(content, path)
        manifest = make_record(content, cls, path, _REMEDY)
        try:
            resolve_metric(manifest.metric, manifest.task)
        except BadChoice as error:
            raise BadData(f"In {path}, metric does not fit a {manifest.task} task: {error}") from error
        if problem := _find_problem(manifest):
            raise BadData(f"In {path}, {problem}")
        return manifest


def add_pixel_keys(path: Path, rule: PixelRule) -> Manifest:
    """Add the keys of a rule to ``[pixels]`` of a manifest, which is otherwise left as the user wrote it.

    Raises
    ------
    BadData
        If the section is written in a way that keys cannot be added to.
    """
    text, missing = path.read_text("utf-8"), rule.keys
    for key in read_toml(path).get("pixels", {}):
        missing.pop(key, None)
    lines = "".join(f"{key} = {json.dumps(value)}\n" for key, value in missing.items())
    changed, count = _PIXELS_HEADING.subn(lambda heading: f"{heading[0].rstrip()}\n{lines}", text, count=1)
    if not count:
        changed = f"{text.rstrip()}\n\n[pixels]\n{lines}"
    with contextlib.suppress(ValueError):
        if tomllib.loads(changed).get("pixels") == rule.keys:
            write_text(path, changed)
            return Manifest.load(path)
    raise BadData(f"{path} cannot be completed: add these lines below [pixels], each on its own: {lines.strip()}")


@dataclass(frozen=True)
class TablesStamp:
    """Fingerprint of the manifest that the tables of photos were made from, and version of the scan."""

    manifest: str = ""
    scan: int = 1


def are_tables_current(folder: CompetitionFolder, manifest: Manifest) -> bool:
    """Return whether the tables of photos are complete and were made from this manifest."""
    files = (folder.train, folder.test, folder.unreadable, folder.stamp)
    if not all(path.is_file() for path in files):
        return False
    return read_record(folder.stamp, TablesStamp).manifest == manifest.fingerprint


def is_scan_current(folder: CompetitionFolder) -> bool:
    """Return whether the scan of the photos looked for a rule of pixels, which that of earlier versions did not."""
    return folder.stamp.is_file() and read_record(folder.stamp, TablesStamp).scan == SCAN_VERSION


def describe_stale_tables(folder: CompetitionFolder) -> str:
    """Return the reason why the tables of photos do not match the manifest."""
    if folder.stamp.is_file():
        return f"{folder.manifest} was edited after the tables of photos were made"
    return f"The tables of photos of {folder.name} are missing or incomplete"


def _refuse_unknown_keys(content: dict[str, Any], path: Path) -> None:
    sections = {"train": TrainLayout, "test": TestLayout, "answer": AnswerLayout, "pixels": PixelRule}
    tables = {"": (content, Manifest), **{f"{name}.": (content.get(name), kind) for name, kind in sections.items()}}
    for prefix, (table, kind) in tables.items():
        known = [field.name for field in fields(kind)]
        if isinstance(table, dict) and (unknown := [prefix + key for key in table if key not in known]):
            raise BadData(
                f"{path} contains unknown keys: {', '.join(unknown)}. Known keys are {', '.join(known)}: "
                "remove the others."
            )


def _find_problem(manifest: Manifest) -> str:
    """Return the first problem of a manifest in words, or an empty string."""
    classes, names, answer, train = manifest.classes, manifest.class_names, manifest.answer, manifest.train
    expected = len(manifest.outputs) if answer.kind == "probabilities" else 1
    odd = [name for name in classes if SEPARATOR in name or not name.strip()]
    from_csv = train.labels == "csv"
    problems = (
        (
            answer.kind == "flag" and manifest.task != "binary",
            "answer.kind = 'flag' needs two classes: write 'label' or 'probabilities'.",
        ),
        (
            len(set(classes)) < max(len(classes), 2),
            f"classes must name at least two different classes. Received: {list(classes)}",
        ),
        (
            manifest.task == "binary" and len(classes) != 2,
            f"a binary task has two classes. Received: {list(classes)}",
        ),
        (
            names and len(names) != len(classes),
            f"class_names must contain {len(classes)} names, one per class, or be deleted. Received: {list(names)}",
        ),
        (odd, f"names of classes must not be empty or contain {SEPARATOR!r}. Received: {odd}"),
        (
            len(answer.columns) != expected,
            f"answer.columns must name {expected} column(s), one per class. Received: {len(answer.columns)}",
        ),
        (
            answer.labels and len(answer.labels) != len(classes),
            f"answer.labels must contain {len(classes)} texts, one per class, or be deleted. Received: "
            f"{list(answer.labels)}",
        ),
        (
            train.groups and not (train.group_id_column and train.group_column),
            "train.groups also needs train.group_id_column and train.group_column.",
        ),
        (
            train.groups == FOLDERS and not (train.group_column.isdecimal() and int(train.group_column)),
            f"train.groups = 'folders' needs the level of these folders as train.group_column, such as '1'. Received: "
            f"{train.group_column!r}",
        ),
        (train.class_level < 0, f"train.class_level must be at least 0. Received: {train.class_level}"),
        (
            from_csv and not (train.file and train.id_column),
            "labels = 'csv' also needs train.file and train.id_column.",
        ),
        (
            from_csv and len(train.columns) not in (1, len(classes)),
            f"train.columns must name one column of labels, or {len(classes)} columns, one per class. Received: "
            f"{list(train.columns)}",
        ),
        (
            manifest.is_orientation
            and (manifest.classes, manifest.task, answer.kind) != (ROTATIONS, "multiclass", "probabilities"),
            f"train.labels = 'rotations' needs a multiclass task with the classes {', '.join(ROTATIONS)} and an answer "
            "of probabilities.",
        ),
        (manifest.pixels.find_problem(), manifest.pixels.find_problem()),
    )
    return next((problem for is_wrong, problem in problems if is_wrong), "")
