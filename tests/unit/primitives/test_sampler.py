"""``SamplerV2`` on engines."""

from __future__ import annotations

import numpy as np
import pytest
from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister
from qiskit.circuit import Parameter, ParameterVector
from qiskit.primitives import BaseSamplerV2, PrimitiveResult, SamplerPubResult
from qiskit.providers.basic_provider import BasicSimulator

import simquay
from simquay.engines.reference import ReferenceEngine
from simquay.jobs.errors import JobFailedError
from simquay.primitives import SamplerV2
from simquay.simulators.engine.backend import EngineBackend
from tests.support.job_doubles import LONG


@pytest.fixture
def sampler() -> SamplerV2:
    return SamplerV2("numpy", seed=7, default_shots=200)


def two_registers() -> QuantumCircuit:
    """Qubit 0 is 1 with probability ``sin(a/2)**2``, and qubits 1 and 2 are equal to it."""
    circuit = QuantumCircuit(
        QuantumRegister(3), ClassicalRegister(2, "low"), ClassicalRegister(1, "high")
    )
    circuit.ry(Parameter("a"), 0)
    circuit.cx(0, 1)
    circuit.cx(0, 2)
    circuit.measure([0, 1, 2], [0, 1, 2])
    circuit.metadata = {"mine": 1}
    return circuit


def test_the_samples_of_all_points_count_against_max_memory() -> None:
    sampler = SamplerV2("numpy", options={"max_memory_mb": 2})
    pubs = [(two_registers(), np.zeros(points), 2000) for points in (2, 200)]
    with pytest.raises(JobFailedError, match=r"pub 1 .* max_memory_mb allows 2 MiB") as failure:
        sampler.run(pubs).result(LONG)
    partial = failure.value.partial_result
    assert partial is not None
    assert partial.metadata["pubs"] == [0]
    sampler.options.max_memory_mb = 9
    assert len(sampler.run(pubs).result(LONG)) == 2


def test_a_result_is_qiskits(sampler: SamplerV2) -> None:
    assert isinstance(sampler, BaseSamplerV2)
    result = sampler.run([(two_registers(), [[0.0, np.pi], [np.pi, 0.0]])]).result(LONG)
    assert isinstance(result, PrimitiveResult)
    (pub,) = result
    assert isinstance(pub, SamplerPubResult)
    assert list(pub.data) == ["low", "high"]
    assert pub.data.shape == (2, 2)
    assert pub.data.low.get_counts((0, 1)) == {"11": 200}
    assert pub.data.high.get_counts((1, 1)) == {"0": 200}
    assert pub.data.low.get_counts() == {"00": 400, "11": 400}
    assert pub.metadata["shots"] == 200
    assert pub.metadata["circuit_metadata"] == {"mine": 1}
    assert pub.metadata["simulator_metadata"]["stored_qubits"] == 3
    assert result.metadata["version"] == 2
    assert (result.metadata["engine"], result.metadata["seed"]) == ("numpy", 7)


def test_a_point_has_the_shots_of_its_circuit_in_a_run() -> None:
    """Point p of all points is circuit p of a run; also where shots differ between pubs."""
    sampler = SamplerV2("numpy", seed=3)
    values = np.linspace(0, 3, 6).reshape(3, 2)
    one, other = two_registers(), QuantumCircuit(2)
    other.h([0, 1])
    other.measure_all()
    result = sampler.run([(one, values, 50), other, (one, 1.0, 50)], shots=30).result(LONG)
    circuits = [one.assign_parameters([value]) for value in values.ravel()]
    circuits += [other, one.assign_parameters([1.0])]
    run = simquay.get_backend("numpy").run(circuits, shots=50, seed_simulator=3, memory=True)
    memory = [run.result(LONG).get_memory(number) for number in range(8)]
    for number, place in enumerate(np.ndindex(3, 2)):
        assert result[0].join_data().get_bitstrings(place) == [
            shot.replace(" ", "") for shot in memory[number]
        ]
    assert result[1].data.meas.get_bitstrings() == memory[6][:30]
    assert result[2].data.high.get_bitstrings() == [shot[0] for shot in memory[7]]


