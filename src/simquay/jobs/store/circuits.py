"""Circuits as QPY, and back."""

from __future__ import annotations

from collections.abc import Sequence

from qiskit import QuantumCircuit

from simquay.jobs.errors import JobStoreError
from simquay.jobs.workers.pickling import circuits_from_qpy, qpy_of

__all__ = ["from_qpy", "to_qpy"]

_OLDEST = 13
"""The lowest version of QPY that Qiskit 2 writes. Files of some older ones can run code."""


def to_qpy(circuits: Sequence[QuantumCircuit]) -> bytes:
    """Circuits as the bytes that ``qpy.load`` reads.

    Raises:
        JobStoreError: QPY cannot hold them.
    """
    try:
        return qpy_of(circuits)
    except Exception as error:  # see qpy_of
        raise JobStoreError(
            f"the circuits: QPY cannot hold them ({type(error).__name__}: {error})"
        ) from error


def from_qpy(content: bytes) -> list[QuantumCircuit]:
    """The circuits that :func:`to_qpy` wrote.

    Raises:
        JobStoreError: it wrote something else, or this Qiskit is too old to read it.
    """
    if content[:6] != b"QISKIT" or content[6:7] < bytes([_OLDEST]):
        raise JobStoreError("circuits that are kept are not in a form that Qiskit 2 writes")
    try:
        return circuits_from_qpy(content)
    except Warning:  # an error by the caller's filters
        raise
    except Exception as error:  # reading raises them, too
        raise JobStoreError(
            f"circuits that are kept cannot be read ({type(error).__name__}: {error}); a newer "
            "Qiskit may have written them"
        ) from error
