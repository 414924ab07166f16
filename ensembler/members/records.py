"""The stored records of a member: its settings, and the predictions, history and score of each fold."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..competition.folds.splits import ALL_PHOTOS
from ..competition.samples import compute_samples_fingerprint
from ..errors import BadData, Mismatch
from ..inference.runtimes import RuntimePrecision
from ..inference.speeds import NetworkSpeed, read_speed
from ..keras_backend import DEFAULT_BACKEND, Backend, find_backend
from ..options.corrections import CORRECTIONS_FILE
from ..options.distillation import TEACHER_FILE
from ..options.pseudo_labels import PSEUDO_LABELS_FILE, count_pseudo_labels
from ..options.settings import MemberSettings
from ..paths import CompetitionFolder
from ..serialization import (
    compute_fingerprint,
    convert_to_plain,
    read_arrays,
    read_record,
    write_arrays,
    write_json,
    write_record,
)
from ..storage import compute_file_digest, remove_file, remove_unfinished, write_text
from ..versions import read_versions

if TYPE_CHECKING:
    # Both load pandas, which a list of members does not need.
    from ..competition.folds.folds import Folds
    from ..competition.tables import Tables

# Former names of columns of ``history.csv`` and of fields of checkpoints.
_FORMER_NAMES = {
    "watched_log_loss": "val_log_loss",
    "parts": "accumulation_steps",
    "careful": "fp32_fallback",
    "behind": "epochs_without_improvement",
}
# Path from a fold's folder.
_SHARED_BACKBONE = "../backbone.keras"
_SHARED_CORRECTIONS = f"../{CORRECTIONS_FILE}"
_TRAIN_AGAIN = "run `ensembler train-members` again."


@dataclass(frozen=True)
class MemberRecord:
    """What a member's predictions depend on: the settings, the order of classes, and hashes of samples and folds.

    ``backend`` is the backend of Keras that trains all of its folds, because backends round differently.
    """

    name: str
    settings: MemberSettings
    samples: str
    folds: str
    folds_count: int
    classes: tuple[str, ...]
    backend: Backend = DEFAULT_BACKEND

    @property
    def fingerprint(self) -> str:
        """Hash that each fold's record must contain."""
        return compute_fingerprint(self._build_content())

    def _build_content(self) -> dict[str, Any]:
        """Return the content of ``member.json``."""
        content: dict[str, Any] = convert_to_plain(self)
        for name in ("pseudo_labels", "distillation", "corrections"):
            # Members trained by versions without these settings keep their fingerprint.
            if content["settings"][name] is None:
                del content["settings"][name]
        if self.backend == DEFAULT_BACKEND:
            # So do those of versions that had no other backend.
            del content["backend"]
        return content

    def save(self, folder: CompetitionFolder) -> None:
        """Write ``member.json``."""
        write_json(folder.member(self.name) / "member.json", self._build_content())

    @classmethod
    def load(cls, folder: CompetitionFolder, name: str) -> MemberRecord:
        """Read ``member.json``.

        Raises
        ------
        BadData
            If the file is missing, damaged or of another version.
        """
        return read_record(folder.member(name) / "member.json", cls, f"train {name} again with --restart.")

    def is_finished(self, folder: CompetitionFolder, fold: int) -> bool:
        """Return whether ``fold`` is finished with exactly these settings, samples and folds."""
        return bool(load_finished_folds(folder, self, [fold]))

    def load_speed(self, folder: CompetitionFolder) -> NetworkSpeed | None:
        """Read the measured speed of a fold's network. Return None if this exact member was not measured."""
        speed = read_speed(folder.speed(self.name))
        return speed if speed and speed.member == self.fingerprint else None

    def list_unfinished_folds(self, folder: CompetitionFolder) -> list[int]:
        """Return the folds that are still to be trained."""
        return [fold for fold in range(self.folds_count) if not self.is_finished(folder, fold)]


