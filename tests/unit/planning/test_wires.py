"""Gates on wires: relabels, and wires that are |0>."""

from __future__ import annotations

import numpy as np
import pytest

from simquay.planning.wires import Trait, WireGate, gates_on_wires
from simquay.program import Diagonal, Matrix, Permutation, Prepare, Relabel
from simquay.program.gates import GateOperation
from tests.support.dense_gates import on_wires
from tests.support.gate_lists import apply_naively, random_gates, run_naively
from tests.support.small_gates import NOT, cx, h

SWAP = np.array([0, 2, 1, 3])


def placed(
    gates: list[GateOperation], order: tuple[int, ...] = (), traits: list[int] | None = None
) -> tuple[list[WireGate], dict[int, int]]:
    """The gates on wires, and the wires of relabelled qubits."""
    wire_of: dict[int, int] = {}
    return list(gates_on_wires(gates, order, wire_of, traits or [])), wire_of


def test_swaps_and_relabels_only_rename_wires() -> None:
    gates: list[GateOperation] = [Permutation(SWAP, (0, 1)), Relabel((1, 2), (2, 1)), h(2)]
    found, wire_of = placed(gates, (0, 1, 2))
    # After the swap wire 0 carries qubit 1, and then qubit 2.
    assert [(index, wires) for index, _, wires, *_ in found] == [(2, (0,))]
    assert wire_of == {0: 1, 1: 2, 2: 0}


def test_a_swap_with_a_control_is_a_gate() -> None:
    ((_, code, wires, controls, state, _),), wire_of = placed(
        [Permutation(SWAP, (0, 1), (2,), 1)], (0, 1, 2)
    )
    assert (code, wires, controls, state) == ("p", (0, 1), (2,), 1)
    assert not wire_of


def test_a_control_on_zero_is_removed_or_removes_the_gate() -> None:
    gates: list[GateOperation] = [
        cx(0, 1),
        Permutation(NOT, (1,), (0,), 0),
        Permutation(NOT, (2,), (0, 1, 3), 0b010),
    ]
    found, _ = placed(gates)
    assert [(index, wires, controls, state) for index, _, wires, controls, state, _ in found] == [
        (1, (1,), (), 0),
        (2, (2,), (1,), 1),
    ]


def test_a_diagonal_on_zeros_keeps_the_entries_of_its_other_wires() -> None:
    gates: list[GateOperation] = [h(1), Diagonal(np.arange(8) + 0j, (0, 1, 2))]
    (_, wire_gate), _ = placed(gates)
    gate = on_wires(gates, wire_gate)
    assert isinstance(gate, Diagonal)
    assert gate.qubits == (1,)
    assert gate.diagonal.tolist() == [0, 2]


def test_a_matrix_with_the_trait_of_a_diagonal_moves_nothing() -> None:
    gates: list[GateOperation] = [
        Matrix(np.diag([1, 2, 3, 4]) + 0j, (0, 1)),
        Matrix(np.array([[1j]]), (), (0,), 1),
    ]
    found, _ = placed(gates, (0,), [int(Trait.DIAGONAL), 0])
    read = [(code, wires, select) for _, code, wires, _, _, select in found]
    assert [(code, wires) for code, wires, _ in read] == [("d", (0,)), ("d", ())]
    assert [select.tolist() for _, _, select in read if select is not None] == [[0, 5], [0]]


@pytest.mark.parametrize("seed", range(20))
def test_gates_on_wires_do_what_the_gates_do(seed: int) -> None:
    rng = np.random.default_rng(seed)
    gates = random_gates(5, 30, rng, prepare=False)
    found, wire_of = placed(gates)
    renamed = {wire: qubit for qubit, wire in wire_of.items()}
    carried = tuple(renamed.get(wire, wire) for wire in range(5))
    vector = run_naively([on_wires(gates, wire_gate) for wire_gate in found], 5)
    vector = apply_naively(vector, Relabel(carried, tuple(range(5))))
    np.testing.assert_allclose(vector, run_naively(gates, 5), atol=1e-11)


def test_a_prepared_wire_is_touched() -> None:
    found, _ = placed([Prepare(np.array([0.6, 0.8]), (1,)), cx(1, 0)])
    assert [(code, controls) for _, code, _, controls, _, _ in found] == [("s", ()), ("p", (1,))]
