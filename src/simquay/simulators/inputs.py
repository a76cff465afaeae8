"""The checks of the circuits given to ``run``."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qiskit import QuantumCircuit
from qiskit.exceptions import QiskitError

from simquay.circuits.lowering.circuit import lower, lower_points
from simquay.circuits.parameters import unbound_parameters
from simquay.errors import NotACircuitError, PlainMessage, ProgramError, SimquayWarning
from simquay.noise.model import NoiseModel
from simquay.program import Program
from simquay.system.warning import warn

__all__ = [
    "NotCircuitsError",
    "RunInputError",
    "checked_circuits",
    "points_of",
    "warn_of_no_noise",
]


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
                "give them values with circuit.assign_parameters(...) or parameter_binds"
            )
    return circuits


def points_of(
    circuits: Sequence[QuantumCircuit],
    binds: object,
    noise: NoiseModel | None = None,
    hit: set[str] | None = None,
) -> list[Sequence[Program]]:
    """The programs of each circuit, one for each set of its parameters' values.

    Args:
        circuits: those to run.
        binds: for each circuit a mapping of its parameters to the values of each, equally
            many; an empty one stands for the circuit as it is. That is Aer's form.
        noise: of the run, or None; see :func:`~simquay.circuits.lowering.circuit.lower`, also for
            ``hit``.

    Raises:
        RunInputError: for anything else, for a parameter that has no values, and for values of a
            parameter that the circuit does not have.
        ProgramError: for values that are no finite real numbers, and as ``lower`` says.
    """
    form = "parameter_binds is a list with a dictionary {parameter: [value, ...]} for each circuit"
    if not isinstance(binds, Sequence) or not all(isinstance(one, Mapping) for one in binds):
        raise RunInputError(f"{form}, not {_kind(binds)}")
    if len(binds) != len(circuits):
        raise RunInputError(f"{form}: there are {len(binds)} for {len(circuits)} circuits")
    return [
        lower_points(circuit, _table(circuit, bind), noise, hit)
        if bind or unbound_parameters(circuit)
        else [lower(circuit, noise, hit)]
        for circuit, bind in zip(circuits, binds, strict=True)
    ]


def warn_of_no_noise(
    noise: NoiseModel | None, hit: Collection[str], circuits: Iterable[QuantumCircuit]
) -> None:
    """Warn where a noise model has errors, but of no instruction of the circuits.

    Args:
        noise: of the run, or None.
        hit: the instructions of the circuits that have errors, by their names or labels.
        circuits: to run.

    Warns:
        SimquayWarning: names the instructions of both.
    """
    if noise is None or noise.is_ideal or hit:
        return
    names = {name for circuit in circuits for name in circuit.count_ops()}
    warn(
        "the noise model has no errors of the instructions of the circuits on their qubits, so the "
        f"run is ideal: it has errors of {', '.join(sorted(noise.names))}, and the circuits have "
        f"{', '.join(sorted(names))}; transpile them for the device of the model",
        SimquayWarning,
    )


def _table(circuit: QuantumCircuit, bind: Mapping[Any, Any]) -> NDArray[Any]:
    """The values of all points: shape ``(points, parameters)``, in the circuit's order."""
    named = f"parameter_binds of circuit {circuit.name!r}"
    missing = [one.name for one in circuit.parameters if one not in bind]
    if missing:
        raise RunInputError(f"{named}: no values for the parameters {', '.join(missing)}")
    others = [str(one) for one in bind if one not in circuit.parameters]
    if others:
        raise RunInputError(f"{named}: the circuit has no parameters {', '.join(others)}")
    columns = [np.asarray(bind[one]) for one in circuit.parameters]
    shapes = {column.shape for column in columns}
    if len(shapes) > 1 or len(columns[0].shape) != 1 or not columns[0].size:
        each = ", ".join(
            f"{one.name}: {column.shape}"
            for one, column in zip(circuit.parameters, columns, strict=True)
        )
        raise RunInputError(
            f"{named}: each parameter takes a list of values, as long as those of the others; "
            f"the shapes are {each}"
        )
    return np.stack(columns, axis=1)


def _kind(thing: object) -> str:
    return f"an object of type {type(thing).__name__}"
