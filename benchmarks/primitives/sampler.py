"""Sweeps through ``SamplerV2``, side by side with Aer's: one pub with many points, 1,024 shots.

In double precision. The samplers take turns call by call; the time is the best of ``--repeats`` of
``sampler.run([pub]).result()``, after one call that warms up. Ratios are the time of
Aer's fastest form (by default, points in parallel, or parameters bound at run time) over ours.

    OMP_WAIT_POLICY=passive python -m benchmarks.primitives.sampler [--backends numba,numpy]
        [--sizes 4:200,10:50,16:5] [--shots 1024] [--repeats 7] [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import platform
import time
from pathlib import Path
from typing import Any

import numpy as np
import qiskit

from benchmarks.primitives.cases import AER_FORMS, ansatz
from simquay.primitives import SamplerV2


def samplers(backends: list[str], shots: int) -> dict[str, Any]:
    """The samplers by name."""
    found: dict[str, Any] = {
        name: SamplerV2(name, default_shots=shots, seed=1) for name in backends
    }
    try:
        from qiskit_aer.primitives import SamplerV2 as AerSampler
    except ImportError:
        print("qiskit-aer is not installed: no ratios")
    else:
        for name, form in AER_FORMS.items():
            options = {"backend_options": {"method": "statevector", **form}}
            found[name] = AerSampler(default_shots=shots, seed=1, options=options)
    return found


def measured(found: dict[str, Any], pub: tuple[Any, ...], repeats: int) -> dict[str, float]:
    """The best seconds of each sampler."""
    best = dict.fromkeys(found, float("inf"))
    for repeat in range(-1, repeats):
        for name, sampler in found.items():
            started = time.perf_counter()
            data = sampler.run([pub]).result()[0].data
            seconds = time.perf_counter() - started
            if data.meas.shape != (len(pub[1]),):
                raise SystemExit(f"{name}: shape {data.meas.shape}")
            if repeat >= 0:
                best[name] = min(best[name], seconds)
    return best


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--backends", default="numba,numpy")
    parser.add_argument("--sizes", default="4:200,10:50,16:5", help="qubits:points, ...")
    parser.add_argument("--shots", type=int, default=1024)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    print(f"{platform.python_version()}, Qiskit {qiskit.__version__}, NumPy {np.__version__}")

    backends = arguments.backends.split(",")
    found = samplers(backends, arguments.shots)
    rows = {}
    for size in arguments.sizes.split(","):
        qubits, count = map(int, size.split(":"))
        circuit = ansatz(qubits)
        points = np.random.default_rng(qubits).uniform(0, 6, (count, circuit.num_parameters))
        circuit.measure_all()
        rows[size] = best = measured(found, (circuit, points), arguments.repeats)
        times = "  ".join(f"{one} {1e3 * seconds:.2f} ms" for one, seconds in best.items())
        print(f"{qubits:2} qubits, {count} points  {times}")
        if forms := [best[name] for name in AER_FORMS if name in best]:
            print(
                "  best of aer over", *[f"{one} {min(forms) / best[one]:.2f}" for one in backends]
            )
    if arguments.json:
        arguments.json.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
