"""Gates as blocks, and wires that are |0> after all."""

from __future__ import annotations

import numpy as np

from simquay.planning.numbers.pool import PoolLayout
from simquay.planning.tiled.blocks.blocks import make_blocks, resolve_zeros
from simquay.program import Diagonal, Matrix, Permutation, Relabel
from simquay.program.gates import GateOperation
from tests.support.tiled_gates import HADAMARD, cx


def blocks_of(gates: list[GateOperation], order: tuple[int, ...] = ()):
    return make_blocks(gates, [0] * len(gates), PoolLayout(gates).starts, order)


def test_blocks_have_their_wires_then_their_controls():
    blocks, renamed = blocks_of([cx(0, 1), Relabel((0, 1), (1, 0)), cx(0, 1)], (0, 1))
    assert [wires for _, wires, _ in blocks] == [(1, 0), (0, 1)]
    assert renamed == {0: 1, 1: 0}


def test_zeros_are_resolved_again_for_diagonals_too():
    phases = Diagonal(np.array([1, 2, 3, 4j]), (0, 1))
    blocks, _ = blocks_of([phases], (0, 1))
    ((type_, wires, _),) = resolve_zeros(blocks, (1,))
    assert wires == (1,)
    assert type_.source == (0, 2)


def test_permutations_are_kept_as_where_amplitudes_come_from():
    cycle = np.array([1, 2, 3, 0])
    blocks, _ = blocks_of([Permutation(cycle, (0, 1))], (0, 1))
    assert blocks[0][0].source == (3, 0, 1, 2)


def test_zeros_are_resolved_again_where_blocks_vanished():
    gates: list[GateOperation] = [cx(0, 1), Matrix(HADAMARD, (2,))]
    blocks, _ = blocks_of(gates, (0,))
    assert [wires for _, wires, _ in resolve_zeros(blocks, (0,))] == [(1, 0), (2,)]
    assert [wires for _, wires, _ in resolve_zeros(blocks, ())] == [(2,)]
