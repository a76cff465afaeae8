"""Other simulators as peers: the programs of the families in their own terms, and one timed run.

Each maker takes a program and a precision and returns a function that evolves the state once and
returns the seconds that counted, or None where the peer is not installed or lacks the precision.
Circuits are translated beforehand. Settings are the peers' defaults, but for qsim's threads and
fusion, where its documentation advises others.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from simquay.program import (
    Diagonal,
    Matrix,
    Operation,
    Permutation,
    Precision,
    Program,
    Relabel,
)

__all__ = ["PEERS", "Run", "clock", "measure_cpu_time", "measured"]

Run = Callable[[], float]

_clock = time.perf_counter


def clock() -> float:
    """Seconds, of the wall clock unless :func:`measure_cpu_time` was called."""
    return _clock()


def measure_cpu_time() -> None:
    """Let all runs measure the CPU time of this process from now on."""
    global _clock
    _clock = time.process_time


HADAMARD = np.array([[1, 1], [1, -1]]) * 0.5**0.5


def measured(program: Program) -> Program:
    """The program with all qubits measured at its end."""
    from simquay.program import Measure

    ends = tuple(Measure(qubit, qubit) for qubit in range(program.num_qubits))
    return Program(
        program.num_qubits, program.num_qubits, (*program.operations, *ends), name=program.name
    )


def rotation(operation: Operation) -> tuple[str, tuple[float, ...], tuple[int, ...]] | None:
    """The standard gate that an operation of the families is: name, angles, qubits."""
    match operation:
        case Matrix(matrix, qubits, ()) if len(qubits) == 1:
            if np.array_equal(matrix, HADAMARD):
                return "h", (), qubits
            c, s = matrix[0, 0], matrix[1, 0]
            same = matrix[1, 1] == c and matrix[0, 1] == s
            if same and c.imag == 0 and s.real == 0:
                return "rx", (float(2 * np.arctan2(-s.imag, c.real)),), qubits
        case Permutation(table, qubits, controls, 1) if len(qubits) == len(controls) == 1:
            if table.tolist() == [1, 0]:
                return "cx", (), (*controls, *qubits)
        case Diagonal(entries, qubits, controls, 1) if len(qubits) == len(controls) == 1:
            if entries[0] == 1:
                return "cp", (float(np.angle(entries[1])),), (*controls, *qubits)
        case Diagonal(entries, qubits, ()) if len(qubits) == 2:
            even, odd = entries[0], entries[1]
            if entries[3] == even and entries[2] == odd and np.isclose(even * odd, 1):
                return "rzz", (float(2 * np.angle(odd)),), qubits
    return None


def swaps(operation: Relabel) -> list[tuple[int, int]]:
    """A relabelling as swaps."""
    held = {qubit: qubit for qubit in operation.qubits}
    wanted = dict(zip(operation.qubits, operation.sources, strict=True))
    result = []
    for qubit in operation.qubits:
        place = next(q for q, source in held.items() if source == wanted[qubit])
        if place != qubit:
            result.append((qubit, place))
            held[qubit], held[place] = held[place], held[qubit]
    return result


def to_qiskit(program: Program) -> Any:
    """A Qiskit circuit with the gates a user would have written."""
    from qiskit import QuantumCircuit

    circuit = QuantumCircuit(program.num_qubits)
    for operation in program.operations:
        if isinstance(operation, Relabel):
            for pair in swaps(operation):
                circuit.swap(*pair)
        elif (known := rotation(operation)) is not None:
            name, angles, qubits = known
            getattr(circuit, name)(*angles, *qubits)
        else:
            assert isinstance(operation, Matrix)
            assert not operation.controls
            circuit.unitary(operation.matrix, operation.qubits)
    return circuit


def aer(program: Program, precision: Precision) -> Run | None:
    """Aer's state vector. The seconds are Aer's own (``time_taken`` of the experiment): fusion,
    evolution, and one shot, since without a measurement Aer would drop the gates."""
    try:
        from qiskit_aer import AerSimulator
    except ImportError:
        return None
    circuit = to_qiskit(program)
    circuit.measure_all()
    simulator = AerSimulator(method="statevector", precision=precision.value)

    def run() -> float:
        started = clock()
        result = simulator.run(circuit, shots=1).result()
        seconds = clock() - started
        assert result.success, result.status
        # Aer's own figure is wall time.
        wall = _clock is time.perf_counter
        return float(result.results[0].time_taken) if wall else seconds

    return run


def qsim(program: Program, precision: Precision, fused: int = 0) -> Run | None:
    """qsim, single precision only; the seconds are those of its own call, gates translated.

    ``fused`` is the most qubits of a fused gate; 0 for what its documentation advises.
    """
    if precision is not Precision.SINGLE:
        return None
    try:
        import cirq
        import qsimcirq
    except ImportError:
        return None
    qubits = cirq.LineQubit.range(program.num_qubits)
    circuit = cirq.Circuit()
    for operation in program.operations:
        if isinstance(operation, Relabel):
            circuit.append(cirq.SWAP(qubits[a], qubits[b]) for a, b in swaps(operation))
            continue
        known = rotation(operation)
        if known is not None and known[0] == "h":
            circuit.append(cirq.H(qubits[known[2][0]]))
        elif known is not None and known[0] == "cx":
            circuit.append(cirq.CNOT(*(qubits[q] for q in known[2])))
        elif known is not None and known[0] == "cp":
            gate = cirq.CZPowGate(exponent=known[1][0] / np.pi)
            circuit.append(gate(*(qubits[q] for q in known[2])))
        else:
            matrix, targets = as_matrix(operation)
            # cirq's first qubit is the highest bit of the matrix.
            circuit.append(cirq.MatrixGate(matrix)(*(qubits[q] for q in reversed(targets))))
    translated, _ = qsimcirq.QSimCircuit(circuit).translate_cirq_to_qsim(qubits)
    # Its documentation advises this fusion, and one thread a CPU; its default is one thread.
    fused = fused or (2 if program.num_qubits < 22 else 4)
    options = qsimcirq.QSimOptions(max_fused_gate_size=fused, cpu_threads=cpus()).as_dict()
    options |= {"c": translated, "s": 1}

    def run() -> float:
        started = clock()
        qsimcirq.qsim.qsim_simulate_fullstate(options, 0)
        return clock() - started

    return run


def qulacs(program: Program, precision: Precision) -> Run | None:
    """Qulacs, double precision only; its light optimization of the circuit is counted."""
    if precision is not Precision.DOUBLE:
        return None
    try:
        from qulacs import QuantumCircuit, QuantumState, gate
        from qulacs.circuit import QuantumCircuitOptimizer
    except ImportError:
        return None
    circuit = QuantumCircuit(program.num_qubits)
    for operation in program.operations:
        if isinstance(operation, Relabel):
            for a, b in swaps(operation):
                circuit.add_gate(gate.SWAP(a, b))
            continue
        known = rotation(operation)
        if known is not None and known[0] in ("h", "cx"):
            circuit.add_gate({"h": gate.H, "cx": gate.CNOT}[known[0]](*known[2]))
        elif isinstance(operation, Diagonal):
            matrix, targets = as_matrix(operation)
            circuit.add_gate(gate.DiagonalMatrix(list(targets), np.diag(matrix).copy()))
        else:
            matrix, targets = as_matrix(operation)
            circuit.add_gate(gate.DenseMatrix(list(targets), matrix))

    def run() -> float:
        copy = circuit.copy()
        started = clock()
        QuantumCircuitOptimizer().optimize_light(copy)
        copy.update_quantum_state(QuantumState(program.num_qubits))
        return clock() - started

    return run


def kokkos(program: Program, precision: Precision) -> Run | None:
    """PennyLane's lightning.kokkos; the seconds are those of its state vector's gates."""
    try:
        import pennylane as qml
        from pennylane_lightning.lightning_kokkos._state_vector import LightningKokkosStateVector
    except ImportError:
        return None
    n = program.num_qubits
    operations: list[Any] = []
    kinds = {
        "h": qml.Hadamard,
        "rx": qml.RX,
        "cx": qml.CNOT,
        "cp": qml.ControlledPhaseShift,
        "rzz": qml.IsingZZ,
    }
    # Its first wire is the highest bit.
    for operation in program.operations:
        if isinstance(operation, Relabel):
            operations += [qml.SWAP(wires=[n - 1 - a, n - 1 - b]) for a, b in swaps(operation)]
        elif (known := rotation(operation)) is not None:
            name, angles, qubits = known
            operations.append(kinds[name](*angles, wires=[n - 1 - qubit for qubit in qubits]))
        else:
            matrix, targets = as_matrix(operation)
            wires = [n - 1 - qubit for qubit in reversed(targets)]
            operations.append(qml.QubitUnitary(matrix, wires=wires))

    def run() -> float:
        started = clock()
        state = LightningKokkosStateVector(num_wires=n, dtype=precision.complex_dtype.type)
        state.apply_operations(operations)
        return clock() - started

    return run


def as_matrix(operation: Operation) -> tuple[np.ndarray, tuple[int, ...]]:
    """An operation of the families as a dense matrix; bit ``j`` is the ``j``-th qubit."""
    if isinstance(operation, Matrix) and not operation.controls:
        return np.asarray(operation.matrix), operation.qubits
    if isinstance(operation, Diagonal):
        assert operation.control_state == (1 << len(operation.controls)) - 1
        entries = np.ones(1 << (len(operation.qubits) + len(operation.controls)), dtype=complex)
        entries[-len(operation.diagonal) :] = operation.diagonal
        return np.diag(entries), (*operation.qubits, *operation.controls)
    raise ValueError(f"no family has a {type(operation).__name__} like this")


def cpus() -> int:
    """The CPUs that this process may use."""
    from simquay.system.cpus import cpu_budget

    return cpu_budget()


PEERS: dict[str, Callable[[Program, Precision], Run | None]] = {
    "aer": aer,
    "qsim": qsim,
    "qsim2": partial(qsim, fused=2),
    "qsim4": partial(qsim, fused=4),
    "qulacs": qulacs,
    "kokkos": kokkos,
}
"""By the names that the benchmarks' arguments use."""
