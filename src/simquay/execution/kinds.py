"""The kinds of results that a run can give, by name.

A kind says what its results need, how they are read from a state, and how the results of split
shots are joined. All other layers pass results on as they are. A new kind is a class here or in
:mod:`~simquay.execution.results` with its entry in :data:`KINDS`; an option that asks for it; and,
if Qiskit's ``Result`` should not hold the value as it is, how it is shown, in
:mod:`simquay.results`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from simquay.engines.base import Engine, State
from simquay.errors import OutOfMemoryError
from simquay.execution.branching.deferral import defer
from simquay.execution.branching.saves import join_saved, saved_bytes, saves_of
from simquay.execution.counting import counted_bytes, counting_bytes
from simquay.execution.density.method import method_of
from simquay.execution.density.packing import density_qubits
from simquay.execution.memory import required_bytes, statevector_bytes
from simquay.execution.observables.values import Estimates
from simquay.execution.readout import PORTION, portion_shots
from simquay.execution.results import End, Expectation, Probabilities, ResultKind, samples_bytes
from simquay.execution.settings import RunContext
from simquay.program import (
    Diagonal,
    Matrix,
    Measure,
    Parametric,
    Permutation,
    Precision,
    Prepare,
    Program,
    Relabel,
    Reset,
)
from simquay.system.memory import format_bytes, host_available_bytes, host_limit

__all__ = [
    "KINDS",
    "counts_bytes",
    "divisible",
    "is_plain",
    "joined_results",
    "most_trajectories",
    "needed_bytes",
    "of_one_state",
    "result_bytes",
]

_SAMPLING_BYTES = 80
"""For each shot of a portion, while it is sampled: draws, outcomes, their order, positions."""

_BRANCHING_BYTES = 24
"""For each shot of a program that branches: its number in its branch and, while the branch splits,
in a portion and among those of one outcome."""

_SMALL_RESULT = 16 << 20
"""Bytes up to which a result is returned without asking for the available memory."""


class _Samples(ResultKind):
    """The classical bits of each shot; the run draws them."""

    joins = True

    def needed_bytes(self, program: Program, context: RunContext, shots: int) -> int:
        return samples_bytes(program.num_clbits, shots)

    def join(self, parts: list[Any]) -> Any:
        shots = sum(map(len, parts))
        samples = np.empty((shots, parts[0].shape[1]), dtype=np.uint64)
        while parts:
            part = parts.pop()
            samples[shots - len(part) : shots] = part
            shots -= len(part)
        return samples


class _StateVector(ResultKind):
    """The final state, before the measurements that were deferred to the end."""

    def needed_bytes(self, program: Program, context: RunContext, shots: int) -> int:
        need = statevector_bytes(program, context.precision)
        if context.precision is not Precision.DOUBLE:  # Qiskit's Statevector holds double precision
            need += statevector_bytes(program, Precision.DOUBLE)
        return need

    def check(self, program: Program, context: RunContext) -> None:
        """Raise :class:`~simquay.errors.OutOfMemoryError` if the host has no memory for the
        array."""
        need = statevector_bytes(program, context.precision)
        words = f"the state vector of {program.num_qubits} qubits takes"
        _check_host(need, words, "ask for counts alone")

    def read(self, engine: Engine, state: State, context: RunContext, end: End) -> Sequence[Any]:
        return list(engine.amplitudes(state))


class _Matrices(Sequence[Any]):
    """The density matrix of each vector, each made when it is asked for."""

    def __init__(self, engine: Engine, state: State, end: End) -> None:
        self._engine = engine
        self._state = state
        self._end = end

    def __len__(self) -> int:
        return self._state.batch

    def __getitem__(self, number: Any) -> Any:
        engine, state = self._engine, self._state
        if len(self) > 1:
            state = engine.rows(state, number, number + 1)
        [matrix] = engine.density_matrices(state, None, self._end.control)
        for qubit in self._end.resets:  # both outcomes, in |0>
            blocks = matrix.reshape((len(matrix) >> qubit + 1, 2, 1 << qubit) * 2)
            blocks[:, 0, :, :, 0] += blocks[:, 1, :, :, 1]
            blocks[:, 1] = 0
            blocks[:, :, :, :, 1] = 0
        return matrix


class _DensityMatrix(ResultKind):
    """The final density matrix, before the measurements that were deferred to the end; complex128,
    shape ``(2**num_qubits, 2**num_qubits)``. A total is the sum of the weights, and that of the
    weighted matrices."""

    averages = True

    def needed_bytes(self, program: Program, context: RunContext, shots: int) -> int:
        return 16 << 2 * program.num_qubits

    def reading_bytes(self, program: Program, context: RunContext) -> int:
        return 16 << 2 * program.num_qubits  # that of one branch, beside the mean

    def check(self, program: Program, context: RunContext) -> None:
        """Raise :class:`~simquay.errors.OutOfMemoryError` if the host has no memory for the
        array."""
        need = self.needed_bytes(program, context, 0)
        words = f"the density matrix of {program.num_qubits} qubits takes"
        _check_host(need, words, "ask for counts alone")

    def read(self, engine: Engine, state: State, context: RunContext, end: End) -> Sequence[Any]:
        return _Matrices(engine, state, end)

    def add(self, total: Any, values: Sequence[Any], weights: Sequence[float]) -> Any:
        whole, mean = (0.0, 0.0) if total is None else total
        for number, weight in enumerate(weights):
            matrix = values[number]
            matrix *= weight
            mean = np.add(matrix, mean, out=matrix)
            whole += weight
        return whole, mean

    def mean(self, total: Any, trajectories: int) -> Any:
        whole, mean = total
        mean /= whole
        return mean


def _check_host(need: int, words: str, advice: str) -> None:
    if need <= _SMALL_RESULT:
        return
    available = host_available_bytes()
    if need > available:
        bound = f", by {limit}" if (limit := host_limit()) else ""
        raise OutOfMemoryError(
            f"{words} {format_bytes(need)}, but this machine has only "
            f"{format_bytes(available)} available{bound}; {advice}",
            needed=need,
            available=available,
        )


class _Saved(ResultKind):
    """The data of ``Save`` operations by key; the run saves them on its way."""

    def divisible(self, program: Program) -> bool:
        # Saves of one state, and saves that count all shots as one, need all shots.
        saves = saves_of(program)
        return not saves or not (
            any(one.form == "single" and not one.conditional for one in saves)
            or defer(program).gates is not None
        )

    def needed_bytes(self, program: Program, context: RunContext, shots: int) -> int:
        return saved_bytes(program, context.precision, shots)

    def given_by(self, program: Program) -> bool:
        return bool(saves_of(program))

    def check(self, program: Program, context: RunContext) -> None:
        """Raise :class:`~simquay.errors.OutOfMemoryError` if the host has no memory for the
        data."""
        need = saved_bytes(program, context.precision, context.shots)
        _check_host(need, "what the circuit saves takes", "save less")

    def join(self, parts: list[Any]) -> Any:
        return join_saved(parts)


KINDS: Mapping[str, ResultKind] = {
    "density_matrix": _DensityMatrix(),
    "expectation": Expectation(),
    "probabilities": Probabilities(),
    "samples": _Samples(),
    "saved": _Saved(),
    "statevector": _StateVector(),
}
"""Every kind, by name."""


def _results(context: RunContext, plain: bool = False) -> list[ResultKind]:
    """The kinds that a program's outcome may have; a ``plain`` program saves nothing."""
    own = ("samples",) if plain else ("samples", "saved")
    return [KINDS[name] for name in (*own, *context.wanted)]


