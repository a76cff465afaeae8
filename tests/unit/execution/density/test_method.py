"""The method of a program: what may run with a density matrix, and what is predicted to."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from simquay.execution.density.method import method_of
from simquay.execution.observables.values import Estimates
from simquay.execution.settings import RunContext
from simquay.program import Channel, IfElse, Measure, Mixture, Operation, Program, Reset, Save
from simquay.program.expressions import BitRef
from simquay.program.formulas import ComplexArray
from tests.support.noise import random_channel
from tests.support.small_gates import cx, h


def noise(kind: str = "pauli", qubit: int = 0) -> Channel:
    found = random_channel(kind, 1, np.random.default_rng(1))
    assert found is not None
    return replace(found, qubits=(qubit,))


def program(*operations: Operation, num_qubits: int = 4) -> Program:
    return Program(num_qubits, 1, operations)


def test_a_program_without_channels_has_a_state_vector_whatever_is_asked_for() -> None:
    for method in ("automatic", "density_matrix", "trajectories"):
        context = RunContext(method=method)
        assert method_of(program(h(0), Measure(0, 0)), context) == "statevector"
        body = program(h(0), IfElse(BitRef(0), (h(1),)))
        assert method_of(body, context) == "statevector"


def test_resets_in_the_middle_have_a_density_matrix_if_it_is_asked_for() -> None:
    resetting = program(h(0), Reset(0), h(0))
    assert method_of(resetting, RunContext(method="density_matrix")) == "density_matrix"
    assert method_of(resetting, RunContext()) == "statevector"
    dynamic = program(h(0), Measure(0, 0), h(0))
    assert method_of(dynamic, RunContext(method="density_matrix")) == "statevector"


@pytest.mark.parametrize("method", ["trajectories", "density_matrix"])
def test_a_method_that_is_asked_for(method: str) -> None:
    assert method_of(program(h(0), noise()), RunContext(method=method)) == method


FIT: list[tuple[Operation, ...]] = [
    (h(0), noise(), cx(0, 1), Measure(0, 0)),
    (h(0), noise(), Reset(0), h(0)),
    (h(0), noise(), Save("s", "density_matrix", qubits=(0,)), h(0)),
]
UNFIT: list[tuple[Operation, ...]] = [
    (h(0), noise(), Measure(0, 0), h(0)),
    (h(0), noise(), Save("s", "statevector")),
    (h(0), Measure(0, 0), IfElse(BitRef(0), (h(1), noise()))),
]


@pytest.mark.parametrize("operations", FIT)
def test_few_qubits_have_a_density_matrix(operations: tuple[Operation, ...]) -> None:
    assert method_of(program(*operations), RunContext(shots=0)) == "density_matrix"
    assert method_of(program(*operations), RunContext(shots=10_000)) == "density_matrix"


@pytest.mark.parametrize("operations", UNFIT)
def test_programs_that_split_have_trajectories(operations: tuple[Operation, ...]) -> None:
    assert method_of(program(*operations), RunContext(shots=0)) == "trajectories"


def test_a_final_state_vector_is_of_trajectories() -> None:
    context = RunContext(shots=1, wanted={"statevector": None})
    assert method_of(program(*FIT[0]), context) == "trajectories"


def layers(num_qubits: int, kind: str = "pauli") -> Program:
    gates: list[Any] = []
    for _ in range(3):
        gates += [h(qubit) for qubit in range(num_qubits)]
        gates += [noise(kind, qubit) for qubit in range(num_qubits)]
    return Program(num_qubits, 0, tuple(gates))


def test_a_density_matrix_that_is_asked_for_is_exact() -> None:
    wide = program(*[h(q) for q in range(10)], noise(), cx(0, 1), num_qubits=10)
    assert method_of(wide, RunContext(shots=1)) == "trajectories"
    asked = RunContext(shots=1, wanted={"density_matrix": True})
    assert method_of(wide, asked) == "density_matrix"


def test_memory_and_work_decide() -> None:
    exact, many, one = RunContext(shots=0), RunContext(shots=10**5), RunContext(shots=1)
    assert method_of(layers(10), exact) == "density_matrix"
    assert method_of(layers(20), exact) == "trajectories"
    assert method_of(layers(10), many) == "density_matrix"
    assert method_of(layers(10), one) == "trajectories"
    few_bytes = replace(exact, max_bytes=1 << 20)
    assert method_of(layers(10), few_bytes) == "trajectories"


def test_evolutions_that_stop_at_channels_take_longer() -> None:
    identity, nothing = np.eye(2, dtype=complex), np.zeros((2, 2))
    kraus: ComplexArray = np.array([identity, nothing])
    alike = [Mixture(np.array([1.0]), (part,)) for part in (identity, kraus)]
    methods = [
        method_of(
            Program(9, 0, tuple(one for q in range(9) for one in (h(q), Channel(mixture, (q,))))),
            RunContext(shots=10),
        )
        for mixture in alike
    ]
    assert methods == ["trajectories", "density_matrix"]


def test_a_mean_of_some_precision_takes_what_is_less_work() -> None:
    noisy = layers(10)

    def method(error: float, exact: bool) -> str:
        estimates = Estimates((), (), error, exact)
        return method_of(noisy, RunContext(shots=0, wanted={"expectation": estimates}))

    assert method(0.5, True) == "density_matrix"
    assert method(0.5, False) == "trajectories"
    assert method(0.003, False) == "density_matrix"
