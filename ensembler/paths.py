"""Where things lie: the workspace, and the folder of each competition."""

from __future__ import annotations

import os
import re
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from .errors import BadChoice
from .storage import write_text

NAME_PATTERN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]*")


def check_name(name: str, kind: str) -> str:
    """Return ``name`` if it can be a folder's name.

    Raises
    ------
    BadChoice
        If it is empty or has characters that do not belong into a file name.
    """
    if not NAME_PATTERN.fullmatch(name):
        raise BadChoice(f"{name!r} cannot name a {kind}: use letters, digits, '.', '_' and '-'.")
    return name


@dataclass(frozen=True)
class CompetitionFolder:
    """Paths of one competition below ``data/NAME``, and the workspace that it belongs to."""

    root: Path
    workspace: Workspace = field(default_factory=lambda: DEFAULT_WORKSPACE, compare=False, repr=False)

    @property
    def name(self) -> str:
        """The competition's name."""
        return self.root.name

    @property
    def manifest(self) -> Path:
        """What was found out about the competition."""
        return self.root / "competition.toml"

    @property
    def hints(self) -> Path:
        """A person's answers to what could not be found out, and what the manifest looked like then."""
        return self.root / "hints.json"

    @property
    def raw(self) -> Path:
        """The archive as downloaded, and beside it what came out of it."""
        return self.root / "raw"

    @property
    def extracted(self) -> Path:
        """The unpacked archive."""
        return self.raw / "extracted"

    @property
    def archive(self) -> Path:
        """The archive as downloaded; it is there once it is whole."""
        return self.raw / f"{self.name}.zip"

    @property
    def digest(self) -> Path:
        """SHA-256 of the archive, as ``sha256sum -c`` reads it."""
        return self.raw / f"{self.name}.zip.sha256"

    @property
    def renewing(self) -> Path:
        """There while what is unpacked is being replaced; it says how far that has come."""
        return self.raw / "renewing"

    @property
    def facts(self) -> Path:
        """What Kaggle told of the competition when it was downloaded."""
        return self.raw / "kaggle.json"

    @property
    def train(self) -> Path:
        """Table of labelled photos: id, path, label, group."""
        return self.root / "train.csv"

    @property
    def test(self) -> Path:
        """Table of photos to predict: id, path."""
        return self.root / "test.csv"

    @property
    def unreadable(self) -> Path:
        """Table of photos that cannot be decoded: id, path, reason."""
        return self.root / "unreadable.csv"

    @property
    def duplicates(self) -> Path:
        """Table of photos that show the same picture twice: set and id of both, distance, similarity."""
        return self.root / "duplicates.csv"

    @property
    def stamp(self) -> Path:
        """What the tables were made from."""
        return self.root / "tables.json"

    @property
    def folds(self) -> Path:
        """Table id, fold, for repeats fold_2 and so on, shared by all members."""
        return self.root / "folds.csv"

    @property
    def solution(self) -> Path:
        """Hidden labels of the test photos, where we hold them."""
        return self.root / "solution.csv"

    @property
    def is_ours(self) -> bool:
        """Whether we hold the hidden labels ourselves: such a competition is not on Kaggle, whatever its name."""
        return self.solution.is_file()

    @property
    def submissions(self) -> Path:
        """Folder of the competition's CSVs."""
        return self.workspace.submissions / self.name

    @property
    def sample(self) -> Path:
        """The sample submission that we wrote ourselves for a local folder."""
        return self.root / "sample_submission.csv"

    @property
    def features(self) -> Path:
        """Frozen features, computed once; safe to delete."""
        return self.root / "cache" / "features"

    @property
    def pixels(self) -> Path:
        """Photos decoded once, in a folder for each set of photos; safe to delete."""
        return self.root / "cache" / "pixels"

    @property
    def survey(self) -> Path:
        """What a survey measured and predicted; safe to delete."""
        return self.root / "cache" / "survey"

    @property
    def logs(self) -> Path:
        """What job processes printed."""
        return self.root / "logs"

    def lock(self, work: str) -> Path:
        """Lock of one kind of ``work`` on this competition; outside of its folder, which may be deleted."""
        return self.root.parent / ".locks" / f"{self.name}.{work}"

    def member_lock(self, name: str) -> Path:
        """Lock of one member: who trains or removes it holds it."""
        return self.lock(f"member-{name}")

    def speed(self, member: str) -> Path:
        """How fast one member's network was when it was trained; it goes where the member goes."""
        return self.member(member) / "speed.json"

    def tensorboard(self, member: str, fold: int) -> Path:
        """Folder of what a fold's training wrote for TensorBoard."""
        return self.logs / "tensorboard" / member / f"fold-{fold}"

    def member(self, name: str) -> Path:
        """Folder of one member."""
        return self.root / "members" / name

    def fold(self, member: str, fold: int) -> Path:
        """Folder of one member's fold; of a number below 0, of the network that learned from all photos."""
        return self.member(member) / ("refit" if fold < 0 else f"fold-{fold}")

    def backbone(self, member: str) -> Path:
        """Backbone that all folds of a frozen member share."""
        return self.member(member) / "backbone.keras"

    def checkpoint(self, member: str, fold: int) -> Path:
        """How far the training of one member's fold is; gone when the fold is finished."""
        return self.fold(member, fold) / "checkpoint.npz"

    def stack(self, name: str) -> Path:
        """Folder of one stack."""
        return self.root / "stacks" / name


