"""All checks: importing this module reads the modules that hold them."""

from __future__ import annotations

# Imported for what they enter into the list of checks.
from simquay.testing import (
    backend_checks,
    points_cancelling,
    points_errors,
    points_identity,
    points_states,
    points_waiting,
    points_work,
    result_checks,
    value_checks,
)
from simquay.testing.checks import Check, all_checks

__all__ = ["CHECKS_IN_ORDER", "MODULES"]

MODULES = (
    points_identity,
    points_errors,
    points_cancelling,
    points_states,
    points_waiting,
    points_work,
    backend_checks,
    result_checks,
    value_checks,
)

CHECKS_IN_ORDER: tuple[Check, ...] = all_checks()
"""The 40 points of the job contract, then the checks of the backend, of results and of values."""