@dataclass(frozen=True)
class FoldRecord:
    """Content of ``fold.json``, which marks a fold as finished.

    Attributes
    ----------
    member
        Fingerprint of the member's record.
    fold
        Number of the fold.
    log_loss
        Log loss on the held-out photos. None without such photos.
    held_out
        Number of held-out photos.
    seconds
        Duration of the training.
    finished
        End of the training in UTC.
    sha256
        Checksums of the fold's files by name.
    epochs
        Number of fine-tuning epochs. None in folds of early versions.
    pseudo_labels
        Number of pseudo-labelled photos that the fold learned from. None without pseudo-labels.
    versions
        Versions of Python and of packages in the process that trained the fold. Empty in folds of early versions.
    feature_precision
        Precision in which the frozen features were computed that the predictions follow from.
    """

    member: str
    fold: int
    log_loss: float | None
    held_out: int
    seconds: float
    finished: str
    sha256: dict[str, str]
    epochs: float | None = None
    pseudo_labels: int | None = None
    versions: dict[str, str] = field(default_factory=dict)
    feature_precision: RuntimePrecision = "float32"


def load_fold_record(folder: CompetitionFolder, member: str, fold: int) -> FoldRecord | None:
    """Read ``fold.json``. Return None if the fold is not finished.

    Raises
    ------
    BadData
        If the file is damaged.
    """
    path = folder.fold(member, fold) / "fold.json"
    return read_record(path, FoldRecord, f"delete {path.parent} and {_TRAIN_AGAIN}") if path.is_file() else None


@dataclass(frozen=True)
class FoldPredictions:
    """Probabilities of the held-out and the readable test photos, with their ids and the order of classes.

    Arrays of probabilities have the shape (photos, classes).
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
    feature_precision: RuntimePrecision = "float32",
) -> None:
    """Write a fold's files. ``fold.json`` is written last, because it contains the checksums of the others."""
    place = folder.fold(record.name, fold)
    write_arrays(place / "predictions.npz", **vars(predictions))
    write_text(place / "history.csv", _format_csv(history))
    names = {"head.keras", "model.keras", "predictions.npz", "history.csv", _SHARED_BACKBONE, _SHARED_CORRECTIONS}
    names |= {PSEUDO_LABELS_FILE, TEACHER_FILE}
    digests = {name: compute_file_digest(place / name) for name in sorted(names) if (place / name).is_file()}
    fold_record = FoldRecord(
        member=record.fingerprint,
        fold=fold,
        log_loss=score,
        held_out=len(predictions.held_out_ids),
        seconds=round(seconds, 3),
        finished=datetime.now(UTC).isoformat(timespec="seconds"),
        sha256=digests,
        epochs=count_epochs_done(history),
        pseudo_labels=count_pseudo_labels(place),
        versions=read_versions(),
        feature_precision=feature_precision,
    )
    write_record(place / "fold.json", fold_record)


def read_history(place: Path) -> list[dict[str, Any]]:
    """Read ``history.csv`` of a fold's folder: one row per epoch, all values as text.

    Raises
    ------
    FileNotFoundError
        If it is missing.
    BadData
        If it is damaged.
    """
    path = place / "history.csv"
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return [rename_former(row) for row in csv.DictReader(file)]
    except (ValueError, csv.Error) as error:
        raise BadData(f"Cannot read {path} ({error}): delete {place} and {_TRAIN_AGAIN}") from error


