"""The teacher of distilled members: a finished stack, with the temperature and the weight of its soft targets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from ...competition.tables import Tables
from ...options.corrections import LabelCorrections
from ...options.distillation import Distillation
from ...options.settings import MemberSettings
from ...paths import CompetitionFolder
from ..teaching_stack import load_teaching_stack


@dataclass(frozen=True)
class Teacher:
    """A finished stack whose members teach others.

    Attributes
    ----------
    source
        Source of the soft targets, which becomes part of a member's settings.
    members
        Names of the stack's members.
    """

    source: Distillation
    members: tuple[str, ...]

    @property
    def words(self) -> list[str]:
        """Options of the teacher as words of the command line."""
        source = self.source
        return [
            *("--teacher", source.stack),
            *("--temperature", f"{source.temperature!r}"),
            *("--soft-weight", f"{source.weight!r}"),
        ]

    def supervise(self, settings: MemberSettings) -> MemberSettings:
        """Return the settings of a member that learns from the teacher."""
        return replace(settings, distillation=self.source)


def find_teacher(
    folder: CompetitionFolder,
    tables: Tables,
    stack: str,
    temperature: float,
    weight: float,
    learners: Mapping[str, LabelCorrections | None],
) -> Teacher:
    """Find the stack that teaches, and check that it is suitable; see :func:`.load_teaching_stack`."""
    found = load_teaching_stack(folder, tables, stack, learners, "distilled")
    source = Distillation(stack, temperature, weight, found.fingerprint)
    return Teacher(source, tuple(record.name for record in found.members))
