"""Parameter sweeps: circuits of one random structure and random angles, and engines that tell
whether they ran as a batch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter

from simquay.control import Control
from simquay.engines.numpy.engine import DenseEngine
from simquay.planning import Plan, SweepPlan
from simquay.program import Precision

__all__ = ["OneByOneEngine", "WatchedEngine", "bindings", "parametrised", "sweep"]

_ANGLES = {"rx": 1, "ry": 1, "rz": 1, "p": 1, "cp": 2, "rzz": 2, "rxx": 2, "cry": 2, "crz": 2}
_FIXED = {"h": 1, "x": 1, "sx": 1, "cx": 2, "cz": 2, "swap": 2, "ccx": 3}


def parametrised(num_qubits: int, gates: int, seed: int, *, measure: bool = True) -> QuantumCircuit:
    """A random circuit with a parameter in about half of its gates."""
    rng = np.random.default_rng(seed)
    circuit = QuantumCircuit(num_qubits, name=f"ansatz{seed}")
    for number in range(gates):
        table = _ANGLES if rng.random() < 0.6 else _FIXED
        fitting = [name for name, width in table.items() if width <= num_qubits]
        name = str(rng.choice(fitting))
        qubits = [int(qubit) for qubit in rng.permutation(num_qubits)[: table[name]]]
        angles = [Parameter(f"t{number:03}")] if table is _ANGLES else []
        getattr(circuit, name)(*angles, *qubits)
    if measure:
        circuit.measure_all()
    return circuit


def bindings(circuit: QuantumCircuit, count: int, seed: int) -> list[QuantumCircuit]:
    """``count`` copies of ``circuit`` with random angles."""
    rng = np.random.default_rng(seed)
    return [
        circuit.assign_parameters(rng.uniform(-4, 4, circuit.num_parameters).tolist())
        for _ in range(count)
    ]


def sweep(
    num_qubits: int, count: int, seed: int, *, gates: int = 40, measure: bool = True
) -> list[QuantumCircuit]:
    """``count`` circuits of one random structure."""
    return bindings(parametrised(num_qubits, gates, seed, measure=measure), count, seed + 1000)


class WatchedEngine(DenseEngine):
    """Keeps the batch of each state, and what was applied to it: passes of plans, and of sweeps."""

    def __init__(self) -> None:
        super().__init__(threads=1)
        self.batches: list[int] = []
        self.passes = 0
        self.sweep_passes = 0

    def allocate(
        self, num_qubits: int, precision: Precision, *, capacity: int, batch: int = 1
    ) -> Any:
        self.batches.append(batch)
        return super().allocate(num_qubits, precision, capacity=capacity, batch=batch)

    def select(self, parts: Sequence[tuple[Any, Sequence[int]]]) -> Any:
        """Branches of a dynamic circuit are no sweep, and are not kept."""
        known = len(self.batches)
        state = super().select(parts)
        del self.batches[known:]
        return state

    def apply(self, state: Any, plan: Plan, control: Control) -> None:
        self.passes += len(plan)
        super().apply(state, plan, control)

    def apply_sweep(self, state: Any, plan: SweepPlan, control: Control) -> None:
        self.sweep_passes += len(plan)
        super().apply_sweep(state, plan, control)


class OneByOneEngine(WatchedEngine):
    """Has no state that is faster in a batch."""

    def sweep_qubits(self, precision: Precision) -> int:
        return 0
