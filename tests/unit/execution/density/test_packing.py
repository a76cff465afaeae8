"""Packed vectors against density matrices by Qiskit's operators."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from qiskit.quantum_info import DensityMatrix

from simquay.control import Control
from simquay.engines.base import Engine
from simquay.engines.numpy.engine import DenseEngine
from simquay.engines.numpy.state import DenseState
from simquay.engines.reference import ReferenceEngine
from simquay.execution.branching.deferral import Deferred
from simquay.execution.density import packing
from simquay.execution.density.doubling import doubled
from simquay.execution.density.packing import PackedPlan, density_qubits, packed
from simquay.execution.run import run_program
from simquay.execution.settings import Outcome, RunContext
from simquay.planning import make_plan
from simquay.program import (
    Channel,
    Gate,
    Matrix,
    Measure,
    Operation,
    Permutation,
    Precision,
    Program,
    Relabel,
    Save,
)
from simquay.program.program import most_stored_qubits
from tests.support.noise import density_of, random_channel, random_noisy_operations
from tests.support.random_programs import random_unitary
from tests.support.small_gates import cx, h, x
from tests.support.tiled_engine import TiledEngine

ENGINES: list[Engine] = [DenseEngine(), TiledEngine(tile=6, low=2)]
NAMES = [engine.name for engine in ENGINES]
TOLERANCE = {Precision.SINGLE: 2e-6, Precision.DOUBLE: 1e-12}


@pytest.fixture(autouse=True)
def small_programs_are_packed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packing, "_LEAST", 0)


def narrow(num_qubits: int, length: int, seed: int) -> list[Operation]:
    """Random operations on one qubit or two, after a rotation of each qubit; some are relabels."""
    generator = np.random.default_rng(seed)
    found: list[Any] = [Matrix(random_unitary(2, generator), (q,)) for q in range(num_qubits)]
    found += random_noisy_operations(num_qubits, length, seed)
    for number in range(3):
        kind = "two_kraus" if number else "two_pauli"
        found.append(random_channel(kind, num_qubits, generator))
        order = generator.permutation(num_qubits).tolist()
        found.insert(int(generator.integers(len(found))), Relabel((*range(num_qubits),), (*order,)))
    return [one for one in found if packing._is_narrow(one)]


def run(program: Program, engine: Engine, **fields: Any) -> Outcome:
    context = RunContext(**{"shots": 0, "method": "density_matrix", **fields})
    return run_program(program, engine, context, Control())


@pytest.mark.parametrize("precision", list(Precision))
@pytest.mark.parametrize("engine", ENGINES, ids=NAMES)
@pytest.mark.parametrize("seed", range(6))
def test_results_are_those_of_the_density_matrix(
    engine: Engine, seed: int, precision: Precision
) -> None:
    operations = narrow(6, 30, seed)
    half = len(operations) // 3
    save = Save("matrix", "density_matrix", "average", qubits=(4, 1))
    program = Program(6, 0, (*operations[:half], save, *operations[half:]))
    wanted = {"density_matrix": None}
    outcome = run(program, engine, shots=1, precision=precision, wanted=wanted)
    assert outcome.metadata["strategy"].startswith("packed ")
    atol = TOLERANCE[precision]
    expected = density_of(operations, 6)
    np.testing.assert_allclose(outcome["density_matrix"], expected, atol=atol)
    first = DensityMatrix(density_of(operations[:half], 6)).data.reshape((2,) * 12)
    expected = np.einsum("aBcdEfaGcdHf->EBHG", first).reshape(4, 4)  # bit 0 is qubit 4
    [(_, _, groups)] = outcome["saved"].values()
    np.testing.assert_allclose(groups[None][1], expected, atol=atol)


@pytest.mark.parametrize("engine", ENGINES, ids=NAMES)
def test_samples_are_those_of_other_engines(engine: Engine) -> None:
    for seed in range(6):
        operations = narrow(6, 20, seed)
        program = Program(6, 6, (*operations, *[Measure(qubit, qubit) for qubit in range(6)]))
        other = run(program, ReferenceEngine(), shots=300, seed=seed)
        own = run(program, engine, shots=300, seed=seed)
        np.testing.assert_array_equal(own["samples"], other["samples"])
        assert other.metadata["strategy"] == "gates"


@pytest.mark.parametrize("engine", ENGINES, ids=NAMES)
def test_names_beyond_the_bits_of_an_index(engine: Engine) -> None:
    operations = narrow(6, 20, 3)
    operations = [one for one in operations if not isinstance(one, Relabel)]
    labels = (90, 3, 64, 5, 31, 32)
    wide = [moved(one, labels) for one in operations]
    kept = Save("matrix", "density_matrix", "average", qubits=labels)
    outcome = run(Program(100, 0, (*wide, kept)), engine, shots=1)
    assert outcome.metadata["strategy"].startswith("packed ")
    [(_, _, groups)] = outcome["saved"].values()
    np.testing.assert_allclose(groups[None][1], density_of(operations, 6), atol=1e-12)


def moved(operation: Any, labels: tuple[int, ...]) -> Operation:
    """An operation on other qubits."""
    names = ["qubits", "controls"] if operation.controls else ["qubits"]
    changes = {name: tuple([labels[one] for one in getattr(operation, name)]) for name in names}
    new: Operation = replace(operation, **changes)
    return new


class Watched(DenseEngine):
    """Remembers the capacities of its states."""

    def __init__(self) -> None:
        super().__init__()
        self.capacities: list[int] = []

    def allocate(
        self, num_qubits: int, precision: Precision, *, capacity: int, batch: int = 1
    ) -> DenseState:
        self.capacities.append(capacity)
        return super().allocate(num_qubits, precision, capacity=capacity, batch=batch)


def channel(kind: str, *qubits: int) -> Channel:
    some = random_channel(kind, len(qubits), np.random.default_rng(len(kind)))
    assert some is not None
    return Channel(some.mixture, qubits)


TOFFOLI = Permutation(np.array([1, 0]), (2,), (0, 1), 3)


@pytest.mark.parametrize(
    ("extra", "is_packed", "most"),
    [
        ([channel("kraus", 1)], True, 11),
        ([channel("kraus", 1), TOFFOLI], False, 12),
        ([channel("three_kraus", 0, 1, 2), channel("three_kraus", 3, 4, 5)], False, 12),
    ],
)
def test_what_is_packed_and_the_qubits_that_are_reserved(
    extra: list[Operation], is_packed: bool, most: int
) -> None:
    """A map of three qubits acts on six bits, and six X parts are moved: one might not be free."""
    rotations = [Matrix(random_unitary(2, np.random.default_rng(q)), (q,)) for q in range(6)]
    program = Program(6, 0, (*rotations, *extra))
    engine = Watched()
    outcome = run(program, engine, wanted={"density_matrix": None})
    assert outcome.metadata["strategy"].startswith("packed") == is_packed
    assert density_qubits(program, engine) == most
    assert engine.capacities == [most]
    np.testing.assert_allclose(
        outcome["density_matrix"], density_of([*rotations, *extra], 6), atol=1e-12
    )


def test_bits_alone_are_not_packed() -> None:
    """No X part is moved, so that none can be packed."""
    program = Program(5, 0, (x(0), cx(0, 1), channel("pauli", 1), cx(1, 3), x(2), x(4)))
    engine = Watched()
    outcome = run(program, engine, wanted={"density_matrix": None})
    assert outcome.metadata["strategy"] == "dense"
    assert engine.capacities == [5]
    assert density_qubits(program, engine) == 9


def test_a_chain_needs_few_exchanges() -> None:
    """Beginning at one end, half of the layers can be applied while the other end is packed."""
    generator = np.random.default_rng(1)
    operations: list[Operation] = []
    for _ in range(6):
        operations += [Matrix(random_unitary(2, generator), (q,)) for q in range(6)]
        operations += [cx(q, q + 1) for q in range(5)]
    operations.append(channel("kraus", 0))
    program = Program(6, 0, tuple(operations))
    twice = doubled(program, Deferred(tuple(program.operations), (), (), None))
    engine: Any = packed(twice, ENGINES[0])
    profile = engine.profile(Precision.DOUBLE, most_stored_qubits(twice))
    gates = [one for one in twice.operations if isinstance(one, Gate)]
    plan = make_plan(gates, engine.start, profile)
    assert isinstance(plan, PackedPlan)
    packs = [qubit for qubit, _ in plan.parts]
    assert packs == [11, 0, 11, 0]  # X of qubit 5, Z of qubit 0
    assert plan.final.order[0] == 0
    assert len(plan) == sum([len(part) for _, part in plan.parts])


def test_few_stored_qubits_are_not_packed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packing, "_LEAST", 13)
    outcome = run(Program(6, 0, tuple(narrow(6, 10, 1))), DenseEngine())
    assert outcome.metadata["strategy"] == "dense"


def test_clifford_gates_change_names() -> None:
    """H exchanges the names of a qubit's parts, whether one of them is packed or not."""
    gates: list[Operation] = [
        Matrix(random_unitary(2, np.random.default_rng(q)), (q,)) for q in range(5)
    ]
    for q in range(4):
        gates += [h(q), cx(q, q + 1), h(q + 1), channel("pauli", q)]
    outcome = run(Program(5, 0, tuple(gates)), DenseEngine(), wanted={"density_matrix": None})
    assert outcome.metadata["strategy"] == "packed dense"
    np.testing.assert_allclose(outcome["density_matrix"], density_of(gates, 5), atol=1e-12)
