"""Runs: samples, refusals, cancelling, memory, threads and forks."""

from __future__ import annotations

import itertools
import os
import tracemalloc
from functools import partial

import numpy as np

from simquay.control import Control
from simquay.engines.base import Engine
from simquay.errors import Cancelled
from simquay.execution.run import run_program
from simquay.execution.settings import RunContext
from simquay.planning import Layout, Plan, Profile, make_plan
from simquay.program import (
    Channel,
    GateOperation,
    IfElse,
    Matrix,
    Measure,
    Mixture,
    Permutation,
    Precision,
    Program,
    Reset,
    Strings,
)
from simquay.program.bits import bit_counts, deposit
from simquay.program.expressions import BitRef
from simquay.system.memory import host_total_bytes
from simquay.testing.engine_checks.amplitudes import e04_random_gates
from simquay.testing.engine_checks.gates import (
    NOT,
    REFERENCE,
    apply_gates,
    evolve,
    near,
    random_gates,
    random_unitary,
    refused,
    vectors_of,
)
from simquay.testing.harness.assertions import (
    TIMEOUT,
    described,
    in_thread,
    raises,
    require,
    require_equal,
)
from simquay.testing.harness.processes import call_in_fork

_DAMPING = Mixture(
    np.ones(1), (np.array([[[1, 0], [0, 0.8]], [[0, 0.6], [0, 0]]], dtype=np.complex128),)
)
"""A qubit decays with probability 0.36."""


def _same_samples(engine: Engine, program: Program, what: str, method: str = "automatic") -> None:
    settings = RunContext(shots=500, seed=17, method=method)
    found = run_program(program, engine, settings, Control())["samples"]
    expected = run_program(program, REFERENCE, settings, Control())["samples"]
    wrong = int((found != expected).any(axis=1).sum())
    require(not wrong, f"{what}: {wrong} of 500 shots differ from the reference's")


def e14_samples(engine: Engine) -> None:
    """A seed gives the reference's outcomes: of few qubits, with noise, and of many blocks."""
    for num_qubits in (4, 18):
        rng = np.random.default_rng(num_qubits)
        stored = [Matrix(random_unitary(2, rng), (qubit,)) for qubit in range(num_qubits)]
        gates = [*stored, *random_gates(num_qubits, 30, 170, prepare=False)]
        measures = [Measure(qubit, qubit) for qubit in range(num_qubits)]
        program = Program(num_qubits, num_qubits, (*gates, *measures))
        _same_samples(engine, program, f"{num_qubits} qubits")
        if num_qubits == 4:
            noise = [Channel(_DAMPING, (qubit,)) for qubit in range(num_qubits)]
            program = Program(num_qubits, num_qubits, (*gates, *noise, *measures))
            for method in ("density_matrix", "trajectories"):
                _same_samples(engine, program, f"noise, method {method}", method)


def e15_dynamic_circuits(engine: Engine) -> None:
    """Measurements in the middle, resets and conditions give the reference's outcomes."""
    for seed in range(3):
        seeds = range(180 + 10 * seed, 183 + 10 * seed)
        a, b, c = (random_gates(4, 12, one, prepare=one == seeds[0]) for one in seeds)
        other = Matrix(random_unitary(2, np.random.default_rng(1)), (3,))
        flip = IfElse(BitRef(0), (Permutation(NOT, (2,)),), (other,))
        middle = [Measure(0, 0), Measure(3, 1), flip, *b, Reset(1), Measure(1, 2), Reset(2), *c]
        ends = [Measure(qubit, 3 + qubit) for qubit in range(4)]
        _same_samples(engine, Program(4, 7, (*a, *middle, *ends)), f"dynamic circuit {seed}")


def e16_qubits_that_are_not_touched(engine: Engine) -> None:
    """Of 60 qubits, those that no gate touches take no memory, in a dynamic circuit as well."""
    h = Matrix(random_unitary(2, np.random.default_rng(19)), (50,))
    cx = Permutation(NOT, (7,), (50,), 1)
    rest = (Matrix(h.matrix, (59,)), Measure(7, 0), Reset(50), Matrix(h.matrix, (50,)), cx)
    ends = (Measure(50, 1), Measure(7, 2), Measure(59, 3), Measure(30, 4))
    _same_samples(engine, Program(60, 5, (h, cx, *rest, *ends)), "three of 60 qubits")


def e17_wrong_plans(engine: Engine) -> None:
    """A plan of another strategy or for another layout is a `ProgramError`."""
    state = evolve(engine, [Permutation(NOT, (1,))], 3)
    there, profile = state.layout, engine.profile(Precision.DOUBLE, 3)
    for what, plan in (
        ("a strategy that nobody has", Plan(Profile("no such strategy"), there, there)),
        ("another layout", Plan(profile, Layout((2, 1)), Layout((2, 1)))),
    ):
        refused(f"a plan for {what}", engine.apply, state, plan, Control())


def e18_cancelling_and_progress(engine: Engine) -> None:
    """A cancelled `apply` raises `Cancelled` before its first pass; one that is done reports 1."""
    gates = random_gates(6, 30, 21)
    state, control = engine.allocate(6, Precision.DOUBLE, capacity=6), Control()
    plan = make_plan(gates, state.layout, engine.profile(Precision.DOUBLE, 6))
    engine.apply(state, plan, control)
    require(control.fraction == 1, f"the progress at the end is {control.fraction}; expected 1")
    control.cancel()
    other = engine.allocate(6, Precision.DOUBLE, capacity=6)
    raises(lambda: engine.apply(other, plan, control), Cancelled, what="apply, cancelled before")


