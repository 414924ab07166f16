"""Effect of each ingredient of fine-tuning on the held-out log loss, compared with a base.

Each ingredient changes one option of the base and is trained once per seed. The seed determines folds, random weights,
order of photos and augmentation. Fold 0 is held out. Differences are paired by seed. Results are stored in
``results.jsonl`` in the working folder, so that another run trains only missing ones.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from labelled_photos import competition_of, with_folds
from paired_results import Results, table

import ensembler
from ensembler.backbones.registry import find_backbone
from ensembler.competition.samples import compute_samples_fingerprint
from ensembler.competition.tables import load_tables
from ensembler.console import ConsoleProgress
from ensembler.engines.job import Job
from ensembler.engines.local import run_jobs
from ensembler.errors import EnsemblerError
from ensembler.members.records import MemberRecord
from ensembler.members.training_job import TrainingJob
from ensembler.options.declared import TrainingOptions
from ensembler.options.reading import read_options
from ensembler.options.resolve import choose_settings
from ensembler.paths import CompetitionFolder
from ensembler.progress import Progress
from ensembler.serialization import compute_fingerprint, convert_to_plain, read_json
from ensembler.storage import compute_file_digest
from ensembler.workflows.train.plan_jobs import FINE_TUNE, TRAIN_FROZEN

FOLDS, HELD_OUT = 5, 0

BASE = "fine-tuned"
BASE_OPTIONS: TrainingOptions = {
    "head": "fitted",
    "flips": True,
    "pooling": "average",
    "hidden": 0,
    "dropout": 0.0,
    "unfreeze": "all",
    "epochs": 2,
    "learning_rate": 1e-4,
    "batch_norm": "frozen",
    "augmentation": "none",
    "label_smoothing": 0.0,
    "class_weights": "none",
    "weight_decay": 0.01,
    "clip_norm": 0.0,
    "first_block_rate": 0.1,
    "ema": 0.0,
    "patience": 0,
    "precision": "float32",
    "tta": "none",
}

# Changes to the base. Frozen ones come first, because the others use their features.
INGREDIENTS: dict[str, TrainingOptions] = {
    "frozen": {"unfreeze": "none", "flips": False},
    "frozen-flips": {"unfreeze": "none"},
    "frozen-flips-tta": {"unfreeze": "none", "tta": "flip"},
    BASE: {},
    "one-rate": {"first_block_rate": 1.0},
    "ema": {"ema": 0.95},
    "crops": {"augmentation": "crops"},
    "pixels": {"augmentation": "pixels"},
    "strong": {"augmentation": "strong"},
    "strong-long": {"augmentation": "strong", "epochs": 10, "learning_rate": 3e-4},
    "smoothing": {"label_smoothing": 0.1},
    "batch-norm-train": {"batch_norm": "train"},
    "dropout": {"dropout": 0.2},
    "decay": {"weight_decay": 0.05},
    "clip": {"clip_norm": 1.0},
    "tta-flip": {"tta": "flip"},
    "tta-crops": {"tta": "crops"},
    "random-head": {"head": "random"},
    "crops-tta": {"augmentation": "crops", "tta": "flip"},
}


@dataclass(frozen=True)
class Run:
    """Training of one ingredient with one seed."""

    ingredient: str
    seed: int
    folder: CompetitionFolder
    record: MemberRecord
    weights: str

    @property
    def key(self) -> str:
        """Hash of everything the score depends on, except the code."""
        return key_of(self.record)

    @property
    def job(self) -> Job:
        """The package's own job for the held-out fold."""
        function = TRAIN_FROZEN if self.record.settings.frozen else FINE_TUNE
        job = TrainingJob(self.folder, self.record.name, (HELD_OUT,), self.weights)
        return Job(f"{self.ingredient}-seed-{self.seed}", function, convert_to_plain(job))

    @property
    def finished(self) -> bool:
        """Whether the files of the fold exist."""
        return self.record.is_finished(self.folder, HELD_OUT)

    def result(self, code: str) -> dict[str, Any]:
        """Return the line of the result."""
        fold = read_json(self.folder.fold(self.record.name, HELD_OUT) / "fold.json")
        kept = {name: fold[name] for name in ("log_loss", "held_out", "seconds", "finished")}
        settings = asdict(self.record.settings)
        return {"key": self.key, "ingredient": self.ingredient, "seed": self.seed, **kept, "code": code, **settings}


def key_of(record: MemberRecord) -> str:
    return compute_fingerprint([asdict(record.settings), record.samples, record.folds, HELD_OUT])


def code_digest() -> str:
    """Hash of the code that decodes, trains and predicts."""
    root = Path(ensembler.__file__).parent
    sources = sorted(
        path
        for room in ("images", "backbones", "options", "heads", "inference", "members")
        for path in (root / room).rglob("*.py")
    )
    return compute_fingerprint([compute_file_digest(path) for path in sources])


