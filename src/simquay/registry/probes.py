"""Probes: whether a backend can run here, asked once and kept."""

from __future__ import annotations

import logging

from simquay.plugin import Available, ProbeResult, Unavailable
from simquay.registry.guard import Failure, guarded
from simquay.registry.locks import registry_lock
from simquay.registry.records import Registered
from simquay.system.imports import load_object

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
    result = guarded(lambda: _plain(load_object(target)()))
    if isinstance(result, Failure):
        _log.debug("probe %s of %s failed:\n%s", target, entry.qualified, result.details)
        return Unavailable(f"its probe {target} failed: {result.text}")
    if result is None:
        return Unavailable(f"its probe {target} did not return Available or Unavailable")
    return result


def _plain(result: object) -> ProbeResult | None:
    """``result`` with a reason of one line and details that are a dict; None if it is junk.

    It runs inside the guard, since what a plugin filled in may be of any type.
    """
    if isinstance(result, Available):
        return Available(dict(result.details))
    if isinstance(result, Unavailable):
        reason, hint = (" ".join(text.split()) for text in (result.reason, result.hint))
        return Unavailable(reason.rstrip("."), hint)  # a hint may end in one: pip install .
    return None
