"""The outcomes of circuits, from a result alone."""

from __future__ import annotations

import pytest
from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister
from qiskit.circuit import Clbit
from qiskit.result import Result

import simquay
from simquay.cli.views.outcomes import documents, outcomes_of, show_outcomes


def circuits() -> list[QuantumCircuit]:
    """With registers, with a bit of none, and without measurement."""
    low, high = ClassicalRegister(1, "low"), ClassicalRegister(3, "high")
    named = QuantumCircuit(QuantumRegister(4, "q"), low, high, name="named")
    named.x([0, 3])
    named.measure(range(4), range(4))
    loose = QuantumCircuit(QuantumRegister(1, "q"), [Clbit(), Clbit()], name="loose")
    loose.measure(0, 1)
    silent = QuantumCircuit(2, name="silent")
    silent.x(1)
    return [named, loose, silent]


@pytest.fixture(scope="module")
def result() -> Result:
    backend = simquay.get_backend("numpy")
    return backend.run(circuits(), shots=5, seed_simulator=3, statevector=True).result()


def test_a_result_has_all_that_is_shown(result: Result) -> None:
    named, loose, silent = outcomes_of(result)
    assert (named.name, named.qubits, named.shots, named.seed) == ("named", 4, 5, 3)
    assert (named.bits, named.counts) == ("high[2..0] low[0], left to right", {"100 1": 5})
    assert (loose.bits, loose.counts) == ("classical bits 1 to 0, left to right", {"00": 5})
    assert (silent.bits, silent.counts, silent.shots) == ("", {}, 0)
    assert silent.statevector == [0, 0, 1, 0]


def test_points_and_states_are_told_where_they_are_asked_for(result: Result) -> None:
    points = [{"a": 1.0}, {}, {}]
    outcomes = outcomes_of(result, points, statevector=False)
    assert [one.parameters for one in outcomes] == points
    assert [one.statevector for one in outcomes] == [None] * 3
    told = documents(outcomes)["circuits"]
    assert [one["name"] for one in told] == ["named", "loose", "silent"]
    assert "statevector" not in told[2]
    with_states = documents(outcomes_of(result))["circuits"]
    assert with_states[2]["statevector"] == [[0, 0], [0, 0], [1, 0], [0, 0]]


def test_the_terminal(result: Result, capsys: pytest.CaptureFixture[str]) -> None:
    show_outcomes(outcomes_of(result), "the last line")
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "named: 4 qubits, 5 shots, seed 3"
    assert lines[-1] == "the last line"
    assert any("|10>" in line for line in lines)
