"""Noisy counts depend on the seed, the circuit's number and the shot's number alone."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.quantum_info import Pauli

from simquay.circuits.lowering.circuit import lower
from simquay.control import Control
from simquay.engines.numpy.engine import DenseEngine
from simquay.engines.reference import ReferenceEngine
from simquay.execution.run import run_program
from simquay.execution.settings import RunContext
from simquay.noise.reading import noise_of
from simquay.program import Channel, Matrix, Measure, Mixture, Program
from simquay.simulators.engine.backend import EngineBackend
from simquay_numba.engine import NumbaEngine
from tests.support.noise_models import random_circuit, random_dynamic, random_model

METHODS = pytest.mark.parametrize("method", ["trajectories", "density_matrix"])
Memory = list[list[str]]


def made(engine: Any) -> EngineBackend:
    return EngineBackend(engine, name=engine.name)


def job(seed: int, dynamic: bool) -> tuple[list[QuantumCircuit], Any]:
    """Three circuits and a model."""
    random = np.random.default_rng(seed)
    size = 3 + seed % 3
    model, _ = random_model(random, size)
    circuits = []
    for _ in range(3):
        if dynamic:
            circuits.append(random_dynamic(random, size, 3, 9))
        else:
            circuits.append(random_circuit(random, size, 30))
            circuits[-1].measure_all()
    return circuits, model


def memory(backend: EngineBackend, circuits: Any, model: Any, **options: Any) -> Memory:
    options = {"shots": 120, "seed_simulator": 9, "memory": True} | options
    result = backend.run(circuits, noise_model=model, **options).result()
    return [result.get_memory(place) for place in range(len(circuits))]


@pytest.mark.parametrize("engine", [ReferenceEngine, NumbaEngine], ids=["reference", "numba"])
@METHODS
@pytest.mark.parametrize("seed", range(3))
def test_every_engine_has_the_same_counts(seed: int, method: str, engine: Any) -> None:
    circuits, model = job(seed, dynamic=False)
    expected = memory(made(DenseEngine()), circuits, model, method=method)
    assert memory(made(engine()), circuits, model, method=method) == expected


@pytest.mark.parametrize("engine", [ReferenceEngine, NumbaEngine], ids=["reference", "numba"])
@pytest.mark.parametrize("seed", range(4))
def test_every_engine_has_the_same_counts_of_dynamic_circuits(seed: int, engine: Any) -> None:
    circuits, model = job(50 + seed, dynamic=True)
    expected = memory(made(DenseEngine()), circuits, model)
    assert memory(made(engine()), circuits, model) == expected


@METHODS
def test_split_jobs_have_the_same_counts(method: str) -> None:
    circuits, model = job(100, dynamic=False)
    backend = made(DenseEngine())
    expected = memory(backend, circuits, model, method=method)
    for split in (
        {"max_shots_per_task": 37},
        {"max_circuits_per_task": 1},
        {"max_shots_per_task": 50, "max_circuits_per_task": 2},
    ):
        assert memory(backend, circuits, model, method=method, **split) == expected
    with ThreadPoolExecutor(2) as executor:
        options = {"executor": executor, "max_shots_per_task": 45}
        assert memory(backend, circuits, model, method=method, **options) == expected


@pytest.mark.parametrize("dynamic", [False, True])
def test_branches_alive_together_change_no_sample(dynamic: bool) -> None:
    circuits, model = job(30, dynamic)
    program = lower(circuits[0], noise_of(model))
    for engine in (DenseEngine(), NumbaEngine()):
        samples = []
        for together in (None, 1, 2, 8):
            context = RunContext(
                shots=120, seed=3, branches_together=together, method="trajectories"
            )
            samples.append(run_program(program, engine, context, Control())["samples"])
        for one in samples[1:]:
            np.testing.assert_array_equal(one, samples[0])


@pytest.mark.parametrize("engine", [NumbaEngine(), DenseEngine(), ReferenceEngine()])
def test_an_error_may_store_a_qubit_that_no_gate_moves(engine: Any) -> None:
    # Qubit 3 is |0> but for rare flips, which few of many vectors with errors have.
    identity, x, z = (Pauli(letter).to_matrix().astype(complex) for letter in "IXZ")
    flip = Mixture(np.array([0.985, 0.015]), (identity, x))
    phase = Mixture(np.array([0.5, 0.5]), (identity, z))
    turn = np.array([[0.8, -0.6], [0.6, 0.8]], dtype=complex)
    layer = [Matrix(turn, (q,)) for q in range(3)] + [Channel(phase, (q,)) for q in range(3)]
    ends = [Measure(q, q) for q in range(4)]
    program = Program(4, 4, (*layer * 24, Channel(flip, (3,)), *ends))
    samples = [
        run_program(
            program,
            engine,
            RunContext(shots=400, seed=1, method="trajectories", branches_together=together),
            Control(),
        )["samples"]
        for together in (1, 400)
    ]
    np.testing.assert_array_equal(*samples)
    assert 0 < (samples[0][:, 0] >> 3 & 1).sum() < 30
