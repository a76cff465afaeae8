"""The method by which a program is run: one state vector, trajectories, or the density matrix.

The choice depends on the program, the options and the shots alone, not on the engine: the samples
of a method are those of the same seed anywhere, but two methods draw different samples.
"""

from __future__ import annotations

from simquay.errors import ProgramError
from simquay.execution.branching.deferral import Deferred, defer
from simquay.execution.settings import RunContext
from simquay.execution.trajectories.prediction import predicted_evolutions
from simquay.program import Channel, Gate, Measure, Misread, Program, Reset, Restart, Save
from simquay.program.program import PARENTS, most_stored_qubits, walk

__all__ = ["check_density", "method_of"]

_DENSITY_BYTES = 2 << 30
"""Where no limit is set, density matrices of more bytes are not chosen."""

_DENSITY_TIME = 5.0, 8.5e-5
"""Microseconds for an operation, and for it and each coefficient of the density matrix."""

_TRAJECTORY_TIME = 300.0, 3.0, 3e-4
"""Microseconds for an evolution and each of its stops; for it and each gate; for these and each
amplitude."""

_MAY_BE_NOISY = PARENTS | {Channel}

_AMPLITUDES = frozenset({"statevector", "statevector_dict", "amplitudes"})
"""The saves that a density matrix does not have."""


def method_of(program: Program, context: RunContext) -> str:
    """``statevector`` for a program without channels; else ``trajectories`` or ``density_matrix``,
    as the option ``method`` says, or by the work that is predicted.

    A program without channels has a density matrix where it is asked for, and resets in the middle
    would split its state.
    """
    if _MAY_BE_NOISY.isdisjoint(map(type, program.operations)) or not any(
        type(one) is Channel for one in walk(program.operations)
    ):
        if context.method == "density_matrix":
            deferred = defer(program)
            if deferred.gates is None and _unfit(deferred, context) is None:
                return "density_matrix"
        return "statevector"
    if context.method != "automatic":
        return context.method
    qubits = most_stored_qubits(program)
    each, most = context.precision.amplitude_bytes, _DENSITY_BYTES
    if context.max_bytes is not None:  # the most that an engine takes, if it says no less
        each, most = 3 * each + 48, context.max_bytes
    if each << 2 * qubits > most:
        return "trajectories"
    if _unfit(defer(program), context) is not None:
        return "trajectories"
    if "density_matrix" in context.wanted:
        return "density_matrix"  # the mean over a few trajectories would look like the state
    shots = context.shots
    if not shots:
        estimates = context.wanted.get("expectation")
        if estimates is None or estimates.exact:
            return "density_matrix"
        shots = estimates.trajectories
    faster = _density_time(program, qubits) <= _trajectories_time(program, qubits, shots)
    return "density_matrix" if faster else "trajectories"


# Times on two cores with the engine numba, as benchmarks/noise/methods.py measures them. Their
# ratio decides, and is much the same elsewhere.


def _density_time(program: Program, qubits: int) -> float:
    """Microseconds that the density matrix is predicted to take."""
    alone, each = _DENSITY_TIME
    return len(program.operations) * (alone + each * 4.0**qubits)


def _trajectories_time(program: Program, qubits: int, shots: int) -> float:
    """Microseconds that trajectories are predicted to take."""
    alone, gate, each = _TRAJECTORY_TIME
    gates = sum([isinstance(one, Gate) for one in program.operations])
    # An evolution stops at each channel that has no unitary part.
    stops = sum(
        [isinstance(one, Channel) and one.mixture.parts[0].ndim == 3 for one in program.operations]
    )
    one = alone * (1 + stops) + gates * (gate + each * 2.0**qubits)
    return predicted_evolutions(program, shots) * one


def check_density(program: Program, deferred: Deferred, context: RunContext) -> None:
    """Check that a density matrix can be had of ``program``.

    Raises:
        ProgramError: if it cannot.
    """
    reason = _unfit(deferred, context)
    if reason is not None:
        name = f"circuit {program.name!r}" if program.name else "the circuit"
        raise ProgramError(
            f"{name} has no density matrix of all its shots: {reason}; "
            "method='trajectories' or 'automatic' runs it"
        )


def _unfit(deferred: Deferred, context: RunContext) -> str | None:
    """Why a density matrix does not serve; None if it does."""
    if "statevector" in context.wanted:
        return "a final state vector is asked for"
    for one in deferred.operations:
        if isinstance(one, (Gate, Channel, Reset, Restart)):
            continue
        if isinstance(one, Save):
            if one.kind in _AMPLITUDES:
                return f"it saves a {one.kind.replace('_', ' ')}"
        elif isinstance(one, (Measure, Misread)):
            return "it measures in the middle"
        else:
            return "it has control flow or classical variables"
    return None
