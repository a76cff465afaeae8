"""Snapshots of runs, and the sources of backends, for threads and worker processes."""

from __future__ import annotations

import pickle
import threading
from typing import Any

import pytest
from qiskit.circuit import Parameter
from qiskit.providers.basic_provider import BasicSimulator

from simquay.simulators.adapted.tasks import backend_source, copied_options, pickled_run
from simquay.simulators.inputs import RunInputError
from tests.support.adapted_runs import circuit


class Relative(BasicSimulator):
    """A backend of a class that a test puts into ``__main__``."""

    remarkable = True


def test_a_pickled_run_is_what_was_given() -> None:
    circuits, options = pickle.loads(pickled_run([circuit()], {"shots": 3}))
    assert circuits == [circuit()]
    assert options == {"shots": 3}


def test_a_run_that_does_not_pickle_is_refused() -> None:
    with pytest.raises(RunInputError, match=r"does not pickle.*isolation='thread'"):
        pickled_run([circuit()], {"lock": threading.Lock()})


def test_a_class_of_main_travels_by_value(monkeypatch: pytest.MonkeyPatch) -> None:
    import __main__

    monkeypatch.setattr(Relative, "__module__", "__main__")
    monkeypatch.setattr(__main__, "Relative", Relative, raising=False)
    source, obstacle = backend_source(Relative(), "")
    assert source is not None
    assert obstacle == ""
    assert b"remarkable" in source.pickled


def test_a_backend_that_does_not_pickle_has_no_source() -> None:
    backend = Relative()
    backend.lock = threading.Lock()
    source, obstacle = backend_source(backend, "")
    assert source is None
    assert "does not pickle (TypeError: cannot pickle '_thread.lock' object" in obstacle


def test_a_factory_spares_the_pickling(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Relative, "__reduce__", lambda self: 1 / 0)
    source, _ = backend_source(Relative(), "module:make")
    assert source is not None
    assert source.factory == "module:make"


def test_options_are_copied_where_they_can_be() -> None:
    lock = threading.Lock()
    options: dict[str, Any] = {"list": [1], "lock": lock, "angle": Parameter("a")}
    copied = copied_options(options)
    options["list"].append(2)
    assert copied["list"] == [1]
    assert copied["lock"] is lock
