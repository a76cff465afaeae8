"""Gates as blocks: renamed wires, and wires that are |0>."""

from __future__ import annotations

import numpy as np

from simquay.planning.numbers.pool import PoolLayout
from simquay.planning.tiled.blocks.blocks import make_blocks, resolve_zeros
from simquay.program import Diagonal, Matrix, Permutation, Relabel
from simquay.program.operations import GateOperation
from tests.support.tiled_gates import HADAMARD, NOT, cx

SWAP = np.array([0, 2, 1, 3])


def blocks_of(gates: list[GateOperation], order: tuple[int, ...] = ()):
    return make_blocks(gates, [0] * len(gates), PoolLayout(gates).starts, order)


def test_swaps_and_relabels_leave_no_block():
    gates: list[GateOperation] = [
        Permutation(SWAP, (0, 1)),
        Relabel((1, 2), (2, 1)),
        Matrix(HADAMARD, (2,)),
    ]
    blocks, carried = blocks_of(gates, (0, 1, 2))
    # After the swap wire 0 carries qubit 1, and then qubit 2.
    assert blocks.wires == [(0,)]
    assert carried == {0: 2, 1: 0, 2: 1}


def test_a_control_on_zero_is_removed_or_removes_the_gate():
    open_control = Permutation(NOT, (1,), (0,), 0)
    blocks, _ = blocks_of([cx(0, 1), open_control])
    assert blocks.wires == [(1,)]
    assert blocks.types[0].controls == 0


def test_a_diagonal_on_zeros_is_restricted():
    phases = Diagonal(np.array([1, 2, 3, 4j]), (0, 1))
    blocks, _ = blocks_of([Matrix(HADAMARD, (1,)), phases])
    assert blocks.wires == [(1,), (1,)]
    assert blocks.types[1].entries == (0, 2)


def test_permutations_are_kept_as_where_amplitudes_come_from():
    cycle = np.array([1, 2, 3, 0])
    blocks, _ = blocks_of([Permutation(cycle, (0, 1))], (0, 1))
    assert blocks.types[0].table == (3, 0, 1, 2)


def test_zeros_are_resolved_again_where_blocks_vanished():
    gates: list[GateOperation] = [cx(0, 1), Matrix(HADAMARD, (2,))]
    blocks, _ = blocks_of(gates, (0,))
    assert [list(wires) for wires in resolve_zeros(blocks, (0,)).wires] == [[1, 0], [2]]
    assert resolve_zeros(blocks, ()).wires == [(2,)]


def test_taking_some_blocks():
    blocks, _ = blocks_of([Matrix(HADAMARD, (q,)) for q in range(4)])
    some = blocks.take([3, 1])
    assert (some.wires, len(some)) == ([(3,), (1,)], 2)
    assert some.starts == [blocks.starts[3], blocks.starts[1]]
