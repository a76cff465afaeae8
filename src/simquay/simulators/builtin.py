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
    for name, priority, description in (
        ("numpy", 50, "State vector on the CPU with NumPy; needs no compiler"),
        (
            "reference",
            0,
            "Slow and plain state vector, the oracle that other engines are checked with",
        ),
        # For comparison: never chosen unless named.
        ("basic", -10, "Qiskit's BasicSimulator, in a worker process so that it can be cancelled"),
    ):
        yield BackendSpec(
            name=name,
            device="cpu",
            priority=priority,
            factory=f"simquay.simulators.factories:make_{name}",
            probe="simquay.simulators.builtin:probe",
            description=description,
        )


def probe() -> ProbeResult:
    """Whether Qiskit is installed, since a backend is a Qiskit object. NumPy always is."""
    return require("qiskit", title="Qiskit", hint="pip install 'qiskit>=2.0'")
