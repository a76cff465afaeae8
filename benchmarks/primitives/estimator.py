"""Energies through ``EstimatorV2``, side by side with Aer's and with PRISM-Q's prepared sweeps.

Exact (precision 0), in double precision. The estimators take turns call by call, so that a change
of the machine's load meets them all; the time is the best of ``--repeats``, after one call that
warms up. A call of ours and of Aer's is ``estimator.run([pub]).result()``, everything included.
PRISM-Q's time is that of the prepared sweep alone: its circuit, its parameters and its observable
are translated and prepared beforehand; the mean over it leaves out calls one by one, which are no
sweep. Values are compared to 1e-9. Ratios are the time of Aer's fastest form (by default, points
in parallel, or parameters bound at run time), and PRISM-Q's, over ours: above 1, ours is faster.

    OMP_WAIT_POLICY=passive python -m benchmarks.primitives.estimator [--backends numba,numpy]
        [--repeats 7] [--cases 4,VQE] [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import platform
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import qiskit
from numpy.typing import NDArray

from benchmarks.primitives.cases import AER_FORMS, CASES, Case, prepared
from simquay.primitives import EstimatorV2


def calls(case: Case, estimator: Any) -> Callable[[], NDArray[np.float64]]:
    """A function that gives the energies of a case from an estimator."""
    circuit, observable = case.circuit, case.observable

    def run() -> NDArray[np.float64]:
        if not case.one_by_one:
            return np.asarray(
                estimator.run([(circuit, observable, case.points)]).result()[0].data.evs
            )
        values = [
            estimator.run([(circuit, observable, point)]).result()[0].data.evs
            for point in case.points
        ]
        return np.array(values, dtype=float)

    return run


def runners(case: Case, backends: list[str]) -> dict[str, Callable[[], NDArray[np.float64]]]:
    """The estimators of a case by name."""
    found = {name: calls(case, EstimatorV2(name)) for name in backends}
    try:
        from qiskit_aer.primitives import EstimatorV2 as AerEstimator
    except ImportError:
        print("qiskit-aer is not installed: no ratios")
    else:
        for name, form in AER_FORMS.items():
            options = {"backend_options": {"method": "statevector", **form}}
            found[name] = calls(case, AerEstimator(options=options))
    if (sweep := prepared(case)) is not None:
        found["prism-q"] = sweep
    return found


def measured(case: Case, backends: list[str], repeats: int) -> dict[str, float]:
    """The best seconds of each estimator."""
    found = runners(case, backends)
    best = dict.fromkeys(found, np.inf)
    known: NDArray[np.float64] | None = None
    for repeat in range(-1, repeats):
        for name, run in found.items():
            started = time.perf_counter()
            values = run()
            seconds = time.perf_counter() - started
            if known is None:
                known = values
            if not np.allclose(values, known, atol=1e-9):
                raise SystemExit(f"{name} disagrees on {case.name!r}")
            if repeat >= 0:
                best[name] = min(best[name], seconds)
    times = {name: float(seconds) for name, seconds in best.items()}
    forms = [times[name] for name in AER_FORMS if name in times]
    return times | ({"best of aer": min(forms)} if forms else {})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--backends", default="numba,numpy")
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--cases", default="", help="beginnings of names, separated by commas")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    backends = arguments.backends.split(",")
    print(f"{platform.python_version()}, Qiskit {qiskit.__version__}, NumPy {np.__version__}")

    wanted = tuple(arguments.cases.split(","))
    rows = {}
    for name, case in CASES.items():
        if not name.startswith(wanted):
            continue
        rows[name] = best = measured(case, backends, arguments.repeats)
        times = "  ".join(f"{one} {1e3 * seconds:.2f} ms" for one, seconds in best.items())
        print(f"{name:30} {times}")
        for peer in ("best of aer", "prism-q"):
            if peer in best:
                ratios = "  ".join(f"{one} {best[peer] / best[one]:.2f}" for one in backends)
                print(f"{'':30} {peer} over {ratios}")
    for peer in ("best of aer", "prism-q"):
        for one in backends:
            gains = [
                best[peer] / best[one]
                for name, best in rows.items()
                if peer in best and not (peer == "prism-q" and CASES[name].one_by_one)
            ]
            if gains:
                mean = float(np.exp(np.mean(np.log(gains))))
                print(f"{peer} over {one}: geometric mean {mean:.2f}, least {min(gains):.2f}")
    if arguments.json:
        arguments.json.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
