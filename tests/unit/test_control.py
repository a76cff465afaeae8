"""Cancellation goes down, progress goes up."""

from __future__ import annotations

import threading

import pytest

from simquay.control import Control
from simquay.errors import Cancelled


def test_a_new_control_lets_work_go_on() -> None:
    control = Control()
    control.check()
    assert not control.cancelled
    assert control.fraction == 0.0


@pytest.mark.parametrize("depth", range(3))
def test_cancelling_reaches_every_section(depth: int) -> None:
    control = part = Control()
    for _ in range(depth):
        part = part.section(0.0, 0.5)
    control.cancel()
    assert part.cancelled
    assert part.wait(60.0)  # at once
    with pytest.raises(Cancelled):
        part.check()


def test_cancelling_a_section_cancels_the_whole() -> None:
    control = Control()
    control.section(0.0, 0.5).cancel()
    assert control.cancelled


def test_waiting_ends_without_cancellation() -> None:
    assert not Control().wait(0.001)


def test_waiting_ends_when_another_thread_cancels() -> None:
    control = Control()
    timer = threading.Timer(0.01, control.cancel)
    timer.start()
    assert control.section(0.0, 1.0).wait(60.0)
    timer.join()


def test_callbacks_hear_of_cancelling_until_they_are_ended() -> None:
    control = Control()
    heard: list[str] = []
    control.on_cancel(lambda: heard.append("whole"))
    control.section(0.0, 1.0).on_cancel(lambda: heard.append("section"))
    end = control.on_cancel(lambda: heard.append("ended"))
    end()
    control.cancel()
    assert heard == ["whole", "section"]


def test_a_section_reports_its_share_of_the_whole() -> None:
    control = Control()
    part = control.section(0.5, 1.0).section(0.0, 0.5)  # from 0.5 to 0.75 of the whole
    part.report(0.5)
    assert control.fraction == part.fraction == 0.625


@pytest.mark.parametrize(("reported", "expected"), [(-1.0, 0.0), (2.0, 1.0)])
def test_progress_stays_between_0_and_1(reported: float, expected: float) -> None:
    control = Control()
    control.report(reported)
    assert control.fraction == expected


def test_progress_never_falls() -> None:
    control = Control()
    control.report(0.75)
    control.section(0.0, 0.5).report(1.0)
    assert control.fraction == 0.75


def test_progress_never_falls_where_threads_report_at_once() -> None:
    control = Control()
    parts = [control.section(i / 8, (i + 1) / 8) for i in range(8)]
    seen: list[float] = []

    def work(part: Control) -> None:
        for step in range(200):
            part.report((step + 1) / 200)

    threads = [threading.Thread(target=work, args=(part,)) for part in parts]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        seen.append(control.fraction)
    assert seen == sorted(seen)
    assert control.fraction == 1.0
