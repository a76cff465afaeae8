"""Pubs on backends that run circuits and give shots alone, such as adapted ones.

Each pub is a task, which runs circuits on the backend in jobs of the backend's own and waits.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qiskit import ClassicalRegister, QuantumCircuit
from qiskit.primitives import PrimitiveResult
from qiskit.providers import BackendV2
from qiskit.transpiler import PassManager
from qiskit.transpiler.passes import Optimize1qGatesDecomposition

from simquay.circuits.parameters import assigned
from simquay.errors import Cancelled
from simquay.jobs.base import BaseJob
from simquay.jobs.dispatch.tasks import TaskControl
from simquay.jobs.errors import JobCancelledError
from simquay.jobs.job import TaskEnd
from simquay.program import Observable
from simquay.simulators.adapted.results import writes_bits
from simquay.simulators.base import SimquayBackend
from simquay.simulators.engine.pubs.jobs import finished

__all__ = ["Bases", "JoinForeign", "Shots", "bound_circuits"]

_READ = "__simquay"
"""The classical register that a basis is read into."""


def bound_circuits(circuit: QuantumCircuit, points: NDArray[np.float64]) -> list[QuantumCircuit]:
    """The circuit at each point; copies of the caller's, of the same name."""
    rows = [dict(zip(circuit.parameters, row, strict=True)) for row in points.tolist()]
    return list(assigned(circuit, rows))


@dataclass(frozen=True, slots=True)
class JoinForeign:
    """Makes the result of a job whose tasks give a ``PubResult`` each.

    Attributes:
        names: of the pubs' circuits.
        metadata: of the result.
    """

    names: Sequence[str]
    metadata: Mapping[str, Any]

    def __call__(self, ends: Sequence[TaskEnd], job_id: str, seconds: float) -> PrimitiveResult:
        """The job's result.

        Raises:
            JobFailedError: where a pub failed; its partial result holds the others.
        """
        ends = ends[: len(self.names)]  # a job without pubs has a task all the same
        results = {n: end.answer for n, end in enumerate(ends) if end.error is None}
        failed = {n: (0, end.error) for n, end in enumerate(ends) if end.error is not None}
        metadata = {"version": 2, "job_id": job_id, "time_taken": seconds, **self.metadata}
        return finished(results, failed, self.names, [1] * len(ends), metadata)


