"""Values as JSON and arrays, and back: equal in type and value, to the last bit.

Strings, numbers, booleans, None, lists, and mappings whose keys are strings are themselves in JSON.
Everything else is an object with the key ``$``, which names its form. Reading makes objects of the
classes here, and of those that :func:`add_class` was given: nothing else, whatever a file says.
"""

from __future__ import annotations

import base64
import io
import math
import struct
import warnings
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

import numpy as np
from numpy.typing import NDArray
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter, ParameterExpression, ParameterVectorElement
from qiskit.primitives import BitArray, DataBin, PrimitiveResult, PubResult, SamplerPubResult
from qiskit.providers.jobstatus import JobStatus
from qiskit.quantum_info import (
    PTM,
    Chi,
    Choi,
    Clifford,
    DensityMatrix,
    Operator,
    Pauli,
    PauliList,
    SparsePauliOp,
    StabilizerState,
    Statevector,
    SuperOp,
)
from qiskit.result import Counts, ProbDistribution, QuasiDistribution, Result
from qiskit.result.models import (
    ExperimentResult,
    ExperimentResultData,
    MeasLevel,
    MeasReturnType,
)

from simquay.jobs.errors import JobStoreError
from simquay.jobs.store.circuits import from_qpy, to_qpy

__all__ = ["Encoded", "add_class", "decoded", "encoded"]

SMALL = 1024
"""Bytes of the largest arrays that are written into the JSON itself, as base64."""

_PLAIN = {str, int, bool, type(None)}
_TAG = "$"


class _Form(NamedTuple):
    """How objects of a class are written: as what, and what makes them again of that."""

    parts: Callable[[Any], Mapping[str, Any]]
    make: Callable[..., Any]


class Encoded(NamedTuple):
    """A value as JSON can hold it.

    Attributes:
        tree: for JSON.
        arrays: its larger arrays, by the names that the tree has for them.
        lost: the places of values that no form holds, each with its class; None is in their stead.
    """

    tree: Any
    arrays: dict[str, Any]
    lost: tuple[str, ...]


_forms: dict[type, _Form] = {}
_classes: dict[str, type] = {}


def add_class(
    cls: type, parts: Callable[[Any], Mapping[str, Any]], make: Callable[..., Any] | None = None
) -> None:
    """Have objects of a class, not of its subclasses, be written and read.

    Args:
        cls: its name must be different from those of all others.
        parts: gives what an object is made of, by name.
        make: called with the parts by name; the class itself by default.
    """
    _forms[cls] = _Form(parts, cls if make is None else make)
    _classes[cls.__name__] = cls


def encoded(value: Any, *, small: float = SMALL) -> Encoded:
    """``value`` as JSON and arrays.

    Args:
        value: any; a part that occurs in it twice is written once, and is one object again when it
            is read, if it is an array or of one of the classes here.
        small: bytes of the largest array that the tree holds itself.

    Raises:
        JobStoreError: the value holds itself, or is nested too deeply.
    """
    writer = _Writer(small)
    try:
        tree = writer.write(value, "")
    except RecursionError as error:
        raise JobStoreError("a value that holds itself cannot be kept") from error
    return Encoded(tree, writer.arrays, tuple(writer.lost))


