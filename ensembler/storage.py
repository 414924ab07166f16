"""Where things lie, and writing them so that a file is there whole or not at all."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import shutil
import socket
import tempfile
import tomllib
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import tomli_w

from .errors import BadChoice, BadData, StorageError

# Names of what is being written tell by whom: the machine and the process.
_UNFINISHED = re.compile(r"\.writing-(?P<host>[0-9a-f]{8})-(?P<process>[0-9]+)-.*")
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]*")


def checked_name(name: str, kind: str) -> str:
    """Return ``name`` if it can be a folder's name.

    Raises
    ------
    BadChoice
        If it is empty or has characters that do not belong into a file name.
    """
    if not NAME.fullmatch(name):
        raise BadChoice(f"{name!r} cannot name a {kind}: use letters, digits, '.', '_' and '-'.")
    return name


@dataclass(frozen=True)
class CompetitionFolder:
    """Paths of one competition below ``data/NAME``."""

    root: Path

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
    def speeds(self) -> Path:
        """How fast members are on this machine, measured once; safe to delete."""
        return self.root / "cache" / "speeds"

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

    def board(self, member: str, fold: int) -> Path:
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


@dataclass(frozen=True)
class Workspace:
    """The two folders that everything lies in."""

    data: Path
    submissions: Path

    def competition(self, name: str) -> CompetitionFolder:
        """Paths of the competition ``name``, whether or not it is there."""
        return CompetitionFolder((self.data / checked_name(name, "competition")).absolute())

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

    def current(self, name: str | None = None) -> CompetitionFolder:
        """Paths of the competition ``name``, or of the one last fetched or adopted.

        Raises
        ------
        BadChoice
            If there is no such competition.
        """
        if name is None:
            marker = self.marker
            if not marker.is_file():
                raise BadChoice("No competition has been fetched yet: begin with `ensembler fetch SLUG`.")
            name = marker.read_text("utf-8").strip()
        if name not in (known := self.competitions()):
            raise BadChoice.unknown("competition", name, known)
        return self.competition(name)

    def make_current(self, folder: CompetitionFolder) -> None:
        """Remember ``folder`` as the competition that later commands mean."""
        write_text(self.marker, folder.name + "\n")


# Where everything lies unless somebody says otherwise.
HERE = Workspace(Path("data"), Path("submissions"))


def user_cache() -> Path:
    """Folder of what is true of this machine whatever the competition; safe to delete."""
    if base := os.environ.get("XDG_CACHE_HOME") or os.environ.get("LOCALAPPDATA"):
        return Path(base) / "ensembler"
    try:
        return Path.home() / ".cache" / "ensembler"
    except RuntimeError:
        # A container's user may have no home.
        return Path(tempfile.gettempdir()) / "ensembler"


@contextlib.contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Give a temporary path beside ``path`` that takes its place once the block has ended well.

    Raises
    ------
    StorageError
        If the disk refuses; nothing is left behind then.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=_unfinished(), dir=path.parent) as folder:
            # Same name, so that writers that look at the suffix (Keras, NumPy) see the real one.
            temporary = Path(folder) / path.name
            yield temporary
            sync(temporary)
            temporary.replace(path)
            sync(path.parent)
    except OSError as error:
        raise StorageError.from_os(error) from error


def sync(path: Path) -> None:
    """Have the disk hold what was written to ``path``, a file or a folder."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextlib.contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """Give a temporary folder that takes the place of ``path`` once the block has ended well."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        aside = Path(tempfile.mkdtemp(prefix=_unfinished(), dir=path.parent))
        (aside / "new").mkdir()
    except OSError as error:
        raise StorageError.from_os(error) from error
    try:
        yield aside / "new"
        if path.exists():
            path.replace(aside / "old")
        (aside / "new").replace(path)
    except OSError as error:
        raise StorageError.from_os(error) from error
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _unfinished() -> str:
    """Begin the name of what this process writes."""
    return f".writing-{_host()}-{os.getpid()}-"


def _host() -> str:
    return hashlib.sha256(socket.gethostname().encode("utf-8")).hexdigest()[:8]


def sweep(folder: Path, *, everybody: bool = False) -> None:
    """Remove what killed processes left half-written in ``folder``.

    Parameters
    ----------
    folder : Path
        Where to look; not below it.
    everybody : bool
        Remove also what other machines, or processes that live, are writing: where nobody but us may write.
    """
    for path in folder.glob(".writing-*"):
        name = _UNFINISHED.fullmatch(path.name)
        if everybody or (name and name["host"] == _host() and _is_gone(int(name["process"]))):
            shutil.rmtree(path, ignore_errors=True)


def _is_gone(process: int) -> bool:
    if os.name != "posix":
        # Signal 0 is not a question there.
        return False
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return True
    except OSError:
        # Somebody else's, but there.
        return False
    return False


