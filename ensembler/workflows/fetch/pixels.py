"""The competition's rule of pixels, kept in the manifest and told with its evidence."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass

from ...competition.layout.evidence import Evidence
from ...competition.manifest import Manifest, add_pixel_keys
from ...competition.pixels import DEPTHS, describe_depth
from ...errors import format_count, format_first
from ...images.photo_scan import PhotoScan
from ...images.pixel_rules import list_faint_photos, list_hidden_photos
from ...paths import CompetitionFolder
from ...progress import Progress
from ...serialization import read_record, write_record
from .answers import is_manifest_edited, mark_as_unedited

_SUBJECT = "pixels"
# Ends of the doubts, by which a later scan finds and replaces them.
_CHECK_RULE = "([pixels] of competition.toml)."
_ONE_COLOUR = "one colour only, which tells nothing of a class: check the files, and [pixels] of competition.toml."


@dataclass(frozen=True)
class _Conversion:
    """Photos that need a key of the rule, and what becomes of them."""

    paths: list[str]
    what: str


def record_pixels(folder: CompetitionFolder, manifest: Manifest, scan: PhotoScan, progress: Progress) -> Manifest:
    """Keep the rule that a scan found in the manifest, and tell it with its evidence. Return the manifest."""
    if scan.rule != manifest.pixels:
        was_edited = is_manifest_edited(folder)
        manifest = add_pixel_keys(folder.manifest, scan.rule)
        if not was_edited:
            mark_as_unedited(folder)
    recorded = read_record(folder.evidence, Evidence) if folder.evidence.is_file() else Evidence()
    evidence = deepcopy(recorded)
    evidence.remove_finding(_SUBJECT)
    if found := list(_list_conversions(scan)):
        value = "; ".join(each.what for each in found)
        rule = "the same number must be the same brightness in all photos, and cut-outs must be seen"
        evidence.add_finding(
            _SUBJECT, value, "[pixels] of competition.toml", rule, [path for each in found for path in each.paths]
        )
        progress.note(f"{value} ([pixels] of {folder.manifest}).")
    doubts = _list_doubts(scan)
    evidence.doubts = [each for each in evidence.doubts if not each.endswith((_CHECK_RULE, _ONE_COLOUR))] + doubts
    for doubt in doubts:
        progress.warn(doubt)
    if folder.evidence.is_file() and evidence != recorded:
        write_record(folder.evidence, evidence)
    return manifest


def _list_conversions(scan: PhotoScan) -> Iterator[_Conversion]:
    cut_outs = [path for path, photo in scan.unusual.items() if photo.contrasts is not None]
    if cut_outs:
        ground = "dropped" if scan.rule.ground == "none" else f"put on {scan.rule.ground}"
        yield _Conversion(cut_outs, f"transparent pixels of {format_count(cut_outs, 'photo')} are {ground}")
    for depth in DEPTHS:
        deep = [path for path, photo in scan.unusual.items() if photo.depth == depth]
        if deep:
            low, high = scan.rule.get_range(depth)
            clipped = [path for path in deep if scan.unusual[path].low < low or scan.unusual[path].high > high]
            more = f" (numbers beyond, in {format_count(clipped, 'photo')}, are clipped)" if clipped else ""
            photos = format_count(deep, "photo")
            yield _Conversion(
                deep, f"{describe_depth(depth)} from {low:g} to {high:g} in {photos} become 0 to 255{more}"
            )


def _list_doubts(scan: PhotoScan) -> list[str]:
    doubts = []
    if hidden := list_hidden_photos(scan.unusual, scan.rule):
        doubts.append(
            f"{format_count(hidden, 'cut-out')} ({format_first(hidden)}) can hardly be seen on {scan.rule.ground}: "
            f"choose another ground {_CHECK_RULE}"
        )
    if faint := list_faint_photos(scan.unusual, scan.rule):
        doubts.append(
            f"{format_count(faint, 'photo')} ({format_first(faint)}) {'uses' if len(faint) == 1 else 'use'} less than "
            f"a sixteenth of the range of all photos and will be almost black: narrow the range if they show something "
            f"{_CHECK_RULE}"
        )
    if scan.plain:
        doubts.append(
            f"{format_count(scan.plain, 'photo')} ({format_first(scan.plain)}) "
            f"{'has' if len(scan.plain) == 1 else 'have'} {_ONE_COLOUR}"
        )
    return doubts
