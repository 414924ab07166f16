from __future__ import annotations

from ensembler.checks.doubt import Doubt
from ensembler.checks.finding import Finding, Found
from ensembler.checks.ranking import rank_found


def make_doubt(kind: str, identity: str, suggestion: str = "", new: str = "") -> Doubt:
    return Doubt(kind, "train", identity, f"{identity}.jpg", "cat", suggestion, new, 1.0, "")  # type: ignore[arg-type]


def test_serious_kinds_come_first_and_a_photo_keeps_one_suggestion() -> None:
    doubts = (
        make_doubt("odd size", "a"),
        make_doubt("clashing labels", "a", "exclude"),
        make_doubt("clashing labels", "b", "exclude"),
        make_doubt("likely wrong label", "a", "relabel", "dog"),
        make_doubt("blank photo", "c", "exclude"),
        make_doubt("something new", "d"),
    )
    findings = tuple(Finding(each.kind, "train", 1, "photo", (), "", "") for each in doubts)
    ranked = rank_found(Found(findings, doubts))
    assert [(each.kind, each.id, each.suggestion, each.new_label) for each in ranked.doubts] == [
        ("blank photo", "c", "exclude", ""),
        ("clashing labels", "a", "", ""),
        ("clashing labels", "b", "exclude", ""),
        ("likely wrong label", "a", "relabel", "dog"),
        ("odd size", "a", "", ""),
        ("something new", "d", "", ""),
    ]
    assert [each.kind for each in ranked.findings] == [each.kind for each in ranked.doubts]
