"""Light members taught by a stack, against the same members taught by labels alone, on several divisions into folds."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

import ensembler
from ensembler.competition.metrics.metrics import compute_row_losses
from ensembler.competition.tables import load_tables
from ensembler.members.predictions import load_members

STACK = "teacher"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("archive", type=Path, help="zip of the competition, named after its slug")
    parser.add_argument("weights", help="folder of NAME.weights.h5, imagenet or none")
    parser.add_argument("--teachers", required=True, help="backbones of the stack, separated by commas")
    parser.add_argument("--students", required=True, help="backbones of the light members, separated by commas")
    parser.add_argument("--backbone", action="append", default=[], help="NAME=FILE.keras,size=N, repeatable")
    parser.add_argument("--seeds", default="0,1,2", help="seeds of the folds, separated by commas")
    parser.add_argument("--work", type=Path, required=True, help="folder for data and submissions")
    given = parser.parse_args()
    workspace = ensembler.Workspace(given.work / "data", given.work / "submissions")
    competition = ensembler.fetch(given.archive.stem, archive=given.archive, workspace=workspace)
    options: Any = {"weights": given.weights, "backbones": given.backbone, "restart": True, "unfreeze": "none"}
    teachers, students = given.teachers.split(","), given.students.split(",")
    print("| seed | member | labels alone | taught | difference | accuracy |")
    print("|---|---|---:|---:|---:|---:|")
    for seed in map(int, given.seeds.split(",")):
        compare(competition, teachers, students, seed, options)


def compare(
    competition: Any, teachers: Sequence[str], students: Sequence[str], seed: int, options: dict[str, Any]
) -> None:
    """Train all members on the folds of a seed, and print a row for each student."""
    competition.folds(folds=5, seed=seed, force=True)
    competition.train_members([*teachers, *students], **options)
    competition.stack(list(teachers), name=STACK)
    competition.distill(list(students), stack=STACK, **options)
    tables = load_tables(competition.folder)
    for student in students:
        names = [student, f"{student}@distilled"]
        members = load_members(competition.folder, tables, names)
        losses = [
            compute_row_losses(tables.targets, one.out_of_fold, multiclass=tables.manifest.sums_to_one)
            for one in members
        ]
        change = losses[1] - losses[0]
        error = change.std(ddof=1) / np.sqrt(len(change))
        right = [competition.members[name].accuracy for name in names]
        print(
            f"| {seed} | `{student}` | {losses[0].mean():.4f} | {losses[1].mean():.4f} "
            f"| {change.mean():+.4f} ± {error:.4f} | {right[0]:.4f} to {right[1]:.4f} |"
        )
        sys.stdout.flush()


if __name__ == "__main__":
    main()
