"""Arguments of public functions are checked before any work, by their annotations."""

from __future__ import annotations

import inspect
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, get_args, get_type_hints

import numpy as np
import pytest
from helpers.photos import Heard

import ensembler
from ensembler.errors import BadChoice
from ensembler.options.arguments import Count, Duration, Names, Paths, Seconds, Share, check_arguments
from ensembler.paths import CompetitionLike, PathLike, Workspace, WorkspaceLike

FUNCTIONS = {
    name: getattr(ensembler, name) for name in ensembler.__all__ if inspect.isfunction(getattr(ensembler, name))
}
METHODS = {
    name: method
    for kind in (ensembler.Competition, ensembler.LoadedStack)
    for name, method in inspect.getmembers(kind, inspect.isfunction)
    if not name.startswith("_")
}


@check_arguments
def take(
    names: Names | None = None,
    *,
    photos: Paths | None = None,
    file: PathLike | None = None,
    count: Count = 1,
    share: Share | None = None,
    limit: Duration | None = None,
    timeout: Seconds = 60,
    kind: Literal["a", "b"] = "a",
    size: str | int | None = None,
    force: bool = False,
    message: str = "",
    competition: CompetitionLike | None = None,
    workspace: WorkspaceLike = "here",
    progress: ensembler.Progress | None = None,
    **options: Any,
) -> dict[str, Any]:
    return {name: value for name, value in locals().items() if value is not None}


@pytest.mark.parametrize(
    ("given", "taken"),
    [
        ({"names": "b0"}, ["b0"]),
        ({"names": "b0, b2@strong"}, ["b0", "b2@strong"]),
        ({"names": ("b0", "b2")}, ["b0", "b2"]),
        ({"photos": "a, b.png"}, ["a, b.png"]),
        ({"photos": Path("a.png")}, [Path("a.png")]),
        ({"photos": ("a.png", Path("b.png"))}, ["a.png", Path("b.png")]),
        ({"file": "a"}, "a"),
        ({"file": Path("a")}, Path("a")),
        ({"count": "3"}, 3),
        ({"count": np.int64(3)}, 3),
        ({"share": np.float32(0.5)}, 0.5),
        ({"limit": "20ms"}, "20ms"),
        ({"size": 5}, 5),
        ({"size": "5GB"}, "5GB"),
        ({"message": ""}, ""),
        ({"competition": "pets"}, "pets"),
        ({"workspace": "there"}, Workspace("there/data", "there/submissions")),
        ({"workspace": Workspace("a", "b")}, Workspace("a", "b")),
        ({"other": 5}, {"other": 5}),
    ],
    ids=str,
)
def test_what_fits_is_passed_on_as_the_function_takes_it(given: dict[str, Any], taken: object) -> None:
    [name] = given
    received = take(**given)
    assert received["options" if name == "other" else name] == taken


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"names": ""}, "names takes at least one name. Received: "),
        ({"names": []}, "names takes at least one name. Received: []"),
        ({"names": 5}, "names takes a list. Received: 5"),
        ({"names": ["b0", 5]}, "names takes names in a list, or a single name. Received: ['b0', 5]"),
        ({"photos": []}, "photos takes at least one file or folder. Received: []"),
        ({"photos": ["a", 5]}, "photos must be a path. Received: ['a', 5]"),
        ({"photos": b"a"}, "photos takes a list. Received: b'a'"),
        ({"file": 5}, "file must be a path. Received: 5"),
        ({"file": ""}, "file must be a path that is not empty. Received: "),
        ({"count": 0}, "count must be a whole number, at least 1. Received: 0"),
        ({"count": None}, "count must be a whole number, at least 1. Received: None"),
        ({"count": 1.5}, "count must be a whole number, at least 1. Received: 1.5"),
        ({"share": "a"}, "share must be a number, at least 0 and at most 1. Received: a"),
        ({"limit": "soon"}, "limit takes a length of time such as 90s, 10m, 1h30m or 2h. Received: soon"),
        ({"timeout": 0}, "timeout must be a number, above 0. Received: 0"),
        ({"kind": "c"}, "kind takes a or b. Received: c"),
        ({"size": 1.5}, "size must be text or a whole number. Received: 1.5"),
        ({"force": "yes"}, "force must be true or false. Received: yes"),
        ({"message": 5}, "message must be text. Received: 5"),
        ({"competition": 5}, "competition must be the name of a competition, or its handle. Received: 5"),
        ({"workspace": 5}, "workspace must be a path. Received: 5"),
        ({"progress": "loud"}, "progress must be an instance of Progress. Received: loud"),
    ],
    ids=str,
)
def test_what_does_not_fit_is_one_sentence_that_names_the_argument(given: dict[str, Any], says: str) -> None:
    with pytest.raises(BadChoice) as caught:
        take(**given)
    assert str(caught.value) == says


def test_a_name_that_does_not_exist_is_an_error_of_python() -> None:
    with pytest.raises(TypeError):
        ensembler.status(nonsense=1)


