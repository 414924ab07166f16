"""From a Kaggle image competition's slug to a scored submission by a stack of fine-tuned Keras backbones.

The names below are the public API; each loads what it needs at its first use.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .competition.layout.layout import Hints
    from .errors import EnsemblerError
    from .options.declared import RunOptions, TrainingOptions
    from .paths import Workspace
    from .stacking.jobs.loaded_stack import LoadedStack, load_stack
    from .workflows.backbones import list_backbones
    from .workflows.config import config
    from .workflows.demo import demo
    from .workflows.fetch.adopt import adopt
    from .workflows.fetch.fetch import fetch
    from .workflows.folds import folds
    from .workflows.members.listing import list_members
    from .workflows.members.removal import remove_members
    from .workflows.predict import predict
    from .workflows.stack import stack
    from .workflows.status.status import status
    from .workflows.submit.notebook import notebook
    from .workflows.submit.score import score
    from .workflows.submit.submissions import submissions
    from .workflows.submit.submit import submit
    from .workflows.survey.survey import survey
    from .workflows.train.preview import show_augmented
    from .workflows.train.train import train_members

__version__ = "0.1.0"

_HOMES = {
    "EnsemblerError": "errors",
    "Hints": "competition.layout.layout",
    "LoadedStack": "stacking.jobs.loaded_stack",
    "RunOptions": "options.declared",
    "TrainingOptions": "options.declared",
    "Workspace": "paths",
    "adopt": "workflows.fetch.adopt",
    "config": "workflows.config",
    "demo": "workflows.demo",
    "fetch": "workflows.fetch.fetch",
    "folds": "workflows.folds",
    "list_backbones": "workflows.backbones",
    "list_members": "workflows.members.listing",
    "load_stack": "stacking.jobs.loaded_stack",
    "notebook": "workflows.submit.notebook",
    "predict": "workflows.predict",
    "remove_members": "workflows.members.removal",
    "score": "workflows.submit.score",
    "show_augmented": "workflows.train.preview",
    "stack": "workflows.stack",
    "status": "workflows.status.status",
    "submissions": "workflows.submit.submissions",
    "submit": "workflows.submit.submit",
    "survey": "workflows.survey.survey",
    "train_members": "workflows.train.train",
}

__all__ = [
    "EnsemblerError",
    "Hints",
    "LoadedStack",
    "RunOptions",
    "TrainingOptions",
    "Workspace",
    "__version__",
    "adopt",
    "config",
    "demo",
    "fetch",
    "folds",
    "list_backbones",
    "list_members",
    "load_stack",
    "notebook",
    "predict",
    "remove_members",
    "score",
    "show_augmented",
    "stack",
    "status",
    "submissions",
    "submit",
    "survey",
    "train_members",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f".{_HOMES[name]}", __name__), name)


def __dir__() -> list[str]:
    return __all__
