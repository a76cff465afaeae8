"""Circuits to QPY and back."""

from __future__ import annotations

from typing import Any

import pytest
from qiskit import QuantumCircuit
from qiskit.circuit import Gate, Parameter

from simquay.jobs.errors import JobStoreError
from simquay.jobs.store.circuits import from_qpy, to_qpy
from tests.support.kept_jobs import a_circuit


def test_circuits_come_back() -> None:
    turned = QuantumCircuit(2, name="turned", metadata={"a": 1}, global_phase=0.5)
    turned.rx(2 * Parameter("a"), 1)
    circuits = [a_circuit(), turned]
    read = from_qpy(to_qpy(circuits))
    assert read == circuits
    assert [(one.name, one.metadata) for one in read] == [
        (one.name, one.metadata) for one in circuits
    ]
    assert from_qpy(to_qpy([])) == []


def test_what_qpy_cannot_hold_is_told() -> None:
    class Odd(Gate):
        def __init__(self) -> None:
            super().__init__("odd", 1, [object()])

        def validate_parameter(self, parameter: Any) -> Any:
            return parameter

    circuit = QuantumCircuit(1)
    circuit.append(Odd(), [0])
    with pytest.raises(JobStoreError, match=r"the circuits: QPY cannot hold them \("):
        to_qpy([circuit])


@pytest.mark.parametrize("version", [10, 12])
def test_old_versions_which_can_run_code_are_refused(version: int) -> None:
    content = bytearray(to_qpy([a_circuit()]))
    content[6] = version
    with pytest.raises(JobStoreError, match="not in a form that Qiskit 2 writes"):
        from_qpy(bytes(content))


@pytest.mark.parametrize("content", [b"", b"QISKIT", b"nothing", b"QISKIT\xff" + bytes(100)])
def test_anything_else_is_refused(content: bytes) -> None:
    with pytest.raises(JobStoreError):
        from_qpy(content)


def test_a_cut_file_is_refused() -> None:
    whole = to_qpy([a_circuit()])
    with pytest.raises(JobStoreError, match="cannot be read"):
        from_qpy(whole[: len(whole) // 2])
