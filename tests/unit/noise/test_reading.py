"""Noise models are read of what users have, and read again where it has changed."""

from __future__ import annotations

import re
from typing import Any

import pytest
from qiskit.circuit import Measure
from qiskit.circuit.library import XGate
from qiskit.providers import QubitProperties
from qiskit.providers.fake_provider import GenericBackendV2
from qiskit.transpiler import InstructionProperties, Target
from qiskit_aer.noise import NoiseModel, pauli_error

from simquay.errors import NoiseModelError
from simquay.noise.reading import noise_of


def device() -> GenericBackendV2:
    return GenericBackendV2(2, seed=3)


@pytest.mark.parametrize("value", [device(), device().target], ids=["device", "target"])
def test_what_has_not_changed_is_read_once(value: Any) -> None:
    model = noise_of(value)
    assert noise_of(value) is model
    assert noise_of(model) is model
    assert {"sx", "cx", "measure"} <= model.names


def test_a_changed_target_is_read_again() -> None:
    target = Target(qubit_properties=[QubitProperties(t1=1e-4, t2=1e-4)], dt=1e-9)
    target.add_instruction(XGate(), {(0,): InstructionProperties(error=0.01, duration=1e-7)})
    models = [noise_of(target)]
    target.update_instruction_properties("x", (0,), InstructionProperties(error=0.02))
    models.append(noise_of(target))
    target.update_instruction_properties("x", (0,), InstructionProperties(2e-7, 0.02))
    models.append(noise_of(target))
    target.qubit_properties = [QubitProperties(t1=2e-4, t2=1e-4)]
    models.append(noise_of(target))
    assert len({id(model) for model in models}) == 4
    strengths = [
        [mixture.probabilities[0] for mixture, _ in errors.after]
        for model in models
        if (errors := model.errors("x", None, (0,)))
    ]
    assert len({tuple(some) for some in strengths}) == 4
    assert noise_of(target) is models[-1]


def test_changed_readout_errors_of_a_target_are_read_again() -> None:
    properties = InstructionProperties(error=0.1)
    vars(properties).update(prob_meas1_prep0=0.1, prob_meas0_prep1=0.3)
    target = Target()
    target.add_instruction(Measure(), {(0,): properties})
    first = noise_of(target)
    vars(properties).update(prob_meas0_prep1=0.2)
    errors = noise_of(target).errors("measure", None, (0,))
    assert first is not noise_of(target)
    assert errors is not None
    assert errors.misread is not None
    assert errors.misread.tolist() == [[0.9, 0.1], [0.2, 0.8]]


def test_a_dictionary_of_other_things_than_data_is_refused() -> None:
    deep: list[object] = []
    for _ in range(100_000):
        deep = [deep]
    for other in (lambda: None, deep):
        with pytest.raises(NoiseModelError, match="no dictionary of data alone"):
            noise_of({"errors": [], "other": other})


def test_a_changed_model_of_aer_is_read_again() -> None:
    aers = NoiseModel()
    aers.add_all_qubit_quantum_error(pauli_error([("X", 0.1), ("I", 0.9)]), "x")
    for value, change in (
        (aers, lambda: aers.add_all_qubit_readout_error([[0.9, 0.1], [0.2, 0.8]])),
        (told := aers.to_dict(), lambda: told["errors"][0]["operations"].append("y")),
    ):
        model = noise_of(value)
        assert noise_of(value) is model
        change()
        changed = noise_of(value)
        assert changed.names > model.names
        assert noise_of(value) is changed


@pytest.mark.parametrize("value", [3, "noise", XGate()])
def test_anything_else_is_refused(value: object) -> None:
    said = f"an object of type {type(value).__name__} is no noise model: expected"
    with pytest.raises(NoiseModelError, match=re.escape(said)):
        noise_of(value)