def rename_former(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return fields under their current names."""
    return {_FORMER_NAMES.get(name, name): value for name, value in fields.items()}


def count_epochs_done(history: Sequence[Mapping[str, Any]]) -> float:
    """Return the number of fine-tuning epochs in a history, including fractions."""
    return round(sum(float(row["share"]) for row in history if "share" in row), 2)


def load_fold(folder: CompetitionFolder, record: MemberRecord, fold: int) -> tuple[FoldPredictions, FoldRecord]:
    """Read a finished fold's predictions and ``fold.json``.

    Raises
    ------
    BadData
        If the predictions differ from the checksum in ``fold.json``.
    Mismatch
        If the fold is not finished, or belongs to other settings.
    """
    place = folder.fold(record.name, fold)
    fold_record = load_fold_record(folder, record.name, fold)
    if fold_record is None or fold_record.member != record.fingerprint:
        raise Mismatch(f"Fold {fold} of {record.name} is not finished: {_TRAIN_AGAIN}")
    path = place / "predictions.npz"
    _check_digest(path, fold_record.sha256.get(path.name), f"delete {place} and {_TRAIN_AGAIN}")
    return FoldPredictions(**read_arrays(path)), fold_record


def _check_digest(path: Path, digest: str | None, remedy: str) -> None:
    if not path.is_file() or compute_file_digest(path) != digest:
        raise BadData(f"{path} is missing or was changed after training: {remedy}")


def check_networks(folder: CompetitionFolder, record: MemberRecord) -> None:
    """Compare the networks of all finished folds, and the refitted one, with the checksums in ``fold.json``.

    Raises
    ------
    BadData
        If a network is missing or was changed.
    """
    for fold in load_finished_folds(folder, record, (*range(record.folds_count), ALL_PHOTOS)):
        place = folder.fold(record.name, fold.fold)
        for name in fold.sha256.keys() & {"head.keras", "model.keras"}:
            _check_digest(place / name, fold.sha256[name], f"delete {place} and {_TRAIN_AGAIN}")
    check_backbone(folder, record)


def check_backbone(folder: CompetitionFolder, record: MemberRecord) -> bool:
    """Compare the backbone that the folds share with the checksums in ``fold.json``. Return whether there are any.

    Raises
    ------
    BadData
        If the backbone is missing or differs from that of a finished fold.
    """
    finished = load_finished_folds(folder, record, range(record.folds_count))
    digests = {fold.sha256[_SHARED_BACKBONE] for fold in finished if _SHARED_BACKBONE in fold.sha256}
    for digest in digests:
        _check_digest(folder.backbone(record.name), digest, f"train {record.name} again with --restart.")
    return bool(digests)


def load_finished_folds(folder: CompetitionFolder, record: MemberRecord, folds: Iterable[int]) -> list[FoldRecord]:
    """Read ``fold.json`` of those ``folds`` that are finished with exactly these settings, samples and folds."""
    loaded = (load_fold_record(folder, record.name, fold) for fold in folds)
    return [fold for fold in loaded if fold is not None and fold.member == record.fingerprint]


def remove_leftovers(folder: CompetitionFolder, record: MemberRecord) -> None:
    """Remove what killed runs left behind: unfinished files, and checkpoints of finished folds."""
    remove_unfinished(folder.member(record.name).parent)
    remove_unfinished(folder.member(record.name))
    for fold in (*range(record.folds_count), ALL_PHOTOS):
        remove_unfinished(folder.fold(record.name, fold))
        if record.is_finished(folder, fold):
            remove_file(folder.checkpoint(record.name, fold))


def has_results(folder: CompetitionFolder, name: str) -> bool:
    """Return whether training of a member has left a finished fold, a checkpoint or a backbone."""
    place = folder.member(name)
    kept = ("backbone.keras", "*/fold.json", "*/checkpoint.npz")
    return any(next(place.glob(pattern), None) is not None for pattern in kept)


def has_finished_fold(folder: CompetitionFolder, name: str) -> bool:
    """Return whether a fold of a member is finished, on whatever settings and folds."""
    return next(folder.member(name).glob("*/fold.json"), None) is not None


def list_trained_members(folder: CompetitionFolder) -> list[str]:
    """Return the names of all members whose training has begun."""
    return sorted(path.parent.name for path in (folder.root / "members").glob("*/member.json"))


def list_network_files(
    folder: CompetitionFolder, record: MemberRecord, *, refit: bool = False, folds: Iterable[int] | None = None
) -> list[Path]:
    """List the member's Keras files: a frozen backbone and its heads, or one whole network per fold.

    With ``refit``, list those of the network that learned from all photos. With ``folds``, list those of some folds.
    """
    folds = [ALL_PHOTOS] if refit else list(range(record.folds_count) if folds is None else folds)
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
    """Return the record of a member that is to be trained. Unsaved folds have no hash."""
    return MemberRecord(
        name=name,
        settings=settings,
        samples=compute_samples_fingerprint(folder, tables.manifest),
        folds=compute_file_digest(folder.folds) if folder.folds.is_file() else "",
        folds_count=folds.splits,
        classes=tables.manifest.outputs,
        backend=find_backend(),
    )
