"""The random gates of the engine kit, of which every kind occurs, and the comparison of states."""

from __future__ import annotations

import numpy as np
import pytest

from simquay.engines.reference import ReferenceEngine
from simquay.errors import ProgramError
from simquay.program import Diagonal, Matrix, Permutation, Precision, Prepare, Relabel
from simquay.testing import CheckFailed
from simquay.testing.engine_checks.gates import near, refused, vectors_of
from simquay.testing.engines import evolve, other_numbers, random_gates, random_unitary
from tests.support.gate_lists import run_naively

KINDS = {Matrix, Diagonal, Permutation, Relabel, Prepare}


def test_every_kind_of_gate_occurs_and_gates_are_unitary() -> None:
    rng = np.random.default_rng(1)
    gates = [gate for _ in range(20) for gate in random_gates(5, 20, rng)]
    assert {type(gate) for gate in gates} == KINDS
    assert any(getattr(gate, "controls", ()) for gate in gates)
    assert max(len(gate.qubits) for gate in gates) == 3
    for gate in gates:
        if isinstance(gate, Matrix):
            identity = gate.matrix @ gate.matrix.conj().T
            np.testing.assert_allclose(identity, np.eye(len(identity)), atol=1e-12)
    assert not any(isinstance(g, Prepare) for g in random_gates(5, 99, rng, prepare=False))


def test_other_numbers_keep_the_structure() -> None:
    gates = random_gates(5, 40, np.random.default_rng(2))
    others = other_numbers(gates, np.random.default_rng(3))
    assert [(type(g), g.qubits) for g in gates] == [(type(g), g.qubits) for g in others]
    assert not np.allclose(run_naively(gates, 5), run_naively(others, 5))


@pytest.mark.parametrize("precision", list(Precision))
def test_evolve_gives_the_state_of_the_gates(precision: Precision) -> None:
    engine = ReferenceEngine()
    gates = random_gates(4, 15, np.random.default_rng(4))
    state = evolve(engine, gates, 4, precision, batch=2)
    expected = run_naively(gates, 4)
    np.testing.assert_allclose(engine.amplitudes(state), [expected, expected], atol=1e-5)


def test_a_random_unitary_of_one_entry_is_a_phase() -> None:
    assert abs(random_unitary(1, np.random.default_rng(5))[0, 0]) == pytest.approx(1)


@pytest.mark.parametrize(
    ("precision", "small"), [(Precision.DOUBLE, 1e-12), (Precision.SINGLE, 1e-5)]
)
def test_arrays_are_compared_within_the_precision(precision: Precision, small: float) -> None:
    near([1 + small], [1], precision, "x")
    with pytest.raises(CheckFailed, match=r"x, in .* precision: differs by"):
        near([1 + 100 * small], [1], precision, "x")
    with pytest.raises(CheckFailed, match=r"the shape is \(1,\); expected \(1, 1\)"):
        near([1], [[1]], precision, "x")


def test_the_expected_amplitudes_are_right() -> None:
    gates = random_gates(4, 20, 1)
    expected = run_naively(gates, 4)
    np.testing.assert_allclose(vectors_of(gates, 4, 2), [expected, expected], atol=1e-12)


def test_only_a_program_error_is_a_refusal() -> None:
    def fail(kind: type[Exception]) -> None:
        raise kind

    refused("it", fail, ProgramError)
    with pytest.raises(CheckFailed, match="it raised ValueError"):
        refused("it", fail, ValueError)