class HasFolder(Protocol):
    """A handle of a competition, or anything else that knows the competition's folder."""

    @property
    def folder(self) -> CompetitionFolder:
        """Paths of the competition."""


# How a caller names a competition.
CompetitionLike = str | HasFolder


@dataclass(frozen=True)
class Workspace:
    """The two folders that everything lies in.

    Examples
    --------
    >>> workspace = ensembler.Workspace(Path("data"), Path("submissions"))
    >>> "pets" in workspace.competitions()
    True
    """

    data: Path
    submissions: Path

    def competition(self, name: str) -> CompetitionFolder:
        """Paths of the competition ``name``, whether or not it is there."""
        return CompetitionFolder((self.data / check_name(name, "competition")).absolute(), self)

    def lock(self, name: str, work: str) -> Path:
        """Lock of one kind of ``work`` on the competition ``name``, whether or not it is there yet."""
        return self.competition(name).lock(work)

    @property
    def marker(self) -> Path:
        """File with the name of the competition last fetched or adopted; no competition can have its name."""
        return self.data / ".current"

    def competitions(self) -> list[str]:
        """Names of all competitions that have been fetched or adopted."""
        return sorted(path.parent.name for path in self.data.glob("*/competition.toml"))

    def begun(self) -> list[str]:
        """Names of competitions whose fetch has not come to its end."""
        return sorted(
            path.parent.name for path in self.data.glob("*/raw") if not (path.parent / "competition.toml").exists()
        )

    def current(self, competition: CompetitionLike | None = None) -> CompetitionFolder:
        """Paths of a competition, or of the one last fetched or adopted.

        Parameters
        ----------
        competition
            Its name in this workspace, or a handle, which knows its own workspace.

        Raises
        ------
        BadChoice
            If there is no such competition.
        """
        if competition is None:
            marker = self.marker
            if not marker.is_file():
                raise BadChoice("No competition has been fetched yet: begin with `ensembler fetch SLUG`.")
            competition = marker.read_text("utf-8").strip()
        elif not isinstance(competition, str):
            return competition.folder
        if competition not in (known := self.competitions()):
            raise BadChoice.from_unknown_name("competition", competition, known)
        return self.competition(competition)

    def make_current(self, folder: CompetitionFolder) -> None:
        """Remember ``folder`` as the competition that later commands mean."""
        write_text(self.marker, folder.name + "\n")


# Where everything lies unless somebody says otherwise.
DEFAULT_WORKSPACE: Workspace = Workspace(Path("data"), Path("submissions"))


def locate_user_cache() -> Path:
    """Folder of what is true of this machine whatever the competition; safe to delete."""
    if base := os.environ.get("XDG_CACHE_HOME") or os.environ.get("LOCALAPPDATA"):
        return Path(base) / "ensembler"
    try:
        return Path.home() / ".cache" / "ensembler"
    except RuntimeError:
        # A container's user may have no home.
        return Path(tempfile.gettempdir()) / "ensembler"
