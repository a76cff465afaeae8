"""The entry point: what Simquay's registry reads, without importing Numba."""

from __future__ import annotations

from collections.abc import Iterator

from simquay.plugin import BackendSpec, ProbeResult, Unavailable, hookimpl, require

__all__ = ["probe", "simquay_register_backends"]

SIMQUAY_PLUGIN_API = 1


@hookimpl
def simquay_register_backends() -> Iterator[BackendSpec]:
    """The backend ``numba``."""
    yield BackendSpec(
        name="numba",
        device="cpu",
        priority=60,
        factory="simquay_numba.factory:make_backend",
        probe="simquay_numba.plugin:probe",
        description="State vector on the CPU in compiled kernels; the fastest CPU engine",
        install_hint='pip install ".[numba]" in a checkout of Simquay',
    )


def probe() -> ProbeResult:
    """Whether Qiskit and Numba are installed; neither is imported."""
    qiskit = require("qiskit", title="Qiskit", hint="pip install 'qiskit>=2.0'")
    if isinstance(qiskit, Unavailable):
        return qiskit
    return require("numba", title="Numba", hint="pip install 'numba>=0.61'", distribution="numba")
