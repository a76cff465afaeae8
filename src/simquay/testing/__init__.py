"""The conformance kit: whether a backend keeps the job contract, and gives right results.

For plugin authors, who subclass :class:`BackendConformance` in their tests (it takes pytest: the
extra ``[testing]``), and for ``simquay check NAME``.
"""

from __future__ import annotations

from simquay.testing.breach import Breach
from simquay.testing.catalogue import CHECKS_IN_ORDER
from simquay.testing.checks import Check
from simquay.testing.conformance import BackendConformance
from simquay.testing.report import Verdict, run_checks
from simquay.testing.value_checks import check_distribution

__all__ = [
    "CHECKS_IN_ORDER",
    "BackendConformance",
    "Breach",
    "Check",
    "Verdict",
    "check_distribution",
    "run_checks",
]
