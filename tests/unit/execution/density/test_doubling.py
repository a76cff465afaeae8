"""Doubled programs against density matrices by Qiskit's operators."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

import numpy as np
import pytest
from numpy.typing import NDArray
from qiskit.quantum_info import DensityMatrix, Pauli, random_clifford

from simquay.control import Control
from simquay.engines.reference import ReferenceEngine
from simquay.execution.branching.deferral import Deferred
from simquay.execution.density.doubling import doubled
from simquay.planning import Layout, make_plan
from simquay.program import Gate, Matrix, Permutation, Precision, Program
from tests.support.noise import density_of, random_channel, random_noisy_operations
from tests.support.random_programs import random_unitary

NOT = np.array([1, 0], dtype=np.intp)


def coefficients(program: Program, uniform: bool) -> tuple[NDArray[np.complex128], Layout]:
    """The amplitudes of the doubled program, and their layout."""
    engine = ReferenceEngine()
    twice = doubled(program, Deferred(tuple(program.operations), (), (), None), uniform)
    state = engine.allocate(twice.num_qubits, Precision.DOUBLE, capacity=twice.num_qubits)
    profile = engine.profile(Precision.DOUBLE, twice.num_qubits)
    gates = cast("list[Gate]", twice.operations)
    engine.apply(state, make_plan(gates, state.layout, profile), Control())
    return engine.amplitudes(state)[0].astype(np.complex128), state.layout


def expected(rho: NDArray[np.complex128], num_qubits: int, layout: Layout) -> NDArray[np.float64]:
    """The coefficients of the density matrix ``rho``."""
    state = DensityMatrix(rho)
    stored = [qubit in layout.order for qubit in range(num_qubits)]
    result = np.zeros(4**num_qubits)
    for index in range(len(result)):
        bits = np.array([index >> bit & 1 for bit in range(2 * num_qubits)], dtype=bool)
        z, x = bits[:num_qubits], bits[num_qubits:]
        if not z[np.logical_not(stored)].any():  # a qubit that is not stored is |0>
            result[index] = state.expectation_value(Pauli((z, x))).real
    return result / 2 ** (sum(stored) / 2)


@pytest.mark.parametrize("uniform", [False, True])
@pytest.mark.parametrize("seed", range(300))
def test_amplitudes_are_the_coefficients_of_pauli_matrices(seed: int, uniform: bool) -> None:
    num_qubits = 1 + seed % 4
    operations = random_noisy_operations(num_qubits, 1 + seed % 17, seed)
    rho = density_of(operations, num_qubits)
    program = Program(num_qubits, 0, tuple(operations))
    amplitudes, layout = coefficients(program, uniform)
    np.testing.assert_allclose(amplitudes, expected(rho, num_qubits, layout), atol=1e-12)


@pytest.mark.parametrize("seed", range(8))
def test_maps_of_one_qubit_keep_the_trace_exactly(seed: int) -> None:
    generator = np.random.default_rng(seed)
    operations: list[Any] = []
    for _ in range(4):
        operations += [Matrix(random_unitary(2, generator), (0,)) for _ in range(seed)]
        operations.append(random_channel("relaxation", 1, generator))
        operations.append(Matrix(random_unitary(2, generator), (0,)))
        operations.append(Permutation(NOT, (1,), (0,), 1))
    twice = doubled(Program(2, 0, tuple(operations)), Deferred(tuple(operations), (), (), None))
    found = [one for one in twice.operations if isinstance(one, Matrix) and len(one.matrix) == 4]
    assert len(found) == 4
    for one in found:
        assert one.matrix[0].tolist() == [1, 0, 0, 0]


@pytest.mark.parametrize("kind", ["pauli", "amplitude_damping", "relaxation", "phase_damping"])
@pytest.mark.parametrize("seed", range(12))
def test_clifford_gates_and_channels_on_one_qubit_have_short_forms(seed: int, kind: str) -> None:
    generator = np.random.default_rng(seed)
    operations: list[Any] = [Matrix(random_unitary(4, generator), (0, 1))]
    for place in range(4):
        channel = random_channel(kind, 1, generator)
        assert channel is not None
        target = place % 2
        gate = Matrix(random_clifford(1, seed=seed + place).to_matrix(), (target,))
        after = Permutation(NOT, (1 - target,), (target,), 1)
        operations += [gate, replace(channel, qubits=(target,)), after]
    amplitudes, layout = coefficients(Program(2, 0, tuple(operations)), uniform=False)
    rho = density_of(operations, 2)
    np.testing.assert_allclose(amplitudes, expected(rho, 2, layout), atol=1e-13)
