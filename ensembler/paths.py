"""Paths of the workspace and of each competition's files."""

from __future__ import annotations

import os
import re
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, Self, overload

from .errors import BadChoice
from .storage import write_text

# Path of a file or folder, as the public API takes it.
PathLike = str | os.PathLike[str]
# Environment variable of a job on a machine without a shared folder: the folder that stands before absolute paths.
MIRROR_VARIABLE = "ENSEMBLER_MIRROR"
NAME_PATTERN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]*")


def check_name(name: str, kind: str) -> str:
    """Return ``name`` if it is a valid name of a folder.

    Raises
    ------
    BadChoice
        If the name is empty, or contains characters that are not allowed in file names.
    """
    if not NAME_PATTERN.fullmatch(name):
        raise BadChoice(f"{name!r} is not a valid name of a {kind}: use letters, digits, '.', '_' and '-'.")
    return name


def require_file(path: Path, advice: str) -> None:
    """Check that a path that the user named is a file.

    Parameters
    ----------
    advice
        End of the error's sentence, which says what to pass.

    Raises
    ------
    BadChoice
        If it does not exist, or is something else.
    """
    if not path.is_file():
        raise _make_absence_error(path, "file", advice)


def require_folder(path: Path, advice: str) -> None:
    """Check that a path that the user named is a folder. The parameters are those of :func:`require_file`."""
    if not path.is_dir():
        raise _make_absence_error(path, "folder", advice)


def _make_absence_error(path: Path, wanted: str, advice: str) -> BadChoice:
    if not path.exists():
        return BadChoice(f"The {wanted} {path} does not exist: {advice}")
    found = "a file" if path.is_file() else "a folder" if path.is_dir() else "a device or a pipe"
    return BadChoice(f"{path} is {found}, not a {wanted}: {advice}")


class _PathBelow:
    """Path below a competition's folder, in which ``{name}`` stands for the competition's name."""

    def __init__(self, pattern: str) -> None:
        self._pattern = pattern

    @overload
    def __get__(self, folder: None, owner: type) -> Self: ...

    @overload
    def __get__(self, folder: CompetitionFolder, owner: type) -> Path: ...

    def __get__(self, folder: CompetitionFolder | None, owner: type) -> Self | Path:
        return self if folder is None else folder.root / self._pattern.format(name=folder.name)


