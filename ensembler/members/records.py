"""What is kept of a member: its settings, and of each fold predictions, history and score."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from ..competition.folds.splits import ALL_PHOTOS
from ..competition.samples import compute_samples_fingerprint
from ..errors import BadData, Mismatch
from ..inference.speeds import NetworkSpeed, read_speed
from ..options.pseudo_labels import PSEUDO_LABELS_FILE as PSEUDO_LABELS
from ..options.pseudo_labels import count_pseudo_labels
from ..options.settings import MemberSettings
from ..paths import CompetitionFolder
from ..serialization import compute_fingerprint, read_arrays, read_json, write_arrays, write_json
from ..storage import compute_file_digest, remove_file, remove_unfinished, write_text

if TYPE_CHECKING:
    # Both load pandas, which a list of members does without.
    from ..competition.folds.folds import Folds
    from ..competition.tables import Tables

# Columns of ``history.csv`` that had another name in earlier versions.
_FORMER_COLUMNS = {"watched_log_loss": "val_log_loss"}
# As seen from a fold.
_SHARED_BACKBONE = "../backbone.keras"


@dataclass(frozen=True)
class MemberRecord:
    """What a member's predictions belong to: hashes of samples and folds, the order of classes, the settings."""

    name: str
    settings: MemberSettings
    samples: str
    folds: str
    folds_count: int
    classes: tuple[str, ...]

    @property
    def fingerprint(self) -> str:
        """Hash that each fold's record must carry."""
        return compute_fingerprint(self.to_json())

    def to_json(self) -> dict[str, Any]:
        """Return what ``member.json`` holds."""
        data = asdict(self)
        if self.settings.pseudo_labels is None:
            # Members that were trained before there were any keep their fingerprint.
            del data["settings"]["pseudo_labels"]
        return data

    def save(self, folder: CompetitionFolder) -> None:
        """Write ``member.json``."""
        write_json(folder.member(self.name) / "member.json", self.to_json())

    @classmethod
    def load(cls, folder: CompetitionFolder, name: str) -> MemberRecord:
        """Read ``member.json``.

        Raises
        ------
        BadData
            If it is missing, damaged or of another version.
        """
        path = folder.member(name) / "member.json"
        content = read_json(path)
        try:
            return cls.from_json(content)
        except (KeyError, TypeError, AttributeError, msgspec.ValidationError) as error:
            raise BadData(f"{path} is not of this version ({error}): train {name} anew with --restart.") from error

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> MemberRecord:
        """Read what :meth:`to_json` and JSON made of it."""
        parsed = {"settings": msgspec.convert(data["settings"], MemberSettings), "classes": tuple(data["classes"])}
        return cls(**{**data, **parsed})

    def is_finished(self, folder: CompetitionFolder, fold: int) -> bool:
        """Whether ``fold`` was trained to the end with these very settings, samples and folds."""
        path = folder.fold(self.name, fold) / "fold.json"
        return path.is_file() and read_json(path).get("member") == self.fingerprint

    def load_speed(self, folder: CompetitionFolder) -> NetworkSpeed | None:
        """Read what was measured of a fold's network; None if nothing was of this very member."""
        speed = read_speed(folder.speed(self.name))
        return speed if speed and speed.member == self.fingerprint else None

    def list_unfinished_folds(self, folder: CompetitionFolder) -> list[int]:
        """Folds still to be trained."""
        return [fold for fold in range(self.folds_count) if not self.is_finished(folder, fold)]


@dataclass(frozen=True)
class FoldPredictions:
    """Probabilities for the held-out and the test photos, with their ids and the order of classes.

    Arrays have the shape (photos, classes); test photos that cannot be read are not among them.
    """

    held_out_ids: NDArray[np.str_]
    held_out: NDArray[np.float32]
    test_ids: NDArray[np.str_]
    test: NDArray[np.float32]
    classes: NDArray[np.str_]


def save_fold(
    folder: CompetitionFolder,
    record: MemberRecord,
    fold: int,
    predictions: FoldPredictions,
    history: list[dict[str, Any]],
    score: float | None,
    seconds: float,
) -> None:
    """Write a fold's files; ``fold.json``, which says that it is finished, comes last and has their checksums."""
    place = folder.fold(record.name, fold)
    write_arrays(place / "predictions.npz", **vars(predictions))
    write_text(place / "history.csv", _format_csv(history))
    names = {"head.keras", "model.keras", "predictions.npz", "history.csv", PSEUDO_LABELS, _SHARED_BACKBONE}
    digests = {name: compute_file_digest(place / name) for name in sorted(names) if (place / name).is_file()}
    learned = {} if (pseudo := count_pseudo_labels(place)) is None else {"pseudo_labels": pseudo}
    write_json(
        place / "fold.json",
        {
            "member": record.fingerprint,
            "fold": fold,
            "log_loss": score,
            "held_out": len(predictions.held_out_ids),
            **learned,
            "epochs": count_epochs_done(history),
            "seconds": round(seconds, 3),
            "finished": datetime.now(UTC).isoformat(timespec="seconds"),
            "sha256": digests,
        },
    )


