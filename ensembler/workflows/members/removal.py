"""Removal of members, and of features that only they used."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ...backbones.names import resolve_member
from ...errors import BadChoice, BadData
from ...locks import hold_lock
from ...members.features.files import find_unused_features
from ...members.records import MemberRecord, list_trained_members
from ...members.stack_record import list_stacks, load_stack_record
from ...options.arguments import Names, check_arguments
from ...paths import DEFAULT_WORKSPACE, CompetitionFolder, CompetitionLike, Workspace, WorkspaceLike
from ...progress import SILENT, Progress
from ...storage import remove_file, remove_folder
from ...tables import Shown, Table


@dataclass(frozen=True, repr=False)
class RemovedMembers(Shown):
    """Removed members and files.

    Attributes
    ----------
    members
        Names of the removed members.
    stacks
        Finished stacks that contain them. Stacks are kept.
    features
        Removed files of frozen features, which no other member uses.
    freed_bytes
        Freed disk space.
    """

    members: tuple[str, ...]
    stacks: tuple[str, ...]
    features: tuple[str, ...]
    freed_bytes: int

    def build_table(self) -> Table:
        """Return a sentence about the removed files."""
        features = f" and {len(self.features)} file(s) of frozen features" if self.features else ""
        sentence = f"Removed {', '.join(self.members)}{features}, which frees {self.freed_bytes / 1e6:.1f} MB."
        return Table(notes=[sentence])


@check_arguments
def remove_members(
    members: Names,
    *,
    competition: CompetitionLike | None = None,
    force: bool = False,
    workspace: WorkspaceLike = DEFAULT_WORKSPACE,
    progress: Progress = SILENT,
) -> RemovedMembers:
    """Remove members with their networks and predictions, and frozen features that no other member uses.

    Parameters
    ----------
    members
        Names of the members.
    competition
        Name of the competition. None selects the one last fetched or adopted.
    force
        Whether to remove members that a finished stack contains. The stack is kept, because it has its own copies.

    Raises
    ------
    BadChoice
        If a member does not exist, or a finished stack contains it and ``force`` is not set.
    Busy
        If another process uses one of them. Then none is removed.
    StorageError
        If a file cannot be deleted.

    Examples
    --------
    >>> _ = ensembler.train_members(["demo-dense@old"], competition="pets", weights="none", epochs=1)
    >>> ensembler.remove_members(["demo-dense@old"], competition="pets").members
    ('demo-dense@old',)
    """
    del progress  # Removal is fast.
    folder = Workspace.read(workspace).current(competition)
    names = _resolve_members(folder, members)
    uses = find_stack_uses(folder, names)
    if uses and not force:
        raise BadChoice(f"{describe_stack_uses(uses)}: remove them anyway with --force. Stacks have their own copies.")
    with contextlib.ExitStack() as locks:
        for name in sorted(names):
            locks.enter_context(hold_lock(folder.member_lock(name), f"The member {name}"))
        features = _find_unused_features(folder, names)
        freed = sum(remove_folder(folder.member(name)) for name in names)
        for path in features:
            freed += _remove_path(path)
    return RemovedMembers(tuple(names), tuple(uses), tuple(path.name for path in features), freed)


def _remove_path(path: Path) -> int:
    if path.is_dir():
        return remove_folder(path)
    size = path.stat().st_size
    remove_file(path)
    return size


def find_stack_uses(folder: CompetitionFolder, names: Sequence[str]) -> dict[str, list[str]]:
    """Return which of these members each finished stack contains. Stacks without them are left out.

    Raises
    ------
    BadChoice
        If a member does not exist.
    """
    if not names:
        raise BadChoice("No members are given: name at least one.")
    names = _resolve_members(folder, names)
    uses = {}
    for stack in sorted(list_stacks(folder)):
        used = [member.name for member in load_stack_record(folder, stack).members if member.name in names]
        if used:
            uses[stack] = used
    return uses


def _resolve_members(folder: CompetitionFolder, names: Sequence[str]) -> list[str]:
    trained = list_trained_members(folder)
    resolved = list(dict.fromkeys(resolve_member(name, trained) for name in names))
    if unknown := [name for name in resolved if name not in trained]:
        raise BadChoice.from_unknown_name("trained member", unknown[0], trained)
    return resolved


def describe_stack_uses(uses: Mapping[str, Sequence[str]]) -> str:
    """Describe which finished stacks contain which members."""
    return "; ".join(f"Stack {stack} contains {', '.join(used)}" for stack, used in uses.items())


def _find_unused_features(folder: CompetitionFolder, names: Sequence[str]) -> list[Path]:
    try:
        records = [MemberRecord.load(folder, name) for name in list_trained_members(folder)]
    except BadData:
        # A member with unreadable settings may use any of them.
        return []
    removed = [record for record in records if record.name in names]
    return find_unused_features(folder, removed, [record for record in records if record.name not in names])
