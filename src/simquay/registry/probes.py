"""Probes: whether a backend can run here."""

from __future__ import annotations

import logging

from simquay.plugin import Available, ProbeResult, Unavailable
from simquay.registry.catalog import RegisteredBackend
from simquay.registry.guard import Failure, guarded
from simquay.system.imports import load_object

__all__ = ["run_probe"]

_log = logging.getLogger(__name__)


def run_probe(entry: RegisteredBackend) -> ProbeResult:
    """The answer of the backend's probe; unavailable if the probe raises or returns anything else.

    The hint is the probe's, or else the spec's.
    """
    target, hint = entry.spec.probe, entry.spec.install_hint
    if not target:
        return Available()
    result = guarded(lambda: _cleaned(load_object(target)(), hint))
    if isinstance(result, Failure):
        _log.debug("probe %s of %s failed:\n%s", target, entry.qualified, result.details)
        return Unavailable(f"its probe {target} failed: {result.text}", hint)
    return result or Unavailable(
        f"its probe {target} did not return Available or Unavailable", hint
    )


def _cleaned(result: object, hint: str) -> ProbeResult | None:
    """``result`` with a reason of one line and a dict of details; None if it is no result.

    It runs inside the guard, since a plugin may have filled the fields with values of any type.
    """
    if isinstance(result, Available):
        return Available(dict(result.details))
    if isinstance(result, Unavailable):
        reason, own_hint = (" ".join(text.split()) for text in (result.reason, result.hint))
        # A hint may end in a dot: pip install .
        return Unavailable(reason.rstrip("."), own_hint or hint)
    return None
