"""Runs in MLflow's store, which is a server, a database or a folder."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from time import time
from typing import Any, Literal

from ..errors import BadChoice
from ..event_file import make_publishable

Status = Literal["RUNNING", "FINISHED", "FAILED", "KILLED"]
FOLD_TAG, KIND_TAG, FINGERPRINT_TAG = "ensembler.fold", "ensembler.kind", "ensembler.fingerprint"
_PARENT_TAG, _NAME_TAG = "mlflow.parentRunId", "mlflow.runName"
# MLflow's own values repeat a request for many minutes, and report each step of creating a database. Telemetry would
# send figures of the use to its makers.
_DEFAULTS = {
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "15",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_LOGGING_LEVEL": "WARNING",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}
# A failed request names the objects of its connection before the cause.
_REQUEST = re.compile(
    r" with exception .*\(Caused by \w+\((?P<quote>[\"'])(?:HTTPS?Connection\w*\(.*?\): )?(?P<cause>.*)(?P=quote)\)\)$"
)
_MAX_LENGTH = 300


class Store:
    """Runs of one experiment.

    Parameters
    ----------
    client
        MLflow's client.
    experiment
        Identity of the experiment.
    """

    def __init__(self, client: Any, experiment: str) -> None:
        self._client = client
        self._experiment = experiment

    def open_run(
        self,
        name: str,
        identity: Mapping[str, str],
        params: Mapping[str, str],
        tags: Mapping[str, str],
        parent: str = "",
        *,
        new: bool = False,
    ) -> str:
        """Continue the newest run with these identifying tags, or create one, and return its identity.

        Parameters
        ----------
        name
            Name of the run in lists.
        identity
            Tags that only runs of the same work have.
        params
            Parameters of a new run. Those of an earlier one cannot change.
        tags
            Other tags.
        parent
            Identity of the run that contains it, or empty.
        new
            Whether to create a run in any case.
        """
        wanted = {**identity, **({_PARENT_TAG: parent} if parent else {})}
        words = " and ".join(f"tags.`{tag}` = '{value}'" for tag, value in wanted.items())
        if not new and (found := self._client.search_runs([self._experiment], words, max_results=1)):
            run = str(found[0].info.run_id)
            self._client.update_run(run, status="RUNNING")
            self._log(run, tags=tags)
            return run
        created = self._client.create_run(self._experiment, tags={**tags, **wanted, _NAME_TAG: name})
        run = str(created.info.run_id)
        self._log(run, params=params)
        return run

    def rename(self, run: str, name: str) -> None:
        """Give a run another name."""
        self._client.update_run(run, name=name)

    def log_metrics(
        self, run: str, metrics: Mapping[str, float], step: int = 0, milliseconds: int | None = None
    ) -> None:
        """Add a value to each metric of a run. ``milliseconds`` is the time of it since 1970, by default now."""
        from mlflow.entities import Metric

        moment = round(time() * 1000) if milliseconds is None else milliseconds
        self._client.log_batch(run, metrics=[Metric(name, value, moment, step) for name, value in metrics.items()])

    def log_changed_metrics(self, run: str, metrics: Mapping[str, float]) -> None:
        """Add the values that differ from the last ones, because a repeated call finds the same scores."""
        known = self._client.get_run(run).data.metrics
        if changed := {name: value for name, value in metrics.items() if known.get(name) != value}:
            self.log_metrics(run, changed)

    def log_tags(self, run: str, tags: Mapping[str, str]) -> None:
        """Set tags of a run."""
        self._log(run, tags=tags)

    def log_artifact(self, run: str, path: Path) -> None:
        """Store a copy of a file with a run."""
        self._client.log_artifact(run, str(path))

    def end_run(self, run: str, status: Status) -> None:
        """End a run."""
        self._client.set_terminated(run, status)

    def find_runs(self, kind: str, most: int = 1) -> list[str]:
        """Return the newest runs of a kind, such as ``stack``."""
        words = f"tags.`{KIND_TAG}` = '{kind}'"
        found = self._client.search_runs([self._experiment], words, max_results=most)
        return [str(run.info.run_id) for run in found]

    def _log(self, run: str, *, params: Mapping[str, str] | None = None, tags: Mapping[str, str] | None = None) -> None:
        from mlflow.entities import Param, RunTag

        # MLflow takes at most 100 parameters at once.
        for part in _divide([Param(name, value) for name, value in (params or {}).items()]):
            self._client.log_batch(run, params=part)
        for part in _divide([RunTag(name, value) for name, value in (tags or {}).items()]):
            self._client.log_batch(run, tags=part)


def _divide(items: list[Any], size: int = 100) -> Iterable[list[Any]]:
    return (items[begin : begin + size] for begin in range(0, len(items), size))


def open_store(experiment: str) -> Store:
    """Open MLflow's store, and create the experiment if necessary.

    The environment variables MLFLOW_TRACKING_URI, MLFLOW_EXPERIMENT_NAME and MLFLOW_EXPERIMENT_ID have precedence.
    Without them the store is the one that ``mlflow ui`` opens in the same folder, ``mlflow.db``.

    Parameters
    ----------
    experiment
        Name of the experiment.

    Raises
    ------
    BadChoice
        If the store cannot be opened.
    """
    for name, value in _DEFAULTS.items():
        os.environ.setdefault(name, value)
    try:
        from mlflow.tracking import MlflowClient

        client = MlflowClient()
        return Store(client, _find_experiment(client, experiment))
    except Exception as error:
        # Its stores raise errors of many libraries.
        raise BadChoice(
            f"MLflow's store cannot be opened, so nothing was begun ({describe_failure(error).rstrip('.')}): check "
            "MLFLOW_TRACKING_URI and MLFLOW_EXPERIMENT_NAME, or leave --track out."
        ) from error


def describe_failure(error: Exception) -> str:
    """Return what a store says of its failure, in one line without secrets."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return str(make_publishable(_REQUEST.sub(r": \g<cause>", lines[0]), os.environ))[:_MAX_LENGTH]


def _find_experiment(client: Any, name: str) -> str:
    name = os.environ.get("MLFLOW_EXPERIMENT_NAME") or name
    known = os.environ.get("MLFLOW_EXPERIMENT_ID")
    found = client.get_experiment(known) if known else client.get_experiment_by_name(name)
    if not found:
        return str(client.create_experiment(name))
    if found.lifecycle_stage == "deleted":
        # It would be found, and then refuse each run.
        raise ValueError(f"its experiment {found.name} is deleted")
    return str(found.experiment_id)
