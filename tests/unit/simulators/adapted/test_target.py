"""Targets of foreign backends that name no number of qubits get one."""

from __future__ import annotations

from qiskit.providers.basic_provider import BasicSimulator
from qiskit_aer import AerSimulator

from simquay.simulators import adapt
from simquay.simulators.adapted.target import with_qubits


def test_all_but_the_number_is_theirs() -> None:
    theirs = BasicSimulator().target
    mine = with_qubits(theirs, 24)
    assert (theirs.num_qubits, mine.num_qubits) == (None, 24)
    assert set(mine.operation_names) == set(theirs.operation_names)
    assert mine.build_coupling_map() is None
    assert mine.description == theirs.description


def test_the_number_is_that_of_adapt_or_of_simquays_engines() -> None:
    assert adapt(BasicSimulator()).num_qubits == 1024
    assert adapt(BasicSimulator(), num_qubits=24).num_qubits == 24


def test_no_instruction_of_a_simulator_lists_its_qubits() -> None:
    theirs = AerSimulator(method="statevector").target
    mine = adapt(AerSimulator(method="statevector")).target
    assert mine.num_qubits == theirs.num_qubits
    assert mine.qargs is None
    assert mine.build_coupling_map("cx") is None  # qiskit-experiments asks so
    assert set(mine.operation_names) == set(theirs.operation_names)
