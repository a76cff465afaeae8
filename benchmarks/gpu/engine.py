"""The GPU engine on a GPU: right, and how fast, against floors, cuStateVec and the CPU.

    export PYTHONPATH=src:plugins/simquay-cupy/src
    python -m benchmarks.gpu.engine --custatevec FOLDER --json gpu.json

It needs Python, NumPy, pluggy and CuPy, and no Qiskit; of CUDA's libraries, only NVRTC. FOLDER is
where the wheel custatevec-cu13 was unpacked. One call does everything and prints its tables at the
end:

- ``check``: largest difference of an amplitude to the NumPy engine in double precision.
- ``floor``: the larger of the plan's traffic at the copy rate measured here, and its arithmetic at
  70% of the datasheet's rate.
- ``device``: median of CUDA-event times of applying the plan to |0…0>; ``ratio`` to the floor.
- ``whole``: wall-clock time of planning, encoding, applying and 1,024 samples.
- ``peer``: wall-clock time of cuStateVec's updater applying the same gates, and how many times
  ours (wall-clock, plan at hand) that is; ``same`` is the largest difference of an amplitude.
- ``replay``: for small states, wall-clock time of applying a plan launch by launch and as a CUDA
  graph, and which the engine chose by its own measurement.
- ``cpu``: program to samples on this machine's CPU, by the NumPy engine and, where simquay-numba
  and Numba are there, by that one, for the sizes given with ``--cpu-qubits``; and the number of
  qubits from which on the GPU was faster.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import cupy
import numpy as np

from benchmarks.circuits import FAMILIES
from benchmarks.gpu.custatevec import CuStateVec, find_library
from benchmarks.plans import gates_of, tiled_passes
from simquay.control import Control
from simquay.engines.base import Engine
from simquay.engines.numpy.engine import DenseEngine
from simquay.execution.run import run_program
from simquay.execution.settings import RunContext
from simquay.planning import Layout, Plan, Profile, make_plan
from simquay.planning.tiled.cost import pass_cost
from simquay.program import Measure, Precision, Program
from simquay_cupy.device.cuda import CudaDevice
from simquay_cupy.engine import CupyEngine
from simquay_cupy.probe import probe
from simquay_cupy.states import DeviceState

PEAK_FLOPS = {  # by name and precision, from the vendor's datasheets
    "H100": {Precision.SINGLE: 67e12, Precision.DOUBLE: 33.5e12},
    "H200": {Precision.SINGLE: 67e12, Precision.DOUBLE: 33.5e12},
    "A100": {Precision.SINGLE: 19.5e12, Precision.DOUBLE: 9.7e12},
}
SHARE = 0.7
SHOTS = 1024
CHECK_QUBITS = (5, 12, 17, 20)
COPY_BYTES = 4 << 30
CLEARLY = 4.0
"""Once the GPU is so many times faster, more qubits need no comparison with the CPU."""

Row = dict[str, Any]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--qubits", type=int, nargs="+", default=[20, 24, 28, 30])
    parser.add_argument("--precisions", type=Precision, nargs="+", default=list(Precision))
    parser.add_argument("--families", nargs="+", default=list(FAMILIES))
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--low", type=int, default=None, help="other than the engine's choice")
    parser.add_argument("--replay-qubits", type=int, nargs="*", default=[12, 14, 16, 18, 19])
    parser.add_argument("--cpu-qubits", type=int, nargs="*", default=[*range(6, 25, 2)])
    parser.add_argument("--custatevec", type=Path, default=None)
    parser.add_argument("--commit", default=None)
    parser.add_argument("--json", type=Path, default=None)
    args = parser.parse_args()

    engine = CupyEngine(CudaDevice())
    facts = environment(args.commit)
    facts["copy TB/s"] = copy_rate(engine) / 1e12
    for key, value in facts.items():
        print(f"{key}: {value}")
    library = find_library(args.custatevec) if args.custatevec else None
    if args.custatevec and library is None:
        print(f"no libcustatevec.so.1 under {args.custatevec}: no peer")
    checks = check(engine, args.families)
    rows = []
    for qubits in args.qubits:
        for precision in args.precisions:
            for name in args.families:
                row = measure(engine, name, qubits, precision, args, facts)
                both = 2 * engine.required_bytes(qubits, precision)
                if library is not None and both < engine.available_bytes():
                    row |= peer(engine, library, name, qubits, precision, args)
                rows.append(row)
                print(line(row), flush=True)
    replays = [
        replay_row(engine, name, qubits, precision, planned_for)
        for qubits in args.replay_qubits
        for precision in args.precisions
        for name in args.families
        if possible(name, qubits)
        # 12 qubits in double precision have a kernel of their own: the usual one beside it.
        for planned_for in ([12, 11] if (qubits, precision.value) == (12, "double") else [qubits])
    ]
    engines = cpu_engines()
    cpu = [
        row for name in args.families for row in cpu_rows(engine, engines, name, args.cpu_qubits)
    ]
    wins = [win_row(cpu, engines, name) for name in args.families] if cpu else []
    tables = {
        "Largest difference of an amplitude to the NumPy engine": checks,
        "Time": rows,
        "Launch by launch, and replayed as a CUDA graph": replays,
        "CPU and GPU, program to samples": cpu,
        "Qubits from which on the GPU was faster": wins,
    }
    for title, table in tables.items():
        print_table(title, table)
    if args.json:
        report = {"facts": facts, "checks": checks, "rows": rows, "replays": replays, "cpu": cpu}
        report["wins"] = wins
        args.json.write_text(json.dumps(report, indent=1, default=str), encoding="utf-8")


def environment(commit: str | None) -> Row:
    """What ran: the device, the driver, CuPy, the commit."""
    if commit is None:
        told = subprocess.run(
            ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False
        )
        commit = told.stdout.strip() or "unknown"
    properties = cupy.cuda.runtime.getDeviceProperties(0)
    found = probe()
    return {
        "device": properties["name"].decode(),
        "multiprocessors": properties["multiProcessorCount"],
        "probe": getattr(found, "details", None) or getattr(found, "reason", ""),
        "cupy": cupy.__version__,
        "numpy": np.__version__,
        "commit": commit,
        "date": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()),
    }


def timed(engine: CupyEngine, work: Callable[[], object], repeats: int) -> float:
    """Median seconds of ``work`` on the device, by events, after one run more."""
    work()
    seconds: list[float] = []
    for _ in range(repeats):
        with engine.on.active():
            start, stop = cupy.cuda.Event(), cupy.cuda.Event()
            start.record()
            work()
            stop.record()
        stop.synchronize()
        seconds.append(cupy.cuda.get_elapsed_time(start, stop) / 1e3)
    return statistics.median(seconds)


def copy_rate(engine: CupyEngine) -> float:
    """Bytes a second that a device-to-device copy reads and writes."""
    with engine.on.active():
        source = cupy.zeros(COPY_BYTES // 8)
        target = cupy.empty_like(source)
        seconds = timed(engine, lambda: cupy.copyto(target, source), 10)
    return 2 * COPY_BYTES / seconds


def plan_for(engine: CupyEngine, program: Program, precision: Precision, low: int | None) -> Plan:
    profile = engine.profile(precision, program.num_qubits)
    if low is not None:
        profile = Profile("tiled", tile=profile.tile, low=low, span=profile.span)
    return make_plan(gates_of(program), Layout(), profile)


def possible(name: str, qubits: int) -> bool:
    """Whether there is a circuit: a 3-regular graph has an even number of vertices, 4 or more."""
    return name != "qaoa" or (qubits % 2 == 0 and qubits >= 4)


def check(engine: CupyEngine, families: list[str]) -> list[Row]:
    """Amplitudes against the NumPy engine in double precision."""
    oracle = DenseEngine()
    rows = []
    for qubits in CHECK_QUBITS:
        for name in families:
            if not possible(name, qubits):
                continue
            program = FAMILIES[name](qubits, 1)
            settings = RunContext(shots=1, wanted={"statevector": True})
            expected = run_program(program, oracle, settings, Control())["statevector"]
            row: Row = {"family": name, "qubits": qubits}
            for precision in Precision:
                settings = RunContext(shots=1, wanted={"statevector": True}, precision=precision)
                found = run_program(program, engine, settings, Control())["statevector"]
                assert found is not None
                assert expected is not None
                row[precision.value] = float(np.abs(found - expected).max())
            rows.append(row)
    return rows


def measure(
    engine: CupyEngine,
    name: str,
    qubits: int,
    precision: Precision,
    args: argparse.Namespace,
    facts: Row,
) -> Row:
    program = FAMILIES[name](qubits, 1)
    row: Row = {"family": name, "qubits": qubits, "precision": precision.value}
    if engine.required_bytes(qubits, precision) > engine.available_bytes():
        return row | {"skipped": "more than the device has free"}
    start = time.perf_counter()
    plan = plan_for(engine, program, precision, args.low)
    row["plan ms"] = 1e3 * (time.perf_counter() - start)
    state = engine.allocate(qubits, precision, capacity=qubits)
    start = time.perf_counter()
    run(engine, state, plan)
    engine.on.wait(engine.on.mark())
    row["first ms"] = 1e3 * (time.perf_counter() - start)  # with encoding and upload
    row["device ms"] = 1e3 * timed(engine, lambda: run(engine, state, plan), args.repeats)
    row["norm"] = float(engine.probabilities(state, (), {})[0, 0])
    engine.release(state)
    floor, bound = floor_of(plan, precision, facts)
    row |= {"passes": len(plan), "floor ms": 1e3 * floor, "bound": bound}
    row["ratio"] = row["device ms"] / row["floor ms"]
    row["whole ms"] = 1e3 * whole(engine, program, precision, args.repeats)
    return row


def run(engine: CupyEngine, state: DeviceState, plan: Plan) -> None:
    """Apply ``plan`` to |0…0>. The first pass reads one amplitude and writes the rest."""
    state.order = ()
    with engine.on.active():
        state.vectors[:, 0] = 1
    engine.apply(state, plan, Control())


def floor_of(plan: Plan, precision: Precision, facts: Row) -> tuple[float, str]:
    costs = [pass_cost(pass_) for pass_ in tiled_passes(plan)]
    amplitudes = sum(cost.amplitudes for cost in costs)
    memory = precision.amplitude_bytes * amplitudes / (1e12 * facts["copy TB/s"])
    peak = next((rates for key, rates in PEAK_FLOPS.items() if key in facts["device"]), None)
    flops = sum(cost.flops for cost in costs) / (SHARE * peak[precision]) if peak else 0.0
    return max(memory, flops), "memory" if memory > flops else "flops"


def whole(engine: Engine, program: Program, precision: Precision, repeats: int) -> float:
    """Wall-clock seconds from a program to samples of all qubits; the median."""
    qubits = program.num_qubits
    measures = tuple(Measure(q, q) for q in range(qubits))
    measured = Program(qubits, qubits, (*program.operations, *measures), name=program.name)
    seconds = []
    for seed in range(repeats + 1):
        settings = RunContext(shots=SHOTS, seed=seed, precision=precision)
        start = time.perf_counter()
        run_program(measured, engine, settings, Control())
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds[1:])


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
    ours, theirs = [], []
    with CuStateVec(library, qubits, precision) as other:
        for _ in range(args.repeats + 1):
            start = time.perf_counter()
            run(engine, state, plan)
            engine.on.wait(engine.on.mark())
            ours.append(time.perf_counter() - start)
            wires = other.queue(program)
            other.reset()
            start = time.perf_counter()
            other.apply()
            theirs.append(time.perf_counter() - start)
        count = min(1 << qubits, 1 << 16)
        found = other.amplitudes(count)
        index = np.arange(count, dtype=np.uint64)
        ask = np.zeros(count, dtype=np.uint64)
        for qubit, wire in enumerate(wires):
            ask |= (index >> np.uint64(wire) & np.uint64(1)) << np.uint64(qubit)
        same = float(np.abs(engine.gather(state, ask)[0] - found).max())
    engine.release(state)
    mine, peers = statistics.median(ours[1:]), statistics.median(theirs[1:])
    return {
        "wall ms": 1e3 * mine,
        "custatevec ms": 1e3 * peers,
        "times faster": peers / mine,
        "same": same,
    }


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
            run(trying, state, plan)
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


def cpu_engines() -> dict[str, Engine]:
    """The CPU's engines that there are here, by name."""
    engines: dict[str, Engine] = {"numpy": DenseEngine()}
    try:
        from simquay_numba.engine import NumbaEngine
    except ImportError as error:
        print(f"no Numba on this machine: {error}")
    else:
        engines["numba"] = NumbaEngine()
    return engines


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


def win_row(cpu: Sequence[Row], engines: Mapping[str, Engine], name: str) -> Row:
    """For each of the CPU's engines the smallest measured size from which on the GPU was faster."""
    rows = [row for row in cpu if row["family"] == name]
    found: Row = {"family": name}
    for key in engines:
        wins = [row["cupy ms"] < row[f"{key} ms"] for row in rows]
        lost = [number for number, won in enumerate(wins) if not won]
        first = lost[-1] + 1 if lost else 0
        found[f"than {key}"] = rows[first]["qubits"] if first < len(rows) else "none of these"
    return found


def line(row: Row) -> str:
    return "  ".join(
        f"{key} {value:.4g}" if isinstance(value, float) else f"{key} {value}"
        for key, value in row.items()
    )


def print_table(title: str, table: Sequence[Row]) -> None:
    if not table:
        return
    print(f"\n{title}\n")
    keys = list(dict.fromkeys(key for row in table for key in row))
    print("| " + " | ".join(keys) + " |")
    print("|" + "---|" * len(keys))
    for row in table:
        cells = [
            f"{row[key]:.3g}" if isinstance(row.get(key), float) else str(row.get(key, ""))
            for key in keys
        ]
        print("| " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
