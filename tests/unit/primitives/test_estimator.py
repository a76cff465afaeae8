"""``EstimatorV2``, against Qiskit's reference and known values."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister, transpile
from qiskit.circuit import Parameter, ParameterVector
from qiskit.circuit.library import efficient_su2
from qiskit.primitives import (
    BaseEstimatorV2,
    PrimitiveResult,
    PubResult,
    StatevectorEstimator,
)
from qiskit.primitives.containers.estimator_pub import EstimatorPub
from qiskit.providers.basic_provider import BasicSimulator
from qiskit.quantum_info import Pauli, SparseObservable, SparsePauliOp, random_pauli_list

import simquay
from simquay.jobs.errors import JobFailedError
from simquay.primitives import EstimatorV2
from simquay.simulators.engine.backend import EngineBackend
from tests.support.broken_engines import broken
from tests.support.job_doubles import LONG

RNG = np.random.default_rng(4)
ANSATZ = efficient_su2(3, reps=1)
ANSATZ.metadata = {"mine": 1}
WIDTH = ANSATZ.num_parameters


def some_sum(seed: int = 0) -> SparsePauliOp:
    paulis = random_pauli_list(3, 5, seed=seed, phase=False)
    return SparsePauliOp(paulis, np.random.default_rng(seed).normal(size=5))


def values(*shape: int) -> Any:
    return RNG.uniform(-3, 3, (*shape, WIDTH))


def estimated(*pubs: Any, backend: str = "numpy", **options: Any) -> list[Any]:
    result = EstimatorV2(backend, **options).run(pubs).result(LONG)
    return [(pub.data.evs, pub.data.stds) for pub in result]


def test_a_result_is_qiskits() -> None:
    estimator = EstimatorV2("numpy", seed=3)
    assert isinstance(estimator, BaseEstimatorV2)
    job = estimator.run([(ANSATZ, [[some_sum()], [some_sum(1)]], values(4))])
    result = job.result(LONG)
    assert isinstance(result, PrimitiveResult)
    (pub,) = result
    assert isinstance(pub, PubResult)
    assert pub.data.shape == pub.data.evs.shape == pub.data.stds.shape == (2, 4)
    assert pub.metadata["target_precision"] == 0
    assert pub.metadata["circuit_metadata"] == {"mine": 1}
    assert pub.metadata["simulator_metadata"]["stored_qubits"] == 3
    assert (result.metadata["version"], result.metadata["seed"]) == (2, 3)


@pytest.mark.parametrize("backend", ["numpy", "reference"])
@pytest.mark.parametrize(
    ("observables", "points"),
    [
        ((), ()),
        ((3,), ()),
        ((), (2, 3)),
        ((3,), (3,)),
        ((3, 1), (4,)),
        ((2, 1, 3), (5, 1)),
        ((1,), (2,)),
    ],
    ids=str,
)
def test_observables_and_points_are_broadcast(
    backend: str, observables: tuple[int, ...], points: tuple[int, ...]
) -> None:
    many = np.empty(observables, dtype=object)
    for number, place in enumerate(np.ndindex(*observables)):
        many[place] = some_sum(number)
    pub = ANSATZ, many if observables else some_sum(), values(*points)
    [(evs, stds)] = estimated(pub, backend=backend)
    expected = StatevectorEstimator().run([pub]).result()[0].data.evs
    assert isinstance(evs, np.ndarray)
    assert evs.shape == stds.shape == expected.shape
    np.testing.assert_allclose(evs, expected, atol=1e-12)
    assert not stds.any()


def test_values_by_name_and_pubs_of_qiskit() -> None:
    points = values(2)
    names = [parameter.name for parameter in ANSATZ.parameters]
    order = RNG.permutation(WIDTH)
    named = {
        tuple(names[place] for place in order[:4]): points[:, order[:4]],
        tuple(ANSATZ.parameters[place] for place in order[4:]): points[:, order[4:]],
    }
    pubs = [
        (ANSATZ, some_sum(), points),
        (ANSATZ, some_sum(), named),
        [ANSATZ, some_sum(), points],
        EstimatorPub.coerce((ANSATZ, some_sum(), named)),
    ]
    found = [evs for evs, _ in estimated(*pubs)]
    for one in found[1:]:
        np.testing.assert_allclose(one, found[0], atol=1e-14)


def test_projectors_and_every_form_of_an_observable() -> None:
    circuit = QuantumCircuit(3)
    circuit.ry(0.4, 0)
    circuit.cx(0, 1)
    circuit.h(2)
    half = np.cos(0.4)
    given: list[Any] = [
        "IIZ",
        Pauli("-IZI"),
        {"ZII": 0.5, "+II": 2.0},
        SparseObservable.from_list([("I00", 1.0), ("-11", 3.0), ("III", 0.25)]),
        SparsePauliOp(["IIZ", "IZI"], [1, 1]),
        SparseObservable.from_label("rII"),
    ]
    [(evs, _)] = estimated((circuit, given))
    expected = [half, -half, 2, (1 + half) / 2 + 0.25, 2 * half, 0.5]
    np.testing.assert_allclose(evs, expected, atol=1e-14)


def test_errors_of_the_precision_that_is_asked_for() -> None:
    pub = ANSATZ, some_sum(), values(4000)
    [(exact, _)] = estimated(pub)
    (evs, stds), (other, _), (fine, _), (none, zeros) = estimated(
        pub, pub, (*pub, 0.001), (*pub, 0), default_precision=0.1, seed=1
    )
    assert (stds == 0.1).all()
    assert abs(np.std(evs - exact) - 0.1) < 0.005
    assert abs(np.mean(evs - exact)) < 0.005
    assert abs(np.corrcoef(evs - exact, other - exact)[0, 1]) < 0.06
    assert abs(np.std(fine - exact) - 0.001) < 0.00005
    np.testing.assert_allclose(none, exact, atol=1e-14)  # batches differ
    assert not zeros.any()
    [(again, _)] = estimated(pub, default_precision=0.1, seed=1)
    np.testing.assert_allclose(again, evs, atol=1e-14)
    [(another, _)] = estimated(pub, default_precision=0.1)
    assert (another != evs).all()
    result = EstimatorV2("numpy").run([pub], precision=0.25).result(LONG)
    assert result[0].metadata["target_precision"] == 0.25


def test_circuits_that_measure_on_their_way_have_the_mean_over_all_branches() -> None:
    angle = Parameter("a")
    circuit = QuantumCircuit(QuantumRegister(2), ClassicalRegister(1))
    circuit.ry(angle, 0)
    circuit.measure(0, 0)
    with circuit.if_test((circuit.cregs[0], 1)):
        circuit.h(1)
    circuit.reset(0)
    points = np.array([0.3, 1.2, 2.5])
    [(evs, stds)] = estimated((circuit, [["XI"], ["ZI"], ["IZ"], ["1I"]], points))
    one = np.sin(points / 2) ** 2
    np.testing.assert_allclose(evs, [one, 1 - one, np.ones(3), one / 2], atol=1e-13)
    assert not stds.any()


def test_means_over_trajectories_are_as_precise_as_is_asked_for() -> None:
    circuit = QuantumCircuit(1, 15)
    for bit in range(15):  # more branches than are followed
        circuit.rx(0.3 + bit, 0)
        circuit.measure(0, bit)
        circuit.rx(1.2, 0)
    pub = circuit, SparsePauliOp(["Z", "I"], [0.5, 1.0])
    job = EstimatorV2("numpy", seed=3).run([pub], precision=0.05)
    result = job.result(LONG)[0]
    assert result.metadata["simulator_metadata"]["trajectories"] == 400
    assert result.data.stds == pytest.approx(0.05)
    [(exact, none)] = estimated(pub, seed=5)
    assert none < 0.01  # over 10,000 trajectories
    assert abs(result.data.evs - exact) < 5 * 0.05


def test_no_pubs_and_no_points() -> None:
    assert estimated() == []
    for observables, points in [([], ()), (some_sum(), (3, 0)), ([], (1,))]:
        [(evs, stds)] = estimated((ANSATZ, observables, values(*points)))
        assert evs.size == stds.size == 0
    assert evs.shape == (0,)


def test_single_precision_is_an_option() -> None:
    pub = ANSATZ, some_sum(), values()
    [(exact, _)], [(single, _)] = estimated(pub), estimated(pub, options={"precision": "single"})
    assert 0 < abs(exact - single) < 1e-5


@pytest.mark.parametrize(
    ("pub", "error", "message"),
    [
        (ANSATZ, ValueError, "wrap it with"),
        ((ANSATZ,), ValueError, "length of pub must be"),
        (("no", "ZZZ"), TypeError, "must be QuantumCircuit"),
        ((ANSATZ, "ZZZ"), ValueError, "no values for"),
        ((ANSATZ, "ZZ", values()), ValueError, "does not match the number of qubits"),
        ((ANSATZ, "ZZZ", values()[1:]), ValueError, "inconsistent|do not match"),
        ((ANSATZ, ["ZZZ"] * 2, values(3)), ValueError, "not broadcastable"),
        ((ANSATZ, "ZZZ", values(), -0.1), ValueError, "must be non-negative"),
        ((ANSATZ, "ZZZ", values(), np.nan), ValueError, "must be non-negative"),
        ((ANSATZ, "ZZZ", values(), "low"), TypeError, "must be a real number"),
        ((ANSATZ, {"ZZZ": 1j}, values()), (TypeError, ValueError), "Non-Hermitian"),
        ((ANSATZ, "ZZZ", values() * 1j), TypeError, "complex"),
        ((QuantumCircuit(1), "Z", [1.0]), ValueError, "do not match|inconsistent|number of values"),
    ],
    ids=range(13),
)
def test_wrong_pubs_are_refused_before_anything_runs(pub, error, message) -> None:
    with pytest.raises(error, match=message):
        EstimatorV2("numpy").run([(QuantumCircuit(1), "Z"), pub])


def test_values_that_are_not_finite_are_refused() -> None:
    points = values(3)
    points[1, 2] = np.inf
    with pytest.raises(ValueError, match="at point 1"):
        EstimatorV2("numpy").run([(ANSATZ, "ZZZ", points)])


def test_a_pub_that_fails_does_not_fail_the_others() -> None:
    def crowded(right, self, num_qubits, *arguments, **options):
        if num_qubits == 3:
            raise RuntimeError("three is a crowd")
        return right(self, num_qubits, *arguments, **options)

    backend = EngineBackend(broken("allocate", crowded)(), name="breaking")
    circuit = QuantumCircuit(1)
    circuit.h(0)
    job = EstimatorV2(backend).run([(circuit, "X"), (ANSATZ, "ZZZ", values(2))])
    with pytest.raises(JobFailedError, match=r"pub 1 of the job .*RuntimeError: three") as caught:
        job.result(LONG)
    partial: Any = caught.value.partial_result
    assert partial.metadata["pubs"] == [0]
    np.testing.assert_allclose(partial[0].data.evs, 1)


def test_many_observables_each_at_a_point_of_its_own() -> None:
    """As gradients ask: nothing is computed that no result needs."""
    angles = ParameterVector("t", 2)
    circuit = QuantumCircuit(2)
    circuit.ry(angles[0], 0)
    circuit.ry(angles[1], 1)
    points = RNG.uniform(-3, 3, (6, 2))
    observables = ["IZ", "ZI", "IX", "XI", "ZZ", "XX"]
    [(evs, _)] = estimated((circuit, observables, points))
    (cos0, cos1), (sin0, sin1) = np.cos(points).T, np.sin(points).T
    expected = [cos0, cos1, sin0, sin1, cos0 * cos1, sin0 * sin1]
    np.testing.assert_allclose(evs, np.diag(expected), atol=1e-14)


def test_a_backend_that_gives_shots_alone_estimates_within_its_errors() -> None:
    pub = ANSATZ, [[some_sum()], [some_sum(1)]], values(2)
    [(exact, _)] = estimated(pub)
    estimator = EstimatorV2(BasicSimulator(), default_precision=0.05, seed=2)
    (pub_result,) = estimator.run([pub]).result(LONG)
    assert pub_result.metadata["shots"] == 400
    evs, stds = pub_result.data.evs, pub_result.data.stds
    assert (abs(evs - exact) < 4 * stds).all()
    assert (stds > 0).all()
    with pytest.raises(ValueError, match="pub 0: the backend 'basic_simulator' gives shots"):
        EstimatorV2(BasicSimulator()).run([pub])


def test_a_circuit_that_was_widened_to_a_target_of_many_qubits() -> None:
    """Its program has the qubits alone that it was placed on."""
    circuit = QuantumCircuit(3)
    circuit.ry(Parameter("a"), 0)
    circuit.cx(0, 1)
    placed = transpile(circuit, simquay.get_backend("numpy"), initial_layout=[700, 3, 40])
    assert placed.num_qubits > 100
    observables = [SparsePauliOp("IIZ"), SparsePauliOp("IXX"), SparsePauliOp("ZII")]
    wide = [[one.apply_layout(placed.layout)] for one in observables]
    idle = SparseObservable.from_sparse_list([("+Z", [5, 700], 1.0)], placed.num_qubits)
    points = [0.4, 1.1]
    [(evs, _)] = estimated((placed, [*wide, [idle]], points))
    cos, sin = np.cos(points), np.sin(points)
    np.testing.assert_allclose(evs, np.array([cos, sin, np.ones(2), cos / 2]), atol=1e-13)
