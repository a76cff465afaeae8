"""How time and memory of state evolution grow with the number of qubits.

    python -m benchmarks.cpu.growth [--n 22,24,26] [--precision single] [--engine numpy]
        [--families random,qft] [--repetitions 3] [--json FILE]

Every measurement is a process of its own. ``peak / state`` is the most memory that the process held
beyond what it held before the run (``ru_maxrss``, so Linux only), over the bytes of the state:
planning, all buffers and one read of the probabilities of a qubit are in it.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import simquay
from benchmarks.circuits import FAMILIES
from simquay.control import Control
from simquay.planning import Layout, make_plan
from simquay.program import Precision


def measure(family: str, n: int, precision: Precision, engine_name: str, repetitions: int) -> None:
    """Print one measurement as JSON. Runs in a child process."""
    program = FAMILIES[family](n)
    engine: Any = simquay.get_backend(engine_name).engine

    def run(program: Any, qubits: int) -> float:
        started = time.perf_counter()
        state = engine.allocate(qubits, precision, capacity=qubits)
        profile = engine.profile(precision, qubits)
        plan = make_plan(program.operations, Layout(), profile, None)
        engine.apply(state, plan, Control())
        seconds = time.perf_counter() - started
        engine.probabilities(state, (0,), {})
        engine.release(state)
        return seconds

    run(FAMILIES[family](12), 12)  # imports and threads are no memory of the run
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    seconds = [run(program, n) for _ in range(repetitions)]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    print(json.dumps({"seconds": seconds, "peak_bytes": peak * 1024}))


def main() -> None:
    """Measure all, print a table, write JSON where asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--n", default="22,24,26")
    parser.add_argument("--precision", default="single")
    parser.add_argument("--engine", default="numpy")
    parser.add_argument("--families", default="random,qft")
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--child", nargs=2, metavar=("FAMILY", "N"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    precision = Precision(arguments.precision)
    if arguments.child:
        family, n = arguments.child
        measure(family, int(n), precision, arguments.engine, arguments.repetitions)
        return
    rows = []
    print(f"{'family':>8} {'n':>3} {'ms':>9} {'ns/amp':>7} {'/ first':>7} {'peak / state':>12}")
    for family in arguments.families.split(","):
        first = 0.0
        for n in map(int, arguments.n.split(",")):
            command = [
                *(sys.executable, "-m", "benchmarks.cpu.growth", "--child", family, str(n)),
                *("--precision", precision.value, "--engine", arguments.engine),
                *("--repetitions", str(arguments.repetitions)),
            ]
            told = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
            seconds = statistics.median(told["seconds"])
            each = seconds / (1 << n) * 1e9
            first = first or each
            peak = told["peak_bytes"] / (precision.amplitude_bytes << n)
            rows.append({"family": family, "n": n, **told, "growth": each / first, "peak": peak})
            print(
                f"{family:>8} {n:>3} {1e3 * seconds:9.1f} {each:7.1f} {each / first:7.2f} "
                f"{peak:12.2f}",
                flush=True,
            )
    if arguments.json:
        report = {"engine": arguments.engine, "precision": precision.value, "rows": rows}
        arguments.json.write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
