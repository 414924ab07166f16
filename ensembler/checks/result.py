"""The result of ``ensembler check``, and its files."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, cast

from ..competition.csv_tables import read_table
from ..competition.duplicates import DuplicateCounts
from ..competition.manifest import Manifest
from ..competition.samples import compute_samples_fingerprint
from ..errors import BadData, format_count
from ..paths import CompetitionFolder
from ..serialization import Exported, read_record
from ..tables import Shown, Table
from .doubt import Doubt, Suggestion
from .finding import Finding

CHECK_FILE, DOUBTS_FILE, SHEET_FILE = "check.json", "doubts.csv", "contact-sheet.png"
DOUBT_COLUMNS = tuple(field.name for field in fields(Doubt))
_CHECK_AGAIN = "run `ensembler check` again."
# Characters of examples in the table. The file has them in full.
_SHOWN_EXAMPLES = 48


@dataclass(frozen=True)
class Clue(Exported):
    """A property of files that may tell the label, or the set of a photo, without a look at the picture.

    Attributes
    ----------
    name
        Such as ``file size``.
    target
        The class or tag that it tells best from all others. ``test`` where it tells the set.
    area
        Area under the ROC curve of out-of-fold predictions from the clue alone: 0.5 tells nothing, 1 tells all.
    low, high
        95 % interval of the area.
    p_value
        One-sided probability of an area as large as this if the clue tells nothing, corrected for all looks.
    mean_area
        Mean area over all classes or tags.
    is_reported
        Whether the clue is a finding.
    """

    name: str
    target: str
    area: float
    low: float
    high: float
    p_value: float
    mean_area: float
    is_reported: bool


@dataclass(frozen=True)
class Balance(Exported):
    """Distribution of the training photos over the classes or tags.

    Attributes
    ----------
    counts
        Number of training photos of each class or tag.
    ratio
        Largest number divided by the smallest one that is not 0.
    effective_classes
        Exponential of the entropy of the shares: the number of equally frequent classes that are as diverse (Hill,
        Diversity and evenness, Ecology 54, 1973).
    """

    counts: dict[str, int]
    ratio: float
    effective_classes: float


@dataclass(frozen=True)
class Sizes(Exported):
    """Least, median and largest value of a set's photos: width and height in pixels, and size of the file in bytes."""

    width: tuple[int, int, int]
    height: tuple[int, int, int]
    file: tuple[int, int, int]


@dataclass(frozen=True)
class SetFacts(Exported):
    """Facts about the photos of one set.

    Attributes
    ----------
    photos
        Number of photos in the table, readable or not.
    unreadable
        Number of those that are missing or cannot be decoded.
    formats, modes
        Number of readable photos by format, such as ``JPEG``, and by Pillow's mode, such as ``RGB``.
    sizes
        Sizes of the readable photos, None if there is none.
    """

    photos: int
    unreadable: int
    formats: dict[str, int]
    modes: dict[str, int]
    sizes: Sizes | None


@dataclass(frozen=True, repr=False)
class CheckResult(Shown):
    """Doubts about the data of a competition.

    Attributes
    ----------
    competition
        Name of the competition.
    samples
        Hash of the photos and labels that were checked.
    made, seconds
        Time of the check in UTC, in ISO 8601, and its duration.
    sets
        Facts about the photos by set, ``train`` and ``test``.
    balance
        Distribution of the training photos over the classes. None for an orientation task.
    duplicates
        Numbers of photos that show the same picture as training photos, clashing labels included.
    findings
        Kinds of doubts, the most serious first.
    leaks
        All clues that may tell the label, the strongest first. Only those with ``is_reported`` are findings.
    shift
        All clues that may tell photos to predict from training photos, the strongest first. The names ``all colours
        and sizes`` and ``frozen features of M`` stand for classifiers that use many properties at once.
    doubts
        Number of rows of ``doubts.csv``; :func:`load_doubts` reads them.
    weak
        Sentences on the strongest clues that are no findings.
    left_out
        Sentences that tell what was not checked, and why.
    is_current
        Whether the tables are still those that were checked. Determined when the result is loaded.
    files
        Paths of the files that were written: JSON, CSV, and the contact sheet if there are photos on it.
    """

    competition: str
    samples: str
    made: str
    seconds: float
    sets: dict[str, SetFacts]
    balance: Balance | None
    duplicates: DuplicateCounts
    findings: tuple[Finding, ...]
    leaks: tuple[Clue, ...]
    shift: tuple[Clue, ...]
    doubts: int
    weak: tuple[str, ...]
    left_out: tuple[str, ...]
    is_current: bool = True
    files: tuple[Path, ...] = ()

    def build_table(self) -> Table:
        """Return a row for each finding, and notes with their figures."""
        columns = ["doubt", "set", "number", "worst", "what to do"]
        rows = [
            [each.kind, each.set, f"{each.number:,}", _shorten(each.examples), each.advice] for each in self.findings
        ]
        summaries = [each.summary for each in self.findings]
        notes = [*summaries, *self._count_copies(), *self.weak, *self.left_out, *self._list_ends()]
        return Table(columns if rows else (), rows, ["set", "worst", "what to do"], notes)

    def _count_copies(self) -> list[str]:
        """Return the number of all copies, which are several findings if labels clash or files are identical."""
        counts = self.duplicates
        if not counts.contradicting:
            return []
        pairs = "1 pair has" if counts.contradicting == 1 else f"{counts.contradicting} pairs have"
        return [f"In all, {counts.training} training photos show the same picture as others; {pairs} clashing labels."]

    def _list_ends(self) -> list[str]:
        lines = [] if self.findings else ["No doubts were found."]
        if not self.is_current:
            lines.append(f"The photos or labels have changed since this check: {_CHECK_AGAIN}")
        if self.files:
            doubts = format_count(range(self.doubts), "doubt")
            lines.append(f"Written, with {doubts} about single photos: {', '.join(map(str, self.files))}")
        return lines


def _shorten(examples: tuple[str, ...]) -> str:
    text = ", ".join(examples)
    return text if len(text) <= _SHOWN_EXAMPLES else f"{text[: _SHOWN_EXAMPLES - 3]}..."


def load_check(folder: CompetitionFolder) -> CheckResult | None:
    """Read the last check of a competition. None if there is none.

    Raises
    ------
    BadData
        If its file is damaged.
    """
    path = folder.check / CHECK_FILE
    if not path.is_file():
        return None
    loaded = read_record(path, CheckResult, _CHECK_AGAIN)
    samples = compute_samples_fingerprint(folder, Manifest.load(folder.manifest))
    return replace(loaded, is_current=loaded.samples == samples)


def load_doubts(folder: CompetitionFolder) -> list[Doubt]:
    """Read all doubts of the last check, in their order. Empty if there is none.

    Raises
    ------
    BadData
        If the file is damaged.
    """
    path = folder.check / DOUBTS_FILE
    if not path.is_file():
        return []
    table = read_table(path)
    try:
        return [_make_doubt(row) for row in table[list(DOUBT_COLUMNS)].to_dict("records")]
    except (KeyError, ValueError) as error:
        raise BadData(f"{path} is not a table of doubts ({error}): {_CHECK_AGAIN}") from error


def _make_doubt(row: dict[Any, Any]) -> Doubt:
    suggestion = cast(Suggestion, row["suggestion"])
    return Doubt(**{**row, "suggestion": suggestion, "score": float(row["score"])})