def test_a_long_value_stays_one_line_and_is_shortened() -> None:
    with pytest.raises(BadChoice) as caught:
        take(count="x\n" * 5000)
    assert len(str(caught.value)) < 600
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_every_public_function_checks_its_arguments(name: str) -> None:
    parameters = inspect.signature(FUNCTIONS[name]).parameters
    wanted = {one: "x" for one, each in parameters.items() if not _has_default(each)}
    for parameter in parameters.keys() & {"competition", "workspace", "progress"}:
        with pytest.raises(BadChoice, match=f"^{parameter} must"):
            FUNCTIONS[name](**wanted | {parameter: 5})


def _has_default(parameter: inspect.Parameter) -> bool:
    return parameter.default is not parameter.empty or parameter.kind is parameter.VAR_KEYWORD


@pytest.mark.parametrize("function", [*FUNCTIONS.values(), *METHODS.values()], ids=lambda one: one.__qualname__)
def test_paths_and_names_are_annotated_alike(function: Callable[..., Any]) -> None:
    for name, kind in get_type_hints(function).items():
        parts = set(get_args(kind))
        if name != "return" and (Path in parts or kind is Path):
            pytest.fail(f"{name} takes text and any os.PathLike, so annotate it as PathLike")
        if "Sequence[str]" in re.sub(r"collections\.abc\.", "", str(kind)):
            assert str in parts, f"{name} takes a single name, so annotate it as Names"
        if os.PathLike[str] in parts:
            assert str in parts


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: ensembler.open(5), "competition must be"),
        (lambda: ensembler.fetch(5), "competition must be text"),
        (lambda: ensembler.fetch("pets", archive=5), "archive must be a path"),
        (lambda: ensembler.fetch("pets", timeout=-1), "timeout must be a number"),
        (lambda: ensembler.fetch("pets", hints="x"), "hints must be an instance of Hints"),
        (lambda: ensembler.fetch("pets", hints=ensembler.Hints(positive=5)), "positive must be text"),  # type: ignore[arg-type]
        (
            lambda: ensembler.fetch("pets", hints=ensembler.Hints(leave_out=5)),
            "leave_out must be text, or a list of texts",
        ),  # type: ignore[arg-type]
        (
            lambda: ensembler.fetch("pets", hints=ensembler.Hints(leave_out=("",))),
            "leave_out must be text, or a list of texts",
        ),
        (lambda: ensembler.adopt("photos", "x", test_size=2), "test_size must be a number, above 0 and below 1"),
        (lambda: ensembler.adopt("photos", "x", seed=-1), "seed must be a whole number, at least 0"),
        (lambda: ensembler.predict("a.png", batch_size=0), "batch_size must be a whole number, at least 1"),
        (lambda: ensembler.stack(seed="x"), "seed must be a whole number"),
        (lambda: ensembler.stack(infer_limit="1ns"), "infer_limit takes a length of time such as 20ms, 0.5s or 2s"),
        (lambda: ensembler.stack(top="a"), "top must be a whole number"),
        (lambda: ensembler.stack([]), "members takes at least one name"),
        (lambda: ensembler.folds(seed=-1), "seed must be a whole number, at least 0"),
        (lambda: ensembler.survey(top=0), "top must be a whole number, at least 1"),
        (lambda: ensembler.survey(sort="price"), "sort takes size, loss or latency"),
        (lambda: ensembler.list_backbones(sort="price"), "sort takes registry, size, accuracy or name"),
        (lambda: ensembler.train_members("b0", config=5), "config must be the path of a file"),
        (lambda: ensembler.train_members("b0", weights=5), "weights takes imagenet, none or FOLDER"),
        (lambda: ensembler.config("b0", preset=3), "preset takes quick, good or best"),
        (lambda: ensembler.submit(timeout="never"), "timeout must be a number"),
        (lambda: ensembler.notebook(output=5), "output must be a path"),
        (lambda: ensembler.Workspace(5, "b"), "data of a Workspace must be the path"),
    ],
    ids=lambda one: "" if callable(one) else one,
)
def test_wrong_values_are_refused_by_the_public_functions(call: Callable[[], object], says: str) -> None:
    with pytest.raises(BadChoice, match=f"^{says}"):
        call()


@pytest.mark.parametrize("given", ["train/*", Path("train/*"), ["train/*"], ("train/*",)], ids=repr)
def test_a_hint_that_takes_a_list_takes_a_single_text_too(given: Any) -> None:
    @check_arguments
    def detect(hints: ensembler.Hints) -> object:
        return hints.leave_out

    assert detect(ensembler.Hints(leave_out=given)) == ("train/*",)


@pytest.mark.parametrize("function", [ensembler.train_members, ensembler.Competition.train_members, ensembler.survey])
def test_signatures_in_help_are_types_without_declarations(function: Callable[..., Any]) -> None:
    signature = str(inspect.signature(function))
    assert "Annotated" not in signature
    assert "<function" not in signature


def test_phases_backbones_and_weights_need_no_list_and_take_paths() -> None:
    text = ensembler.config("b0", phases="all epochs=1 learning-rate=1e-3", weights=Path("none"))
    assert "all epochs=1" in text
    assert 'weights = "none"' in text


def test_weights_of_none_are_not_random_as_in_keras(tmp_path: Path) -> None:
    heard = Heard()
    with pytest.raises(BadChoice, match="No competition"):
        ensembler.train_members("b0", weights=None, workspace=tmp_path, progress=heard)
    assert heard.notes == ["None leaves weights as it is, which is imagenet; weights='none' is random weights."]
