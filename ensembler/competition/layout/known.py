"""Facts about well-known competitions, for zips that are used without a request to Kaggle."""

from __future__ import annotations

from dataclasses import dataclass

from ...errors import BadChoice


@dataclass(frozen=True)
class KnownCompetition:
    """Facts that the files of a competition do not contain.

    ``metric`` is a name of :data:`.metrics.METRICS`. ``positive`` is the class whose probability a binary submission
    contains. ``code_only`` competitions accept submissions only from notebooks.
    """

    metric: str
    positive: str = ""
    code_only: bool = False


_KNOWN_COMPETITIONS = {
    "aerial-cactus-identification": KnownCompetition("roc auc", code_only=True),
    "aptos2019-blindness-detection": KnownCompetition("quadratic weighted kappa", code_only=True),
    "cassava-disease": KnownCompetition("accuracy"),
    "cassava-leaf-disease-classification": KnownCompetition("accuracy", code_only=True),
    "cifar-10": KnownCompetition("accuracy"),
    "datasciencebowl": KnownCompetition("log loss"),
    "diabetic-retinopathy-detection": KnownCompetition("quadratic weighted kappa"),
    "digit-recognizer": KnownCompetition("accuracy"),
    "dog-breed-identification": KnownCompetition("log loss"),
    # The first competition of that name used accuracy, its successor log loss.
    "dogs-vs-cats": KnownCompetition("accuracy", positive="dog"),
    "dogs-vs-cats-redux-kernels-edition": KnownCompetition("log loss", positive="dog"),
    "histopathologic-cancer-detection": KnownCompetition("roc auc"),
    "imet-2019-fgvc6": KnownCompetition("sample f2", code_only=True),
    "imet-2020-fgvc7": KnownCompetition("micro f1", code_only=True),
    "intel-mobileodt-cervical-cancer-screening": KnownCompetition("log loss"),
    "invasive-species-monitoring": KnownCompetition("roc auc"),
    "iwildcam-2019-fgvc6": KnownCompetition("macro f1"),
    "kannada-mnist": KnownCompetition("accuracy", code_only=True),
    "leaf-classification": KnownCompetition("log loss"),
    "noaa-right-whale-recognition": KnownCompetition("log loss"),
    "paddy-disease-classification": KnownCompetition("accuracy"),
    "planet-understanding-the-amazon-from-space": KnownCompetition("sample f2"),
    "plant-pathology-2020-fgvc7": KnownCompetition("mean column-wise roc auc"),
    "plant-pathology-2021-fgvc8": KnownCompetition("sample f1", code_only=True),
    "plant-seedlings-classification": KnownCompetition("micro f1"),
    "ranzcr-clip-catheter-line-classification": KnownCompetition("mean column-wise roc auc", code_only=True),
    "siim-isic-melanoma-classification": KnownCompetition("roc auc"),
    "state-farm-distracted-driver-detection": KnownCompetition("log loss"),
    "street-view-getting-started-with-julia": KnownCompetition("accuracy"),
    "the-nature-conservancy-fisheries-monitoring": KnownCompetition("log loss"),
}


def find_known_competition(slug: str) -> KnownCompetition | None:
    """Return the facts about a competition, or None."""
    return _KNOWN_COMPETITIONS.get(slug)


def require_known_competition(slug: str) -> KnownCompetition:
    """Return the facts about a competition that was named with ``--like``."""
    if (known := find_known_competition(slug)) is None:
        raise BadChoice.from_unknown_name("known competition", slug, sorted(_KNOWN_COMPETITIONS))
    return known


def list_known_positives(slug: str) -> list[str]:
    """Return the positive classes of the known competitions whose slugs this slug begins with."""
    return [known.positive for name, known in _KNOWN_COMPETITIONS.items() if known.positive and slug.startswith(name)]
