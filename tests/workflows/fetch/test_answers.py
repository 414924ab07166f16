from __future__ import annotations

import pytest
from helpers.answers_made import DOGS
from helpers.photos import Heard

from ensembler.competition.layout.evidence import Evidence
from ensembler.competition.layout.hints import Hints
from ensembler.progress import SILENT
from ensembler.workflows.fetch.answers import back_up_edited_manifest, merge_hints, save_manifest


@pytest.fixture
def folder(workspace):
    return workspace.competition("dogs")


@pytest.mark.parametrize(
    ("before", "now", "after"),
    [
        (Hints(), Hints(), Hints()),
        (Hints(groups="none"), Hints(metric="roc auc"), Hints(groups="none", metric="roc auc")),
        (
            Hints(metric="accuracy", incomplete_labels=True),
            Hints(metric="roc auc"),
            Hints(metric="roc auc", incomplete_labels=True),
        ),
        (Hints(positive="dog"), Hints(), Hints(positive="dog")),
        (
            Hints(labels="cars.csv", image_column="file", label_column="colour", group_column="vin", metric="accuracy"),
            Hints(labels="folders"),
            Hints(labels="folders", metric="accuracy"),
        ),
    ],
)
def test_a_later_answer_does_not_undo_the_former_ones(folder, before, now, after):
    save_manifest(folder, DOGS, before, Evidence(), SILENT)
    assert merge_hints(folder, now) == after


@pytest.mark.parametrize("content", ["", "[]", '{"answers": {"unknown": 5}}'])
def test_what_cannot_be_read_or_is_of_another_version_answers_nothing(folder, content):
    folder.root.mkdir(parents=True)
    folder.hints.write_text(content)
    assert merge_hints(folder, Hints(positive="dog")) == Hints(positive="dog")


def test_an_answer_that_did_not_fit_is_not_remembered(folder):
    assert merge_hints(folder, Hints(metric="whale")) == Hints(metric="whale")
    assert merge_hints(folder, Hints()) == Hints()


def test_corrections_by_hand_are_kept_aside(folder):
    heard = Heard()
    back_up_edited_manifest(folder, heard)
    save_manifest(folder, DOGS, Hints(), Evidence(), SILENT)
    back_up_edited_manifest(folder, heard)
    assert heard.warnings == []
    folder.manifest.write_text(folder.manifest.read_text() + "# mine\n")
    back_up_edited_manifest(folder, heard)
    assert (folder.root / "competition.toml.before").read_text().endswith("# mine\n")
    [warning] = heard.warnings
    assert "competition.toml.before" in warning
