"""From a Kaggle image competition's slug to a scored submission by a stack of fine-tuned Keras backbones.

The names below are the public API; each loads what it needs at its first use.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .checks.result import CheckResult
    from .competition.layout.hints import Hints
    from .errors import EnsemblerError
    from .events import Event
    from .exports.result import ExportedFile, ExportResult
    from .handle.competition import Competition
    from .handle.opening import adopt, fetch, open  # noqa: A004 - reads as `gzip.open` does
    from .options.declared import EngineOptions, RunOptions, TrainingOptions
    from .paths import Workspace
    from .progress import Progress
    from .stacking.jobs.loaded_stack import LoadedStack, load_stack
    from .tables import Listing
    from .workflows.backbones import ListedBackbone, list_backbones
    from .workflows.check import check
    from .workflows.config import config
    from .workflows.demo import demo
    from .workflows.distill import distill
    from .workflows.explain.explain import explain
    from .workflows.explain.result import Explanations
    from .workflows.export import export
    from .workflows.folds import FoldsResult, folds
    from .workflows.layout import LayoutResult, layout
    from .workflows.members.listed_member import ListedMember
    from .workflows.members.listing import list_members
    from .workflows.members.removal import RemovedMembers, remove_members
    from .workflows.predict import Predictions, predict
    from .workflows.report.report import ReportResult, report
    from .workflows.results import MemberResult, ScoreResult, StackResult, SubmitResult
    from .workflows.slurm.script import slurm_script
    from .workflows.stack import stack
    from .workflows.status.standing import BuiltStack, Status
    from .workflows.status.status import status
    from .workflows.submit.notebook import NotebookResult, notebook
    from .workflows.submit.score import score
    from .workflows.submit.submissions import submissions
    from .workflows.submit.submit import submit
    from .workflows.survey.result import SurveyResult
    from .workflows.survey.survey import survey
    from .workflows.train.preview import AugmentedPhotos, show_augmented
    from .workflows.train.train import train_members
    from .workflows.turn import TurnedPhotos, turn_photos

__version__ = "0.1.0"

# The module that each public name comes from.
_HOMES = {
    "AugmentedPhotos": "workflows.train.preview",
    "BuiltStack": "workflows.status.standing",
    "CheckResult": "checks.result",
    "Competition": "handle.competition",
    "EnsemblerError": "errors",
    "Event": "events",
    "Explanations": "workflows.explain.result",
    "ExportResult": "exports.result",
    "ExportedFile": "exports.result",
    "FoldsResult": "workflows.folds",
    "Hints": "competition.layout.layout",
    "LayoutResult": "workflows.layout",
    "ListedBackbone": "workflows.backbones",
    "ListedMember": "workflows.members.listed_member",
    "Listing": "tables",
    "LoadedStack": "stacking.jobs.loaded_stack",
    "MemberResult": "workflows.results",
    "NotebookResult": "workflows.submit.notebook",
    "Predictions": "workflows.predict",
    "Progress": "progress",
    "RemovedMembers": "workflows.members.removal",
    "EngineOptions": "options.declared",
    "ReportResult": "workflows.report.report",
    "RunOptions": "options.declared",
    "ScoreResult": "workflows.results",
    "StackResult": "workflows.results",
    "Status": "workflows.status.standing",
    "SubmitResult": "workflows.results",
    "SurveyResult": "workflows.survey.result",
    "TrainingOptions": "options.declared",
    "TurnedPhotos": "workflows.turn",
    "Workspace": "paths",
    "adopt": "handle.opening",
    "check": "workflows.check",
    "config": "workflows.config",
    "demo": "workflows.demo",
    "distill": "workflows.distill",
    "explain": "workflows.explain.explain",
    "export": "workflows.export",
    "fetch": "handle.opening",
    "folds": "workflows.folds",
    "layout": "workflows.layout",
    "list_backbones": "workflows.backbones",
    "list_members": "workflows.members.listing",
    "load_stack": "stacking.jobs.loaded_stack",
    "notebook": "workflows.submit.notebook",
    "open": "handle.opening",
    "predict": "workflows.predict",
    "remove_members": "workflows.members.removal",
    "report": "workflows.report.report",
    "score": "workflows.submit.score",
    "show_augmented": "workflows.train.preview",
    "slurm_script": "workflows.slurm.script",
    "stack": "workflows.stack",
    "status": "workflows.status.status",
    "submissions": "workflows.submit.submissions",
    "submit": "workflows.submit.submit",
    "survey": "workflows.survey.survey",
    "train_members": "workflows.train.train",
    "turn_photos": "workflows.turn",
}

__all__ = [
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


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f".{_HOMES[name]}", __name__), name)


def __dir__() -> list[str]:
    return __all__
