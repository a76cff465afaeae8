"""The GPU engine on large states: right, and how fast, against floors, cuStateVec and the CPU.

    export PYTHONPATH=src:plugins/simquay-cupy/src:plugins/simquay-numba/src
    python3 -m benchmarks.gpu.engine --custatevec FOLDER --json gpu.json

It needs Python, NumPy, psutil and CuPy, and no Qiskit; of CUDA's libraries, only NVRTC. FOLDER is
where the wheel custatevec-cu13 was unpacked. A row is printed, and the file written, as soon as it
is measured; a peer that fails is told in its row.

- ``check``: largest difference of an amplitude to the NumPy engine in double precision.
- ``floor``: the larger of the plan's traffic at the copy rate measured here, and its arithmetic at
  70% of the datasheet's rate.
- ``device``: median of CUDA-event times of applying the plan to |0…0>; ``ratio`` to the floor. Up
  to 23 qubits, once the engine has chosen between launches and a CUDA graph.
- ``whole``: wall-clock time of planning, encoding, applying and 1,024 samples; ``numba``: the same
  on this machine's CPUs, once, for the sizes given with ``--cpu-qubits``, after all other rows.
- ``custatevec``: wall-clock time of cuStateVec's updater applying the same gates, which it fuses
  meanwhile; ``wall``: of ours with the plan at hand; ``fresh``: of ours with planning and encoding;
  ``times`` is how many times ours theirs takes; ``same`` is the largest difference of an amplitude,
  of 65,536 at four places.

- ``reads``: wall-clock times of reading a state, and the share of the copy rate that they reach.

``small.py`` has what is of interest up to some 23 qubits.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from benchmarks.circuits import FAMILIES
from benchmarks.gpu.custatevec import CuStateVec, find_library
from benchmarks.gpu.facts import environment, floor_seconds
from benchmarks.gpu.runs import apply, cpu_engines, plan_for
from benchmarks.plans import tiled_passes
from benchmarks.tables import Report, Row, options, possible, whole
from simquay.control import Control
from simquay.engines.numpy.engine import DenseEngine
from simquay.execution.run import run_program
from simquay.execution.settings import RunContext
from simquay.planning.tiled.cost import pass_cost
from simquay.program import Precision, Strings
from simquay_cupy.device.cuda import CudaDevice
from simquay_cupy.engine import CupyEngine
from simquay_cupy.plans import MOST_AMPLITUDES, TRIALS

COMPARED = 1 << 14
"""Amplitudes that are compared with the peer's at each of four places."""


def main() -> None:
    parser = options(
        __doc__,
        qubits=[30, 28, 24],
        precisions=list(Precision),
        families=list(FAMILIES),
        check_qubits=[5, 12, 17, 20],
        cpu_qubits=[20],
    )
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--low", type=int, default=None, help="other than the engine's choice")
    parser.add_argument("--custatevec", type=Path, default=None)
    args = parser.parse_args()

    engine = CupyEngine(CudaDevice())
    report = Report(environment(engine, args.commit), args.json)
    library = find_library(args.custatevec) if args.custatevec else None
    if args.custatevec and library is None:
        print(f"no libcustatevec.so.1 under {args.custatevec}: no peer")
    for qubits in args.check_qubits:
        for name in args.families:
            if possible(name, qubits):
                report.note("checks", check(engine, name, qubits))
    for qubits in args.qubits:
        for precision in args.precisions:
            for name in args.families:
                row = measure(engine, name, qubits, precision, args, report.facts)
                both = 2 * engine.required_bytes(qubits, precision)
                if library is not None and both < engine.available_bytes():
                    try:
                        row |= peer(engine, library, name, qubits, precision, args)
                    except (OSError, RuntimeError) as error:
                        row["peer"] = str(error)
                report.note("rows", row)
            report.note("reads", reads(engine, qubits, precision, args.repeats, report.facts))
    numba = cpu_engines().get("numba") if args.cpu_qubits else None
    for qubits in args.cpu_qubits if numba else ():
        for precision in args.precisions:
            for name in filter(lambda name: possible(name, qubits), args.families):
                row = {"family": name, "qubits": qubits, "precision": precision.value}
                assert numba is not None
                whole(numba, FAMILIES[name](14, 1), precision, 1)  # compiles
                row["numba ms"] = 1e3 * whole(numba, FAMILIES[name](qubits, 1), precision, 1)
                report.note("numba", row)
    report.print()


def check(engine: CupyEngine, name: str, qubits: int) -> Row:
    """Amplitudes against the NumPy engine in double precision."""
    program = FAMILIES[name](qubits, 1)
    wanted = {"statevector": True}
    given = RunContext(shots=1, wanted=wanted)
    expected = run_program(program, DenseEngine(), given, Control())["statevector"]
    row: Row = {"family": name, "qubits": qubits}
    for precision in Precision:
        given = RunContext(shots=1, wanted=wanted, precision=precision)
        found = run_program(program, engine, given, Control())["statevector"]
        assert found is not None
        assert expected is not None
        row[precision.value] = float(np.abs(found - expected).max())
    return row


