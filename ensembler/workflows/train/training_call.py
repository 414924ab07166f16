"""One call of ``train_members``: what is typed, resolved to members, their backbones and plans of their jobs."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Self

from ...backbones.names import resolve_member, resolve_member_names
from ...backbones.registry import Backbone
from ...callers import format_option
from ...competition.folds.folds import Folds
from ...competition.tables import Tables
from ...errors import BadChoice
from ...members.budget.planning import BudgetPlan
from ...members.budget.sizes import SettingsAndWeights, list_ways_to_train
from ...members.pseudo_labels.labeller import Labeller
from ...members.records import build_record
from ...members.work import estimate_job_work, scale_epochs
from ...options.configuration import Configuration
from ...options.declared import TrainingOptions
from ...options.presets import NO_GPU, NO_WEIGHTS
from ...options.resolve import list_unused_options
from ...options.settings import MemberSettings
from ...paths import CompetitionFolder
from ...progress import Progress
from ..machine import UNKNOWN_MACHINE, LocalMachine, detect_machine
from .plan_jobs import JobOptions, MemberPlan
from .pseudo_labels import add_pseudo_labels


@dataclass(frozen=True)
class TrainingCall:
    """Members that one call trains, and on which machine.

    Attributes
    ----------
    members
        As they are named in the registry, such as ``b0@strong``.
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
    machine: LocalMachine

    @classmethod
    def read(cls, members: Sequence[str], name: str | None, configuration: Configuration) -> Self:
        """Find backbones and names of the members, and look at the machine.

        Raises
        ------
        BadChoice
            If there is no such backbone, one is named twice, or none.
        """
        members = [resolve_member(member, configuration.backbones) for member in members]
        backbones = find_backbones(configuration, members)
        names = resolve_member_names(members, name, configuration.backbones)
        # To look for GPUs takes longer than to train the tiniest networks.
        machine = UNKNOWN_MACHINE if all(backbone.tiny for backbone in backbones) else detect_machine()
        return cls(members, names, backbones, configuration, machine)

    @property
    def tiny(self) -> bool:
        """Whether all networks are so small that their folds share a process."""
        return all(backbone.tiny for backbone in self.backbones)

    @cached_property
    def settings_and_weights(self) -> list[SettingsAndWeights]:
        """Settings of each member, and where its weights come from."""
        return [self.configuration.resolve_settings(self.machine.machine, member) for member in self.members]

    @cached_property
    def options(self) -> TrainingOptions:
        """Options that hold for all members."""
        return self.configuration.resolve_options(self.machine.machine).options

    @property
    def gpus(self) -> tuple[str, ...]:
        """GPUs of which each job gets one; none where all jobs get all of them."""
        return () if self.options["data_parallel"] else self.machine.gpus

    @property
    def parallel(self) -> int:
        """Jobs at a time where there are no GPUs."""
        return os.cpu_count() or 1 if self.tiny else 1

    def report_surprises(self, progress: Progress) -> None:
        """Tell what a person may not expect."""
        machine, configuration = self.machine, self.configuration
        if machine.problem:
            progress.warn(machine.problem)
        sources = {
            configuration.resolve_options(machine.machine, member).sources.get("unfreeze") for member in self.members
        }
        if NO_GPU in sources:
            progress.note("No GPU: heads are trained on frozen backbones; `--unfreeze all` fine-tunes them whole.")
        if NO_WEIGHTS in sources:
            progress.note("Nothing is pretrained, so the whole networks are trained (`--unfreeze all`).")
        # A file may tell all options; who types one expects an effect.
        typed_options = configuration.command.options
        unused = {
            name for settings, _ in self.settings_and_weights for name in list_unused_options(typed_options, settings)
        }
        if unused:
            names = ", ".join(sorted(map(format_option, unused)))
            progress.warn(f"A frozen backbone (`--unfreeze none`) makes no use of {names}.")

    def list_ways(self, number: int) -> list[SettingsAndWeights]:
        """List ways to train a member: as it was asked for, then ever smaller."""
        member = self.members[number]
        options = self.configuration.resolve_options(self.machine.machine, member).options
        return list_ways_to_train(self.configuration.find_backbone(member), options)

    def plan_members(
        self,
        folder: CompetitionFolder,
        tables: Tables,
        folds: Folds,
        budget_plan: BudgetPlan,
        labeller: Labeller | None,
        job_options: JobOptions,
    ) -> list[MemberPlan]:
        """Plan each member, in order."""
        return [
            MemberPlan(
                record=build_record(folder, tables, name, add_pseudo_labels(labeller, settings), folds),
                weights=source,
                data_parallel=self.options["data_parallel"],
                tiny=backbone.tiny,
                options=job_options,
                work=_estimate_work(settings, backbone, budget_plan.share, tables, folds),
                share=budget_plan.share,
                allotments={fold: each for (owner, fold), each in budget_plan.allotments.items() if owner == number},
            )
            for number, (name, backbone, (settings, source)) in enumerate(
                zip(self.names, self.backbones, budget_plan.ways, strict=True)
            )
        ]


def find_backbones(configuration: Configuration, members: Sequence[str]) -> list[Backbone]:
    """Find the backbones that a person named.

    Raises
    ------
    BadChoice
        If there is no such backbone, or one is named twice, or none.
    """
    if not members or len(set(members)) < len(members):
        raise BadChoice(f"Name each member once, at least one. Received: {', '.join(members) or 'none'}")
    return [configuration.find_backbone(name) for name in members]


def _estimate_work(settings: MemberSettings, backbone: Backbone, share: float, tables: Tables, folds: Folds) -> float:
    """Tell the work of one fold, or of a frozen member."""
    planned = scale_epochs(settings, share)
    return estimate_job_work(planned, backbone, len(tables.train), folds.held_out_count, len(tables.test_paths), 1)
