"""Pubs as arrays, checked as Qiskit's own classes check them.

Qiskit's ``coerce`` is asked wherever a pub is out of the ordinary, so its errors are Qiskit's.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping, Sequence
from numbers import Real
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from qiskit import QuantumCircuit
from qiskit.primitives.containers.bindings_array import BindingsArray
from qiskit.primitives.containers.estimator_pub import EstimatorPub
from qiskit.primitives.containers.sampler_pub import SamplerPub

from simquay.primitives.observables import observables_of
from simquay.program import Observable

__all__ = ["EstimatedPub", "SampledPub", "estimated_pub", "sampled_pub"]


class SampledPub(NamedTuple):
    """A pub of a sampler; it shares no data with the caller's but the circuit.

    Attributes:
        circuit: of the caller.
        values: of the circuit's parameters, float64, shape ``(*shape, parameters)``, in the order
            of ``circuit.parameters``.
        shots: of each point.
        metadata: the circuit's.
    """

    circuit: QuantumCircuit
    values: NDArray[np.float64]
    shots: int
    metadata: Any

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the pub's arrays of results."""
        return self.values.shape[:-1]

    @property
    def points(self) -> NDArray[np.float64]:
        """The values, shape ``(points, parameters)``."""
        return _points(self.values)


class EstimatedPub(NamedTuple):
    """A pub of an estimator; it shares no data with the caller's but the circuit.

    Attributes:
        circuit: of the caller.
        values: as those of :class:`SampledPub`.
        observables: those that differ.
        places: their numbers, shape of the pub's array of observables.
        precision: the standard error that is asked for.
        metadata: the circuit's.
    """

    circuit: QuantumCircuit
    values: NDArray[np.float64]
    observables: Sequence[Observable]
    places: NDArray[np.intp]
    precision: float
    metadata: Any

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the pub's arrays of results."""
        return np.broadcast_shapes(self.places.shape, self.values.shape[:-1])

    @property
    def points(self) -> NDArray[np.float64]:
        """The values, shape ``(points, parameters)``; no points where there is no result."""
        return _points(self.values)[: None if 0 not in self.shape else 0]


def _points(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return values.reshape(math.prod(values.shape[:-1]), values.shape[-1])


def sampled_pub(pub: Any, shots: int) -> SampledPub:
    """What Qiskit's ``SamplerPub.coerce(pub, shots)`` gives, as arrays.

    Raises:
        TypeError, ValueError: for a wrong pub.
    """
    circuit, given, own = (*pub, None, None)[:3] if isinstance(pub, tuple) else (None, None, None)
    values = _plain_values(circuit, given)
    if own is None:
        own = shots
    if values is None or type(own) is not int or own < 1 or len(pub) > 3:
        coerced = SamplerPub.coerce(pub, shots)
        circuit, own = coerced.circuit, int(coerced.shots)
        values = _values(circuit, coerced.parameter_values)
    return SampledPub(circuit, values, own, copy.deepcopy(circuit.metadata))


def estimated_pub(pub: Any, precision: float) -> EstimatedPub:
    """What Qiskit's ``EstimatorPub.coerce(pub, precision)`` gives, as arrays.

    Qiskit turns each term of an observable into a label and back, so it is asked about wrong pubs
    alone.

    Raises:
        TypeError, ValueError: for a wrong pub.
    """
    plain = isinstance(pub, (tuple, list)) and 2 <= len(pub) <= 4
    if not plain or not isinstance(pub[0], QuantumCircuit):
        coerced = EstimatorPub.coerce(pub, precision)
        pub = coerced.circuit, coerced.observables, coerced.parameter_values, coerced.precision
    circuit, given, bindings, own = (*pub, None, None)[:4]
    wanted = precision if own is None else own
    if not isinstance(wanted, Real):
        raise TypeError(f"precision must be a real number, not {type(wanted)}.")
    if not 0 <= float(wanted) < math.inf:
        raise ValueError(f"precision must be non-negative and finite, not {wanted}")
    observables, places = observables_of(circuit, given)
    values = _plain_values(circuit, bindings)
    if values is None:
        if not isinstance(bindings, (BindingsArray, Mapping, type(None))):
            bindings = {tuple(circuit.parameters): bindings}
        values = _values(circuit, BindingsArray.coerce(bindings))
    made = EstimatedPub(
        circuit, values, observables, places, float(wanted), copy.deepcopy(circuit.metadata)
    )
    try:
        made.shape  # noqa: B018  # computed, and so checked
    except ValueError as error:
        raise ValueError(
            f"The observables shape {places.shape} and the parameter values shape "
            f"{values.shape[:-1]} are not broadcastable."
        ) from error
    return made


def _plain_values(circuit: Any, given: Any) -> NDArray[np.float64] | None:
    """The values of a circuit's parameters as :func:`_values` gives them, where an array is given
    that fits; None where Qiskit has to be asked.

    Raises:
        TypeError: for complex values.
    """
    if not isinstance(circuit, QuantumCircuit) or given is None or isinstance(given, BindingsArray):
        return None
    arrays = given.values() if isinstance(given, Mapping) else (given,)
    if any(np.iscomplexobj(array) for array in arrays):  # NumPy would drop the imaginary parts
        raise TypeError(
            f"the values of circuit {circuit.name!r} are complex: expected real numbers"
        )
    width = circuit.num_parameters
    if not width or isinstance(given, Mapping):
        return None
    values = np.array(given, dtype=np.float64)
    if values.shape[-1:] == (width,):
        return values
    return values[..., np.newaxis] if width == 1 else None


def _values(circuit: QuantumCircuit, bindings: BindingsArray) -> NDArray[np.float64]:
    """The values of a circuit's parameters, shape ``bindings.shape + (parameters,)``, in the order
    of ``circuit.parameters``.

    Raises:
        ValueError: for values of other parameters than the circuit's.
    """
    columns = {parameter.name: place for place, parameter in enumerate(circuit.parameters)}
    values = np.empty((*bindings.shape, len(columns)))
    given = [name for names in bindings.data for name in names]
    if sorted(given) != sorted(columns):
        unknown = [name for name in given if name not in columns]
        missing = [name for name in columns if name not in given]
        text = f"the parameters of circuit {circuit.name!r} and of the values given do not match"
        if unknown:
            text += f"; the circuit has no {', '.join(unknown)}"
        if missing:
            text += f"; no values for {', '.join(missing)}"
        raise ValueError(text)
    for names, array in bindings.data.items():
        values[..., [columns[name] for name in names]] = array
    return values