def test_seeds() -> None:
    circuit = QuantumCircuit(8)
    circuit.h(range(8))
    circuit.measure_all()

    def shots(sampler: SamplerV2) -> list[str]:
        return list(sampler.run([circuit]).result(LONG)[0].data.meas.get_bitstrings())

    fixed = SamplerV2("numpy", seed=5)
    assert shots(fixed) == shots(fixed) == shots(SamplerV2("reference", seed=5))
    free = SamplerV2("numpy")
    assert shots(free) != shots(free)
    drawn = [SamplerV2("numpy", seed=np.random.default_rng(1)) for _ in range(2)]
    first, second = ([shots(one), shots(one)] for one in drawn)
    assert first == second
    assert first[0] != first[1]
    options = {"seed_simulator": 9}
    assert shots(SamplerV2("numpy", options=options)) == shots(SamplerV2("numpy", seed=9))
    assert shots(SamplerV2("numpy", options=options, seed=5)) == shots(fixed)


def test_no_pubs_and_no_points(sampler: SamplerV2) -> None:
    result = sampler.run([]).result(LONG)
    assert (len(result), result.metadata["version"]) == (0, 2)
    result = sampler.run([(two_registers(), np.empty((3, 0, 1)))]).result(LONG)
    assert result[0].data.low.array.shape == (3, 0, 200, 1)


def test_a_circuit_without_registers_warns_and_has_no_data(sampler: SamplerV2) -> None:
    circuit = QuantumCircuit(1)
    circuit.h(0)
    with pytest.warns(UserWarning, match="pub 1: its circuit has no classical registers"):
        job = sampler.run([two_registers().assign_parameters([0.0]), circuit])
    assert len(job.result(LONG)[1].data) == 0


def test_a_register_that_nothing_is_written_to_is_zero(sampler: SamplerV2) -> None:
    assert sampler.run([QuantumCircuit(1, 2)]).result(LONG)[0].data.c.get_counts() == {"00": 200}


def test_circuits_that_measure_on_their_way(sampler: SamplerV2) -> None:
    circuit = QuantumCircuit(
        QuantumRegister(2), ClassicalRegister(1, "a"), ClassicalRegister(1, "b")
    )
    circuit.h(0)
    circuit.measure(0, 0)
    with circuit.if_test((circuit.cregs[0], 1)):
        circuit.x(1)
    circuit.measure(1, 1)
    circuit.reset(0)
    data = sampler.run([circuit], shots=300).result(LONG)[0].data
    assert data.a.get_bitstrings() == data.b.get_bitstrings()
    assert 100 < data.a.get_counts()["1"] < 200


def test_wrong_pubs_are_refused_before_anything_runs(sampler: SamplerV2) -> None:
    right = two_registers()
    with pytest.raises(ValueError, match=r"pub 1: .* no values for a"):
        sampler.run([(right, 1.0), right])
    for alone in (right, (right, 1.0)):
        with pytest.raises(ValueError, match="wrap it with"):
            sampler.run(alone)
    with pytest.raises(ValueError, match="shots must be positive"):
        sampler.run([(right, 1.0)], shots=0)
    named = QuantumCircuit(QuantumRegister(1), ClassicalRegister(1, "shape"))
    with pytest.raises(ValueError, match="register 'shape' has the name"):
        sampler.run([named])


