"""The entry point: what Simquay's registry reads. It imports neither CuPy nor Qiskit."""

from __future__ import annotations

from collections.abc import Iterator

from simquay.plugin import BackendSpec, hookimpl

__all__ = ["NEWEST_CUDA", "install_hint", "simquay_register_backends"]

SIMQUAY_PLUGIN_API = 1

NEWEST_CUDA = 13
"""The newest generation of CUDA that there is an extra for."""


def install_hint(driver_cuda: int = NEWEST_CUDA) -> str:
    """The command that installs the plugin with CuPy for a driver of this CUDA generation."""
    extra = f"cuda{min(driver_cuda, NEWEST_CUDA)}"
    return f'pip install ".[{extra}]" in a checkout of Simquay'


@hookimpl
def simquay_register_backends() -> Iterator[BackendSpec]:
    """The backend ``cupy``: state vectors on an NVIDIA GPU."""
    yield BackendSpec(
        name="cupy",
        aliases=("gpu-statevector",),
        device="gpu",
        # Below the CPU engines, so that `auto` does not take what has not yet run on a real GPU;
        # `gpu` and the name do. To become 100 with the first green report of `pytest -m gpu`.
        priority=10,
        factory="simquay_cupy.factory:make_cupy",
        probe="simquay_cupy.probe:probe",
        description="State vector on an NVIDIA GPU, with custom CUDA kernels through CuPy",
        install_hint=install_hint(),
    )
