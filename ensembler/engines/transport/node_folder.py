"""The folder on a node for the files of jobs: contents that all jobs share, and a mirror for each running job."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import socket
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from ...callers import address_caller
from ...errors import Busy, StorageError
from ...lock_waiting import wait_for_lock
from ...locks import hold_lock
from ...progress import Progress
from .contents import ContentStore

# Seconds after which folders that no job opens are deleted.
_MOST_SECONDS = 7 * 86400.0
# End of errors of the disk on the driver, where an option chooses the folder.
_DATA_REMEDY = "with --data."


def locate_node_folder() -> Path:
    """Return the folder: ``ENSEMBLER_NODE_FOLDER``, or one of this user for temporary files."""
    chosen = os.environ.get("ENSEMBLER_NODE_FOLDER")
    return Path(chosen).absolute() if chosen else Path(tempfile.gettempdir()) / f"ensembler-node-{_read_user()}"


def describe_on_machine(text: str) -> str:
    """Return the message of an error of this machine's disk for the driver, with the remedy that helps here."""
    remedy = address_caller(_DATA_REMEDY)
    if text.endswith(remedy):
        text = text.removesuffix(remedy) + "with the environment variable ENSEMBLER_NODE_FOLDER there."
    return f"On the machine {socket.gethostname()}: {text}"


def _read_user() -> int:
    return os.getuid() if hasattr(os, "getuid") else 0


class NodeFolder:
    """The folder on a node.

    Raises
    ------
    StorageError
        If it cannot be written, or belongs to another user.
    """

    def __init__(self, root: Path | None = None) -> None:
        self.root = root or locate_node_folder()
        self._mirrors = self.root / "mirrors"
        self._shared = self.root / "shared"
        self.store = ContentStore(self.root / "contents")
        try:
            # Other users of the machine must not read photos, nor put files into a folder with a known name.
            self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
            if self.root.stat().st_uid != _read_user():
                raise StorageError(
                    f"{self.root} belongs to another user: set ENSEMBLER_NODE_FOLDER there to another folder."
                )
            for folder in (self._mirrors, self._shared, self.store.folder):
                folder.mkdir(exist_ok=True)
        except OSError as error:
            raise StorageError.from_os(error) from error

    @contextlib.contextmanager
    def hold_mirror(self, progress: Progress) -> Iterator[Path]:
        """Provide an empty folder for one job, which is deleted afterwards.

        Folders of processes that were killed are deleted too.
        """
        with contextlib.ExitStack() as stack:
            # Others do not take a folder for abandoned before it is locked.
            with self._wait_for_lock("mirrors", progress):
                self._remove_abandoned()
                place = Path(tempfile.mkdtemp(prefix="job-", dir=self._mirrors))
                stack.callback(shutil.rmtree, place, ignore_errors=True)
                stack.enter_context(hold_lock(place / "lock", "the mirror of a job"))
            files = place / "files"
            files.mkdir()
            yield files

    def open_shared(self, origin: str, path: str) -> Path:
        """Return the folder that stands for a driver's folder in all mirrors on this node.

        Folders that no job has opened for a week are deleted.
        """
        for place in self._shared.iterdir():
            if time.time() - place.stat().st_mtime > _MOST_SECONDS:
                shutil.rmtree(place, ignore_errors=True)
        place = self._shared / hashlib.sha256(f"{origin}{path}".encode("utf-8", "surrogateescape")).hexdigest()[:16]
        (place / "files").mkdir(parents=True, exist_ok=True)
        os.utime(place)
        return place / "files"

    def hold_transfer(self, progress: Progress) -> contextlib.AbstractContextManager[None]:
        """Wait until no other job of this node fetches files, so that each content is fetched once."""
        return self._wait_for_lock("transfer", progress)

    def _wait_for_lock(self, name: str, progress: Progress) -> contextlib.AbstractContextManager[None]:
        return wait_for_lock(self.root / f"{name}.lock", f"the folder {self.root}", progress)

    def _remove_abandoned(self) -> None:
        for place in self._mirrors.glob("job-*"):
            with contextlib.suppress(Busy), hold_lock(place / "lock", "the mirror of a job"):
                shutil.rmtree(place, ignore_errors=True)
