"""Gradients of an energy, side by side with lightning.qubit's and PRISM-Q's adjoint methods.

The circuit is the ansatz of VQE: layers of RY on all qubits and a chain of CX, and RY at the end.
The energy is that of an Ising chain in a transverse field. In double precision. The simulators take
turns call by call, so that a change of the machine's load meets them all; the time is the best of
``--repeats``, after one call that warms up. A call of ours is ``value_and_gradient``, everything
included; lightning.qubit's is ``qml.grad`` of a QNode, and beside it that of its device alone, on a
tape that is made beforehand; PRISM-Q's is that of a simulation whose circuit is made beforehand.
"energy" is one exact value by ``EstimatorV2``. Gradients are compared to 1e-9. Ratios are a peer's
time over ours: above 1, ours is faster.

    OMP_WAIT_POLICY=passive python -m benchmarks.gradients.adjoint [--backends numba,numpy]
        [--qubits 8,12,16,20] [--layers 4] [--repeats 7] [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import platform
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import qiskit
from numpy.typing import NDArray
from qiskit import QuantumCircuit
from qiskit.circuit import ParameterVector
from qiskit.quantum_info import SparsePauliOp

from simquay.gradients import value_and_gradient
from simquay.primitives import EstimatorV2

Call = Callable[[], "NDArray[np.float64] | None"]

PEERS = ("lightning.qubit", "lightning.qubit, tape", "prism-q")


def ansatz(qubits: int, layers: int) -> QuantumCircuit:
    """Layers of RY and a chain of CX, and RY at the end."""
    angles = iter(ParameterVector("a", qubits * (layers + 1)))
    circuit = QuantumCircuit(qubits)
    for layer in range(layers + 1):
        for qubit in range(qubits):
            circuit.ry(next(angles), qubit)
        if layer < layers:
            for qubit in range(qubits - 1):
                circuit.cx(qubit, qubit + 1)
    return circuit


def ising(qubits: int) -> list[tuple[str, list[int], float]]:
    """The terms of an Ising chain in a transverse field."""
    terms = [("ZZ", [qubit, qubit + 1], 1.0) for qubit in range(qubits - 1)]
    return terms + [("X", [qubit], 0.7) for qubit in range(qubits)]


def gates(circuit: QuantumCircuit) -> list[tuple[str, list[int]]]:
    """Names and qubits."""
    return [
        (item.name, [circuit.find_bit(qubit).index for qubit in item.qubits])
        for item in circuit.data
    ]


def ours(circuit: QuantumCircuit, values: NDArray[np.float64], backend: str) -> dict[str, Call]:
    """The gradient on a backend, and one energy."""
    observable = SparsePauliOp.from_sparse_list(ising(circuit.num_qubits), circuit.num_qubits)
    estimator = EstimatorV2(backend)

    def energy() -> None:
        estimator.run([(circuit, observable, values)]).result()

    return {
        backend: lambda: value_and_gradient(backend, circuit, observable, values).gradients,
        f"{backend}, energy": energy,
    }


def lightning(circuit: QuantumCircuit, values: NDArray[np.float64]) -> dict[str, Call]:
    """lightning.qubit's gradient, of a QNode and of a tape; nothing where it is not installed."""
    try:
        import pennylane as qml
        from pennylane.devices import ExecutionConfig
    except ImportError:
        return {}
    angles = iter(values)
    operations = [
        qml.RY(next(angles), wires=qubits[0]) if name == "ry" else qml.CNOT(wires=qubits)
        for name, qubits in gates(circuit)
    ]
    terms = ising(circuit.num_qubits)
    letters = {"X": qml.PauliX, "Z": qml.PauliZ}
    factors = [
        qml.prod(*[letters[letter](qubit) for letter, qubit in zip(word, where, strict=True)])
        if len(word) > 1
        else letters[word](where[0])
        for word, where, _ in terms
    ]
    hamiltonian = qml.Hamiltonian([weight for _, _, weight in terms], factors)
    tape = qml.tape.QuantumScript(
        operations, [qml.expval(hamiltonian)], trainable_params=range(len(values))
    )
    device = qml.device("lightning.qubit", wires=circuit.num_qubits)
    config: Any = ExecutionConfig(gradient_method="adjoint")

    def energy(angles: Any) -> Any:
        numbers = iter(range(len(values)))
        for name, qubits in gates(circuit):
            if name == "ry":
                qml.RY(angles[next(numbers)], wires=qubits[0])
            else:
                qml.CNOT(wires=qubits)
        return qml.expval(hamiltonian)

    gradient = qml.grad(qml.QNode(energy, device, diff_method="adjoint"))
    point = qml.numpy.array(values, requires_grad=True)
    return {
        "lightning.qubit": lambda: np.array(gradient(point)),
        "lightning.qubit, tape": lambda: np.array(
            device.compute_derivatives(tape, config), dtype=float
        ).ravel(),
    }


