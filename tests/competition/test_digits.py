from __future__ import annotations

import io
import zipfile

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from sklearn.datasets import load_digits

from ensembler.competition.digits import write_digits


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    archive = tmp_path_factory.mktemp("digits") / "digits.zip"
    hidden = write_digits(archive)
    with zipfile.ZipFile(archive) as opened:
        return hidden, {name: opened.read(name) for name in opened.namelist()}


def table(content):
    return pd.read_csv(io.BytesIO(content), dtype=str)


def test_it_is_laid_out_as_a_competition(digits):
    _, members = digits
    tops = pd.Series(members.keys()).str.split("/").str[0].value_counts().to_dict()
    assert tops == {"train": 1437, "test": 360, "labels.csv": 1, "sample_submission.csv": 1}


def test_tables_name_the_photos(digits):
    hidden, members = digits
    labels, sample = table(members["labels.csv"]), table(members["sample_submission.csv"])
    assert {f"train/{identity}.png" for identity in labels["id"]} < members.keys()
    assert {f"test/{identity}.png" for identity in sample["id"]} < members.keys()
    assert sample.columns.tolist() == ["id", *"0123456789"]
    assert hidden["id"].tolist() == sample["id"].tolist()
    assert not set(labels["id"]) & set(hidden["id"])


def test_hidden_labels_are_nowhere_in_the_archive(digits):
    _, members = digits
    tables = [name for name in members if name.endswith(".csv")]
    assert sorted(tables) == ["labels.csv", "sample_submission.csv"]
    assert table(members["sample_submission.csv"]).iloc[:, 1:].eq("0.1").all(axis=None)


def test_photos_are_the_digits(digits):
    _, members = digits
    original = load_digits()
    labels = table(members["labels.csv"])
    for identity, label in labels.head(20).itertuples(index=False):
        photo = np.asarray(Image.open(io.BytesIO(members[f"train/{identity}.png"])))
        assert photo.shape == (8, 8)
        assert np.abs(photo / 255 * 16 - original.images[int(identity)]).max() < 0.05
        assert int(label) == original.target[int(identity)]


def test_each_digit_is_in_both_sets(digits):
    hidden, members = digits
    for labels in (hidden["label"], table(members["labels.csv"])["label"]):
        shares = labels.value_counts(normalize=True)
        assert len(shares) == 10
        assert shares.between(0.09, 0.11).all()


def test_the_same_seed_hides_the_same(tmp_path, digits):
    hidden, _ = digits
    assert write_digits(tmp_path / "again.zip").equals(hidden)
    assert not write_digits(tmp_path / "other.zip", seed=1)["id"].equals(hidden["id"])
