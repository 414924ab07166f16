"""What is exported: a stack, or a member as it is in a stack."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..backbones.names import make_layer_name
from ..competition.manifest import Manifest
from ..errors import BadChoice, Mismatch
from ..members.predictions import require_refit
from ..members.records import MemberRecord, list_network_files, list_trained_members
from ..paths import CompetitionFolder
from ..serialization import compute_fingerprint
from ..stacking.card import StackCard, StackedMember, make_stack_card, read_card
from ..storage import compute_file_digest


@dataclass(frozen=True)
class Source:
    """A network that is exported.

    Attributes
    ----------
    card
        Description of the network.
    digest
        SHA-256 or fingerprint of its content.
    megabytes
        Size of its Keras files.
    spec
        Options of the job that load it.
    """

    card: StackCard
    digest: str
    megabytes: float
    spec: dict[str, Any]


def find_stack_source(folder: CompetitionFolder, stack: str) -> Source:
    """Return a finished stack as the source of an export."""
    file = folder.stack(stack) / "stack.keras"
    return Source(read_card(file), compute_file_digest(file), _count_megabytes([file]), {"stack": str(file)})


def find_member_source(folder: CompetitionFolder, manifest: Manifest, member: str, *, refit: bool) -> Source:
    """Return a finished member, the mean over its folds and views, as the source of an export.

    Parameters
    ----------
    refit
        Whether to use the network that learned from all photos instead.

    Raises
    ------
    BadChoice
        If there is no such member.
    Mismatch
        If it is unfinished, or has other classes than the competition.
    """
    known = list_trained_members(folder)
    if member not in known:
        raise BadChoice.from_unknown_name("member", member, known)
    record = MemberRecord.load(folder, member)
    if record.classes != manifest.outputs:
        raise Mismatch(f"{member} was trained with other classes: train it again with --restart.")
    if missing := record.list_unfinished_folds(folder):
        raise Mismatch(
            f"{len(missing)} of {record.folds_count} folds of {member} are not trained: repeat its call of "
            "`ensembler train-members`, which resumes it."
        )
    if refit:
        require_refit(folder, record)
    files = list_network_files(folder, record, refit=refit)
    stacked = StackedMember(member, make_layer_name(member), record.settings.image_size)
    card = make_stack_card(f"{member}-refit" if refit else member, manifest, [stacked])
    digest = compute_fingerprint([record.fingerprint, [compute_file_digest(file) for file in files]])
    spec = {"competition": str(folder.root), "member": member, "refit": refit}
    return Source(card, digest, _count_megabytes(files), spec)


def _count_megabytes(files: list[Path]) -> float:
    return sum(file.stat().st_size for file in files) / 1e6
