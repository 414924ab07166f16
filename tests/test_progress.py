from __future__ import annotations

import pytest
from helpers.photos import Heard

from ensembler.events import Noted, TaskAdvanced, TaskBegan, TaskEnded, Warned, WorkAhead
from ensembler.progress import Progress, ProgressGroup


def test_items_pass_through_and_are_counted():
    progress = Heard()
    assert list(progress.track(iter("abc"), "letters", 3)) == ["a", "b", "c"]
    assert (progress.labels, progress.totals, progress.steps, progress.finished) == (["letters"], [3], 3, 1)


def test_an_item_counts_once_it_is_worked_on():
    progress = Heard()
    steps = [progress.steps for _ in progress.track("abc", "letters", 3)]
    assert steps == [0, 1, 2]


def test_work_that_fails_is_finished_too():
    progress = Heard()
    with pytest.raises(ZeroDivisionError):
        list(progress.track((1 / number for number in (1, 0, 1)), "divisions", 3))
    assert (progress.steps, progress.finished) == (1, 1)


def test_the_base_is_silent(capfd):
    progress = Progress()
    progress.note("a")
    progress.warn("b")
    task = progress.start("c", 2)
    task.advance()
    task.finish()
    assert list(progress.track([1, 2], "d", 2)) == [1, 2]
    assert capfd.readouterr() == ("", "")


def test_all_that_work_reports_is_an_event():
    progress = Heard()
    task = progress.start("download", 10, done=4, unit="bytes")
    task.advance(6)
    task.finish()
    task.finish()
    progress.note("a", detail=True)
    progress.warn("b")
    began, advanced, ended, *rest = progress.all_events
    number = began.task
    assert began == TaskBegan(number, "download", 10, 4, "bytes")
    assert advanced == TaskAdvanced(number, 6)
    assert ended == TaskEnded(number, "download", 10, ended.seconds)
    assert rest == [Noted("a", detail=True), Warned("b")]


def test_each_task_has_a_number_of_its_own():
    progress = Heard()
    progress.start("a", 1)
    progress.start("a", 1)
    first, second = progress.of_kind(TaskBegan)
    assert first.task != second.task


class Following(Heard):
    open = None

    def __enter__(self):
        self.open = True
        return self

    def __exit__(self, *error):
        self.open = False


def test_all_receivers_get_the_same_events():
    parts = [Following(), Following()]
    with ProgressGroup(parts) as progress:
        assert [part.open for part in parts] == [True, True]
        progress.emit(WorkAhead(3))
        progress.start("c", 1).finish()
    for part in parts:
        assert [type(event) for event in part.all_events] == [WorkAhead, TaskBegan, TaskEnded]
        assert part.open is False


def test_receivers_are_exited_when_work_fails():
    part = Following()
    with pytest.raises(ZeroDivisionError), ProgressGroup([part]):
        raise ZeroDivisionError
    assert part.open is False
