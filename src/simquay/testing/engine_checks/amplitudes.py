"""States: what gates, projections and choices of vectors make of amplitudes, and what is read."""

from __future__ import annotations

from collections.abc import Iterator
from functools import reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simquay.control import Control
from simquay.engines.base import BaseEngine, Engine
from simquay.planning import GateSweep, Layout, make_plan, make_sweep_plan
from simquay.program import (
    Diagonal,
    GateOperation,
    Matrix,
    Permutation,
    Precision,
    Prepare,
    Relabel,
    Strings,
)
from simquay.testing.engine_checks.gates import (
    NOT,
    REFERENCE,
    Amplitudes,
    apply_gates,
    evolve,
    near,
    other_numbers,
    random_gates,
    random_unitary,
    refused,
    vectors_of,
)
from simquay.testing.harness.assertions import require, require_equal

__all__ = ["e04_random_gates"]


def e01_says_what_it_is(engine: Engine) -> None:
    """It is a `BaseEngine` with a name, a device, and profiles that planning knows."""
    require(isinstance(engine, BaseEngine), "it is no BaseEngine")
    require(isinstance(engine.name, str) and engine.name, f"its name is {engine.name!r}")
    require(engine.device in ("cpu", "gpu"), f"its device is {engine.device!r}; expected cpu, gpu")
    for precision in Precision:
        for num_qubits in (0, 3, 20):
            make_plan([], Layout(), engine.profile(precision, num_qubits))


def e02_new_states_are_zero(engine: Engine) -> None:
    """A new state is |0...0>, stores nothing, and has the size and precision asked for; without
    qubits it is a factor."""
    for precision in Precision:
        state = engine.allocate(3, precision, capacity=2)
        facts = (state.num_qubits, state.batch, state.precision, state.layout)
        require_equal(facts, (3, 1, precision, Layout()), "a new state")
        amplitudes = engine.amplitudes(state)
        near(amplitudes, np.eye(1, 8), precision, "a new state's amplitudes")
        require_equal(amplitudes.dtype, precision.complex_dtype, "the type of amplitudes")
    state = evolve(engine, [Diagonal(np.array([0.6 + 0.8j]), ())], 0)
    near(engine.amplitudes(state), [[0.6 + 0.8j]], Precision.DOUBLE, "a state of no qubits")
    near(engine.probabilities(state, (), {}), [[1]], Precision.DOUBLE, "a state of no qubits")


def _each_kind() -> Iterator[tuple[str, list[GateOperation]]]:
    rng = np.random.default_rng(3)
    spread = [Matrix(random_unitary(2, rng), (qubit,)) for qubit in range(5)]
    for width in (1, 2, 3):
        for number in range(5 - width):
            order = [int(qubit) for qubit in rng.permutation(5)]
            where = tuple(order[:width])
            controls = tuple(order[width : width + number])
            value, size = int(rng.integers(0, 1 << number)), 1 << width
            matrix = random_unitary(size, rng)
            for gate in (
                Matrix(matrix, where, controls, value),
                Matrix(np.asarray(matrix.real / 2 + np.eye(size)), where, controls, value),
                Diagonal(np.exp(1j * rng.normal(size=size)), where, controls, value),
                Permutation(rng.permutation(size), where, controls, value),
            ):
                yield f"{type(gate).__name__} with {number} controls", [*spread, gate]
        sources = tuple(int(qubit) for qubit in rng.permutation(where))
        yield "Relabel", [*spread, Relabel(where, sources)]
        yield "Prepare", [*spread[:2], Prepare(matrix[0], (4, 2, 3)[:width])]
    yield "Diagonal without qubits", [*spread, Diagonal(np.array([1j]), ())]
    yield "Diagonal with zeros", [*spread, Diagonal(np.array([0, 2]), (3,))]


def e03_gates_of_every_kind(engine: Engine) -> None:
    """Every kind of gate acts on the right qubits, with and without controls."""
    for what, gates in _each_kind():
        for precision in Precision:
            state = evolve(engine, gates, 5, precision)
            near(engine.amplitudes(state), vectors_of(gates, 5), precision, what)


