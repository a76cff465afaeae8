"""The errors that a device reports of itself: a Qiskit ``Target``, or a ``BackendV2``.

A gate is followed by depolarizing on its qubits, then by the relaxation of each of them for the
gate's duration; together they have the gate's reported error. A reset is followed by relaxation
alone, and so is a delay. A measurement has no relaxation; it records wrong values with the reported
probabilities. Data that the device lacks (None) count as no error, and as no relaxation. A reported
T2 above 2 T1, or an error above the largest possible one, counts as that limit. Where relaxation
alone has more than a gate's reported error, there is no depolarizing. Relaxation goes to ``|0>``:
the excited population in equilibrium is 0, the value at a temperature of 0.

These are the conventions of ``NoiseModel.from_backend`` in Qiskit Aer, and the maps of gates,
resets and delays are equal to Aer's. The two differ where Aer fails or leaves out data:

- Readout errors of a backend with ``properties()`` are asymmetric where these have
  ``prob_meas1_prep0`` and ``prob_meas0_prep1``. Aer takes the mean of the two, which is the error
  in the target, and has no readout error where the target has no ``measure``.
- A target without ``qubit_properties`` has no relaxation, and a measurement whose error is None has
  no readout error. Aer raises a ``TypeError`` for both.
- Errors that the target gives for all qubits at once (the key None) count for each. Aer raises.
- A delay in units of ``dt`` does not relax where the device has no ``dt``. Aer raises.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray
from qiskit.circuit import Gate, Measure
from qiskit.providers import BackendV2
from qiskit.transpiler import InstructionProperties, Target

from simquay.errors import NoiseModelError
from simquay.noise.model import Errors, NoiseModel, Placed
from simquay.program.channels import Mixture, pauli_matrices
from simquay.program.formulas import ComplexArray

__all__ = ["DeviceModel", "depolarizing", "relaxation"]

_KEPT = 4096
"""Mixtures of so many different numbers are kept and shared: those of a few wide devices."""


class DeviceModel(NoiseModel):
    """The noise of a device, as it is when the model is made.

    Args:
        device: a backend; or its target alone, whose readout errors are symmetric.
    """

    def __init__(self, device: BackendV2 | Target) -> None:
        target: Target = device if isinstance(device, Target) else device.target
        self.dt = target.dt
        self._times = [_times(qubit.t1, qubit.t2) for qubit in target.qubit_properties or ()]
        self._misread = dict(_target_misread(target)) | dict(_backend_misread(device))
        operations = {name: target.operation_from_name(name) for name in target.operation_names}
        self._gates = {name for name, known in operations.items() if isinstance(known, Gate)}
        self._reported = {
            name: dict(target[name] or {})
            for name, known in operations.items()
            if not isinstance(known, Measure)
        }
        noisy = {
            name
            for name, by_qubits in self._reported.items()
            for reported in by_qubits.values()
            if reported
            and ((name in self._gates and reported.error) or (self.relaxes and reported.duration))
        }
        super().__init__(noisy | ({"measure"} if self._misread else set()))

    def find(self, name: str, label: str | None, qubits: tuple[int, ...]) -> Errors | None:
        """See :meth:`NoiseModel.find`."""
        known = label if label in self.names else name
        if known == "measure":
            probabilities = self._misread.get(qubits[0])
            return None if probabilities is None else Errors(misread=probabilities)
        by_qubits = self._reported.get(known, {})
        reported = by_qubits.get(qubits, by_qubits.get(None))
        after = () if reported is None else tuple(self._maps(known, reported, qubits))
        return Errors(after=after) if after else None

    def _maps(
        self, name: str, reported: InstructionProperties, qubits: tuple[int, ...]
    ) -> Iterator[Placed]:
        """Depolarizing, then the relaxation of each qubit."""
        seconds, error = reported.duration or 0.0, reported.error or 0.0
        if not (0 <= seconds < math.inf and 0 <= error <= 1):
            raise NoiseModelError(
                f"The device reports an error of {error} and a duration of {seconds} s for "
                f"{name!r} on the qubits {qubits}; the error must be within 0 and 1, and the "
                "duration 0 or more. Give it other properties in the target, or None."
            )
        if name in self._gates and error:
            fidelity = math.prod(_fidelity(*self._times_of(qubit), seconds) for qubit in qubits)
            strength = _strength(error, fidelity, len(qubits))
            if strength > 0:
                yield depolarizing(strength, len(qubits)), tuple(range(len(qubits)))
        for place, qubit in enumerate(qubits):
            relaxed = self.relaxation(qubit, seconds)
            if relaxed is not None:
                yield relaxed, (place,)

    def _times_of(self, qubit: int) -> tuple[float, float]:
        return self._times[qubit] if qubit < len(self._times) else (math.inf, math.inf)

    @property
    def relaxes(self) -> bool:
        """See :attr:`NoiseModel.relaxes`."""
        return any(min(times) < math.inf for times in self._times)

    def relaxation(self, qubit: int, seconds: float) -> Mixture | None:
        """See :meth:`NoiseModel.relaxation`."""
        t1, t2 = self._times_of(qubit)
        return relaxation(t1, t2, seconds) if seconds and min(t1, t2) < math.inf else None


def _times(t1: float | None, t2: float | None) -> tuple[float, float]:
    """T1 and T2 in seconds; infinity where nothing is known. T2 is at most 2 T1."""
    t1 = math.inf if t1 is None else t1
    t2 = 2 * t1 if t2 is None else min(t2, 2 * t1)
    if not (t1 > 0 and t2 > 0):
        raise NoiseModelError(
            f"The device reports T1 = {t1} s and T2 = {t2} s for a qubit; both must be above 0. "
            "Give the qubit other times in the target's qubit_properties, or None."
        )
    return t1, t2


def _target_misread(target: Target) -> Iterator[tuple[int, NDArray[np.float64]]]:
    """Of each qubit, the probabilities of :attr:`Errors.misread`, by the target."""
    by_qubits = target.get("measure") or {}
    for qubit in range(target.num_qubits or 0):
        reported = by_qubits.get((qubit,), by_qubits.get(None))
        if reported is not None:
            as_1 = getattr(reported, "prob_meas1_prep0", reported.error)
            as_0 = getattr(reported, "prob_meas0_prep1", reported.error)
            yield from _misread(qubit, as_1, as_0)


def _backend_misread(device: BackendV2 | Target) -> Iterator[tuple[int, NDArray[np.float64]]]:
    """The same, of qubits whose two probabilities are in a backend's ``properties()``."""
    properties = getattr(device, "properties", None)
    for qubit, values in enumerate(getattr(properties and properties(), "qubits", ())):
        by_name = {item.name: item.value for item in values}
        yield from _misread(qubit, by_name.get("prob_meas1_prep0"), by_name.get("prob_meas0_prep1"))


