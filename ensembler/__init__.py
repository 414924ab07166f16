"""From a Kaggle image competition's slug to a scored submission by a stack of fine-tuned Keras backbones.

The names below are the public API; each loads what it needs at its first use.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .competition.layout.layout import Hints
    from .errors import EnsemblerError
    from .stacking.loaded_stack import LoadedStack, load_stack
    from .storage import Workspace
    from .workflows.augmented_photos import show_augmented
    from .workflows.backbones import list_backbones
    from .workflows.competitions import adopt
    from .workflows.configuration_text import config
    from .workflows.demo import demo
    from .workflows.fetching import fetch
    from .workflows.folds import folds
    from .workflows.hidden_labels import score
    from .workflows.history import submissions
    from .workflows.member_removal import remove_members
    from .workflows.members import list_members
    from .workflows.notebooks import notebook
    from .workflows.predictions import predict
    from .workflows.stacks import stack
    from .workflows.status import status
    from .workflows.submitting import submit
    from .workflows.survey import survey
    from .workflows.training import train_members

__version__ = "0.1.0"

_HOMES = {
    "EnsemblerError": "errors",
    "Hints": "competition.layout.layout",
    "LoadedStack": "stacking.loaded_stack",
    "Workspace": "storage",
    "adopt": "workflows.competitions",
    "config": "workflows.configuration_text",
    "demo": "workflows.demo",
    "fetch": "workflows.fetching",
    "folds": "workflows.folds",
    "list_backbones": "workflows.backbones",
    "list_members": "workflows.members",
    "load_stack": "stacking.loaded_stack",
    "notebook": "workflows.notebooks",
    "predict": "workflows.predictions",
    "remove_members": "workflows.member_removal",
    "score": "workflows.hidden_labels",
    "show_augmented": "workflows.augmented_photos",
    "stack": "workflows.stacks",
    "status": "workflows.status",
    "submissions": "workflows.history",
    "submit": "workflows.submitting",
    "survey": "workflows.survey",
    "train_members": "workflows.training",
}

__all__ = [
    "EnsemblerError",
    "Hints",
    "LoadedStack",
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
