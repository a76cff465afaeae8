"""Blocks that grow: their phase, and which qubits are known to be |0>."""

from __future__ import annotations

import numpy as np
import pytest
from qiskit import QuantumCircuit

from simquay.circuits.lowering.circuit import lower
from simquay.circuits.lowering.scopes import BlockBuilder
from simquay.program import Diagonal, ForLoop, IfElse, Permutation, Reset
from simquay.program.expressions import BitRef
from tests.support.operations import only
from tests.support.placed_gates import inner_circuit


def test_phases_of_one_block_become_one_operation():
    circuit = QuantumCircuit(2, global_phase=0.1)
    for _ in range(5):
        circuit.append(inner_circuit(0.3).to_gate(), [0, 1])
    factors = [o for o in lower(circuit).operations if isinstance(o, Diagonal) and not o.qubits]
    np.testing.assert_allclose(only(Diagonal, factors).diagonal, [np.exp(1.6j)])


@pytest.mark.parametrize("angle", [np.nan, np.inf])
def test_a_phase_is_finite(angle):
    with pytest.raises(ValueError, match="not a finite number"):
        BlockBuilder("zero").add_phase(angle)


def test_qubits_are_0_until_something_acts_on_them_and_after_a_reset():
    def x(qubit, *controls):
        return Permutation(np.array([1, 0]), (qubit,), controls, (1 << len(controls)) - 1)

    block = BlockBuilder("zero")
    assert block.not_zero([0, 1, 2]) == set()
    block.operations += [x(0), x(1, 2), Reset(0), IfElse(BitRef(0), (x(3),))]
    assert block.not_zero([0, 1, 2, 3]) == {1, 3}
    branch, body = BlockBuilder("outer", block), BlockBuilder("unknown", block)
    branch.operations.append(ForLoop(((x(0),),)))
    assert branch.not_zero([0, 1, 2]) == {0, 1}
    body.operations.append(Reset(1))
    assert body.not_zero([0, 1]) == {0}
