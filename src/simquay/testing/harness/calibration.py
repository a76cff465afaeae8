"""How to keep any backend busy for some seconds, with little memory: found by trying.

A check that cancels a running job needs work that takes seconds on whatever backend it gets: an
interpreter written in Python and a compiled engine differ by a factor of a thousand. So the width
grows until a layer takes a millisecond or so, and then the depth. Deep circuits are long with
little memory, and a pass over the state stays short.

Widths are tried with half as many layers as qubits and more. With a few, a backend whose work grows
with the entanglement, as that of matrix product states, would seem quick at a width at which deeper
circuits take it hours.
"""

from __future__ import annotations

import dataclasses
import json
import time
from dataclasses import dataclass
from typing import Any

from qiskit import QuantumCircuit
from qiskit.exceptions import QiskitError

from simquay.testing.harness.circuits import layers
from simquay.testing.harness.processes import CpuMeter

__all__ = ["Calibration", "calibrate", "fit"]

_LEAST_WIDTH = 6
_MOST_WIDTH = 20  # 16 MiB of amplitudes
_MOST_CLIFFORD_WIDTH = 320  # a tableau grows with the square
_ENOUGH = 0.04  # seconds a layer
_TOO_LONG = 0.6  # seconds for the layers that entangle all qubits
_MEASURED = 0.15  # seconds that the measured run takes at least
_LONGEST_WANTED = 25.0  # seconds that gates alone must be able to make up
_LONG_ENOUGH = 0.4  # seconds of a run that need not be made longer to be sure of it
_LONG_MEASURED = 20.0  # seconds of a run that is not measured twice
_MOST_GATES = 60_000
_MOST_SHOTS = 1 << 20


