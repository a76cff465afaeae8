"""The noisy circuits that are compared, with Aer's noise models, and the first one on PRISM-Q.

Layers of random U gates on all qubits, then a chain of CX; all qubits are measured at the end.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from qiskit import QuantumCircuit

__all__ = ["AER_FORMS", "CASES", "Case", "depolarizing", "on_prism"]

AER_FORMS: dict[str, dict[str, Any]] = {
    "aer": {},
    "aer, no fusion": {"fusion_enable": False},
    "aer, fusion of 3 qubits": {"fusion_max_qubit": 3, "fusion_threshold": 4},
    "aer, one shot after another": {"max_parallel_shots": 1},
    "aer, branching": {"shot_branching_enable": True, "shot_branching_sampling_enable": True},
}
"""Options of Aer's backend, by the name of the form. With branching, Aer's counts are wrong where a
model has readout errors."""

GATE_SECONDS = {"u": 50e-9, "cx": 300e-9}
T1 = 100e-6


@dataclass(frozen=True)
class Case:
    """A noisy circuit and how often it is run.

    Attributes:
        name: in the tables.
        qubits, layers: of the circuit.
        shots: of the run.
        model: makes the noise model, Aer's.
        depolarizing: the parameter of the errors of CX, where they are all the noise there is.
        readout: whether the model has readout errors.
    """

    name: str
    qubits: int
    layers: int
    shots: int
    model: Callable[[], Any]
    depolarizing: float = 0.0
    readout: bool = False

    def circuit(self) -> QuantumCircuit:
        """The circuit; the same at each call."""
        rng = np.random.default_rng(17)
        circuit = QuantumCircuit(self.qubits)
        for _ in range(self.layers):
            for qubit in range(self.qubits):
                circuit.u(*rng.uniform(0, 2 * np.pi, 3), qubit)
            for qubit in range(self.qubits - 1):
                circuit.cx(qubit, qubit + 1)
        circuit.measure_all()
        return circuit


def depolarizing(one: float, two: float) -> Any:
    """A model: depolarizing errors of U and of CX, with these parameters (Aer's: the weight of the
    completely depolarizing channel)."""
    from qiskit_aer.noise import NoiseModel, depolarizing_error

    model = NoiseModel()
    if one:
        model.add_all_qubit_quantum_error(depolarizing_error(one, 1), ["u"])
    model.add_all_qubit_quantum_error(depolarizing_error(two, 2), ["cx"])
    return model


def relaxation(t2: float) -> Any:
    """A model: thermal relaxation during each gate, with ``t2`` in seconds, and readout errors."""
    from qiskit_aer.noise import NoiseModel, ReadoutError, thermal_relaxation_error

    model = NoiseModel()
    one, two = (thermal_relaxation_error(T1, t2, GATE_SECONDS[name]) for name in ("u", "cx"))
    model.add_all_qubit_quantum_error(one, ["u"])
    model.add_all_qubit_quantum_error(two.tensor(two), ["cx"])
    model.add_all_qubit_readout_error(ReadoutError([[0.99, 0.01], [0.03, 0.97]]))
    return model


CASES = {
    case.name: case
    for case in (
        Case("14 qubits, 1e-3", 14, 30, 10_000, lambda: depolarizing(0, 1e-3), 1e-3),
        Case("10 qubits, 1e-3/1e-2", 10, 20, 10_000, lambda: depolarizing(1e-3, 1e-2)),
        Case("12 qubits, T2 < T1", 12, 20, 4_000, lambda: relaxation(80e-6), readout=True),
        Case("12 qubits, T2 > T1", 12, 20, 4_000, lambda: relaxation(140e-6), readout=True),
        Case("18 qubits, 1e-4/1e-3", 18, 20, 2_000, lambda: depolarizing(1e-4, 1e-3)),
    )
}
"""Every case by its name."""


def on_prism(case: Case) -> Callable[[], dict[str, int]] | None:
    """A function that gives PRISM-Q's counts with the same channels, its strings in its order (bit
    0 first); None without PRISM-Q, or where the noise is more than depolarizing errors of CX.

    The circuit and its noise are translated beforehand. PRISM-Q's parameter is the probability of
    an error, 15/16 of Aer's.
    """
    if not case.depolarizing:
        return None
    try:
        import prism_q
    except ImportError:
        return None
    circuit = case.circuit()
    builder = prism_q.CircuitBuilder(circuit.num_qubits, circuit.num_clbits)
    for item in circuit.data:
        qubits = [circuit.find_bit(qubit).index for qubit in item.qubits]
        if item.name == "measure":
            builder = builder.measure(qubits[0], circuit.find_bit(item.clbits[0]).index)
        elif item.name != "barrier":
            builder = getattr(builder, item.name)(*item.params, *qubits)
    translated = builder.build()
    channel = prism_q.NoiseChannel.two_qubit_depolarizing(case.depolarizing * 15 / 16)
    filtered = prism_q.GateFilter.all().named("cx")
    noise = prism_q.NoiseBuilder().after_gates_joint(filtered, channel).build(translated)

    def run() -> dict[str, int]:
        found = prism_q.simulate(translated).noise(noise).seed(1).sample_counts(case.shots)
        return dict(found.counts())

    return run
