"""Input of ``run`` that is refused at once."""

from __future__ import annotations

from typing import Any

import pytest
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter
from qiskit.exceptions import QiskitError
from qiskit.quantum_info import Statevector

from simquay.engines.reference import ReferenceEngine
from simquay.errors import (
    NotACircuitError,
)
from simquay.simulators.engine.backend import EngineBackend
from simquay.simulators.inputs import RunInputError


@pytest.fixture
def backend() -> EngineBackend:
    return EngineBackend(ReferenceEngine(), name="reference")


@pytest.mark.parametrize(
    ("thing", "said"),
    [
        (None, "an object of type NoneType"),
        ("OPENQASM 2.0;", "object of type str"),
        (b"QISKIT", "object of type bytes"),
        (5, "an object of type int"),
        ({"a": QuantumCircuit(1)}, "object of type dict"),
        ([QuantumCircuit(1), "x"], "item 1 of the list, an object of type str"),
        ([[QuantumCircuit(1)]], "item 0 of the list"),
        ([None], "item 0 of the list"),
        (QuantumCircuit, "object of type type"),
        (Statevector([1, 0]), "item 0 of the list, an object of type complex128"),
    ],
)
def test_what_is_no_circuit(backend: EngineBackend, thing: Any, said: str) -> None:
    with pytest.raises(NotACircuitError, match="expected a QuantumCircuit") as caught:
        backend.run(thing)
    assert said in str(caught.value)
    assert isinstance(caught.value, QiskitError)
    assert isinstance(caught.value, TypeError)


@pytest.mark.parametrize("nothing", [[], (), iter([])])
def test_no_circuits(backend: EngineBackend, nothing: Any) -> None:
    with pytest.raises(RunInputError, match="no circuits to run: expected a circuit") as caught:
        backend.run(nothing)
    assert isinstance(caught.value, ValueError)


def test_unbound_parameters_are_named(backend: EngineBackend) -> None:
    circuit = QuantumCircuit(1, name="ansatz")
    circuit.rx(Parameter("theta"), 0)
    circuit.rz(Parameter("phi"), 0)
    with pytest.raises(RunInputError, match=r"'ansatz' has unbound parameters \(phi, theta\)"):
        backend.run([QuantumCircuit(1), circuit])


def test_an_unbound_global_phase_is_a_parameter(backend: EngineBackend) -> None:
    with pytest.raises(RunInputError, match="gamma"):
        backend.run(QuantumCircuit(1, global_phase=Parameter("gamma")))


def test_a_message_is_printed_as_it_is() -> None:
    assert str(RunInputError("it's \n")) == "it's \n"
