"""All checks of a backend."""

from __future__ import annotations

from simquay.testing.checks import backend, ending, identity, results, states, values, work
from simquay.testing.checks.check import Check, checks_of
from simquay.testing.harness.context import CheckContext

__all__ = ["CHECKS_IN_ORDER"]

CHECKS_IN_ORDER: tuple[Check[CheckContext], ...] = checks_of(
    backend, ending, identity, results, states, values, work
)
"""The 40 points of the job contract, then the checks of the backend, of results and of values."""
