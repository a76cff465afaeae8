"""The built-in backends, registered by a plugin like any other.

This module imports no Qiskit: where Qiskit is missing, the backends are listed as unavailable with
the reason.
"""

from __future__ import annotations

from collections.abc import Iterator

from simquay.plugin import BackendSpec, ProbeResult, hookimpl, require

__all__ = ["probe", "simquay_register_backends"]

SIMQUAY_PLUGIN_API = 1


@hookimpl
def simquay_register_backends() -> Iterator[BackendSpec]:
    """Register ``numpy``, ``reference`` (a slow oracle) and ``basic`` (Qiskit's BasicSimulator)."""
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
    """Whether Qiskit is installed, since a backend is a Qiskit object. NumPy always is."""
    return require("qiskit", title="Qiskit", hint="pip install 'qiskit>=2.0'")
