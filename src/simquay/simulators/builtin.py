"""Simquay's own backends, registered through the same entry point as anyone's.

It imports no Qiskit: without it the backends are listed as unavailable, with the reason.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec

from simquay.plugin import Available, BackendSpec, ProbeResult, Unavailable, hookimpl

__all__ = ["probe", "simquay_register_backends"]

SIMQUAY_PLUGIN_API = 1


@hookimpl
def simquay_register_backends() -> Iterator[BackendSpec]:
    """``numpy``, the engine that runs everywhere, ``reference``, the slow oracle, and ``basic``,
    Qiskit's own simulator."""
    yield BackendSpec(
        name="numpy",
        device="cpu",
        priority=50,
        factory="simquay.simulators.factories:make_numpy",
        probe="simquay.simulators.builtin:probe",
        description="State vector on the CPU with NumPy; needs no compiler",
    )
    yield BackendSpec(
        name="reference",
        device="cpu",
        priority=0,
        factory="simquay.simulators.factories:make_reference",
        probe="simquay.simulators.builtin:probe",
        description="Slow and plain state vector, the oracle that other engines are checked with",
    )
    yield BackendSpec(
        name="basic",
        device="cpu",
        priority=-10,  # for comparison: never chosen unless named
        factory="simquay.simulators.factories:make_basic",
        probe="simquay.simulators.builtin:probe",
        description="Qiskit's BasicSimulator, in a worker process so that it can be cancelled",
    )


def probe() -> ProbeResult:
    """A backend is a Qiskit object, so it takes Qiskit; NumPy is always there."""
    try:
        found = find_spec("qiskit") is not None
    except (ImportError, ValueError):  # an import hook refuses it, or its spec is damaged
        found = False
    if not found:
        return Unavailable("Qiskit is not installed", hint="pip install 'qiskit>=2.0'")
    return Available()
