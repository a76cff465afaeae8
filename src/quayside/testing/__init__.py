"""The conformance kit: whether a backend keeps the job contract, and gives right results.

For plugin authors, who subclass :class:`BackendConformance` in their tests (it takes pytest: the
extra ``[testing]``), and for ``quayside check NAME``.
"""

from __future__ import annotations

from quayside.testing.breach import Breach
from quayside.testing.catalogue import CHECKS_IN_ORDER
from quayside.testing.checks import Check
from quayside.testing.conformance import BackendConformance
from quayside.testing.report import Verdict, run_checks
from quayside.testing.value_checks import check_distribution

__all__ = [
    "CHECKS_IN_ORDER",
    "BackendConformance",
    "Breach",
    "Check",
    "Verdict",
    "check_distribution",
    "run_checks",
]
