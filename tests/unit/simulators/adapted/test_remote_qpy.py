"""Circuits for executors of other processes, as QPY that loses nothing."""

from __future__ import annotations

import math

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.circuit import Gate
from qiskit.circuit.library import UnitaryGate

from simquay.jobs.workers.pickling import circuits_from_qpy
from simquay.simulators.adapted.remote import circuits_to_qpy
from simquay.simulators.inputs import RunInputError


class Special(Gate):
    """A gate of a class that QPY does not know."""

    def __init__(self) -> None:
        super().__init__("special", 1, [])
        self.definition = QuantumCircuit(1)


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
