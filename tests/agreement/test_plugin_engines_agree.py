"""The engines of this repository's plugins give the samples of the core's, seed by seed.

The kit for engines is in each plugin's tests. Here are random programs of every kind, branches and
sweeps. The CuPy engine runs its kernels on the host.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from host_device import HostDevice, compile_host_kernels, find_compiler
from hypothesis import given, settings
from hypothesis import strategies as st
from qiskit.quantum_info import Statevector

from simquay.circuits.lowering.circuit import lower
from simquay.control import Control
from simquay.engines.base import Engine
from simquay.engines.reference import ReferenceEngine
from simquay.execution.observables.values import Estimates
from simquay.execution.sampling.sampler import Sampler
from simquay.program import Precision, Program
from simquay.program.program import most_stored_qubits
from simquay.simulators.engine.backend import EngineBackend
from simquay.testing.engines import evolve, new_memory_ledgers, random_gates
from simquay_cupy.engine import CupyEngine
from simquay_numba.engine import NumbaEngine
from tests.support.batch_states import check_many_vectors
from tests.support.observables import random_observable
from tests.support.random_programs import (
    dynamic_programs,
    random_dynamic_program,
    random_unitary_program,
    unitary_programs,
)
from tests.support.small_gates import run
from tests.support.sweeps import OneByOneEngine, sweep

REFERENCE = ReferenceEngine()
LONG = 60.0


@pytest.fixture(scope="module")
def host_gpu(tmp_path_factory: pytest.TempPathFactory) -> CupyEngine:
    """The CuPy engine with its kernels compiled for the host."""
    if find_compiler() is None:
        pytest.skip("no C++ compiler to compile the kernels for the host with")
    folder = tmp_path_factory.getbasetemp().parent / "simquay-kernels"
    folder.mkdir(exist_ok=True)
    return CupyEngine(HostDevice(compile_host_kernels(folder)))


@pytest.fixture(scope="module", params=["numba", "numba in small tiles", "cupy on the host"])
def engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    with new_memory_ledgers():
        if request.param == "numba":
            yield NumbaEngine()
        elif request.param == "cupy on the host":
            yield request.getfixturevalue("host_gpu")
        else:
            yield NumbaEngine(tile=(6, 5), low=(4, 3), small=0, threads=2)


def assert_same_samples(program: Program, engine: Engine, shots: int, seed: int) -> None:
    expected = run(program, REFERENCE, shots=shots, seed=seed)
    found = run(program, engine, shots=shots, seed=seed)
    np.testing.assert_array_equal(found["samples"], expected["samples"])
    assert found.metadata["branches"] == expected.metadata["branches"]


@settings(max_examples=30, deadline=None)
@given(program=dynamic_programs(max_qubits=6, max_operations=20), seed=st.integers(0, 99))
def test_random_dynamic_programs(engine: Engine, program: Program, seed: int) -> None:
    assert_same_samples(program, engine, 200, seed)


@pytest.mark.parametrize("seed", range(10))
def test_long_dynamic_programs(engine: Engine, seed: int) -> None:
    assert_same_samples(random_dynamic_program(9, 60, seed, num_clbits=70), engine, 200, seed)


@pytest.mark.parametrize("num_qubits", [3, 5, 10, 14, 15, 17])
def test_many_shots(engine: Engine, num_qubits: int) -> None:
    # 5,000 draws, each within 1e-13 of a boundary between outcomes: chance below 1e-7 in all.
    program = random_unitary_program(num_qubits, 60, num_qubits, measure=True)
    assert_same_samples(program, engine, 5_000, 3)


@settings(max_examples=40, deadline=None)
@given(program=unitary_programs(max_qubits=8, max_gates=30), precision=st.sampled_from(Precision))
def test_states(engine: Engine, program: Program, precision: Precision) -> None:
    expected = run(program, REFERENCE, shots=1, statevector=True)["statevector"]
    found = run(program, engine, shots=1, statevector=True, precision=precision)["statevector"]
    assert found.dtype == precision.complex_dtype
    tolerance = 1e-12 if precision is Precision.DOUBLE else 1e-5
    np.testing.assert_allclose(found, expected, atol=tolerance)


@pytest.mark.parametrize("precision", list(Precision), ids=lambda p: p.value)
@pytest.mark.parametrize("num_qubits", [1, 4, 9, 11, 13])
def test_each_vector_of_many_is_what_it_is_alone(
    engine: Engine, num_qubits: int, precision: Precision
) -> None:
    for seed in range(3):
        check_many_vectors(engine, num_qubits, precision, seed)


@pytest.mark.parametrize("seed", range(8))
def test_branches_in_batches_are_those_one_by_one(engine: Engine, seed: int) -> None:
    program = random_dynamic_program(6, 50, seed)
    alone = run(program, REFERENCE, shots=200, seed=seed, branches_together=1)
    for together in (1, 4, None):
        found = run(program, engine, shots=200, seed=seed, branches_together=together)
        np.testing.assert_array_equal(found["samples"], alone["samples"])
        assert found.metadata["branches"] == alone.metadata["branches"]


@pytest.mark.parametrize(("num_qubits", "seed"), [(2, 2), (7, 7), (10, 10), (13, 17)])
def test_counts_of_a_sweep_are_those_of_the_numpy_engine_one_by_one(
    engine: Engine, num_qubits: int, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Rounding differs between engines; 8 x 500 draws over at most 8,192 outcomes: one within 1e-12
    # of a boundary has a chance below 1e-4, and the seeds are fixed.
    sweeps: list[Any] = []
    apply_sweep = engine.apply_sweep

    def counted(*arguments: Any) -> None:
        sweeps.append(arguments)
        apply_sweep(*arguments)

    monkeypatch.setattr(engine, "apply_sweep", counted)
    circuits = sweep(num_qubits, 8, seed)
    found, expected = (
        EngineBackend(one, name="any").run(circuits, shots=500, seed_simulator=9).result(LONG)
        for one in (engine, OneByOneEngine())
    )
    assert found.get_counts() == expected.get_counts()
    stored = most_stored_qubits(lower(circuits[0]))
    assert bool(sweeps) is (stored <= engine.sweep_qubits(Precision.DOUBLE))


@pytest.mark.parametrize("precision", ["single", "double"])
def test_states_of_a_sweep_are_those_of_qiskit(engine: Engine, precision: str) -> None:
    circuits = sweep(6, 5, 1, measure=False)
    backend = EngineBackend(engine, name="any")
    result = backend.run(circuits, statevector=True, precision=precision).result(LONG)
    tolerance = 1e-12 if precision == "double" else 1e-5
    for number, circuit in enumerate(circuits):
        state = np.asarray(result.get_statevector(number))
        np.testing.assert_allclose(state, Statevector(circuit).data, atol=tolerance)


@pytest.mark.parametrize("block_bits", [1, 3, 8])
def test_small_blocks_draw_what_one_large_one_draws(
    engine: Engine, block_bits: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(engine), "block_bits", block_bits)
    gates = random_gates(14, 90, 77)
    state, expected = evolve(engine, gates, 14), evolve(REFERENCE, gates, 14)
    draws = np.random.default_rng(0).random(3000)
    qubits = [0, 1, 2, 3, 5, 6, 7, 8, 10, 12, 13]
    found, weights = Sampler(engine, state, qubits, 4).pick(draws, Control())
    whole, same = Sampler(REFERENCE, expected, qubits).pick(draws, Control())
    np.testing.assert_array_equal(found, whole)
    np.testing.assert_allclose(weights, same, atol=1e-12)


@pytest.mark.parametrize("seed", range(12))
def test_means_over_branches_are_those_of_the_reference(engine: Engine, seed: int) -> None:
    generator = np.random.default_rng(seed)
    num_qubits = 1 + seed % 6
    program = random_dynamic_program(num_qubits, 10, seed)
    if seed % 3 == 0:
        program = random_unitary_program(num_qubits, 20, seed, measure=bool(seed % 2))
    some = tuple(random_observable(num_qubits, terms, generator) for terms in (3, 20))
    wanted = {"expectation": Estimates(some, ((1, 0),)), "probabilities": True}
    fields: dict[str, Any] = {"shots": 0, "wanted": wanted}
    expected, found = run(program, REFERENCE, **fields), run(program, engine, **fields)
    assert found.metadata.get("trajectories") == expected.metadata.get("trajectories")
    np.testing.assert_allclose(found["expectation"], expected["expectation"], atol=1e-12)
    each = []
    for words, weights in (found["probabilities"], expected["probabilities"]):
        each.append(dict(zip(words[:, 0].tolist(), weights.tolist(), strict=True)))
    assert each[0] == pytest.approx(each[1], abs=1e-12)
