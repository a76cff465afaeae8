"""The conformance kit: does a backend keep the job contract, and are its results right?

Takes a backend, or a function that makes one. Gives a pytest class with a test for each check
(:class:`BackendConformance`, for the tests of a plugin; pytest comes with the extra ``[testing]``),
or a verdict for each check (:func:`run_checks`, for ``simquay check NAME``). Read
``conformance.py`` first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from simquay.testing.checks.check import Check, Verdict
from simquay.testing.harness.assertions import CheckFailed

if TYPE_CHECKING:
    from simquay.testing.checks.values import check_distribution
    from simquay.testing.conformance import BackendConformance
    from simquay.testing.harness.context import CheckContext
    from simquay.testing.runner import CHECKS_IN_ORDER, run_check, run_checks

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


def __getattr__(name: str) -> Any:
    """The rest is imported when it is asked for: checks of engines need no Qiskit."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from simquay.testing import conformance, runner
    from simquay.testing.checks import values
    from simquay.testing.harness import context

    (home,) = (one for one in (conformance, runner, values, context) if name in one.__all__)
    return getattr(home, name)