def _peak(engine: Engine, plan: Plan, precision: Precision) -> int:
    tracemalloc.start()
    try:
        state = engine.allocate(14, precision, capacity=14)
        engine.apply(state, plan, Control())
        engine.probabilities(state, range(14), {})
        engine.release(state)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def e19_memory(engine: Engine) -> None:
    """`required_bytes` is not less than a run takes, grows, and fits `available_bytes`."""
    for precision in Precision:
        small, large = (engine.required_bytes(14, precision, batch) for batch in (1, 3))
        least = precision.amplitude_bytes << 14
        require(small >= least, f"14 qubits need {small} bytes; expected {least} at least")
        require(large >= 3 * least, f"3 vectors need {large} bytes; expected {3 * least} at least")
        if engine.device == "cpu":
            gates = random_gates(14, 40, 22, prepare=False)
            plan = make_plan(gates, Layout(), engine.profile(precision, 14))
            for _ in range(2):  # the first run may compile and fill caches
                peak = _peak(engine, plan, precision)
            require(peak <= small, f"14 qubits took {peak} bytes, of {small} required")
    free = engine.available_bytes()
    require(isinstance(free, int) and free > 0, f"available_bytes is {free!r}; expected 1 or more")
    if engine.device == "cpu":
        total = host_total_bytes()
        require(free <= total, f"available_bytes is {free}, of {total} that the machine has")


def e20_threads(engine: Engine) -> None:
    """Threads may use one engine at once, each with its own states."""

    def work(seed: int) -> None:
        gates = random_gates(9, 40, seed)
        expected = vectors_of(gates, 9)
        for _ in range(20):
            state = evolve(engine, gates, 9)
            near(engine.amplitudes(state), expected, Precision.DOUBLE, "a thread")

    threads = [in_thread(partial(work, 230 + number)) for number in range(4)]
    wrong = [described(error) for one in threads if (error := one.exception()) is not None]
    require(not wrong, f"{len(wrong)} of 4 threads failed; the first: {wrong[:1]}")


def e21_forks(engine: Engine) -> None:
    """On the CPU, a forked process may use the engine of its parent."""
    if engine.device != "cpu" or not hasattr(os, "fork"):
        return
    e04_random_gates(engine)
    call_in_fork(partial(e04_random_gates, engine), TIMEOUT)


def e22_pairs(engine: Engine) -> None:
    """`paired` stores one more qubit: where that is 1, a sum of strings was applied."""
    rng = np.random.default_rng(22)
    for precision in Precision:
        for width, batch in ((6, 1), (13, 1), (5, 3)):
            if batch > 1 and not engine.batched:
                continue
            gates = random_gates(width, 40, 220, prepare=False)
            state = engine.allocate(width + 2, precision, capacity=width + 1, batch=batch)
            apply_gates(engine, state, gates, width + 1)
            order = state.layout.order
            some = rng.integers(1 << len(order), size=(5, 50))
            fixed = some[0] & some[1]
            x = np.where(np.arange(50) % 3, some[2] & ~fixed, 0)
            strings = Strings(x, some[3] & ~fixed, fixed, some[4] & fixed)
            weights = rng.uniform(-1, 1, 50)
            both = engine.paired(state, width, strings, weights)
            require_equal(set(both.layout.order), {*order, width}, "the qubits of a pair")
            before = vectors_of(gates, width)[0]
            after, index = np.zeros_like(before), np.arange(1 << len(order))
            places = deposit(index, order)
            for weight, flip, sign, held, values in zip(weights, *strings, strict=True):
                factors = 1j ** bit_counts(flip & sign) * (-1.0) ** bit_counts(index & sign)
                factors *= weight * (index & held == values)
                after[places[index ^ flip]] += factors * before[places]
            found = engine.amplitudes(both)
            near(
                found[:, : 2 << width],
                np.tile(np.concatenate([before, after]), (batch, 1)),
                precision,
                f"a pair of {width} qubits",
            )
            engine.release(both)


def e23_folds(engine: Engine) -> None:
    """`folded` puts a sum of strings into the imaginary parts; `narrow` keeps what is read."""
    rng = np.random.default_rng(23)
    for precision, width in itertools.product(Precision, (3, 6, 13)):
        state = engine.allocate(width, precision, capacity=width)
        gates: list[GateOperation] = []
        for qubit in range(width):
            c, s = np.cos(qubit + 1), np.sin(qubit + 1)
            gates.append(Matrix(np.array([[c, -s], [s, c]], dtype=complex), (qubit,)))
            gates += [Permutation(NOT, (qubit,), (qubit - 1,), 1)] if qubit else []
        apply_gates(engine, state, gates, width)
        places = deposit(np.arange(1 << width), state.layout.order)
        before = vectors_of(gates, width)[0]
        if engine.folds:
            some = rng.integers(1 << width, size=(4, 50))
            x, z, fixed = np.where(np.arange(50) % 3, some[0], 0), some[1], some[2] & some[3]
            x, z = x & ~fixed, z & ~fixed
            strings, weights = Strings(x, z, fixed, some[0] & fixed), rng.uniform(-1, 1, 50)
            after, index = np.zeros_like(before), np.arange(1 << width)
            for weight, flip, sign, held, values in zip(weights, *strings, strict=True):
                factors = 1j ** bit_counts(flip & sign) * (-1.0) ** bit_counts(index & sign)
                factors *= weight * (index & held == values)
                after[places[index ^ flip]] += factors * before[places]
            product = engine.folded(state, strings, weights)
            near(product, [before.real @ after.real], precision, f"folding {width} qubits")
            before = before.real + 1j * after.real
            near(engine.amplitudes(state)[0], before, precision, f"folding {width} qubits")
        engine.narrow(state, (1, 0))
        found = engine.amplitudes(state)[0].reshape(-1, 4)[:, 0]
        near(found, before.reshape(-1, 4)[:, 0], precision, f"narrowing {width} qubits")
        engine.release(state)
