"""The conformance kit: does a backend keep the job contract, and are its results right?

Takes a backend, or a function that makes one. Gives a pytest class with a test for each check
(:class:`BackendConformance`, for the tests of a plugin; pytest comes with the extra ``[testing]``),
or a verdict for each check (:func:`run_checks`, for ``simquay check NAME``). Read
``conformance.py`` first.
"""

from __future__ import annotations

from simquay.testing.checks.check import Check
from simquay.testing.checks.values import check_distribution
from simquay.testing.conformance import BackendConformance
from simquay.testing.harness.assertions import CheckFailed
from simquay.testing.harness.context import CheckContext
from simquay.testing.runner import CHECKS_IN_ORDER, Verdict, run_check, run_checks

__all__ = [
    "CHECKS_IN_ORDER",
    "BackendConformance",
    "Check",
    "CheckContext",
    "CheckFailed",
    "Verdict",
    "check_distribution",
    "run_check",
    "run_checks",
]
