"""Description of a training job, with the data that it loads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ..backbones.custom import resolve_backbone
from ..backbones.registry import Backbone
from ..competition.corrections.corrections import CorrectedData
from ..competition.folds.file import load_folds
from ..competition.folds.folds import Folds
from ..competition.folds.splits import ALL_PHOTOS
from ..competition.metrics.metrics import log_loss
from ..competition.orientation.rotations import average_rotations
from ..competition.tables import Tables, load_tables
from ..heads.soft_targets import SoftTargets
from ..inference.runtimes import RuntimeChoice, RuntimePrecisionChoice
from ..options.settings import MemberSettings
from ..paths import CompetitionFolder
from .allotment import Allotment
from .corrected_data import correct_data
from .distillation.files import TeacherPredictions, load_teacher_predictions
from .pseudo_labels.files import PseudoLabelled, load_pseudo_labels
from .records import FoldPredictions, MemberRecord
from .refit import build_refit_settings
from .work import estimate_job_work, estimate_prediction_work, scale_epochs


@dataclass(frozen=True)
class TrainingJob:
    """Training of some folds of one member.

    Attributes
    ----------
    weights
        Source of the backbone's weights.
    data_parallel
        Whether all devices train one network.
    checkpoint_minutes
        Minutes between two checkpoints. None writes one at the end of each epoch.
    allotments
        Share of the time budget by fold. Empty without a budget.
    share
        Planned share of the requested epochs.
    runtime, runtime_precision
        Runtime that predicts, and its precision for frozen features; see :mod:`ensembler.inference.runtimes`.
    decodings, cache_limit
        Parameters of :class:`.competition_photos.CompetitionPhotos`.
    """

    folder: CompetitionFolder
    member: str
    folds: tuple[int, ...]
    weights: str
    data_parallel: bool = False
    checkpoint_minutes: float | None = None
    tensorboard: bool = False
    allotments: Mapping[int, Allotment] = field(default_factory=dict)
    share: float = 1.0
    runtime: RuntimeChoice = "auto"
    runtime_precision: RuntimePrecisionChoice = "auto"
    decodings: int = 0
    cache_limit: int | None = None

    @cached_property
    def tables(self) -> Tables:
        """The competition's photos."""
        return load_tables(self.folder)

    @cached_property
    def corrected(self) -> CorrectedData:
        """The data that the member learns from."""
        return correct_data(self.folder, self.member, self.tables, load_folds(self.folder, self.tables))

    @property
    def splits(self) -> Folds:
        """Folds of the photos. Excluded photos are never training photos."""
        return self.corrected.folds

    @property
    def targets(self) -> NDArray[np.float32]:
        """Targets to learn, shape (photos, outputs), with corrected labels. Those of excluded photos are 0."""
        return self.corrected.tables.targets

    @cached_property
    def record(self) -> MemberRecord:
        """The member's settings."""
        return MemberRecord.load(self.folder, self.member)

    def load_pseudo_labelled(self, fold: int) -> PseudoLabelled:
        """Return the photos to predict that a fold learns from, with their labels.

        These are pseudo-labels, or the teacher's probabilities. A member with neither has no such photos.
        """
        if self.record.settings.distillation:
            taught = self._load_teacher_predictions(fold)
            return PseudoLabelled(taught.rows, taught.test)
        if self.record.settings.pseudo_labels is None:
            return PseudoLabelled(np.empty(0, np.int64), np.empty((0, len(self.tables.manifest.outputs)), np.float32))
        return load_pseudo_labels(self.folder, self.member, fold, self.tables)

    def load_soft_targets(self, fold: int, rows: NDArray[np.int64]) -> SoftTargets | None:
        """Return the soft targets of training photos, then of the photos of :meth:`load_pseudo_labelled`.

        None means that the member has no teacher.
        """
        if (lesson := self.record.settings.distillation) is None:
            return None
        taught = self._load_teacher_predictions(fold)
        return SoftTargets(np.concatenate([taught.training[rows], taught.test]), lesson.weight, lesson.temperature)

    def _load_teacher_predictions(self, fold: int) -> TeacherPredictions:
        return load_teacher_predictions(self.folder, self.member, fold, self.tables, self.splits)

    def describe_fold(self, fold: int) -> str:
        """Return ``fold 2`` or ``all photos``."""
        return "all photos" if fold == ALL_PHOTOS else f"fold {fold}"

    def compute_seed(self, fold: int) -> int:
        """Return the seed of a fold. The network that learns from all photos has the seed after the last fold's."""
        return self.record.settings.seed + (self.record.folds_count if fold == ALL_PHOTOS else fold)

    def resolve_settings(self, fold: int) -> MemberSettings:
        """Return the settings of a fold's training.

        A network that learns from all photos has no validation rows, so it trains as many epochs as were best on the
        folds.
        """
        if fold != ALL_PHOTOS or self.record.settings.frozen:
            return self.record.settings
        return build_refit_settings(self.folder, self.record)

    @property
    def backbone(self) -> Backbone:
        """The member's backbone."""
        settings = self.record.settings
        return resolve_backbone(settings.backbone, settings.builder, settings.preprocessing, settings.image_size)

    @property
    def multiclass(self) -> bool:
        """Whether a photo's probabilities sum to 1."""
        return self.tables.manifest.sums_to_one

    def estimate_work(self, folds: int) -> float:
        """Estimate the work of training a number of folds; see :mod:`ensembler.members.work`."""
        tables, settings = self.tables, self.planned_settings
        return estimate_job_work(
            settings,
            self.backbone,
            len(tables.train),
            self.splits.held_out_count,
            len(tables.test_paths),
            folds,
            tables.rows_per_photo,
        )

    @property
    def planned_settings(self) -> MemberSettings:
        """The member's settings with the planned number of epochs."""
        return scale_epochs(self.record.settings, self.share)

    @property
    def prediction_work(self) -> float:
        """The work of predicting the held-out and the test photos of one fold."""
        return estimate_prediction_work(
            self.record.settings, self.backbone, self.splits.held_out_count + len(self.tables.test_paths)
        )

    def join_predictions(
        self, fold: int, held_out: NDArray[np.float32], test: NDArray[np.float32]
    ) -> tuple[FoldPredictions, float | None]:
        """Add ids to a fold's probabilities, and return them with the held-out log loss (None without photos).

        If the settings average rotations, those of each photo are averaged.
        """
        if self.record.settings.tta == "rotations":
            held_out, test = average_rotations(held_out), average_rotations(test)
        rows = self.splits.mask_held_out(fold)
        table = self.tables
        predictions = FoldPredictions(
            held_out_ids=table.train.loc[rows, "id"].to_numpy(dtype=str),
            held_out=held_out,
            test_ids=table.test.loc[table.readable_test, "id"].to_numpy(dtype=str),
            test=test,
            classes=np.array(table.manifest.outputs, dtype=str),
        )
        score = log_loss(table.targets[rows], held_out, multiclass=self.multiclass) if rows.any() else None
        return predictions, score
