"""The exceptions of the package. Each message is one sentence: what is wrong, with which value, and what to do.

EnsemblerError
├── MissingHint            a property of a competition cannot be detected; an option sets it
├── BadData                photos, tables or archives cannot be used
│   ├── UnreadablePhoto
│   │   └── UnknownPixels  a photo has transparency or numbers that [pixels] in competition.toml does not name
│   ├── InvalidSubmission
│   └── DamagedArchive
├── BadChoice              a member, setting or file does not exist or does not fit
├── Mismatch               results belong to other photos, folds, classes or settings
├── StorageError           the disk is full, access is denied, or a name is taken
├── Busy                   another process works on the same files
├── JobFailed              a job's process failed
├── TransferFailed         files of a job could not be sent to or from another machine
└── KaggleError            Kaggle or the network refused a request

Interrupted is not an EnsemblerError. It is a KeyboardInterrupt, because the user requested the end.
"""

from __future__ import annotations

import difflib
import errno
from collections.abc import Iterable, Sequence, Sized

from .callers import address_caller

# Maximum number of known names in an error.
_MAX_KNOWN = 12
_REMEDIES = {
    **dict.fromkeys((errno.ENOSPC, errno.EDQUOT), "free some space or choose another folder with --data"),
    **dict.fromkeys(
        (errno.EACCES, errno.EPERM, errno.EROFS), "change its permissions or choose another folder with --data"
    ),
    **dict.fromkeys(
        (errno.EEXIST, errno.ENOTDIR, errno.EISDIR),
        "move the existing file away, or choose another folder with --data",
    ),
    errno.EFBIG: "choose a folder on a file system for larger files with --data",
}


def format_count(things: Sized, word: str) -> str:
    """Return the number of things in words, such as ``1 photo`` or ``2 photos``."""
    return f"{len(things)} {word}{'' if len(things) == 1 else 's'}"


def format_first(names: Sequence[str], limit: int = 3) -> str:
    """Return the first ``limit`` names in words, and three dots if there are more."""
    return ", ".join([*names[:limit], *(["..."] if len(names) > limit else [])])


class EnsemblerError(Exception):
    """Base class of all errors that the user can correct. The command line prints them as one line.

    Messages are written for the command line. Errors raised from Python name keywords, see :mod:`.callers`.

    Examples
    --------
    >>> try:
    ...     ensembler.open("pest")
    ... except ensembler.EnsemblerError as error:
    ...     print(error)
    There is no competition named 'pest'...
    """

    def __init__(self, text: str) -> None:
        super().__init__(address_caller(text))


class MissingHint(EnsemblerError):
    """A property of a competition cannot be detected and must not be guessed."""


class BadData(EnsemblerError):
    """Photos, tables or archives cannot be used in their present state."""


class UnreadablePhoto(BadData):
    """A photo cannot be decoded."""


class UnknownPixels(UnreadablePhoto):
    """A photo has transparency, or more than 8 bits, and the competition's rule does not say what becomes of it."""


class InvalidSubmission(BadData):
    """A submission that Kaggle would reject or score wrongly.

    Attributes
    ----------
    headline
        Problem and remedy in one phrase.
    problems
        All problems, each with its first occurrence or an empty text.
    """

    def __init__(self, headline: str, problems: Sequence[tuple[str, str]]) -> None:
        self.headline = address_caller(headline)
        self.problems = tuple(problems)
        details = "; ".join(f"{what}, the first is {first}" if first else what for what, first in self.problems)
        super().__init__(f"{headline}: {details}.")


class DamagedArchive(BadData):
    """An archive is incomplete, or its checksums are wrong."""


class BadChoice(EnsemblerError):
    """A member, setting or file does not exist or does not fit. The command line exits with 2 instead of 1."""

    @classmethod
    def from_unknown_name(cls, kind: str, name: str, known: Iterable[str], listing: str = "") -> BadChoice:
        """Create the error of an unknown name, which suggests the nearest known names."""
        known = sorted(known)
        near = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
        if near:
            hint = f"did you mean {' or '.join(near)}?"
        elif listing:
            hint = listing
        elif known:
            # The nearest first, however far, because it may be the meant one.
            ordered = sorted(known, key=lambda one: difflib.SequenceMatcher(None, name, one).ratio(), reverse=True)
            more = f", and {len(known) - _MAX_KNOWN} more" if len(known) > _MAX_KNOWN else ""
            hint = f"known are {', '.join(ordered[:_MAX_KNOWN])}{more}."
        else:
            hint = "there is none yet."
        return cls(f"There is no {kind} named {name!r}: {hint}")


class Mismatch(EnsemblerError):
    """Stored results belong to other photos, folds, classes or settings than the requested ones."""


class StorageError(EnsemblerError):
    """The disk is full, access is denied, or another file is in the way."""

    @staticmethod
    def is_refusal(error: OSError) -> bool:
        """Return whether an error came from the disk, not from a bug or the network."""
        return error.errno in _REMEDIES

    @classmethod
    def from_os(cls, error: OSError, path: object = None, option: str = "--data") -> StorageError:
        """Create the error of an operating system's error.

        Parameters
        ----------
        path
            File or folder to name. None names that of ``error``.
        option
            Option or environment variable that chooses another folder.
        """
        where = path or error.filename or "a file"
        remedy = _REMEDIES.get(error.errno or 0, "check the file, then try again").replace("--data", option)
        return cls(f"Cannot write or read {where}: {error.strerror or error}; {remedy}.")


class Busy(EnsemblerError):
    """Another process works on the same files."""


class JobFailed(EnsemblerError):
    """A job's process ended without a result."""


class TransferFailed(EnsemblerError):
    """Files of a job could not be sent to another machine, or brought back."""


class Interrupted(KeyboardInterrupt):
    """The user stopped the work, which has saved its state.

    Parameters
    ----------
    *places
        Position of each job, such as ``in epoch 3 of 5 of b0, fold 2``.
    """

    def __init__(self, *places: str) -> None:
        self.places = places
        super().__init__(" ".join(["Interrupted", *filter(None, [", and ".join(places)])]))

    def __str__(self) -> str:
        return f"{self.args[0]}; run the same command again to resume."


class KaggleError(EnsemblerError):
    """Kaggle or the network refused a request."""
