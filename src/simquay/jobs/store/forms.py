"""The classes whose objects can be kept: what each is made of, and how it is made again.

Python's and Qiskit's are here; other modules add their own by :func:`add_class`.
"""

from __future__ import annotations

import base64
import warnings
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

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

from simquay.jobs.store.circuits import from_qpy, to_qpy

__all__ = ["add_class", "base64_of", "bytes_of", "form_of", "maker_of"]

Parts = Callable[[Any], Mapping[str, Any]]
"""Gives what an object is made of, by name."""

_parts: dict[type, Parts] = {}
_makers: dict[str, Callable[..., Any]] = {}
"""By the names of the classes. Both are filled where modules are imported, and only read later."""

_OF_AER = ("DensityMatrix", "Operator", "StabilizerState", "Statevector", "SuperOp")
"""Classes of Qiskit of which Aer gives subclasses of its own, with the same names."""


def add_class(cls: type, parts: Parts, make: Callable[..., Any] | None = None) -> None:
    """Have objects of a class, not of its subclasses, be written and read.

    Args:
        cls: its name must be different from those of all others.
        parts: gives what an object is made of, by name.
        make: called with the parts by name; the class itself by default.
    """
    _parts[cls] = parts
    _makers[cls.__name__] = cls if make is None else make


def form_of(cls: type) -> tuple[str, Parts] | None:
    """The name of the form that objects of a class are written in, and what gives their parts; None
    where there is none."""
    if cls in _parts:
        return cls.__name__, _parts[cls]
    if cls.__name__ in _OF_AER and cls.__module__.startswith("qiskit_aer."):
        return f"qiskit_aer.{cls.__name__}", _parts[cls.__mro__[1]]
    return None


def maker_of(form: str) -> Callable[..., Any] | None:
    """What makes the objects of a form from their parts; None for one that is not known."""
    package, _, name = form.rpartition(".")
    if package == "qiskit_aer" and name in _OF_AER:
        try:
            from qiskit_aer.backends import compatibility
        except ImportError:
            return _makers[name]  # Qiskit's class, which has the same data
        make: Callable[..., Any] = getattr(compatibility, name)
        return make
    return _makers.get(form)


def base64_of(data: bytes) -> str:
    """Bytes as text."""
    return base64.b64encode(data).decode()


def bytes_of(text: str) -> bytes:
    """The bytes that :func:`base64_of` was given."""
    return base64.b64decode(text)


# --- Python's classes --------------------------------------------------------------------------

add_class(tuple, lambda value: {"items": list(value)}, lambda items: tuple(items))
add_class(set, lambda value: {"items": list(value)}, lambda items: set(items))
add_class(frozenset, lambda value: {"items": list(value)}, lambda items: frozenset(items))
add_class(complex, lambda value: {"real": value.real, "imag": value.imag})
add_class(bytes, lambda value: {"base64": base64_of(value)}, lambda base64: bytes_of(base64))
add_class(
    range, lambda one: {"parts": [one.start, one.stop, one.step]}, lambda parts: range(*parts)
)
add_class(
    datetime, lambda value: {"iso": value.isoformat()}, lambda iso: datetime.fromisoformat(iso)
)
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
    return {"qpy": base64_of(to_qpy([QuantumCircuit(global_phase=parameter)]))}


def _of_qpy(qpy: str) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # older Qiskits, of vectors of which one element is used
        (circuit,) = from_qpy(bytes_of(qpy))
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
