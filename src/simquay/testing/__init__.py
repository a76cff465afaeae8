"""The conformance kit: whether a backend keeps the job contract, and gives right results.

For plugin authors, who subclass :class:`BackendConformance` in their tests (it takes pytest: the
extra ``[testing]``), and for ``simquay check NAME``.
"""

from __future__ import annotations

from simquay.testing.checks.catalogue import CHECKS_IN_ORDER
from simquay.testing.checks.check import Check
from simquay.testing.checks.values import check_distribution
from simquay.testing.conformance import BackendConformance
from simquay.testing.harness.breach import Breach
from simquay.testing.report import Verdict, run_checks

__all__ = [
    "CHECKS_IN_ORDER",
    "BackendConformance",
    "Breach",
    "Check",
    "Verdict",
    "check_distribution",
    "run_checks",
]
