"""State evolution side by side with other simulators, one process, taking turns.

    python -m benchmarks.cpu.statevector [--n 20,22] [--precision single,double] [--engine numpy]
        [--peers aer,qsim,qulacs] [--families qft,qv,...] [--repetitions 5]
        [--floor] [--cpu-time] [--json FILE] [--plot FILE.png]

The circuits are those of benchmarks/circuits.py, made beforehand in every simulator's own terms.
What is timed is the same work: planning or fusion, afresh each time (the plan cache is emptied),
allocation, evolution, and one shot where the peer cannot do without (Aer). For Aer, Simquay's time
is that of a whole ``run_program`` with all qubits measured once; for the others, of evolution
alone. Every simulator has its default settings and all CPUs. The table shows medians; the ratio is
the peer's median over ours, and more than 1 means that Simquay is faster. ``qsim2`` and ``qsim4``
are qsim with that fusion; ``qsim`` takes what its documentation advises. With ``--floor`` (engine
``numba``), three more columns give our time over the least that it could take (see floor.py): of
the whole run; ``first`` of the evolution with the plan, and what the engine makes of it, at hand,
called once after the other simulators' turns, when threads sleep and caches hold others' data; and
``again`` of the same, called again at once, the least of a few calls, as the floor's own parts are:
an empty pass, and arithmetic that runs for many milliseconds.

``--json`` writes ``engine``, ``cpus``, ``clock`` (wall or cpu), ``versions``, ``repetitions`` and
``rows``. A row has ``family``, ``n``, ``precision``, ``gates``; ``medians_s`` and ``all_s``,
seconds by what was timed (a peer's name; ``evolution``, planning included; ``planning``;
``one shot``); ``ratios`` by peer; ``planning_share`` of the evolution; ``ns_per_amplitude`` of the
evolution; and ``load``, the machine's load average after it. With ``--floor``, ``medians_s`` has
``applying`` (the evolution alone, the first call of a turn), ``applying again``, ``empty pass`` and
``gigaflop`` (a thousand million flops) as well, and the row ``passes`` and ``flops`` of the plan,
``floor_s``, the least time, ``over_floor``, ``applying_over_floor`` and ``again_over_floor``.

Where others use the machine, wall time says little: threads that wait for each other wait for the
others' time slices. One CPU for every simulator, and the CPU time that it takes:

    OMP_NUM_THREADS=1 taskset -c 0 python -m benchmarks.cpu.statevector --cpu-time
"""

from __future__ import annotations

import argparse
import gc
import json
import math
import os
import platform
import statistics
from collections.abc import Callable
from importlib.metadata import distributions, version
from pathlib import Path
from typing import Any

import simquay
from benchmarks.circuits import FAMILIES
from benchmarks.peers import PEERS, Run, clock, cpus, measure_cpu_time, measured
from benchmarks.plans import gates_of
from simquay.control import Control
from simquay.execution.run import run_program
from simquay.execution.settings import RunContext
from simquay.planning import Layout, make_plan
from simquay.planning.planner import plan_cache
from simquay.program import Precision, Program

PEERS_WITH_A_SHOT = {"aer"}

AGAIN = 4
"""Calls of a turn that follow at once on the first, of what is compared with the floor and of what
the floor is made of. The least counts: on a shared machine the others tell of its neighbours."""


def evolution(engine: Any, program: Program, precision: Precision) -> Run:
    """Planning, allocation and all passes."""

    def run() -> float:
        plan_cache.clear()
        started = clock()
        state = engine.allocate(program.num_qubits, precision, capacity=program.num_qubits)
        profile = engine.profile(precision, program.num_qubits)
        plan = make_plan(gates_of(program), Layout(), profile)
        engine.apply(state, plan, Control())
        seconds = clock() - started
        engine.release(state)
        return seconds

    return run


def planning(engine: Any, program: Program, precision: Precision) -> Run:
    """Planning alone, nothing cached."""

    def run() -> float:
        started = clock()
        make_plan(gates_of(program), Layout(), engine.profile(precision, program.num_qubits), None)
        return clock() - started

    return run


