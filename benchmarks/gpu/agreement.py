"""Is the engine ``cupy`` right on this GPU? What ``pytest -m gpu`` leaves out, and the kit.

    export PYTHONPATH=src:plugins/simquay-cupy/src
    python3 -m benchmarks.gpu.agreement

It prints a line for each check, the important ones first, and ends with 1 if any failed. An error
in one check stops no other: but CUDA's worst errors, after which all others fail, do.
"""

from __future__ import annotations

import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from functools import partial
from typing import TypeAlias

import numpy as np

from benchmarks.circuits import FAMILIES, cx, hadamard
from benchmarks.gpu.runs import apply, plan_for
from benchmarks.tables import measured, options, possible
from simquay.control import Control
from simquay.engines.base import Engine
from simquay.engines.numpy.engine import DenseEngine
from simquay.errors import OutOfMemoryError
from simquay.execution.run import run_program
from simquay.execution.settings import RunContext
from simquay.program import Precision, Program
from simquay.testing.engines import random_gates, run_engine_checks
from simquay_cupy.device.cuda import CudaDevice
from simquay_cupy.engine import CupyEngine

TOLERANCE = {Precision.SINGLE: 1e-5, Precision.DOUBLE: 1e-12}
SHARED = {"tile_pass_single": 36 << 10, "tile_pass_double": 40 << 10, "tile_pass_double12": 1 << 16}
THREADS = 8

Told: TypeAlias = Iterator[tuple[str, bool, str]]
"""Of each check: what it is of, whether it passed, and what was found."""


def kernels(engine: CupyEngine) -> Told:
    """They compile, spill nothing and may have their shared memory."""
    for kernel, shared in SHARED.items():
        start = time.perf_counter()
        with engine.on.active():
            function = engine.on._module(kernel).get_function(kernel)
            function.max_dynamic_shared_size_bytes = shared
            found = function.attributes
        told = f"{time.perf_counter() - start:.1f} s, {found}"
        yield kernel, found["local_size_bytes"] == 0, told


def bell(engine: CupyEngine) -> Told:
    program = measured(Program(2, 0, (hadamard(0), cx(0, 1)), name="bell"))
    for precision in Precision:
        given = RunContext(shots=1000, seed=1, precision=precision)
        samples = run_program(program, engine, given, Control())["samples"]
        values, counts = np.unique(samples, axis=0, return_counts=True)
        yield precision.value, len(values) == 2 and counts.min() > 400, f"{counts.tolist()}"


def difference(engine: Engine, program: Program, precision: Precision) -> float:
    """The largest of an amplitude to the engine ``numpy`` in double precision."""
    found = []
    for one, chosen in ((engine, precision), (DenseEngine(), Precision.DOUBLE)):
        given = RunContext(shots=1, wanted={"statevector": True}, precision=chosen)
        state = run_program(program, one, given, Control())["statevector"]
        assert state is not None
        found.append(state)
    return float(np.abs(found[0] - found[1]).max())


def families(engine: CupyEngine, sizes: tuple[int, ...]) -> Told:
    for qubits in sizes:
        for name in filter(lambda name: possible(name, qubits), FAMILIES):
            for precision in Precision:
                found = difference(engine, FAMILIES[name](qubits, 1), precision)
                yield f"{name} {qubits} {precision.value}", found < TOLERANCE[precision], str(found)


def counts(engine: CupyEngine, sizes: tuple[int, ...]) -> Told:
    """The same seed gives the same counts as the engine ``numpy``, in double precision."""
    for qubits in sizes:
        for name in filter(lambda name: possible(name, qubits), FAMILIES):
            program, given = measured(FAMILIES[name](qubits, 1)), RunContext(shots=1000, seed=5)
            one, two = (
                run_program(program, each, given, Control())["samples"]
                for each in (engine, DenseEngine())
            )
            yield f"{name} {qubits}", np.array_equal(one, two), ""


def random_programs(engine: CupyEngine, programs: int) -> Told:
    worst = dict.fromkeys(Precision, 0.0)
    for seed in range(programs):
        qubits, precision = 1 + seed % 15, list(Precision)[seed % 2]
        gates = tuple(random_gates(qubits, (10, 60, 150)[seed % 3], seed))
        found = difference(engine, Program(qubits, 0, gates), precision)
        worst[precision] = max(worst[precision], found)
    for precision, found in worst.items():
        yield precision.value, found < TOLERANCE[precision], f"{programs} programs, {found}"


def kit(engine: CupyEngine) -> Told:
    """Each check of the kit for engines: sweeps, noise, expectation values and gradients too."""
    for verdict in run_engine_checks(engine):
        told = f"{verdict.seconds:.1f} s {verdict.problem}"
        yield f"{verdict.check.id} {verdict.check.title}", verdict.kept, told