def write_bytes(path: Path, content: bytes) -> None:
    """Write ``content`` whole or not at all."""
    with whole_file(path) as temporary:
        temporary.write_bytes(content)


def remove(path: Path) -> None:
    """Delete a file if it is there."""
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise StorageError.from_os(error) from error


def remove_folder(path: Path) -> int:
    """Delete a folder whole or not at all, if it is there; return how many bytes its files had.

    It is gone at once as far as anybody looks; :func:`sweep` finishes what a kill cuts off.
    """
    if not path.exists():
        return 0
    try:
        held = folder_bytes(path)
        with tempfile.TemporaryDirectory(prefix=_unfinished(), dir=path.parent) as aside:
            path.replace(Path(aside) / path.name)
    except OSError as error:
        raise StorageError.from_os(error) from error
    return held


def folder_bytes(folder: Path) -> int:
    """Return how many bytes the files in ``folder`` have, at any depth; one that is just written may be missed."""
    held = 0
    # What vanishes on the way, as what is being written does, is no error of the walk's.
    for place, _, files in os.walk(folder):
        for name in files:
            with contextlib.suppress(FileNotFoundError):
                held += (Path(place) / name).lstat().st_size
    return held


def write_text(path: Path, content: str) -> None:
    """Write ``content`` as UTF-8, whole or not at all."""
    write_bytes(path, content.encode("utf-8"))


def write_json(path: Path, content: Any) -> None:
    """Write ``content`` as indented JSON."""
    write_text(path, json.dumps(content, indent=2, ensure_ascii=False) + "\n")


def keep_json(path: Path, content: Any) -> None:
    """Write ``content`` as :func:`write_json` does, unless the file holds it already."""
    try:
        there = read_json(path)
    except BadData:
        there = None
    if there != content:
        write_json(path, content)


def read_json(path: Path) -> Any:
    """Read JSON that we wrote.

    Raises
    ------
    BadData
        If the file is missing or is not JSON.
    """
    try:
        return json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise BadData(f"Cannot read {path} ({error}): delete it and run the command that made it again.") from error


def toml_text(header: str, content: dict[str, Any]) -> str:
    """Give ``content`` as TOML under comment lines."""
    comments = "".join(f"# {line}".rstrip() + "\n" for line in header.splitlines())
    return comments + "\n" + tomli_w.dumps(content, multiline_strings=False)


def read_toml(path: Path) -> dict[str, Any]:
    """Read TOML that a person may have edited.

    Raises
    ------
    BadData
        If the file is missing or is not TOML.
    """
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise BadData(f"Cannot read {path}: {error}; mend it, or delete it and fetch again.") from error


def write_arrays(path: Path, **arrays: np.ndarray[Any, Any]) -> None:
    """Write arrays as ``.npz``; arrays of objects, which only a pickle could hold, are refused."""
    if objects := [name for name, array in arrays.items() if array.dtype.hasobject]:
        raise TypeError(f"Arrays of objects cannot be stored. Received: {objects}")
    with whole_file(path) as temporary:
        np.savez(temporary, **cast("dict[str, Any]", arrays))


def read_arrays(path: Path) -> dict[str, np.ndarray[Any, Any]]:
    """Read all arrays of an ``.npz`` file that holds no pickles.

    Raises
    ------
    BadData
        If the file is missing or damaged.
    """
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except Exception as error:
        raise BadData(f"Cannot read {path} ({error}): delete its folder and run again.") from error


def fingerprint(content: Any) -> str:
    """Hash anything that JSON can hold, independent of the order of keys."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode("utf-8")).hexdigest()[:16]


def file_digest(path: Path, on_bytes: Callable[[int], None] | None = None) -> str:
    """SHA-256 of a file's bytes, in hexadecimal; ``on_bytes`` hears how many were read."""
    digest = hashlib.sha256()
    try:
        with path.open("rb") as stream:
            while block := stream.read(1 << 20):
                digest.update(block)
                if on_bytes:
                    on_bytes(len(block))
    except OSError as error:
        raise StorageError.from_os(error) from error
    return digest.hexdigest()


def is_whole_zip(path: Path) -> bool:
    """Whether a file is a zip archive that agrees with the checksums in it."""
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.testzip() is None
    except (OSError, zipfile.BadZipFile):
        return False


def text_digest(content: str) -> str:
    """Return what :func:`file_digest` gives for a file that :func:`write_text` wrote."""
    return hashlib.sha256(content.encode("utf-8")).hexdigest()


def require_space(folder: Path, needed: int, purpose: str) -> None:
    """Make sure that ``needed`` bytes are free where ``folder`` is or will be.

    Raises
    ------
    StorageError
        If they are not.
    """
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    free = shutil.disk_usage(existing).free
    if needed > free:
        raise StorageError(
            f"{purpose} needs {needed / 1e9:.2f} GB in {folder}, but only {free / 1e9:.2f} GB are free: "
            "free some space or choose another folder with --data."
        )
