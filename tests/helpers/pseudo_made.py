"""A small competition whose members are heads on made-up features, and a stack of two of them: no job is run."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
from helpers.members_made import record_of, small_competition

from ensembler.competition.csv_tables import write_table
from ensembler.competition.tables import load_tables
from ensembler.images.views import WHOLE_VIEW
from ensembler.members.features.jobs.compute import Features
from ensembler.members.jobs.head_fitting import fit_head
from ensembler.members.records import MemberRecord, save_fold
from ensembler.members.training_job import TrainingJob
from ensembler.paths import CompetitionFolder
from ensembler.serialization import write_json

MEMBERS = ("one", "two")


def stacked_heads(root: Path, corrupted: int | None = None) -> CompetitionFolder:
    """Train two members on 24 photos in 3 folds, 6 to predict; all labels that a fold holds out may be other ones."""
    folder, tables = small_competition(root)
    if corrupted is not None:
        assigned = TrainingJob(folder, "", (), "none").splits.mask_held_out(corrupted)
        table = tables.train.copy()
        table.loc[assigned, "label"] = table.loc[assigned, "label"].map({"a": "b", "b": "c", "c": "a"})
        write_table(folder.train, table)
    for name in MEMBERS:
        train_heads(folder, name)
    make_stack(folder, MEMBERS)
    return folder


def made_features(folder: CompetitionFolder, name: str) -> Features:
    """Make features that tell the folder of a photo well, and so its label, unless that is another by now."""
    random, tables = np.random.default_rng(len(name) + ord(name[0])), load_tables(folder)
    made = [
        [2.0 * (Path(path).parent.name == letter) for letter in "abc"] + random.normal(0, 0.7, 3)
        for path in [*tables.train["path"], *tables.test["path"]]
    ]
    training = len(tables.train)
    return {WHOLE_VIEW: (np.array(made[:training], np.float32), np.array(made[training:], np.float32))}


def train_heads(folder: CompetitionFolder, name: str) -> None:
    record_of(folder, load_tables(folder), name).save(folder)
    assignment = TrainingJob(folder, name, (0, 1, 2), "none")
    [(training, test)] = made_features(folder, name).values()
    for fold in assignment.folds:
        head = fit_head(assignment, fold, {WHOLE_VIEW: training})
        held_out = head.predict_proba(training[assignment.splits.mask_held_out(fold)])
        predictions, score = assignment.join_predictions(fold, held_out, head.predict_proba(test))
        save_fold(folder, assignment.record, fold, predictions, [], score, 0.0)


def make_stack(folder: CompetitionFolder, members: Iterable[str], name: str = "both") -> None:
    told = [{"name": member, "fingerprint": MemberRecord.load(folder, member).fingerprint} for member in members]
    write_json(folder.stack(name) / "stack.json", {"name": name, "members": told, "log_loss": 0.5})