def e04_random_gates(engine: Engine) -> None:
    """Lists of 40 random gates on 1 to 9 qubits, for each vector where the engine is batched."""
    batch = 3 if engine.batched else 1
    for num_qubits in range(1, 10):
        gates = random_gates(num_qubits, 40, num_qubits)
        expected = vectors_of(gates, num_qubits, batch)
        for precision in Precision:
            state = evolve(engine, gates, num_qubits, precision, batch=batch)
            near(engine.amplitudes(state), expected, precision, f"{num_qubits} qubits")


def e05_plans_follow_each_other(engine: Engine) -> None:
    """A plan may begin at any layout; the state's layout is the plan's final one afterwards."""
    for seed in range(4):
        gates = random_gates(6, 40, 50 + seed)
        profile = engine.profile(Precision.DOUBLE, 6)
        state = engine.allocate(6, Precision.DOUBLE, capacity=6)
        for first in range(0, len(gates), 8):
            plan = make_plan(gates[first : first + 8], state.layout, profile)
            engine.apply(state, plan, Control())
            require_equal(state.layout, plan.final, "the layout after a plan")
        near(engine.amplitudes(state), vectors_of(gates, 6), Precision.DOUBLE, "plans in a row")


def _several(engine: Engine, precision: Precision, seed: int) -> tuple[Any, Amplitudes]:
    """A state of 5 qubits and its amplitudes; of 4 different vectors if the engine is batched."""
    gates = random_gates(5, 25, seed)
    if not engine.batched:
        return evolve(engine, gates, 5, precision), vectors_of(gates, 5)
    parts, expected = [], []
    for number in range(4):
        more = [*gates, *random_gates(5, 10, 100 * seed + number, prepare=False)]
        parts.append((evolve(engine, more, 5, precision), [0]))
        expected.append(vectors_of(more, 5)[0])
    return engine.select(parts), np.array(expected)


def e06_copies(engine: Engine) -> None:
    """A copy has the same amplitudes, and neither state changes with, or is released with, the
    other."""
    state, expected = _several(engine, Precision.DOUBLE, 7)
    other = engine.copy(state)
    near(engine.amplitudes(other), expected, Precision.DOUBLE, "a copy")
    engine.flip(other, [0])
    near(engine.amplitudes(state), expected, Precision.DOUBLE, "the original, the copy changed")
    engine.release(state)
    flipped = expected[:, np.arange(32) ^ 1]
    near(engine.amplitudes(other), flipped, Precision.DOUBLE, "a copy, the original released")


def e07_probabilities(engine: Engine) -> None:
    """Joint probabilities of qubits in any order, where others have given values; `gather`."""
    for precision in Precision:
        rng = np.random.default_rng(8)
        for seed in range(6):
            # Few gates leave qubits that are not stored.
            gates = random_gates(6, 5 * seed, 80 + seed)
            state, known = evolve(engine, gates, 6, precision), evolve(REFERENCE, gates, 6)
            for _ in range(6):
                order = [int(qubit) for qubit in rng.permutation(6)]
                cut, end = sorted(rng.integers(0, 7, 2).tolist())
                given = {qubit: int(rng.integers(0, 2)) for qubit in order[cut:end]}
                expected = REFERENCE.probabilities(known, order[:cut], given)
                found = engine.probabilities(state, order[:cut], given)
                require_equal(found.dtype, np.dtype(float), "the type of probabilities")
                near(found, expected, precision, f"qubits {order[:cut]}, given {given}")
            indices = rng.integers(0, 64, 20).astype(np.uint64)
            amplitudes = vectors_of(gates, 6)[:, indices]
            near(engine.gather(state, indices), amplitudes, precision, "gather")


