"""The backend and the options of primitives."""

from __future__ import annotations

from typing import Any

import pytest
from qiskit import QuantumCircuit

import simquay
from simquay.errors import SimquayError
from simquay.primitives import SamplerV2
from simquay.primitives.base import taken
from simquay.simulators.options import RunOptionError, UnknownOptionError
from tests.support.job_doubles import LONG


def coin() -> QuantumCircuit:
    circuit = QuantumCircuit(1)
    circuit.h(0)
    circuit.measure_all()
    return circuit


def test_a_backend_is_an_object_a_name_or_the_best_one() -> None:
    backend = simquay.get_backend("numpy")
    for sampler in (SamplerV2(backend), SamplerV2.from_backend(backend, seed=1)):
        assert sampler.backend is sampler._backend is backend
    assert SamplerV2("reference").backend.name == "reference"
    assert SamplerV2().backend.name == simquay.get_backend().name
    with pytest.raises(SimquayError, match="no backend"):
        SamplerV2("nunpy")
    with pytest.raises(TypeError, match="an object of type int is no backend"):
        SamplerV2(3)


def test_options_are_those_of_run_and_aers_form_is_understood() -> None:
    sampler = SamplerV2("numpy", options={"precision": "single", "max_shots_per_task": 20})
    job = sampler.run([coin()], shots=50)
    assert job.metadata["precision"] == "single"
    assert len(job.result(LONG).metadata["tasks"]) == 3
    sampler = SamplerV2(
        "numpy",
        options={
            "backend_options": {"precision": "single"},
            "run_options": {"seed_simulator": 3, "shots": 5, "memory": True},
            "default_shots": 40,
        },
    )
    result = sampler.run([coin()]).result(LONG)
    assert (result.metadata["precision"], result.metadata["seed"]) == ("single", 3)
    assert result[0].metadata["shots"] == 40


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"seed": 1}, UnknownOptionError, "did you mean 'seed_simulator'"),
        ({"run_options": {"precison": "single"}}, UnknownOptionError, "did you mean 'precision'"),
        ({"backend_options": {"method": "stabilizer"}}, RunOptionError, "aer-stabilizer"),
        ({"precision": "half"}, RunOptionError, "'double' or 'single'"),
    ],
    ids=range(4),
)
def test_a_wrong_option_is_an_error_at_once(options, error, message) -> None:
    with pytest.raises(error, match=message):
        SamplerV2("numpy", options=options)


def test_an_error_says_which_pub_it_is_about() -> None:
    class Other(ValueError):
        def __init__(self, first: int, second: int) -> None:
            super().__init__("own arguments")

    def read(pub: Any) -> Any:
        raise pub

    with pytest.raises(TypeError, match="pub 0: no") as caught:
        taken([TypeError("no")], read)
    assert isinstance(caught.value.__cause__, TypeError)
    with pytest.raises(Other, match="own arguments"):
        taken([Other(1, 2)], read)


def test_options_can_be_read_and_set_as_those_of_other_primitives() -> None:
    sampler = SamplerV2("numpy", options={"abelian_grouping": True})
    assert sampler.options.default_shots == sampler.default_shots == 1024
    sampler.options.default_shots = 3
    sampler.options.seed_simulator = 8
    result = sampler.run([coin()]).result(LONG)
    assert (result[0].metadata["shots"], result.metadata["seed"]) == (3, 8)
    sampler.options.prescision = "single"
    with pytest.raises(UnknownOptionError, match="did you mean 'precision'"):
        sampler.run([coin()])


def test_options_of_the_backend_hold_and_its_state_is_not_asked_for() -> None:
    backend = simquay.get_backend("numpy")
    backend.set_options(seed_simulator=4, statevector=True, shots=7, metadata={"a": 1})
    job = SamplerV2(backend).run([coin()])
    assert job.metadata["a"] == 1
    assert job.result(LONG).metadata["seed"] == 4
    assert job.result(LONG)[0].data.meas.num_shots == 1024
