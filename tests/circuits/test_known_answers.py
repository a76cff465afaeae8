"""The project's own circuits whose answer is known without a simulator."""

from __future__ import annotations

from pathlib import Path

import pytest
from dense import final_distribution

from quayside.circuits.files import load_circuits
from quayside.circuits.lower import lower
from quayside.program import Matrix, Measure, Permutation

FOLDER = Path(__file__).parents[1] / "data/circuits"

UNIFORM = {
    # Bits of the last register come first.
    "phase_estimation": ["0101"],
    "multiplier": ["01" + "0011", "11" + "1001"],
    "order_finding": ["000", "100"],
    "hidden_mask": ["000", "001", "110", "111"],
    "one_of_five": ["00001", "00010", "00100", "01000", "10000"],
    "clauses": [
        ("1" if value in ("010", "101") else "0") + value
        for value in (format(number, "03b") for number in range(8))
    ],
}
"""For each circuit, the outcomes, all equally likely."""


@pytest.mark.parametrize("name", sorted(UNIFORM))
def test_answer(name):
    (circuit,) = load_circuits(FOLDER / f"{name}.qasm")
    if circuit.num_qubits > 7:
        # The oracle of full matrices is for few qubits; its gates here move basis states alone.
        found = basis_states_only(lower(circuit))
    else:
        found = {k: p for k, p in final_distribution(lower(circuit)).items() if p > 1e-9}
    expected = {int(outcome, 2): 1 / len(UNIFORM[name]) for outcome in UNIFORM[name]}
    assert found == pytest.approx(expected)


def basis_states_only(program):
    """The distribution after X with controls, and H on qubits that stay as they are otherwise."""
    states = {0: 1.0}
    outcome = {}
    clbits = {}
    for operation in program.operations:
        if isinstance(operation, Permutation):
            (qubit,) = operation.qubits
            states = {
                state ^ (all(state >> c & 1 for c in operation.controls) << qubit): weight
                for state, weight in states.items()
            }
        elif isinstance(operation, Matrix):
            (qubit,) = operation.qubits
            assert all(not state >> qubit & 1 for state in states)
            states = {
                state | bit << qubit: weight / 2
                for state, weight in states.items()
                for bit in (0, 1)
            }
        else:
            assert isinstance(operation, Measure)
            clbits[operation.clbit] = operation.qubit
    for state, weight in states.items():
        bits = sum((state >> qubit & 1) << clbit for clbit, qubit in clbits.items())
        outcome[bits] = outcome.get(bits, 0) + weight
    return outcome
