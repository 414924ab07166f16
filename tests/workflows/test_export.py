"""What is exported, kept and refused; files of each runtime are in tests/exports/jobs/test_writers.py."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.jobs_here import replace_local_engine
from helpers.members_made import make_member, record_of, small_competition
from helpers.photos import Heard, truncate, write_photo
from helpers.stacks_made import make_stack

from ensembler.competition.tables import load_tables
from ensembler.engines.job import Job
from ensembler.errors import BadChoice, EnsemblerError, JobFailed, Mismatch
from ensembler.exports.card import read_export_record
from ensembler.members.predictions import load_members
from ensembler.members.records import list_network_files
from ensembler.paths import CompetitionFolder, Workspace
from ensembler.progress import Progress
from ensembler.serialization import read_arrays, write_arrays
from ensembler.stacking.card import StackedMember, attach_card, make_stack_card
from ensembler.storage import write_bytes
from ensembler.workflows.export import export
from ensembler.workflows.fetch.adopt import adopt
from ensembler.workflows.predict import predict
from ensembler.workflows.stack import stack
from ensembler.workflows.train.train import train_members


@dataclass
class Runtimes:
    """Stands for the jobs: files differ from Keras by what is written here, or cannot be written or run."""

    differ: dict[str, float] = field(default_factory=dict)
    unwritable: tuple[str, ...] = ()
    dying: tuple[str, ...] = ()
    specs: list[dict[str, Any]] = field(default_factory=list)
    cards: dict[str, Any] = field(default_factory=dict)

    def run(self, jobs: Sequence[Job], logs: Path, progress: Progress) -> list[Any]:
        del logs, progress
        [job] = jobs
        self.specs.append(job.spec)
        times = {"milliseconds": 2.0, "milliseconds_in_batch": 1.0}
        # Each photo is surely of its class a, b or c, by the name of its folder or else at random.
        rows = ["abc".index(Path(path).parent.name) for path in job.spec["photos"]]
        probabilities = np.full((len(rows), 3), 0.1, np.float32) + 0.7 * np.eye(3, dtype=np.float32)[rows]
        if job.function.endswith(":convert_network"):
            write_arrays(Path(job.spec["predictions"]), probabilities=probabilities)
            files = {Path(each["path"]): each["card"] for each in job.spec["files"]}
            problems = {}
            for file, card in files.items():
                self.cards[str(file)] = {**card, "inputs": ["pixels_224"]}
                if file.name in self.unwritable:
                    problems[str(file)] = "it cannot be converted (ValueError: no such layer)"
                else:
                    file.write_bytes(file.name.encode())
            return [{"problems": problems, "machine": "a CPU, 2 threads", **times}]
        file = Path(job.spec["file"])
        if file.name in self.dying:
            raise JobFailed("The job ended without a result.")
        probabilities[:, 0] += np.float32(self.differ.get(file.name, 0.0))
        write_arrays(Path(job.spec["predictions"]), probabilities=probabilities)
        return [{"card": self.cards[str(file)], **times}]


@pytest.fixture
def runtimes(monkeypatch: pytest.MonkeyPatch) -> Runtimes:
    made = Runtimes()
    replace_local_engine(monkeypatch, made.run)
    return made


@pytest.fixture
def folder(tmp_path: Path) -> CompetitionFolder:
    """A competition with the stacks ``old`` and ``new``, and the member ``demo-conv``."""
    folder, tables = small_competition(tmp_path)
    for name in ("old", "new"):
        make_stack(folder, tables, name)
        file = folder.stack(name) / "stack.keras"
        zipfile.ZipFile(file, "w").close()
        attach_card(file, make_stack_card(name, tables.manifest, [StackedMember("b0", "b0", 224)]))
    make_member(folder, tables, "demo-conv")
    for path in list_network_files(folder, record_of(folder, tables)):
        write_bytes(path, path.name.encode())
    return folder


def run(folder: CompetitionFolder, **options: Any) -> Any:
    output = folder.root.parent.parent / "out"
    return export(output=output, workspace=folder.workspace, **options)


def names(folder: CompetitionFolder) -> list[str]:
    return sorted(path.name for path in (folder.root.parent.parent / "out").iterdir())


def test_files_are_written_with_what_was_measured(folder: CompetitionFolder, runtimes: Runtimes) -> None:
    result = run(folder, formats="onnx,litert", quantize=["none", "fp16"])
    assert [file.name for file in result.files] == ["new.onnx", "new-fp16.onnx", "new.tflite", "new-fp16.tflite"]
    assert names(folder) == sorted(f"{file.name}{end}" for file in result.files for end in ("", ".json"))
    record = read_export_record(result.files[1].file)
    assert record is not None
    assert (record.card.quantization, record.card.inputs, record.card.network.name) == ("fp16", ("pixels_224",), "new")
    assert record.exported == result.files[1].figures
    assert record.exported.log_loss == pytest.approx(-np.log(0.8), abs=1e-6)
    # Twelve of the 24 training photos are compared, the others calibrate.
    assert (record.training_photos, record.test_photos, len(runtimes.specs[0]["calibration"])) == (12, 6, 12)
    table = str(result)
    assert "new-fp16.onnx" in table
    assert "12 photos of training and 6 photos of test" in table
    assert json.loads(json.dumps(result.to_json()))["files"][0]["figures"]["difference"] == 0


def test_a_member_is_exported_too(folder: CompetitionFolder, runtimes: Runtimes) -> None:
    result = run(folder, member="demo-conv")
    assert names(folder) == ["demo-conv.onnx", "demo-conv.onnx.json"]
    assert runtimes.specs[0]["member"] == "demo-conv"
    assert result.name == "demo-conv"


def test_a_second_export_does_only_what_is_missing(folder: CompetitionFolder, runtimes: Runtimes) -> None:
    first = run(folder)
    again = run(folder)
    assert len(runtimes.specs) == 2
    assert [replace(file, kept=False) for file in again.files] == list(first.files)
    assert (again.keras, again.machine, again.files[0].kept) == (first.keras, first.machine, True)
    both = run(folder, formats="onnx,litert")
    assert [file.kept for file in both.files] == [True, False]
    assert [Path(each["path"]).name for each in runtimes.specs[2]["files"]] == ["new.tflite"]
    attach = zipfile.ZipFile(folder.stack("new") / "stack.keras", "a")
    attach.writestr("more", "another network")
    attach.close()
    assert [file.kept for file in run(folder).files] == [False]


@pytest.mark.parametrize(
    ("differ", "unwritable", "dying", "said"),
    [
        ({"new.onnx": 2e-4}, (), (), "new.onnx is not written: a probability differs by 0.0002, more than 0.0001"),
        ({"new.onnx": float("nan")}, (), (), "a probability differs by nan"),
        ({}, ("new.onnx",), (), "cannot be converted (ValueError: no such layer)"),
        ({}, (), ("new.onnx",), "its runtime failed: The job ended without a result"),
    ],
)
def test_a_file_that_is_not_what_keras_is_leaves_nothing(
    folder: CompetitionFolder,
    runtimes: Runtimes,
    differ: dict[str, float],
    unwritable: tuple[str, ...],
    dying: tuple[str, ...],
    said: str,
) -> None:
    runtimes.differ, runtimes.unwritable, runtimes.dying = differ, unwritable, dying
    heard = Heard()
    result = run(folder, formats="onnx,litert", progress=heard)
    assert said in result.refused[0].describe_refusal()
    assert heard.warnings == [file.describe_refusal() for file in result.refused]
    assert names(folder) == ["new.tflite", "new.tflite.json"]
    assert "refused" in str(result)
    with pytest.raises(Mismatch) as error:
        run(folder, formats="onnx")
    assert said in str(error.value)


def test_the_tolerance_is_ones_own(folder: CompetitionFolder, runtimes: Runtimes) -> None:
    runtimes.differ = {"new.onnx": 2e-4, "new-int8.onnx": -0.05}
    assert not run(folder, tolerance=1e-3).refused
    # The log loss rises by 0.03 on photos of class a, a third of all.
    with pytest.raises(Mismatch, match=r"the log loss rises from 0\.2231"):
        run(folder, quantize="int8")
    assert not run(folder, quantize="int8", tolerance=0.1).refused


@pytest.mark.parametrize(
    ("options", "kind", "said"),
    [
        ({"stack": "old", "member": "demo-conv"}, BadChoice, "Name either a stack or a member"),
        ({"refit": True}, BadChoice, "refit=True needs member"),
        ({"stack": "older"}, BadChoice, "did you mean old"),
        ({"member": "demo-cons"}, BadChoice, "did you mean demo-conv"),
        ({"member": "demo-conv", "refit": True}, Mismatch, "has no network trained on all photos"),
        ({"formats": "onxx"}, BadChoice, "did you mean onnx"),
        ({"tolerance": -1}, BadChoice, "tolerance must be a number, at least 0"),
        ({"photos": 0}, BadChoice, "photos must be a whole number, at least 1"),
    ],
)
@pytest.mark.usefixtures("runtimes")
def test_what_cannot_be_exported_is_one_sentence(
    folder: CompetitionFolder, options: dict[str, Any], kind: type[EnsemblerError], said: str
) -> None:
    with pytest.raises(kind, match=said):
        run(folder, **options)
    assert not (folder.root.parent.parent / "out").exists()


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A stack of two sizes of photos, trained by real processes."""
    root = tmp_path_factory.mktemp("trained")
    for row in range(48):
        write_photo(root / "photos" / "abc"[row % 3] / f"{row}.png", row)
    workspace = Workspace(root / "data", root / "submissions")
    adopt(root / "photos", "made", workspace=workspace)
    options: Any = {"weights": "none", "unfreeze": "none", "folds": 3, "workspace": workspace}
    train_members(["demo-conv"], image_size=8, **options)
    train_members(["demo-separable"], image_size=12, flips=True, **options)
    stack(name="both", workspace=workspace)
    return workspace


