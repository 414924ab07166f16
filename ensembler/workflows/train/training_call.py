"""Resolves a call of ``train_members`` to members, their backbones and settings, and plans of their jobs."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Self, cast

from ...backbones.names import resolve_member, resolve_member_names
from ...backbones.registry import Backbone
from ...callers import format_option
from ...competition.corrections.corrections import NO_CORRECTIONS, Corrections
from ...competition.folds.folds import Folds
from ...competition.tables import Tables
from ...engines.engine import Engine
from ...engines.job import Needs
from ...errors import BadChoice
from ...members.budget.planning import BudgetPlan
from ...members.budget.sizes import SettingsAndWeights, list_ways_to_train
from ...members.corrected_data import summarize_corrections
from ...members.distillation.teacher import Teacher
from ...members.memory import estimate_memory
from ...members.pseudo_labels.labeller import Labeller
from ...members.records import build_record
from ...members.training_job import TrainingJob
from ...members.work import estimate_job_work, scale_epochs
from ...options.configuration import Configuration
from ...options.corrections import LabelCorrections
from ...options.declared import TrainingOptions
from ...options.presets import NO_GPU, NO_WEIGHTS
from ...options.resolve import list_unused_options
from ...paths import CompetitionFolder
from ...progress import Progress
from ..machine import UNKNOWN_MACHINE, JobMachine, detect_machine
from .plan_jobs import FINE_TUNE, TRAIN_FROZEN, MemberPlan


@dataclass(frozen=True)
class TrainingCall:
    """Members that a call trains.

    Attributes
    ----------
    members
        Names of backbones with labels, such as ``b0@strong``.
    names, backbones
        Names and backbones of the members, in the same order.
    engine
        Engine that trains them.
    machine
        Machine on which a job runs.
    corrections
        Corrections of the training data of each member. Empty before the competition is open, and without any.
    """

    members: Sequence[str]
    names: Sequence[str]
    backbones: Sequence[Backbone]
    configuration: Configuration
    engine: Engine
    machine: JobMachine
    corrections: Sequence[Corrections] = ()

    @classmethod
    def read(cls, members: Sequence[str], name: str | None, configuration: Configuration, engine: Engine) -> Self:
        """Resolve names and backbones of the members, and detect the machine of jobs.

        Raises
        ------
        BadChoice
            If a backbone is unknown, or a member is named twice.
        """
        members = [resolve_member(member, configuration.backbones) for member in members]
        backbones = find_backbones(configuration, members)
        names = resolve_member_names(members, name, configuration.backbones)
        # The detection of GPUs takes longer than the training of tiny networks.
        machine = UNKNOWN_MACHINE if all(backbone.tiny for backbone in backbones) else detect_machine(engine)
        return cls(members, names, backbones, configuration, engine, machine)

    @property
    def tiny(self) -> bool:
        """Whether all networks are so small that their folds share a process."""
        return all(backbone.tiny for backbone in self.backbones)

    @cached_property
    def settings_and_weights(self) -> list[SettingsAndWeights]:
        """Settings of each member, and the source of its weights."""
        resolved = [self.configuration.resolve_settings(self.machine.machine, member) for member in self.members]
        return [self._correct(number, way) for number, way in enumerate(resolved)]

    def _correct(self, number: int, way: SettingsAndWeights) -> SettingsAndWeights:
        """Add the corrections of a member to its settings."""
        settings, source = way
        return replace(settings, corrections=summarize_corrections(self.find_corrections(number))), source

    @property
    def learners(self) -> dict[str, LabelCorrections | None]:
        """The corrections of each member by its name."""
        return {
            name: settings.corrections
            for name, (settings, _) in zip(self.names, self.settings_and_weights, strict=True)
        }

    def find_correction_files(self, member: str) -> tuple[str | None, str | None]:
        """Return the files of photos to exclude and of other labels that the options of a member name."""
        options = self.configuration.resolve_options(self.machine.machine, member).options
        return cast(str | None, options.get("exclude")), cast(str | None, options.get("relabel"))

    def find_corrections(self, number: int) -> Corrections:
        """Return the corrections of a member."""
        return self.corrections[number] if self.corrections else NO_CORRECTIONS

    @cached_property
    def options(self) -> TrainingOptions:
        """Options of all members."""
        return self.configuration.resolve_options(self.machine.machine).options

    @property
    def needs(self) -> Needs:
        """What each job needs: one GPU, or all GPUs of a machine. Tiny networks need a single processor."""
        if self.options["data_parallel"] and self.machine.gpus:
            return Needs(gpus=len(self.machine.gpus))
        return replace(self.machine.needs, processors=1 if self.tiny else None)

    def start_ahead(self, logs: Path) -> AbstractContextManager[None]:
        """Start the process of the first job within a block, so that libraries load while the tables are read.

        Several slots have processes with a share of the machine each, which only :meth:`.Engine.run_jobs` can divide.
        """
        if self.slots > 1 or self.machine.gpus:
            return contextlib.nullcontext()
        frozen = self.settings_and_weights[0][0].frozen
        return self.engine.start_ahead(TRAIN_FROZEN if frozen else FINE_TUNE, self.names[0], logs)

    @property
    def slots(self) -> int:
        """Number of simultaneous jobs."""
        return self.engine.count_slots(self.needs)

    def report_surprises(self, progress: Progress) -> None:
        """Report settings that the machine chose, and options without effect."""
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
        # A file may contain all options, but one on the command line should have an effect.
        typed_options = configuration.command.options
        unused = {
            name for settings, _ in self.settings_and_weights for name in list_unused_options(typed_options, settings)
        }
        if unused:
            names = ", ".join(sorted(map(format_option, unused)))
            progress.warn(f"These options have no effect on a frozen backbone (`--unfreeze none`): {names}.")

    def list_ways(self, number: int) -> list[SettingsAndWeights]:
        """Return ways to train a member: as requested, then ever smaller."""
        member = self.members[number]
        options = self.configuration.resolve_options(self.machine.machine, member).options
        ways = list_ways_to_train(self.configuration.find_backbone(member), options)
        return [self._correct(number, way) for way in ways]

    def plan_members(
        self,
        folder: CompetitionFolder,
        tables: Tables,
        folds: Folds,
        budget_plan: BudgetPlan,
        supervisor: Labeller | Teacher | None,
        job_options: Mapping[str, Any],
    ) -> list[MemberPlan]:
        """Plan each member, in order."""
        plans = []
        photos, held_out, test = len(tables.train), folds.held_out_count, len(tables.test_paths)
        for number, (settings, source) in enumerate(budget_plan.ways):
            name, backbone = self.names[number], self.backbones[number]
            supervised = supervisor.supervise(settings) if supervisor else settings
            record = build_record(folder, tables, name, supervised, folds)
            planned = scale_epochs(settings, budget_plan.share)
            job = TrainingJob(
                folder,
                name,
                (),
                source,
                data_parallel=self.options["data_parallel"],
                allotments={fold: each for (owner, fold), each in budget_plan.allotments.items() if owner == number},
                share=budget_plan.share,
                **job_options,
            )
            work = estimate_job_work(planned, backbone, photos, held_out, test, 1, tables.rows_per_photo)
            memory = estimate_memory(settings, backbone, photos - held_out, on_gpu=bool(self.machine.gpus))
            needs = replace(self.needs, memory_bytes=memory)
            plans.append(MemberPlan(record, backbone.tiny, work, job, needs, corrections=self.find_corrections(number)))
        return plans


def find_backbones(configuration: Configuration, members: Sequence[str]) -> list[Backbone]:
    """Return the backbones of members.

    Raises
    ------
    BadChoice
        If a backbone is unknown, or a member is named twice.
    """
    if twice := [name for name, count in Counter(members).items() if count > 1]:
        raise BadChoice(f"{twice[0]} is named twice: name each member once, or give one a label, as in b0@LABEL.")
    return [configuration.find_backbone(name) for name in members]