def e08_blocks_of_probabilities(engine: Engine) -> None:
    """`block_probabilities` gives what `probabilities` does, for many given values at once."""
    require(engine.block_bits >= 1, f"block_bits is {engine.block_bits}; expected 1 or more")
    for precision in Precision:
        for count in (3, 30):
            gates = random_gates(7, count, 10)
            state, known = evolve(engine, gates, 7, precision), evolve(REFERENCE, gates, 7)
            for qubits, fixed in (((0, 1), (2, 3, 4, 5, 6)), ((5, 2, 1), (0, 6)), ((), (3, 4))):
                values = np.arange(1 << len(fixed), dtype=np.int64)[::-3]
                expected = [
                    REFERENCE.probabilities(
                        known, qubits, {q: value >> bit & 1 for bit, q in enumerate(fixed)}
                    )[0]
                    for value in values.tolist()
                ]
                found = engine.block_probabilities(state, qubits, fixed, values)
                near(found, expected, precision, f"blocks of {qubits}, given {fixed}")


def e09_collapse_and_flip(engine: Engine) -> None:
    """`collapse` projects onto an outcome and normalises; `flip` is X."""
    index = np.arange(32)
    for precision in Precision:
        for seed in range(5):
            state, expected = _several(engine, precision, 11 + seed)
            stored = state.layout.order
            outcome = {stored[0]: 1, stored[-1]: seed & 1}
            kept = np.all([(index >> q & 1) == value for q, value in outcome.items()], axis=0)
            engine.collapse(state, outcome, 0.25)
            expected = np.where(kept, 2 * expected, 0)
            near(engine.amplitudes(state), expected, precision, f"collapse onto {outcome}")
            engine.flip(state, [stored[1], stored[0]])
            flipped = expected[:, index ^ (1 << stored[1] | 1 << stored[0])]
            near(engine.amplitudes(state), flipped, precision, f"flip of {stored[:2]}")


def e10_outcomes_of_each_vector(engine: Engine) -> None:
    """`project` collapses each vector onto its own outcome, and resets qubits."""
    index = np.arange(32)
    for precision in Precision:
        for seed in range(4):
            state, expected = _several(engine, precision, 20 + seed)
            qubits = state.layout.order[1:4]
            outcomes = np.random.default_rng(seed).integers(0, 8, state.batch)
            scales = np.random.default_rng(seed).uniform(0.2, 1, state.batch)
            engine.project(state, qubits, outcomes, scales, qubits[1:2])
            for row, outcome, scale in zip(expected, outcomes, scales, strict=True):
                for bit, qubit in enumerate(qubits):
                    row[(index >> qubit & 1) != (outcome >> bit & 1)] = 0
                row /= np.sqrt(scale)
                if outcome >> 1 & 1:
                    row[:] = row[index ^ 1 << qubits[1]]
            near(engine.amplitudes(state), expected, precision, "project")


def e11_chosen_vectors(engine: Engine) -> None:
    """`select` makes a state of chosen vectors, also of several states; `rows` shows some."""
    for precision in Precision:
        first, expected = _several(engine, precision, 30)
        second, others = _several(engine, precision, 31)
        alone = engine.select([(second, [0])] if second.batch == 1 else [(second, [2])])
        near(engine.amplitudes(alone)[0], others[2 % len(others)], precision, "one vector")
        if not engine.batched:
            refused("select of two vectors, not batched", engine.select, [(first, [0, 0])])
            near(engine.amplitudes(engine.rows(first, 0, 1)), expected, precision, "rows")
            continue
        small = evolve(engine, [Permutation(NOT, (3,))], 5, precision)
        chosen = engine.select([(small, [0]), (first, [3, 0, 0]), (second, [1])])
        one = np.eye(1, 32, 8)[0]
        wanted = np.array([one, expected[3], expected[0], expected[0], others[1]])
        near(engine.amplitudes(chosen), wanted, precision, "vectors of three states")
        near(engine.amplitudes(engine.rows(chosen, 1, 3)), wanted[1:3], precision, "rows")
        engine.release(first)
        more = random_gates(5, 10, 32, prepare=False)
        apply_gates(engine, chosen, more)
        known = REFERENCE.select(
            [(evolve(REFERENCE, [Prepare(v, (0, 1, 2, 3, 4))], 5), [0]) for v in wanted]
        )
        apply_gates(REFERENCE, known, more)
        near(engine.amplitudes(chosen), REFERENCE.amplitudes(known), precision, "gates after")
        sizes = [(chosen, [0]), (engine.allocate(4, precision, capacity=4), [0])]
        refused("select of different sizes", engine.select, sizes)


