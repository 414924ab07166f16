"""What a training job is told, and what it reads from disk to begin."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..competition.folds import load_folds
from ..competition.metrics.metrics import log_loss
from ..competition.tables import Tables, load_tables
from ..storage import CompetitionFolder
from .budget.allotment import Allotment
from .own_backbones import OWN_WEIGHTS, backbone_of
from .records import FoldPredictions, MemberRecord
from .registry import Backbone


def weights_source(told: str) -> str | Path:
    """Return ``imagenet``, ``none``, ``own`` or a file, as a description for a job names it."""
    return told if told in ("imagenet", "none", OWN_WEIGHTS) else Path(told)


@dataclass(frozen=True)
class Assignment:
    """One member of one competition, some of its folds, where the weights come from, and which devices train it.

    With a time budget ``allotments`` tell each fold its place in it.
    """

    folder: CompetitionFolder
    member: str
    folds: tuple[int, ...]
    weights: str
    data_parallel: bool = False
    allotments: Mapping[int, Allotment] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return the description that a job's process gets."""
        return {
            "competition": str(self.folder.root),
            "member": self.member,
            "folds": list(self.folds),
            "weights": self.weights,
            "data_parallel": self.data_parallel,
            "allotments": {str(fold): allotment.to_json() for fold, allotment in self.allotments.items()},
        }

    @classmethod
    def from_json(cls, told: dict[str, Any]) -> Assignment:
        """Read the description that a job's process got."""
        folder = CompetitionFolder(Path(told["competition"]))
        allotments = {int(fold): Allotment.from_json(each) for fold, each in told.get("allotments", {}).items()}
        return cls(folder, told["member"], tuple(told["folds"]), told["weights"], told["data_parallel"], allotments)

    @cached_property
    def tables(self) -> Tables:
        """The competition's photos."""
        return load_tables(self.folder)

    @cached_property
    def fold_of_row(self) -> NDArray[np.int64]:
        """Fold of each training row."""
        return load_folds(self.folder, self.tables)

    @cached_property
    def record(self) -> MemberRecord:
        """The member's settings."""
        return MemberRecord.load(self.folder, self.member)

    @property
    def backbone(self) -> Backbone:
        """The member's backbone."""
        settings = self.record.settings
        return backbone_of(settings.backbone, settings.builder, settings.preprocessing, settings.image_size)

    @property
    def weights_source(self) -> str | Path:
        """``imagenet``, ``none``, ``own`` or a file."""
        return weights_source(self.weights)

    @property
    def exclusive(self) -> bool:
        """Whether a photo's probabilities sum to 1."""
        return self.tables.manifest.sums_to_one

    def predictions(
        self, fold: int, held_out: NDArray[np.float32], test: NDArray[np.float32]
    ) -> tuple[FoldPredictions, float]:
        """Join a fold's probabilities with their ids; return them with the held-out log loss."""
        rows = self.fold_of_row == fold
        table = self.tables
        predictions = FoldPredictions(
            held_out_ids=table.train.loc[rows, "id"].to_numpy(dtype=str),
            held_out=held_out,
            test_ids=table.test.loc[table.readable_test, "id"].to_numpy(dtype=str),
            test=test,
            classes=np.array(table.manifest.outputs, dtype=str),
        )
        return predictions, log_loss(table.targets[rows], held_out, exclusive=self.exclusive)
