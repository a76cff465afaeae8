"""The objects of a foreign backend: one for each run, and turns where there is only one."""

from __future__ import annotations

import threading

import pytest

from simquay.control import Control
from simquay.errors import Cancelled
from simquay.jobs.external.circuits import BackendPool


def test_backend_objects_are_never_shared_by_two_runs() -> None:
    made: list[object] = []

    def another() -> object:
        made.append(object())
        return made[-1]

    many = BackendPool("first", another)
    leases = [many.lease(Control()) for _ in range(3)]
    assert [lease.backend for lease in leases] == ["first", *made]
    release = leases[0].hold()
    leases[0].release()
    assert many.lease(Control()).backend is made[-1]  # the first is still in use
    release()
    assert many.lease(Control()).backend == "first"


def test_whoever_waits_for_the_only_object_can_be_cancelled() -> None:
    one = BackendPool("only", None)
    one.lease(Control())
    control = Control()
    threading.Timer(0.05, control.cancel).start()
    with pytest.raises(Cancelled):
        one.lease(control)
