"""Results of runs with density matrices against Qiskit's, on several engines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from qiskit.quantum_info import DensityMatrix

from simquay.control import Control
from simquay.engines.base import Engine
from simquay.engines.numpy.engine import DenseEngine
from simquay.engines.reference import ReferenceEngine
from simquay.errors import ProgramError
from simquay.execution.density.engine import DensityEngine
from simquay.execution.observables.values import Estimates
from simquay.execution.run import run_program
from simquay.execution.settings import Outcome, RunContext
from simquay.program import (
    Channel,
    Matrix,
    Measure,
    Operation,
    Precision,
    Program,
    Relabel,
    Reset,
    Save,
)
from tests.support.noise import CHANNELS, density_of, random_channel, random_noisy_operations
from tests.support.observables import matrix_of, observable, random_observable
from tests.support.random_programs import random_unitary
from tests.support.small_gates import cx, h, x
from tests.support.tiled_engine import TiledEngine

ENGINES: list[Engine] = [ReferenceEngine(), DenseEngine(), TiledEngine(tile=4, low=2)]
NAMES = [engine.name for engine in ENGINES]
TOLERANCE = {Precision.SINGLE: 2e-6, Precision.DOUBLE: 1e-12}


def noisy(operations: Sequence[Operation], num_qubits: int, seed: int) -> list[Operation]:
    """With a channel at least, so that a density matrix is used."""
    some = random_channel("kraus", num_qubits, np.random.default_rng(seed))
    assert some is not None
    return [*operations, some]


def run(program: Program, engine: Engine, **fields: Any) -> Outcome:
    context = RunContext(**{"shots": 0, "method": "density_matrix", **fields})
    return run_program(program, engine, context, Control())


def saved(outcome: Outcome, key: str) -> Any:
    _, _, groups = outcome["saved"][key]
    return groups[None][1]


@pytest.mark.parametrize("precision", list(Precision))
@pytest.mark.parametrize("engine", ENGINES, ids=NAMES)
@pytest.mark.parametrize("seed", range(25))
def test_results_are_those_of_the_density_matrix(
    engine: Engine, seed: int, precision: Precision
) -> None:
    num_qubits = 1 + seed % 4
    generator = np.random.default_rng(seed)
    operations = noisy(random_noisy_operations(num_qubits, 1 + seed % 13, seed), num_qubits, seed)
    some = tuple([random_observable(num_qubits, 4, generator) for _ in range(3)])
    rho = density_of(operations, num_qubits)
    measures = [Measure(qubit, qubit) for qubit in range(num_qubits)]
    program = Program(num_qubits, num_qubits, (*operations, *measures))
    wanted: dict[str, Any] = {"density_matrix": None, "probabilities": None}
    outcome = run(program, engine, precision=precision, wanted=wanted)
    atol = TOLERANCE[precision]
    np.testing.assert_allclose(outcome["density_matrix"], rho, atol=atol)
    bits, probabilities = outcome["probabilities"]
    found = np.zeros(1 << num_qubits)
    found[bits[:, 0].astype(np.intp)] = probabilities
    np.testing.assert_allclose(found, rho.diagonal().real, atol=atol)
    assert outcome.metadata["method"] == "density_matrix"

    program = Program(num_qubits, 0, tuple(operations))
    wanted = {"expectation": Estimates(some, ((0, 1, 2),))}
    means, errors = run(program, engine, precision=precision, wanted=wanted)["expectation"]
    expected = [np.trace(matrix_of(one) @ rho).real for one in some]
    np.testing.assert_allclose(means, expected, atol=20 * atol)
    assert not errors.any()


@pytest.mark.parametrize("engine", ENGINES, ids=NAMES)
@pytest.mark.parametrize("seed", range(8))
def test_saves_are_read_where_they_stand(engine: Engine, seed: int) -> None:
    num_qubits = 3
    operations = noisy(random_noisy_operations(num_qubits, 8, seed), num_qubits, seed)
    one = random_observable(num_qubits, 5, np.random.default_rng(seed))
    matrix = matrix_of(one)
    square = observable(3, {"III": 2.5})
    saves = (
        Save("matrix", "density_matrix", "average", qubits=(2, 0)),
        Save("weights", "probabilities", "average", qubits=(1, 2)),
        Save("some", "amplitudes_squared", indices=np.array([5, 0, 3, 5], dtype=np.uint64)),
        Save("mean", "expectation_value", "average", observables=(one,)),
        Save("spread", "expectation_value_variance", "average", observables=(one, square)),
    )
    half = len(operations) // 2
    program = Program(3, 0, (*operations[:half], *saves, *operations[half:]))
    outcome = run(program, engine, shots=10)
    rho = density_of(operations[:half], num_qubits)
    cube = DensityMatrix(rho).data.reshape((2,) * 6)  # qubits 2, 1, 0 twice
    expected = np.einsum("abcAbC->caCA", cube).reshape(4, 4)
    np.testing.assert_allclose(saved(outcome, "matrix"), expected, atol=1e-12)
    weights = DensityMatrix(rho).probabilities([1, 2])
    np.testing.assert_allclose(saved(outcome, "weights"), weights, atol=1e-12)
    np.testing.assert_allclose(
        saved(outcome, "some"), rho.diagonal()[[5, 0, 3, 5]].real, atol=1e-12
    )
    mean = np.trace(matrix @ rho).real
    np.testing.assert_allclose(saved(outcome, "mean"), mean, atol=1e-12)
    np.testing.assert_allclose(saved(outcome, "spread"), [mean, 2.5 - mean**2], atol=1e-12)


@pytest.mark.parametrize("engine", ENGINES, ids=NAMES)
def test_a_save_is_not_reached_by_what_comes_behind_it(engine: Engine) -> None:
    """Two maps of one pair of qubits would be one matrix."""
    some = random_channel("two_kraus", 2, np.random.default_rng(2))
    assert some is not None
    first: list[Operation] = [h(0), some]
    save = Save("matrix", "density_matrix", "average", qubits=(0, 1))
    outcome = run(Program(2, 0, (*first, save, some)), engine, shots=1)
    np.testing.assert_allclose(saved(outcome, "matrix"), density_of(first, 2), atol=1e-12)


@pytest.mark.parametrize("engine", ENGINES, ids=NAMES)
def test_many_projectors_onto_eigenvectors_of_x_and_y(engine: Engine) -> None:
    operations = noisy(random_noisy_operations(4, 12, 3), 4, 3)
    labels = {"+r-l": 0.5, "++++": 1.0, "Y-0r": -2.0}
    one = observable(4, labels)
    wanted = {"expectation": Estimates((one,), ((0,),))}
    means, _ = run(Program(4, 0, tuple(operations)), engine, wanted=wanted)["expectation"]
    expected = np.trace(matrix_of(one) @ density_of(operations, 4)).real
    np.testing.assert_allclose(means, [expected], atol=1e-12)


@pytest.mark.parametrize("engine", ENGINES, ids=NAMES)
def test_final_resets_and_measurements_before_them(engine: Engine) -> None:
    operations = noisy([h(0), cx(0, 1), h(2), cx(2, 1)], 3, 7)
    end = (Measure(1, 0), Reset(1), Measure(0, 1))
    program = Program(3, 2, (*operations, *end))
    outcome = run(program, engine, wanted={"density_matrix": None, "probabilities": None})
    expected = density_of([*operations, Reset(1)], 3)
    np.testing.assert_allclose(outcome["density_matrix"], expected, atol=1e-12)
    bits, weights = outcome["probabilities"]
    found = np.zeros(4)
    found[bits[:, 0].astype(np.intp)] = weights
    before = DensityMatrix(density_of(operations, 3)).probabilities([1, 0])
    np.testing.assert_allclose(found, before, atol=1e-12)


@pytest.mark.parametrize("engine", ENGINES, ids=NAMES)
def test_a_wide_program_of_few_qubits(engine: Engine) -> None:
    """Qubits beyond the 64 bits of an index, and more of them than doubled indices hold."""
    narrow = noisy([h(0), cx(0, 1), x(2), cx(1, 2)], 3, 5)
    labels = (90, 3, 64)
    wide = [renamed(one, labels) for one in narrow]
    kept = Save("matrix", "density_matrix", "average", qubits=labels)
    measures = [Measure(qubit, place) for place, qubit in enumerate((3, 64, 70, 90))]
    program = Program(100, 4, (*wide, kept, *measures))
    outcome = run(program, engine, shots=2000, seed=1)
    rho = density_of(narrow, 3)
    np.testing.assert_allclose(saved(outcome, "matrix"), rho, atol=1e-12)
    samples = outcome["samples"][:, 0].astype(np.intp)
    weights = np.zeros(16)
    weights[[0, 1, 2, 3, 8, 9, 10, 11]] = DensityMatrix(rho).probabilities([1, 2, 0])
    counts = np.bincount(samples, minlength=16)
    assert np.abs(counts / 2000 - weights).max() < 0.06  # 5 standard deviations
    assert not counts[weights < 1e-12].any()


def renamed(operation: Any, labels: Sequence[int]) -> Operation:
    """An operation on other qubits."""
    names = ["qubits", "controls"] if operation.controls else ["qubits"]
    moved = {name: tuple([labels[one] for one in getattr(operation, name)]) for name in names}
    new: Operation = replace(operation, **moved)
    return new


@pytest.mark.parametrize("engine", ENGINES, ids=NAMES)
def test_a_program_without_superpositions_stores_one_bit_a_qubit(engine: Engine) -> None:
    """Relaxation aside, bits alone are moved."""
    flip = random_channel("pauli", 1, np.random.default_rng(1))
    assert flip is not None
    program = Program(4, 4, (x(0), cx(0, 1), flip, cx(1, 3), Measure(3, 0), Measure(1, 1)))
    outcome = run(program, engine, shots=100)
    assert outcome.metadata["stored_qubits"] == 3
    assert set(np.unique(outcome["samples"])) <= {0, 3}


@pytest.mark.parametrize("engine", ENGINES, ids=NAMES)
def test_a_qubit_that_is_in_plus_alone_is_read(engine: Engine) -> None:
    """Its coefficients are those of I and X."""
    noise = random_channel("pauli", 1, np.random.default_rng(1))
    assert noise is not None
    program = Program(3, 1, (h(1), x(2), replace(noise, qubits=(0,)), Measure(1, 0)))
    assert 100 < np.count_nonzero(run(program, engine, shots=300)["samples"]) < 200
    program = replace(program, operations=program.operations[:-1], num_clbits=0)
    outcome = run(program, engine, shots=1, wanted={"density_matrix": True})
    expected = density_of([*program.operations], 3)
    np.testing.assert_allclose(outcome["density_matrix"], expected, atol=1e-14)


def test_samples_are_those_of_one_draw_a_shot_on_every_engine() -> None:
    for seed in range(6):
        operations = noisy(random_noisy_operations(3, 10, seed), 3, seed)
        program = Program(3, 3, (*operations, *[Measure(qubit, qubit) for qubit in range(3)]))
        samples = [run(program, engine, shots=300, seed=seed)["samples"] for engine in ENGINES]
        for other in samples[1:]:
            np.testing.assert_array_equal(other, samples[0])


def test_an_outcome_that_is_impossible_is_never_drawn_in_single_precision() -> None:
    """Dephasing of a GHZ state: two outcomes of 1024."""
    dephasing = random_channel("phase_damping", 1, np.random.default_rng(1))
    assert dephasing is not None
    noise = [replace(dephasing, qubits=(qubit,)) for qubit in range(10)]
    chain = [h(0), *[cx(qubit, qubit + 1) for qubit in range(9)]]
    mixing = [
        Matrix(random_unitary(2, np.random.default_rng(qubit)), (qubit,)) for qubit in range(10)
    ]
    back = [replace(gate, matrix=gate.matrix.conj().T) for gate in mixing]
    measures = [Measure(qubit, qubit) for qubit in range(10)]
    program = Program(10, 10, (*mixing, *back, *chain, *noise, *measures))
    outcome = run(program, DenseEngine(), shots=200_000, precision=Precision.SINGLE)
    assert set(np.unique(outcome["samples"])) <= {0, 1023}


@pytest.mark.parametrize(
    ("operations", "reason"),
    [
        ([h(0), Measure(0, 0), h(0)], "it measures in the middle"),
        ([h(0), Save("s", "statevector")], "it saves a statevector"),
    ],
)
def test_programs_without_a_density_matrix_are_refused(
    operations: list[Operation], reason: str
) -> None:
    program = Program(2, 1, tuple(noisy(operations, 2, 1)), name="odd")
    with pytest.raises(
        ProgramError, match=f"'odd' has no density matrix of all its shots: {reason}"
    ):
        run(program, ReferenceEngine(), shots=10)


def test_a_density_matrix_has_no_amplitudes() -> None:
    engine = DensityEngine(ReferenceEngine())
    state = engine.allocate(2, Precision.DOUBLE, capacity=0)
    with pytest.raises(ProgramError, match="no amplitudes"):
        engine.amplitudes(state)


@pytest.mark.parametrize("engine", ENGINES, ids=NAMES)
def test_a_density_matrix_is_that_of_one_state_without_noise(engine: Engine) -> None:
    operations: list[Operation] = [h(0), cx(0, 1), Relabel((1, 2), (2, 1))]
    outcome = run(Program(3, 0, tuple(operations)), engine, wanted={"density_matrix": None})
    np.testing.assert_allclose(outcome["density_matrix"], density_of(operations, 3), atol=1e-14)


@pytest.mark.parametrize("kind", CHANNELS)
def test_every_kind_of_channel_is_a_trace_preserving_map(kind: str) -> None:
    """What the other tests compare with: the channels of tests/support/noise.py."""
    channel = random_channel(kind, 3, np.random.default_rng(1))
    assert isinstance(channel, Channel)
    first = channel.mixture.pauli_transfer[0]
    np.testing.assert_allclose(first, np.eye(len(first))[0], atol=1e-12)
