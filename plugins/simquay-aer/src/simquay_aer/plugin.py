"""The entry point: what Simquay's registry reads, without importing Aer."""

from __future__ import annotations

from collections.abc import Iterator

from simquay.plugin import BackendSpec, ProbeResult, Unavailable, hookimpl, require

__all__ = ["METHODS", "probe", "simquay_register_backends"]

SIMQUAY_PLUGIN_API = 1

METHODS = {
    "aer": ("statevector", 40, "State vector with Qiskit Aer"),
    "aer-density-matrix": ("density_matrix", -1, "Density matrix with Qiskit Aer, exact noise"),
    "aer-stabilizer": ("stabilizer", -1, "Clifford circuits of many qubits with Qiskit Aer"),
    "aer-mps": ("matrix_product_state", -1, "Matrix product state with Qiskit Aer"),
}
"""For each backend: Aer's method, the priority, and a description. Only the state vector runs every
circuit that a user of ``cpu`` may have, so the others are chosen by name alone."""


@hookimpl
def simquay_register_backends() -> Iterator[BackendSpec]:
    """``aer``, and one more backend for each of Aer's other methods."""
    for name, (_, priority, description) in METHODS.items():
        yield BackendSpec(
            name=name,
            device="cpu",
            priority=priority,
            factory="simquay_aer.factory:make_backend",
            probe="simquay_aer.plugin:probe",
            description=description,
            install_hint='pip install ".[aer]" in a checkout of Simquay',
        )


def probe() -> ProbeResult:
    """Whether Qiskit and Aer are installed; neither is imported."""
    qiskit = require("qiskit", title="Qiskit", hint="pip install 'qiskit>=2.0'")
    if isinstance(qiskit, Unavailable):
        return qiskit
    return require(
        "qiskit_aer",
        title="Qiskit Aer",
        hint="pip install 'qiskit-aer>=0.17'",
        distribution="qiskit-aer",
    )
