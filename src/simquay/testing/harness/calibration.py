"""Finds a circuit that keeps the backend under test busy for some seconds, with little memory.

A check that cancels a running job needs work that takes seconds, and the speeds of an interpreter
written in Python and of a compiled engine differ by a factor of a thousand. The circuit is found by
measuring: its width grows until a layer takes some milliseconds, then its depth. A deep circuit
takes long with little memory, and each pass over the state stays short.

A width is measured with at least half as many layers as qubits. The work of some simulators, such
as those of matrix product states, grows with the entanglement: with few layers they would seem
quick at a width at which a deep circuit takes hours.
"""

from __future__ import annotations

import dataclasses
import time
from dataclasses import dataclass
from typing import Any

from qiskit import QuantumCircuit
from qiskit.exceptions import QiskitError

from simquay.testing.harness.circuits import layers
from simquay.testing.harness.processes import CpuMeter

__all__ = ["Calibration", "calibrate", "fit_to_target"]

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
    """A circuit and shots, and the time that they take on the backend.

    Attributes:
        width: number of qubits.
        count: number of layers.
        shots: number of shots.
        seconds: from the return of ``run`` to the end of the job, less the overhead of every job.
        clifford: whether the backend runs Clifford gates only.
        synchronous: whether ``run`` itself does the work.
    """

    width: int
    count: int
    shots: int
    seconds: float
    clifford: bool
    synchronous: bool

    def circuit(self, seconds: float) -> QuantumCircuit:
        """A circuit that takes about ``seconds``, or less if that takes too many gates."""
        wanted = round(self.count * seconds / self.seconds)
        return layers(self.width, max(1, min(wanted, self._most_layers)), self.clifford)

    def shots_for(self, seconds: float) -> int:
        """The number of shots with which ``circuit(seconds)`` takes about ``seconds``."""
        wanted = self.count * seconds / self.seconds
        scale = max(1.0, wanted / self._most_layers)
        return max(1, min(int(self.shots * scale), _MOST_SHOTS))

    @property
    def _longest(self) -> float:
        """The seconds that the largest number of layers takes."""
        return self.seconds / self.count * self._most_layers

    @property
    def _most_layers(self) -> int:
        return max(1, _MOST_GATES // (2 * self.width))


def fit_to_target(circuit: QuantumCircuit, backend: Any) -> QuantumCircuit:
    """``circuit`` if the backend's target has all its instructions, else ``circuit`` transpiled."""
    from qiskit import transpile

    names = set(circuit.count_ops()) - {"barrier"}
    if names <= set(backend.target.operation_names):
        return circuit
    return transpile(circuit, backend, optimization_level=0)


def calibrate(backend: Any) -> Calibration:
    """Find work that takes a quarter of a second or more on ``backend``.

    Raises:
        QiskitError: if it fails to run a small circuit.
    """
    measure = _Measure(backend)
    best = measure(_LEAST_WIDTH, _entangling(_LEAST_WIDTH), 100)
    best = _widen(backend, measure, best)
    while True:
        best = _deepen(measure, best)
        if 3 * 2 * best.width * best.count > _MOST_GATES:
            return best
        # The time must be that of the layers: three times as many must take about three times as
        # long.
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
    """The number of layers that entangle ``width`` qubits as much as more layers would."""
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
            break  # too wide for the backend
        if wider.seconds > _TOO_LONG and best._longest > _LONGEST_WANTED:
            break  # a second of work would be a few layers, too few to extrapolate from
        best = wider
    return best


class _Measure:
    """Measures the time of layers, less the overhead of a job, which it measures first."""

    def __init__(self, backend: Any) -> None:
        self._backend = backend
        self.clifford = False
        try:
            self._best(2, 1, 1)  # the first run may load or compile things
        except QiskitError:
            self.clifford = True
        self.overhead = self._best(2, 1, 1)[0]
        # The time of the layers is lost in the noise of a long overhead, unless it is as long.
        self.enough = max(_MEASURED, 1.5 * self.overhead)

    def __call__(self, width: int, count: int, shots: int) -> Calibration:
        seconds, synchronous = self._best(width, count, shots)
        work = max(seconds - self.overhead, 1e-6)
        return Calibration(width, count, shots, work, self.clifford, synchronous)

    def _best(self, width: int, count: int, shots: int) -> tuple[float, bool]:
        """The shortest of some runs, since the machine may be busy."""
        circuit = fit_to_target(layers(width, count, self.clifford), self._backend)
        runs = [_seconds(self._backend, circuit, shots)]
        while len(runs) < 2 or (len(runs) < 4 and sum(one[0] for one in runs) < 2 * _MEASURED):
            if runs[0][0] > _LONG_MEASURED:
                break
            runs.append(_seconds(self._backend, circuit, shots))
        return min(runs)


def _seconds(backend: Any, circuit: QuantumCircuit, shots: int) -> tuple[float, bool]:
    """The time that the work takes, and whether ``run`` did all of it."""
    meter = CpuMeter()
    started = time.perf_counter()
    job = backend.run(circuit, shots=shots)
    returned = time.perf_counter()
    final = job.status().name in ("DONE", "ERROR", "CANCELLED")
    result = job.result()
    ended = time.perf_counter()
    if not result.success:
        raise QiskitError(f"a circuit of {circuit.num_qubits} qubits failed: {result.status}")
    # run() lowers or transpiles the circuit, and that does not count, unless it does all the work.
    seconds = ended - started if final else ended - returned
    # On a busy machine less processor time is used than time passes, and the next run may find the
    # machine idle. Processor time says nothing if the work is done elsewhere, such as on a GPU.
    used = meter.seconds()
    if used > seconds / 10:
        seconds = min(seconds, used)
    return max(seconds, 1e-6), final
