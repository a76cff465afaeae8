"""The pubs that the primitives' benchmarks run, and the same pubs on PRISM-Q.

Circuits are made of gates that every peer has: RY, RZ, RX, RZZ, H and CX, each parameter of the
circuit standing by itself in its gates. Qubits and amplitudes are in Qiskit's order.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qiskit import QuantumCircuit
from qiskit.circuit import ParameterVector
from qiskit.quantum_info import SparsePauliOp

__all__ = ["AER_FORMS", "CASES", "Case", "ansatz", "prepared"]

AER_FORMS: dict[str, dict[str, Any]] = {
    "aer": {},
    "aer, in parallel": {"max_parallel_experiments": 0},
    "aer, bound at run time": {"runtime_parameter_bind_enable": True},
}
"""Options of Aer's backend, by the name of the form; ratios are to the fastest of them."""


@dataclass(frozen=True)
class Case:
    """Energies of one circuit at some points.

    Attributes:
        name: in the tables.
        circuit: with parameters.
        observable: one, of real coefficients.
        points: shape ``(points, parameters)``.
        one_by_one: each point is a call of its own, as an optimizer makes them.
    """

    name: str
    circuit: QuantumCircuit
    observable: SparsePauliOp
    points: NDArray[np.float64]
    one_by_one: bool = False


def ansatz(qubits: int, layers: int = 3) -> QuantumCircuit:
    """A hardware-efficient ansatz: RY and RZ on all qubits, then a chain of CX, and so on."""
    angles = iter(ParameterVector("t", 2 * qubits * (layers + 1)))
    circuit = QuantumCircuit(qubits)
    for layer in range(layers + 1):
        for qubit in range(qubits):
            circuit.ry(next(angles), qubit)
            circuit.rz(next(angles), qubit)
        if layer < layers:
            for qubit in range(qubits - 1):
                circuit.cx(qubit, qubit + 1)
    return circuit


def _qaoa(qubits: int, layers: int, rng: np.random.Generator) -> tuple[QuantumCircuit, Any]:
    """The ansatz of QAOA for the cut of a random graph of three edges a vertex, and its cost."""
    edges = [
        (first, second)
        for first in range(qubits)
        for second in rng.choice(qubits, 3, replace=False).tolist()
        if first != second
    ]
    gammas, betas = ParameterVector("g", layers), ParameterVector("b", layers)
    circuit = QuantumCircuit(qubits)
    circuit.h(range(qubits))
    for gamma, beta in zip(gammas, betas, strict=True):
        for first, second in edges:
            circuit.rzz(gamma, first, second)
        circuit.rx(beta, range(qubits))
    cost = [("ZZ", [first, second], 0.5) for first, second in edges]
    return circuit, SparsePauliOp.from_sparse_list(cost, qubits)


def _neighbours(qubits: int) -> SparsePauliOp:
    """The Hamiltonian of an Ising chain in a transverse field."""
    terms = [("ZZ", [qubit, qubit + 1], 1.0) for qubit in range(qubits - 1)]
    terms += [("X", [qubit], 0.7) for qubit in range(qubits)]
    return SparsePauliOp.from_sparse_list(terms, qubits)


def _random_terms(qubits: int, terms: int, rng: np.random.Generator) -> SparsePauliOp:
    letters = np.array(list("IXYZ"))
    labels = ["".join(letters[rng.integers(4, size=qubits)]) for _ in range(terms)]
    return SparsePauliOp(labels, rng.normal(size=terms))


def _cases() -> list[Case]:
    rng = np.random.default_rng(16)

    def points(circuit: QuantumCircuit, count: int) -> NDArray[np.float64]:
        return rng.uniform(0, 2 * np.pi, (count, circuit.num_parameters))

    def energies(name: str, qubits: int, count: int, one_by_one: bool = False) -> Case:
        circuit = ansatz(qubits)
        return Case(name, circuit, _neighbours(qubits), points(circuit, count), one_by_one)

    cases = [
        energies("VQE, 8 qubits, 20 calls", 8, 20, one_by_one=True),
        energies("4 qubits, 200 points", 4, 200),
        energies("10 qubits, 50 points", 10, 50),
        energies("16 qubits, 5 points", 16, 5),
        energies("20 qubits, 1 point", 20, 1),
    ]
    for qubits, terms in ((10, 500), (10, 2000), (14, 500), (14, 2000)):
        circuit = ansatz(qubits)
        name = f"{qubits} qubits, {terms} random terms"
        observable = _random_terms(qubits, terms, rng)
        cases.append(Case(name, circuit, observable, points(circuit, 1)))
    circuit, cost = _qaoa(16, 3, rng)
    cases.append(Case("QAOA, 16 qubits, 5 points", circuit, cost, points(circuit, 5)))
    return cases


CASES = {case.name: case for case in _cases()}
"""Every case by its name."""


def prepared(case: Case) -> Callable[[], NDArray[np.float64]] | None:
    """A function that gives the energies from PRISM-Q's prepared sweep; None without PRISM-Q.

    The translation, the preparation and the grouping of the observable are not in the function.
    """
    try:
        import prism_q
    except ImportError:
        return None
    circuit = case.circuit
    slots = {parameter: slot for slot, parameter in enumerate(circuit.parameters)}
    builder = prism_q.CircuitBuilder(circuit.num_qubits)
    for item in circuit.data:
        qubits = [circuit.find_bit(qubit).index for qubit in item.qubits]
        builder = getattr(builder, item.name)(*[0.1 for _ in item.params], *qubits)
        for parameter in item.params:
            builder = builder.param(slots[parameter])
    sweep = prism_q.PreparedCircuit(
        builder.build(), builder.parameters(), prism_q.BackendKind.statevector()
    )
    observable = prism_q.PauliObservable(
        [
            (float(coefficient.real), list(zip(where, letters, strict=True)))
            for letters, where, coefficient in case.observable.to_sparse_list()
        ]
    )

    def run() -> NDArray[np.float64]:
        parts = [case.points] if not case.one_by_one else case.points[:, None]
        many = sweep.observable_expectation_many
        return np.array([one.mean for part in parts for one in many(part, observable)])

    return run
