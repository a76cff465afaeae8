"""How one program is run, and the outcome of the run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simquay.program import Precision

__all__ = ["Outcome", "RunSettings"]


@dataclass(frozen=True, slots=True)
class RunSettings:
    """How one program of a job is run.

    Attributes:
        shots: how many shots, 1 or more.
        seed: the job's seed, 0 or more. Draw ``k`` of shot ``s`` of circuit ``c`` depends on
            ``(seed, c, s, k)`` alone.
        circuit: the program's index in its job.
        first_shot: the index of the first shot, where a job's shots were split.
        precision: of the amplitudes.
        statevector: also return the final state.
        branches_together: the most branches of a dynamic circuit whose states are alive together;
            None for what :mod:`simquay.execution.branching.batches` finds best. It changes no
            sample.
    """

    shots: int = 1024
    seed: int = 0
    circuit: int = 0
    first_shot: int = 0
    precision: Precision = Precision.DOUBLE
    statevector: bool = False
    branches_together: int | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """The result of one program.

    Attributes:
        samples: the classical bits at the end of each shot, shape ``(shots, words)``, uint64:
            bit ``k % 64`` of word ``k // 64`` is classical bit ``k``; ``words`` is at least 1.
        statevector: the final amplitudes in qubit order, shape ``(2**num_qubits,)``, or None.
        saved: the states of ``Save`` operations by key, each like ``statevector``.
        metadata: figures of the run, plain values: ``branches`` (state evolutions at the end),
            ``passes``, ``stored_qubits``, ``strategy`` and seconds of ``planning_time`` and
            ``execution_time``. A dynamic circuit has ``branches_together`` (the most that shared
            a state; a pass over them all is one) and ``replays``, too.
    """

    samples: NDArray[np.uint64]
    statevector: NDArray[np.complexfloating[Any]] | None = None
    saved: Mapping[str, NDArray[np.complexfloating[Any]]] = field(default_factory=dict)
    metadata: Mapping[str, Any] = field(default_factory=dict)
