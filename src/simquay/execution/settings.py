"""How a job's programs are run, and the outcome of one of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from simquay.program import Precision

__all__ = ["Outcome", "Piece", "RunContext"]


@dataclass(frozen=True, slots=True)
class RunContext:
    """All that a run needs beside its programs.

    It is made once, where the run comes in, and handed down unchanged, to another process too.

    Attributes:
        shots: of each circuit; 0 for no samples: results that are means are then exact, over all
            branches of a dynamic circuit, or else over trajectories.
        seed: the job's seed, 0 or more. Draw ``k`` of shot ``s`` of circuit ``c`` depends on
            ``(seed, c, s, k)`` alone.
        precision: of the amplitudes.
        max_bytes: the most memory that a run may take, or None.
        memory: whether the result keeps every shot's outcome.
        wanted: the results asked for beside the samples: by the name of its kind
            (:data:`~simquay.execution.kinds.KINDS`), the argument of each.
        branches_together: the most branches of a dynamic circuit whose states are alive together;
            None for what :mod:`simquay.execution.branching.batches` finds best. It changes no
            sample.
        method: how circuits with noise are run: ``trajectories``, ``density_matrix``, or
            ``automatic`` for the one that is predicted to take less
            (:mod:`simquay.execution.trajectories.prediction`).
    """

    shots: int = 1024
    seed: int = 0
    precision: Precision = Precision.DOUBLE
    max_bytes: int | None = None
    memory: bool = False
    wanted: Mapping[str, Any] = field(default_factory=dict)
    branches_together: int | None = None
    method: str = "automatic"


@dataclass(frozen=True, slots=True)
class Piece:
    """The position of a part of a job: some shots of some circuits.

    Attributes:
        circuits: the numbers of its circuits in the job, increasing.
        first_shot: the index of its first shot of each of them.
        shots: how many shots of each of them it takes.
    """

    circuits: tuple[int, ...]
    first_shot: int
    shots: int

    def part(self, first: int, count: int) -> Piece:
        """The piece of ``count`` of its circuits, from its circuit ``first`` on."""
        return Piece(self.circuits[first : first + count], self.first_shot, self.shots)


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """The results of one program, by the name of their kind (``outcome["samples"]``).

    Attributes:
        results: ``samples`` are the classical bits at the end of each shot, shape
            ``(shots, words)``, uint64: bit ``k % 64`` of word ``k // 64`` is classical bit ``k``;
            ``words`` is at least 1. ``saved`` are the data of ``Save`` operations by key, as
            :mod:`simquay.execution.branching.saves` says.
            ``statevector`` are the final amplitudes in qubit order, shape ``(2**num_qubits,)``.
            ``density_matrix`` is the mean over all that noise, measurements and resets do, shape
            ``(2**num_qubits, 2**num_qubits)``, complex128.
            ``expectation`` are means of observables and their standard errors, shape
            ``(2, observables)``; the errors are 0 where the means are exact.
            ``probabilities`` are the distribution of the classical bits: the outcomes that are
            possible, as ``samples`` has them, and the probability of each. A result that was not
            asked for is not there.
        metadata: figures of the run, plain values: ``measure_sampling`` (whether all shots were
            drawn from one final state, as Aer calls it; only where there are shots), ``method`` (of
            a program with noise: ``trajectories`` or ``density_matrix``), ``branches``
            (state evolutions at the end), ``passes``, ``stored_qubits``, ``strategy`` and seconds
            of ``planning_time`` and ``execution_time``. A dynamic circuit has ``branches_together``
            (the most that shared a state; a pass over them all is one) and ``replays``, too;
            without samples, ``dropped_probability`` (of branches that were too unlikely to be
            followed) or, where there were too many, ``trajectories`` (how many were drawn). With
            noise, ``trajectories`` are those that differ, and ``evolutions`` is the work, in
            evolutions of the whole circuit.
    """

    results: Mapping[str, Any]
    metadata: Mapping[str, Any] = field(default_factory=dict)

    def __getitem__(self, kind: str) -> Any:
        return self.results[kind]
