"""The project's own circuits whose answer is known without a simulator."""

from __future__ import annotations

import numpy as np
import pytest

from simquay.circuits.files import load_circuits
from simquay.circuits.lowering.circuit import lower
from simquay.program import IfElse, Measure, Program, Reset
from tests.support.dense import final_distribution
from tests.support.paths import CIRCUITS
from tests.support.unitaries import unitary_of

FOLDER = CIRCUITS

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
    program = lower(circuit)
    dynamic = any(isinstance(operation, (IfElse, Reset)) for operation in program.operations)
    found = final_distribution(program) if dynamic else measured_at_the_end(program)
    expected = {int(outcome, 2): 1 / len(UNIFORM[name]) for outcome in UNIFORM[name]}
    assert {bits: p for bits, p in found.items() if p > 1e-9} == pytest.approx(expected)


def measured_at_the_end(program: Program) -> dict[int, float]:
    """The distribution of the classical bits of gates with measurements behind them."""
    gates = [o for o in program.operations if not isinstance(o, Measure)]
    measures = [o for o in program.operations if isinstance(o, Measure)]
    weights = np.abs(unitary_of(gates, program.num_qubits)[:, 0]) ** 2
    indices = np.arange(len(weights))
    outcomes = sum((indices >> m.qubit & 1) << m.clbit for m in measures)
    found = np.bincount(outcomes, weights)
    return dict(enumerate(found.tolist()))
