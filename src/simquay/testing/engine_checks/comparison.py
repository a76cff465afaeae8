"""The comparison of an engine with the reference engine, on gates of a fixed seed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from simquay.engines.reference import ReferenceEngine
from simquay.errors import ProgramError
from simquay.program import GateOperation, Precision
from simquay.testing.harness.assertions import raises, require
from simquay.testing.harness.gates import evolve, random_gates

__all__ = [
    "NOT",
    "REFERENCE",
    "TOLERANCE",
    "Amplitudes",
    "gates_of",
    "near",
    "refused",
    "vectors_of",
]

Amplitudes: TypeAlias = NDArray[np.complexfloating[Any]]

TOLERANCE = {Precision.DOUBLE: 1e-11, Precision.SINGLE: 5e-5}
"""The most by which an amplitude, a probability or an expectation value may differ."""

REFERENCE = ReferenceEngine()
"""Runs in double precision."""

NOT = np.array([1, 0])


def near(found: Any, expected: Any, precision: Precision, what: str) -> None:
    """Fail unless arrays agree to within the tolerance.

    Raises:
        CheckFailed: with ``what`` in its text.
    """
    found, expected = np.asarray(found), np.asarray(expected)
    require(
        found.shape == expected.shape,
        f"{what}: the shape is {found.shape}; expected {expected.shape}",
    )
    difference = float(np.abs(found - expected).max(initial=0))
    require(
        difference <= TOLERANCE[precision],
        f"{what}, in {precision.value} precision: differs by {difference:.2g}; expected at most "
        f"{TOLERANCE[precision]:g}",
    )


def vectors_of(gates: Sequence[GateOperation], num_qubits: int, batch: int = 1) -> Amplitudes:
    """The amplitudes that the reference engine gives."""
    return REFERENCE.amplitudes(evolve(REFERENCE, gates, num_qubits, batch=batch))


def gates_of(
    num_qubits: int, count: int, seed: int, *, prepare: bool = True
) -> list[GateOperation]:
    """Up to ``count`` random gates of all kinds."""
    return random_gates(num_qubits, count, np.random.default_rng(seed), prepare=prepare)


def refused(what: str, call: Callable[..., object], *arguments: object) -> None:
    """Fail unless ``call(*arguments)`` raises :class:`~simquay.errors.ProgramError`."""
    raises(partial(call, *arguments), ProgramError, what=what)
