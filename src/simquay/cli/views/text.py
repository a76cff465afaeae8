"""Words for the terminal."""

from __future__ import annotations

__all__ = ["counted"]


def counted(number: int, noun: str) -> str:
    """The number with its noun: ``1 qubit``, ``2 qubits``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
