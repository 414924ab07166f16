"""What is kept of a survey: figures as JSON and CSV, and a picture of them."""

from __future__ import annotations

import csv
import io
from dataclasses import replace

from ...errors import counted
from ...paths import CompetitionFolder
from ...reports.loss_picture import Candidate, draw_losses
from ...serialization import write_json
from ...storage import write_text
from .result import Survey, Surveyed


def save_survey(folder: CompetitionFolder, survey: Survey) -> Survey:
    """Write ``survey.json``, ``survey.csv`` and the picture into the competition's folder ``survey``."""
    place = folder.root / "survey"
    picture = place / "losses.png", place / "losses.svg"
    draw_losses([_drawn(one, survey) for one in survey.candidates], _title(folder, survey), *picture)
    kept = replace(survey, picture=picture)
    write_json(place / "survey.json", kept.fields())
    write_text(place / "survey.csv", csv_text(kept))
    return kept


def _title(folder: CompetitionFolder, survey: Survey) -> str:
    count = counted(survey.candidates, "backbone")
    return f"{folder.name}: {count} with linear heads, {survey.photos:,} photos"


def _drawn(one: Surveyed, survey: Survey) -> Candidate:
    return Candidate(
        name=one.name,
        log_loss=one.figures.log_loss,
        standard_error=one.figures.log_loss_error,
        milliseconds=one.measures.milliseconds,
        parameters=one.measures.parameters,
        finished=one.photos == survey.photos,
    )


def csv_text(survey: Survey) -> str:
    """Lay the candidates out as CSV, a column for each field of the JSON."""
    buffer = io.StringIO()
    rows = [one.fields() for one in survey.candidates]
    writer = csv.DictWriter(buffer, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return buffer.getvalue()
