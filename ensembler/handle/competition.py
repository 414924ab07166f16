"""A competition with all commands as methods."""

from __future__ import annotations

from typing import Any, Unpack

from ..checks.result import CheckResult
from ..options.arguments import Names
from ..options.declared import EngineOptions, Preset, Track, TrainingOptions, TrainMembersOptions
from ..options.distillation import EXCLUDED_OPTIONS
from ..options.reading import ENGINE, OPTIONS, RUN, show_options
from ..paths import PathLike
from ..stacking.learners.named import DEFAULT_META_LEARNER
from ..submission.kaggle.polling import DEFAULT_POLLING, PollingPolicy
from ..submission.kaggle.retry_policy import DEFAULT_RETRIES
from ..submission.ledger.rows import Row
from ..tables import Listing, Shown, Table
from ..workflows import folds as folds_workflow
from ..workflows.check import check
from ..workflows.distill import distill
from ..workflows.folds import FoldsResult
from ..workflows.layout import LayoutResult, layout
from ..workflows.members.listed_member import ListedMember
from ..workflows.members.listing import list_members
from ..workflows.members.removal import RemovedMembers, remove_members
from ..workflows.results import MemberResult, ScoreResult, StackResult, SubmitResult
from ..workflows.stack import stack
from ..workflows.status.standing import Status
from ..workflows.status.status import status
from ..workflows.submit.notebook import NotebookResult, notebook
from ..workflows.submit.score import score
from ..workflows.submit.submissions import submissions
from ..workflows.submit.submit import submit
from ..workflows.survey.result import SurveyResult, SurveySorting
from ..workflows.survey.survey import DEFAULT_TOP, survey
from ..workflows.train.preview import AugmentedPhotos, show_augmented
from ..workflows.train.train import train_members
from .networks import CompetitionNetworks
from .orientation import OrientationMethods


