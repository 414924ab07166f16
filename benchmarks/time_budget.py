"""Accuracy of time budgets: wall time and scores of several members on a competition's zip."""

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
    parser.add_argument("archive", type=Path, help="zip of the competition, named after its slug")
    parser.add_argument("weights", help="folder of NAME.weights.h5")
    parser.add_argument("--members", default="mobilenetv2-0.35,mobilenet-0.5,mobilenet-0.75")
    parser.add_argument("--budgets", default="6m", help="budgets, separated by commas. Each is a separate run")
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--image-size", type=int, default=96)
    parser.add_argument("--keep-speeds", action="store_true", help="do not measure speeds again in each run")
    parser.add_argument("--work", type=Path, required=True, help="folder for photos. Its members are removed")
    return parser.parse_args()


def prepared(archive: Path, workspace: Workspace, *, keep_speeds: bool, progress: Progress) -> None:
    """Fetch the competition, and delete the members and caches of earlier runs."""
    folder = workspace.competition(archive.stem)
    if not folder.stamp.is_file():
        fetch(archive.stem, archive=archive, workspace=workspace, progress=progress)
    folder.folds.unlink(missing_ok=True)
    for left in (folder.root / "members", folder.features, *([] if keep_speeds else [locate_user_cache() / "speeds"])):
        shutil.rmtree(left, ignore_errors=True)


def epochs_of(folder: CompetitionFolder, result: MemberResult) -> str:
    """Format the epochs of each fold."""
    histories = [
        pd.read_csv(folder.fold(result.name, fold) / "history.csv") for fold in range(len(result.fold_log_losses))
    ]
    return " ".join(f"{history['share'].sum():.1f}" if "share" in history else "-" for history in histories)


def report(budget: str, seconds: float, folder: CompetitionFolder, results: Sequence[MemberResult]) -> None:
    asked = read_duration(budget)
    print(f"\nBudget {budget}: {format_duration(seconds)} used, {seconds / asked:.3f} of the budget.")
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
    arguments = options()
    workspace = Workspace(arguments.work / "data", arguments.work / "submissions")
    folder = workspace.competition(arguments.archive.stem)
    for budget in arguments.budgets.split(","):
        with ConsoleProgress() as progress:
            prepared(arguments.archive, workspace, keep_speeds=arguments.keep_speeds, progress=progress)
            began = time.monotonic()
            results = train_members(
                arguments.members.split(","),
                time_budget=budget,
                weights=arguments.weights,
                image_size=arguments.image_size,
                unfreeze="all",
                epochs=arguments.epochs,
                workspace=workspace,
                progress=progress,
            )
            seconds = time.monotonic() - began
        report(budget, seconds, folder, results)


if __name__ == "__main__":
    main()