class _Writer:
    def __init__(self, small: float) -> None:
        self.small = small
        self.arrays: dict[str, NDArray[Any]] = {}
        self.lost: list[str] = []
        self.written: dict[int, tuple[int, Any]] = {}  # with the object, which keeps its id its own

    def write(self, value: Any, place: str) -> Any:
        kind = type(value)
        if kind in _PLAIN:
            return value
        if kind is float:
            return value if math.isfinite(value) else _tagged("float", bits=_bits(value))
        if kind is list:
            if set(map(type, value)) <= _PLAIN:
                return value
            return [self.write(one, f"{place}[{number}]") for number, one in enumerate(value)]
        if kind is dict:
            return self.mapping(value, place)
        if id(value) in self.written:
            return _tagged("again", number=self.written[id(value)][0])
        if kind is np.ndarray:
            tree = self.array(value, place)
        elif (form := _forms.get(_base(kind))) is not None:
            parts = form.parts(value).items()
            tree = _tagged(
                kind.__name__ if kind in _forms else f"qiskit_aer.{kind.__name__}",
                **{name: self.write(part, f"{place}.{name}") for name, part in parts},
            )
        elif isinstance(value, np.generic) and kind is value.dtype.type:
            return _tagged("scalar", array=self.array(np.array(value), place))
        else:
            return self.lose(value, place)
        self.written[id(value)] = len(self.written), value
        return tree

    def mapping(self, value: dict[Any, Any], place: str) -> Any:
        if set(map(type, value)) <= {str} and _TAG not in value:
            if set(map(type, value.values())) <= _PLAIN:
                return value
            return {key: self.write(one, f"{place}[{key!r}]") for key, one in value.items()}
        items = [
            [self.write(key, f"{place}: the key {key!r}"), self.write(one, f"{place}[{key!r}]")]
            for key, one in value.items()
        ]
        return _tagged("dict", items=items)

    def array(self, value: NDArray[Any], place: str) -> Any:
        if value.dtype.hasobject:
            return self.lose(value, place)
        if value.nbytes > self.small:
            name = str(len(self.arrays))
            self.arrays[name] = value
            return _tagged("array", name=name)
        stream = io.BytesIO()
        np.lib.format.write_array(stream, value, allow_pickle=False)
        return _tagged("array", npy=_text(stream.getvalue()))

    def lose(self, value: Any, place: str) -> None:
        what = f"an array of {value.dtype}" if type(value) is np.ndarray else type(value).__name__
        self.lost.append(f"{place.lstrip('.') or 'the value'}: {what}")


def decoded(tree: Any, arrays: Mapping[str, NDArray[Any]]) -> Any:
    """The value that :func:`encoded` encoded.

    Raises:
        JobStoreError: for a form, or a class, that is not known here.
        LookupError, TypeError, ValueError: for anything else that it did not write.
    """
    made: list[Any] = []

    def read(tree: Any) -> Any:
        kind = type(tree)
        if kind is list:
            return tree if set(map(type, tree)) <= _PLAIN else [read(one) for one in tree]
        if kind is not dict:
            return tree
        form = tree.get(_TAG)
        if form is None:
            return {key: read(one) for key, one in tree.items()}
        parts = {key: read(one) for key, one in tree.items() if key != _TAG}
        if form == "again":
            return made[parts["number"]]
        if form in _READERS:
            return _READERS[form](**parts)
        if form == "array":
            made.append(arrays[parts["name"]] if "name" in parts else _array(parts["npy"]))
        elif form == "scalar":
            del made[-1]
            return parts["array"][()]
        elif (make := _maker(form)) is not None:
            made.append(make(**parts))
        else:
            raise JobStoreError(
                f"a value has the form {form!r}, which is not known here: a newer Simquay wrote "
                "it, or a plugin that is not loaded"
            )
        return made[-1]

    return read(tree)


_OF_AER = ("DensityMatrix", "Operator", "StabilizerState", "Statevector", "SuperOp")
"""Classes of Qiskit of which Aer gives subclasses of its own, with the same names."""


def _base(kind: type) -> type:
    """The class whose form holds objects of a class: its base, if it is one of Aer's."""
    of_aer = kind.__name__ in _OF_AER and kind.__module__.startswith("qiskit_aer.")
    return kind.__base__ if of_aer and kind.__base__ is not None else kind


def _maker(form: str) -> Callable[..., Any] | None:
    """What makes the objects of a form; None for one that is not known."""
    package, _, name = form.rpartition(".")
    if package == "qiskit_aer" and name in _OF_AER:
        try:
            from qiskit_aer.backends import compatibility
        except ImportError:
            pass  # then Qiskit's class, which has the same data
        else:
            make: Callable[..., Any] = getattr(compatibility, name)
            return make
        form = name
    return _forms[_classes[form]].make if form in _classes else None


def _tagged(form: str, **parts: Any) -> dict[str, Any]:
    return {_TAG: form, **parts}


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _bits(value: float) -> str:
    return struct.pack(">d", value).hex()


def _array(npy: str) -> NDArray[Any]:
    array: NDArray[Any] = np.lib.format.read_array(
        io.BytesIO(base64.b64decode(npy)), allow_pickle=False
    )
    return array


_READERS: dict[str, Callable[..., Any]] = {
    "float": lambda bits: struct.unpack(">d", bytes.fromhex(bits))[0],
    "dict": lambda items: dict(items),
}
"""What is made again from the parts of forms that have no class of their own."""


# --- Python's classes --------------------------------------------------------------------------