def measure(
    engine: CupyEngine,
    name: str,
    qubits: int,
    precision: Precision,
    args: argparse.Namespace,
    facts: Row,
) -> Row:
    row: Row = {"family": name, "qubits": qubits, "precision": precision.value}
    if not possible(name, qubits) or (
        engine.required_bytes(qubits, precision) > engine.available_bytes()
    ):
        return row | {"skipped": "no such circuit, or more than the device has free"}
    program = FAMILIES[name](qubits, 1)
    start = time.perf_counter()
    plan = plan_for(engine, program, precision, args.low)
    row["plan ms"] = 1e3 * (time.perf_counter() - start)
    state = engine.allocate(qubits, precision, capacity=qubits)
    start = time.perf_counter()
    apply(engine, state, plan)
    engine.on.wait(engine.on.mark())
    row["first ms"] = 1e3 * (time.perf_counter() - start)  # with encoding and upload
    for _ in range(2 * TRIALS + 1 if 1 << qubits <= MOST_AMPLITUDES else 0):
        apply(engine, state, plan)
    seconds = [engine.on.timed(lambda: apply(engine, state, plan)) for _ in range(args.repeats)]
    row["device ms"] = 1e3 * statistics.median(seconds)
    row["norm"] = float(engine.probabilities(state, (), {})[0, 0])
    engine.release(state)
    costs = [pass_cost(pass_) for pass_ in tiled_passes(plan)]
    amplitudes, flops = sum(cost.amplitudes for cost in costs), sum(cost.flops for cost in costs)
    row |= {"passes": len(plan), **floor_seconds(amplitudes, flops, precision, facts)}
    row["ratio"] = row["device ms"] / row["floor ms"]
    row["whole ms"] = 1e3 * whole(engine, program, precision, args.repeats)
    return row


def reads(engine: CupyEngine, qubits: int, precision: Precision, repeats: int, facts: Row) -> Row:
    """Reading a state: wall-clock times, and the share of the copy rate that they reach."""
    row: Row = {"qubits": qubits, "precision": precision.value}
    if engine.required_bytes(qubits, precision) > engine.available_bytes():
        return row | {"skipped": "more than the device has free"}
    state = engine.allocate(qubits, precision, capacity=qubits)
    apply(engine, state, plan_for(engine, FAMILIES["tfim"](qubits, 1), precision))
    one = 1 << np.arange(qubits)
    none = np.zeros(qubits, dtype=np.int64)
    couplings, field = Strings(none, one | np.roll(one, 1), none, none), Strings(one, *[none] * 3)
    readers: dict[str, tuple[int, Callable[[], object]]] = {
        "norm": (1, lambda: engine.probabilities(state, (), {})),
        "8 qubits": (1, lambda: engine.probabilities(state, range(8), {})),
        "ZZ of a ring": (1, lambda: engine.means(state, couplings, Control())),
        "X of each qubit": (qubits, lambda: engine.means(state, field, Control())),
    }
    for name, (passes, read) in readers.items():
        seconds = []
        for _ in range(repeats + 1):
            start = time.perf_counter()
            read()
            seconds.append(time.perf_counter() - start)
        row[f"{name} ms"] = 1e3 * statistics.median(seconds[1:])
        least = precision.amplitude_bytes * passes * 2.0**qubits / facts["copy TB/s"] / 1e9
        row[f"{name} share"] = least / row[f"{name} ms"]
    engine.release(state)
    return row


def peer(
    engine: CupyEngine,
    library: Path,
    name: str,
    qubits: int,
    precision: Precision,
    args: argparse.Namespace,
) -> Row:
    """Ours and cuStateVec's updater, in turn."""
    program = FAMILIES[name](qubits, 1)
    plan = plan_for(engine, program, precision, args.low)
    state = engine.allocate(qubits, precision, capacity=qubits)
    seconds: dict[str, list[float]] = {"wall ms": [], "fresh ms": [], "custatevec ms": []}
    try:
        with CuStateVec(library, qubits, precision) as other:
            for _ in range(args.repeats + 1):
                wires = other.queue(program)
                other.reset()
                for way, times in seconds.items():
                    start = time.perf_counter()
                    if way == "custatevec ms":
                        other.apply()
                    else:
                        fresh = way == "fresh ms"
                        chosen = plan_for(engine, program, precision, args.low) if fresh else plan
                        apply(engine, state, chosen)
                        engine.on.wait(engine.on.mark())
                    times.append(time.perf_counter() - start)
            count = min(1 << qubits, COMPARED)
            same = 0.0
            for part in range(4):
                first = ((1 << qubits) - count) * part // 3
                index = np.arange(first, first + count, dtype=np.uint64)
                ask = np.zeros(count, dtype=np.uint64)
                for qubit, wire in enumerate(wires):
                    ask |= (index >> np.uint64(wire) & np.uint64(1)) << np.uint64(qubit)
                found = engine.gather(state, ask)[0] - other.amplitudes(first, count)
                same = max(same, float(np.abs(found).max()))
    finally:
        engine.release(state)
    row: Row = {way: 1e3 * statistics.median(times[1:]) for way, times in seconds.items()}
    for way in ("wall", "fresh"):
        row[f"times {way}"] = row["custatevec ms"] / row[f"{way} ms"]
    return row | {"same": same}


if __name__ == "__main__":
    main()