@pytest.mark.slow
def test_each_runtime_predicts_what_the_stack_does(trained: Workspace, tmp_path: Path) -> None:
    result = export(formats="all", output=tmp_path / "out", workspace=trained)
    assert not result.refused
    assert len(result.files) == 4
    folder = trained.competition("made")
    stored = read_arrays(folder.stack("both") / "predictions.npz")["test"]
    paths = load_tables(folder).test_paths
    broken = truncate(write_photo(tmp_path / "broken.png", 0))
    for file in result.files:
        heard = Heard()
        moved = file.file.rename(tmp_path / file.name)
        if file.format == "openvino":
            file.file.with_suffix(".bin").rename(tmp_path / "both.bin")
        found = predict([*paths, broken], model=moved, progress=heard)
        assert (found.stack, found.outputs, found.unreadable) == ("both", ("a", "b", "c"), (broken,))
        assert found.probabilities == pytest.approx(stored, abs=1e-5)
        assert len(heard.warnings) == 1


@pytest.mark.slow
def test_a_member_is_the_mean_of_its_folds_and_may_take_single_photos(trained: Workspace, tmp_path: Path) -> None:
    result = export(
        member="demo-separable", formats="litert", single_photo=True, output=tmp_path / "out", workspace=trained
    )
    folder = trained.competition("made")
    tables = load_tables(folder)
    [member] = load_members(folder, tables, ["demo-separable"])
    found = predict(tables.test_paths, model=result.files[0].file)
    assert found.probabilities == pytest.approx(member.test, abs=1e-5)
    assert result.files[0].figures is not None
    assert result.files[0].figures.milliseconds_in_batch is None
