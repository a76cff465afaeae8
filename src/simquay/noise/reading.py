"""Noise models from what users have: devices, models of Aer, and dictionaries of these."""

from __future__ import annotations

import pickle
from collections.abc import Iterator, Mapping
from functools import lru_cache
from operator import is_
from typing import Any

from qiskit.providers import BackendV2
from qiskit.transpiler import Target

from simquay.errors import NoiseModelError
from simquay.noise.aer import AerModel
from simquay.noise.device import DeviceModel
from simquay.noise.model import NoiseModel

__all__ = ["noise_of"]

_MOST_KEPT = 16


def noise_of(value: object) -> NoiseModel:
    """The noise model of a device or its target, of Aer's ``NoiseModel`` or its ``to_dict()``; a
    :class:`NoiseModel` itself.

    It is read again only where it has changed since: programs that are kept have the same model.

    Raises:
        NoiseModelError: for anything else, and for a model of impossible numbers.
    """
    if isinstance(value, NoiseModel):
        return value
    place = _place(id(value))
    contents = [*_contents(value)]
    for kept, old, model in place:
        if (
            kept is value
            and len(old) == len(contents)
            and (all(map(is_, old, contents)) or all(map(_same, old, contents)))
        ):
            return model
    model = _read(value)
    place[:] = [(value, contents, model)]
    return model


def _read(value: Any) -> NoiseModel:
    if isinstance(value, BackendV2 | Target):  # a target is a mapping, too
        return DeviceModel(value)
    if isinstance(value, Mapping):
        return AerModel(value)
    if hasattr(value, "noise_instructions") and hasattr(value, "to_dict"):
        return AerModel(value.to_dict(), getattr(value, "_custom_noise_passes", ()))
    raise NoiseModelError(
        f"an object of type {type(value).__name__} is no noise model: expected a Qiskit BackendV2 "
        "or Target, or an Aer NoiseModel or its to_dict()"
    )


@lru_cache(maxsize=_MOST_KEPT)
def _place(identity: int) -> list[tuple[object, list[object], NoiseModel]]:
    """For an object with this ``id``: itself, its contents when it was read, and its model; or
    nothing."""
    return []


def _contents(value: Any) -> Iterator[object]:
    """All that a model is read from, down to objects that are never changed in place.

    Raises:
        NoiseModelError: if it is a mapping that holds other things than data.
    """
    if isinstance(value, BackendV2):
        value = value.target
    if not isinstance(value, Target):
        if isinstance(value, Mapping):  # of a wide device: far faster than number by number
            try:
                yield pickle.dumps(value)
            except (AttributeError, TypeError, RecursionError, pickle.PicklingError) as error:
                raise NoiseModelError(
                    f"The noise model is no dictionary of data alone ({error}); expected what "
                    "to_dict() of Aer's NoiseModel gives."
                ) from error
        else:
            yield from _leaves(getattr(value, "__dict__", {}))
        return
    for name, by_qubits in value.items():
        yield name
        for qubits, properties in (by_qubits or {}).items():
            yield qubits
            if properties is not None:
                yield properties.duration
                yield properties.error
                yield getattr(properties, "prob_meas1_prep0", None)
                yield getattr(properties, "prob_meas0_prep1", None)
    for qubit in value.qubit_properties or ():
        yield getattr(qubit, "t1", None)
        yield getattr(qubit, "t2", None)
    yield value.dt


def _leaves(value: object) -> list[object]:
    """All within dictionaries, lists and sets, and how many there are in each. Aer replaces a
    model's errors; it does not change them in place."""
    found: list[object] = []
    left = [value]
    while left:
        one = left.pop()
        if isinstance(one, dict):
            left += [*one, *one.values()]
        elif isinstance(one, list):
            left += one
        elif isinstance(one, set):
            left += sorted(one)
        else:
            found.append(one)
            continue
        found.append(len(one))
    return found


def _same(one: object, other: object) -> bool:
    """Whether two contents are one object, or equal numbers or texts."""
    return one is other or (type(one) in (str, int, float, tuple, bytes) and one == other)
