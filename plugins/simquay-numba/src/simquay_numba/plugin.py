"""The entry point: what Simquay's registry learns without importing Numba."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import metadata
from importlib.util import find_spec

from simquay.plugin import Available, BackendSpec, ProbeResult, Unavailable, hookimpl

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
        install_hint="pip install simquay-numba",
    )


def probe() -> ProbeResult:
    """Whether Numba and Qiskit are installed; neither is imported."""
    for module, package in (("qiskit", "qiskit>=2.0"), ("numba", "numba>=0.61")):
        try:
            found = find_spec(module) is not None
        except (ImportError, ValueError):  # an import hook refuses it, or its spec is damaged
            found = False
        if not found:
            return Unavailable(
                f"{module.title()} is not installed", hint=f"pip install '{package}'"
            )
    try:
        version = metadata.version("numba")
    except metadata.PackageNotFoundError:  # a module without a distribution: it may work
        return Available()
    return Available({"numba": version})
