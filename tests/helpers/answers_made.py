"""Manifests of competitions made up here, one of each task."""

from __future__ import annotations

from dataclasses import replace

from ensembler.competition.manifest import AnswerLayout, Manifest, TestLayout, TrainLayout

BINARY = Manifest(
    name="pets",
    slug="pets",
    task="binary",
    classes=("cat", "dog"),
    photos="raw",
    train=TrainLayout("train", "names"),
    test=TestLayout("test"),
    answer=AnswerLayout("sample_submission.csv", "id", ("label",), "probabilities"),
)
MULTICLASS = replace(
    BINARY,
    task="multiclass",
    classes=("a", "b", "c"),
    answer=AnswerLayout("sample_submission.csv", "id", ("p_a", "p_b", "p_c"), "probabilities"),
)
MULTILABEL = replace(MULTICLASS, task="multilabel")
LABEL = replace(MULTICLASS, answer=AnswerLayout("sample_submission.csv", "id", ("species",), "label"))
TAGS = replace(MULTICLASS, task="multilabel", answer=AnswerLayout("sample_submission.csv", "id", ("tags",), "tags"))


DOGS = Manifest(
    name="dogs",
    slug="dogs-vs-cats-redux-kernels-edition",
    task="binary",
    classes=("cat", "dog"),
    photos="raw/extracted",
    train=TrainLayout("train", "names"),
    test=TestLayout("test"),
    answer=AnswerLayout("sample_submission.csv", "id", ("label",), "probabilities"),
)
