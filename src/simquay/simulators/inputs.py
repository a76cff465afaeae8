"""The checks of the circuits given to ``run``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from qiskit import QuantumCircuit
from qiskit.exceptions import QiskitError

from simquay.circuits.parameters import unbound_parameters
from simquay.errors import NotACircuitError, PlainMessage, ProgramError

__all__ = ["NotCircuitsError", "RunInputError", "checked_circuits"]


class RunInputError(PlainMessage, QiskitError, ProgramError):  # type: ignore[misc]  # Qiskit ships no types
    """The input of ``run`` cannot be run; also a ``ValueError`` and a ``QiskitError``."""


class NotCircuitsError(RunInputError, NotACircuitError):
    """The input of ``run`` is no circuit; also a ``TypeError``."""


def checked_circuits(run_input: object, *, bound: bool = True) -> list[QuantumCircuit]:
    """The circuits to run, at least one.

    Args:
        run_input: a circuit, or an iterable of circuits.
        bound: refuse circuits with parameters that have no value.

    Raises:
        NotCircuitsError: for anything but circuits.
        RunInputError: for no circuits at all, and for an unbound parameter.
    """
    if isinstance(run_input, QuantumCircuit):
        circuits = [run_input]
    elif isinstance(run_input, Iterable) and not isinstance(run_input, (str, bytes, Mapping)):
        circuits = list(run_input)
        if not circuits:
            raise RunInputError(
                "there are no circuits to run: expected a circuit, or at least one in the list"
            )
    else:
        raise NotCircuitsError(
            f"cannot run {_kind(run_input)}: expected a QuantumCircuit, or several in a list"
        )
    for index, circuit in enumerate(circuits):
        if not isinstance(circuit, QuantumCircuit):
            raise NotCircuitsError(
                f"cannot run item {index} of the list, {_kind(circuit)}: expected a QuantumCircuit"
            )
        if bound and circuit.num_parameters and (unbound := unbound_parameters(circuit)):
            names = ", ".join(parameter.name for parameter in unbound)
            raise RunInputError(
                f"circuit {circuit.name!r} has unbound parameters ({names}): "
                "give them values with circuit.assign_parameters(...) first"
            )
    return circuits


def _kind(thing: object) -> str:
    return f"an object of type {type(thing).__name__}"
