"""The examples in the docstrings of the public API run: on a small local competition, and on one of a local Kaggle."""

from __future__ import annotations

import contextlib
import doctest
import inspect
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from helpers.kaggle_server import KaggleServer, archive
from helpers.photos import photo_bytes
from PIL import Image

import ensembler

SLUG = "dogs-vs-cats-redux-kernels-edition"
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
# Types of what functions return have no example of their own.
RESULTS = {name for name in ensembler.__all__ if name.endswith(("Result", "Photos", "Member", "Members"))}
RESULTS |= {
    "BuiltStack",
    "Event",
    "Explanations",
    "ExportedFile",
    "ListedBackbone",
    "Listing",
    "Predictions",
    "Status",
    "__version__",
}
EXAMPLES = [name for name in ensembler.__all__ if name not in RESULTS]
# Other properties are named by what they return.
PROPERTIES = {"members", "stacks", "submissions", "photos"}
METHODS = [
    name
    for name, value in inspect.getmembers_static(ensembler.Competition)
    if name in PROPERTIES or (inspect.isfunction(value) and name != "build_table" and not name.startswith("_"))
]
# What is uploaded again was uploaded before.
METHODS.sort(key=lambda name: name != "submit")


def write_photos(folder: Path) -> None:
    """Bright dogs and dark cats."""
    random = np.random.default_rng(0)
    for row in range(80):
        name = ("cats", "dogs")[row % 2]
        pixels = random.integers(0, 128, (8, 8, 3)) + 100 * (row % 2)
        place = folder / name / f"{row}.png"
        place.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels.astype(np.uint8)).save(place)


def make_archive() -> bytes:
    train = {f"train/{name}.{n}.jpg": photo_bytes(n, ".jpg") for n, name in enumerate(("cat", "dog") * 6)}
    test = {f"test/{n}.jpg": photo_bytes(100 + n, ".jpg") for n in range(1, 4)}
    sample = "id,label\n" + "".join(f"{n},0.5\n" for n in range(1, 4))
    return archive({"train.zip": archive(train), "test.zip": archive(test), "sample_submission.csv": sample.encode()})


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A working folder with what the examples name: photos, two competitions, two members and a stack."""
    root, packed = tmp_path_factory.mktemp("examples"), make_archive()
    silent = ensembler.Progress()
    with contextlib.chdir(root), KaggleServer({SLUG: packed}) as server, server.in_process(root / "home"):
        write_photos(Path("photos"))
        Path("answer.csv").write_text("id,label\n1,0.25\n2,0.5\n3,0.75\n")
        Path("redux.zip").write_bytes(packed)
        dogs = ensembler.fetch(SLUG, progress=silent)
        pets = ensembler.adopt(Path("photos"), "pets", progress=silent)
        pets.train_members(["demo-dense", "demo-conv"], folds=3, weights="none", unfreeze="all", epochs=2)
        pets.stack(["demo-conv", "demo-dense"], name="first")
        # Its notebook predicts with a stack.
        ensembler.train_members(["demo-dense"], competition=dogs, folds=2, weights="none", epochs=1)
        ensembler.stack(competition=dogs)
        yield root


def run_examples(name: str, documented: object) -> None:
    found = doctest.DocTestFinder(recurse=False).find(
        documented, name, globs={"ensembler": ensembler, "Path": Path}, module=False
    )
    assert sum(len(test.examples) for test in found), f"{name} has no example"
    report: list[str] = []
    runner = doctest.DocTestRunner(optionflags=FLAGS)
    for test in found:
        runner.run(test, out=report.append)
    assert not runner.failures, "".join(report)


# tests/workflows/test_demo.py runs the demo, which takes minutes.
@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in EXAMPLES if name != "demo"])
def test_the_example_of_a_public_name_runs(name: str, place: Path) -> None:
    run_examples(name, getattr(ensembler, name))


@pytest.mark.slow
@pytest.mark.parametrize("name", METHODS)
def test_the_example_of_a_method_runs(name: str, place: Path) -> None:
    run_examples(name, inspect.getattr_static(ensembler.Competition, name))


@pytest.mark.parametrize("name", [*EXAMPLES, *(f"Competition.{name}" for name in METHODS)])
def test_every_public_name_has_a_section_of_examples(name: str) -> None:
    documented: object = ensembler
    for part in name.split("."):
        documented = getattr(documented, part)
    assert "\nExamples\n--------\n" in (inspect.getdoc(documented) or "")
