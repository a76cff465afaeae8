"""The lowering of a whole circuit: the entry points, and the choice of a handler.

A standard gate is lowered by the tables of ``gates.py``, inside :meth:`Lowering.read`. Any other
instruction comes to :func:`_instruction`, the top of the package: it knows every handler.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, TypeAlias, Union

import numpy as np
from numpy.typing import NDArray
from qiskit import QuantumCircuit
from qiskit.circuit import AnnotatedOperation, ControlledGate, Gate, Qubit
from qiskit.exceptions import QiskitError

from simquay.circuits.kept import WIDEST_STATE, Lowered, keep, kept
from simquay.circuits.lowering import control_flow, expansion, instructions, saves
from simquay.circuits.lowering.angles import Angles, NeedsValuesError
from simquay.circuits.lowering.context import Handler, Handlers, Lowering, Site
from simquay.circuits.lowering.expressions import type_of
from simquay.circuits.lowering.gates import Makers
from simquay.circuits.lowering.instructions import has_matrix
from simquay.circuits.lowering.modifiers import annotated_operation, controlled_gate, is_plain
from simquay.circuits.lowering.noise import channels
from simquay.circuits.lowering.noise.placement import NoisyLowering
from simquay.circuits.lowering.scopes import BlockBuilder, Scope
from simquay.circuits.parameters import assigned, finite_values, unbound_parameters
from simquay.errors import (
    NotACircuitError,
    ProgramError,
    SimquayError,
    UnsupportedInstructionError,
)
from simquay.execution.points import Points
from simquay.noise.model import NoiseModel
from simquay.program import Program, VariableDeclaration
from simquay.program.formulas import NotFiniteError

__all__ = [
    "kept_qubits",
    "lower",
    "lower_at",
    "lower_parametric",
    "lower_points",
    "used_qubits",
]

_FEW = 32
"""The most instructions of a circuit whose gates are made one by one: arrays that are kept from
earlier gates are then faster than those that are computed together."""

HANDLERS: Handlers = instructions.HANDLERS | control_flow.HANDLERS

_KNOWN_BY_BITS = frozenset({"measure", "reset", "barrier", "delay"})
"""Instructions whose qubits and classical bits say all about them."""

_Parametric: TypeAlias = Union[Callable[[QuantumCircuit], Angles], None]
"""Makes the angles of a program that may have parametric gates; None for any other."""


def lower(
    circuit: QuantumCircuit, noise: NoiseModel | None = None, hit: set[str] | None = None
) -> Program:
    """``circuit`` as a program: plain data that no later change of the circuit reaches.

    Amplitude index bit ``k`` is the circuit's qubit ``k``; classical bit ``k`` is its clbit ``k``.
    Idle qubits that a transpiler added are left out where a state is saved of the others, and where
    the circuit is so wide that no state could be had otherwise; the others keep their order.
    The circuit needs no transpilation: gates are taken by their definition or their matrix, and
    controlled gates keep their controls.

    Args:
        circuit: its parameters have values.
        noise: the errors of its instructions; see :class:`NoisyLowering
            <simquay.circuits.lowering.noise.placement.NoisyLowering>`.
        hit: the names and labels of the model's by which instructions have errors are added.

    Raises:
        NotACircuitError: if it is not a ``QuantumCircuit``; a ``ProgramError`` and ``TypeError``.
        UnsupportedInstructionError: for an instruction that cannot be run; the message names it
            and its place. For definitions and bodies that are nested more than 100 deep.
        ProgramError: for unbound parameters, unbound input variables, and values that make no gate
            or channel.
        NoiseModelError: for errors of the model that are no channel.
        SimquayError: a nested circuit needs a thread, and the system refuses it.
    """
    program, _, found = _lowered(circuit, None, noise)
    if hit is not None:
        hit |= found
    return program


def lower_points(
    circuit: QuantumCircuit,
    values: NDArray[np.float64] | Sequence[Sequence[float]],
    noise: NoiseModel | None = None,
    hit: set[str] | None = None,
) -> Sequence[Program]:
    """``circuit`` as a program at each of several points: :func:`lower` of the circuit with the
    values of each row assigned to its parameters, up to rounding.

    The circuit is lowered once, to a program with parametric gates, and their angles are computed
    for all points together. Where operations themselves depend on parameters (a fractional power, a
    gate known by its matrix alone), it is lowered once a point.

    Args:
        circuit: as for :func:`lower`; its parameters need no values.
        values: of the parameters, shape ``(points, parameters)``, real and finite; column ``p`` is
            that of ``circuit.parameters[p]``.
        noise: as for :func:`lower`, and so is ``hit``.

    Raises:
        ProgramError: for values of another shape or kind, and expressions without a real value at a
            point, beside those of :func:`lower`.
    """
    try:
        program, angles, found = lower_parametric(circuit, noise)
    except NeedsValuesError:
        return _one_by_one(circuit, finite_values(circuit, values), noise, hit)
    if hit is not None:
        hit |= found
    return Points(program, angles.at(finite_values(circuit, values)))


def lower_parametric(
    circuit: QuantumCircuit, noise: NoiseModel | None = None
) -> tuple[Program, Angles, frozenset[str]]:
    """The program of all points, their angles, and the names of ``noise`` that it has. A circuit
    whose operations themselves depend on parameters raises :class:`NeedsValuesError`."""
    lowered = program, angles, found = kept(circuit, noise) or _lowered(circuit, Angles, noise)
    assert angles is not None, "the parametric form has them"
    keep(circuit, noise, lowered, angles)
    return program, angles, found


def lower_at(
    circuit: QuantumCircuit,
    values: NDArray[np.float64],
    noise: NoiseModel | None = None,
    moved: tuple[int, float] = (-1, 0.0),
) -> tuple[Program, Angles, frozenset[str]]:
    """As :func:`lower_parametric`, for any circuit at one point: the operations that need values
    have those at ``values``, shape ``(parameters,)``, and are not parametric.

    Args:
        circuit: the circuit.
        values: of its parameters, finite.
        noise: as for :func:`lower`.
        moved: as for :class:`Angles`.
    """
    make = partial(Angles, values=values, moved=moved)
    try:
        program, angles, found = _lowered(circuit, make, noise)
    except (ArithmeticError, RuntimeError, QiskitError) as error:
        raise ProgramError(f"circuit {circuit.name!r} at {values.tolist()}: {error}") from error
    assert angles is not None, "the parametric form has them"
    return program, angles, found


def _one_by_one(
    circuit: QuantumCircuit,
    values: NDArray[np.float64],
    noise: NoiseModel | None,
    hit: set[str] | None,
) -> list[Program]:
    """The program of each point, lowered by itself."""
    order = list(circuit.parameters)
    columns = [(one, order.index(one)) for one in unbound_parameters(circuit)]
    rows = ({one: row[column] for one, column in columns} for row in values.tolist())
    programs: list[Program] = []
    try:
        programs.extend(lower(bound, noise, hit) for bound in assigned(circuit, rows))
    except (ProgramError, ArithmeticError, RuntimeError, QiskitError) as error:
        point = len(programs)
        kind = type(error) if isinstance(error, ProgramError) else ProgramError
        given = ", ".join(f"{one.name}={values[point, column]}" for one, column in columns)
        raise kind(
            f"circuit {circuit.name!r} cannot be run at point {point} ({given}): {error}"
        ) from error
    return programs


def _lowered(circuit: QuantumCircuit, parametric: _Parametric, noise: NoiseModel | None) -> Lowered:
    if not isinstance(circuit, QuantumCircuit):
        raise NotACircuitError(
            f"{_shown(circuit)} is not a QuantumCircuit; give a circuit or a list of circuits"
        )
    if circuit.num_input_vars or circuit.num_captured_vars:
        names = [
            variable.name
            for variables in (circuit.iter_input_vars(), circuit.iter_captured_vars())
            for variable in variables
        ]
        raise ProgramError(
            f"circuit {circuit.name!r} takes variables from outside: {', '.join(names)}; "
            "declare them with add_var and a value"
        )
    try:
        return _program(circuit, parametric, noise)
    except RecursionError:
        pass
    # The caller's stack may be nearly full; a new thread has an empty one.
    with ThreadPoolExecutor(1, thread_name_prefix="simquay-lowering") as thread:
        try:
            program = thread.submit(_program, circuit, parametric, noise)
        except (RuntimeError, OSError, MemoryError) as error:
            raise SimquayError(
                f"circuit {circuit.name!r} is nested so deeply that it is read in a thread of its "
                f"own, and no thread can be started: {error}"
            ) from error
        try:
            return program.result()
        except RecursionError as error:
            raise UnsupportedInstructionError(
                f"circuit {circuit.name!r} is nested more deeply than Python's recursion limit "
                f"of {sys.getrecursionlimit()} allows; raise it with sys.setrecursionlimit, or "
                "decompose the circuit's gates and expressions"
            ) from error


def _program(circuit: QuantumCircuit, parametric: _Parametric, noise: NoiseModel | None) -> Lowered:
    if circuit.num_qubits <= WIDEST_STATE or circuit.layout is None:
        try:
            return _program_of(circuit, parametric, noise, circuit.num_qubits, circuit.qubits)
        except saves.PartialStateError:
            pass
    stored = kept_qubits(circuit)
    qubits = sorted(circuit.qubits, key=lambda bit: bit not in stored)  # the others, for barriers
    return _program_of(circuit, parametric, noise, len(stored), qubits)


def kept_qubits(circuit: QuantumCircuit) -> set[Qubit]:
    """The qubits of the program of a circuit whose idle qubits are left out."""
    found = used_qubits(circuit)
    if circuit.layout is not None:
        found.update([circuit.qubits[at] for at in circuit.layout.final_index_layout()])
    return found


def used_qubits(circuit: QuantumCircuit) -> set[Qubit]:
    """The qubits that an instruction other than a barrier acts on."""
    return {bit for item in circuit.data if item.name != "barrier" for bit in item.qubits}


def _program_of(
    circuit: QuantumCircuit,
    parametric: _Parametric,
    noise: NoiseModel | None,
    num_qubits: int,
    qubits: Sequence[Qubit],
    one_by_one: bool = False,
) -> Lowered:
    """The program of the first ``num_qubits`` of ``qubits``, all of the circuit's; nothing but
    barriers acts on the others."""
    angles = None if parametric is None else parametric(circuit)
    makers = Makers(not one_by_one and len(circuit.data) > _FEW, angles)
    args = num_qubits, _instruction, makers, partial(_check_size, circuit)
    lowering = Lowering(*args) if noise is None else NoisyLowering(*args, noise=noise)
    scope = Scope(
        circuit.name,
        {bit: index for index, bit in enumerate(qubits)},
        {bit: index for index, bit in enumerate(circuit.clbits)},
    )
    block = BlockBuilder("zero")
    try:
        lowering.read(circuit, scope, block)
        makers.fill()
    except NotFiniteError:  # the gate is named there
        return _program_of(circuit, parametric, noise, num_qubits, qubits, one_by_one=True)
    program = Program(
        num_qubits,
        circuit.num_clbits,
        block.finish(),
        tuple([VariableDeclaration(one.name, type_of(one.type)) for one in lowering.variables]),
        circuit.name,
        0 if angles is None else len(angles),
    )
    return program, angles, frozenset(lowering.hit)


def _check_size(circuit: QuantumCircuit) -> None:
    def handled(one: Any) -> bool:
        return _handler(one) is not None or channels.is_channel(one)

    size, index, part = expansion.largest(circuit, handled)
    if size > expansion.MAX_EXPANDED:
        raise ProgramError(
            f"the circuit's definitions and bodies hold {size:.2g} instructions, more than "
            f"{expansion.MAX_EXPANDED}; {part:.2g} of them are those of instruction "
            f"{circuit.data[index].name!r} (index {index} of circuit {circuit.name!r})"
        )


def _handler(operation: Any) -> Handler | None:
    entry = HANDLERS.get(operation.name)
    return entry[1] if entry is not None and isinstance(operation, entry[0]) else None


def _instruction(site: Site) -> None:
    """Lower an instruction that is no standard gate.

    In this order: by its handler, by its modifiers, as one of Aer's, as a channel, by its
    definition, by its matrix. A matrix comes last since many a gate computes it from its
    definition, which takes far longer.

    Raises:
        UnsupportedInstructionError: if it has none of these.
    """
    operation, qubits = site.operation, site.qubits
    if site.lowering.angles is not None and operation.name not in _KNOWN_BY_BITS:
        site.lowering.angles.repeatable = False
    if (handler := _handler(operation)) is not None:
        handler(site)
    elif isinstance(operation, AnnotatedOperation):
        annotated_operation(site)
    elif isinstance(operation, ControlledGate) and is_plain(operation, qubits):
        controlled_gate(site)
    elif saves.is_aers(operation):
        saves.aers_instruction(site)
    elif channels.is_channel(operation):
        channels.channel(site)
    elif (definition := site.definition()) is not None:
        site.define(definition)
    elif has_matrix(operation):
        instructions.matrix(site)
    elif operation.name == "measure" and len(site.clbits) == len(qubits):
        instructions.measure(site)  # of several qubits, as readout errors of several are for
    else:
        advice = (
            "; transpile the circuit, with idle qubits for the gate to work with"
            if isinstance(operation, Gate)
            else ""
        )
        raise UnsupportedInstructionError(
            f"instruction {operation.name!r} on qubits {list(qubits)} ({site.scope.place()}) is "
            f"not supported: it has neither a matrix nor a definition{advice}"
        )


def _shown(thing: Any) -> str:
    """A short text for ``thing``, with its type."""
    text = repr(thing)
    return f"{text if len(text) <= 60 else text[:57] + '...'} ({type(thing).__name__})"
