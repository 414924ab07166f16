from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from helpers.members_made import FOLDS, SETTINGS, make_member, record_of, small_competition

from ensembler.backbones.registry import find_backbone
from ensembler.competition.folds.file import load_folds
from ensembler.competition.tables import Tables
from ensembler.images.views import WHOLE_VIEW
from ensembler.members import decodings
from ensembler.members.decodings import count_decodings
from ensembler.members.features.files import build_feature_path
from ensembler.options.resolve import choose_settings
from ensembler.options.settings import MemberSettings
from ensembler.paths import CompetitionFolder

# Of 30 photos 6 are to be predicted, and 8 of 24 are held out.
LEARNED, HELD_OUT, TEST, EPOCHS = 16, 8, 6, 5


@pytest.fixture
def made(tmp_path: Path) -> tuple[CompetitionFolder, Tables]:
    return small_competition(tmp_path)


def fine_tuned(**options: Any) -> MemberSettings:
    return choose_settings(
        find_backbone("demo-conv"),
        {"weights": "none", "unfreeze": "all", "epochs": EPOCHS, "image_size": 8, "batch_size": 32, **options},
    )[0]


@pytest.mark.parametrize(
    ("settings", "memory", "expected"),
    [
        (SETTINGS, True, 30),
        (SETTINGS, False, 30),
        (fine_tuned(head="random"), True, FOLDS * (LEARNED + EPOCHS * HELD_OUT + HELD_OUT + TEST)),
        (fine_tuned(head="random"), False, FOLDS * (EPOCHS * LEARNED + EPOCHS * HELD_OUT + HELD_OUT + TEST)),
        (fine_tuned(head="fitted"), True, 30 + FOLDS * (LEARNED + EPOCHS * HELD_OUT + HELD_OUT + TEST)),
    ],
    ids=["frozen", "frozen, too many", "fine-tuned", "fine-tuned, too many", "with a fitted head"],
)
def test_photos_count_as_often_as_they_are_decoded(
    made: tuple[CompetitionFolder, Tables],
    settings: MemberSettings,
    memory: bool,
    expected: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(decodings, "can_fit_in_memory", lambda *_: memory)
    folder, tables = made
    record = replace(record_of(folder, tables), settings=settings)
    record.save(folder)
    assert count_decodings(folder, record, tables, load_folds(folder, tables)) == expected


def test_what_is_there_is_not_decoded_for(made: tuple[CompetitionFolder, Tables]) -> None:
    folder, tables = made
    folds = load_folds(folder, tables)
    make_member(folder, tables, "demo-conv")
    assert count_decodings(folder, record_of(folder, tables), tables, folds) == 0
    other = record_of(folder, tables, "other")
    assert count_decodings(folder, other, tables, folds) == 30
    file = build_feature_path(folder, other, WHOLE_VIEW)
    file.parent.mkdir(parents=True)
    file.touch()
    assert count_decodings(folder, other, tables, folds) == 0
