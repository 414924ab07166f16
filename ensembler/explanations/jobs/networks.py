"""The networks that are explained: a stack's file, or a stack of some folds of its members."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ...backbones.names import make_layer_names
from ...competition.task import Task
from ...members.records import MemberRecord
from ...paths import CompetitionFolder
from ...stacking.blend import Blend
from ...stacking.jobs.keras_stack import assemble, build_member_network, load_network
from ...stacking.jobs.loaded_stack import load_stack
from ...stacking.networks import Network
from ...stacking.records import load_blend
from .explained_network import ExplainedNetwork


class NetworkSource:
    """Loads the networks that explain photos. Networks that several stacks share are loaded once.

    Parameters
    ----------
    spec
        Options of the job. ``file``: path of a ``stack.keras``, empty to build it of the members. ``competition``: its
        folder. ``stack``: name of the stack whose meta-learner joins the members, empty to average their log-odds.
        ``members``: names of the members. ``task``: task of the competition. ``frozen``: whether the folds of each
        member share its backbone.
    """

    def __init__(self, spec: dict[str, Any]) -> None:
        self._spec = spec
        self._load = functools.cache(load_network)

    @property
    def _task(self) -> Task:
        task: Task = self._spec["task"]
        return task

    def open(self, folds: Sequence[int]) -> tuple[ExplainedNetwork, Any]:
        """Return the network of some folds, and its Keras model. Without folds, it is that of all folds."""
        if not folds and self._spec["file"]:
            stack = load_stack(self._spec["file"])
            return self._explain(stack.network, [member.layer for member in stack.card.members]), stack.network
        folder = CompetitionFolder(Path(self._spec["competition"]))
        names = self._spec["members"]
        layer_names = make_layer_names(names)
        networks = [
            self._build_member(folder, name, layer, folds) for name, layer in zip(names, layer_names, strict=True)
        ]
        if not self._spec["stack"] and len(networks) == 1:
            return self._explain(networks[0], [], len(folds)), networks[0]
        model = assemble(networks, self._load_blend(folder, networks))
        return self._explain(model, layer_names, len(folds)), model

    def _build_member(self, folder: CompetitionFolder, name: str, layer: str, folds: Sequence[int]) -> Any:
        record = MemberRecord.load(folder, name)
        return build_member_network(folder, record, layer, refit=False, folds=folds or None, load=self._load)

    def _load_blend(self, folder: CompetitionFolder, networks: Sequence[Any]) -> Blend:
        if self._spec["stack"]:
            return load_blend(folder, self._spec["stack"])
        mean = Network.build_mean(len(networks), networks[0].output_shape[-1])
        return Blend(self._task == "multiclass", (mean,))

    def _explain(self, model: Any, layers: Sequence[str], folds: int = 0) -> ExplainedNetwork:
        return ExplainedNetwork(model, layers, self._task, folds=folds)