def _misread(
    qubit: int, as_1: float | None, as_0: float | None
) -> Iterator[tuple[int, NDArray[np.float64]]]:
    if as_1 is not None and as_0 is not None and (as_1 or as_0):
        probabilities = np.array([[1 - as_1, as_1], [as_0, 1 - as_0]])
        if not (probabilities >= 0).all():
            raise NoiseModelError(
                f"The device misreads qubit {qubit} with the probabilities {as_1} (0 as 1) and "
                f"{as_0} (1 as 0); both must be within 0 and 1."
            )
        yield qubit, probabilities


def _fidelity(t1: float, t2: float, seconds: float) -> float:
    """The entanglement fidelity of relaxation: the trace of its Pauli transfer matrix, by 4."""
    return (1 + math.exp(-seconds / t1) + 2 * math.exp(-seconds / t2)) / 4


def _strength(error: float, fidelity: float, num_qubits: int) -> float:
    """How strong depolarizing must be before a map, for both together to have a gate's error.

    For dimension ``d``, a map's average gate fidelity ``1 - error`` and entanglement fidelity ``F``
    are related by ``1 - error = (d F + 1) / (d + 1)``: M. A. Nielsen, Phys. Lett. A 303, 249
    (2002). Depolarizing of strength ``s`` takes ``F`` to ``(1 - s) F + s / d**2``.

    Args:
        error: average gate infidelity, as reported.
        fidelity: entanglement fidelity of the map behind it.
        num_qubits: how many qubits are depolarized.
    """
    size: int = 2**num_qubits
    reported = max(0.0, 1 - error * (size + 1) / size)
    greatest = size**2 / (size**2 - 1)
    missing, available = fidelity - reported, fidelity - 1 / size**2
    return greatest if missing > greatest * available else missing / available


@lru_cache(maxsize=_KEPT)
def depolarizing(strength: float, num_qubits: int) -> Mixture:
    """A state becomes the completely mixed one with probability ``strength``, or is kept.

    Args:
        strength: above 0, at most ``4**k / (4**k - 1)``.
        num_qubits: ``k``.
    """
    each = strength / 4**num_qubits
    others = 4**num_qubits - 1
    return _mixture([1 - others * each] + others * [each], tuple(pauli_matrices(num_qubits)))


def _constant(matrix: ArrayLike) -> ComplexArray:
    array = np.array(matrix, dtype=np.complex128)
    array.setflags(write=False)
    return array


_IDENTITY, _Z = _constant([[1, 0], [0, 1]]), _constant([[1, 0], [0, -1]])
_RESET = _constant([[[1, 0], [0, 0]], [[0, 1], [0, 0]]])


@lru_cache(maxsize=_KEPT)
def relaxation(t1: float, t2: float, seconds: float) -> Mixture | None:
    """Relaxation of a qubit to ``|0>``: populations with the time T1, coherences with T2.

    The part that is no unitary has the least probability that it can have. With ``p`` the decay of
    ``|1>`` and ``d`` that of coherences: for T2 at most T1, it is a reset, of probability ``p``;
    the rest is the identity and Z. Beyond, it is amplitude damping, with coherences that decay by
    ``2 - p / d`` rather than ``d``, of probability ``d / (2 - p / d)``; the rest is the identity.

    Args:
        t1: in seconds; infinity where populations are kept.
        t2: in seconds, at most ``2 * t1``.
        seconds: how long, 0 or more.
    """
    decay, dephasing = -math.expm1(-seconds / t1), -math.expm1(-seconds / t2)
    if dephasing == 0:
        return None
    if dephasing >= decay:
        flipped = (dephasing - decay) / 2
        parts = _IDENTITY, _Z, _RESET
        return _mixture([1 - decay - flipped, flipped, decay], parts, is_diagonal=decay == 0)
    ratio = decay / dephasing
    jump = math.sqrt(ratio * (2 - ratio))
    damping = _constant([[[1.0, 0.0], [0.0, ratio - 1]], [[0.0, jump], [0.0, 0.0]]])
    damped = 1.0 if t2 >= 2 * t1 else dephasing / (2 - ratio)
    return _mixture([1 - damped, damped], (_IDENTITY, damping))


def _mixture(
    probabilities: list[float], parts: tuple[ComplexArray, ...], is_diagonal: bool = False
) -> Mixture:
    """The parts that can occur, the most likely unitary one first."""
    order = sorted(range(len(parts)), key=lambda part: (parts[part].ndim, -probabilities[part]))
    order = [part for part in order if probabilities[part] > 0]
    return Mixture(
        np.array([probabilities[part] for part in order]),
        tuple(parts[part] for part in order),
        is_diagonal,
    )