def applying(engine: Any, program: Program, precision: Precision) -> Run:
    """The evolution alone: the plan is at hand, and whatever an engine makes of it once."""
    profile = engine.profile(precision, program.num_qubits)
    plan = make_plan(gates_of(program), Layout(), profile, None)

    def run() -> float:
        state = engine.allocate(program.num_qubits, precision, capacity=program.num_qubits)
        started = clock()
        engine.apply(state, plan, Control())
        seconds = clock() - started
        engine.release(state)
        return seconds

    return run


def one_shot(engine: Any, program: Program, precision: Precision) -> Run:
    """The same with all qubits measured once, as a job does it."""
    whole = measured(program)
    settings = RunContext(shots=1, seed=1, precision=precision)

    def run() -> float:
        plan_cache.clear()
        started = clock()
        run_program(whole, engine, settings, Control())
        return clock() - started

    return run


def compare(
    family: str,
    n: int,
    precision: Precision,
    engine: Any,
    peers: list[str],
    repetitions: int,
    floor: bool = False,
) -> dict[str, Any]:
    """Medians for one circuit; every simulator takes one turn a round."""
    program = FAMILIES[family](n)
    runs: dict[str, Run] = {}
    for peer in peers:
        run = PEERS[peer](program, precision)
        if run is not None:
            runs[peer] = run
    if PEERS_WITH_A_SHOT & runs.keys():
        runs["one shot"] = one_shot(engine, program, precision)
    runs["evolution"] = evolution(engine, program, precision)
    runs["planning"] = planning(engine, program, precision)
    if floor:
        from benchmarks.cpu.floor import empty_pass, fma_peak, work_of

        runs["applying"] = applying(engine, program, precision)
        runs["empty pass"] = empty_pass(engine, n, precision)
        runs["gigaflop"] = fma_peak(precision)
        passes, flops = work_of(engine, program, precision)
    for run in runs.values():  # warm up: thread pools, compilers, pages
        run()
    at_once = {"applying": "applying again", "empty pass": "empty pass", "gigaflop": "gigaflop"}
    seconds: dict[str, list[float]] = {name: [] for name in (*runs, *at_once.values())}
    for _ in range(repetitions):
        for name, run in runs.items():
            gc.collect()
            first = run()
            again = at_once.get(name)
            if again != name:
                seconds[name].append(first)
            if again is not None:
                seconds[again].append(min([run() for _ in range(AGAIN)]))
    seconds = {name: values for name, values in seconds.items() if values}
    medians = {name: statistics.median(values) for name, values in seconds.items()}
    ratios = {
        peer: medians[peer] / medians["one shot" if peer in PEERS_WITH_A_SHOT else "evolution"]
        for peer in runs
        if peer in PEERS
    }
    row: dict[str, Any] = {
        "family": family,
        "n": n,
        "precision": precision.value,
        "gates": len(program.operations),
        "medians_s": medians,
        "all_s": seconds,
        "ratios": ratios,
        "planning_share": medians["planning"] / medians["evolution"],
        "ns_per_amplitude": medians["evolution"] / (1 << n) * 1e9,
        "load": os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
    }
    if floor:
        moving = passes * medians["empty pass"]
        computing = flops / 1e9 * medians["gigaflop"] / 0.7
        least = max(moving, computing)
        row |= {
            "passes": passes,
            "flops": flops,
            "floor_s": least,
            "over_floor": medians["evolution"] / least,
            "applying_over_floor": medians["applying"] / least,
            "again_over_floor": medians["applying again"] / least,
        }
    return row


def geometric_mean(values: list[float]) -> float:
    return math.exp(statistics.fmean(math.log(value) for value in values))


def show_row(row: dict[str, Any], peers: list[str]) -> None:
    medians, ratios = row["medians_s"], row["ratios"]
    cells = [
        f"{row['family']:>8} {row['n']:>3} {row['precision']:>6}",
        f"{1e3 * medians['evolution']:9.1f} {100 * row['planning_share']:5.1f}%",
        f"{row['ns_per_amplitude']:8.1f}",
    ]
    cells += [
        f"{1e3 * medians[peer]:9.1f} {ratios[peer]:6.2f}" if peer in ratios else " " * 16
        for peer in peers
    ]
    if "floor_s" in row:
        over = [row[name] for name in ("over_floor", "applying_over_floor", "again_over_floor")]
        cells.append(" ".join(f"{ratio:6.2f}" for ratio in over))
    print("  ".join(cells), flush=True)


