"""Bring a competition in, or open one, and return its handle."""

from __future__ import annotations

from ..competition.layout.hints import NO_HINTS, Hints
from ..options.arguments import Seconds, check_arguments
from ..options.kinds import Seed
from ..paths import DEFAULT_WORKSPACE, CompetitionLike, PathLike, Workspace, WorkspaceLike
from ..progress import Progress
from ..submission.kaggle.competitions import parse_slug
from ..submission.kaggle.retry_policy import DEFAULT_RETRIES
from ..workflows.fetch.adopt import TestSize, name_after_folder
from ..workflows.fetch.adopt import adopt as adopt_photos
from ..workflows.fetch.fetch import UnpackLimit
from ..workflows.fetch.fetch import fetch as fetch_archive
from .competition import Competition


@check_arguments
def open(  # noqa: A001 - `ensembler.open` reads as `gzip.open` does
    competition: CompetitionLike | None = None,
    *,
    workspace: WorkspaceLike = DEFAULT_WORKSPACE,
    progress: Progress | None = None,
) -> Competition:
    """Return the handle of a competition that was fetched or adopted before.

    Parameters
    ----------
    competition
        Name of the competition. None opens the one last fetched or adopted.
    workspace
        Folders of competitions and submissions, or the folder that contains ``data`` and ``submissions``.
    progress
        Receives progress and events. None shows them as the command line does, and in a notebook below the cell.

    Raises
    ------
    BadChoice
        If there is no such competition.

    Examples
    --------
    >>> competition = ensembler.open("pets")
    >>> competition.name, competition.task
    ('pets', 'binary')
    """
    return Competition(Workspace.read(workspace).current(competition), progress)


@check_arguments
def fetch(
    competition: str,
    *,
    archive: PathLike | None = None,
    hints: Hints = NO_HINTS,
    force: bool = False,
    unpack_limit: UnpackLimit | None = None,
    timeout: Seconds = DEFAULT_RETRIES.read_timeout,
    workspace: WorkspaceLike = DEFAULT_WORKSPACE,
    progress: Progress | None = None,
) -> Competition:
    """Fetch a competition from Kaggle or from a zip: unpack it, detect its layout, and scan its photos.

    An interrupted call can be repeated and resumes. A second call does only what is missing, and keeps a manifest that
    the user has edited.

    Parameters
    ----------
    competition
        Slug or address on Kaggle.
    archive
        Zip that was downloaded already. Kaggle is then not contacted.
    hints
        Answers to what cannot be found out. With any, the layout is found out again.
    force
        Download, unpack and find out everything again.
    unpack_limit
        Largest size to unpack in GB. 0 unpacks any size. None allows 50 GB, or ten times the archive if that is more.
    timeout
        Seconds without a reply after which a request to Kaggle is repeated.
    workspace
        Folders of competitions and submissions, or the folder that contains ``data`` and ``submissions``.
    progress
        Receives progress and events. None shows them as the command line does, and in a notebook below the cell.

    Raises
    ------
    Busy
        If another process is fetching the same competition.
    KaggleError
        If Kaggle or the network refuses.
    MissingHint, BadChoice, BadData, StorageError
        If the layout cannot be found out, a hint does not fit, the data are unusable, or the disk refuses.

    Examples
    --------
    >>> competition = ensembler.fetch("dogs-vs-cats-redux-kernels-edition")
    >>> competition.photos.training, competition.metric
    (12, 'log loss')

    A zip that the browser downloaded:

    >>> competition = ensembler.fetch("dogs-vs-cats-redux-kernels-edition", archive="redux.zip")
    >>> competition.classes
    ('cat', 'dog')
    """
    handle = Competition(Workspace.read(workspace).competition(parse_slug(competition)), progress)
    with handle.progress as shown:
        fetch_archive(
            competition,
            archive=archive,
            hints=hints,
            force=force,
            unpack_limit=unpack_limit,
            timeout=timeout,
            workspace=handle.workspace,
            progress=shown,
        )
    return handle


@check_arguments
def adopt(
    photos: PathLike,
    name: str | None = None,
    *,
    test_size: TestSize = 0.2,
    seed: Seed = 0,
    hints: Hints = NO_HINTS,
    force: bool = False,
    unpack_limit: float | None = None,
    workspace: WorkspaceLike = DEFAULT_WORKSPACE,
    progress: Progress | None = None,
) -> Competition:
    """Make a competition of a local folder. Its photos stay where they are.

    Archives inside are unpacked into the competition's own folder, beside links to the other files.

    A folder with a sample submission is taken as it is. Otherwise the photos of a ``test`` folder are to be predicted.
    If there is none, a share of the labelled photos is held out, and their labels are hidden in ``solution.csv``.

    Parameters
    ----------
    photos
        Folder with a subfolder for each class, or with photos and a CSV of labels. With ``Hints(task="orientation")``,
        any folder of upright photos: the classes are the rotations 0, 90, 180 and 270 degrees counter-clockwise.
    name
        Name of the competition. None uses that of the folder, for an orientation task with ``-orientation`` after it.
    test_size
        Share of the labelled photos to hold out, between 0 and 1.
    seed
        Seed of the choice of these photos.
    hints
        Answers to what cannot be found out.
    force
        Replace a competition of the same name.
    unpack_limit
        Limit of the unpacked size of archives in the folder, in GB. 0 removes it. None is 50 GB, or ten times the
        archives if that is more.
    workspace
        Folders of competitions and submissions, or the folder that contains ``data`` and ``submissions``.
    progress
        Receives progress and events. None shows them as the command line does, and in a notebook below the cell.

    Raises
    ------
    MissingHint, BadChoice, BadData, StorageError
        For the same reasons as :func:`fetch`.

    Examples
    --------
    >>> competition = ensembler.adopt("photos", "pets")
    >>> competition.classes
    ('cats', 'dogs')
    """
    name = name or name_after_folder(photos, hints)
    handle = Competition(Workspace.read(workspace).competition(name), progress)
    with handle.progress as shown:
        adopt_photos(
            photos,
            name,
            test_size=test_size,
            seed=seed,
            hints=hints,
            force=force,
            unpack_limit=unpack_limit,
            workspace=handle.workspace,
            progress=shown,
        )
    return handle
