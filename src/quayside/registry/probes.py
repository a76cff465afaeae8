"""Probes: whether a backend can run here, asked once and kept."""

from __future__ import annotations

import logging

from quayside.plugin import Available, ProbeResult, Unavailable
from quayside.registry.guard import Failure, guarded
from quayside.registry.locks import registry_lock
from quayside.registry.records import Registered
from quayside.registry.targets import load_target

__all__ = ["Probes"]

_log = logging.getLogger(__name__)


class Probes:
    """The probes' results. Each probe runs when its backend is first asked about."""

    __slots__ = ("_results",)

    def __init__(self) -> None:
        self._results: dict[tuple[str, str], ProbeResult] = {}

    def result(self, entry: Registered) -> ProbeResult:
        """What the backend's probe says. A probe that raises or returns junk says no."""
        key = (entry.distribution, entry.name)
        known = self._results.get(key)
        if known is None:
            with registry_lock():
                known = self._results.get(key)
                if known is None:
                    known = self._results[key] = _probe(entry)
        return known

    def forget(self) -> None:
        """Ask every probe again the next time: the machine may have changed."""
        with registry_lock():
            self._results.clear()


def _probe(entry: Registered) -> ProbeResult:
    target = entry.spec.probe
    if not target:
        return Available()
    result = guarded(lambda: load_target(target)())
    if isinstance(result, Failure):
        _log.debug("probe %s of %s failed:\n%s", target, entry.qualified, result.details)
        return Unavailable(f"its probe {target} failed: {result.text}")
    if isinstance(result, (Available, Unavailable)):
        return result
    return Unavailable(
        f"its probe {target} returned a {type(result).__name__}, not Available or Unavailable"
    )
