"""Fault injection: does a backend end its jobs, and clean up, where the system refuses something?

Takes the name of a backend, or a factory. Runs one job again and again, each time in a process
forked for it, and lets one thread start, process start, message, open, write, allocation or compile
fail. Gives a :class:`~simquay.testing.faults.report.FaultReport`: a verdict for each promise, F01
to F10. Read ``report.py`` first, then ``trial.py``.
"""

from __future__ import annotations

from simquay.testing.faults.injection import KINDS, Fault
from simquay.testing.faults.report import FAULT_CHECKS, FaultReport, check_faults, start_trials
from simquay.testing.faults.trial import Trial

__all__ = ["FAULT_CHECKS", "KINDS", "Fault", "FaultReport", "Trial", "check_faults", "start_trials"]