@dataclass(frozen=True)
class CompetitionFolder:
    """Paths of one competition below ``data/NAME``, and the workspace that it belongs to.

    It is a path itself: ``Path(folder)``, ``folder / "train.csv"``.
    """

    root: Path
    workspace: Workspace = field(default_factory=lambda: DEFAULT_WORKSPACE, compare=False, repr=False)

    # Detected properties of the competition.
    manifest = _PathBelow("competition.toml")
    # The user's hints about properties that cannot be detected, and the hash of the manifest at that time.
    hints = _PathBelow("hints.json")
    # What was found out about the layout, and why.
    evidence = _PathBelow("layout.json")
    # The downloaded archive and everything unpacked from it.
    raw = _PathBelow("raw")
    extracted = _PathBelow("raw/extracted")
    # Exists only after the download is complete.
    archive = _PathBelow("raw/{name}.zip")
    # The local folder whose archives were unpacked there.
    packed = _PathBelow("raw/packed.json")
    # SHA-256 of the archive in the format of ``sha256sum -c``.
    digest = _PathBelow("raw/{name}.zip.sha256")
    # Exists while the unpacked files are replaced, and contains the progress of that.
    renewing = _PathBelow("raw/renewing")
    # Kaggle's information on the competition at the time of the download.
    facts = _PathBelow("raw/kaggle.json")
    # Labelled photos: id, path, label, group.
    train = _PathBelow("train.csv")
    # Photos to predict: id, path.
    test = _PathBelow("test.csv")
    # Photos that cannot be decoded: id, path, reason.
    unreadable = _PathBelow("unreadable.csv")
    # Pairs of photos that show the same picture: set and id of both, distance, similarity.
    duplicates = _PathBelow("duplicates.csv")
    # Each file below the folder of the photos: path, use, reason.
    files = _PathBelow("files.csv")
    # Hash of the inputs of the tables.
    stamp = _PathBelow("tables.json")
    # Folds that all members share: id, fold, and for repeats fold_2 and so on.
    folds = _PathBelow("folds.csv")
    # Hidden labels of the test photos, if they are known locally.
    solution = _PathBelow("solution.csv")
    # Sample submission that was generated for a local folder.
    sample = _PathBelow("sample_submission.csv")
    # Caches, which are safe to delete: frozen features, decoded photos by set of photos, and results of surveys.
    features = _PathBelow("cache/features")
    pixels = _PathBelow("cache/pixels")
    survey = _PathBelow("cache/survey")
    # Facts about the photos that `ensembler check` has read, which is safe to delete.
    photo_facts = _PathBelow("cache/photo-facts.npz")
    # Doubts about the data, as `ensembler check` last found them.
    check = _PathBelow("check")
    # The page of `ensembler report`.
    report = _PathBelow("report.html")
    # Output of the processes of jobs.
    logs = _PathBelow("logs")

    def __fspath__(self) -> str:
        return str(self.root)

    def __str__(self) -> str:
        return str(self.root)

    def __truediv__(self, below: PathLike) -> Path:
        return self.root / below

    @property
    def name(self) -> str:
        """Name of the competition."""
        return self.root.name

    @property
    def name_if_not_current(self) -> str:
        """Name of the competition for commands, empty if it is the one that commands use by default."""
        return "" if self.workspace.read_current_name() == self.name else self.name

    @property
    def is_ours(self) -> bool:
        """Whether the hidden labels are known locally. Such a competition is not on Kaggle, whatever its name."""
        return self.solution.is_file()

    @property
    def submissions(self) -> Path:
        """Folder of the competition's submissions."""
        return self.workspace.submissions / self.name

    def lock(self, work: str) -> Path:
        """Return the path of the lock for one kind of work. It is outside of the folder, which may be deleted."""
        return self.root.parent / ".locks" / f"{self.name}.{work}"

    def member_lock(self, name: str) -> Path:
        """Return the path of the lock that training and removal of a member hold."""
        return self.lock(f"member-{name}")

    def speed(self, member: str) -> Path:
        """Return the path of the speed of a member's network, measured at the end of training."""
        return self.member(member) / "speed.json"

    def tensorboard(self, member: str, fold: int) -> Path:
        """Return the folder of a fold's TensorBoard files."""
        return self.logs / "tensorboard" / member / f"fold-{fold}"

    def member(self, name: str) -> Path:
        """Return the folder of a member."""
        return self.root / "members" / name

    def fold(self, member: str, fold: int) -> Path:
        """Return the folder of a member's fold. A negative number stands for the network trained on all photos."""
        return self.member(member) / ("refit" if fold < 0 else f"fold-{fold}")

    def backbone(self, member: str) -> Path:
        """Return the path of the backbone that all folds of a frozen member share."""
        return self.member(member) / "backbone.keras"

    def checkpoint(self, member: str, fold: int) -> Path:
        """Return the path of the checkpoint of a fold's training. It is deleted when the fold is finished."""
        return self.fold(member, fold) / "checkpoint.npz"

    def stack(self, name: str) -> Path:
        """Return the folder of a stack."""
        return self.root / "stacks" / name


class HasFolder(Protocol):
    """Handle of a competition, or another object that has the competition's folder."""

    @property
    def folder(self) -> CompetitionFolder:
        """Paths of the competition."""


# Name or handle of a competition.
CompetitionLike = str | HasFolder


