"""Run options: one validator, wherever they are set."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from enum import IntEnum
from typing import Any

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.exceptions import QiskitError
from qiskit.providers.fake_provider import GenericBackendV2

from simquay.engines.reference import ReferenceEngine
from simquay.errors import OptionError, SimquayOptionWarning
from simquay.program import Precision
from simquay.simulators.engine.backend import EngineBackend
from simquay.simulators.options import (
    DEVICE_OPTIONS,
    ELSEWHERE,
    OPTIONS,
    RunOptionError,
    UnknownOptionError,
)
from tests.support.paths import DOCS

PAGE = DOCS / "reference" / "options.md"


def a_backend(**options: Any) -> EngineBackend:
    return EngineBackend(ReferenceEngine(), name="reference", **options)


def by_run(**options: Any) -> object:
    circuit = QuantumCircuit(1, 1)
    circuit.measure(0, 0)
    return a_backend().run(circuit, **options)


def by_set_options(**options: Any) -> None:
    a_backend().set_options(**options)


def by_update_options(**options: Any) -> object:
    return a_backend().options.update_options(**options)


def by_attribute(**options: Any) -> object:
    backend = a_backend()
    for name, value in options.items():
        setattr(backend.options, name, value)  # Qiskit's class lets it through: run() does not
    return backend.run(QuantumCircuit(1))


WAYS = [by_run, by_set_options, by_update_options, by_attribute, a_backend]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"shots": 0}, "option shots=0: expected an integer of 1 or more"),
        ({"tags": ["a\0b"]}, "list of strings"),
        ({"shots": -5}, "shots=-5"),
        ({"shots": True}, "shots=True"),
        ({"shots": 10.5}, "shots=10.5"),
        ({"shots": float("inf")}, "shots=inf"),
        ({"shots": float("nan")}, "shots=nan"),
        ({"shots": 1j}, "shots=1j"),
        ({"shots": "10"}, "shots='10'"),
        ({"shots": np.float64(3.5)}, "integer"),
        ({"meas_level": 1}, "option meas_level=1: expected 2"),
        ({"meas_level": 0}, "option meas_level=0: expected 2"),
        ({"init_qubits": False}, "option init_qubits=False: expected True"),
        ({"shots": np.bool_(True)}, "integer"),
        ({"memory": 1}, "memory=1: expected True or False"),
        ({"statevector": "yes"}, "True or False"),
        ({"density_matrix": 1}, "density_matrix=1: expected True or False"),
        ({"seed_simulator": -1}, "an integer of 0 or more"),
        ({"seed_simulator": 1.5}, "seed_simulator=1.5"),
        ({"seed_simulator": False}, "seed_simulator=False"),
        ({"precision": "half"}, "'double' or 'single'"),
        ({"precision": 64}, "'double' or 'single'"),
        ({"method": "stabilizer"}, "another method is a backend: simquay.get_backend('aer-mps')"),
        ({"method": 1}, "method=1: expected 'automatic', 'trajectories' (or 'statevector'"),
        ({"noise_model": 3}, "noise_model: an object of type int is no noise model: expected"),
        ({"max_memory_mb": 0}, "above 0"),
        ({"max_memory_mb": float("nan")}, "above 0"),
        ({"max_memory_mb": float("inf")}, "above 0"),
        ({"max_memory_mb": True}, "above 0"),
        ({"executor": "threads"}, "expected a concurrent.futures.Executor, or None"),
        ({"executor": ThreadPoolExecutor}, "expected a concurrent.futures.Executor, or None"),
        ({"max_circuits_per_task": 0}, "an integer of 1 or more"),
        ({"max_shots_per_task": -1}, "an integer of 1 or more"),
        ({"max_shots_per_task": True}, "max_shots_per_task=True"),
        ({"metadata": ["a"]}, "a dict with string keys"),
        ({"metadata": {1: 2}}, "a dict with string keys"),
        ({"metadata": {"engine": "mine"}}, "'engine' is reserved"),
    ],
)
def test_a_wrong_value_is_refused_wherever_it_is_set(
    way: Callable[..., object], options: dict[str, Any], said: str
) -> None:
    with pytest.raises(RunOptionError, match=re.escape(said)) as caught:
        way(**options)
    assert isinstance(caught.value, (OptionError))
    assert isinstance(caught.value, ValueError)
    assert isinstance(caught.value, QiskitError)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("shot", "did you mean 'shots'?"),
        ("Shots", "did you mean 'shots'?"),
        ("seed", "did you mean 'seed_simulator'?"),
        ("seed_simulater", "did you mean 'seed_simulator'?"),
        ("max_shot_size", "did you mean 'max_shots_per_task'?"),
        ("max_memory", "did you mean 'max_memory_mb'?"),
        ("precison", "did you mean 'precision'?"),
        ("device", "simquay.get_backend('gpu')"),
        ("xyzzy", "there is none with a name close to it"),
        ("rep_delays", "there is none with a name close to it"),
    ],
)
def test_an_unknown_name_gets_close_matches(
    way: Callable[..., object], name: str, hint: str
) -> None:
    with pytest.raises(UnknownOptionError, match=re.escape(hint)) as caught:
        way(**{name: 1})
    assert "Options: shots, memory" in str(caught.value)
    assert isinstance(caught.value, AttributeError)  # as Qiskit's set_options raises


def test_one_wrong_option_changes_none() -> None:
    backend = a_backend()
    with pytest.raises(RunOptionError):
        backend.set_options(shots=5, precision="half")
    assert backend.options.shots == 1024


def test_the_defaults() -> None:
    assert dict(a_backend().options) == {
        "shots": 1024,
        "memory": False,
        "seed_simulator": None,
        "precision": "double",
        "max_memory_mb": None,
        "noise_model": None,
        "method": "automatic",
        "statevector": False,
        "density_matrix": False,
        "executor": None,
        "max_circuits_per_task": None,
        "max_shots_per_task": None,
        "metadata": None,
        "tags": None,
        "keep": None,
    }


def test_backends_do_not_share_their_options() -> None:
    first, second = a_backend(), a_backend(shots=7)
    first.set_options(shots=5, precision=Precision.SINGLE)
    assert (first.options.shots, second.options.shots, a_backend().options.shots) == (5, 7, 1024)
    assert first.options.precision == "single"


def test_a_copied_backend_shares_the_executor_the_noise_and_nothing_else() -> None:
    noise = GenericBackendV2(2, seed=1)
    with ThreadPoolExecutor(1) as executor:
        backend = a_backend(executor=executor, metadata={"list": [1]}, noise_model=noise)
        copied = copy.deepcopy(backend)
        assert copied.options.executor is executor
        assert copied.options.noise_model is backend.options.noise_model is noise
        copied.options.metadata["list"].append(2)
        copied.set_options(shots=1)
        assert backend.options.metadata == {"list": [1]}
        assert backend.options.shots == 1024


def test_aers_name_of_the_method_is_known() -> None:
    backend = a_backend(method="statevector")
    assert backend.options.method == "trajectories"


def test_a_dask_client_is_told_how_to_give_an_executor() -> None:
    class Client:
        def get_executor(self) -> None: ...

    with pytest.raises(RunOptionError, match=r"client\.get_executor\(\)"):
        a_backend(executor=Client())


def test_run_beats_the_backends_options_for_that_run_alone() -> None:
    circuit = QuantumCircuit(1, 1)
    circuit.measure(0, 0)
    backend = a_backend(shots=20)
    assert backend.run(circuit, shots=30).result().get_counts() == {"0": 30}
    assert backend.run(circuit).result().get_counts() == {"0": 20}


@pytest.mark.parametrize("shots", [np.int64(7), np.uint8(7), 7, 7.0, np.float32(7)])
def test_whole_numbers_of_any_kind_are_shots(shots: Any) -> None:
    circuit = QuantumCircuit(1, 1)
    circuit.measure(0, 0)
    result = a_backend().run(circuit, shots=shots, memory=np.bool_(True)).result()
    assert result.get_counts() == {"0": 7}
    assert type(result.results[0].shots) is int
    assert result.get_memory() == ["0"] * 7


def test_a_seed_that_was_not_given_is_fresh_recorded_and_good_for_a_second_run() -> None:
    circuit = QuantumCircuit(4, 4)
    circuit.h(range(4))
    circuit.measure(range(4), range(4))
    backend = a_backend()
    first, second = (backend.run(circuit).result() for _ in range(2))
    assert first.results[0].seed != second.results[0].seed
    again = backend.run(circuit, seed_simulator=first.results[0].seed).result()
    assert again.get_counts() == first.get_counts()
    assert again.results[0].seed == again.results[0].seed_simulator == first.results[0].seed


@pytest.mark.parametrize("way", WAYS[:3])
def test_options_of_devices_are_ignored_with_one_warning(way: Callable[..., object]) -> None:
    given = {
        **dict.fromkeys(DEVICE_OPTIONS, "any"),
        "rep_delay": 1e-4,
        "meas_level": MeasLevel.CLASSIFIED,
        "init_qubits": True,
    }
    with pytest.warns(SimquayOptionWarning) as caught:
        way(**given)
    assert len(caught) == 1
    assert caught[0].filename == __file__
    assert all(re.search(rf"\b{name}\b", str(caught[0].message)) for name in given)


class MeasLevel(IntEnum):
    """As Qiskit and its clients define it."""

    CLASSIFIED = 2


@pytest.mark.parametrize("name", [*OPTIONS, *DEVICE_OPTIONS, *ELSEWHERE])
def test_none_is_not_given(name: str) -> None:
    circuit = QuantumCircuit(1, 1)
    circuit.measure(0, 0)
    mine = {"shots": 9, "memory": True, "seed_simulator": 4, "statevector": True}
    backend = a_backend(**mine)
    result = backend.run(circuit, **{name: None}).result()
    assert result.get_memory() == ["0"] * 9
    assert result.results[0].seed == 4
    assert result.get_statevector().num_qubits == 1
    backend.set_options(**{name: None})
    expected = {**mine, **({name: OPTIONS[name].default} if name in OPTIONS else {})}
    assert {one: getattr(backend.options, one) for one in mine} == {
        one: expected[one] for one in mine
    }


def test_the_reference_page_has_the_options_of_devices() -> None:
    table = PAGE.read_text().partition("## Options of devices")[2]
    rows = re.findall(r"^\| `(\w+)` \| (.+?) \|$", table, re.M)
    assert rows == [
        (name, "any" if allowed is None else f"`{allowed[0]!r}`")
        for name, allowed in DEVICE_OPTIONS.items()
    ]


def test_the_reference_page_has_the_options_and_their_defaults() -> None:
    rows = re.findall(r"^\| `(\w+)` \| .+? \| `(.+?)` \| .+? \|$", PAGE.read_text(), re.M)
    assert rows == [(name, repr(option.default)) for name, option in OPTIONS.items()]
