"""Noise models from what users have: devices, and models of Aer."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from qiskit.providers import BackendV2
from qiskit.transpiler import Target

from simquay.errors import NoiseModelError
from simquay.noise.device import DeviceModel
from simquay.noise.model import NoiseModel

__all__ = ["noise_of"]

_MOST_KEPT = 16


def noise_of(value: object) -> NoiseModel:
    """The noise model of a device or its target; a :class:`NoiseModel` itself.

    It is read again only where it has changed since: programs that are kept have the same model.

    Raises:
        NoiseModelError: for anything else, and for a model of impossible numbers.
    """
    if isinstance(value, NoiseModel):
        return value
    if not isinstance(value, (BackendV2, Target)):
        raise NoiseModelError(
            f"an object of type {type(value).__name__} is no noise model: expected a Qiskit "
            "BackendV2 or Target"
        )
    place = _place(id(value))
    contents = [*_contents(value)]
    for kept, old, model in place:
        if kept is value and len(old) == len(contents) and all(map(_same, old, contents)):
            return model
    model = DeviceModel(value)
    place[:] = [(value, contents, model)]
    return model


@lru_cache(maxsize=_MOST_KEPT)
def _place(identity: int) -> list[tuple[object, list[object], NoiseModel]]:
    """For an object with this ``id``: itself, its contents when it was read, and its model; or
    nothing."""
    return []


def _contents(value: Any) -> Iterator[object]:
    """All that a model is read from, down to objects that are never changed in place."""
    if isinstance(value, BackendV2):
        value = value.target
    for name, by_qubits in value.items():
        yield name
        for qubits, properties in (by_qubits or {}).items():
            yield qubits
            if properties is not None:
                yield properties.duration
                yield properties.error
    for qubit in value.qubit_properties or ():
        yield getattr(qubit, "t1", None)
        yield getattr(qubit, "t2", None)
    yield value.dt


def _same(one: object, other: object) -> bool:
    """Whether two contents are one object, or equal numbers or texts."""
    return one is other or (type(one) in (str, int, float, tuple) and one == other)