def constant_memory(engine: CupyEngine) -> Told:
    """It is seen anew by the next launch: two plans in turn, often, without a wait."""
    programs = [
        Program(14, 0, FAMILIES[name](14, seed).operations)
        for name, seed in (("qv", 1), ("tfim", 2))
    ]
    plans = [plan_for(engine, program, Precision.SINGLE) for program in programs]
    state = engine.allocate(14, Precision.SINGLE, capacity=14)
    first, differing = [], []
    for turn in range(40):
        for other in range(3):
            apply(engine, state, plans[(turn + 1 + other) % 2])
        apply(engine, state, plans[turn % 2])
        found = engine.amplitudes(state)
        if turn < 2:
            first.append(found)
        elif not np.array_equal(found, first[turn % 2]):
            differing.append(turn)
    engine.release(state)
    yield "the same bits each time", not differing, str(differing[:5])


def threads(engine: CupyEngine) -> Told:
    """Several threads on one engine, each with other programs."""
    wrong: list[object] = []

    def work(number: int) -> None:
        try:
            for turn in range(3):
                name = ("qv", "random", "qft", "tfim")[number % 4]
                program = measured(FAMILIES[name](9 + (number + turn) % 7, number))
                given = RunContext(shots=200, seed=number)
                one, two = (
                    run_program(program, each, given, Control())["samples"]
                    for each in (engine, DenseEngine())
                )
                if not np.array_equal(one, two):
                    wrong.append((number, turn))
        except Exception:  # noqa: BLE001 - in a thread, it would only be printed
            wrong.append(traceback.format_exc())

    running = [threading.Thread(target=work, args=(n,), daemon=True) for n in range(THREADS)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join(60)
    yield f"{THREADS} threads", not wrong and not any(t.is_alive() for t in running), f"{wrong[:1]}"


def large(engine: CupyEngine, sizes: tuple[int, ...]) -> Told:
    """Addresses beyond 4 GiB: GHZ has two amplitudes, wherever they are stored."""
    for precision in Precision:
        for qubits in sizes:
            told = f"{qubits} {precision.value}"
            if engine.required_bytes(qubits, precision) > engine.available_bytes():
                yield told, True, f"skipped: {engine.available_bytes() >> 20} MiB are free"
                continue
            state = engine.allocate(qubits, precision, capacity=qubits)
            plan = plan_for(engine, FAMILIES["ghz"](qubits, 1), precision)
            seconds = engine.on.timed(partial(apply, engine, state, plan))
            last = (1 << qubits) - 1
            ask = np.array([0, last, 1, last ^ last >> 1, last >> 1], dtype=np.uint64)
            found = np.abs(engine.gather(state, ask)[0])
            norm = float(engine.probabilities(state, (), {})[0, 0])
            engine.release(state)
            right = np.abs(found - np.array([0.5**0.5, 0.5**0.5, 0, 0, 0])).max() < 1e-5
            yield told, bool(right) and abs(norm - 1) < 1e-5, f"{1e3 * seconds:.0f} ms, {norm}"


def memory(engine: CupyEngine) -> Told:
    """What does not fit is refused, and nothing is lost."""
    before = engine.available_bytes()
    try:
        engine.allocate(40, Precision.DOUBLE, capacity=40)
    except OutOfMemoryError as error:
        yield "40 qubits are refused", True, str(error)
    else:
        yield "40 qubits are refused", False, ""
    after = engine.available_bytes()
    yield "nothing is lost", abs(after - before) < 1 << 28, f"{before} and {after} bytes free"


def guarded(check: Callable[[], Told]) -> Told:
    """What ``check`` gives; an error ends it, as one more that failed."""
    try:
        yield from check()
    except Exception:  # noqa: BLE001 - whatever it is, it is told, and others follow
        yield "error", False, traceback.format_exc()


def main() -> None:
    parser = options(__doc__, sizes=[12, 20], large=[30, 33, 34], programs=[300], without=[""])
    args = parser.parse_args()
    engine = CupyEngine(CudaDevice())
    sizes = tuple(args.sizes)
    checks: dict[str, Callable[[], Told]] = {
        "kernel": lambda: kernels(engine),
        "bell": lambda: bell(engine),
        "family": lambda: families(engine, sizes),
        "counts": lambda: counts(engine, sizes[:1]),
        "random": lambda: random_programs(engine, args.programs[0]),
        "constant memory": lambda: constant_memory(engine),
        "threads": lambda: threads(engine),
        "large": lambda: large(engine, tuple(args.large)),
        "memory": lambda: memory(engine),
        "kit": lambda: kit(engine),
    }
    failed = 0
    for name in sorted(checks.keys() - set(args.without), key=list(checks).index):
        for what, right, told in guarded(checks[name]):
            failed += not right
            print("ok  " if right else "FAIL", name, what, told, flush=True)
    print(f"{failed} failed")
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()
