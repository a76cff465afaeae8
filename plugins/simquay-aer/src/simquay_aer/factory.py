"""The factory of the plugin's backends."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

from qiskit import QuantumCircuit
from qiskit.exceptions import QiskitError
from qiskit.providers import BackendV2
from qiskit.transpiler import Target
from qiskit_aer.noise import NoiseModel

from simquay.plugin import BackendSpec
from simquay.simulators import adapt
from simquay.simulators.adapted.backend import AdaptedBackend
from simquay.simulators.options import RunOptionError
from simquay_aer import simulators
from simquay_aer.plugin import METHODS

__all__ = ["aers_noise_model", "make_backend", "memory_needed"]

_SMALL = 20
"""Qubits of the largest state vector that is counted without looking for idle qubits."""


def make_backend(spec: BackendSpec) -> AdaptedBackend:
    """The backend ``spec.name``, which runs in worker processes."""
    method = METHODS[spec.name][0]
    return adapt(
        getattr(simulators, method)(),
        name=spec.name,
        description=spec.description,
        device=spec.device,
        factory=f"simquay_aer.simulators:{method}",
        memory=memory_needed,
        checks={"noise_model": aers_noise_model},
    )


def aers_noise_model(name: str, value: Any) -> NoiseModel | None:
    """Aer's noise model of what Simquay's engines take as one: of a device, of its target, and of
    the dictionary of a model.

    Raises:
        RunOptionError: for anything else, and for a device that Aer makes no model of.
    """
    if value is None or isinstance(value, NoiseModel):
        return value
    try:
        if isinstance(value, Target):  # a mapping, too; Aer reads it of a backend
            names = [*value.operation_names]
            value = SimpleNamespace(version=2, target=value, operation_names=names, dt=value.dt)
        elif isinstance(value, Mapping):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)
                return NoiseModel.from_dict(dict(value))
        elif not isinstance(value, BackendV2):
            raise QiskitError(f"an object of type {type(value).__name__} is no noise model")
        return NoiseModel.from_backend(value)
    except (AttributeError, KeyError, QiskitError, TypeError, ValueError) as error:
        raise RunOptionError(
            f"option {name}: Aer makes no noise model of it ({type(error).__name__}: {error}); "
            "expected an Aer NoiseModel, its to_dict(), a BackendV2 or a Target"
        ) from error


def memory_needed(circuit: QuantumCircuit, options: Mapping[str, Any]) -> int:
    """Bytes of the state, if its size follows from the number of qubits; 0 for other methods and
    GPUs.

    Aer does not store idle qubits. For large circuits they are not counted here either; for small
    ones looking for them does not pay.
    """
    exponent = {"statevector": 1, "density_matrix": 2}.get(str(options.get("method")), 0)
    if not exponent or str(options.get("device", "CPU")).upper() != "CPU":
        return 0
    width: int = circuit.num_qubits
    if width * exponent > _SMALL:
        width = len({bit for one in circuit.data if one.name != "barrier" for bit in one.qubits})
    amplitude = 8 if options.get("precision") == "single" else 16
    return amplitude << (exponent * width)
