"""Gradients on every engine against those of the reference engine."""

from __future__ import annotations

import numpy as np
import pytest
from qiskit.circuit.library import efficient_su2, real_amplitudes
from qiskit.quantum_info import SparsePauliOp, random_pauli_list

from simquay.gradients import value_and_gradient

ENGINES = ["numpy", "numba"]


def an_observable(qubits: int) -> SparsePauliOp:
    paulis = random_pauli_list(qubits, 12, seed=qubits, phase=False)
    return SparsePauliOp(paulis, np.random.default_rng(qubits).uniform(-1, 1, 12))


@pytest.mark.parametrize("precision", ["double", "single"])
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(("qubits", "points"), [(3, 1), (5, 20), (9, 1), (11, 3), (13, 1), (15, 1)])
def test_gradients_are_the_reference_s(
    engine: str, qubits: int, points: int, precision: str
) -> None:
    make = real_amplitudes if qubits > 10 else efficient_su2
    circuit = make(qubits, reps=1)
    values = np.random.default_rng(1).uniform(-2, 2, (points, circuit.num_parameters))
    observable = an_observable(qubits)
    found = value_and_gradient(engine, circuit, observable, values, precision=precision)
    known = value_and_gradient("reference", circuit, observable, values)
    tolerance = 1e-11 if precision == "double" else 1e-4
    np.testing.assert_allclose(found.values, known.values, atol=tolerance)
    np.testing.assert_allclose(found.gradients, known.gradients, atol=tolerance)
