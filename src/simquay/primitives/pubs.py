"""Pubs as arrays, checked as Qiskit's own classes check them.

Qiskit's ``coerce`` is asked wherever a pub is out of the ordinary, so its errors are Qiskit's.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping, Sequence
from numbers import Integral, Real
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from qiskit import QuantumCircuit
from qiskit.circuit import CONTROL_FLOW_OP_NAMES, Parameter
from qiskit.primitives.containers.bindings_array import BindingsArray
from qiskit.primitives.containers.estimator_pub import EstimatorPub
from qiskit.primitives.containers.sampler_pub import SamplerPub

from simquay.circuits.parameters import unbound_parameters
from simquay.primitives.observables import observables_of
from simquay.program import Observable

__all__ = [
    "EstimatedPub",
    "SampledPub",
    "estimated_pub",
    "estimator_items",
    "sampled_pub",
    "values_of",
]


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
    if isinstance(pub, QuantumCircuit):
        pub = (pub,)
    plain = isinstance(pub, (tuple, list)) and 1 <= len(pub) <= 3
    if not plain or not isinstance(pub[0], QuantumCircuit):
        coerced = SamplerPub.coerce(pub, shots)
        pub = coerced.circuit, coerced.parameter_values, coerced.shots
    circuit, given, own = (*pub, None, None)[:3]
    count = shots if own is None else own
    if not isinstance(count, Integral) or isinstance(count, bool):
        raise TypeError(f"shots must be an integer, not {count!r}")
    if count <= 0:
        raise ValueError(f"shots must be positive, not {count}")
    values = values_of(circuit, given)
    return SampledPub(circuit, values, int(count), copy.deepcopy(circuit.metadata))


def estimated_pub(pub: Any, precision: float) -> EstimatedPub:
    """What Qiskit's ``EstimatorPub.coerce(pub, precision)`` gives, as arrays.

    Qiskit turns each term of an observable into a label and back, so it is asked about wrong pubs
    alone.

    Raises:
        TypeError, ValueError: for a wrong pub.
    """
    circuit, given, bindings, own = estimator_items(pub, precision)
    wanted = precision if own is None else own
    if not isinstance(wanted, Real):
        raise TypeError(f"precision must be a real number, not {type(wanted)}.")
    if not 0 <= float(wanted) < math.inf:
        raise ValueError(f"precision must be non-negative and finite, not {wanted}")
    observables, places = observables_of(circuit, given)
    values = values_of(circuit, bindings)
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


def estimator_items(pub: Any, precision: float = 0.0) -> tuple[QuantumCircuit, Any, Any, Any]:
    """The circuit, observables, values and precision of an estimator's pub, as they were given.

    Raises:
        TypeError, ValueError: for no pub; Qiskit is asked about it.
    """
    plain = isinstance(pub, (tuple, list)) and 2 <= len(pub) <= 4
    if plain and not isinstance(pub[0], QuantumCircuit):
        raise TypeError(f"the circuit must be QuantumCircuit, not {type(pub[0]).__name__}")
    if not plain:
        coerced = EstimatorPub.coerce(pub, precision)
        pub = coerced.circuit, coerced.observables, coerced.parameter_values, coerced.precision
    circuit, given, bindings, own = (*pub, None, None)[:4]
    return circuit, given, bindings, own


def values_of(circuit: QuantumCircuit, given: Any) -> NDArray[np.float64]:
    """The values of a circuit's parameters, shape ``(*shape, parameters)``, in the order of
    ``circuit.parameters``.

    Args:
        circuit: of the pub.
        given: an array, a mapping, a ``BindingsArray`` or None.

    Raises:
        ValueError: for values of other parameters than the circuit's, and for shapes that do not
            fit.
        TypeError: for values that are no real numbers.
    """
    if given is not None and not isinstance(given, BindingsArray):
        arrays = given.values() if isinstance(given, Mapping) else (given,)
        if any(np.iscomplexobj(array) for array in arrays):  # NumPy would drop imaginary parts
            name = circuit.name
            raise TypeError(f"the values of circuit {name!r} are complex: expected real numbers")
    own = _of_loops(circuit)
    if not isinstance(given, (BindingsArray, Mapping, type(None))):
        width = circuit.num_parameters
        if width and not own:
            values = np.array(given, dtype=np.float64)
            if values.shape[-1:] == (width,):
                return values
            if width == 1:
                return values[..., np.newaxis]
        given = {tuple([one for one in circuit.parameters if one not in own]): given}
    bindings = BindingsArray.coerce(given)
    columns = {parameter.name: place for place, parameter in enumerate(circuit.parameters)}
    names = [name for some in bindings.data for name in some]
    unknown = [name for name in names if name not in columns]
    missing = columns.keys() - {parameter.name for parameter in own} - {*names}
    if unknown or missing:
        text = f"the values given do not match the parameters of circuit {circuit.name!r}"
        if unknown:
            text += f"; it has no {', '.join(unknown)}"
        if missing:
            text += f"; no values for {', '.join(sorted(missing))}"
        if not names:
            text += ". Note that if you want to run a single pub, you need to wrap it with `[]`: "
            text += "run([(circuit, ...)])"
        raise ValueError(text)
    values = np.zeros((*bindings.shape, len(columns)))
    for some, array in bindings.data.items():
        values[..., [columns[name] for name in some]] = array
    return values


def _of_loops(circuit: QuantumCircuit) -> set[Parameter]:
    """The parameters of loops, which need no values, but which the first releases of Qiskit 2 count
    among the circuit's."""
    if not circuit.num_parameters or CONTROL_FLOW_OP_NAMES.isdisjoint(circuit.count_ops()):
        return set()
    return {*circuit.parameters}.difference(unbound_parameters(circuit))
