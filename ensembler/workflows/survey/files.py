"""Files of a survey: JSON, CSV and a picture."""

from __future__ import annotations

import csv
import io
from dataclasses import replace

from ...charts.loss_picture import PlottedBackbone, draw_losses
from ...errors import format_count
from ...paths import CompetitionFolder
from ...serialization import write_json
from ...storage import write_text
from .result import SurveyedBackbone, SurveyResult


def save_survey(folder: CompetitionFolder, survey: SurveyResult) -> SurveyResult:
    """Write ``survey.json``, ``survey.csv`` and the picture into the competition's folder ``survey``."""
    directory = folder.root / "survey"
    picture = directory / "losses.png", directory / "losses.svg"
    count = format_count(survey.candidates, "backbone")
    title = f"{folder.name}: {count} with linear heads, {survey.photos:,} photos"
    draw_losses([_build_plotted_backbone(one, survey) for one in survey.candidates], title, *picture)
    saved = replace(survey, picture=picture)
    write_json(directory / "survey.json", saved.to_json())
    write_text(directory / "survey.csv", format_survey_csv(saved))
    return saved


def _build_plotted_backbone(one: SurveyedBackbone, survey: SurveyResult) -> PlottedBackbone:
    return PlottedBackbone(
        name=one.name,
        log_loss=one.scores.log_loss,
        standard_error=one.scores.log_loss_error,
        milliseconds=one.speed.milliseconds_per_photo,
        parameters=one.speed.parameters,
        finished=one.photos == survey.photos,
    )


def format_survey_csv(survey: SurveyResult) -> str:
    """Return the candidates as CSV, with a column for each field of the JSON."""
    buffer = io.StringIO()
    rows = [one.to_json() for one in survey.candidates]
    writer = csv.DictWriter(buffer, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return buffer.getvalue()
