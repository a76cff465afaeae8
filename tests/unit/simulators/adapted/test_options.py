"""adapt: options and input of adapted backends."""

from __future__ import annotations

import copy
import threading
from typing import Any

import pytest
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter

from simquay.simulators.adapted.backend import adapt
from simquay.simulators.adapted.options import AdaptedOptions
from simquay.simulators.inputs import RunInputError
from simquay.simulators.options import RunOptionError, UnknownOptionError
from tests.support import foreign_backends as theirs
from tests.support.adapted_runs import BOTH, adapted, circuit
from tests.support.foreign_backends import ReadyJob, a_result
from tests.support.job_doubles import LONG

pytestmark = pytest.mark.timeout(120)


@BOTH
def test_options_pass_through(isolation: str) -> None:
    backend = adapted(theirs.plain, isolation)
    backend.set_options(flavour="salty", shots=3)
    told = backend.run(circuit(), seed_simulator=9).result(LONG).metadata
    assert (told["flavour"], told["shots"], told["seed_simulator"]) == ("salty", 3, 9)
    assert backend.foreign.options.shots == 7
    again = copy.deepcopy(backend)
    again.set_options(shots=4)
    assert backend.options.shots == 3
    assert again.run(circuit()).result(LONG).metadata["shots"] == 4


@pytest.mark.parametrize(
    ("options", "kind", "said"),
    [
        ({"shot": 5}, UnknownOptionError, "did you mean 'shots'"),
        ({"statevector": True}, UnknownOptionError, "as qiskit-aer's save_statevector"),
        ({"shots": 0}, RunOptionError, "1 or more"),
        ({"shots": 1.5}, RunOptionError, "integer"),
        ({"shots": True}, RunOptionError, "integer"),
        ({"seed_simulator": -1}, RunOptionError, "0 or more"),
        ({"flavour": "sweet"}, RunOptionError, "refuses"),
        ({"isolation": "island"}, RunOptionError, "'process' or 'thread'"),
        ({"metadata": 5}, RunOptionError, "dict"),
    ],
)
def test_wrong_options_are_the_callers_error(
    options: dict[str, Any], kind: type[Exception], said: str
) -> None:
    backend = adapted(theirs.plain)
    for call in (lambda: backend.run(circuit(), **options), lambda: backend.set_options(**options)):
        with pytest.raises(kind, match=said):
            call()
    assert dict(backend.options) == dict(backend.foreign.options)


def test_a_hint_names_an_option_that_both_have_once() -> None:
    foreign = adapted(theirs.plain).foreign
    foreign.options.executor = None  # as Aer has
    with pytest.raises(UnknownOptionError) as caught:
        AdaptedOptions(foreign).check({"executer": 1}, running=False)
    assert "did you mean 'executor'?" in str(caught.value)
    assert str(caught.value).count("executor,") == 1


def test_parameters_of_run_are_options_of_run_alone() -> None:
    backend = adapted(
        lambda circuits, options: ReadyJob(a_result(circuits, status=options["extra"]))
    )
    assert backend.run(circuit(), extra="more").result(LONG).status == "more"
    with pytest.raises(UnknownOptionError):
        backend.set_options(extra="more")


def test_bad_input_is_the_callers_error() -> None:
    backend = adapted(theirs.plain)
    unbound = QuantumCircuit(1)
    unbound.rx(Parameter("theta"), 0)
    for thing, said in ((5, "expected a QuantumCircuit"), ([], "no circuits"), (unbound, "theta")):
        with pytest.raises(RunInputError, match=said):
            backend.run(thing)
    backend.foreign._most = 2
    with pytest.raises(RunInputError, match="3 circuits are more than the 2"):
        backend.run([circuit()] * 3)


def test_what_cannot_travel_is_told_by_run() -> None:
    with pytest.raises(RunInputError, match=r"cannot be sent.*isolation='thread'"):
        adapted(theirs.plain, "process").run(circuit(), extra=threading.Lock())


def lower(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise RunOptionError(f"option {name}={value!r}: expected letters")
    return value.lower()


def test_a_check_of_the_adapter_gives_what_the_foreign_backend_gets() -> None:
    backend = adapt(adapted(theirs.plain), checks={"flavour": lower})
    told = backend.run(circuit(), flavour="SALTY").result(LONG).metadata
    assert told["flavour"] == "salty"
    backend.set_options(flavour="Salty")
    assert backend.options.flavour == "salty"
    with pytest.raises(RunOptionError, match="expected letters"):
        backend.run(circuit(), flavour=4)
    with pytest.raises(RunOptionError, match="expected letters"):
        backend.set_options(flavour=4)