def plan(folder: CompetitionFolder, ingredient: str, backbone: str, asked: TrainingOptions) -> Run:
    """Plan one run, and write its settings."""
    settings, weights = choose_settings(find_backbone(backbone), asked)
    manifest = load_tables(folder).manifest
    record = MemberRecord(
        name=ingredient,
        settings=settings,
        samples=compute_samples_fingerprint(folder, manifest),
        folds=compute_file_digest(folder.folds),
        folds_count=FOLDS,
        classes=manifest.outputs,
    )
    # The name contains the key, because members of another base must not replace these.
    record = replace(record, name=f"{ingredient}-{key_of(record)}")
    record.save(folder)
    return Run(ingredient, settings.seed, folder, record, weights)


def change(text: str) -> tuple[str, str]:
    """Read ``OPTION=VALUE``."""
    name, _, value = text.partition("=")
    return name, value


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("archive", type=Path, help="zip of the competition, named after its slug")
    parser.add_argument("weights", type=Path, help="folder of NAME.weights.h5")
    parser.add_argument("--work", type=Path, required=True, help="folder for photos, members and results")
    parser.add_argument("--backbone", default="mobilenetv2-0.35")
    parser.add_argument("--image-size", type=int, default=160)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument(
        "--base",
        metavar="OPTION=VALUE",
        type=change,
        action="append",
        default=[],
        help="change to the base. Repeatable",
    )
    parser.add_argument("--photos", type=int, help="number of labelled photos. Default: all")
    parser.add_argument("--seeds", default="0,1,2", help="seeds, separated by commas")
    parser.add_argument("--only", default=",".join(INGREDIENTS), help="ingredients besides the base, with commas")
    parser.add_argument("--workers", type=int, default=1, help="number of parallel runs, which share the processors")
    arguments = parser.parse_args()
    arguments.seeds = [int(seed) for seed in arguments.seeds.split(",")]
    asked = {*arguments.only.split(","), BASE}
    if unknown := asked - INGREDIENTS.keys():
        parser.error(f"unknown ingredients {', '.join(sorted(unknown))}: choose from {', '.join(INGREDIENTS)}")
    arguments.ingredients = [ingredient for ingredient in INGREDIENTS if ingredient in asked]
    return arguments


def plan_all(arguments: argparse.Namespace, progress: Progress) -> list[Run]:
    """Plan each ingredient with each seed."""
    sizes = {"weights": str(arguments.weights), "image_size": arguments.image_size, "batch_size": arguments.batch_size}
    base: TrainingOptions = {**BASE_OPTIONS, **read_options(sizes | dict(arguments.base))}
    shared = competition_of(arguments.archive, arguments.photos, arguments.work.absolute(), progress)
    folders = {seed: with_folds(shared, FOLDS, seed) for seed in arguments.seeds}
    return [
        plan(folder, ingredient, arguments.backbone, {**base, **INGREDIENTS[ingredient], "seed": seed})
        for seed, folder in folders.items()
        for ingredient in arguments.ingredients
    ]


def main() -> None:
    arguments = options()
    code = code_digest()
    with ConsoleProgress() as progress:
        runs = plan_all(arguments, progress)
        results = Results(arguments.work / "results.jsonl")
        trouble = train(runs, results, code, arguments.workers, progress)
    # Two names may stand for the same options.
    lines = [results.by_key[run.key] | {"ingredient": run.ingredient} for run in runs if run.key in results.by_key]
    print(caption(arguments, {line["held_out"] for line in lines}))
    print(table(lines, INGREDIENTS, BASE))
    if any(line["code"] != code for line in lines):
        print(
            "\nSome results are of an earlier version of the code: pass a new --work to train all again.",
            file=sys.stderr,
        )
    sys.exit(trouble)


def train(runs: Sequence[Run], results: Results, code: str, workers: int, progress: Progress) -> str | None:
    """Train the missing runs, each in its own process, and return the error, if any."""
    # A killed run may have finished some of them.
    collect(runs, results, code)
    missing = {run.key: run.job for run in runs if run.key not in results.by_key}
    try:
        run_jobs(list(missing.values()), results.path.parent / "logs", progress, workers)
    except EnsemblerError as error:
        return str(error)
    finally:
        collect(runs, results, code)
    return None


def collect(runs: Sequence[Run], results: Results, code: str) -> None:
    for run in runs:
        if run.key not in results.by_key and run.finished:
            results.append(run.result(code))


def caption(arguments: argparse.Namespace, held_out: set[int]) -> str:
    libraries = ", ".join(f"{name} {version(name)}" for name in ("tensorflow", "keras"))
    base = BASE_OPTIONS | read_options(dict(arguments.base))
    return (
        f"{arguments.backbone} at {arguments.image_size} pixels, batches of {arguments.batch_size}, "
        f"{'/'.join(map(str, sorted(held_out)))} photos held out; {libraries}.\n"
        f"Base: {', '.join(f'{name} {value}' for name, value in base.items())}.\n"
        "Differences: mean over seeds ± standard error, paired by seed. Negative ones are improvements.\n"
    )


if __name__ == "__main__":
    try:
        main()
    except EnsemblerError as error:
        sys.exit(str(error))