class Shots:
    """Circuits that run on a backend, and the samples that they give.

    Args:
        backend: runs them, in jobs of its own, which this submits.
        options: of ``backend.run``. A seed is that of the job's first circuits; the others have
            seeds that are made of it.
        number: of the pub in its job.
        circuits: to run.
        shots: of each.
    """

    def __init__(
        self,
        backend: SimquayBackend,
        options: Mapping[str, Any],
        number: int,
        circuits: Sequence[QuantumCircuit],
        shots: int,
    ) -> None:
        self._shots = shots
        self._words = [max(1, -(-one.num_clbits // 64)) for one in circuits]
        self._jobs: list[tuple[list[int], BaseJob]] = []
        told = [place for place, one in enumerate(circuits) if writes_bits(one)]
        most = backend.max_circuits or max(len(told), 1)
        seed = options.get("seed_simulator")
        for first in range(0, len(told), most):
            places = told[first : first + most]
            fixed: dict[str, Any] = {"shots": shots, "memory": True}
            if seed is not None and (number or first):
                sequence = np.random.SeedSequence(seed, spawn_key=(number, first))
                fixed["seed_simulator"] = int(sequence.generate_state(1)[0] >> 1)
            job = backend.run([circuits[place] for place in places], **{**options, **fixed})
            self._jobs.append((places, job))

    def cancel(self) -> None:
        """Cancel the backend's jobs."""
        for _, job in [*self._jobs]:
            job.cancel()

    def samples(self, control: TaskControl) -> list[NDArray[np.uint64]]:
        """The classical bits of each shot of each circuit, in words; see
        :class:`~simquay.execution.settings.Outcome`.

        Raises:
            JobFailedError: a job of the backend failed.
            Cancelled: the control says so, or the backend cancelled a job.
        """
        found = [np.zeros((self._shots, words), dtype=np.uint64) for words in self._words]
        try:
            for number, (places, job) in enumerate(self._jobs, 1):
                control.check()
                for place, one in zip(places, job.result().results, strict=True):
                    found[place] = _words(one.data.memory, self._words[place])
                control.report(number / len(self._jobs))
        except JobCancelledError as error:
            raise Cancelled("the backend's job was cancelled") from error
        self._jobs = []  # so that their results are gone
        return found


def _words(memory: Sequence[str], words: int) -> NDArray[np.uint64]:
    """Shots in hexadecimal as words of 64 bits, the lowest first."""
    data = b"".join([int(shot, 16).to_bytes(8 * words, "little") for shot in memory])
    return np.frombuffer(data, dtype="<u8").reshape(-1, words)


Letters = tuple[tuple[int, int], ...]
"""A term: its letters, as those of an ``Observable``, and their qubits, in increasing order."""


class Bases:
    """Observables by bases that they are read in: terms that agree in the basis of each qubit are
    read from the same shots.

    Args:
        observables: to estimate.
        backend: that the circuits run on.
    """

    def __init__(self, observables: Sequence[Observable], backend: BackendV2) -> None:
        self.count = len(observables)
        self._constants = np.zeros(self.count)
        self._groups: list[tuple[dict[int, int], dict[Letters, NDArray[np.float64]]]] = []
        for number, observable in enumerate(observables):
            for term, coefficient in _terms(observable):
                if term:
                    self._weights(term)[number] += coefficient
                else:
                    self._constants[number] += coefficient
        rotations = [self._rotation(basis) for basis, _ in self._groups]
        if backend.target is not None:  # devices have no Hadamard gate
            passes = PassManager([Optimize1qGatesDecomposition(target=backend.target)])
            rotations = [passes.run(one) for one in rotations]
        self._rotations = rotations

    def _weights(self, term: Letters) -> NDArray[np.float64]:
        """The term's coefficients, one for each observable; in the first basis that it fits."""
        needed = {qubit: letter & 3 for letter, qubit in term}
        fitting = (
            group
            for group in self._groups
            if all(group[0].get(qubit, axis) == axis for qubit, axis in needed.items())
        )
        if (group := next(fitting, None)) is None:
            group = {}, {}
            self._groups.append(group)
        group[0].update(needed)
        return group[1].setdefault(term, np.zeros(self.count))

    def _rotation(self, basis: Mapping[int, int]) -> QuantumCircuit:
        """Takes the eigenvectors of a basis to |0> and |1>."""
        circuit = QuantumCircuit(max(basis) + 1)
        for qubit, axis in basis.items():
            if axis == 3:
                circuit.sdg(qubit)
            if axis != 1:
                circuit.h(qubit)
        return circuit

    def circuits(self, circuit: QuantumCircuit) -> list[QuantumCircuit]:
        """The circuit, followed by the measurement of each basis."""
        made = []
        for (basis, _), rotation in zip(self._groups, self._rotations, strict=True):
            one = circuit.copy()
            register = ClassicalRegister(len(basis), _READ)
            one.add_register(register)
            one.compose(rotation, range(rotation.num_qubits), inplace=True)
            one.measure([*basis], register)
            made.append(one)
        return made

    def estimates(
        self, samples: Sequence[NDArray[np.uint64]], first_bit: int
    ) -> NDArray[np.float64]:
        """Means and standard errors of the observables, shape ``(2, observables)``.

        Args:
            samples: of each of :meth:`circuits`.
            first_bit: the number of classical bits of the circuit itself.
        """
        means, variances = self._constants.copy(), np.zeros(self.count)
        for (basis, terms), one in zip(self._groups, samples, strict=True):
            bits = {
                qubit: (one[:, place // 64] >> np.uint64(place % 64)).astype(np.int8) & 1
                for place, qubit in enumerate(basis, first_bit)
            }
            values = np.array([_value(term, bits) for term in terms], dtype=np.float64)
            sums = np.array([*terms.values()]).T @ values  # (observables, shots)
            means += sums.mean(axis=1)
            variances += sums.var(axis=1, ddof=min(1, len(one) - 1)) / len(one)
        return np.array([means, np.sqrt(variances)])


def _terms(observable: Observable) -> Iterator[tuple[Letters, float]]:
    for start, end, coefficient in zip(
        observable.bounds, observable.bounds[1:], observable.coefficients, strict=False
    ):
        letters = observable.letters[start:end].tolist()
        term = zip(letters, observable.qubits[start:end].tolist(), strict=True)
        yield tuple(sorted(term, key=lambda one: one[1])), float(coefficient)


def _value(term: Letters, bits: Mapping[int, NDArray[np.int8]]) -> Any:
    """The term's value in each shot."""
    value: Any = 1
    for letter, qubit in term:
        if letter < 4:
            value = value * (1 - 2 * bits[qubit])
        else:  # a projector: 8 is that onto +1
            value = value * (bits[qubit] == (letter < 8))
    return value
