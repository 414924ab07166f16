"""Flips labels of a competition, and measures how well they are found, and what training without them changes.

Frozen members must have been trained with fitted linear heads. Their stored features are used, so that no network runs:

    python benchmarks/wrong_labels.py --data data -c dogs-vs-cats-mini --share 0.05 --seeds 3
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from cleanlab.filter import find_label_issues
from cleanlab.rank import get_label_quality_scores
from numpy.typing import NDArray

from ensembler.checks.labels.doubts import SURE_LABEL
from ensembler.checks.labels.ranking import rank_labels
from ensembler.competition.corrections.corrections import CorrectedData, Corrections, apply_corrections
from ensembler.competition.folds.file import load_folds
from ensembler.competition.folds.folds import Folds
from ensembler.competition.metrics.metrics import log_loss
from ensembler.competition.tables import Tables, load_tables
from ensembler.heads.by_split import fit_split_heads
from ensembler.heads.stacked_views import StackedViews
from ensembler.paths import Workspace
from ensembler.progress import SILENT
from ensembler.stacking.fitting import StackConfig, fit_stack

Views = list[NDArray[np.float32]]


def main() -> None:
    options = read_options()
    folder = Workspace(options.data, options.data).competition(options.competition)
    tables = load_tables(folder)
    folds = load_folds(folder, tables)
    networks = load_features(folder.features, len(tables.train))
    found: list[dict[str, Any]] = []
    trained: list[dict[str, Any]] = []
    for seed in range(options.seeds):
        wrong, flipped = flip_labels(tables, options.share, seed)
        as_is = predict(CorrectedData(flipped, replace(folds, labels=flipped.train["label"])), networks)
        found += [{"predictions": name, **measure_ranking(flipped, one, wrong)} for name, one in as_is.items()]
        trained += measure_training(tables, flipped, folds, networks, as_is, wrong)
    show("How well flipped labels are found", pd.DataFrame(found), ["predictions"])
    show("Log loss of all held-out photos, by true and by given labels", pd.DataFrame(trained), ["labels", "training"])


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("data"))
    parser.add_argument("-c", "--competition", required=True)
    parser.add_argument("--share", type=float, default=0.05)
    parser.add_argument("--seeds", type=int, default=3)
    return parser.parse_args()


def load_features(place: Path, photos: int) -> dict[str, Views]:
    """Return the features of the training photos of each network, by view."""
    networks: dict[str, Views] = {}
    for path in sorted(place.glob("*.npy")):
        networks.setdefault(path.name.partition("-")[0], []).append(np.load(path)[:photos])
    return networks


def flip_labels(tables: Tables, share: float, seed: int) -> tuple[NDArray[np.bool_], Tables]:
    """Give a share of the photos another class at random. Return their mask, and the tables."""
    random, count, classes = np.random.default_rng(seed), len(tables.train), np.array(tables.manifest.classes)
    wrong = np.zeros(count, bool)
    wrong[random.choice(count, round(share * count), replace=False)] = True
    numbers = pd.Categorical(tables.train["label"], classes).codes
    others = classes[(numbers + random.integers(1, len(classes), count)) % len(classes)]
    return wrong, replace(tables, train=tables.train.assign(label=np.where(wrong, others, tables.train["label"])))


def predict(data: CorrectedData, networks: dict[str, Views]) -> dict[str, NDArray[np.float32]]:
    """Return the out-of-fold probabilities of each network, their mean, and the nested ones of the stack."""
    predicted = {name: predict_out_of_fold(data, views) for name, views in networks.items()}
    if len(predicted) > 1:
        fitted = fit_stack(StackConfig("dense"), data.tables, data.folds, list(predicted.values()), SILENT)
        mean = np.mean(list(predicted.values()), axis=0)
        predicted |= {"mean": mean, "stack": fitted.nested.calibrated}
    return predicted


def predict_out_of_fold(data: CorrectedData, views: Views) -> NDArray[np.float32]:
    kept, multiclass = np.flatnonzero(data.kept), data.tables.manifest.sums_to_one
    learned, targets = data.folds.select_rows(kept), data.tables.targets
    heads = fit_split_heads(
        StackedViews(views, kept),
        targets[kept],
        learned,
        list(range(learned.splits)),
        multiclass=multiclass,
        views=len(views),
    )
    result = np.empty_like(targets)
    for split, head in heads.items():
        held_out = data.folds.mask_held_out(split)
        result[held_out] = np.mean([head.predict_proba(view[held_out]) for view in views], axis=0)
    return result


def measure_ranking(flipped: Tables, probabilities: NDArray[np.float32], wrong: NDArray[np.bool_]) -> dict[str, float]:
    """Measure the share of flipped labels in the first 5 and 8 %, and what each rule doubts."""
    ranked = rank_labels(flipped.targets, probabilities, flipped.manifest)
    whole = np.hstack([1 - probabilities, probabilities]) if probabilities.shape[1] == 1 else probabilities
    labels = pd.Categorical(flipped.train["label"], flipped.manifest.classes).codes.astype(int)
    rankings = {
        "probability": ranked.trust,
        "adjusted": get_label_quality_scores(labels, whole, adjust_pred_probs=True),
        "entropy": get_label_quality_scores(labels, whole, method="confidence_weighted_entropy"),
    }
    figures = {
        f"{name} {share:.0%}": wrong[np.argsort(trust, kind="stable")[: int(share * len(wrong))]].sum() / wrong.sum()
        for name, trust in rankings.items()
        for share in (0.05, 0.08)
    }
    rules = {
        "doubted": ranked.doubted,
        "confident joint": find_label_issues(labels, whole, filter_by="confident_learning", n_jobs=1),
        "other class": whole.argmax(axis=1) != labels,
    }
    for name, mask in rules.items():
        figures |= {f"{name} found": mask[wrong].mean(), f"{name} right": wrong[mask].mean()}
    return figures


def measure_training(
    tables: Tables,
    flipped: Tables,
    folds: Folds,
    networks: dict[str, Views],
    as_is: dict[str, NDArray[np.float32]],
    wrong: NDArray[np.bool_],
) -> list[dict[str, Any]]:
    """Measure training as is, with corrections of doubted labels, and with those of exactly the flipped ones."""
    best = as_is["stack"] if "stack" in as_is else next(iter(as_is.values()))
    ranked = rank_labels(flipped.targets, best, flipped.manifest)
    ids, suggested = flipped.train["id"].to_numpy(), np.array(ranked.suggested)
    sure, true = ranked.suggested_probability >= SURE_LABEL, tables.train["label"].to_numpy()

    def correct(excluded: NDArray[np.bool_], relabelled: NDArray[np.bool_], labels: NDArray[Any]) -> Corrections:
        new = dict(zip(ids[relabelled], labels[relabelled], strict=True))
        return Corrections(tuple(ids[excluded]), new)

    none = np.zeros_like(wrong)
    cases = {
        "exclude doubted": correct(ranked.doubted, none, suggested),
        "relabel doubted": correct(none, ranked.doubted, suggested),
        "as doubts.csv suggests": correct(ranked.doubted & ~sure, ranked.doubted & sure, suggested),
        "exclude flipped": correct(wrong, none, true),
        "relabel flipped (true labels)": correct(none, wrong, true),
    }
    flipped_folds = replace(folds, labels=flipped.train["label"])
    predicted = {"as is": as_is}
    for name, corrections in cases.items():
        predicted[name] = predict(apply_corrections(flipped, flipped_folds, corrections), networks)
    return [
        {
            "labels": kind,
            "training": name,
            **{
                each: log_loss(judged.targets, one, multiclass=judged.manifest.sums_to_one)
                for each, one in found.items()
            },
        }
        for kind, judged in (("true", tables), ("given", flipped))
        for name, found in predicted.items()
    ]


def show(title: str, table: pd.DataFrame, by: list[str]) -> None:
    grouped = table.groupby(by, sort=False)
    print(f"\n{title}: means over seeds\n{grouped.mean().round(4).to_string()}")
    print(f"\nstandard deviations\n{grouped.std().round(4).to_string()}")


if __name__ == "__main__":
    main()
