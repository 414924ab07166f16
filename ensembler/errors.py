"""The tree of our errors: each is one sentence that says what is wrong, with what, and what to do next.

EnsemblerError
├── MissingHint            something that cannot be found out; an option answers it
├── BadData                photos, tables or archives that cannot be used
│   ├── UnreadablePhoto
│   ├── InvalidSubmission
│   └── DamagedArchive
├── BadChoice              a member, setting or file that does not exist or does not fit
├── Mismatch               results that belong to other samples, folds, classes or settings
├── StorageError           no space, no permission, a name already taken
├── Busy                   another process is at work on the same files
├── JobFailed              a job's process ended badly
└── KaggleError            what Kaggle, or the way to it, answered

Interrupted is no child of it: somebody asked for the end, so it is a KeyboardInterrupt, which nothing mends on the way.
"""

from __future__ import annotations

import contextlib
import difflib
import errno
import os
from collections.abc import Iterable, Iterator, Sequence, Sized

# Where an option of the command line is not the argument's name in Python.
_OPTION_NAMES = {"phases": "phase", "backbones": "backbone", "workspace": "data"}
_CHANGE_PERMISSIONS = "change its permissions or choose another folder with {workspace}"
_MOVE_AWAY = "move away what lies there, or choose another folder with {workspace}"
_REMEDIES = {
    errno.ENOSPC: "free some space or choose another folder with {workspace}",
    errno.EDQUOT: "free some space or choose another folder with {workspace}",
    errno.EACCES: _CHANGE_PERMISSIONS,
    errno.EPERM: _CHANGE_PERMISSIONS,
    errno.EROFS: _CHANGE_PERMISSIONS,
    errno.EEXIST: _MOVE_AWAY,
    errno.ENOTDIR: _MOVE_AWAY,
    errno.EISDIR: _MOVE_AWAY,
    errno.EFBIG: "choose a folder on a file system for larger files with {workspace}",
}
# Job processes inherit it.
_CALLER_VARIABLE = "ENSEMBLER_CALLER"


@contextlib.contextmanager
def address_command_line() -> Iterator[None]:
    """Have messages of this process and its jobs name arguments as on the command line, not as in Python."""
    os.environ[_CALLER_VARIABLE] = "command line"
    try:
        yield
    finally:
        os.environ.pop(_CALLER_VARIABLE, None)


def spell(name: str, value: object = None, *, on_command_line: bool | None = None) -> str:
    """Write an argument as the caller does.

    Parameters
    ----------
    name
        Name in Python.
    value
        Its value; None names the argument alone.
    on_command_line
        Whether the caller is a person at the command line; None is what :func:`address_command_line` said.

    Returns
    -------
    str
        As ``learning_rate``, ``weights='none'`` and ``flips=False``; on the command line ``--learning-rate``,
        ``--weights none`` and ``--no-flips``.
    """
    if on_command_line is None:
        on_command_line = _CALLER_VARIABLE in os.environ
    if not on_command_line:
        return name if value is None else f"{name}={value!r}"
    option = _OPTION_NAMES.get(name, name).replace("_", "-")
    if isinstance(value, bool):
        return f"--{option}" if value else f"--no-{option}"
    return f"--{option}" if value is None else f"--{option} {value}"


def spell_call(command: str, **arguments: object) -> str:
    """Write a call as the caller does: ``ensembler.folds(folds=5)``, or ``ensembler folds --folds 5``."""
    words = [spell(name, value) for name, value in arguments.items()]
    if _CALLER_VARIABLE in os.environ:
        return f"`{' '.join(['ensembler', command.replace('_', '-'), *words])}`"
    return f"`ensembler.{command}({', '.join(words)})`"


def format_count(things: Sized, word: str) -> str:
    """``1 photo``, ``2 photos``."""
    return f"{len(things)} {word}{'' if len(things) == 1 else 's'}"


class EnsemblerError(Exception):
    """Base of all errors that a person can mend; printed as one line, exit code 1."""


class MissingHint(EnsemblerError):
    """Something about a competition cannot be found out and must not be guessed."""


class BadData(EnsemblerError):
    """Photos, tables or archives that cannot be used as they are."""


class UnreadablePhoto(BadData):
    """A file that should be a photo cannot be decoded."""


class InvalidSubmission(BadData):
    """A CSV that Kaggle would refuse or score badly.

    ``headline`` says what to do; ``problems`` are all that is wrong: what, and where it is seen first or nothing.
    """

    def __init__(self, headline: str, problems: Sequence[tuple[str, str]]) -> None:
        self.headline = headline
        self.problems = tuple(problems)
        details = "; ".join(f"{what}, the first is {first}" if first else what for what, first in self.problems)
        super().__init__(f"{headline}: {details}.")


class DamagedArchive(BadData):
    """An archive cannot be read to its end, or its checksums do not agree."""


class BadChoice(EnsemblerError):
    """A member, setting or file was named that does not exist or does not fit."""

    @classmethod
    def from_unknown_name(cls, kind: str, name: str, known: Iterable[str], listing: str = "") -> BadChoice:
        """Say that ``name`` is not a known ``kind`` and suggest the nearest that is."""
        known = sorted(known)
        near = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
        if near:
            hint = f"did you mean {' or '.join(near)}?"
        elif listing:
            hint = listing
        else:
            hint = f"known are {', '.join(known[:12]) or 'none yet'}."
        return cls(f"There is no {kind} named {name!r}: {hint}")


class Mismatch(EnsemblerError):
    """Results on disk belong to other samples, folds, classes or settings than those asked for."""


class StorageError(EnsemblerError):
    """The disk refuses: no space, no permission, or something else lies there."""

    @staticmethod
    def is_refusal(error: OSError) -> bool:
        """Whether the disk refused, as opposed to a bug of ours or a refusal by the network."""
        return error.errno in _REMEDIES

    @classmethod
    def from_os(cls, error: OSError) -> StorageError:
        """Turn the operating system's refusal into a sentence that names the file."""
        where = error.filename or "a file"
        remedy = _REMEDIES.get(error.errno or 0, "look at what lies there, then try again")
        remedy = remedy.format(workspace=spell("workspace"))
        return cls(f"Cannot write or read {where}: {error.strerror or error}; {remedy}.")


class Busy(EnsemblerError):
    """Another process is at work on the same files."""


class JobFailed(EnsemblerError):
    """A job's process ended without its result."""


class Interrupted(KeyboardInterrupt):
    """The work was asked to end and has saved what it had.

    Parameters
    ----------
    *places
        Where each job was, such as ``in epoch 3 of 5 of b0, fold 2``.
    """

    def __init__(self, *places: str) -> None:
        self.places = places
        super().__init__(" ".join(["Interrupted", *filter(None, [", and ".join(places)])]))

    def __str__(self) -> str:
        return f"{self.args[0]}; the same command goes on from here."


class KaggleError(EnsemblerError):
    """Kaggle, or the network on the way to it, refused."""
