"""The stack, the members or the file whose predictions are explained."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..competition.manifest import Manifest
from ..competition.pixels import PixelRule
from ..competition.tables import Tables
from ..competition.task import Task
from ..errors import BadChoice, Mismatch
from ..members.predictions import load_finished_records
from ..members.records import MemberRecord, list_network_files
from ..members.stack_record import load_stack_record
from ..paths import CompetitionFolder
from ..stacking.card import read_card


@dataclass(frozen=True)
class ExplainedSource:
    """What is explained.

    Attributes
    ----------
    name
        Name of the stack, or of the members.
    task, classes, class_names
        Task, all classes, and their names if the classes are numbers.
    members
        Names of the members.
    pixel_rule
        The competition's rule of pixels.
    spec
        Options of the job that open the networks.
    files
        Files that this job reads.
    """

    name: str
    task: Task
    classes: tuple[str, ...]
    class_names: tuple[str, ...]
    members: tuple[str, ...]
    pixel_rule: PixelRule
    spec: dict[str, Any]
    files: tuple[Path, ...]

    @property
    def is_stack(self) -> bool:
        """Whether a meta-learner joins the members."""
        return bool(self.spec["file"])

    def find_class(self, name: str) -> int:
        """Return the number of a class.

        Raises
        ------
        BadChoice
            If there is no such class.
        """
        for known in (self.classes, self.class_names):
            if name in known:
                return known.index(name)
        raise BadChoice.from_unknown_name("class", name, list(self.class_names or self.classes))


def open_stack_file(path: Path) -> ExplainedSource:
    """Return a ``stack.keras`` as a source. The errors are those of :func:`.read_card`."""
    if path.suffix not in ("", ".keras"):
        raise BadChoice(f"{path} has no gradients, which explanations need: name a stack.keras, or a stack by --stack.")
    card = read_card(path)
    members = tuple(member.name for member in card.members)
    spec: dict[str, Any] = {"file": str(path.absolute()), "competition": "", "stack": "", "members": list(members)}
    spec |= {"task": card.task, "frozen": False}
    return ExplainedSource(
        card.name, card.task, card.classes, card.class_names, members, card.pixel_rule, spec, (path.absolute(),)
    )


def open_stack(folder: CompetitionFolder, tables: Tables, stack: str) -> ExplainedSource:
    """Return a finished stack of a competition as a source.

    Its ``stack.keras`` explains photos from elsewhere; the folds' networks explain training photos.

    Raises
    ------
    Mismatch
        If a member was trained again after the stack was built, or on other photos or folds.
    """
    fingerprints = {member.name: member.fingerprint for member in load_stack_record(folder, stack).members}
    records = load_finished_records(folder, tables, list(fingerprints))
    for record in records:
        if record.fingerprint != fingerprints[record.name]:
            raise Mismatch(
                f"{record.name} was trained again after the stack {stack} was built: build the stack again with "
                "`ensembler stack`."
            )
    return _join_members(folder, tables.manifest, records, stack)


def open_members(folder: CompetitionFolder, tables: Tables, members: Sequence[str]) -> ExplainedSource:
    """Return trained members without a meta-learner as a source. The log-odds of several are averaged.

    Raises
    ------
    BadChoice
        If a member is not trained.
    Mismatch
        If a member is unfinished, or was trained on other photos or folds.
    """
    records = load_finished_records(folder, tables, members)
    return _join_members(folder, tables.manifest, records, "")


def _join_members(
    folder: CompetitionFolder, manifest: Manifest, records: Sequence[MemberRecord], stack: str
) -> ExplainedSource:
    names = tuple(record.name for record in records)
    files = [file for record in records for file in _list_files(folder, record)]
    if stack:
        files += [folder.stack(stack) / name for name in ("stack.keras", "meta.npz")]
    root = str(folder.root.absolute())
    file = str(folder.stack(stack).absolute() / "stack.keras") if stack else ""
    spec: dict[str, Any] = {"file": file, "competition": root, "stack": stack, "members": list(names)}
    spec |= {"task": manifest.task, "frozen": all(record.settings.frozen for record in records)}
    return ExplainedSource(
        stack or ", ".join(names),
        manifest.task,
        manifest.classes,
        manifest.class_names,
        names,
        manifest.pixels,
        spec,
        tuple(file.absolute() for file in files),
    )


def _list_files(folder: CompetitionFolder, record: MemberRecord) -> list[Path]:
    networks = list_network_files(folder, record)
    return [folder.member(record.name) / "member.json", *networks, *(file.parent / "fold.json" for file in networks)]