@dataclass(frozen=True)
class Workspace:
    """The two folders that contain all files.

    Examples
    --------
    >>> workspace = ensembler.Workspace("data", "submissions")
    >>> "pets" in workspace.competitions()
    True
    """

    data: Path
    submissions: Path

    def __init__(self, data: PathLike, submissions: PathLike) -> None:
        for name, path in (("data", data), ("submissions", submissions)):
            if not isinstance(path, str | os.PathLike) or not os.fspath(path):
                raise BadChoice(f"{name} of a Workspace must be the path of a folder. Received: {path!r}")
            object.__setattr__(self, name, Path(path))

    @classmethod
    def read(cls, workspace: WorkspaceLike) -> Workspace:
        """Return a workspace, or that of the folders ``data`` and ``submissions`` in the folder of a path.

        Raises
        ------
        BadChoice
            If it is a file, or the folder itself contains competitions, so that it is rather the folder ``data``.
        """
        if isinstance(workspace, Workspace):
            return workspace
        folder = Path(workspace)
        if folder.exists():
            require_folder(folder, "pass the folder that contains data and submissions.")
        if any(folder.glob("*/competition.toml")):
            raise BadChoice(
                f"{folder} contains the competitions themselves: pass the folder above as workspace if it contains "
                "data and submissions, or otherwise an ensembler.Workspace of both folders."
            )
        return cls(folder / "data", folder / "submissions")

    def make_absolute(self) -> Workspace:
        """Return the workspace with paths that stay the same when the process changes its working folder."""
        return Workspace(self.data.absolute(), self.submissions.absolute())

    def require_folders(self) -> None:
        """Check that neither folder is a file.

        Raises
        ------
        BadChoice
            If one is.
        """
        for path, option in ((self.data, "--data"), (self.submissions, "--submissions")):
            if path.exists():
                require_folder(path, f"move it away, or choose another folder with {option}.")

    def competition(self, name: str) -> CompetitionFolder:
        """Return the paths of a competition, which may not exist."""
        self.require_folders()
        return CompetitionFolder((self.data / check_name(name, "competition")).absolute(), self)

    @property
    def marker(self) -> Path:
        """File with the name of the current competition. No competition can have the name of this file."""
        return self.data / ".current"

    @property
    def tracking_lock(self) -> Path:
        """Path of the lock of opening MLflow's store, which all competitions share."""
        return self.data.absolute() / ".locks" / "mlflow"

    def competitions(self) -> list[str]:
        """Return the names of all fetched or adopted competitions."""
        self.require_folders()
        return sorted(path.parent.name for path in self.data.glob("*/competition.toml"))

    def begun(self) -> list[str]:
        """Return the names of competitions whose fetch is incomplete."""
        return sorted(
            path.parent.name for path in self.data.glob("*/raw") if not (path.parent / "competition.toml").exists()
        )

    def current(self, competition: CompetitionLike | None = None) -> CompetitionFolder:
        """Return the paths of a competition.

        Parameters
        ----------
        competition
            Name of a competition in this workspace, or a handle, which has its own workspace. None selects the
            competition that was last fetched or adopted.

        Raises
        ------
        BadChoice
            If the competition does not exist.
        """
        if competition is None:
            self.require_folders()
            if not self.marker.is_file():
                raise BadChoice("No competition has been fetched yet: start with `ensembler fetch SLUG`.")
            competition = self.marker.read_text("utf-8").strip()
        elif not isinstance(competition, str):
            return competition.folder
        if competition not in (known := self.competitions()):
            if competition in self.begun():
                raise BadChoice(
                    f"The fetch of {competition} is incomplete: repeat the call of `ensembler fetch {competition}`, "
                    "which resumes it."
                )
            raise BadChoice.from_unknown_name("competition", competition, known)
        return self.competition(competition)

    def read_current_name(self) -> str | None:
        """Return the name of the current competition. None if there is none, or it was deleted."""
        name = self.marker.read_text("utf-8").strip() if self.marker.is_file() else None
        return name if name in self.competitions() else None

    def make_current(self, folder: CompetitionFolder) -> None:
        """Make a competition the default of later commands."""
        write_text(self.marker, folder.name + "\n")


# A workspace, or the path of a folder that contains its two folders.
WorkspaceLike = Workspace | str | os.PathLike[str]
# Workspace that is used by default.
DEFAULT_WORKSPACE: Workspace = Workspace(Path("data"), Path("submissions"))


def find_in_mirror(path: Path) -> Path:
    """Return the place of a path that was read from a file.

    A job on a machine without a shared folder finds the files of its driver below the folder that
    :data:`MIRROR_VARIABLE` names. Elsewhere, the path is returned unchanged.
    """
    mirror, absolute = os.environ.get(MIRROR_VARIABLE), path.absolute()
    return path if not mirror or absolute.is_relative_to(mirror) else Path(f"{mirror}{absolute}")


def locate_user_cache() -> Path:
    """Return the folder of caches that depend only on this machine. It is safe to delete."""
    if base := os.environ.get("XDG_CACHE_HOME") or os.environ.get("LOCALAPPDATA"):
        return find_in_mirror(Path(base) / "ensembler")
    try:
        return find_in_mirror(Path.home() / ".cache" / "ensembler")
    except RuntimeError:
        # The user of a container may have no home folder.
        return find_in_mirror(Path(tempfile.gettempdir()) / "ensembler")
