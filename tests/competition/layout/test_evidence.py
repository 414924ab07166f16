from __future__ import annotations

from ensembler.competition.layout.evidence import Evidence, UnusedFile


def test_a_later_finding_replaces_an_earlier_one_and_repetitions_count_once() -> None:
    evidence = Evidence()
    evidence.add_finding("labels", "names of files", "train")
    evidence.add_finding("labels", "a table", "train.csv", "only table", ["1", "2", "3", "4"])
    for _ in range(2):
        evidence.leave_out("masks", "segmentation masks")
        evidence.doubt("The metric is a guess.")
    assert [(finding.value, finding.examples) for finding in evidence.findings] == [("a table", ("1", "2", "3"))]
    assert evidence.unused == [UnusedFile("masks", "segmentation masks")]
    assert evidence.doubts == ["The metric is a guess."]
