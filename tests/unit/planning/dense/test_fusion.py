"""Fusion for dense plans: which gates become one node, and on which wires."""

from __future__ import annotations

import numpy as np

from simquay.planning import Layout
from simquay.planning.dense.fusion import fuse_gates
from simquay.program import Diagonal, Permutation
from simquay.program.gates import GateOperation, Relabel
from tests.support.dense_gates import NOT, cp, cx, gates_of, h, on_wires, stored
from tests.support.gate_lists import apply_naively, random_gates, run_naively


def test_one_qubit_gates_go_into_the_gates_beside_them() -> None:
    gates: list[GateOperation] = [h(0), h(1), cx(0, 1), h(1), h(0), cx(1, 0)]
    (node,) = fuse_gates(gates, stored(2), widest=2, widest_diagonal=2).nodes
    found = gates_of([node])
    assert sorted(found[:2]) == [0, 1]  # they act on different wires: either may be first
    assert found[2:] == [2, 3, 4, 5]


def test_relabelling_leaves_no_node() -> None:
    gates: list[GateOperation] = [h(0), Relabel((0, 1), (1, 0)), h(0), h(1)]
    fused = fuse_gates(gates, stored(2), widest=2, widest_diagonal=2)
    assert [node.wires for node in fused.nodes] == [(0,), (1,)]
    assert gates_of(fused.nodes[:1]) == [0, 3]  # h(1) acts on the wire that qubit 0 was on
    assert fused.renamed == {0: 1, 1: 0}


def test_gates_on_zeros_alone_are_factors_or_nothing() -> None:
    gates: list[GateOperation] = [cx(0, 1), cp(0, 1), Diagonal(np.array([1j, 1]), (2,)), h(3)]
    fused = fuse_gates(gates, Layout(), widest=2, widest_diagonal=2)
    assert [node.wires for node in fused.nodes] == [(3,)]
    # The controls of CX and CP are |0>, so neither acts; the diagonal is a factor of 1j.
    (factor,) = fused.scalars
    gate = on_wires(gates, factor)
    assert isinstance(gate, Diagonal)
    assert gate.qubits == ()
    np.testing.assert_array_equal(gate.diagonal, [1j])


def test_wide_gates_stay_alone() -> None:
    gates: list[GateOperation] = [h(0), Permutation(NOT, (0,), (1, 2, 3, 4), 15), h(0)]
    nodes = fuse_gates(gates, stored(5), widest=4, widest_diagonal=4).nodes
    assert [node.wide for node in nodes] == [False, True, False]


def test_nodes_in_order_do_what_the_gates_do() -> None:
    rng = np.random.default_rng(2)
    for _ in range(60):
        n = int(rng.integers(1, 7))
        gates = random_gates(n, int(rng.integers(1, 40)), rng, prepare=False)
        fused = fuse_gates(gates, Layout(), widest=3, widest_diagonal=3)
        on_nodes: list[GateOperation] = []
        for node in fused.nodes:
            on_nodes += [on_wires(gates, wire_gate) for wire_gate in node.gates]
        on_nodes += [on_wires(gates, factor) for factor in fused.scalars]
        carried = tuple(fused.renamed.get(wire, wire) for wire in range(n))
        vector = apply_naively(run_naively(on_nodes, n), Relabel(carried, tuple(range(n))))
        np.testing.assert_allclose(vector, run_naively(gates, n), atol=1e-11)
