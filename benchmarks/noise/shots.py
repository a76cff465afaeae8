"""Counts of noisy circuits, side by side with Aer's and, on the first case, PRISM-Q's.

The same circuit, noise model and number of shots, in double precision. A time of Simquay's and of
Aer's is that of ``run(circuit).result().get_counts()``, everything included; PRISM-Q's is that of
its counts, with the circuit and its noise translated beforehand. Simquay runs each case
``--repeats`` times; the table has the best, and the first, which makes the plans and the channels
(the kernels were loaded by runs of one layer). Aer runs once, after two shots; PRISM-Q twice.

Aer's statevector method runs in several forms (``benchmarks/noise/cases.py``). But for the form
with branching, its time is linear in the shots: with ``--aer-shots N`` it runs N shots, and the
time is scaled to the shots of the case. Branching costs less a shot the more shots there are, so it
is run in full where its N shots were among the two fastest forms, and scaled elsewhere. With
readout errors it is left out, since its counts are then wrong.
``--linearity`` prints the milliseconds a shot of Aer's default form at N, 2N and 4N shots. Of the
case of 10 qubits, Aer's density matrix method is measured, too.

Ratios are the time of Aer's default form, of its fastest form (``density_matrix`` included), and of
PRISM-Q, over the best of ours: above 1, ours is faster. Simquay's counts are compared with Aer's by
the frequency of each qubit's 1, to 5 standard errors.

    OMP_WAIT_POLICY=passive python -m benchmarks.noise.shots [--backends numba,numpy]
        [--cases 14,10] [--repeats 3] [--aer-shots 100] [--linearity] [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import platform
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import qiskit
from numpy.typing import NDArray
from qiskit import QuantumCircuit

import simquay
from benchmarks.noise.cases import AER_FORMS, CASES, Case, on_prism

Counts = Mapping[str, int]


def timed(run: Callable[[], Counts]) -> tuple[float, Counts]:
    """The seconds of one call, and its counts."""
    started = time.perf_counter()
    counts = run()
    return time.perf_counter() - started, counts


def ones(counts: Counts, reverse: bool = False) -> NDArray[np.float64]:
    """How often each qubit gave 1; ``reverse`` where strings have qubit 0 first."""
    keys = [key[::-1] if reverse else key for key in counts]
    bits = np.array([[int(bit) for bit in key[::-1]] for key in keys])
    frequencies: NDArray[np.float64] = np.average(bits, axis=0, weights=list(counts.values()))
    return frequencies


def check(name: str, found: Counts, known: Counts, reverse: bool = False) -> None:
    """Stop where two simulators disagree on a qubit: a false alarm in 1e-4 of the runs."""
    apart = abs(ones(found, reverse) - ones(known))
    limit = 5 * 0.5 * np.sqrt(1 / sum(found.values()) + 1 / sum(known.values()))
    if apart.max() > limit:
        raise SystemExit(f"{name}: frequencies differ by {apart.max():.4f}, limit {limit:.4f}")


class Aer:
    """Aer's times on one case."""

    def __init__(self, case: Case, circuit: QuantumCircuit, shots: int) -> None:
        self.case = case
        self.circuit = circuit
        self.model = case.model()
        self.shots = min(shots or case.shots, case.shots)

    def runs(self, shots: int, **options: Any) -> tuple[float, Counts]:
        """Seconds and counts."""
        from qiskit_aer import AerSimulator

        simulator = AerSimulator(noise_model=self.model, **options)
        run = simulator.run
        run(self.circuit, shots=2, seed_simulator=1).result()
        return timed(lambda: run(self.circuit, shots=shots, seed_simulator=1).result().get_counts())

    def times(self) -> tuple[dict[str, float], Counts]:
        """Seconds at the shots of the case by form, and the counts of the longest run."""
        scale = self.case.shots / self.shots
        times: dict[str, float] = {}
        longest: Counts = {}
        branching = "aer, branching"
        for name, form in AER_FORMS.items():
            if name == branching and self.case.readout:
                continue
            seconds, counts = self.runs(self.shots, method="statevector", **form)
            times[name] = scale * seconds
            longest = longest or dict(counts)
        if branching in sorted(times, key=lambda name: times[name])[:2] and scale > 1:
            form = AER_FORMS[branching]
            times[branching], full = self.runs(self.case.shots, method="statevector", **form)
            longest = dict(full)
        if self.case.qubits <= 10:
            times["aer, density matrix"], full = self.runs(self.case.shots, method="density_matrix")
            longest = dict(full)
        return times, longest

    def linearity(self) -> str:
        """Milliseconds a shot at more and more shots."""
        found = []
        for factor in (1, 2, 4):
            shots = factor * self.shots
            found.append(1e3 * self.runs(shots, method="statevector")[0] / shots)
        return ", ".join(f"{one:.2f}" for one in found)


