"""One call of ``train_members``: what is typed, resolved to members, their backbones and plans of their jobs."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Self

from ...backbones.names import member_names
from ...backbones.registry import Backbone
from ...competition.folds.folds import Folds
from ...competition.tables import Tables
from ...errors import BadChoice
from ...members.budget.sizes import Settled, ways_to_train
from ...members.pseudo_labels.labeller import Labeller
from ...members.work import job_work, shortened
from ...options.configuration import Configuration
from ...options.declared import TrainingOptions
from ...options.presets import NO_GPU, NOTHING
from ...options.reading import typed
from ...options.resolve import unused_options
from ...options.settings import MemberSettings
from ...paths import CompetitionFolder
from ...progress import Progress
from ..machine import PLAIN, ThisMachine, this_machine
from .budget import Budgeted, within_budget
from .budget_options import Asked, Budget, folds_to_choose
from .budget_speeds import Place
from .plan_jobs import JobOptions, Plan, record_of
from .pseudo_labels import learning_from


@dataclass(frozen=True)
class TrainingCall:
    """Members that one call trains, and on which machine.

    Attributes
    ----------
    members
        As they were typed, such as ``b0@strong``.
    names
        What they are called, in the same order.
    backbones
        Their backbones, in the same order.
    machine
        Where they are trained.
    """

    members: Sequence[str]
    names: Sequence[str]
    backbones: Sequence[Backbone]
    configuration: Configuration
    machine: ThisMachine

    @classmethod
    def read(cls, members: Sequence[str], name: str | None, configuration: Configuration) -> Self:
        """Find backbones and names of the members, and look at the machine.

        Raises
        ------
        BadChoice
            If there is no such backbone, one is named twice, or none.
        """
        backbones = named_backbones(configuration, members)
        names = member_names(members, name, configuration.backbones)
        # To look for GPUs takes longer than to train the tiniest networks.
        machine = PLAIN if all(backbone.tiny for backbone in backbones) else this_machine()
        return cls(members, names, backbones, configuration, machine)

    @property
    def tiny(self) -> bool:
        """Whether all networks are so small that their folds share a process."""
        return all(backbone.tiny for backbone in self.backbones)

    @cached_property
    def settled(self) -> list[Settled]:
        """Settings of each member, and where its weights come from."""
        return [self.configuration.settings(self.machine.machine, member) for member in self.members]

    @cached_property
    def options(self) -> TrainingOptions:
        """Options that hold for all members."""
        return self.configuration.in_force(self.machine.machine).options

    @property
    def gpus(self) -> tuple[str, ...]:
        """GPUs of which each job gets one; none where all jobs get all of them."""
        return () if self.options["data_parallel"] else self.machine.gpus

    @property
    def parallel(self) -> int:
        """Jobs at a time where there are no GPUs."""
        return os.cpu_count() or 1 if self.tiny else 1

    def tell(self, progress: Progress) -> None:
        """Tell what a person may not expect."""
        machine, configuration = self.machine, self.configuration
        if machine.trouble:
            progress.warn(machine.trouble)
        sources = {configuration.in_force(machine.machine, member).sources.get("unfreeze") for member in self.members}
        if NO_GPU in sources:
            progress.note("No GPU: heads are trained on frozen backbones; --unfreeze all fine-tunes them whole.")
        if NOTHING in sources:
            progress.note("Nothing is pretrained, so the whole networks are trained (--unfreeze all).")
        # A file may tell all options; who types one expects an effect.
        asked = configuration.command.options
        unused = {name for settings, _ in self.settled for name in unused_options(asked, settings)}
        if unused:
            names = ", ".join(sorted(map(typed, unused)))
            progress.warn(f"A frozen backbone (--unfreeze none) makes no use of {names}.")

    def within(
        self,
        budget: Budget | None,
        folder: CompetitionFolder,
        tables: Tables,
        *,
        folds: int | None,
        repeats: int | None,
        restart: bool,
        progress: Progress,
    ) -> Budgeted:
        """Cut what does not fit into a budget; without one all is left as it was asked for."""
        if not budget:
            return Budgeted(self.settled, folds)
        options = self.options
        choices = folds_to_choose(folder, tables, folds, repeats, options["seed"])
        tiny = [backbone.tiny for backbone in self.backbones]
        asked = Asked(self.names, [self._ways(member) for member in self.members], tiny, choices, restart)
        place = Place(folder, len(self.gpus) or self.parallel, self.gpus, options["data_parallel"])
        return within_budget(budget, asked, place, tables, progress)

    def _ways(self, member: str) -> list[Settled]:
        """Return ways to train a member: as it was asked for, then ever smaller."""
        options = self.configuration.in_force(self.machine.machine, member).options
        return ways_to_train(self.configuration.backbone(member), options)

    def plans(
        self,
        folder: CompetitionFolder,
        tables: Tables,
        folds: Folds,
        budgeted: Budgeted,
        labeller: Labeller | None,
        options: JobOptions,
    ) -> list[Plan]:
        """Plan each member, in order."""
        return [
            Plan(
                record=record_of(folder, tables, name, learning_from(labeller, settings), folds),
                weights=source,
                data_parallel=self.options["data_parallel"],
                tiny=backbone.tiny,
                options=options,
                work=_fold_work(settings, backbone, budgeted.share, tables, folds),
                share=budgeted.share,
                allotments=budgeted.allotments.get(name, {}),
            )
            for name, backbone, (settings, source) in zip(self.names, self.backbones, budgeted.settled, strict=True)
        ]


def named_backbones(configuration: Configuration, members: Sequence[str]) -> list[Backbone]:
    """Find the backbones that a person named.

    Raises
    ------
    BadChoice
        If there is no such backbone, or one is named twice, or none.
    """
    if not members or len(set(members)) < len(members):
        raise BadChoice(f"Name each member once, at least one. Received: {', '.join(members) or 'none'}")
    return [configuration.network(name) for name in members]


def _fold_work(settings: MemberSettings, backbone: Backbone, share: float, tables: Tables, folds: Folds) -> float:
    """Tell the work of one fold, or of a frozen member."""
    planned = shortened(settings, share)
    return job_work(planned, backbone, len(tables.train), folds.typical, len(tables.test_paths), 1)
