"""The entry point: what Simquay's registry learns without importing Aer."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import metadata
from importlib.util import find_spec

from simquay.plugin import Available, BackendSpec, ProbeResult, Unavailable, hookimpl

__all__ = ["METHODS", "probe", "simquay_register_backends"]

SIMQUAY_PLUGIN_API = 1

METHODS = {
    "aer": ("statevector", 40, "State vector with Qiskit Aer"),
    "aer-density-matrix": ("density_matrix", -1, "Density matrix with Qiskit Aer, exact noise"),
    "aer-stabilizer": ("stabilizer", -1, "Clifford circuits of many qubits with Qiskit Aer"),
    "aer-mps": ("matrix_product_state", -1, "Matrix product state with Qiskit Aer"),
}
"""By the backend's name: Aer's method, the priority, and a description. Only the state vector runs
every circuit that ``cpu`` may be asked for, so the others are chosen by name alone."""


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
            install_hint="pip install simquay-aer",
        )


def probe() -> ProbeResult:
    """Whether Aer and Qiskit are installed; neither is imported."""
    for module, title, package in (
        ("qiskit", "Qiskit", "qiskit>=2.0"),
        ("qiskit_aer", "Qiskit Aer", "qiskit-aer>=0.17"),
    ):
        try:
            found = find_spec(module) is not None
        except (ImportError, ValueError):  # an import hook refuses it, or its spec is damaged
            found = False
        if not found:
            return Unavailable(f"{title} is not installed", hint=f"pip install '{package}'")
    try:
        version = metadata.version("qiskit-aer")
    except metadata.PackageNotFoundError:  # a module without a distribution: it may work
        return Available()
    return Available({"qiskit-aer": version})
