"""Probes: whether a backend can run here. Each is asked once, and its answer kept."""

from __future__ import annotations

import logging

from simquay.plugin import Available, ProbeResult, Unavailable
from simquay.registry.catalog import RegisteredBackend
from simquay.registry.guard import Failure, guarded, plugin_lock
from simquay.system.imports import load_object

__all__ = ["Probes"]

_log = logging.getLogger(__name__)


class Probes:
    """The probes' results. A probe runs at the first question about its backend."""

    __slots__ = ("_results",)

    def __init__(self) -> None:
        self._results: dict[tuple[str, str], ProbeResult] = {}

    def result(self, entry: RegisteredBackend) -> ProbeResult:
        """The probe's answer; unavailable if the probe raises or returns anything else."""
        key = (entry.distribution, entry.name)
        known = self._results.get(key)
        if known is None:
            with plugin_lock():
                known = self._results.get(key)
                if known is None:
                    known = self._results[key] = _probe(entry)
        return known

    def forget(self) -> None:
        """Run every probe again at the next question, since the machine may have changed."""
        with plugin_lock():
            self._results.clear()


def _probe(entry: RegisteredBackend) -> ProbeResult:
    target = entry.spec.probe
    if not target:
        return Available()
    result = guarded(lambda: _cleaned(load_object(target)()))
    if isinstance(result, Failure):
        _log.debug("probe %s of %s failed:\n%s", target, entry.qualified, result.details)
        return Unavailable(f"its probe {target} failed: {result.text}")
    if result is None:
        return Unavailable(f"its probe {target} did not return Available or Unavailable")
    return result


def _cleaned(result: object) -> ProbeResult | None:
    """``result`` with a reason of one line and a dict of details; None if it is no result.

    It runs inside the guard, since a plugin may have filled the fields with values of any type.
    """
    if isinstance(result, Available):
        return Available(dict(result.details))
    if isinstance(result, Unavailable):
        reason, hint = (" ".join(text.split()) for text in (result.reason, result.hint))
        return Unavailable(reason.rstrip("."), hint)  # a hint may end in a dot: pip install .
    return None
