"""The job that explains photos, and what it found in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...engines.engine import Engine
from ...engines.job import Job
from ...explanations.asked import AskedPhoto
from ...explanations.explanation import Explanation, MemberExplanation
from ...explanations.sources import ExplainedSource
from ...job_files import JobFiles
from ...members.job_files import list_table_files
from ...paths import CompetitionFolder
from ...progress import Progress
from ...serialization import convert_to_plain, make_record, read_arrays, write_json
from ...stacking.prediction_report import PredictionReport

_JOB_NAME, _JOB_FUNCTION = "explain", "ensembler.explanations.jobs.explain:explain_photos"


def run_explanation(
    source: ExplainedSource, asked: Sequence[AskedPhoto], engine: Engine, scratch: Path, progress: Progress
) -> tuple[list[Explanation], list[Path]]:
    """Run the job. Return what it found of the decoded photos, and the paths of the others."""
    photos, maps = scratch / "photos.json", scratch / "maps.npz"
    write_json(photos, [asdict(photo) for photo in asked])
    rule = convert_to_plain(source.pixel_rule)
    spec = {**source.spec, "photos": str(photos), "maps": str(maps), "pixels": rule}
    job = Job(_JOB_NAME, _JOB_FUNCTION, spec, files=partial(_list_files, source, photos, asked, maps))
    [reply] = engine.run_jobs([job], scratch, progress)
    make_record(reply["report"], PredictionReport, "the reply of a job").warn(source.pixel_rule, progress)
    arrays = read_arrays(maps)
    readable = np.isfinite(arrays["probabilities"][:, 0])
    found = [
        _describe(source, photo, {name: values[row] for name, values in arrays.items()}, reply["methods"])
        for row, photo in enumerate(asked)
        if readable[row]
    ]
    return found, [Path(photo.path) for photo, is_readable in zip(asked, readable, strict=True) if not is_readable]


def _list_files(source: ExplainedSource, photos: Path, asked: Sequence[AskedPhoto], maps: Path) -> JobFiles:
    files = JobFiles(
        reads=tuple(dict.fromkeys(map(str, (*source.files, photos)))),
        writes=(str(maps),),
        photos=tuple(dict.fromkeys(photo.path for photo in asked)),
    )
    competition = source.spec["competition"]
    return files.join(list_table_files(CompetitionFolder(Path(competition)))) if competition else files


def _describe(
    source: ExplainedSource, photo: AskedPhoto, arrays: dict[str, NDArray[Any]], methods: Sequence[str]
) -> Explanation:
    chosen = int(arrays["classes"])
    probabilities = _list_probabilities(source, arrays["probabilities"])
    members = [
        MemberExplanation(
            name,
            _list_probabilities(source, arrays["member_probabilities"][number])[chosen],
            float(arrays["shares"][number]),
            arrays["member_heat"][number],
            methods[number],
        )
        for number, name in enumerate(source.members)
    ]
    return Explanation(
        photo=Path(photo.path),
        id=photo.id,
        label=photo.label,
        out_of_fold=bool(photo.folds),
        class_name=source.classes[chosen],
        predicted=source.classes[int(np.argmax(probabilities))],
        probabilities=dict(zip(source.classes, probabilities, strict=True)),
        heat=arrays["heat"],
        members=tuple(members),
        turns=photo.turns,
        is_training=photo.is_training,
    )


def _list_probabilities(source: ExplainedSource, outputs: NDArray[Any]) -> list[float]:
    """Return the probability of each class. The network of a binary task returns only the second one."""
    values = [float(value) for value in outputs]
    return [1 - values[0], values[0]] if source.task == "binary" else values