_PLAIN = frozenset({Matrix, Diagonal, Permutation, Relabel, Prepare, Parametric, Measure, Reset})


def is_plain(program: Program) -> bool:
    """Whether all operations are of the kinds that most programs have: neither noise nor a save is
    among them, or inside."""
    return _PLAIN.issuperset(map(type, program.operations))


def of_one_state(context: RunContext) -> bool:
    """Whether a result is asked for that a program has of one final state alone."""
    return not all(KINDS[name].averages for name in context.wanted)


def most_trajectories(context: RunContext) -> int:
    """The trajectories over which a mean is taken that cannot be had over all branches."""
    return _estimates(context).trajectories


def _estimates(context: RunContext) -> Estimates:
    found: Estimates = context.wanted.get("expectation", _NO_ESTIMATES)
    return found


_NO_ESTIMATES = Estimates((), ())


def needed_bytes(
    program: Program,
    engine: Engine,
    context: RunContext,
    shots: int,
    *,
    plain: bool = False,
    method: str | None = None,
) -> int:
    """Bytes of the engine's device that a run of ``program`` by ``method`` needs at least: its
    state, and on the CPU its results as well, and what sampling takes or, when the state is gone,
    counting. ``plain``: see :func:`is_plain`."""
    if (method or method_of(program, context)) == "density_matrix":
        need = engine.required_bytes(density_qubits(program, engine), context.precision)
    else:
        need = required_bytes(program, engine, context.precision)
    if engine.device == "cpu":
        drawn = shots or _estimates(context).most
        sampling = _SAMPLING_BYTES * portion_shots(drawn)
        if sampling and defer(program).gates is None:  # few shots cost as little to number
            sampling = 2 * sampling + _BRANCHING_BYTES * drawn
        counting = counting_bytes(shots, program.num_clbits, context.memory)
        need = max(need + sampling, counting)
        for kind in _results(context, plain):
            need += kind.needed_bytes(program, context, shots)
            need += kind.reading_bytes(program, context)
    return need


