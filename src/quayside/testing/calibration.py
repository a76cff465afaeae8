"""How to keep any backend busy for some seconds, with little memory: found by trying.

A check that cancels a running job needs work that takes seconds on whatever backend it gets: an
interpreter written in Python and a compiled engine differ by a factor of a thousand. So the width
grows until a layer takes a millisecond or so, and then the depth. Deep circuits are long with
little memory, and a pass over the state stays short.
"""

from __future__ import annotations

import dataclasses
import json
import time
from dataclasses import dataclass
from typing import Any

from qiskit import QuantumCircuit
from qiskit.exceptions import QiskitError

from quayside.testing.circuits import layers

__all__ = ["Calibration", "calibrate", "fit"]

_LEAST_WIDTH = 6
_MOST_WIDTH = 20  # 16 MiB of amplitudes
_MOST_CLIFFORD_WIDTH = 320  # a tableau grows with the square
_ENOUGH = 0.02  # seconds a layer
_MEASURED = 0.25  # seconds that the measured run takes at least
_LONG_MEASURED = 4.0  # seconds of a run that is not measured twice
_MOST_GATES = 60_000
_MOST_SHOTS = 1 << 20


@dataclass(frozen=True, slots=True)
class Calibration:
    """What takes ``seconds`` on a backend.

    Attributes:
        width: qubits.
        count: layers.
        shots: how many.
        seconds: measured, from the return of ``run`` to the end of the job.
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
    try:
        clifford = False
        best = _measure(backend, _LEAST_WIDTH, 4, 100, clifford)
    except QiskitError:
        clifford = True
        best = _measure(backend, _LEAST_WIDTH, 4, 100, clifford)
    best = _widen(backend, best)
    while best.seconds < _MEASURED:
        # Up to eight times as long: the estimate is rough where runs are short.
        factor = min(8, max(2, int(1.3 * _MEASURED / max(best.seconds, 1e-4))))
        if 2 * best.width * best.count * factor <= _MOST_GATES:
            best = _measure(backend, best.width, best.count * factor, best.shots, clifford)
        elif best.shots < _MOST_SHOTS:
            best = _measure(backend, best.width, best.count, best.shots * 4, clifford)
        else:
            break
    return best


def _widen(backend: Any, best: Calibration) -> Calibration:
    """Wider circuits until a layer takes long enough."""
    most = _MOST_CLIFFORD_WIDTH if best.clifford else _MOST_WIDTH
    limit = backend.target.num_qubits
    most = most if limit is None else min(most, limit)
    while best.seconds / best.count < _ENOUGH and best.width < most:
        step = best.width if best.clifford else 2
        try:
            wider = _measure(
                backend, min(best.width + step, most), best.count, best.shots, best.clifford
            )
        except (QiskitError, MemoryError):
            break  # the backend has a limit of its own
        best = wider
    return best


def _measure(backend: Any, width: int, count: int, shots: int, clifford: bool) -> Calibration:
    """The best of two runs, or of three where they differ much: a first run may compile things."""
    circuit = fit(layers(width, count, clifford), backend)
    first = _seconds(backend, circuit, shots)
    best = min(first, _seconds(backend, circuit, shots)) if first[0] < _LONG_MEASURED else first
    if best[0] < first[0] / 1.5:
        best = min(best, _seconds(backend, circuit, shots))
    return Calibration(width, count, shots, best[0], clifford, best[1])


def _seconds(backend: Any, circuit: QuantumCircuit, shots: int) -> tuple[float, bool]:
    """How long the work takes, and whether ``run`` did it all."""
    started = time.perf_counter()
    job = backend.run(circuit, shots=shots)
    returned = time.perf_counter()
    final = job.status().name in ("DONE", "ERROR", "CANCELLED")
    result = job.result()
    ended = time.perf_counter()
    if not result.success:
        raise QiskitError(f"a circuit of {circuit.num_qubits} qubits failed: {result.status}")
    # What run() itself did is lowering or transpiling, except where it did everything.
    return max(ended - started if final else ended - returned, 1e-6), final
