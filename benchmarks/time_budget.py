"""How well a time budget is kept: several members on a competition's zip, the plan, the wall time and the scores."""

from __future__ import annotations

import argparse
import shutil
import time
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from ensembler.console import ConsoleProgress
from ensembler.options.durations import format_duration, read_duration
from ensembler.paths import CompetitionFolder, Workspace, locate_user_cache
from ensembler.progress import Progress
from ensembler.tables import Table
from ensembler.workflows.fetch.fetch import fetch
from ensembler.workflows.results import MemberResult
from ensembler.workflows.train.train import train_members


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("archive", type=Path, help="the competition's zip, named after its slug")
    parser.add_argument("weights", help="a folder of NAME.weights.h5")
    parser.add_argument("--members", default="mobilenetv2-0.35,mobilenet-0.5,mobilenet-0.75")
    parser.add_argument("--budgets", default="6m", help="separated by commas; each is a run from the beginning")
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--image-size", type=int, default=96)
    parser.add_argument("--keep-speeds", action="store_true", help="do not measure speeds anew in each run")
    parser.add_argument("--work", type=Path, required=True, help="folder for photos and members; members are removed")
    return parser.parse_args()


def prepared(archive: Path, workspace: Workspace, *, keep_speeds: bool, progress: Progress) -> None:
    """Bring the competition in, and forget what an earlier run left of it."""
    folder = workspace.competition(archive.stem)
    if not folder.stamp.is_file():
        fetch(archive.stem, archive=archive, workspace=workspace, progress=progress)
    folder.folds.unlink(missing_ok=True)
    for left in (folder.root / "members", folder.features, *([] if keep_speeds else [locate_user_cache() / "speeds"])):
        shutil.rmtree(left, ignore_errors=True)


def epochs_of(folder: CompetitionFolder, result: MemberResult) -> str:
    """Epochs of each fold."""
    histories = [
        pd.read_csv(folder.fold(result.name, fold) / "history.csv") for fold in range(len(result.fold_log_losses))
    ]
    return " ".join(f"{history['share'].sum():.1f}" if "share" in history else "-" for history in histories)


def report(budget: str, seconds: float, folder: CompetitionFolder, results: Sequence[MemberResult]) -> None:
    asked = read_duration(budget)
    print(f"\nBudget {budget}: {format_duration(seconds)}, {seconds / asked:.3f} of it.")
    rows = [
        [
            result.name,
            epochs_of(folder, result),
            f"{result.log_loss:.4f}",
            f"{result.log_loss_error:.4f}",
            f"{result.accuracy:.4f}",
        ]
        for result in results
    ]
    Table(["member", "epochs of each fold", "log loss", "±", "accuracy"], rows).write()


def main() -> None:
    told = options()
    workspace = Workspace(told.work / "data", told.work / "submissions")
    folder = workspace.competition(told.archive.stem)
    for budget in told.budgets.split(","):
        with ConsoleProgress() as progress:
            prepared(told.archive, workspace, keep_speeds=told.keep_speeds, progress=progress)
            began = time.monotonic()
            results = train_members(
                told.members.split(","),
                time_budget=budget,
                weights=told.weights,
                image_size=told.image_size,
                unfreeze="all",
                epochs=told.epochs,
                workspace=workspace,
                progress=progress,
            )
            seconds = time.monotonic() - began
        report(budget, seconds, folder, results)


if __name__ == "__main__":
    main()