class Competition(CompetitionNetworks, OrientationMethods, Shown):
    """A competition in the workspace, with all commands as methods.

    :func:`ensembler.fetch`, :func:`ensembler.adopt` and :func:`ensembler.open` return it. Each method does what the
    function of its name does, and takes the same parameters; only the competition, the workspace and the progress are
    those of the handle. ``measure_members`` is ``list_members`` with ``measure=True``, and ``refresh_submissions`` is
    ``submissions``. Properties are read from the files at each access.

    Attributes
    ----------
    folder
        Folder of the competition: a path, with the paths of the files as attributes.

    Examples
    --------
    >>> competition = ensembler.open("pets")
    >>> competition
    pets
    task         binary: `dogs` is the probability of 'dogs', not 'cats'
    photos       64 to train on, 16 to predict
    ...
    >>> competition.classes, competition.metric
    (('cats', 'dogs'), 'log loss')
    """

    def build_table(self) -> Table:
        """Return the competition, what was made of it, and the next step."""
        return self.status().build_table()

    def to_json(self) -> dict[str, Any]:
        """Return the status as plain data for JSON.

        Examples
        --------
        >>> ensembler.open("pets").to_json()["competition"]["name"]
        'pets'
        """
        return self.status().to_json()

    def status(self) -> Status:
        """Return where the competition stands, and the next step; see :func:`ensembler.status`.

        Examples
        --------
        >>> ensembler.open("pets").status().next.command
        'ensembler score -c pets'
        """
        return status(self, progress=self.progress)

    def layout(self) -> LayoutResult:
        """Return what was detected of the files, with the evidence; see :func:`ensembler.layout`.

        Examples
        --------
        >>> ensembler.open("pets").layout().manifest.train.labels
        'folders'
        """
        return layout(self, progress=self.progress)

    def check(self) -> CheckResult:
        """Look for doubts about the photos and labels; see :func:`ensembler.check`.

        Examples
        --------
        >>> ensembler.open("pets").check().sets["train"].formats
        {'PNG': 64}
        """
        with self.progress as progress:
            return check(self, progress=progress)

    @show_options(ENGINE)
    def survey(
        self,
        members: Names | None = None,
        *,
        photos: int | None = None,
        top: int = DEFAULT_TOP,
        time_budget: str | float | None = None,
        full: bool = False,
        weights: PathLike | None = None,
        image_size: int | None = None,
        seed: int = 0,
        sort: SurveySorting = "size",
        accuracy: float | None = None,
        runtime: str | None = None,
        cache_limit: str | int | None = None,
        plot: PathLike | None = None,
        **engine_options: Unpack[EngineOptions],
    ) -> SurveyResult:
        """Compare backbones by linear heads on their frozen features; see :func:`ensembler.survey`.

        Examples
        --------
        >>> found = ensembler.open("pets").survey(["demo-conv", "demo-dense"], weights="none")
        >>> len(found.candidates), found.photos
        (2, 64)
        """
        with self.progress as progress:
            return survey(
                members,
                photos=photos,
                top=top,
                time_budget=time_budget,
                full=full,
                weights=weights,
                image_size=image_size,
                seed=seed,
                sort=sort,
                accuracy=accuracy,
                runtime=runtime,
                cache_limit=cache_limit,
                plot=plot,
                competition=self,
                progress=progress,
                **engine_options,
            )

    @show_options(RUN, ENGINE, OPTIONS)
    def train_members(self, members: Names, **options: Unpack[TrainMembersOptions]) -> Listing[MemberResult]:
        """Train backbones over all folds; see :func:`ensembler.train_members`.

        Examples
        --------
        >>> competition = ensembler.open("pets")
        >>> members = competition.train_members(["demo-dense"], weights="none", unfreeze="all", epochs=2)
        >>> members["demo-dense"].log_loss < 1
        True
        """
        with self.progress as progress:
            return train_members(members, competition=self, progress=progress, **options)

    def remove_members(self, members: Names, *, force: bool = False) -> RemovedMembers:
        """Remove members; see :func:`ensembler.remove_members`.

        Examples
        --------
        >>> competition = ensembler.open("pets")
        >>> _ = competition.train_members(["demo-dense@again"], weights="none", epochs=1)
        >>> competition.remove_members(["demo-dense@again"]).members
        ('demo-dense@again',)
        """
        return remove_members(members, competition=self, force=force, progress=self.progress)

    def measure_members(self, *, plot: PathLike | None = None) -> Listing[ListedMember]:
        """Measure missing speeds on this machine, and list all members; see :func:`ensembler.list_members`.

        Examples
        --------
        >>> ensembler.open("pets").measure_members()["demo-dense"].speed.parameters > 0
        True
        """
        with self.progress as progress:
            return list_members(self, measure=True, plot=plot, progress=progress)

    def show_augmented(
        self,
        file: PathLike,
        members: Names,
        *,
        preset: Preset | None = None,
        config: PathLike | None = None,
        **options: Unpack[TrainingOptions],
    ) -> AugmentedPhotos:
        """Draw photos as the first of the members would be trained on them; see :func:`ensembler.show_augmented`.

        Examples
        --------
        >>> competition = ensembler.open("pets")
        >>> competition.show_augmented("strong.png", ["demo-conv"], augmentation="strong").augmentation
        'strong'
        """
        with self.progress as progress:
            return show_augmented(
                file, members, competition=self, preset=preset, config=config, progress=progress, **options
            )

    def folds(
        self,
        *,
        folds: int | None = None,
        repeats: int | None = None,
        seed: int | None = None,
        hold_out: str | None = None,
        force: bool = False,
    ) -> FoldsResult:
        """Return the folds, or make others; see :func:`ensembler.folds`.

        Examples
        --------
        >>> ensembler.open("pets").folds().folds
        3
        """
        with self.progress as progress:
            return folds_workflow.folds(
                self, folds=folds, repeats=repeats, seed=seed, hold_out=hold_out, force=force, progress=progress
            )

    @show_options(ENGINE)
    def stack(
        self,
        members: Names | None = None,
        *,
        name: str | None = None,
        meta: str = DEFAULT_META_LEARNER,
        top: int | None = None,
        infer_limit: str | float | None = None,
        refit: bool = False,
        seed: int = 0,
        track: Track | None = None,
        plot: PathLike | None = None,
        **options: Unpack[EngineOptions],
    ) -> StackResult:
        """Stack trained members, score the stack and write the CSV; see :func:`ensembler.stack`.

        Examples
        --------
        >>> result = ensembler.open("pets").stack(["demo-dense", "demo-conv"], name="mean", meta="mean")
        >>> result.model.name, result.submission.suffix
        ('stack.keras', '.csv')
        """
        with self.progress as progress:
            return stack(
                members,
                name=name,
                meta=meta,
                top=top,
                infer_limit=infer_limit,
                refit=refit,
                seed=seed,
                track=track,
                plot=plot,
                competition=self,
                progress=progress,
                **options,
            )

    @show_options({name: each for name, each in RUN.items() if name not in EXCLUDED_OPTIONS}, ENGINE, OPTIONS)
    def distill(
        self, into: Names, *, stack: str | None = None, **options: Unpack[TrainMembersOptions]
    ) -> Listing[MemberResult]:
        """Train small members that learn from a stack; see :func:`ensembler.distill`.

        Examples
        --------
        >>> members = ensembler.open("pets").distill("demo-dense@light", stack="first", weights="none", epochs=2)
        >>> members[0].name
        'demo-dense@light'
        """
        with self.progress as progress:
            return distill(into, stack=stack, competition=self, progress=progress, **options)

    @show_options(ENGINE)
    def score(self, csv: PathLike | None = None, *, truth: PathLike | None = None) -> ScoreResult:
        """Score a CSV against hidden labels; see :func:`ensembler.score`.

        Examples
        --------
        >>> ensembler.open("pets").score().accuracy > 0.5
        True
        """
        return score(csv, truth=truth, competition=self, progress=self.progress)

    def submit(
        self,
        csv: PathLike | None = None,
        *,
        message: str = "",
        again: bool = False,
        dry_run: bool = False,
        wait: bool = True,
        timeout: float = DEFAULT_RETRIES.read_timeout,
    ) -> SubmitResult:
        """Check a CSV, upload it to Kaggle, and wait for its public score; see :func:`ensembler.submit`.

        Examples
        --------
        >>> competition = ensembler.open("dogs-vs-cats-redux-kernels-edition")
        >>> competition.submit("answer.csv", message="first").public
        0.04
        """
        with self.progress as progress:
            return submit(
                csv,
                message=message,
                again=again,
                dry_run=dry_run,
                wait=wait,
                timeout=timeout,
                competition=self,
                progress=progress,
            )

    def refresh_submissions(self) -> Listing[Row]:
        """Ask Kaggle for new scores, and return all CSVs and uploads, newest first; see :func:`ensembler.submissions`.

        Examples
        --------
        >>> competition = ensembler.open("dogs-vs-cats-redux-kernels-edition")
        >>> _ = competition.submit("answer.csv", again=True, wait=False)
        >>> {row.public for row in competition.refresh_submissions() if row.status == "COMPLETE"}
        {0.04}
        """
        with self.progress as progress:
            return submissions(self, progress=progress)

    def notebook(
        self,
        stack: str | None = None,
        *,
        push: bool = False,
        submit: bool = False,
        wait: bool = True,
        gpu: bool = True,
        output: PathLike | None = None,
        message: str = "",
        waits: PollingPolicy = DEFAULT_POLLING,
    ) -> NotebookResult:
        """Write a notebook that predicts with a stack on Kaggle, and run it there; see :func:`ensembler.notebook`.

        Examples
        --------
        >>> ensembler.open("dogs-vs-cats-redux-kernels-edition").notebook(output="notebook")
        dataset    notebook/dataset
        notebook   notebook/notebook
        ...
        """
        with self.progress as progress:
            return notebook(
                stack,
                push=push,
                submit=submit,
                wait=wait,
                gpu=gpu,
                output=output,
                message=message,
                waits=waits,
                competition=self,
                progress=progress,
            )