add_class(tuple, lambda value: {"items": list(value)}, lambda items: tuple(items))
add_class(set, lambda value: {"items": list(value)}, lambda items: set(items))
add_class(frozenset, lambda value: {"items": list(value)}, lambda items: frozenset(items))
add_class(complex, lambda value: {"real": value.real, "imag": value.imag})
add_class(bytes, lambda value: {"base64": _text(value)}, lambda base64: _bytes(base64))
add_class(
    range, lambda one: {"parts": [one.start, one.stop, one.step]}, lambda parts: range(*parts)
)
add_class(datetime, lambda value: {"iso": value.isoformat()}, lambda iso: _datetime(iso))
add_class(date, lambda value: {"iso": value.isoformat()}, lambda iso: date.fromisoformat(iso))
add_class(
    timedelta,
    lambda value: {
        "days": value.days,
        "seconds": value.seconds,
        "microseconds": value.microseconds,
    },
)
add_class(UUID, lambda value: {"hex": value.hex})


def _bytes(text: str) -> bytes:
    return base64.b64decode(text)


def _datetime(text: str) -> datetime:
    return datetime.fromisoformat(text)


# --- Qiskit's classes --------------------------------------------------------------------------


def _add_record(cls: type, *arguments: Any) -> None:
    """A class of attributes, made first with these arguments."""

    def make(attributes: dict[str, Any]) -> Any:
        one = cls(*arguments)
        vars(one).update(attributes)
        return one

    add_class(cls, lambda one: {"attributes": dict(vars(one))}, make)


def _add_mapping(cls: type) -> None:
    """A subclass of ``dict`` that has attributes."""

    def make(items: dict[Any, Any], attributes: dict[str, Any]) -> Any:
        one = cls({})
        one.update(items)
        vars(one).update(attributes)
        return one

    add_class(cls, lambda one: {"items": dict(one), "attributes": dict(vars(one))}, make)


_add_record(Result)
_add_record(ExperimentResult, 0, True, None)
_add_record(ExperimentResultData)
for _one in (Counts, ProbDistribution, QuasiDistribution):
    _add_mapping(_one)

add_class(JobStatus, lambda one: {"name": one.name}, lambda name: JobStatus[name])
for _one in (MeasLevel, MeasReturnType):
    add_class(_one, lambda one: {"value": one.value})

for _one in (Statevector, DensityMatrix):
    add_class(_one, lambda one: {"data": one.data, "dims": one.dims()})
for _one in (Operator, SuperOp, Choi, PTM, Chi):
    add_class(
        _one,
        lambda one: {
            "data": one.data,
            "input_dims": one.input_dims(),
            "output_dims": one.output_dims(),
        },
    )
add_class(Clifford, lambda one: {"data": one.tableau})
add_class(StabilizerState, lambda one: {"data": one.clifford})
add_class(
    Pauli, lambda one: {"parts": [one.z, one.x, int(one.phase)]}, lambda parts: Pauli(tuple(parts))
)
add_class(
    PauliList,
    lambda one: {"z": one.z, "x": one.x, "phase": one.phase},
    lambda z, x, phase: PauliList.from_symplectic(z, x, phase),
)
add_class(
    SparsePauliOp,
    lambda one: {"data": one.paulis, "coeffs": one.coeffs},
    lambda data, coeffs: SparsePauliOp(data, coeffs, ignore_pauli_phase=True, copy=False),
)


def _in_qpy(parameter: ParameterExpression) -> Mapping[str, str]:
    """QPY alone keeps what makes a parameter equal to another."""
    return {"qpy": _text(to_qpy([QuantumCircuit(global_phase=parameter)]))}


def _of_qpy(qpy: str) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore"
        )  # older Qiskits warn of vectors of which one element is used
        (circuit,) = from_qpy(_bytes(qpy))
    return circuit.global_phase


for _one in (Parameter, ParameterVectorElement, ParameterExpression):
    add_class(_one, _in_qpy, _of_qpy)

add_class(BitArray, lambda one: {"array": one.array, "num_bits": one.num_bits})
add_class(
    DataBin,
    lambda one: {"shape": one.shape, "data": dict(one.items())},
    lambda shape, data: DataBin(shape=shape, **data),
)
for _one in (PubResult, SamplerPubResult):
    add_class(_one, lambda one: {"data": one.data, "metadata": one.metadata})
add_class(PrimitiveResult, lambda one: {"pub_results": [*one], "metadata": one.metadata})
