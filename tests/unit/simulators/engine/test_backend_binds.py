"""``parameter_binds``: Aer's form of a parameter sweep."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter
from qiskit.exceptions import QiskitError
from qiskit_aer import AerSimulator

import simquay
from simquay.errors import ProgramError
from simquay.simulators.engine.backend import EngineBackend
from simquay.simulators.inputs import RunInputError
from simquay.simulators.options import UnknownOptionError
from tests.support.sweeps import WatchedEngine

A, B = Parameter("a"), Parameter("b")


def both() -> QuantumCircuit:
    circuit = QuantumCircuit(3, name="both")
    circuit.ry(A, 0)
    circuit.rz(B / 2, 0)
    circuit.ry(A + 2 * B, 1)
    circuit.cp(A * B, 0, 1)
    circuit.h(2)
    circuit.cx(0, 2)
    circuit.measure_all()
    return circuit


def coin() -> QuantumCircuit:
    circuit = QuantumCircuit(1, name="coin")
    circuit.h(0)
    circuit.measure_all()
    return circuit


def feedback() -> QuantumCircuit:
    circuit = QuantumCircuit(2, 2, name="feedback")
    circuit.ry(B, 0)
    circuit.measure(0, 0)
    with circuit.if_test((0, 1)):
        circuit.ry(B, 1)
    circuit.measure(1, 1)
    return circuit


CIRCUITS = [both(), coin(), feedback()]
BINDS: list[dict[Parameter, Any]] = [
    {B: np.linspace(0, 3, 7), A: [1, 2, 3, 4, 5, 6, 7]},
    {},
    {B: (0, 1.5, np.pi)},
]


def bound() -> list[QuantumCircuit]:
    first, last = CIRCUITS[0], CIRCUITS[2]
    return [
        *[
            first.assign_parameters({A: a, B: b})
            for a, b in zip(BINDS[0][A], BINDS[0][B], strict=True)
        ],
        CIRCUITS[1],
        *[last.assign_parameters({B: value}) for value in BINDS[2][B]],
    ]


@pytest.mark.parametrize("split", [{}, {"max_circuits_per_task": 4, "max_shots_per_task": 150}])
def test_counts_are_those_of_bound_circuits(split: dict[str, int]) -> None:
    engine = WatchedEngine()
    backend = EngineBackend(engine, name="any")
    options = {"shots": 400, "seed_simulator": 3, **split}
    result = backend.run(CIRCUITS, parameter_binds=BINDS, **options).result()
    assert (7 if not split else 4) in engine.batches
    expected = backend.run(bound(), **options).result()
    assert result.get_counts() == expected.get_counts()
    names = [one.header["name"] for one in result.results]
    assert names == ["both"] * 7 + ["coin"] + ["feedback"] * 3


def test_results_come_in_the_order_of_aer() -> None:
    certain = QuantumCircuit(1)
    certain.rx(A, 0)
    certain.measure_all()
    other = QuantumCircuit(1)
    other.rx(A + np.pi, 0)
    other.measure_all()
    binds = [{A: [0, np.pi]}, {A: [0, np.pi, 0]}]
    found = [
        backend.run([certain, other], parameter_binds=binds, shots=5).result().get_counts()
        for backend in (simquay.get_backend("numpy"), AerSimulator())
    ]
    assert found[0] == found[1] == [{"0": 5}, {"1": 5}, {"1": 5}, {"0": 5}, {"1": 5}]


def test_states_and_other_processes() -> None:
    circuit = both().remove_final_measurements(inplace=False)
    assert circuit is not None
    backend = simquay.get_backend("numpy")
    with ThreadPoolExecutor(1) as executor:
        split = {"executor": executor, "max_circuits_per_task": 3}
        result = backend.run(circuit, parameter_binds=BINDS[:1], statevector=True, **split).result()
    for number, one in enumerate(bound()[:7]):
        own = one.remove_final_measurements(inplace=False)
        expected = backend.run(own, statevector=True).result().get_statevector()
        np.testing.assert_allclose(result.get_statevector(number), expected, atol=1e-12)


@pytest.mark.parametrize(
    ("binds", "message"),
    [
        (5, "a list with a dictionary {parameter: [value, ...]} for each circuit, not an object"),
        ({A: [1], B: [1]}, "for each circuit, not an object of type dict"),
        ([5], "for each circuit, not an object of type list"),
        ([{A: [1], B: [1]}] * 2, "there are 2 for 1 circuits"),
        ([{}], "no values for the parameters a, b"),
        ([{B: [1]}], "no values for the parameters a"),
        ([{A: [1], B: [1], Parameter("c"): [1]}], "the circuit has no parameters c"),
        ([{A: [1], B: [1, 2]}], "the shapes are a: (1,), b: (2,)"),
        ([{A: 1, B: 2}], "the shapes are a: (), b: ()"),
        ([{A: [], B: []}], "the shapes are a: (0,), b: (0,)"),
    ],
)
def test_binds_that_do_not_fit(binds: Any, message: str) -> None:
    with pytest.raises(RunInputError, match=re.escape(message)) as caught:
        simquay.get_backend("numpy").run(both(), parameter_binds=binds)
    assert isinstance(caught.value, (ValueError, QiskitError))


@pytest.mark.parametrize("value", [np.nan, np.inf, 1j, "x", None])
def test_values_that_are_no_finite_numbers(value: Any) -> None:
    with pytest.raises(ProgramError, match="takes finite real values"):
        simquay.get_backend("numpy").run(both(), parameter_binds=[{A: [1, 2], B: [3, value]}])


def test_no_binds_are_none() -> None:
    backend = simquay.get_backend("numpy")
    assert backend.run(coin(), parameter_binds=None, shots=3).result().results[0].shots == 3
    with pytest.raises(RunInputError, match=r"unbound parameters \(a, b\).*or parameter_binds"):
        backend.run(both())


def test_binds_are_of_one_run() -> None:
    with pytest.raises(UnknownOptionError, match="it is an argument of run"):
        simquay.get_backend("numpy").set_options(parameter_binds=[{A: [1], B: [2]}])