_LETTERS = {
    "I": np.eye(2),
    "X": np.array([[0, 1], [1, 0]]),
    "Y": np.array([[0, -1j], [1j, 0]]),
    "Z": np.diag([1, -1]),
    "0": np.diag([1, 0]),
    "1": np.diag([0, 1]),
}


def _strings(letters: NDArray[np.str_], layout: Layout) -> Strings:
    """Strings for states of ``layout``; column ``q`` of ``letters``, one of I, X, Y, Z, 0, 1 a
    string, is qubit ``q``."""
    stored = letters[:, list(layout.order)]
    weights = 1 << np.arange(stored.shape[1], dtype=np.int64)
    return Strings(*[np.isin(stored, [*chosen]) @ weights for chosen in ("XY", "YZ", "01", "1")])


def e12_expectation_values(engine: Engine) -> None:
    """`expectation` of Pauli strings, the leftmost letter being the highest qubit's; `means` of
    strings with projectors, for each vector."""
    rng = np.random.default_rng(15)
    labels = ["IIIIIX", "ZIIIII", "YIIIIZ", *("".join(rng.choice([*"IXYZ"], 6)) for _ in range(12))]
    matrices = [reduce(np.kron, [_LETTERS[letter] for letter in label]) for label in labels]
    letters = rng.choice([*"IIXXYYZZ01"], (40, 11))
    for precision in Precision:
        for seed in range(4):
            gates = random_gates(6, 8 * seed, 150 + seed)
            vector = vectors_of(gates, 6)[0]
            expected = [np.vdot(vector, matrix @ vector).real for matrix in matrices]
            state = evolve(engine, gates, 6, precision)
            near(engine.expectation(state, labels), [expected], precision, "Pauli strings")
            near(engine.amplitudes(state), [vector], precision, "the state after `expectation`")
        several, vectors = _several(engine, precision, 34)
        require_equal(len(several.layout.order), 5, "qubits that 25 gates store")
        operators = [reduce(np.kron, [_LETTERS[one] for one in row[4::-1]]) for row in letters]
        known = [[np.vdot(one, matrix @ one).real for matrix in operators] for one in vectors]
        strings = _strings(letters, several.layout)
        near(engine.means(several, strings, Control()), known, precision, "`means`")
        gates = random_gates(11, 60, 151)
        wide, other = evolve(engine, gates, 11, precision), evolve(REFERENCE, gates, 11)
        found = engine.means(wide, _strings(letters, wide.layout), Control())
        known_means = REFERENCE.means(other, _strings(letters, other.layout), Control())
        near(found, known_means, precision, "`means` of 11 qubits")
    for label in ("XX", "ABCDEF"):
        refused(f"the string {label}", engine.expectation, state, [label])


def e13_sweeps(engine: Engine) -> None:
    """Where `sweep_qubits` says so, a sweep's vectors each get their own numbers."""
    for precision in Precision:
        if engine.sweep_qubits(precision) < 5:
            continue
        first: list[GateOperation] = [
            gate
            for gate in random_gates(5, 60, 16)
            if isinstance(gate, (Matrix, Diagonal)) and gate.qubits and not gate.controls
        ]
        others = (other_numbers(first, np.random.default_rng(160 + number)) for number in range(4))
        lists = [first, *others]
        plan = make_sweep_plan(GateSweep.of(lists), Layout(), engine.profile(precision, 5))
        require(plan is not None, "planning makes no sweep for the engine's strategy")
        assert plan is not None
        state = engine.allocate(5, precision, capacity=5, batch=5)
        engine.apply_sweep(state, plan, Control())
        require_equal(state.layout, plan.final, "the layout after a sweep")
        expected = [vectors_of(gates, 5)[0] for gates in lists]
        near(engine.amplitudes(state), expected, precision, "a sweep of 5 vectors")
        smaller = engine.allocate(5, precision, capacity=5, batch=4)
        refused("5 numbers for 4 vectors", engine.apply_sweep, smaller, plan, Control())
