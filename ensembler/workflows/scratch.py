"""Folders for the files that a command exchanges with its jobs."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from ..errors import JobFailed, StorageError
from ..options.declared import EngineOptions
from ..paths import Workspace

# Seconds after which folders of earlier calls are deleted.
_MOST_SECONDS = 7 * 86400.0


def find_shared_folder(options: EngineOptions, workspace: Workspace) -> Path | None:
    """Return a folder that all machines of the engine see. None if the folder of temporary files is one."""
    # Other machines that share the folder of competitions need not share the folder of temporary files.
    return workspace.data.absolute() if options.get("engine") == "ray" else None


@contextlib.contextmanager
def make_scratch_folder(command: str, parent: Path | None) -> Iterator[Path]:
    """Create a folder for the block. It stays if a job failed, because the error names the log in it.

    Parameters
    ----------
    command
        Name of the command, which becomes a part of the folder's name.
    parent
        Folder that contains it. None is the folder of temporary files.
    """
    with contextlib.ExitStack() as stack:
        if parent:
            stack.enter_context(make_output_folder(parent, "--data"))
            _remove_outdated(parent, command)
        prefix = f"ensembler-{command}-" if parent is None else f".{command}-"
        scratch = Path(tempfile.mkdtemp(prefix=prefix, dir=parent))
        stack.callback(shutil.rmtree, scratch, ignore_errors=True)
        try:
            yield scratch
        except JobFailed:
            stack.pop_all()
            raise


@contextlib.contextmanager
def make_output_folder(folder: Path, option: str = "--output") -> Iterator[None]:
    """Create a folder for the block, so that one that cannot be is reported early. It goes if it is empty after.

    Raises
    ------
    StorageError
        If the folder cannot be created. It names the ``option`` that chooses another.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError.from_os(error, folder, option) from error
    try:
        yield
    finally:
        # Another command may use it in the meantime.
        with contextlib.suppress(OSError):
            folder.rmdir()


def _remove_outdated(parent: Path, command: str) -> None:
    """Delete the folders of calls that were killed or whose job failed, after a week."""
    for place in parent.glob(f".{command}-*"):
        # Another call may delete it.
        with contextlib.suppress(FileNotFoundError):
            if time.time() - place.stat().st_mtime > _MOST_SECONDS:
                shutil.rmtree(place, ignore_errors=True)