def read_history(place: Path) -> list[dict[str, Any]]:
    """Read ``history.csv`` of a fold's folder, a row for each epoch, all values as text; see :func:`save_fold`."""
    with (place / "history.csv").open(encoding="utf-8", newline="") as file:
        return [rename_history_columns(row) for row in csv.DictReader(file)]


def rename_history_columns(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row of a history with today's names of columns."""
    return {_FORMER_COLUMNS.get(name, name): value for name, value in row.items()}


def count_epochs_done(history: Sequence[Mapping[str, Any]]) -> float:
    """Epochs of fine-tuning that a history tells; a part of one counts as that part."""
    return round(sum(float(row["share"]) for row in history if "share" in row), 2)


def load_fold(folder: CompetitionFolder, record: MemberRecord, fold: int) -> tuple[FoldPredictions, dict[str, Any]]:
    """Read a finished fold's predictions and ``fold.json``.

    Raises
    ------
    BadData
        If the predictions are not those that were written.
    Mismatch
        If the fold is not finished, or belongs to other settings.
    """
    place = folder.fold(record.name, fold)
    if not record.is_finished(folder, fold):
        raise Mismatch(f"Fold {fold} of {record.name} is not finished: run `ensembler train-members` again.")
    data: dict[str, Any] = read_json(place / "fold.json")
    path = place / "predictions.npz"
    _check_digest(path, data["sha256"][path.name], f"delete {place} and run `ensembler train-members` again.")
    return FoldPredictions(**read_arrays(path)), data


def _check_digest(path: Path, digest: str, remedy: str) -> None:
    if not path.is_file() or compute_file_digest(path) != digest:
        raise BadData(f"{path} is not what was written: {remedy}")


def check_networks(folder: CompetitionFolder, record: MemberRecord) -> None:
    """Compare the networks of all finished folds, and that of all photos, with the checksums in ``fold.json``.

    Raises
    ------
    BadData
        If one is not that which was written.
    """
    finished = [fold for fold in (*range(record.folds_count), ALL_PHOTOS) if record.is_finished(folder, fold)]
    for place in (folder.fold(record.name, fold) for fold in finished):
        for name, digest in read_json(place / "fold.json")["sha256"].items():
            if name in ("head.keras", "model.keras"):
                _check_digest(place / name, digest, f"delete {place} and run `ensembler train-members` again.")
    check_backbone(folder, record)


def check_backbone(folder: CompetitionFolder, record: MemberRecord) -> bool:
    """Compare the backbone that the folds share with the checksums in their ``fold.json``; whether there were any.

    Raises
    ------
    BadData
        If it is not that which a finished fold was made with.
    """
    finished = [fold for fold in range(record.folds_count) if record.is_finished(folder, fold)]
    checksums = [read_json(folder.fold(record.name, fold) / "fold.json")["sha256"] for fold in finished]
    digests = {digests[_SHARED_BACKBONE] for digests in checksums if _SHARED_BACKBONE in digests}
    for digest in digests:
        _check_digest(folder.backbone(record.name), digest, f"train {record.name} anew with --restart.")
    return bool(digests)


def remove_leftovers(folder: CompetitionFolder, record: MemberRecord) -> None:
    """Remove what killed runs left of a member: files half-written, and checkpoints of folds that are finished."""
    remove_unfinished(folder.member(record.name).parent)
    remove_unfinished(folder.member(record.name))
    for fold in (*range(record.folds_count), ALL_PHOTOS):
        remove_unfinished(folder.fold(record.name, fold))
        if record.is_finished(folder, fold):
            remove_file(folder.checkpoint(record.name, fold))


def list_trained_members(folder: CompetitionFolder) -> list[str]:
    """Names of all members of which something was trained."""
    return sorted(path.parent.name for path in (folder.root / "members").glob("*/member.json"))


def list_network_files(folder: CompetitionFolder, record: MemberRecord, *, refit: bool = False) -> list[Path]:
    """Keras files that make up the member: a frozen backbone and its heads, or a whole network per fold.

    With ``refit`` it is the one network that learned from all photos.
    """
    folds = [ALL_PHOTOS] if refit else list(range(record.folds_count))
    if record.settings.frozen:
        heads = [folder.fold(record.name, fold) / "head.keras" for fold in folds]
        return [folder.backbone(record.name), *heads]
    return [folder.fold(record.name, fold) / "model.keras" for fold in folds]


def _format_csv(rows: list[dict[str, Any]]) -> str:
    if not rows:
        return ""
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return buffer.getvalue()


def build_record(
    folder: CompetitionFolder, tables: Tables, name: str, settings: MemberSettings, folds: Folds
) -> MemberRecord:
    """Return what a member's predictions will belong to; folds that are not kept yet have no hash."""
    return MemberRecord(
        name=name,
        settings=settings,
        samples=compute_samples_fingerprint(folder, tables.manifest),
        folds=compute_file_digest(folder.folds) if folder.folds.is_file() else "",
        folds_count=folds.splits,
        classes=tables.manifest.outputs,
    )
