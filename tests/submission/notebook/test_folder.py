from __future__ import annotations

import ast
import json
import os
import re
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest
from helpers.members_made import small_competition
from helpers.stacks_made import as_if_on_kaggle, make_stack
from slugify import slugify

from ensembler.competition.manifest import Manifest
from ensembler.competition.tables import Tables, load_tables
from ensembler.errors import BadChoice, BadData, Mismatch
from ensembler.paths import CompetitionFolder
from ensembler.storage import compute_file_digest
from ensembler.submission.notebook.bundle import Bundle, is_list_name
from ensembler.submission.notebook.folder import (
    NotebookFolder,
    choose_stack,
    make_notebook_slug,
    make_title,
    write_notebook,
)

Made = tuple[CompetitionFolder, Tables]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    folder, _ = small_competition(tmp_path_factory.mktemp("made"))
    as_if_on_kaggle(folder, "some-pets")
    tables = load_tables(folder)
    make_stack(folder, tables)
    return folder, tables


@pytest.fixture(scope="module")
def written(made: Made, tmp_path_factory: pytest.TempPathFactory) -> NotebookFolder:
    return write_notebook(*made, "a_b", tmp_path_factory.mktemp("written") / "out", owner="me")


@pytest.fixture
def light(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out the one wheel that takes time to pack."""
    monkeypatch.setattr("ensembler.submission.notebook.folder.SHIPPED", ("ensembler", "tomli-w"))


def bundle_of(written: NotebookFolder) -> Path:
    return next(path for path in written.dataset.iterdir() if is_list_name(path.name))


@pytest.mark.parametrize(
    ("competition", "stack", "expected"),
    [
        ("dogs-vs-cats", "b0_b2", "ensembler-dogs-vs-cats-b0-b2"),
        ("x", "1", "ensembler-x-1"),
        ("Some.Name", "B0@224", "ensembler-some-name-b0-224"),
        ("c" * 20, "s" * 19, f"ensembler-{'c' * 20}-{'s' * 19}"),
    ],
)
def test_names_are_readable(competition: str, stack: str, expected: str) -> None:
    assert make_notebook_slug(competition, stack) == expected


@pytest.mark.parametrize(
    ("competition", "stack"),
    [
        ("c" * 20, "s" * 20),
        ("dogs-vs-cats-redux-kernels-edition", "mobilenet_mobilenetv2"),
        ("c" * 40, "s"),
        ("a", "b"),
    ],
)
def test_names_are_what_kaggle_takes(competition: str, stack: str) -> None:
    slug = make_notebook_slug(competition, stack)
    assert 6 <= len(slug) <= 50
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", slug)
    assert slugify(make_title(slug)) == slug
    assert len(make_title(slug)) == len(slug)


def test_long_names_stay_different() -> None:
    assert len({make_notebook_slug("c" * 60, stack) for stack in ("a", "b", "s" * 50)}) == 3


def test_the_dataset_has_all_that_the_answer_needs(made: Made, written: NotebookFolder) -> None:
    folder, tables = made
    bundle = Bundle.load(bundle_of(written))
    wheels = sorted(path.name.partition("-")[0] for path in written.dataset.glob("*.whl"))
    assert wheels == ["ensembler", "keras", "tomli_w"]
    assert (bundle.competition, bundle.stack, bundle.outputs) == ("some-pets", "a_b", ("a", "b", "c"))
    assert bundle.labels == tables.train["label"].value_counts().to_dict()
    assert (written.dataset / "stack.keras").read_bytes() == (folder.stack("a_b") / "stack.keras").read_bytes()
    manifest = Manifest.load(written.dataset / "competition.toml")
    assert manifest == replace(tables.manifest, photos=".")
    assert set(bundle.files) == {path.name for path in written.dataset.iterdir()} - {
        bundle.list_name,
        "dataset-metadata.json",
    }


def test_kaggles_image_lacks_msgspec_and_reads_the_same(
    made: Made, written: NotebookFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = Bundle.load(bundle_of(written))
    monkeypatch.setitem(sys.modules, "msgspec", None)
    assert Bundle.load(bundle_of(written)) == here
    assert Manifest.load(written.dataset / "competition.toml") == replace(made[1].manifest, photos=".")


def test_nothing_tells_where_our_files_lie(made: Made, written: NotebookFolder) -> None:
    texts = [*written.root.rglob("*.json"), *written.root.rglob("*.toml"), written.code]
    for path in texts:
        assert str(made[0].root.parent) not in path.read_text("utf-8")


def test_the_descriptions_are_what_kaggle_asks_for(written: NotebookFolder) -> None:
    name = "me/ensembler-some-pets-a-b"
    dataset = json.loads((written.dataset / "dataset-metadata.json").read_text())
    assert (dataset["id"], dataset["title"], dataset["licenses"]) == (
        name,
        "ensembler some pets a b",
        [{"name": "other"}],
    )
    kernel = json.loads((written.notebook / "kernel-metadata.json").read_text())
    assert (kernel["id"], kernel["title"], kernel["code_file"]) == (name, "ensembler some pets a b", "submission.ipynb")
    assert (kernel["enable_internet"], kernel["is_private"], kernel["enable_gpu"]) == (False, True, True)
    assert (kernel["dataset_sources"], kernel["competition_sources"]) == ([name], ["some-pets"])


def test_the_notebook_is_valid_and_its_cells_are_python(written: NotebookFolder) -> None:
    notebook = nbformat.read(written.code, as_version=4)
    nbformat.validate(notebook)
    assert (notebook.nbformat, notebook.nbformat_minor) == (4, 5)
    code = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    assert len(code) == 3
    for source in code:
        ast.parse(source)
        assert max(map(len, source.splitlines())) <= 140
    assert bundle_of(written).name in code[0]


@pytest.mark.usefixtures("light")
def test_a_second_run_remakes_the_same_files(made: Made, tmp_path: Path) -> None:
    def digests() -> dict[str, str]:
        found = sorted(path for path in (tmp_path / "out").rglob("*") if path.is_file())
        return {str(path.relative_to(tmp_path)): compute_file_digest(path) for path in found}

    write_notebook(*made, "a_b", tmp_path / "out")
    first = digests()
    (tmp_path / "out" / ".DS_Store").write_text("left behind")
    (tmp_path / "out" / "notebook" / ".ipynb_checkpoints").mkdir()
    write_notebook(*made, "a_b", tmp_path / "out")
    assert digests() == first


@pytest.mark.usefixtures("light")
@pytest.mark.parametrize("stray", ["notes.txt", "dataset/photos/1.jpg", "dataset/my.csv", "notebook/mine.ipynb"])
def test_a_file_among_ours_is_not_lost(stray: str, made: Made, tmp_path: Path) -> None:
    write_notebook(*made, "a_b", tmp_path / "out")
    precious = tmp_path / "out" / stray
    precious.parent.mkdir(exist_ok=True)
    precious.write_text("precious")
    top = Path(*Path(stray).parts[:2])
    with pytest.raises(BadChoice, match=rf"{top} is not part of an earlier notebook.*output"):
        write_notebook(*made, "a_b", tmp_path / "out")
    assert precious.read_text() == "precious"


@pytest.mark.usefixtures("light")
@pytest.mark.parametrize(
    "there",
    [
        ["dataset/photo.jpg"],
        ["notebook/submission.ipynb"],
        ["dataset/photo.jpg", "notebook/submission.ipynb"],
        ["dataset/ensembler-0123456789abcdef.json"],
        ["dataset/ensembler-0123456789abcdef.json", "notebook/submission.ipynb"],
    ],
)
def test_folders_that_are_merely_called_like_ours_stay(there: list[str], made: Made, tmp_path: Path) -> None:
    for name in there:
        path = tmp_path / "out" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("precious")
    with pytest.raises(BadChoice, match="output"):
        write_notebook(*made, "a_b", tmp_path / "out")
    assert all((tmp_path / "out" / name).read_text() == "precious" for name in there)


@pytest.mark.usefixtures("light")
def test_an_empty_folder_is_taken(made: Made, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    assert write_notebook(*made, "a_b", tmp_path / "out").code.is_file()


@pytest.mark.usefixtures("light")
def test_another_model_is_another_dataset(made: Made, tmp_path: Path) -> None:
    folder, tables = made
    make_stack(folder, tables, "other", b"other")
    make_stack(folder, tables, "twin", b"other")
    lists = {bundle_of(write_notebook(folder, tables, name, tmp_path / name)).name for name in ("other", "twin")}
    before = bundle_of(write_notebook(folder, tables, "other", tmp_path / "other")).name
    make_stack(folder, tables, "other", b"changed")
    after = bundle_of(write_notebook(folder, tables, "other", tmp_path / "other")).name
    assert len(lists) == 2
    assert before != after


@pytest.mark.usefixtures("light")
def test_without_a_gpu(made: Made, tmp_path: Path) -> None:
    with_gpu, without = (write_notebook(*made, "a_b", tmp_path / str(gpu), gpu=gpu) for gpu in (True, False))
    assert json.loads((without.notebook / "kernel-metadata.json").read_text())["enable_gpu"] is False
    # What is pushed already is known by its cells, so they must differ.
    assert with_gpu.code.read_text() != without.code.read_text()


@pytest.mark.usefixtures("light")
@pytest.mark.parametrize("change", ["content", "missing", "list", "renamed"])
def test_a_bundle_that_was_changed_is_refused(change: str, made: Made, tmp_path: Path) -> None:
    path = bundle_of(write_notebook(*made, "a_b", tmp_path / "out"))
    toml = path.with_name("competition.toml")
    if change == "content":
        toml.write_text(toml.read_text() + "\n")
    elif change == "missing":
        toml.unlink()
    elif change == "list":
        path.write_text(path.read_text().replace('"a_b"', '"a_c"'))
    else:
        path = path.rename(path.with_name("ensembler-0000000000000000.json"))
    with pytest.raises(BadData, match=r"ensembler\.notebook\(push=True\)"):
        Bundle.load(path)


def test_the_stack_built_last_is_chosen(made: Made) -> None:
    folder, tables = made
    make_stack(folder, tables, "last")
    now = folder.stack("a_b") / "stack.json"
    os.utime(folder.stack("last") / "stack.json", (now.stat().st_mtime + 60,) * 2)
    assert choose_stack(folder, None) == "last"
    assert choose_stack(folder, "a_b") == "a_b"
    with pytest.raises(BadChoice, match="no stack named 'a_bb': did you mean a_b"):
        choose_stack(folder, "a_bb")


def test_without_a_stack_the_next_step_is_told(tmp_path: Path) -> None:
    with pytest.raises(BadChoice, match=r"ensembler\.stack"):
        choose_stack(CompetitionFolder(tmp_path), None)


def test_what_cannot_be_written_is_refused(made: Made, tmp_path: Path) -> None:
    folder, tables = made
    local = replace(tables, manifest=replace(tables.manifest, slug=""))
    with pytest.raises(BadChoice, match="is not on Kaggle"):
        write_notebook(folder, local, "a_b", tmp_path / "out")
    answer = replace(tables.manifest.answer, sample="/elsewhere/sample.csv")
    with pytest.raises(BadChoice, match=r"Hints\(sample"):
        write_notebook(
            folder, replace(tables, manifest=replace(tables.manifest, answer=answer)), "a_b", tmp_path / "out"
        )
    other = replace(tables, manifest=replace(tables.manifest, classes=("a", "b", "d")))
    with pytest.raises(Mismatch, match="other classes"):
        write_notebook(folder, other, "a_b", tmp_path / "out")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "precious.txt").write_text("mine")
    with pytest.raises(BadChoice, match="output"):
        write_notebook(folder, tables, "a_b", tmp_path / "mine")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine"]


@pytest.mark.parametrize(("backend", "other"), [("tensorflow", "jax"), ("jax", "tensorflow")])
def test_the_notebook_runs_on_the_backend_here_or_else_on_the_other(
    backend: str, other: str, made: Made, light: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KERAS_BACKEND", backend)
    code = write_notebook(*made, "a_b", tmp_path / "out").code
    [heading, *_, answer] = [cell.source for cell in nbformat.read(code, as_version=4).cells]
    assert f"by\n{'JAX' if backend == 'jax' else 'TensorFlow'} where it is installed" in heading
    [choice] = [line for line in answer.splitlines() if "KERAS_BACKEND" in line]
    for installed, expected in ((True, backend), (False, other)):
        environ: dict[str, str] = {}
        found = {"os": SimpleNamespace(environ=environ), "find_spec": lambda _, installed=installed: installed}
        exec(choice, found)
        assert environ == {"KERAS_BACKEND": expected}
    assert answer.index(choice) < answer.index("import answer_offline")
