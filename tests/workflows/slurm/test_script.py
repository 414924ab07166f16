"""The batch script: its text, what ShellCheck says of it, and runs with stand-ins for SLURM's programs."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
import pytest

from ensembler.cli.main import commands
from ensembler.errors import BadChoice
from ensembler.workflows.slurm.script import COMMANDS, slurm_script

TRAIN = ["train-members", "--members", "b0,b2"]
BIN = Path(sys.executable).parent

# A step runs its command once for each task, on this machine.
SRUN = """#!/bin/bash
echo "srun $*" >> "$FAKE_LOG"
while [[ $1 == --* ]]; do
    [[ $1 == --ntasks=* ]] && tasks=${1#*=}
    shift
done
trap 'kill -TERM $(jobs -p) 2>/dev/null; wait' TERM
for ((task = 0; task < ${tasks:-1}; task++)); do "$@" & done
wait
"""
SCONTROL = """#!/bin/bash
[[ $1 == requeue ]] && echo "$*" >> "$FAKE_LOG"
[[ $1 == show ]] && printf 'node1\\nnode2\\n'
exit 0
"""
# Writes its arguments and the number of nodes, waits, and ends like a command that saved its state.
COMMAND = """#!{python}
import json, os, signal, sys, time
import ray
ray.init(address=sys.argv[-1], log_to_driver=False, logging_level="error")
nodes = sum(node["Alive"] for node in ray.nodes())
with open(os.environ["FAKE_LOG"] + ".command", "w") as file:
    json.dump({{"arguments": sys.argv[1:], "nodes": nodes, "processors": ray.cluster_resources()["CPU"]}}, file)
try:
    time.sleep(float(os.environ["FAKE_SECONDS"]))
except KeyboardInterrupt:
    time.sleep(0.5)
    open(os.environ["FAKE_LOG"] + ".saved", "w").close()
    sys.exit(130)
sys.exit(int(os.environ.get("FAKE_CODE", "0")))
"""


class Allocation:
    """A folder with stand-ins for ``srun``, ``scontrol`` and ``ensembler``, and the environment of a job."""

    def __init__(self, folder: Path, **environment: str) -> None:
        self.folder = folder
        self.log = folder / "log"
        programs = folder / "some programs"
        programs.mkdir()
        for name, text in (
            ("srun", SRUN),
            ("scontrol", SCONTROL),
            ("ensembler", COMMAND.format(python=sys.executable)),
        ):
            (programs / name).write_text(text)
            (programs / name).chmod(0o755)
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("RAY_", "SLURM_"))},
            "PATH": f"{programs}:{BIN}:{os.environ['PATH']}",
            "FAKE_LOG": str(self.log),
            "FAKE_SECONDS": "0",
            "SLURM_JOB_ID": str(os.getpid()),
            "SLURM_JOB_NUM_NODES": "2",
            "SLURM_JOB_NODELIST": "node[1-2]",
            "SLURM_CPUS_PER_TASK": "1",
            "SLURM_MEM_PER_NODE": "1000",
            **environment,
        }

    def start(self, **options: Any) -> subprocess.Popen[str]:
        script = self.folder / "job.sbatch"
        options = {"setup": ["true"], "nodes": 2, **options}
        script.write_text(slurm_script([*TRAIN, "--name", 'it\'s "$HOME" `x`'], **options))
        return subprocess.Popen(
            ["bash", str(script)], env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )

    def read_call(self, process: subprocess.Popen[str]) -> dict[str, Any]:
        """Wait until the command has written its call."""
        file = self.log.with_name("log.command")
        while not (file.exists() and file.read_text().endswith("}")):
            assert process.poll() is None, process.communicate()[0]
            time.sleep(0.1)
        found: dict[str, Any] = json.loads(file.read_text())
        return found

    def require_nothing_left(self) -> None:
        job = f"ray-{self.environment['SLURM_JOB_ID']}-"
        running = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
        assert [line for line in running.splitlines() if job in line] == []
        assert list(Path("/tmp").glob(f"{job}*")) == []


def check(script: str) -> None:
    program = shutil.which("shellcheck", path=f"{BIN}{os.pathsep}{os.environ['PATH']}")
    assert program, "install the extra dev, which contains ShellCheck"
    found = subprocess.run([program, "--shell=bash", "-"], input=script, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stdout


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"nodes": 4, "gpus": 8, "processors": 64, "memory": "500G", "time": "2-00:00:00", "partition": "a100"},
        {"account": "me", "name": "b0.strong", "sbatch": ["--constraint=a100", "--mail-type=END"], "requeues": 0},
        {"setup": ["module load cuda/12", "source '/my env/bin/activate'", "export DATA=/scratch/$USER"]},
    ],
)
def test_shellcheck_finds_nothing(options: dict[str, Any]) -> None:
    check(slurm_script([*TRAIN, "--name", "it's"], **options))
    check(slurm_script("--data '/my data' predict 'a photo.png' \"$HOME\" -o out.csv", **options))


def test_directives_come_first_and_only_those_that_are_given() -> None:
    script = slurm_script(TRAIN, nodes=2, gpus=4, processors=16, memory="64G", time="12:00:00", sbatch="--exclusive")
    directives, _, body = script.partition("\n\n")
    assert directives.splitlines() == [
        "#!/bin/bash",
        "#SBATCH --job-name=ensembler",
        "#SBATCH --output=ensembler-%j.log",
        "#SBATCH --nodes=2",
        "#SBATCH --ntasks-per-node=1",
        "#SBATCH --cpus-per-task=16",
        "#SBATCH --gpus-per-node=4",
        "#SBATCH --mem=64G",
        "#SBATCH --time=12:00:00",
        "#SBATCH --signal=B:USR1@300",
        "#SBATCH --open-mode=append",
        "#SBATCH --requeue",
        "#SBATCH --exclusive",
    ]
    assert "#SBATCH" not in body
    plain = slurm_script(TRAIN)
    assert [name for name in ("gpus-per-node", "partition", "account") if f"--{name}=" in plain] == []


def test_words_of_the_user_are_not_taken_for_those_of_the_template() -> None:
    script = slurm_script([*TRAIN, "--name", "@seconds@"], setup=["export X=@command@"])
    assert "--name @seconds@ --engine ray" in script
    assert "\nexport X=@command@\n" in script


@pytest.mark.parametrize("words", [TRAIN, ["ensembler", *TRAIN], [shlex.join(TRAIN)], shlex.join(TRAIN)])
def test_the_command_is_a_list_or_one_text(words: str | Sequence[str]) -> None:
    assert '\nensembler train-members --members b0,b2 --engine ray --ray-address "$address" &\n' in slurm_script(words)


@pytest.mark.parametrize(
    ("command", "options", "message"),
    [
        ("fetch dogs", {}, "must be one with jobs"),
        ("", {}, "texts that are not empty"),
        ("train-members 'b0", {}, "close each quote"),
        ("train-members --engine=local", {}, "sets engine itself"),
        ("train-members --ray-address x:1", {}, "sets ray_address itself"),
        (TRAIN, {"nodes": 0}, "nodes must be"),
        (TRAIN, {"gpus": -1}, "gpus must be"),
        (TRAIN, {"time": "two hours"}, "D-HH:MM:SS"),
        (TRAIN, {"time": "5"}, "time must be longer than save_seconds, 300 seconds"),
        (TRAIN, {"time": "00:30"}, "time must be longer"),
        (TRAIN, {"time": "1-00", "save_seconds": 86400}, "time must be longer"),
        (TRAIN, {"memory": "64 GB"}, "with K, M, G or T"),
        (TRAIN, {"name": "a\n#SBATCH --x"}, "letters, digits"),
        (TRAIN, {"sbatch": ["--x\nrm -rf /"]}, "must be one line"),
        (TRAIN, {"sbatch": "constraint=a100"}, "begin with a dash"),
        (TRAIN, {"setup": "a\nb"}, "must be one line"),
    ],
)
def test_what_cannot_be_is_refused(command: Any, options: dict[str, Any], message: str) -> None:
    with pytest.raises(BadChoice, match=message):
        slurm_script(command, **options)


@pytest.mark.parametrize("time", ["6", "05:01", "0:05:01", "0-01", "0-00:06", "0-00:05:01", "0"])
def test_a_time_limit_after_the_signal_is_accepted(time: str) -> None:
    assert f"\n#SBATCH --time={time}\n" in slurm_script(TRAIN, time=time)


def test_a_script_runs_every_command_that_has_an_engine() -> None:
    having = {name for name, each in commands.commands.items() if "--engine" in each.get_help(click.Context(each))}
    assert set(COMMANDS) == having


def test_a_missing_program_is_told(tmp_path: Path) -> None:
    allocation = Allocation(tmp_path)
    (tmp_path / "some programs" / "srun").unlink()
    process = allocation.start()
    assert "srun is not found: write the script again with --setup." in process.communicate(timeout=20)[0]
    assert process.returncode == 1


@pytest.mark.slow
def test_a_command_runs_on_all_nodes_and_everything_ends_with_it(tmp_path: Path) -> None:
    allocation = Allocation(tmp_path, FAKE_CODE="3")
    process = allocation.start()
    output = process.communicate(timeout=150)[0]
    assert process.returncode == 3, output
    call = allocation.read_call(process)
    assert call["arguments"][:5] == [*TRAIN, "--name", 'it\'s "$HOME" `x`']
    assert call["arguments"][5:8] == ["--engine", "ray", "--ray-address"]
    assert (call["nodes"], call["processors"]) == (2, 2)
    assert "requeue" not in allocation.log.read_text()
    allocation.require_nothing_left()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "requeued", "code"),
    [(signal.SIGUSR1, True, 0), (signal.SIGTERM, False, 130)],
    ids=["time limit", "cancelled"],
)
def test_the_state_is_saved_before_the_time_limit_and_the_job_is_queued_again(
    tmp_path: Path, number: signal.Signals, requeued: bool, code: int
) -> None:
    allocation = Allocation(tmp_path, FAKE_SECONDS="100")
    process = allocation.start()
    allocation.read_call(process)
    process.send_signal(number)
    output = process.communicate(timeout=60)[0]
    assert process.returncode == code, output
    assert allocation.log.with_name("log.saved").exists()
    assert (f"requeue {os.getpid()}" in allocation.log.read_text()) == requeued
    allocation.require_nothing_left()