def ours(case: Case, circuit: QuantumCircuit, name: str, repeats: int) -> tuple[Any, Counts]:
    """Of a backend: the seconds of each run, and what its result says of the method."""
    backend = simquay.get_backend(name)
    model = case.model()
    seconds = []
    for _ in range(repeats):
        started = time.perf_counter()
        job = backend.run(circuit, shots=case.shots, noise_model=model, seed_simulator=1)
        result = job.result()
        counts = result.get_counts()
        seconds.append(time.perf_counter() - started)
    header = result.results[0].metadata
    said = {key: header.get(key) for key in ("method", "trajectories", "evolutions")}
    return {"seconds": seconds, **said}, counts


def measured(case: Case, arguments: argparse.Namespace) -> dict[str, Any]:
    """All times of a case, in seconds."""
    circuit = case.circuit()
    row: dict[str, Any] = {"shots": case.shots}
    known: Counts = {}
    for name in arguments.backends.split(","):
        found, counts = ours(case, circuit, name, arguments.repeats)
        known = known or counts
        check(name, counts, known)
        row[name] = found
        first, best = found["seconds"][0], min(found["seconds"])
        said = f"{found['method']}, {found['trajectories']}, {found['evolutions']}"
        print(f"  {name:28} {best:9.3f} s  (first {first:.3f}; {said})", flush=True)
    aer = Aer(case, circuit, arguments.aer_shots)
    row["aer"], counts = aer.times()
    row["aer shots"] = aer.shots
    check("aer", counts, known)
    if (run := on_prism(case)) is not None:
        row["prism-q"], counts = min((timed(run) for _ in range(2)), key=lambda one: one[0])
        check("prism-q", counts, known, reverse=True)
    for name, seconds in [*row["aer"].items(), ("prism-q", row.get("prism-q"))]:
        if seconds is not None:
            print(f"  {name:28} {seconds:9.3f} s", flush=True)
    if arguments.linearity:
        print(f"  aer, ms a shot at N, 2N, 4N  {aer.linearity()}", flush=True)
    return row


def ratios(row: dict[str, Any], name: str) -> dict[str, float]:
    """Times of the others over the best of a backend's."""
    best = min(row[name]["seconds"])
    others = {"aer": row["aer"]["aer"], "best of aer": min(row["aer"].values())}
    others |= {"prism-q": row["prism-q"]} if "prism-q" in row else {}
    return {other: seconds / best for other, seconds in others.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--backends", default="numba,numpy")
    parser.add_argument("--cases", default="", help="beginnings of names, separated by commas")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--aer-shots", type=int, default=100, help="0: those of the case")
    parser.add_argument("--linearity", action="store_true")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    print(f"{platform.python_version()}, Qiskit {qiskit.__version__}, NumPy {np.__version__}")
    backends = arguments.backends.split(",")
    for case in CASES.values():
        small = replace(case, layers=1)
        for name in backends:
            ours(small, small.circuit(), name, 1)

    rows = {}
    for name, case in CASES.items():
        if not name.startswith(tuple(arguments.cases.split(","))):
            continue
        print(f"{name}, {case.shots} shots", flush=True)
        rows[name] = row = measured(case, arguments)
        for one in backends:
            found = ratios(row, one).items()
            print(f"  over {one}:", ", ".join(f"{other} {ratio:.1f}" for other, ratio in found))
    for one in backends:
        for peer in ("aer", "best of aer", "prism-q"):
            gains = [ratios(row, one)[peer] for row in rows.values() if peer in ratios(row, one)]
            if gains:
                mean = float(np.exp(np.mean(np.log(gains))))
                print(f"{peer} over {one}: geometric mean {mean:.1f}, least {min(gains):.1f}")
    if arguments.json:
        arguments.json.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