def prism(circuit: QuantumCircuit, values: NDArray[np.float64]) -> dict[str, Call]:
    """PRISM-Q's gradient; nothing where it is not installed."""
    try:
        import prism_q
    except ImportError:
        return {}
    builder = prism_q.CircuitBuilder(circuit.num_qubits)
    angles = iter(values)
    for name, qubits in gates(circuit):
        builder = builder.ry(next(angles), *qubits) if name == "ry" else builder.cx(*qubits)
    made = builder.build()
    places = [place for place, (name, _) in enumerate(gates(circuit)) if name == "ry"]
    parameters = [(place, number) for number, place in enumerate(places)]
    hamiltonian = [
        (weight, list(zip(where, word, strict=True)))
        for word, where, weight in ising(circuit.num_qubits)
    ]

    def run() -> NDArray[np.float64]:
        simulation = prism_q.simulate(made).backend(prism_q.BackendKind.statevector())
        return np.array(simulation.expectation_gradient(hamiltonian, parameters)[1])

    return {"prism-q": run}


def measured(qubits: int, layers: int, backends: list[str], repeats: int) -> dict[str, float]:
    """The best seconds of each simulator."""
    circuit = ansatz(qubits, layers)
    values = np.random.default_rng(qubits).uniform(-np.pi, np.pi, circuit.num_parameters)
    found: dict[str, Call] = {}
    for backend in backends:
        found |= ours(circuit, values, backend)
    found |= lightning(circuit, values) | prism(circuit, values)
    best = dict.fromkeys(found, np.inf)
    known: NDArray[np.float64] | None = None
    for repeat in range(-1, repeats):
        for name, run in found.items():
            started = time.perf_counter()
            gradient = run()
            seconds = time.perf_counter() - started
            if gradient is not None:
                known = gradient if known is None else known
                if not np.allclose(gradient, known, atol=1e-9):
                    raise SystemExit(f"{name} disagrees on {qubits} qubits")
            if repeat >= 0:
                best[name] = min(best[name], seconds)
    return {name: float(seconds) for name, seconds in best.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--backends", default="numba,numpy")
    parser.add_argument("--qubits", default="8,12,16,20")
    parser.add_argument("--layers", type=int, default=4)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    backends = arguments.backends.split(",")
    print(f"{platform.python_version()}, Qiskit {qiskit.__version__}, NumPy {np.__version__}")

    rows = {}
    for qubits in map(int, arguments.qubits.split(",")):
        rows[qubits] = best = measured(qubits, arguments.layers, backends, arguments.repeats)
        times = "  ".join(f"{one} {1e3 * seconds:.2f} ms" for one, seconds in best.items())
        print(f"{qubits:2} qubits  {times}")
        for one in backends:
            ratios = [f"{best[one] / best[f'{one}, energy']:.1f} energies"]
            ratios += [
                f"{peer} over it {best[peer] / best[one]:.2f}" for peer in PEERS if peer in best
            ]
            print(f"{'':9}  {one}: {', '.join(ratios)}")
    for peer in PEERS:
        for one in backends:
            gains = [best[peer] / best[one] for best in rows.values() if peer in best]
            if gains:
                mean = float(np.exp(np.mean(np.log(gains))))
                print(f"{peer} over {one}: geometric mean {mean:.2f}, least {min(gains):.2f}")
    if arguments.json:
        arguments.json.write_text(json.dumps(rows, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
