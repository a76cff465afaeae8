"""The GPU engine on small states: as a CUDA graph or not, and from which size on it beats the CPU.

    export PYTHONPATH=src:plugins/simquay-cupy/src:plugins/simquay-numba/src
    python3 -m benchmarks.gpu.small --json small.json

A row is printed, and the file written, as soon as it is measured.

- ``replays``: wall-clock time of applying a plan launch by launch and as a CUDA graph, and which
  the engine chose by its own measurement.
- ``cpu``: program to samples on this machine's CPU, by the NumPy engine and, where simquay-numba
  and Numba are there, by that one, until the GPU is clearly faster.
- ``wins``: the smallest measured size from which on the GPU was faster.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator, Mapping, Sequence

from benchmarks.circuits import FAMILIES
from benchmarks.gpu.facts import environment
from benchmarks.gpu.runs import apply, cpu_engines
from benchmarks.plans import gates_of
from benchmarks.tables import Report, Row, options, possible, whole
from simquay.engines.base import Engine
from simquay.planning import Layout, make_plan
from simquay.program import Precision
from simquay_cupy.device.cuda import CudaDevice
from simquay_cupy.engine import CupyEngine

CLEARLY = 4.0
"""Once the GPU is so many times faster, more qubits need no comparison with the CPU."""


def main() -> None:
    args = options(
        __doc__,
        replay_qubits=[12, 16, 19, 21, 23],
        cpu_qubits=[*range(6, 25, 2)],
        precisions=list(Precision),
        families=list(FAMILIES),
    ).parse_args()
    engine = CupyEngine(CudaDevice())
    report = Report(environment(engine, args.commit), args.json)
    engines = cpu_engines()
    for name in args.families:
        rows = [report.note("cpu", row) for row in cpu_rows(engine, engines, name, args.cpu_qubits)]
        if rows:
            report.note("wins", win_row(rows, engines, name))
    for qubits in args.replay_qubits:
        for precision in args.precisions:
            for name in filter(lambda name: possible(name, qubits), args.families):
                # 12 qubits in double precision have a kernel of their own: the usual one beside it.
                both = (qubits, precision) == (12, Precision.DOUBLE)
                for planned_for in [12, 11] if both else [qubits]:
                    report.note("replays", replay_row(engine, name, qubits, precision, planned_for))
    report.print()


def replay_row(
    engine: CupyEngine, name: str, qubits: int, precision: Precision, planned_for: int
) -> Row:
    """Wall-clock microseconds of applying one plan, queued each way; the median of 50."""
    profile = engine.profile(precision, planned_for)
    plan = make_plan(gates_of(FAMILIES[name](qubits, 1)), Layout(), profile)
    row: Row = {"family": name, "qubits": qubits, "precision": precision.value}
    row["tile"] = profile.tile
    for rule in ("never", "always", "measured"):
        trying = CupyEngine(engine.on, replay=rule)
        state = trying.allocate(qubits, precision, capacity=qubits)
        seconds = []
        for _ in range(60):
            start = time.perf_counter()
            apply(trying, state, plan)
            engine.on.wait(engine.on.mark())
            seconds.append(time.perf_counter() - start)
        graphs = trying.uploaded(plan, precision).graphs
        trying.release(state)
        row[f"{rule} µs"] = 1e6 * statistics.median(seconds[10:])
        if graphs is None:
            return row | {"launches": "one, or too many to record"}
        row["launches"] = len(trying.uploaded(plan, precision).launches())
        row["chosen"] = {True: "graph", False: "launches", None: "neither"}[graphs.faster]
    return row


def cpu_rows(
    engine: CupyEngine, engines: Mapping[str, Engine], name: str, sizes: Sequence[int]
) -> Iterator[Row]:
    """Program to samples, in double precision, on the CPU and on the GPU, until the GPU is clearly
    faster."""
    for qubits in sorted(sizes):
        if not possible(name, qubits):
            continue
        program = FAMILIES[name](qubits, 1)
        row: Row = {"family": name, "qubits": qubits}
        for key, chosen in {**engines, "cupy": engine}.items():
            row[f"{key} ms"] = 1e3 * whole(chosen, program, Precision.DOUBLE, 3)
        row["times faster"] = min(row[f"{key} ms"] for key in engines) / row["cupy ms"]
        yield row
        if row["times faster"] > CLEARLY:
            return


def win_row(rows: Sequence[Row], engines: Mapping[str, Engine], name: str) -> Row:
    """For each of the CPU's engines the smallest measured size from which on the GPU was faster."""
    found: Row = {"family": name}
    for key in engines:
        wins = [row["cupy ms"] < row[f"{key} ms"] for row in rows]
        lost = [number for number, won in enumerate(wins) if not won]
        first = lost[-1] + 1 if lost else 0
        found[f"than {key}"] = rows[first]["qubits"] if first < len(rows) else "none of these"
    return found


if __name__ == "__main__":
    main()