def result_bytes(
    program: Program,
    engine: Engine,
    context: RunContext,
    shots: int,
    counted: bool,
    *,
    plain: bool = False,
) -> tuple[int, int]:
    """Bytes of the engine's device that the results of ``program`` take at most, which is if each
    shot has another outcome, and that counting takes beside them until it is done; without
    ``counted``, samples stay as they are. ``plain``: see :func:`is_plain`."""
    if engine.device != "cpu":
        return 0, 0
    results = sum(kind.needed_bytes(program, context, shots) for kind in _results(context, plain))
    if not (counted and shots):
        return results, 0
    bits = program.num_clbits
    possible = 1 << min(bits, 62)
    samples = samples_bytes(bits, shots)
    results += counted_bytes(min(shots, possible), bits, context.memory) - samples
    # Each portion has its distinct outcomes, and the numbers of them.
    distinct = min(shots, (shots // PORTION + 1) * possible)
    counting = samples + samples_bytes(bits, distinct) + 8 * distinct
    counting += counting_bytes(shots, bits, False)
    return results + (9 * shots if context.memory else 0), counting


def counts_bytes(context: RunContext, engine: Engine, bits: int, shots: int) -> int | None:
    """Bytes that are left for the counts of ``shots`` with ``bits`` classical bits, beside samples;
    None where the option ``max_memory_mb`` sets no limit."""
    if context.max_bytes is None or engine.device != "cpu":
        return None
    return max(context.max_bytes - samples_bytes(bits, shots), 0)


def divisible(program: Program, context: RunContext) -> bool:
    """Whether the shots of ``program`` may be run apart: not if it has a result of all of them, or
    saves of a density matrix, which count all shots as one."""
    if not all(kind.divisible(program) for kind in _results(context)):
        return False
    return not saves_of(program) or method_of(program, context) != "density_matrix"


def joined_results(parts: list[Mapping[str, Any]]) -> Mapping[str, Any]:
    """One program's results from those of its parts, in the order of their shots; the list is
    emptied."""
    if len(parts) == 1:
        return parts.pop()
    values = {name: [one[name] for one in parts] for name in parts[0]}
    parts.clear()
    return {name: KINDS[name].join(some) for name, some in values.items()}
