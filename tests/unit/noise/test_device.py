"""A device's data as errors, against Qiskit's fidelities and known values."""

from __future__ import annotations

import math
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from qiskit.circuit import Measure, Reset
from qiskit.circuit.library import CCXGate, CXGate, RZGate, XGate
from qiskit.providers import QubitProperties
from qiskit.providers.fake_provider import GenericBackendV2
from qiskit.quantum_info import average_gate_fidelity
from qiskit.transpiler import InstructionProperties, Target

from simquay.errors import NoiseModelError
from simquay.noise.device import DeviceModel, depolarizing, relaxation
from simquay.noise.model import Errors
from tests.support.channels import placed_superop, superop

MICROSECOND = 1e-6
RATIOS = [0.1, 0.999, 1.0, 1.001, 1.5, 1.999, 2.0]


def target_of(
    times: Sequence[tuple[float | None, float | None]] | None = None, **gates: Any
) -> Target:
    """A target of as many qubits as there are times of T1 and T2, 2 by default."""
    qubits = None if times is None else [QubitProperties(t1=t1, t2=t2) for t1, t2 in times]
    target = Target(num_qubits=2 if qubits is None else len(qubits), qubit_properties=qubits)
    operations = {"x": XGate(), "cx": CXGate(), "measure": Measure(), "reset": Reset()}
    for name, properties in gates.items():
        target.add_instruction(operations[name], properties)
    return target


def depolarizing_of(errors: Errors | None) -> float:
    """The strength of the depolarizing that is the only error of a gate on one qubit."""
    assert errors is not None
    ((mixture, _),) = errors.after
    return 4 / 3 * (1 - float(mixture.probabilities[0]))


def misread(model: DeviceModel, qubit: int) -> Any:
    """The probabilities with which a measurement of a qubit is misread."""
    return found(model, "measure", qubit).misread


def found(model: DeviceModel, name: str, *qubits: int) -> Errors:
    """The errors of an instruction that has some."""
    errors = model.errors(name, None, qubits)
    assert errors is not None
    return errors


