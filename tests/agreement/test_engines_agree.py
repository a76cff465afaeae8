"""Engines agree by construction: the same seed gives the same samples on all of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from qiskit import QuantumCircuit
from qiskit.quantum_info import Operator, Statevector

from simquay.circuits.lowering.circuit import lower
from simquay.control import Control
from simquay.engines.base import Engine
from simquay.engines.numpy.engine import DenseEngine
from simquay.engines.reference import ReferenceEngine
from simquay.execution.run import run_program
from simquay.execution.settings import Outcome
from simquay.program import Precision, Program
from tests.support.random_circuits import random_dynamic_circuit, random_unitary_circuit
from tests.support.random_programs import (
    dynamic_programs,
    random_dynamic_program,
    random_unitary_program,
    unitary_programs,
)
from tests.support.small_gates import part_of_job
from tests.support.tiled_engine import TiledEngine

REFERENCE = ReferenceEngine()
OTHERS = [DenseEngine(), TiledEngine(tile=3, low=1, span=2)]
by_name = pytest.mark.parametrize("engine", OTHERS, ids=lambda engine: engine.name)


def run(program: Program, engine: Engine, **options: Any) -> Outcome:
    context, piece = part_of_job(**options)
    return run_program(program, engine, context, Control(), piece)


def assert_same_samples(program: Program, engine: Engine, shots: int, seed: int) -> None:
    expected = run(program, REFERENCE, shots=shots, seed=seed, circuit=2)
    outcome = run(program, engine, shots=shots, seed=seed, circuit=2)
    np.testing.assert_array_equal(outcome["samples"], expected["samples"])
    assert outcome.metadata["branches"] == expected.metadata["branches"]


@by_name
@settings(max_examples=80, deadline=None)
@given(program=dynamic_programs(max_qubits=6, max_operations=20), seed=st.integers(0, 99))
def test_random_dynamic_programs(engine: Engine, program: Program, seed: int) -> None:
    assert_same_samples(program, engine, 300, seed)


@by_name
@pytest.mark.parametrize("seed", range(40))
def test_long_dynamic_programs(engine: Engine, seed: int) -> None:
    assert_same_samples(random_dynamic_program(7, 50, seed, num_clbits=70), engine, 200, seed)


@by_name
@pytest.mark.parametrize("seed", range(10))
def test_many_shots_of_many_qubits(engine: Engine, seed: int) -> None:
    # 10,000 draws over 1,024 outcomes: a draw within 1e-13 of a boundary has chance 1e-6 in all.
    program = random_unitary_program(10, 40, seed, measure=True)
    assert_same_samples(program, engine, 10_000, seed)


@by_name
@settings(max_examples=60, deadline=None)
@given(program=unitary_programs(max_qubits=7), precision=st.sampled_from(Precision))
def test_states(engine: Engine, program: Program, precision: Precision) -> None:
    expected = run(program, REFERENCE, shots=1, statevector=True)["statevector"]
    outcome = run(program, engine, shots=1, statevector=True, precision=precision)
    assert expected is not None
    assert outcome["statevector"].dtype == precision.complex_dtype
    tolerance = 1e-12 if precision is Precision.DOUBLE else 1e-5
    np.testing.assert_allclose(outcome["statevector"], expected, atol=tolerance)


@pytest.mark.parametrize("seed", range(40))
def test_the_reference_agrees_with_qiskits_statevector(seed: int) -> None:
    circuit = random_unitary_circuit(np.random.default_rng(seed), 1 + seed % 6, 15)
    outcome = run(lower(circuit), REFERENCE, shots=1, statevector=True)
    expected = Statevector(circuit).data
    np.testing.assert_allclose(outcome["statevector"], expected, atol=1e-12)


@pytest.mark.parametrize("seed", range(10))
def test_the_reference_agrees_with_qiskits_operator(seed: int) -> None:
    # Every column of the operator: the circuit after each basis state.
    n = 3
    circuit = random_unitary_circuit(np.random.default_rng(100 + seed), n, 12)
    expected = Operator(circuit).data
    for column in range(1 << n):
        whole = QuantumCircuit(n)
        for qubit in range(n):
            if column >> qubit & 1:
                whole.x(qubit)
        whole.compose(circuit, inplace=True)
        outcome = run(lower(whole), REFERENCE, shots=1, statevector=True)
        np.testing.assert_allclose(outcome["statevector"], expected[:, column], atol=1e-12)


@by_name
@pytest.mark.parametrize("seed", range(20))
def test_dynamic_circuits_of_qiskit(engine: Engine, seed: int) -> None:
    circuit = random_dynamic_circuit(np.random.default_rng(seed), 1 + seed % 5, 3, 20)
    assert_same_samples(lower(circuit), engine, 300, seed)