@dataclass(frozen=True, slots=True)
class Calibration:
    """What takes ``seconds`` on a backend.

    Attributes:
        width: qubits.
        count: layers.
        shots: how many.
        seconds: measured, from the return of ``run`` to the end of the job, without what every job
            takes.
        clifford: the backend runs Clifford gates alone.
        synchronous: ``run`` itself does the work.
    """

    width: int
    count: int
    shots: int
    seconds: float
    clifford: bool
    synchronous: bool

    def circuit(self, seconds: float) -> QuantumCircuit:
        """A circuit that takes about ``seconds``, as far as a reasonable number of gates can."""
        wanted = round(self.count * seconds / self.seconds)
        return layers(self.width, max(1, min(wanted, self._most_layers)), self.clifford)

    def shots_for(self, seconds: float) -> int:
        """How many shots make up for what the gates cannot."""
        wanted = self.count * seconds / self.seconds
        scale = max(1.0, wanted / self._most_layers)
        return max(1, min(int(self.shots * scale), _MOST_SHOTS))

    @property
    def _longest(self) -> float:
        """The seconds that the most layers of this width take."""
        return self.seconds / self.count * self._most_layers

    @property
    def _most_layers(self) -> int:
        return max(1, _MOST_GATES // (2 * self.width))

    def to_json(self) -> str:
        """As text, for a child process."""
        return json.dumps(dataclasses.asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Calibration:
        """What :meth:`to_json` gave."""
        return cls(**json.loads(text))


def fit(circuit: QuantumCircuit, backend: Any) -> QuantumCircuit:
    """``circuit`` itself if the backend's target has all its instructions, else transpiled."""
    from qiskit import transpile

    names = set(circuit.count_ops()) - {"barrier"}
    if names <= set(backend.target.operation_names):
        return circuit
    return transpile(circuit, backend, optimization_level=0)


def calibrate(backend: Any) -> Calibration:
    """Find work that takes a quarter of a second or more on ``backend``.

    Raises:
        QiskitError: if it does not even run a small circuit.
    """
    measure = _Measure(backend)
    best = measure(_LEAST_WIDTH, _entangling(_LEAST_WIDTH), 100)
    best = _widen(backend, measure, best)
    while True:
        best = _deepen(measure, best)
        if 3 * 2 * best.width * best.count > _MOST_GATES:
            return best
        # Is it the layers that take time? Three times as many must take three times as long.
        if best.seconds > _LONG_ENOUGH and best.count >= 3:
            less = measure(best.width, best.count // 3, best.shots)
            if best.seconds > 2 * less.seconds:
                return best
        more = measure(best.width, 3 * best.count, best.shots)
        if more.seconds > 2 * best.seconds:
            return more
        best = dataclasses.replace(more, seconds=max(more.seconds - best.seconds, 1e-3))


def _deepen(measure: _Measure, best: Calibration) -> Calibration:
    """More layers, then more shots, until the work takes long enough."""
    while best.seconds < measure.enough:
        # Up to eight times as long: the estimate is rough where runs are short.
        factor = min(8, max(2, int(1.3 * _MEASURED / max(best.seconds, 1e-4))))
        if 2 * best.width * best.count * factor <= _MOST_GATES:
            best = measure(best.width, best.count * factor, best.shots)
        elif best.shots < _MOST_SHOTS:
            best = measure(best.width, best.count, best.shots * 4)
        else:
            break
    return best


def _entangling(width: int) -> int:
    """How many layers entangle ``width`` qubits as much as any do."""
    return width // 2 + 2


def _widen(backend: Any, measure: _Measure, best: Calibration) -> Calibration:
    """Wider circuits until a layer takes long enough."""
    most = _MOST_CLIFFORD_WIDTH if best.clifford else _MOST_WIDTH
    limit = backend.target.num_qubits
    most = most if limit is None else min(most, limit)
    while best.seconds / best.count < _ENOUGH and best.width < most:
        width = min(best.width + (best.width if best.clifford else 2), most)
        try:
            wider = measure(width, best.count if best.clifford else _entangling(width), best.shots)
        except (QiskitError, MemoryError):
            break  # the backend has a limit of its own
        if wider.seconds > _TOO_LONG and best._longest > _LONGEST_WANTED:
            break  # work of a second would be a few layers, and these tell nothing of more
        best = wider
    return best


class _Measure:
    """Measures what layers take; begins with what every job takes, however small."""

    def __init__(self, backend: Any) -> None:
        self._backend = backend
        self.clifford = False
        try:
            self._best(2, 1, 1)  # the first run may load or compile things
        except QiskitError:
            self.clifford = True
        self.overhead = self._best(2, 1, 1)[0]
        # Where every job takes long, what its layers add is lost in noise unless it is as long.
        self.enough = max(_MEASURED, 1.5 * self.overhead)

    def __call__(self, width: int, count: int, shots: int) -> Calibration:
        seconds, synchronous = self._best(width, count, shots)
        work = max(seconds - self.overhead, 1e-6)
        return Calibration(width, count, shots, work, self.clifford, synchronous)

    def _best(self, width: int, count: int, shots: int) -> tuple[float, bool]:
        """The best of some runs, since machines are busy."""
        circuit = fit(layers(width, count, self.clifford), self._backend)
        runs = [_seconds(self._backend, circuit, shots)]
        while len(runs) < 2 or (len(runs) < 4 and sum(one[0] for one in runs) < 2 * _MEASURED):
            if runs[0][0] > _LONG_MEASURED:
                break
            runs.append(_seconds(self._backend, circuit, shots))
        return min(runs)


def _seconds(backend: Any, circuit: QuantumCircuit, shots: int) -> tuple[float, bool]:
    """How long the work takes, and whether ``run`` did it all."""
    meter = CpuMeter()
    started = time.perf_counter()
    job = backend.run(circuit, shots=shots)
    returned = time.perf_counter()
    final = job.status().name in ("DONE", "ERROR", "CANCELLED")
    result = job.result()
    ended = time.perf_counter()
    if not result.success:
        raise QiskitError(f"a circuit of {circuit.num_qubits} qubits failed: {result.status}")
    # What run() itself did is lowering or transpiling, except where it did everything.
    seconds = ended - started if final else ended - returned
    # On a busy machine the clock runs ahead of the work, and the next run may find it idle. Where
    # the work is done elsewhere, such as on a GPU, processor time says nothing.
    used = meter.seconds()
    if used > seconds / 10:
        seconds = min(seconds, used)
    return max(seconds, 1e-6), final
