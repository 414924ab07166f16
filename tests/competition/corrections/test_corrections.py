from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from helpers.corrections_made import PETS, TAGS, make_folds, make_tables

from ensembler.competition.corrections.corrections import (
    NO_CORRECTIONS,
    Corrections,
    apply_corrections,
    join_corrections,
    list_kept_copies,
    load_corrections,
    save_corrections,
)
from ensembler.competition.folds.splits import ALL_PHOTOS
from ensembler.errors import BadData, Mismatch

SOME = Corrections(("2",), {"5": "dog"})


def test_excluded_photos_have_no_label_and_relabelled_ones_the_new_one() -> None:
    tables = make_tables()
    data = apply_corrections(tables, make_folds(tables), SOME)
    assert data.tables.train["label"].tolist() == ["cat", "", "cat", "dog", "dog", "dog"]
    assert data.tables.targets[:, 0].tolist() == [0, 0, 0, 1, 1, 1]
    assert data.kept_tables.train["id"].tolist() == ["1", "3", "4", "5", "6"]
    assert tables.train["label"].tolist() == list(PETS)


@pytest.mark.parametrize("count", [1, 2])
def test_excluded_photos_are_held_out_and_never_learned_from(count: int) -> None:
    tables = make_tables()
    plain = make_folds(tables, count)
    folds = apply_corrections(tables, plain, SOME).folds
    for split in (*range(count), ALL_PHOTOS):
        assert np.array_equal(folds.mask_held_out(split), plain.mask_held_out(split))
        assert np.array_equal(folds.mask_training(split), plain.mask_training(split) & (np.arange(6) != 1))
        assert len(folds.make_inner_folds(split)) == folds.mask_training(split).sum()
    assert np.array_equal(folds.scored, plain.scored)
    chosen = folds.select_rows(np.array([0, 1, 4]))
    assert chosen.kept.tolist() == [True, False, True]


@pytest.mark.parametrize("labels", [PETS, TAGS])
def test_nothing_that_is_learned_depends_on_the_label_of_an_excluded_photo(labels: tuple[str, ...]) -> None:
    for other in ("dog", "cat") if labels == PETS else ("a", "b|c", ""):
        changed = (labels[0], other, *labels[2:4], other, labels[5])
        new = Corrections(("2",), {"5": labels[0]})
        before, after = (apply_corrections(made, make_folds(made), new) for made in map(make_tables, (labels, changed)))
        assert before.tables.train.equals(after.tables.train)
        assert before.folds.labels.equals(after.folds.labels)


def test_without_corrections_nothing_changes() -> None:
    tables = make_tables()
    folds = make_folds(tables)
    data = apply_corrections(tables, folds, NO_CORRECTIONS)
    assert (data.tables, data.folds) == (tables, folds)
    assert data.kept.all()


def test_photos_that_are_gone_are_refused() -> None:
    tables = make_tables()
    with pytest.raises(Mismatch, match=r"lacks 1 corrected photo \('7'\)"):
        apply_corrections(tables, make_folds(tables), Corrections(("2", "7")))


def test_the_corrections_of_members_are_joined() -> None:
    named = {"one": Corrections(("2",), {"5": "dog", "4": "cat"}), "two": Corrections(("4",), {"5": "dog", "1": "dog"})}
    joined = join_corrections(named, ["1", "2", "3", "4", "5"])
    assert joined == Corrections(("2", "4"), {"1": "dog", "5": "dog"})
    assert list(joined.relabelled) == ["1", "5"]


def test_members_that_contradict_each_other_are_refused() -> None:
    named = {"one": Corrections((), {"5": "dog"}), "two": Corrections((), {"5": "cat"})}
    with pytest.raises(Mismatch, match="one learned '5' as 'dog' and two as 'cat'"):
        join_corrections(named, ["5"])
    # A photo that nothing is fitted on may have any labels.
    assert join_corrections({**named, "three": Corrections(("5",))}, ["5"]) == Corrections(("5",))


def test_a_file_is_read_as_it_was_written(tmp_path: Path) -> None:
    path, some = tmp_path / "corrections.csv", Corrections(("007", 'a "b",c'), {"5": "", "6": "x|y"})
    save_corrections(path, some)
    assert load_corrections(path, some.fingerprint) == some


def test_a_changed_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "corrections.csv"
    save_corrections(path, SOME)
    path.write_text(path.read_text().replace("dog", "cat"))
    with pytest.raises(BadData, match="was changed after training"):
        load_corrections(path, SOME.fingerprint)
    path.write_text("id\n2\n")
    with pytest.raises(BadData, match="was changed after training"):
        load_corrections(path, SOME.fingerprint)


def test_copies_of_excluded_photos_are_named_once() -> None:
    pairs = pd.DataFrame(
        [("train", "2", "train", "3"), ("train", "1", "train", "2"), ("train", "2", "test", "9")] * 2,
        columns=["set", "id", "other_set", "other_id"],
    )
    assert list(list_kept_copies(SOME, pairs, {"1", "2", "3"})) == ["3", "1"]
    assert list(list_kept_copies(Corrections(("1", "2", "3")), pairs, {"1", "2", "3"})) == []


def test_numbers_are_told_in_words() -> None:
    assert SOME.describe() == "1 photo excluded, 1 photo relabelled"
    assert Corrections(("1", "2")).describe() == "2 photos excluded"
