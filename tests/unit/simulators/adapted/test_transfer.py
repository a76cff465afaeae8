"""Circuits, options and backends for other threads and processes."""

from __future__ import annotations

import math
import pickle
import threading
from typing import Any

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.circuit import Gate, Parameter
from qiskit.circuit.library import UnitaryGate
from qiskit.providers.basic_provider import BasicSimulator

from simquay.jobs.workers.pickling import circuits_from_qpy
from simquay.simulators.adapted.transfer import (
    backend_source,
    circuits_to_qpy,
    copied_options,
    pickled_run,
)
from simquay.simulators.inputs import RunInputError


class Special(Gate):
    """A gate of a class that QPY does not know."""

    def __init__(self) -> None:
        super().__init__("special", 1, [])
        self.definition = QuantumCircuit(1)


class Relative(BasicSimulator):
    """A backend of a class that a test puts into ``__main__``."""

    remarkable = True


def dynamic(name: str = "dynamic") -> QuantumCircuit:
    made = QuantumCircuit(2, 2, name=name, global_phase=0.5, metadata={"of": [name]})
    made.h(0)
    made.measure(0, 0)
    with made.if_test((made.clbits[0], 1)):
        made.rx(math.pi / 3, 1)
    made.append(UnitaryGate(np.diag([1, 1j])), [1])
    return made


def test_circuits_come_back_equal_from_qpy() -> None:
    circuits = [dynamic("one"), dynamic("two")]
    back = circuits_from_qpy(circuits_to_qpy(circuits))
    assert back == circuits
    assert [one.metadata for one in back] == [{"of": ["one"]}, {"of": ["two"]}]


def test_a_gate_that_qpy_would_change_is_refused_with_its_index() -> None:
    made = QuantumCircuit(1, 1, name="mine")
    made.x(0)
    made.append(Special(), [0])
    with pytest.raises(RunInputError, match=r"'mine'.*instruction 1, 'special' \(Special\)"):
        circuits_to_qpy([made])


def test_metadata_that_qpy_would_change_are_refused() -> None:
    made = dynamic("odd")
    made.metadata = {1: 2}  # JSON has no numbers as keys
    with pytest.raises(RunInputError, match=r"'odd' \(number 1 of the job\).*its metadata"):
        circuits_to_qpy([dynamic(), made])


def test_a_pickled_run_is_what_was_given() -> None:
    circuits, options = pickle.loads(pickled_run([dynamic()], {"shots": 3}))
    assert circuits == [dynamic()]
    assert options == {"shots": 3}


def test_a_run_that_does_not_pickle_is_refused() -> None:
    with pytest.raises(RunInputError, match=r"does not pickle.*isolation='thread'"):
        pickled_run([dynamic()], {"lock": threading.Lock()})


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