def test_a_pub_that_fails_does_not_fail_the_others() -> None:
    class Breaking(ReferenceEngine):
        def allocate(self, num_qubits, *arguments, **keywords):
            if num_qubits == 3:
                raise RuntimeError("three is a crowd")
            return super().allocate(num_qubits, *arguments, **keywords)

    crowded = two_registers()
    crowded.name = "crowded"
    circuit = QuantumCircuit(1, 1)
    circuit.x(0)
    circuit.measure(0, 0)
    sampler = SamplerV2(EngineBackend(Breaking(), name="breaking"), default_shots=9)
    job = sampler.run([circuit, (crowded, [0.0, 1.0]), circuit])
    with pytest.raises(simquay.errors.SimquayError) as caught:
        job.result(LONG)
    text = str(caught.value)
    assert "pub 1 of the job (circuit 'crowded', point 0 of 2) failed: RuntimeError: three" in text
    partial = caught.value.partial_result  # type: ignore[attr-defined]  # of JobFailedError
    assert partial.metadata["pubs"] == [0, 2]
    assert [pub.data.c.get_counts() for pub in partial] == [{"1": 9}] * 2


def test_many_parameters_on_every_engine() -> None:
    angles = ParameterVector("t", 4)
    circuit = QuantumCircuit(2, 2)
    circuit.ry(angles[0], 0)
    circuit.rx(angles[1] * 2 + angles[2], 1)
    circuit.cp(angles[3], 0, 1)
    circuit.measure([0, 1], [0, 1])
    pub = circuit, np.linspace(0, 3, 40).reshape(10, 4)
    found = [
        SamplerV2(name, seed=2).run([pub]).result(LONG)[0].data.c for name in ("numpy", "reference")
    ]
    assert found[0] == found[1]


def test_probabilities_are_exact_by_register_and_jointly(sampler: SamplerV2) -> None:
    angles = np.array([[0.3, 1.0, 2.0]])
    (pub,) = sampler.probabilities([(two_registers(), angles)]).result(LONG)
    one = np.sin(angles / 2) ** 2
    assert pub.data.shape == (1, 3)
    zeros = np.zeros((1, 3))
    np.testing.assert_allclose(pub.data.low, np.stack([1 - one, zeros, zeros, one], -1), atol=1e-14)
    np.testing.assert_allclose(pub.data.high, np.stack([1 - one, one], -1), atol=1e-14)
    assert pub.metadata["circuit_metadata"] == {"mine": 1}
    assert pub.joint((0, 1)) == pytest.approx({"000": 1 - one[0, 1], "111": one[0, 1]})
    sampled = sampler.run([(two_registers(), angles)]).result(LONG)[0]
    assert set(sampled.join_data().get_counts((0, 1))) == set(pub.joint((0, 1)))


def test_probabilities_of_branches_and_of_bits_that_registers_share(sampler: SamplerV2) -> None:
    circuit = QuantumCircuit(1)
    bits = ClassicalRegister(2, "both")
    circuit.add_register(bits)
    circuit.add_register(ClassicalRegister(name="twice", bits=[bits[1], bits[0]]))
    circuit.add_register(ClassicalRegister(0, "none"))
    circuit.h(0)
    circuit.measure(0, 0)
    circuit.ry(np.pi / 3, 0)
    circuit.measure(0, 1)
    (pub,) = sampler.probabilities([circuit]).result(LONG)
    np.testing.assert_allclose(pub.data.both, [3 / 8, 1 / 8, 1 / 8, 3 / 8], atol=1e-14)
    np.testing.assert_allclose(pub.data.twice, pub.data.both[[0, 2, 1, 3]])
    np.testing.assert_allclose(pub.data.none, [1])
    assert pub.joint() == pytest.approx(
        {"0000": 3 / 8, "1001": 1 / 8, "0110": 1 / 8, "1111": 3 / 8}
    )


def test_probabilities_that_cannot_be_had(sampler: SamplerV2) -> None:
    wide = QuantumCircuit(2, 200)
    with pytest.raises(simquay.errors.OutOfMemoryError, match=r"'c', a register of 200 bits"):
        sampler.probabilities([wide])
    with pytest.raises(ValueError, match="gives shots, and so no exact probabilities"):
        SamplerV2(BasicSimulator()).probabilities([two_registers().assign_parameters([1.0])])
