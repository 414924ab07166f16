from __future__ import annotations

import pytest

import ensembler

PUBLIC = [
    "EnsemblerError",
    "Hints",
    "Workspace",
    "__version__",
    "adopt",
    "config",
    "demo",
    "fetch",
    "members",
    "notebook",
    "remove_members",
    "score",
    "show_augmented",
    "stack",
    "status",
    "submissions",
    "submit",
    "train_members",
]


def test_the_list_of_public_names():
    assert ensembler.__all__ == PUBLIC
    assert dir(ensembler) == PUBLIC


@pytest.mark.parametrize("name", PUBLIC)
def test_each_name_is_there(name):
    assert getattr(ensembler, name).__doc__


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'bake'"):
        ensembler.bake  # noqa: B018
