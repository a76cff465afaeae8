"""Primitives on every engine against Qiskit's reference, over random circuits and observables."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from qiskit import QuantumCircuit
from qiskit.quantum_info import Operator, SparseObservable, SparsePauliOp, Statevector

from simquay.primitives import EstimatorV2, SamplerV2
from simquay.simulators.engine.backend import EngineBackend
from tests.agreement.test_engines_agree import OTHERS, REFERENCE
from tests.support.job_doubles import LONG
from tests.support.random_circuits import (
    parametric_circuits,
    random_dynamic_circuit,
    random_unitary_circuit,
)

# Qiskit 2.0 warns of its own MCXGate where gates get controls.
pytestmark = pytest.mark.filterwarnings("ignore::PendingDeprecationWarning")

ENGINES = [REFERENCE, *OTHERS]
by_engine = pytest.mark.parametrize("engine", ENGINES, ids=lambda engine: engine.name)


def backend(engine: Any) -> EngineBackend:
    return EngineBackend(engine, name=engine.name)


def random_observable(num_qubits: int, rng: np.random.Generator, terms: int = 6) -> Any:
    """Letters of every kind; half of them are the identity."""
    letters = list("IIIIIIIIIXYZ01+-rl")
    labels = ["".join(rng.choice(letters, num_qubits)) for _ in range(terms)]
    return SparseObservable.from_list([(one, rng.normal()) for one in labels])


def expected(circuit: QuantumCircuit, observable: Any) -> float:
    operator = Operator(SparsePauliOp.from_sparse_observable(observable))
    return float(np.real(Statevector(circuit).expectation_value(operator)))


@by_engine
@pytest.mark.parametrize("seed", range(25))
def test_random_circuits_and_observables(engine: Any, seed: int) -> None:
    rng = np.random.default_rng(seed)
    circuit = random_unitary_circuit(rng, int(rng.integers(1, 6)), 25)
    observables = [random_observable(circuit.num_qubits, rng) for _ in range(3)]
    (pub,) = EstimatorV2(backend(engine)).run([(circuit, observables)]).result(LONG)
    values = [expected(circuit, one) for one in observables]
    np.testing.assert_allclose(pub.data.evs, values, atol=1e-12)
    assert not pub.data.stds.any()


@by_engine
@settings(max_examples=30, deadline=None)
@given(parametric_circuits(), st.integers(0, 10**6))
def test_random_parameters(engine: Any, swept: tuple[QuantumCircuit, Any], seed: int) -> None:
    rng = np.random.default_rng(seed)
    circuit, values = swept
    observables = [[random_observable(circuit.num_qubits, rng, 3)] for _ in range(2)]
    (pub,) = EstimatorV2(backend(engine)).run([(circuit, observables, values)]).result(LONG)
    for row, [observable] in zip(pub.data.evs, observables, strict=True):
        exact = [expected(circuit.assign_parameters(point), observable) for point in values]
        np.testing.assert_allclose(row, exact, atol=1e-12)


@by_engine
@pytest.mark.parametrize("seed", range(15))
def test_probabilities_are_those_of_many_shots(engine: Any, seed: int) -> None:
    """Dynamic circuits: counts of all registers agree with the exact distribution."""
    circuit = random_dynamic_circuit(np.random.default_rng(seed), 3, 4, 8)
    shots = 4000
    sampler = SamplerV2(backend(engine), seed=seed, default_shots=shots)
    joint = sampler.probabilities([circuit]).result(LONG)[0].joint()
    assert sum(joint.values()) == pytest.approx(1)
    counts = sampler.run([circuit]).result(LONG)[0].join_data().get_counts()
    assert set(counts) <= set(joint)
    for key, probability in joint.items():
        spread = np.sqrt(shots * probability * (1 - probability))
        assert abs(counts.get(key, 0) - shots * probability) < 5 * spread + 1e-6
