"""Gates, and gates on wires, for tests of the parts of the dense planner."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from simquay.planning import Layout
from simquay.planning.dense.fusion import GateNode
from simquay.planning.dense.matrices import Matrices
from simquay.planning.numbers.patterns import GateCode
from simquay.planning.numbers.pool import PoolLayout
from simquay.planning.wires import WireGate
from simquay.program import Diagonal, Matrix, Permutation
from simquay.program.gates import GateOperation
from tests.support.small_gates import NOT, cx, h

__all__ = ["NOT", "cp", "cx", "gates_of", "h", "matrix_of", "on_wires", "stored", "wire_gates"]


_CODES: dict[type, GateCode] = {Matrix: "m", Diagonal: "d", Permutation: "p"}


def cp(first: int, second: int) -> Diagonal:
    return Diagonal(np.array([1, 1j]), (second,), (first,), 1)


def stored(n: int) -> Layout:
    return Layout(tuple(range(n)))


def gates_of(nodes: Iterable[GateNode]) -> list[int]:
    """The indices of the gates of ``nodes``, in order."""
    return [index for node in nodes for index, *_ in node.gates]


def wire_gates(gates: Sequence[GateOperation]) -> list[WireGate]:
    """``gates`` on wires; wire ``w`` is qubit ``w``."""
    found: list[WireGate] = []
    for index, gate in enumerate(gates):
        assert isinstance(gate, (Matrix, Diagonal, Permutation))
        kind = _CODES[type(gate)]
        found.append((index, kind, gate.qubits, gate.controls, gate.control_state, None))
    return found


def on_wires(gates: Sequence[GateOperation], wire_gate: WireGate) -> GateOperation:
    """The gate that ``wire_gate`` stands for, its qubits being wires."""
    index, _, wires, controls, state, select = wire_gate
    gate = gates[index]
    if isinstance(gate, Matrix):
        return Matrix(gate.matrix, wires, controls, state)
    if isinstance(gate, Permutation):
        return Permutation(gate.table, wires, controls, state)
    assert isinstance(gate, Diagonal)
    entries = gate.diagonal if select is None else gate.diagonal[select]
    return Diagonal(entries, wires, controls, state)


def matrix_of(
    nodes: Iterable[WireGate],
    gates: Sequence[GateOperation],
    columns: Sequence[int],
    rows: Sequence[int] | None = None,
) -> NDArray[np.complex128]:
    """The matrix of gates that are applied in order, as the planner computes it."""
    layout = PoolLayout(gates)
    matrices = Matrices(gates, layout.starts)
    index = matrices.add(
        [GateNode(one[2] + one[3], 0, False, False, [one]) for one in nodes],
        columns,
        columns if rows is None else rows,
    )
    return matrices.recipes().fill(layout.fill(gates))[index]
