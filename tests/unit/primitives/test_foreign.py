"""Pubs on backends that give shots alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from qiskit import ClassicalRegister, QuantumCircuit, transpile
from qiskit.circuit import Parameter
from qiskit.providers import BackendV2, JobStatus
from qiskit.providers.basic_provider import BasicSimulator
from qiskit.providers.fake_provider import GenericBackendV2
from qiskit.quantum_info import Operator, SparseObservable, SparsePauliOp, Statevector

import simquay
from simquay.jobs.errors import JobFailedError
from simquay.primitives import SamplerV2
from simquay.primitives.foreign import Bases
from simquay.primitives.observables import observables_of
from simquay.simulators import adapt
from tests.support.adapted_runs import adapted
from tests.support.foreign_backends import HeldJob, ReadyJob, a_result
from tests.support.job_doubles import LONG, until


def circuit() -> QuantumCircuit:
    made = QuantumCircuit(2)
    made.add_register(ClassicalRegister(1, "low"), ClassicalRegister(70, "wide"))
    made.ry(Parameter("a"), 0)
    made.cx(0, 1)
    made.measure(0, 0)
    made.measure(1, 70)
    return made


@pytest.mark.parametrize("adapted_before", [False, True])
def test_a_sampler_on_a_backend_of_somebody_else(adapted_before: bool) -> None:
    backend = BasicSimulator()
    given = adapt(backend, isolation="thread") if adapted_before else backend
    sampler = SamplerV2(given, seed=1, default_shots=50)
    job = sampler.run([(circuit(), [[0.0, np.pi]]), (circuit(), 0.0, 20)])
    assert job.backend() is sampler.backend is given
    first, second = job.result(LONG)
    assert first.data.wide.shape == (1, 2)
    assert first.data.low.get_counts((0, 1)) == {"1": 50}
    assert first.data.wide.get_counts((0, 1)) == {"1" + 69 * "0": 50}
    assert second.data.low.get_counts() == {"0": 20}
    assert first.metadata == {"shots": 50, "circuit_metadata": {}}
    assert job.metadata["backend"] == job.result().metadata["backend"] == "basic_simulator"


def test_seeds_differ_between_the_pubs_of_a_job() -> None:
    made = QuantumCircuit(8)
    made.h(range(8))
    made.measure_all()
    backend = BasicSimulator()

    def shots(seed: int) -> list[Any]:
        result = SamplerV2(backend, seed=seed, default_shots=9).run([made, made]).result(LONG)
        return [pub.data.meas.get_bitstrings() for pub in result]

    one, other = shots(3)
    assert [one, other] == shots(3)
    assert one != other
    run = backend.run(made, shots=9, seed_simulator=3, memory=True).result()
    assert one == run.get_memory()


def test_a_circuit_that_measures_nothing_is_not_run_and_no_pubs_are_no_run() -> None:
    sampler = SamplerV2(BasicSimulator(), default_shots=5)
    (pub,) = sampler.run([QuantumCircuit(1, 2)]).result(LONG)
    assert pub.data.c.get_counts() == {"00": 5}
    assert len(sampler.run([]).result(LONG)) == 0


def test_a_job_takes_no_more_circuits_than_the_backend_does() -> None:
    runs: list[int] = []

    def behaviour(circuits: list[QuantumCircuit], options: dict[str, Any]) -> Any:
        runs.append(len(circuits))
        result = a_result(circuits)
        for one in result.results:
            one.data.memory = ["0x1"] * options["shots"]
        return ReadyJob(result)

    backend = adapted(behaviour, memory=False)
    backend.foreign._most = 2
    job = SamplerV2(backend, default_shots=3).run([(circuit(), np.zeros(5))])
    assert job.result(LONG)[0].data.low.get_counts(4) == {"1": 3}
    assert sorted(runs) == [1, 2, 2]


def test_cancelling_cancels_the_backends_jobs() -> None:
    made: list[HeldJob] = []

    def behaviour(circuits: list[QuantumCircuit], options: dict[str, Any]) -> Any:
        made.append(HeldJob(circuits))
        return made[-1]

    job = SamplerV2(adapted(behaviour, memory=False)).run([(circuit(), 0.0), (circuit(), 1.0)])
    assert until(lambda: bool(made))
    assert job.cancel()
    assert until(lambda: made[0].state is JobStatus.CANCELLED)


def test_a_pub_that_fails_does_not_fail_the_others() -> None:
    def behaviour(circuits: list[QuantumCircuit], options: dict[str, Any]) -> Any:
        result = a_result(circuits, success=circuits[0].name != "bad")
        for one in result.results:
            one.data.memory = ["0x1"] * options["shots"]
        return ReadyJob(result)

    bad = circuit()
    bad.name = "bad"
    job = SamplerV2(adapted(behaviour, memory=False)).run([(bad, 0.0), (circuit(), 0.0)], shots=2)
    with pytest.raises(JobFailedError, match=r"pub 0 of the job .*'bad'.* failed: ") as caught:
        job.result(LONG)
    partial: Any = caught.value.partial_result
    assert partial.metadata["pubs"] == [1]


def test_a_wrong_option_is_an_error_of_run() -> None:
    sampler = SamplerV2(adapted(lambda circuits, options: None), options={"flavor": "plain"})
    with pytest.raises(AttributeError, match="did you mean 'flavour'"):
        sampler.run([(circuit(), 0.0)])


def exact(made: QuantumCircuit, observable: SparseObservable) -> float:
    operator = Operator(SparsePauliOp.from_sparse_observable(observable))
    return float(np.real(Statevector(made).expectation_value(operator)))


OBSERVABLES = [
    SparseObservable.from_list([("XYZ", 1.0), ("IYI", -0.5), ("III", 2.0), ("ZZZ", 0.25)]),
    SparseObservable.from_list([("0I+", 0.5), ("r1I", -1.0), ("l-Z", 0.75)]),
    SparseObservable.from_list([("III", 0.25)]),
]


@pytest.mark.parametrize("device", [False, True])
def test_bases_estimate_what_they_say_within_their_errors(device: bool) -> None:
    made = QuantumCircuit(3, 2)
    made.ry(0.3, 0)
    made.cx(0, 1)
    made.rx(1.0, 2)
    made.cp(0.7, 1, 2)
    made.ry(0.4, 1)
    backend: BackendV2 = GenericBackendV2(3, seed=4) if device else simquay.get_backend("numpy")
    observables, _ = observables_of(made, OBSERVABLES)
    bases = Bases(observables, backend)
    circuits = bases.circuits(made)
    if device:
        basis = set(backend.target.operation_names)
        transpiled = transpile(made, basis_gates=["cx", "id", "rz", "sx", "x"])
        assert all(set(one.count_ops()) <= basis for one in bases.circuits(transpiled))
    shots = 20_000
    run = simquay.get_backend("numpy").run(circuits, shots=shots, memory=True, seed_simulator=5)
    memory = [run.result(LONG).get_memory(one) for one in range(len(circuits))]
    samples = [
        np.array([[int(shot.replace(" ", ""), 2)] for shot in one], dtype=np.uint64)
        for one in memory
    ]
    means, errors = bases.estimates(samples, made.num_clbits)
    for mean, error, observable in zip(means, errors, OBSERVABLES, strict=True):
        assert abs(mean - exact(made, observable)) <= 4 * error + 1e-12
    assert errors[2] == 0
    assert 0.002 < errors[0] < 0.02


def test_terms_that_agree_share_a_basis() -> None:
    observables, _ = observables_of(QuantumCircuit(3), ["XII", "XZI", "IZ+", "Z0I", "III"])
    bases = Bases(observables, BasicSimulator())
    made = bases.circuits(QuantumCircuit(3))
    assert [one.num_clbits for one in made] == [3, 2]
