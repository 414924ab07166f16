"""Distils a stack into small members, which learn from its members beside the labels."""

from __future__ import annotations

from typing import Unpack

from ..errors import BadChoice
from ..members.stack_record import list_stacks
from ..options.arguments import Names, check_arguments
from ..options.declared import TrainMembersOptions
from ..options.distillation import EXCLUDED_OPTIONS
from ..options.reading import ENGINE, OPTIONS, RUN, read_options, show_options
from ..paths import DEFAULT_WORKSPACE, CompetitionLike, Workspace, WorkspaceLike
from ..progress import SILENT, Progress
from ..tables import Listing
from .results import MemberResult
from .train.train import train_members

# Label of a distilled member that has no other one.
LABEL = "distilled"


@show_options({name: each for name, each in RUN.items() if name not in EXCLUDED_OPTIONS}, ENGINE, OPTIONS)
@check_arguments
def distill(
    into: Names,
    *,
    stack: str | None = None,
    competition: CompetitionLike | None = None,
    workspace: WorkspaceLike = DEFAULT_WORKSPACE,
    progress: Progress = SILENT,
    **options: Unpack[TrainMembersOptions],
) -> Listing[MemberResult]:
    """Train small members that learn from the members of a stack beside the labels.

    The loss follows Hinton, Vinyals & Dean (Distilling the Knowledge in a Neural Network, 2015). Photos to predict are
    learned from too. Each fold is taught by networks that never saw what the fold holds out, so the score is as honest
    as that of other members; docs/distillation.md explains how. The members can be stacked, listed and removed like
    others.

    Parameters
    ----------
    into
        Names of backbones, as for :func:`ensembler.train_members`. ``mobilenetv2-0.35`` trains the member
        ``mobilenetv2-0.35@distilled``; a name with a label, or ``name``, stays as it is.
    stack
        Name of a finished stack. None uses the newest.
    competition
        Name of the competition. None uses the one last fetched or adopted.
    workspace
        Folders of competitions and submissions.
    progress
        Receives progress and events.
    **options
        Options of :func:`ensembler.train_members`, except those of folds, pseudo-labels and a time budget.

    Returns
    -------
    Listing of MemberResult
        Results in the order of ``into``.

    Raises
    ------
    BadChoice, Mismatch
        If there is no such stack, it contains a member that would learn from it, its members were trained again after
        it, or an option is invalid; see :func:`ensembler.train_members`.

    Examples
    --------
    >>> members = ensembler.distill(["demo-dense"], stack="first", competition="pets", weights="none", epochs=2)
    >>> members[0].name
    'demo-dense@distilled'
    """
    read_options(options, known=RUN | ENGINE | OPTIONS, excluded=EXCLUDED_OPTIONS)
    folder = Workspace.read(workspace).current(competition)
    stacks = list_stacks(folder)
    if not stacks:
        raise BadChoice(f"{folder.name} has no finished stack that could teach: make one with `ensembler stack`.")
    taught: TrainMembersOptions = {**options, "teacher": stack or stacks[0]}
    return train_members(
        into if options.get("name") else [name if "@" in name else f"{name}@{LABEL}" for name in into],
        # The workspace of a handle is its own, and not the default of this call.
        competition=folder.name,
        workspace=folder.workspace,
        progress=progress,
        **taught,
    )
