"""All checks: importing this module imports the modules that register them."""

from __future__ import annotations

# Imported because they register their checks.
from simquay.testing.checks import backend as backend_checks
from simquay.testing.checks import cancelling as points_cancelling
from simquay.testing.checks import errors as points_errors
from simquay.testing.checks import identity as points_identity
from simquay.testing.checks import results as result_checks
from simquay.testing.checks import states as points_states
from simquay.testing.checks import values as value_checks
from simquay.testing.checks import waiting as points_waiting
from simquay.testing.checks import work as points_work
from simquay.testing.checks.check import Check, all_checks
from simquay.testing.harness.context import CheckContext

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

CHECKS_IN_ORDER: tuple[Check[CheckContext], ...] = all_checks()
"""The 40 points of the job contract, then the checks of the backend, of results and of values."""
