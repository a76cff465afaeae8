"""Saved data, on every way that shots may take through a program."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from simquay.control import Control
from simquay.engines import base
from simquay.engines.numpy.engine import DenseEngine
from simquay.engines.reference import ReferenceEngine
from simquay.errors import OutOfMemoryError
from simquay.execution.branching import dynamic
from simquay.execution.branching.saves import join_saved, saved_bytes
from simquay.execution.run import run_program
from simquay.execution.settings import Outcome, Piece, RunContext
from simquay.program import (
    Diagonal,
    ForLoop,
    IfElse,
    Measure,
    Operation,
    Precision,
    Prepare,
    Program,
    Reset,
    Restart,
    Save,
    WhileLoop,
)
from simquay.program.expressions import BitRef
from tests.support.branching import saved
from tests.support.counting_engine import CountingEngine
from tests.support.random_programs import random_dynamic_program
from tests.support.small_gates import NoMemory, cx, h, plenty, run, ry, x

FORMS = ("average", "accum", "list")


def probabilities(key: str, *qubits: int, form: str = "list", conditional: bool = False) -> Save:
    return Save(key, "probabilities", form, conditional, qubits)


def branching() -> Program:
    """Saves after each measurement, in a branch, behind it, and in a loop."""
    body: tuple[Operation, ...] = (ry(0.2, 2), h(0), Measure(0, 0), probabilities("loop", 2, 0))
    operations: list[Operation] = [ry(0.4, 0), cx(0, 1), probabilities("before", 0, 1)]
    operations += [Measure(0, 0), ry(0.3, 1), probabilities("first", 1, 0)]
    operations += [IfElse(BitRef(0), (h(2), probabilities("then", 2))), probabilities("behind", 2)]
    operations += [Measure(1, 1), ForLoop((body,) * 3), Reset(0), probabilities("end", 0, 2)]
    for form in ("average", "accum"):
        operations += [
            probabilities(f"{form}", 1, 2, form=form),
            probabilities(f"{form}_by_bits", 1, 2, form=form, conditional=True),
        ]
    operations.append(Save("state", conditional=True))
    return Program(3, 2, tuple(operations))


def assert_same_data(found: Outcome | dict[str, Any], expected: Outcome) -> None:
    data = found["saved"]
    assert data.keys() == expected["saved"].keys()
    for key, (kind, form, groups) in expected["saved"].items():
        assert data[key][:2] == (kind, form)
        assert data[key][2].keys() == groups.keys()
        for bits, (number, value) in groups.items():
            if form != "single":
                assert data[key][2][bits][0] == number
            np.testing.assert_allclose(data[key][2][bits][1], value, atol=1e-12)


@pytest.mark.parametrize("together", [1, 2, 3, 20, None])
@pytest.mark.parametrize("memory", [plenty(), NoMemory()], ids=["plenty", "replays"])
def test_the_order_of_branches_changes_no_data(memory: Any, together: int | None) -> None:
    expected = run(branching(), shots=50, seed=3)
    engine = DenseEngine()
    found = run(branching(), engine, memory, shots=50, seed=3, branches_together=together)
    assert len(saved(found, "loop")) == 150
    assert 0 < len(saved(found, "then")) < 50
    assert (found.metadata["replays"] > 0) == isinstance(memory, NoMemory)
    assert_same_data(found, expected)


def test_a_state_is_saved_once_where_a_branch_is_replayed_behind_the_save() -> None:
    # The branches part at the jump behind the save, where there is no memory for two states.
    inside = (h(0), probabilities("inside", 0))
    program = Program(
        2, 1, (h(0), Measure(0, 0), probabilities("s", 0), IfElse(BitRef(0), inside), ry(0.1, 1))
    )
    for together in (1, 8):
        outcome = run(program, None, NoMemory(), shots=30, branches_together=together)
        assert len(saved(outcome, "s")) == 30
        ones = outcome["samples"][:, 0] & 1
        np.testing.assert_allclose([one[1] for one in saved(outcome, "s")], ones)
        assert len(saved(outcome, "inside")) == ones.sum()


def test_data_are_read_in_portions(monkeypatch: pytest.MonkeyPatch) -> None:
    expected = run(branching(), DenseEngine(), shots=50)
    monkeypatch.setattr(dynamic, "_SAVED_AT_ONCE", 70)
    assert_same_data(run(branching(), DenseEngine(), shots=50), expected)


@pytest.mark.parametrize("bits", [0, 2, 20])
def test_a_density_matrix_in_portions(bits: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base, "_GATHERED_BITS", bits)
    gates = [ry(0.3, 0), cx(0, 2), ry(0.5, 1), cx(1, 4), cx(2, 4), ry(0.1, 4)]
    save = Save("s", "density_matrix", "average", qubits=(4, 3, 0))  # qubit 3 is not stored
    outcome = run(Program(5, 0, (*gates, Save("all"), save)), shots=10)
    vector = saved(outcome, "all").reshape((2,) * 5)
    matrix = np.einsum("edcba,EDcbA->edaEDA", vector, vector.conj())
    # Axes run from the highest qubit down: (4, 3, 0) becomes (0, 3, 4).
    expected = matrix.transpose(2, 1, 0, 5, 4, 3).reshape(8, 8)
    np.testing.assert_allclose(saved(outcome, "s"), expected, atol=1e-12)


def test_parts_are_joined_in_the_order_of_shots() -> None:
    context = RunContext(shots=50, seed=3)
    expected = run(branching(), shots=50, seed=3)
    parts = [
        run_program(branching(), ReferenceEngine(), context, Control(), Piece((0,), first, count))
        for first, count in ((0, 20), (20, 1), (21, 29))
    ]
    assert_same_data({"saved": join_saved([one["saved"] for one in parts])}, expected)


def test_shots_of_one_state_share_its_data() -> None:
    program = Program(12, 1, (h(0), Measure(0, 0), Save("s", "statevector", "list"), h(0)))
    values = saved(run(program, shots=100), "s")
    assert len(values) == 100
    assert len({id(one) for one in values}) == 2


def test_a_restart_leaves_one_state_and_no_phase() -> None:
    amplitudes = np.array([0.6, 0.8j])
    first = (h(0), ry(0.7, 1), Diagonal(np.array([1j, -1]), (1,)), Measure(0, 0), x(1), Restart())
    last = (Prepare(amplitudes, (1,)), Save("s", "statevector", "list"), Measure(1, 1))
    program = Program(2, 2, (*first, *last))
    for memory in (plenty(), NoMemory()):
        outcome = run(program, DenseEngine(), memory, shots=40)
        np.testing.assert_allclose(saved(outcome, "s"), [[0.6, 0, 0.8j, 0]] * 40, atol=1e-15)
        assert set(outcome["samples"][:, 0]) == {0, 1, 2, 3}


def test_memory_of_what_is_saved() -> None:
    measured = tuple(Measure(qubit, qubit) for qubit in range(3))

    def needed(save: Save, *before: Operation, shots: int = 1000) -> int:
        program = Program(10, 10, (*before, save))
        return saved_bytes(program, Precision.DOUBLE, shots)

    mean = Save("s", "density_matrix", "average", qubits=(0, 3))
    each = Save("s", "density_matrix", "list", qubits=(0, 3))
    by_bits = Save("s", "density_matrix", "average", True, qubits=(0, 3))
    matrix = 16 * 4**2
    assert needed(mean) == 2 * matrix  # and the part that is added to it
    assert needed(each) < 3 * matrix  # all shots count as one
    assert needed(mean, *measured) == 3 * matrix  # and another that is added to it
    assert needed(by_bits, *measured) == 10 * matrix  # eight values of the bits
    shared = needed(each, *measured)  # of eight states
    assert 8 * matrix < shared < 14 * matrix + 32 * 1000
    assert needed(each, *measured, shots=4) < shared / 2
    often = needed(each, ForLoop((measured,) * 4))  # of any state
    assert 1000 * matrix < often < 2000 * matrix
    assert needed(each, WhileLoop(BitRef(0), measured)) == often
    body: tuple[Operation, ...] = (*measured, each)
    inside = ForLoop(((ForLoop((body,) * 5),),) * 2)
    program = Program(10, 10, (inside, ForLoop(((), ()))))
    assert 9.9 * often < saved_bytes(program, Precision.DOUBLE, 1000) <= 10 * often


def test_too_much_is_refused_before_the_run() -> None:
    engine = CountingEngine()
    save = Save("s", "density_matrix", "average", qubits=tuple(range(30)))
    with pytest.raises(OutOfMemoryError, match="what the circuit saves takes 32 EiB") as caught:
        run_program(Program(30, 0, (h(0), save)), engine, RunContext(), Control())
    assert caught.value.needed == 32 << 60
    assert engine.allocated == 0


def with_saves(body: Sequence[Operation], rng: np.random.Generator, taken: list[str]) -> Any:
    """``body``, and the bodies inside it, with saves at random places."""
    found: list[Operation] = []
    for operation in body:
        if isinstance(operation, IfElse):
            operation = replace(operation, then=with_saves(operation.then, rng, taken))
        elif isinstance(operation, ForLoop) and len({*map(id, operation.bodies)}) == 1:
            inner = with_saves(operation.bodies[0], rng, taken)
            operation = replace(operation, bodies=(inner,) * len(operation.bodies))
        found.append(operation)
        if rng.random() < 0.2:
            taken.append(f"s{len(taken)}")
            form = str(rng.choice(["list", "average", "single"]))
            conditional = form == "single" or bool(rng.integers(2))
            qubits = tuple(rng.permutation(3)[:2].tolist())
            kind = str(rng.choice(["probabilities", "density_matrix"]))
            found.append(Save(taken[-1], kind, form, conditional, qubits))
    return tuple(found)


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("memory", [plenty(), NoMemory()], ids=["plenty", "replays"])
def test_data_are_those_of_each_shot_run_by_itself(memory: Any, seed: int) -> None:
    program = random_dynamic_program(3, 25, seed)
    saving = with_saves(program.operations, np.random.default_rng(seed), [])
    program = replace(program, operations=(h(0), Measure(0, 0), h(0), *saving))
    context = RunContext(shots=30, seed=seed)
    shots = [
        run_program(program, ReferenceEngine(), context, Control(), Piece((0,), shot, 1))
        for shot in range(30)
    ]
    joined = {"saved": join_saved([one["saved"] for one in shots])}
    whole = run(program, DenseEngine(), memory, shots=30, seed=seed)
    assert whole["saved"]
    assert_same_data(joined, whole)