def plot(rows: list[dict[str, Any]], engine: str, file: Path) -> None:
    """Bars of the ratios, one panel for each precision and number of qubits."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    groups = sorted({(row["precision"], row["n"]) for row in rows}, reverse=True)
    figure, panels = pyplot.subplots(
        len(groups), 1, figsize=(9, 2.6 * len(groups)), squeeze=False, layout="constrained"
    )
    for panel, (precision, n) in zip(panels[:, 0], groups, strict=True):
        chosen = [row for row in rows if (row["precision"], row["n"]) == (precision, n)]
        names = [peer for peer in PEERS if any(peer in row["ratios"] for row in chosen)]
        width = 0.8 / max(len(names), 1)
        for place, peer in enumerate(names):
            heights = [row["ratios"].get(peer, 0) for row in chosen]
            positions = [index + (place + 0.5) * width - 0.4 for index in range(len(chosen))]
            bars = panel.bar(positions, heights, width, label=peer)
            panel.bar_label(bars, fmt="%.1f", fontsize=7)
        panel.axhline(1, color="black", linewidth=0.8)
        panel.set_xticks(range(len(chosen)), [row["family"] for row in chosen])
        panel.set_yscale("log")
        panel.margins(y=0.2)
        panel.set_ylabel("times faster")
        panel.set_title(f"{engine}: n = {n}, {precision} precision", fontsize=10)
        panel.legend(fontsize=8)
    figure.savefig(file, dpi=120)


def versions() -> dict[str, str]:
    """What was compared."""
    found = {"python": platform.python_version()}
    installed = {distribution.name for distribution in distributions()}
    ours = ("simquay", "numpy", "numba", "qiskit")
    peers = ("qiskit-aer", "qsimcirq", "qulacs", "pennylane_lightning_kokkos")
    for name in (*ours, *peers):
        if name in installed:
            found[name] = version(name)
    return found


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    split: Callable[[str], list[str]] = lambda text: text.split(",") if text else []  # noqa: E731  # typed
    parser.add_argument("--n", type=split, default=["20"])
    parser.add_argument("--precision", type=split, default=["single", "double"])
    parser.add_argument("--engine", default="numpy")
    parser.add_argument("--peers", type=split, default=["aer", "qsim", "qulacs"])
    parser.add_argument("--families", type=split, default=list(FAMILIES))
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--floor", action="store_true")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--plot", type=Path)
    parser.add_argument("--cpu-time", action="store_true")
    arguments = parser.parse_args()
    if arguments.cpu_time:
        measure_cpu_time()
    engine = simquay.get_backend(arguments.engine).engine
    rows: list[dict[str, Any]] = []
    heads = "".join(f"  {peer + ' ms':>9} {'ratio':>6}" for peer in arguments.peers)
    heads += "   floor  first  again" if arguments.floor else ""
    print(f"{'family':>8} {'n':>3} {'':>6}  {'ms':>9} {'plan':>6}  {'ns/amp':>8}{heads}")
    for precision in map(Precision, arguments.precision):
        for n in map(int, arguments.n):
            first = len(rows)
            for family in arguments.families:
                row = compare(
                    family,
                    n,
                    precision,
                    engine,
                    arguments.peers,
                    arguments.repetitions,
                    arguments.floor,
                )
                rows.append(row)
                show_row(row, arguments.peers)
            for peer in arguments.peers:
                ratios = [row["ratios"][peer] for row in rows[first:] if peer in row["ratios"]]
                if ratios:
                    print(
                        f"{'':>8} {n:>3} {precision.value:>6}  {peer}: geometric mean "
                        f"{geometric_mean(ratios):.2f}, worst {min(ratios):.2f}"
                    )
    if arguments.json:
        report = {
            "engine": arguments.engine,
            "cpus": cpus(),
            "clock": "cpu" if arguments.cpu_time else "wall",
            "versions": versions(),
            "repetitions": arguments.repetitions,
            "rows": rows,
        }
        arguments.json.write_text(json.dumps(report, indent=1) + "\n")
    if arguments.plot:
        plot(rows, arguments.engine, arguments.plot)


if __name__ == "__main__":
    main()
