"""Clusters in passes, and the diagonals between them."""

from __future__ import annotations

from simquay.planning.dense.assignment import PassAssigner
from simquay.planning.dense.clusters import Cluster, Part, Piece
from simquay.planning.dense.fusion import GateNode
from simquay.planning.wires import WireGate
from simquay.program.bits import bits_of, mask_of


def node(*wires: int, diagonal: bool = False, wide: bool = False) -> GateNode:
    gate: WireGate = (0, "d" if diagonal else "m", wires, (), 0, None)
    return GateNode(wires, mask_of(wires), diagonal, wide, [gate])


def cluster(*wires: int) -> Cluster:
    return Cluster(wires, mask_of(wires), [node(*wires)])


def wires_of(parts: list[Part]) -> list[tuple[int, ...]]:
    return [part.wires for part in parts if isinstance(part, Cluster)]


def test_a_pass_takes_the_clusters_that_fit_its_tile() -> None:
    pieces = [cluster(0, 1), cluster(2, 3), cluster(4, 5), cluster(1, 2)]
    assigner = PassAssigner(pieces, 4)
    tile, parts = assigner.next_tile(0, ())
    # (1, 2) adds no wire, so it comes before (4, 5), which does not fit any more.
    assert (bits_of(tile), wires_of(parts)) == ([0, 1, 2, 3], [(0, 1), (2, 3), (1, 2)])
    assert assigner.next_uses() == {4: 0, 5: 0}
    tile, parts = assigner.next_tile(0, (0, 1, 2))
    assert (bits_of(tile), wires_of(parts)) == ([0, 1, 4, 5], [(4, 5)])
    assert not assigner


def test_a_diagonal_inside_a_cluster_becomes_part_of_its_matrix() -> None:
    inside = node(0, 1, diagonal=True)
    pieces: list[Piece] = [cluster(0, 2), inside, cluster(0, 1)]
    _, parts = PassAssigner(pieces, 3).next_tile(0, ())
    assert wires_of(parts) == [(0, 2), (0, 1)]
    last = parts[-1]
    assert isinstance(last, Cluster)
    assert last.nodes[0] is inside


def test_a_diagonal_with_wires_outside_the_tile_is_a_phase_of_the_cluster() -> None:
    across = node(0, 5, diagonal=True)
    _, (part,) = PassAssigner([across, cluster(0, 1)], 2).next_tile(0, ())
    assert isinstance(part, Cluster)
    assert part.outer_before == [across]
    assert part.outer_after == []


def test_a_diagonal_across_clusters_is_a_table_between_them() -> None:
    across = node(1, 2, diagonal=True)
    pieces: list[Piece] = [cluster(0, 1), cluster(2, 3), across, cluster(0, 1)]
    _, parts = PassAssigner(pieces, 4).next_tile(0, ())
    assert wires_of(parts) == [(0, 1), (2, 3), (0, 1)]
    assert parts[2] == [across]


def test_a_wide_node_is_a_pass_by_itself_once_it_is_ready() -> None:
    wide = node(0, 1, 2, 3, wide=True)
    assigner = PassAssigner([cluster(0, 1), wide], 2)
    assert assigner.next_lone() is None
    assigner.next_tile(0, ())
    assert assigner.next_lone() is wide
    assert not assigner
