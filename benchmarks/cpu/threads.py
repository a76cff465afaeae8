"""How the engine ``numba`` scales with threads: program to samples, in double precision.

    export PYTHONPATH=src:plugins/simquay-numba/src
    python -m benchmarks.cpu.threads --qubits 24 27 --json threads.json

``speedup`` is against one thread; ``efficiency`` is that for each thread. A row is printed, and the
file written, as soon as it is measured, the fast ones first.
"""

from __future__ import annotations

import os

from benchmarks.circuits import FAMILIES
from benchmarks.tables import Report, options, whole
from simquay.program import Precision
from simquay_numba.engine import NumbaEngine


def main() -> None:
    args = options(__doc__, qubits=[24, 27], threads=[1, 2, 4, 8, 16], families=["qv", "qaoa"])
    given = args.parse_args()
    report = Report({"cpus": os.cpu_count(), "commit": given.commit}, given.json)
    for qubits in given.qubits:
        for name in given.families:
            whole(NumbaEngine(), FAMILIES[name](14, 1), Precision.DOUBLE, 1)  # compiles
            for threads in sorted(given.threads, reverse=True):
                engine = NumbaEngine(threads=threads)
                seconds = whole(engine, FAMILIES[name](qubits, 1), Precision.DOUBLE, 1)
                row = {"family": name, "qubits": qubits, "threads": threads, "seconds": seconds}
                report.note("threads", row)
    for row in report.tables["threads"]:
        for one in report.tables["threads"]:
            if (one["family"], one["qubits"], one["threads"]) == (row["family"], row["qubits"], 1):
                row["speedup"] = one["seconds"] / row["seconds"]
                row["efficiency"] = row["speedup"] / row["threads"]
    report.save()
    report.print()


if __name__ == "__main__":
    main()
