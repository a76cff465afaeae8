"""Advice where memory is short: only what can help the circuit."""

from __future__ import annotations

import pytest
from qiskit import QuantumCircuit
from qiskit.circuit.library import standard_gates
from qiskit.quantum_info import Clifford

from simquay.circuits.lowering.circuit import lower
from simquay.engines.reference import ReferenceEngine
from simquay.errors import OutOfMemoryError
from simquay.execution.memory import required_bytes
from simquay.jobs.errors import JobFailedError
from simquay.program import Precision
from simquay.provider import Provider
from simquay.simulators.engine.advice import memory_advice
from simquay.simulators.engine.backend import EngineBackend

NAMES = sorted(
    name
    for name, gate in standard_gates.get_standard_gate_name_mapping().items()
    if gate.num_qubits <= 2 and not gate.params and not gate.num_clbits and name != "delay"
)


def advice(circuit: QuantumCircuit, available: int, precision: Precision = Precision.DOUBLE) -> str:
    program = lower(circuit)
    need = required_bytes(program, ReferenceEngine(), precision) + 100
    error = OutOfMemoryError("no", needed=need, available=available)
    return memory_advice(program, ReferenceEngine(), precision, error, repr)


def wide(angle: float = 0.3, qubits: int = 20) -> QuantumCircuit:
    circuit = QuantumCircuit(qubits)
    circuit.rx(angle, range(qubits))
    circuit.measure_all()
    return circuit


def test_single_precision_where_that_fits() -> None:
    need = required_bytes(lower(wide()), ReferenceEngine(), Precision.SINGLE) + 100
    assert advice(wide(), need).startswith("precision='single' needs ")
    assert "'single'" not in advice(wide(), need // 2, Precision.SINGLE)
    assert "even precision='single' needs" in advice(wide(), need // 2)


def test_fewer_shots_where_the_state_fits() -> None:
    need = required_bytes(lower(wide()), ReferenceEngine(), Precision.DOUBLE)
    assert "fewer shots" in advice(wide(), need + 50)


@pytest.mark.parametrize("name", NAMES)
def test_a_stabilizer_backend_for_clifford_gates_alone(name: str) -> None:
    gate = standard_gates.get_standard_gate_name_mapping()[name]
    circuit = QuantumCircuit(20)
    circuit.h(range(20))
    try:
        Clifford(gate)
        clifford = True
    except Exception:  # noqa: BLE001 - Qiskit raises classes of its own
        clifford = name in ("measure", "reset")
    circuit.append(gate, range(gate.num_qubits))
    assert ("aer-stabilizer" in advice(circuit, 1000)) is clifford


def test_a_ghz_state_on_60_qubits_is_told_the_backend_that_runs_it() -> None:
    circuit = QuantumCircuit(60)
    circuit.h(0)
    for qubit in range(59):
        circuit.cx(qubit, qubit + 1)
    circuit.measure_all()
    with pytest.raises(JobFailedError) as caught:
        EngineBackend(ReferenceEngine(), name="reference").run(circuit).result()
    assert "EiB of memory, but" in str(caught.value)
    assert str(caught.value).endswith("Clifford gates, which the backend 'aer-stabilizer' runs")
    assert "precision" not in str(caught.value)


@pytest.mark.parametrize("gate", ["cx", "cp"])
@pytest.mark.parametrize("installed", [True, False])
def test_a_backend_that_is_not_installed_is_told_with_its_command(
    gate: str, installed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not installed:
        monkeypatch.setenv("SIMQUAY_LOAD_PLUGINS", "simquay")
    circuit = QuantumCircuit(60)
    circuit.h(range(60))
    circuit.cx(0, 1) if gate == "cx" else circuit.cp(0.3, 0, 1)
    circuit.measure_all()
    with pytest.raises(JobFailedError) as caught:
        Provider().get_backend("reference").run(circuit).result()
    told = f"the backend 'aer-{'stabilizer' if gate == 'cx' else 'mps'}'"
    command = "" if installed else ' (pip install ".[aer]" in a checkout of Simquay)'
    assert f"{told}{command} " in str(caught.value)
