from __future__ import annotations

import pytest
from helpers.photos import write_csv

from ensembler.competition.layout.readable_tables import list_readable_tables, refuse_unreadable
from ensembler.competition.sample_submission import SampleSubmission
from ensembler.errors import BadData


def test_samples_and_tables_that_cannot_be_read_are_passed_over(tmp_path):
    for name in ("b.csv", "a/Train.CSV", "sample_submission.csv", "answer.csv"):
        write_csv(tmp_path / name, "id,label;1,a")
    (tmp_path / "a.csv").write_bytes(b"")
    sample = SampleSubmission.read(tmp_path / "answer.csv")
    assert list_readable_tables(tmp_path, sample) == [tmp_path / "b.csv", tmp_path / "a" / "Train.CSV"]
    with pytest.raises(BadData, match=r"Cannot read \S+a\.csv as a CSV"):
        refuse_unreadable(tmp_path, sample)
    (tmp_path / "a.csv").unlink()
    refuse_unreadable(tmp_path, sample)
