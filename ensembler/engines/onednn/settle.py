"""Measure once on a machine whether oneDNN helps, before work that is long enough for it to matter."""

from __future__ import annotations

from pathlib import Path

from ...errors import JobFailed
from ...progress import Progress
from ..job import Job
from ..local import run_jobs
from ..worker_processes import WorkerProcesses
from .choice import OFF, ON, ONEDNN_VARIABLE, choose_setting, is_settled, write_measurement

# Work, as :mod:`ensembler.members.work` counts it, of some ten minutes on two processors; measuring takes twenty
# seconds.
MIN_WORK = 6e6


def settle_onednn(work: float, logs: Path, progress: Progress) -> None:
    """Measure whether oneDNN helps, unless that is known, a person has chosen, or so little work is not worth it.

    Parameters
    ----------
    work
        What lies ahead on processors, as :mod:`ensembler.members.work` counts it.
    """
    if work < MIN_WORK or is_settled():
        return
    seconds = {}
    for value, name in ((ON, "with"), (OFF, "without")):
        job = Job(f"time a network {name} oneDNN", "ensembler.engines.onednn.jobs.measure:time_network", {})
        with WorkerProcesses(1, environment={ONEDNN_VARIABLE: value}) as processes:
            try:
                [seconds[value]] = run_jobs([job], logs, progress, processes=processes)
            except JobFailed:
                # Whatever is wrong, the jobs that matter will say it.
                return
    write_measurement(seconds)
    word = "with" if choose_setting() == ON else "without"
    progress.note(
        f"From now on this machine computes {word} oneDNN: a batch takes {1e3 * seconds[ON]:.0f} ms with it and "
        f"{1e3 * seconds[OFF]:.0f} ms without; {ONEDNN_VARIABLE} overrules that."
    )