@pytest.mark.parametrize("ratio", RATIOS)
@pytest.mark.parametrize("seconds", [1e-9, 1e-7, 1e-5, 1e-3])
def test_relaxation_decays_populations_with_t1_and_coherences_with_t2(ratio, seconds):
    t1 = 100 * MICROSECOND
    mixture = relaxation(t1, ratio * t1, seconds)
    assert mixture is not None
    kept, coherent = math.exp(-seconds / t1), math.exp(-seconds / (ratio * t1))
    expected = np.diag([1, coherent, coherent, kept]).astype(complex)
    expected[0, 3] = 1 - kept
    np.testing.assert_allclose(superop(mixture).data, expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("ratio", RATIOS)
def test_parts_of_relaxation_are_channels_and_their_probabilities_sum_to_1(ratio):
    mixture = relaxation(1.0, ratio, 1e-3)
    assert mixture is not None
    assert math.fsum(mixture.probabilities) == pytest.approx(1, abs=1e-15)
    assert (mixture.probabilities > 0).all()
    for part in mixture.parts:
        operators = part.reshape(-1, 2, 2)
        total = sum(one.conj().T @ one for one in operators)
        np.testing.assert_allclose(total, np.eye(2), rtol=0, atol=1e-12)


def test_relaxation_up_to_t1_resets_with_the_probability_of_decay():
    mixture = relaxation(1.0, 0.5, 1e-3)
    assert mixture is not None
    assert [part.ndim for part in mixture.parts] == [2, 2, 3]
    assert mixture.probabilities[2] == pytest.approx(-math.expm1(-1e-3), rel=1e-12)


def test_relaxation_beyond_t1_is_almost_always_the_identity():
    mixture = relaxation(1.0, 1.5, 1e-3)
    assert mixture is not None
    np.testing.assert_array_equal(mixture.parts[0], np.eye(2))
    assert mixture.probabilities[0] == pytest.approx(1 - (1e-3 / 1.5) / 0.5, rel=1e-3)


def test_dephasing_alone_is_diagonal():
    assert (dephasing := relaxation(math.inf, 1.0, 0.1)) is not None
    assert dephasing.is_diagonal
    assert dephasing.is_unitary
    assert (damping := relaxation(1.0, 1.0, 0.1)) is not None
    assert not damping.is_diagonal


def test_no_time_is_no_relaxation():
    assert relaxation(1.0, 1.0, 0.0) is None


@pytest.mark.parametrize(("strength", "num_qubits"), [(0.01, 1), (0.3, 2), (1.0, 2), (4 / 3, 1)])
def test_depolarizing_mixes_with_the_completely_mixed_state(strength, num_qubits):
    size = 2**num_qubits
    mixed = np.outer(np.eye(size).ravel(), np.eye(size).ravel()) / size
    expected = (1 - strength) * np.eye(size**2) + strength * mixed
    mixture = depolarizing(strength, num_qubits)
    np.testing.assert_allclose(superop(mixture).data, expected, rtol=0, atol=1e-15)
    assert mixture.probabilities[0] == mixture.probabilities.max()


@pytest.mark.parametrize("seed", [1, 2])
def test_gates_have_their_reported_average_infidelity(seed):
    backend = GenericBackendV2(4, seed=seed)
    model = DeviceModel(backend)
    reached = 0
    for name in ("x", "sx", "id", "cx"):
        for qubits, reported in backend.target[name].items():
            whole = placed_superop(found(model, name, *qubits).after, len(qubits))
            infidelity = 1 - average_gate_fidelity(whole)
            reached += math.isclose(infidelity, reported.error, abs_tol=1e-12)
            assert infidelity >= reported.error - 1e-12
    assert reached > 0


def test_depolarizing_comes_before_the_relaxation_of_each_qubit():
    times = [(1e-4, 1e-4), (2e-4, 3e-4)]
    target = target_of(times, cx={(1, 0): InstructionProperties(duration=1e-7, error=1e-2)})
    errors = found(DeviceModel(target), "cx", 1, 0)
    assert [places for _, places in errors.after] == [(0, 1), (0,), (1,)]
    assert errors.after[1][0] is relaxation(2e-4, 3e-4, 1e-7)
    assert errors.after[2][0] is relaxation(1e-4, 1e-4, 1e-7)
    assert errors.before == ()
    assert errors.misread is None


def test_an_error_below_that_of_relaxation_is_relaxation_alone():
    target = target_of([(1e-6, 1e-6)], x={(0,): InstructionProperties(duration=1e-7, error=1e-3)})
    ((mixture, places),) = found(DeviceModel(target), "x", 0).after
    assert places == (0,)
    assert mixture is relaxation(1e-6, 1e-6, 1e-7)


@pytest.mark.parametrize("error", [2 / 3, 0.9, 1.0])
def test_an_error_beyond_the_largest_possible_one_counts_as_that(error):
    target = target_of(x={(0,): InstructionProperties(error=error)})
    ((mixture, _),) = found(DeviceModel(target), "x", 0).after
    assert 1 - average_gate_fidelity(superop(mixture)) == pytest.approx(2 / 3)


def test_an_error_beyond_complete_relaxation_depolarizes_as_much_as_possible():
    target = target_of([(1e-9, 1e-9)], x={(0,): InstructionProperties(duration=1.0, error=0.6)})
    (mixture, _), _ = found(DeviceModel(target), "x", 0).after
    assert mixture is depolarizing(4 / 3, 1)


def test_t2_is_at_most_twice_t1_and_twice_t1_where_unknown():
    reported = {(qubit,): InstructionProperties(duration=1e-7) for qubit in range(2)}
    model = DeviceModel(target_of([(1e-4, 5e-4), (1e-4, None)], x=reported))
    for qubit in range(2):
        ((mixture, _),) = found(model, "x", qubit).after
        assert mixture is relaxation(1e-4, 2e-4, 1e-7)


def test_t2_alone_is_dephasing():
    target = target_of([(None, 1e-4)], x={(0,): InstructionProperties(duration=1e-7)})
    ((mixture, _),) = found(DeviceModel(target), "x", 0).after
    assert mixture is relaxation(math.inf, 1e-4, 1e-7)


def test_missing_data_is_no_error():
    target = target_of(
        [(None, None), (1e-4, 1e-4)],
        x={
            (0,): InstructionProperties(duration=1e-7),
            (1,): InstructionProperties(),
        },
        cx={(0, 1): None},
        measure={(0,): InstructionProperties(duration=1e-6), (1,): None},
        reset=None,
    )
    model = DeviceModel(target)
    for name, qubits in [("x", (0,)), ("x", (1,)), ("cx", (0, 1)), ("measure", (0,))]:
        assert model.errors(name, None, qubits) is None
    assert model.errors("reset", None, (1,)) is None
    assert model.errors("h", None, (5,)) is None
    assert model.relaxation(0, 1e-6) is None
    assert model.relaxation(7, 1e-6) is None


def test_a_target_without_qubit_properties_has_gate_errors_alone():
    reported = {(0,): InstructionProperties(duration=1e-7, error=1e-3)}
    model = DeviceModel(target_of(x=reported, reset=reported))
    assert [places for _, places in found(model, "x", 0).after] == [(0,)]
    assert not model.relaxes
    assert model.names == {"x"}


def test_errors_given_for_all_qubits_count_for_each():
    target = target_of(x={None: InstructionProperties(error=1e-2)})
    model = DeviceModel(target)
    assert found(model, "x", 0).after == found(model, "x", 1).after


def test_a_reset_relaxes_and_has_no_gate_error():
    reported = {(0,): InstructionProperties(duration=1e-6, error=0.1)}
    errors = found(DeviceModel(target_of([(1e-4, 1e-4)], reset=reported)), "reset", 0)
    assert errors.after == ((relaxation(1e-4, 1e-4, 1e-6), (0,)),)


def test_gates_on_three_qubits_are_depolarized_together():
    target = Target(num_qubits=3)
    target.add_instruction(CCXGate(), {(0, 2, 1): InstructionProperties(error=0.02)})
    ((mixture, places),) = found(DeviceModel(target), "ccx", 0, 2, 1).after
    assert places == (0, 1, 2)
    assert 1 - average_gate_fidelity(superop(mixture)) == pytest.approx(0.02)


def test_delays_relax():
    model = DeviceModel(target_of([(1e-4, 1e-4)]))
    assert model.relaxes
    assert model.relaxation(0, 1e-6) is relaxation(1e-4, 1e-4, 1e-6)
    assert model.relaxation(0, 0.0) is None


def test_a_measurement_is_misread_alike_both_ways_by_its_target():
    reported = {(0,): InstructionProperties(duration=1e-6, error=0.02)}
    model = DeviceModel(target_of([(1e-4, 1e-4)], measure=reported))
    np.testing.assert_allclose(misread(model, 0), [[0.98, 0.02], [0.02, 0.98]])
    assert found(model, "measure", 0).after == ()


class Backend(GenericBackendV2):
    """A backend with properties, as those of IBM have."""

    def properties(self) -> Any:
        """Asymmetric readout errors of qubit 1 alone."""
        named = {"T1": 1e-4, "prob_meas0_prep1": 0.03, "prob_meas1_prep0": 0.01}
        qubit = [SimpleNamespace(name=name, value=value) for name, value in named.items()]
        return SimpleNamespace(qubits=[[], qubit])


def test_a_measurement_is_misread_as_the_properties_of_its_backend_say():
    backend = Backend(2, seed=1)
    symmetric = backend.target["measure"][0,].error
    model = DeviceModel(backend)
    np.testing.assert_allclose(misread(model, 1), [[0.99, 0.01], [0.03, 0.97]])
    expected = [[1 - symmetric, symmetric], [symmetric, 1 - symmetric]]
    np.testing.assert_allclose(misread(model, 0), expected)
    by_target = misread(DeviceModel(backend.target), 1)
    assert by_target[0, 1] == by_target[1, 0]


def test_a_label_that_the_device_knows_counts_before_the_name():
    target = target_of(x={(0,): InstructionProperties(error=0.01)})
    target.add_instruction(RZGate(0.1), {(0,): InstructionProperties(error=0.02)}, name="slow")
    model = DeviceModel(target)
    assert depolarizing_of(model.errors("x", "slow", (0,))) == pytest.approx(0.04)
    assert depolarizing_of(model.errors("x", "other", (0,))) == pytest.approx(0.02)


def test_names_are_those_of_instructions_with_errors():
    backend = GenericBackendV2(2, seed=1)
    resets = {"reset"} if backend.target["reset"][0,].duration else set()  # not in Qiskit 2.0
    assert DeviceModel(backend).names == {"cx", "id", "sx", "x", "measure"} | resets
    assert DeviceModel(Target(num_qubits=2)).is_ideal


def test_a_wide_device_makes_the_mixtures_that_are_asked_for_alone():
    backend = GenericBackendV2(127, seed=3)
    before = depolarizing.cache_info().misses, relaxation.cache_info().misses
    model = DeviceModel(backend)
    found(model, "cx", 0, 1)
    after = depolarizing.cache_info().misses, relaxation.cache_info().misses
    assert after[0] - before[0] <= 1
    assert after[1] - before[1] <= 2


def test_equal_numbers_are_one_mixture():
    reported = {(qubit,): InstructionProperties(duration=1e-7, error=1e-2) for qubit in range(2)}
    model = DeviceModel(target_of([(1e-4, 1e-4)] * 2, x=reported))
    first, second = found(model, "x", 0).after, found(model, "x", 1).after
    assert all(one is other for (one, _), (other, _) in zip(first, second, strict=True))


@pytest.mark.parametrize("times", [(0.0, 1e-4), (1e-4, 0.0), (-1e-4, 1e-4), (math.nan, 1e-4)])
def test_times_of_no_length_are_refused(times):
    with pytest.raises(NoiseModelError, match="both must be above 0"):
        DeviceModel(target_of([times]))


@pytest.mark.parametrize(
    ("duration", "error"),
    [(1e-7, -0.1), (1e-7, 1.1), (1e-7, math.nan), (-1e-7, 0.1), (math.nan, 0.1), (math.inf, 0.1)],
)
@pytest.mark.parametrize("times", [None, [(1e-4, 1e-4)]])
def test_impossible_numbers_of_a_gate_are_refused(duration, error, times):
    target = target_of(times, x={(0,): InstructionProperties(duration=duration, error=error)})
    with pytest.raises(NoiseModelError, match=r"'x' on the qubits \(0,\); the error must be"):
        found(DeviceModel(target), "x", 0)


@pytest.mark.parametrize("error", [-0.1, 1.1, math.nan])
def test_probabilities_of_misreading_are_within_0_and_1(error):
    target = target_of(measure={(1,): InstructionProperties(error=error)})
    with pytest.raises(NoiseModelError, match="misreads qubit 1"):
        DeviceModel(target)
