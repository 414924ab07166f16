"""Lists the photos of an orientation task whose orientation is in doubt: those that look turned, and symmetric ones."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..competition.orientation.rotations import align_angles
from ..competition.task import ROTATIONS
from ..errors import BadChoice, Mismatch, format_count
from ..options.arguments import Count, check_arguments
from ..paths import DEFAULT_WORKSPACE, CompetitionLike, Workspace, WorkspaceLike
from ..progress import SILENT, Progress
from ..serialization import read_arrays
from ..submission.notebook.folder import choose_stack
from ..tables import Shown, Table
from .competition import open_competition

# Least probability of an angle at which the stack is sure of it.
SURE = 0.5
DEFAULT_PHOTOS = 20


@dataclass(frozen=True)
class DoubtfulPhoto:
    """What a stack that never saw a photo finds of its orientation, averaged over the photo's four rotations.

    Attributes
    ----------
    photo
        Path of the photo, relative to the competition's folder of photos.
    upright
        Probability that the photo is stored upright.
    angle, probability
        Most probable angle by which it is stored rotated, in degrees counter-clockwise, and its probability.
    """

    photo: str
    upright: float
    angle: int
    probability: float

    @property
    def finding(self) -> str:
        """``looks turned``, ``unsure`` if no angle reaches a probability of 0.5, or ``upright``."""
        if self.probability < SURE:
            return "unsure"
        return "looks turned" if self.angle else "upright"


@dataclass(frozen=True, repr=False)
class Doubts(Shown):
    """The photos that are least probably upright, the worst first.

    Attributes
    ----------
    stack
        Name of the stack.
    photos
        The listed photos.
    compared
        Number of all training photos with out-of-fold predictions.
    turned, unsure
        Number of these that look turned, and of those whose orientation the stack cannot tell.
    """

    stack: str
    photos: tuple[DoubtfulPhoto, ...]
    compared: int
    turned: int
    unsure: int

    def build_table(self) -> Table:
        """Return a row for each listed photo."""
        rows = [
            [each.photo, f"{each.upright:.3f}", each.finding, f"{each.angle}", f"{each.probability:.3f}"]
            for each in self.photos
        ]
        notes = [
            f"{self.turned} of {format_count(range(self.compared), 'photo')} look turned, by networks of {self.stack} "
            "that never saw them: turn or remove those that are",
            f"{self.unsure} have no angle of probability {SURE} or more, such as symmetric or blank photos",
        ]
        return Table(["photo", "upright", "finding", "angle", "probability"], rows, notes=notes)

    def to_json(self) -> dict[str, Any]:
        """Return the listed photos and the numbers as plain data for JSON."""
        return {**asdict(self), "photos": [{**asdict(each), "finding": each.finding} for each in self.photos]}


@check_arguments
def list_doubts(
    stack: str | None = None,
    *,
    photos: Count = DEFAULT_PHOTOS,
    competition: CompetitionLike | None = None,
    workspace: WorkspaceLike = DEFAULT_WORKSPACE,
    progress: Progress = SILENT,
) -> Doubts:
    """List the photos of an orientation task that are least probably upright.

    The probabilities are the stack's nested out-of-fold ones, so no network or meta-learner was fitted on the photo. A
    photo whose four rotations are all found turned by the same angle is probably stored turned. A photo for which the
    four contradict each other, such as a symmetric one, has no orientation.

    Parameters
    ----------
    stack
        Name of a finished stack. None uses the one built last.
    photos
        Number of photos to list.
    competition
        Name of the competition. None uses the one last fetched or adopted.

    Raises
    ------
    BadChoice
        If the competition is not an orientation task, or the stack does not exist.
    Mismatch
        If the stack was built with other photos.

    Examples
    --------
    >>> ensembler.list_doubts(competition="pets")
    Traceback (most recent call last):
    ensembler.errors.BadChoice: ...
    """
    del progress
    folder, tables = open_competition(competition, Workspace.read(workspace))
    if not tables.manifest.is_orientation:
        raise BadChoice(
            f"{folder.name} is not an orientation task, of whose photos doubts are listed: make one with `ensembler "
            "adopt FOLDER --task orientation`."
        )
    name = choose_stack(folder, stack)
    stored = read_arrays(folder.stack(name) / "predictions.npz")
    rows = tables.train.set_index("id")["path"].reindex(stored["out_of_fold_ids"])
    if rows.isna().any() or len(rows) % len(ROTATIONS):
        raise Mismatch(f"The stack {name} was built with other photos: build it again with `ensembler stack`.")
    paths = rows.iloc[:: len(ROTATIONS)].tolist()
    found = [_describe(path, angles) for path, angles in zip(paths, align_angles(stored["out_of_fold"]), strict=True)]
    findings = [each.finding for each in found]
    worst = sorted(found, key=lambda each: each.upright)[:photos]
    return Doubts(name, tuple(worst), len(found), findings.count("looks turned"), findings.count("unsure"))


def _describe(path: str, angles: NDArray[np.float64]) -> DoubtfulPhoto:
    best = int(angles.argmax())
    return DoubtfulPhoto(path, round(float(angles[0]), 6), int(ROTATIONS[best]), round(float(angles[best]), 6))
