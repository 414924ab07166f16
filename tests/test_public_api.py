from __future__ import annotations

import importlib
import types

import pytest

import ensembler

PUBLIC = [
    "AugmentedPhotos",
    "BuiltStack",
    "CheckResult",
    "Competition",
    "EngineOptions",
    "EnsemblerError",
    "Event",
    "Explanations",
    "ExportResult",
    "ExportedFile",
    "FoldsResult",
    "Hints",
    "LayoutResult",
    "ListedBackbone",
    "ListedMember",
    "Listing",
    "LoadedStack",
    "MemberResult",
    "NotebookResult",
    "Predictions",
    "Progress",
    "RemovedMembers",
    "ReportResult",
    "RunOptions",
    "ScoreResult",
    "StackResult",
    "Status",
    "SubmitResult",
    "SurveyResult",
    "TrainingOptions",
    "TurnedPhotos",
    "Workspace",
    "__version__",
    "adopt",
    "check",
    "config",
    "demo",
    "distill",
    "explain",
    "export",
    "fetch",
    "folds",
    "layout",
    "list_backbones",
    "list_members",
    "load_stack",
    "notebook",
    "open",
    "predict",
    "remove_members",
    "report",
    "score",
    "show_augmented",
    "slurm_script",
    "stack",
    "status",
    "submissions",
    "submit",
    "survey",
    "train_members",
    "turn_photos",
]


def test_the_list_of_public_names():
    assert ensembler.__all__ == PUBLIC
    assert dir(ensembler) == PUBLIC


@pytest.mark.parametrize("name", PUBLIC)
def test_each_name_is_there(name):
    assert getattr(ensembler, name).__doc__


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'bake'"):
        ensembler.bake  # noqa: B018


@pytest.mark.parametrize("name", [name for name in PUBLIC if name != "__version__"])
def test_no_module_takes_the_place_of_a_name(name):
    importlib.import_module(f"ensembler.{ensembler._HOMES[name]}")
    assert not isinstance(getattr(ensembler, name), types.ModuleType)
