"""The search for clusters: it keeps the order that matters, and takes all that it can."""

from __future__ import annotations

import numpy as np

from simquay.planning import Layout
from simquay.planning.dense.clusters import SEARCH_MODES, Cluster, ClusterSearch
from simquay.planning.dense.cost import DEFAULT_CLUSTER_COSTS
from simquay.planning.dense.fusion import fuse_gates
from simquay.program import Matrix
from simquay.program.gates import GateOperation, Relabel
from tests.support.dense_gates import cp, cx, gates_of, h, matrix_of, on_wires, stored
from tests.support.gate_lists import apply_naively, random_gates, run_naively


def test_pieces_keep_the_order_that_matters() -> None:
    rng = np.random.default_rng(0)
    for trial in range(200):
        mode = SEARCH_MODES[trial % len(SEARCH_MODES)]
        n = int(rng.integers(1, 7))
        gates = random_gates(n, int(rng.integers(1, 40)), rng, prepare=False)
        fused = fuse_gates(gates, stored(n), widest=3, widest_diagonal=3)
        vector = np.zeros(1 << n, dtype=complex)
        vector[0] = 1
        applied: list[int] = []
        for piece in ClusterSearch(fused.nodes, DEFAULT_CLUSTER_COSTS[:5]).find(0, mode)[1]:
            if isinstance(piece, Cluster):
                assert len(piece.wires) <= 4
                together = [gate for node in piece.nodes for gate in node.gates]
                matrix = matrix_of(together, gates, piece.wires)
                vector = apply_naively(vector, Matrix(matrix, piece.wires))
                applied += gates_of(piece.nodes)
            else:
                for wire_gate in piece.gates:
                    vector = apply_naively(vector, on_wires(gates, wire_gate))
                applied += gates_of([piece])
        assert len(applied) == len(set(applied))
        for factor in fused.scalars:
            vector = apply_naively(vector, on_wires(gates, factor))
        carried = tuple(fused.renamed.get(wire, wire) for wire in range(n))
        vector = apply_naively(vector, Relabel(carried, tuple(range(n))))
        np.testing.assert_allclose(vector, run_naively(gates, n), atol=1e-11)


def test_a_cluster_takes_all_gates_that_follow_on_its_wires() -> None:
    gates = [cx(q, q + 1) for q in range(3)] * 4
    fused = fuse_gates(gates, stored(4), widest=2, widest_diagonal=2)
    (cluster,) = ClusterSearch(fused.nodes, DEFAULT_CLUSTER_COSTS[:5]).find()[1]
    assert isinstance(cluster, Cluster)
    assert cluster.wires == (0, 1, 2, 3)
    assert gates_of(cluster.nodes) == list(range(12))


def test_diagonals_do_not_widen_a_cluster() -> None:
    """A Fourier transform: clusters of Hs, and all phases across them set aside."""
    n = 8
    gates: list[GateOperation] = []
    for qubit in reversed(range(n)):
        gates += [h(qubit), *(cp(other, qubit) for other in range(qubit))]
    nodes = fuse_gates(gates, stored(n), widest=2, widest_diagonal=2).nodes
    _, pieces = ClusterSearch(nodes, DEFAULT_CLUSTER_COSTS[:5]).find()
    clusters = [piece for piece in pieces if isinstance(piece, Cluster)]
    assert len(clusters) == 2
    assert len(pieces) - len(clusters) == 16


def test_the_start_is_as_wide_as_it_may_be() -> None:
    gates: list[GateOperation] = [h(0), *(cx(q, q + 1) for q in range(9))]
    fused = fuse_gates(gates, Layout(), widest=2, widest_diagonal=2)
    start, _ = ClusterSearch(fused.nodes, DEFAULT_CLUSTER_COSTS[:5]).find(6)
    assert start is not None
    assert start.wires == (0, 1, 2, 3, 4, 5)
    assert ClusterSearch([], DEFAULT_CLUSTER_COSTS[:5]).find(6) == (None, [])
