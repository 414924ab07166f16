"""Photos whose label is probably wrong, and photos unlike all others, found by out-of-fold predictions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...competition.duplicates import load_duplicates
from ...competition.tables import Tables
from ...errors import format_count
from ...paths import CompetitionFolder
from ...progress import SILENT, Progress
from ..doubt import Doubt
from .odd_photos import choose_odd, choose_uncertain, measure_entropy, score_by_features
from .orientation import find_orientation_doubts
from .predictions import OutOfFold, load_out_of_fold
from .ranking import agree_beyond_chance, rank_labels

WRONG, ODD = "likely wrong label", "odd photo"
# Least probability of another label at which it is suggested. Below, the photo had better be left out.
SURE_LABEL = 0.9
# Share of doubted labels above which the predictions are doubted too.
MANY_DOUBTED = 0.2
# Share of the photos that are listed as odd at most, because a list of all is no help.
MAX_ODD_SHARE = 0.02


@dataclass(frozen=True)
class LabelDoubts:
    """Doubts about labels, from predictions by networks that never saw the photos.

    Attributes
    ----------
    doubts
        Doubts of the kinds ``likely wrong label`` and ``odd photo``, or ``looks turned`` and ``orientation unsure`` in
        an orientation task, those of each kind by falling score.
    source
        The predictions, such as ``the stack both`` or ``the mean of 2 members``. Empty if there are none yet.
    compared
        Number of training photos with out-of-fold predictions.
    notes
        Sentences about what was left out and why.
    """

    doubts: tuple[Doubt, ...]
    source: str
    compared: int
    notes: tuple[str, ...] = ()


def find_label_doubts(
    folder: CompetitionFolder,
    tables: Tables,
    *,
    stack: str | None = None,
    features: NDArray[np.floating] | None = None,
    progress: Progress = SILENT,
) -> LabelDoubts:
    """Find training photos whose label is probably wrong, and photos unlike all others.

    Parameters
    ----------
    stack
        Name of a finished stack, whose nested predictions are used. None uses the newest, or the mean of all finished
        members if there is none.
    features
        Frozen features of the training photos, shape (photos, width), by which odd photos are found. None finds those
        of which the predictions are least certain.
    """
    predicted = load_out_of_fold(folder, tables, stack)
    if predicted is None:
        note = "Labels are not checked, because no member is trained on the present photos: `ensembler train-members`."
        return LabelDoubts((), "", 0, (note,))
    rows_per_photo = tables.rows_per_photo
    compared, notes = len(predicted.rows) // rows_per_photo, []
    if missing := len(tables.train) // rows_per_photo - compared:
        notes.append(
            f"The labels of {format_count(range(missing), 'photo')} are not checked, because the folds never hold them "
            "out: more folds would (`ensembler folds --folds 5`)."
        )
    progress.note(f"Labels are compared with the predictions of {predicted.source}.")
    is_informed = agree_beyond_chance(tables.targets[predicted.rows], predicted.probabilities)
    is_orientation = tables.manifest.is_orientation
    doubts: list[Doubt] = []
    if is_informed and is_orientation:
        doubts += find_orientation_doubts(tables, predicted)
    elif is_informed:
        doubts += _list_wrong_labels(folder, tables, predicted)
    notes += _judge_predictions(predicted.source, len(doubts) / max(compared, 1), is_informed=is_informed)
    if not is_orientation and (is_informed or features is not None):
        doubts += _list_odd_photos(tables, predicted, features, {doubt.id for doubt in doubts}, progress)
    return LabelDoubts(tuple(doubts), predicted.source, compared, tuple(notes))


def _judge_predictions(source: str, share: float, *, is_informed: bool) -> list[str]:
    """Return a sentence if the predictions are no good judge of the labels, of which they doubt a share."""
    if not is_informed:
        return [
            f"Labels are not doubted, because {source} agrees with them no more than with labels at random: "
            "train a better member."
        ]
    if share > MANY_DOUBTED:
        return [
            f"{100 * share:.0f} % of the photos have a doubted label. So many may tell more about {source} than about "
            "the photos: train a better member before you leave photos out."
        ]
    return []


def _list_wrong_labels(folder: CompetitionFolder, tables: Tables, predicted: OutOfFold) -> Iterator[Doubt]:
    ranked = rank_labels(tables.targets[predicted.rows], predicted.probabilities, tables.manifest)
    train, clashes = tables.train.iloc[predicted.rows], _describe_clashes(folder, tables)
    order = np.argsort(ranked.trust, kind="stable").tolist()
    for number, place in enumerate(order, start=1):
        if not ranked.doubted[place]:
            continue
        row = train.iloc[place]
        new, probability = ranked.suggested[place], float(ranked.suggested_probability[place])
        is_sure = probability >= SURE_LABEL
        yield Doubt(
            WRONG,
            "train",
            row["id"],
            row["path"],
            row["label"],
            "relabel" if is_sure else "exclude",
            new,
            round(1 - float(ranked.trust[place]), 6),
            f"Labelled {row['label'] or 'nothing'}, but {predicted.source} finds {new or 'nothing'} with probability "
            f"{probability:.3f} without having seen it (rank {number} of {len(train)})"
            f"{clashes.get(row['id'], '')}.",
        )


def _describe_clashes(folder: CompetitionFolder, tables: Tables) -> dict[str, str]:
    """Return, for each photo that shows the same picture as one with another label, a phrase that says so."""
    duplicates = load_duplicates(folder)
    among = duplicates[duplicates["other_set"] == "train"]
    labels = dict(zip(tables.train["id"], tables.train["label"], strict=True))
    phrases: dict[str, str] = {}
    for one, other in zip(among["id"], among["other_id"], strict=True):
        if labels.get(one) != labels.get(other):
            for first, second in ((one, other), (other, one)):
                phrases.setdefault(first, f"; {second} shows the same picture and is labelled {labels.get(second)}")
    return phrases


def _list_odd_photos(
    tables: Tables,
    predicted: OutOfFold,
    features: NDArray[np.floating] | None,
    known: set[str],
    progress: Progress,
) -> Iterator[Doubt]:
    """Yield the odd photos whose label is not doubted already."""
    if features is None:
        train = tables.train.iloc[predicted.rows]
        chosen, scores = choose_uncertain(predicted.probabilities), measure_entropy(predicted.probabilities)
        reason = f"No class is certain: the entropy of {predicted.source} is {{:.2f}} of the largest possible one."
    else:
        train, typical = tables.train, score_by_features(features, progress)
        chosen, scores = choose_odd(typical), 1 - typical
        reason = "Its frozen features are far from those of its nearest neighbours (oddness {:.3f} of 1)."
    most = max(1, int(MAX_ODD_SHARE * len(train)))
    rows = [train.iloc[place] for place in chosen.tolist()]
    listed = [(row, place) for row, place in zip(rows, chosen.tolist(), strict=True) if row["id"] not in known]
    for row, place in listed[:most]:
        score = float(scores[place])
        text = reason.format(score)
        yield Doubt(ODD, "train", row["id"], row["path"], row["label"], "", "", round(score, 6), text)
