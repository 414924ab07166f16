"""What a handle does with finished networks: predictions, explanations, and files for other runtimes."""

from __future__ import annotations

from typing import Unpack

from ..exports.result import ExportResult
from ..options.arguments import Names, Paths
from ..options.declared import EngineOptions, Track
from ..paths import PathLike
from ..workflows.explain.explain import explain
from ..workflows.explain.result import Explanations
from ..workflows.export import DEFAULT_PHOTOS, export
from ..workflows.predict import Predictions, predict
from ..workflows.report.report import ReportResult, report
from .facts import CompetitionFacts


class CompetitionNetworks(CompetitionFacts):
    """Use of the networks of a competition."""

    def predict(
        self,
        photos: Paths,
        *,
        stack: PathLike | None = None,
        model: PathLike | None = None,
        batch_size: int = 32,
        **options: Unpack[EngineOptions],
    ) -> Predictions:
        """Predict photos with a stack or an exported file; see :func:`ensembler.predict`.

        Examples
        --------
        >>> found = ensembler.open("pets").predict(["photos/dogs/1.png"], stack="first")
        >>> found.outputs, found.probabilities.shape
        (('dogs',), (1, 1))
        """
        with self.progress as progress:
            return predict(
                photos,
                stack=stack,
                model=model,
                batch_size=batch_size,
                competition=self,
                progress=progress,
                **options,
            )

    def explain(
        self,
        photos: Paths,
        *,
        stack: PathLike | None = None,
        model: PathLike | None = None,
        member: str | None = None,
        class_name: str | None = None,
        members: bool = False,
        output: PathLike | None = None,
        **options: Unpack[EngineOptions],
    ) -> Explanations:
        """Explain which parts of photos speak for a class; see :func:`ensembler.explain`.

        Examples
        --------
        >>> found = ensembler.open("pets").explain(["photos/dogs/1.png"], stack="first")
        >>> found.photos[0].out_of_fold, found.heat.shape
        (True, (1, 56, 56))
        """
        with self.progress as progress:
            return explain(
                photos,
                stack=stack,
                model=model,
                member=member,
                class_name=class_name,
                members=members,
                output=output,
                competition=self,
                progress=progress,
                **options,
            )

    def export(
        self,
        *,
        stack: str | None = None,
        member: str | None = None,
        formats: Names = ("onnx",),
        quantize: Names = ("none",),
        output: PathLike,
        refit: bool = False,
        single_photo: bool = False,
        tolerance: float | None = None,
        photos: int = DEFAULT_PHOTOS,
    ) -> ExportResult:
        """Export a stack or a member for other runtimes; see :func:`ensembler.export`.

        Examples
        --------
        >>> exported = ensembler.open("pets").export(member="demo-conv", output="exported")
        >>> exported.files[0].name, exported.files[0].figures.difference < 1e-4
        ('demo-conv.onnx', True)
        """
        with self.progress as progress:
            return export(
                stack=stack,
                member=member,
                formats=formats,
                quantize=quantize,
                output=output,
                refit=refit,
                single_photo=single_photo,
                tolerance=tolerance,
                photos=photos,
                competition=self,
                progress=progress,
            )

    def report(
        self,
        *,
        output: PathLike | None = None,
        open_browser: bool = False,
        explain: bool = True,
        track: Track | None = None,
    ) -> ReportResult:
        """Write a page that tells the state of the competition; see :func:`ensembler.report`.

        Examples
        --------
        >>> result = ensembler.open("pets").report()
        >>> result.facts.answer.kind, result.facts.photos.explained
        ('stack', 12)
        """
        with self.progress as progress:
            return report(
                self, output=output, open_browser=open_browser, explain=explain, track=track, progress=progress
            )
