"""Exports a stack or a member for other runtimes, and checks each file there."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray

from ..competition.tables import Tables
from ..engines.engine import Engine
from ..engines.job import Job
from ..errors import BadChoice, EnsemblerError, JobFailed, Mismatch, StorageError
from ..exports.card import ExportCard, ExportRecord, Figures
from ..exports.formats import Request, Variant, read_request
from ..exports.photos import ComparedPhotos, choose_photos
from ..exports.placing import compute_digests, count_megabytes, describe_replaced, find_kept, place_file
from ..exports.result import ExportedFile, ExportResult
from ..exports.sources import Source, find_member_source, find_stack_source
from ..exports.tolerances import find_excess, find_tolerance
from ..options.arguments import Count, Names, check_arguments
from ..options.kinds import declare
from ..paths import DEFAULT_WORKSPACE, CompetitionFolder, CompetitionLike, PathLike, Workspace, WorkspaceLike
from ..progress import SILENT, Progress
from ..serialization import convert_to_plain, make_record, read_arrays
from ..storage import remove_unfinished
from ..submission.notebook.folder import choose_stack
from .competition import open_competition
from .engine import open_engine

DEFAULT_PHOTOS = 128
# Name of the output in files whose runtime has names.
_OUTPUT = "probabilities"
_CONVERT, _CHECK = ("ensembler.exports.jobs.convert:convert_network", "ensembler.exports.jobs.check:check_file")

Tolerance = Annotated[float, declare("DIFFERENCE", ge=0)]


@check_arguments
def export(
    *,
    stack: str | None = None,
    member: str | None = None,
    formats: Names = ("onnx",),
    quantize: Names = ("none",),
    output: PathLike,
    refit: bool = False,
    single_photo: bool = False,
    tolerance: Tolerance | None = None,
    photos: Count = DEFAULT_PHOTOS,
    competition: CompetitionLike | None = None,
    workspace: WorkspaceLike = DEFAULT_WORKSPACE,
    progress: Progress = SILENT,
) -> ExportResult:
    """Export a stack or a member for other runtimes, with preprocessing and meta-learner inside.

    Each file is then run by its own runtime, in a process without TensorFlow, on photos of the competition. It is
    written only if its predictions are those of Keras within the tolerance. Files that an earlier call wrote from the
    same network in the same way are kept.

    Parameters
    ----------
    stack
        Name of a finished stack. None, without a member, exports the stack that was built last.
    member
        Name of a finished member, which is exported as the mean over its folds.
    formats
        Formats: ``savedmodel``, ``onnx``, ``litert``, ``openvino``, or ``all``, which leaves out what is not installed.
    quantize
        Quantisations, each combined with each format: ``none``, ``fp16`` (weights of 16 bits), ``int8`` (weights and
        arithmetic of 8 bits), or ``all``, which leaves out what a format lacks.
    output
        Folder for the files. Each has its description beside it as ``FILE.json``.
    refit
        Whether to export the member's network that learned from all photos instead.
    single_photo
        Whether to fix the batch to one photo.
    tolerance
        Largest difference between a probability and that of Keras, and with quantisation largest increase of the log
        loss. None allows 0.0001 without quantisation, and 0.001 for fp16 and 0.01 for int8.
    photos
        Maximum number of training photos, and of test photos, that predictions are compared on.
    competition
        Name of the competition. None uses the one last fetched or adopted.

    Raises
    ------
    BadChoice
        If the stack, the member, a format or a quantisation does not exist, or needs packages that are not installed.
    Mismatch
        If the member is unfinished, or all files are refused. Single refused files are warned of.

    Examples
    --------
    >>> exported = ensembler.export(stack="first", formats="onnx", output="exported", competition="pets")
    >>> exported.files[0].name, exported.files[0].figures.difference < 1e-4
    ('first.onnx', True)
    """
    request = read_request(formats, quantize)
    folder, tables = open_competition(competition, Workspace.read(workspace))
    source = _find_source(folder, tables, stack, member, refit=refit)
    plan = _Plan(source, request, Path(output), choose_photos(tables, photos), tolerance, single_photo=single_photo)
    remove_unfinished(plan.folder)
    kept = plan.find_kept_files()
    missing = [variant for variant in request.variants if variant not in kept]
    if not missing:
        first = next(iter(kept.values()))
        return plan.build_result([_describe_kept(plan, one, kept[one]) for one in kept], first.keras, first.machine)
    with (
        open_engine({}, progress) as engine,
        tempfile.TemporaryDirectory(prefix="ensembler-export-") as scratch,
    ):
        run = _Run(plan, engine, Path(scratch), folder.logs, progress)
        run.convert(missing)
        files = [
            _describe_kept(plan, variant, kept[variant]) if variant in kept else run.check(variant)
            for variant in request.variants
        ]
    result = plan.build_result(files, run.keras, run.machine)
    return _report_refusals(result, progress)


def _find_source(
    folder: CompetitionFolder, tables: Tables, stack: str | None, member: str | None, *, refit: bool
) -> Source:
    if stack is not None and member is not None:
        raise BadChoice(f"Name either a stack or a member. Received: {stack!r} and {member!r}")
    if member is not None:
        return find_member_source(folder, tables.manifest, member, refit=refit)
    if refit:
        raise BadChoice("--refit needs --member: a stack contains the networks that it was built of.")
    return find_stack_source(folder, choose_stack(folder, stack))


def _report_refusals(result: ExportResult, progress: Progress) -> ExportResult:
    sentences = [file.describe_refusal() for file in result.refused]
    if len(sentences) == len(result.files):
        raise Mismatch(f"{' '.join(sentences)} Choose another --format or --quantize, or allow more with --tolerance.")
    for sentence in sentences:
        progress.warn(sentence)
    return result


@dataclass(frozen=True)
class _Plan:
    """What is exported, how, and what it is compared on."""

    source: Source
    request: Request
    folder: Path
    photos: ComparedPhotos
    tolerance: float | None
    single_photo: bool

    @property
    def counts(self) -> tuple[int, int]:
        return len(self.photos.training), len(self.photos.test)

    def locate(self, variant: Variant) -> Path:
        return self.folder / variant.name_file(self.source.card.name)

    def find_tolerance(self, variant: Variant) -> float:
        return find_tolerance(variant.quantization, self.tolerance)

    def make_card(self, variant: Variant) -> ExportCard:
        """Describe a file, without the inputs, which are known when the network is loaded."""
        return ExportCard(
            format=variant.format.name,
            quantization=variant.quantization,
            single_photo=self.single_photo,
            network=self.source.card,
            inputs=(),
            output=_OUTPUT,
            metric=self.photos.manifest.metric,
            source=self.source.digest,
            versions=variant.format.list_versions(variant.quantization),
        )

    def find_kept_files(self) -> dict[Variant, ExportRecord]:
        found = {
            variant: find_kept(self.locate(variant), self.make_card(variant), self.find_tolerance(variant), self.counts)
            for variant in self.request.variants
        }
        return {variant: record for variant, record in found.items() if record}

    def build_result(self, files: Sequence[ExportedFile], keras: Figures, machine: str) -> ExportResult:
        return ExportResult(
            self.source.card.name,
            self.folder.absolute(),
            tuple(files),
            keras,
            *self.counts,
            machine,
            self.request.left_out,
        )

    def describe(self, variant: Variant, figures: Figures | None, refused: str = "") -> ExportedFile:
        place, tolerance = self.locate(variant).absolute(), self.find_tolerance(variant)
        return ExportedFile(variant.format.name, variant.quantization, place, tolerance, figures, refused)


def _describe_kept(plan: _Plan, variant: Variant, record: ExportRecord) -> ExportedFile:
    return ExportedFile(**{**vars(plan.describe(variant, record.exported)), "kept": True})


class _Run:
    """The jobs of an export, and their results.

    Attributes
    ----------
    keras, machine
        Measurements on Keras, and the machine. They are known after :meth:`convert`.
    """

    keras: Figures
    machine: str

    def __init__(self, plan: _Plan, engine: Engine, scratch: Path, logs: Path, progress: Progress) -> None:
        self._plan = plan
        self._engine = engine
        self._scratch = scratch
        self._logs = logs
        self._progress = progress
        self._problems: dict[str, str] = {}
        self._expected: NDArray[np.float32] = np.empty((0, 0), np.float32)

    def convert(self, variants: Sequence[Variant]) -> None:
        """Write files in the scratch folder, and predict the compared photos with Keras."""
        plan = self._plan
        files = [
            {"path": str(self._locate(one)), "card": convert_to_plain(asdict(plan.make_card(one)))} for one in variants
        ]
        spec = {
            **plan.source.spec,
            "files": files,
            "photos": [str(path) for path in plan.photos.all],
            "calibration": [str(path) for path in plan.photos.calibration],
            "predictions": str(self._scratch / "keras.npz"),
        }
        [found] = self._engine.run_jobs([Job("export", _CONVERT, spec)], self._logs, self._progress)
        self._problems = found["problems"]
        self._expected = read_arrays(self._scratch / "keras.npz")["probabilities"]
        self.machine = found["machine"]
        self.keras = self._measure(self._expected, plan.source.megabytes, found)

    def check(self, variant: Variant) -> ExportedFile:
        """Run a file in its runtime, and put it into its place if it keeps the tolerance."""
        plan, file = self._plan, self._locate(variant)
        if problem := self._problems.get(str(file)):
            return plan.describe(variant, None, problem)
        predictions = self._scratch / "exported.npz"
        photos = [str(path) for path in plan.photos.all]
        spec = {"file": str(file), "photos": photos, "predictions": str(predictions)}
        try:
            job = Job(f"check {file.name}", _CHECK, spec)
            [found] = self._engine.run_jobs([job], self._logs, self._progress)
        except StorageError:
            raise
        except EnsemblerError as error:
            # Another format may succeed, even if this one kills its process.
            reason = str(error).rstrip(".")
            kind = "runtime failed" if isinstance(error, JobFailed) else "file cannot be run"
            return plan.describe(variant, None, f"its {kind}: {reason}")
        figures = self._measure(read_arrays(predictions)["probabilities"], count_megabytes(file), found)
        tolerance = plan.find_tolerance(variant)
        if excess := find_excess(variant.quantization, tolerance, self.keras, figures):
            return plan.describe(variant, figures, excess)
        card = make_record(found["card"], ExportCard, file)
        digests = compute_digests(file)
        record = ExportRecord(card, tolerance, *plan.counts, self.keras, figures, self.machine, digests)
        if replaced := describe_replaced(plan.locate(variant), card):
            self._progress.warn(replaced)
        place_file(file, plan.locate(variant), record)
        return plan.describe(variant, figures)

    def _locate(self, variant: Variant) -> Path:
        return self._scratch / variant.name_file(self._plan.source.card.name)

    def _measure(self, predicted: NDArray[np.float32], megabytes: float, times: dict[str, Any]) -> Figures:
        return Figures(
            megabytes=round(megabytes, 3),
            log_loss=self._plan.photos.compute_log_loss(predicted),
            milliseconds=round(times["milliseconds"], 3),
            milliseconds_in_batch=times["milliseconds_in_batch"] and round(times["milliseconds_in_batch"], 3),
            difference=float(np.abs(predicted - self._expected).max()),
        )
