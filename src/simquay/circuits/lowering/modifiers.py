"""Control, inverse and power of gates, and the handlers of instructions that have them.

A gate's modifier becomes a change of the operations that the bare gate gives, so a gate with twenty
controls costs no more than the bare gate, and the matrix of the controlled gate is never built.
"""

from __future__ import annotations

import cmath
from collections.abc import Sequence
from dataclasses import replace
from typing import TypeAlias, Union, cast

import numpy as np
from numpy.typing import NDArray
from qiskit.circuit import (
    CircuitInstruction,
    ControlledGate,
    ControlModifier,
    InverseModifier,
    ParameterExpression,
    PowerModifier,
)
from qiskit.circuit.library import UGate

from simquay.circuits.lowering.angles import Angles, is_parametric
from simquay.circuits.lowering.context import Site
from simquay.circuits.lowering.gates import SWAP
from simquay.errors import ProgramError, UnsupportedInstructionError
from simquay.program import Diagonal, GateOperation, Matrix, Parametric, Permutation, Relabel
from simquay.program.bits import spread
from simquay.program.formulas import FORMULAS, ComplexArray, constant, cu, freeze, p, p0

__all__ = [
    "annotated_operation",
    "controlled",
    "controlled_gate",
    "dense_matrix",
    "inverted",
    "is_plain",
    "powered",
]

Unitary: TypeAlias = Union[GateOperation, Parametric]

MAX_DENSE_QUBITS = 10
"""The most qubits for a fractional power of several operations; its matrix has 16 MiB."""
_SMALL = 5
"""Up to this many qubits, a power of several operations becomes one matrix."""
_MAX_REPEATED = 1_000_000
"""The most operations that a whole power may repeat."""
_MAX_PARAMETRIC = 64
"""The most operations with parametric ones among them that a whole power repeats; of more, a matrix
is made for each set of values."""
_BRANCH_CUT = cmath.pi * 1e-12
"""How far the branch cut of a fractional power lies from the negative real axis, anticlockwise.

Eigenvalues of -1 are common; this is Qiskit's default, so that the same root is chosen.
"""


def is_plain(operation: ControlledGate, qubits: tuple[int, ...]) -> bool:
    """Whether the gate is its base gate with controls, and has no further qubits to work with."""
    base = operation.base_gate
    if base is None or operation.num_ctrl_qubits + base.num_qubits != len(qubits):
        return False
    if not any(isinstance(value, (int, float, ParameterExpression)) for value in base.params):
        return True
    if CircuitInstruction(base, ()).is_standard_gate():
        return True
    # Qiskit assigns parameters to the definition of such a gate, and not to that of its base.
    given = {one for value in operation.params if is_parametric(value) for one in value.parameters}
    return base.definition is None or given.issuperset(base.definition.parameters)


def controlled_gate(site: Site) -> None:
    """Lower a ``ControlledGate`` on no more qubits than its controls and its base gate's."""
    operation, qubits = site.operation, site.qubits
    count, state = operation.num_ctrl_qubits, operation.ctrl_state
    if isinstance(operation.base_gate, UGate) and len(operation.params) == 4:
        # The fourth parameter of a CU, with more controls too, is a phase of its base gate.
        gate = site.lowering.matrix(cu, operation.params, qubits[count:])
        site.block.operations.extend(controlled([gate], qubits[:count], state))
        return
    base = site.lowering.gates(operation.base_gate, qubits[count:], site.scope)
    site.block.operations.extend(controlled(base, qubits[:count], state))


def annotated_operation(site: Site) -> None:
    """Lower an ``AnnotatedOperation``.

    Raises:
        UnsupportedInstructionError: for a power that is too costly, and an unknown modifier.
    """
    operation = site.operation
    # The last modifier is the outermost, so its controls come first.
    controls: list[tuple[int, ...]] = []
    rest = site.qubits
    for modifier in reversed(operation.modifiers):
        count = modifier.num_ctrl_qubits if isinstance(modifier, ControlModifier) else 0
        controls.append(rest[:count])
        rest = rest[count:]
    gates = site.lowering.gates(operation.base_op, rest, site.scope)
    site.lowering.makers.fill()  # inverses and powers need the numbers
    for modifier, added in zip(operation.modifiers, reversed(controls), strict=True):
        if isinstance(modifier, ControlModifier):
            gates = controlled(gates, added, modifier.ctrl_state)
            rest = added + rest
        elif isinstance(modifier, InverseModifier):
            gates = inverted(gates)
        elif isinstance(modifier, PowerModifier):
            try:
                gates = powered(gates, modifier.power, rest, site.lowering.angles)
                site.lowering.grow(site.scope, len(gates))
            except ProgramError as error:
                name = operation.base_op.name
                raise UnsupportedInstructionError(
                    f"instruction {name!r} ({site.scope.place()}): {error}"
                ) from error
        else:
            raise UnsupportedInstructionError(
                f"the modifier {modifier!r} of {operation.base_op.name!r} "
                f"({site.scope.place()}) is not supported; control, inverse and power are"
            )
    site.block.operations.extend(gates)


def controlled(
    operations: Sequence[Unitary], controls: tuple[int, ...], state: int
) -> list[Unitary]:
    """``operations``, where each ``controls[j]`` equals bit ``j`` of ``state``."""
    if not controls:
        return list(operations)
    result: list[Unitary] = []
    for operation in operations:
        if isinstance(operation, Relabel):
            result.extend(
                Permutation(SWAP, pair, controls, state) for pair in _transpositions(operation)
            )
        elif isinstance(operation, (Matrix, Diagonal, Permutation, Parametric)):
            every = operation.controls + controls
            every_state = operation.control_state | state << len(operation.controls)
            if operation.qubits:
                result.append(replace(operation, controls=every, control_state=every_state))
            elif isinstance(operation, Parametric):
                # A factor with controls is a diagonal on the first of them.
                name, rest = (p if every_state & 1 else p0).name, every_state >> 1
                args = name, operation.angles, every[:1], every[1:], rest, operation.adjoint
                result.append(Parametric(*args))
            else:
                result.append(_controlled_factor(_factor(operation), every, every_state))
        else:
            raise AssertionError(f"{operation} is not unitary")
    return result


def _factor(operation: Matrix | Diagonal | Permutation) -> complex:
    """The factor of an operation on no qubits."""
    if isinstance(operation, Permutation):
        return 1.0
    array = operation.matrix if isinstance(operation, Matrix) else operation.diagonal
    return complex(array.ravel()[0])


def _controlled_factor(factor: complex, controls: tuple[int, ...], state: int) -> Diagonal:
    """A factor with controls, written as a diagonal on the first of them."""
    diagonal = constant((1.0, factor) if state & 1 else (factor, 1.0))
    return Diagonal(diagonal, controls[:1], controls[1:], state >> 1)


def _transpositions(relabel: Relabel) -> list[tuple[int, int]]:
    """Swaps that do the same as ``relabel``, in order."""
    goes_to = dict(zip(relabel.sources, relabel.qubits, strict=True))
    swaps = []
    for start in relabel.qubits:
        # Swapping the start with each next qubit of its cycle leaves each content in its place.
        following = goes_to.pop(start, start)
        while following != start:
            swaps.append((start, following))
            following = goes_to.pop(following)
    return swaps


def inverted(operations: Sequence[Unitary]) -> list[Unitary]:
    """The inverse of ``operations``, applied in order."""
    return [_inverse(operation) for operation in reversed(operations)]


def _inverse(operation: Unitary) -> Unitary:
    if isinstance(operation, Parametric):
        return replace(operation, adjoint=not operation.adjoint)
    if isinstance(operation, Matrix):
        return replace(operation, matrix=freeze(operation.matrix.conj().T.copy()))
    if isinstance(operation, Diagonal):
        return replace(operation, diagonal=freeze(operation.diagonal.conj()))
    if isinstance(operation, Permutation):
        return replace(operation, table=freeze(np.argsort(operation.table)))
    if isinstance(operation, Relabel):
        return Relabel(operation.sources, operation.qubits)
    raise AssertionError(f"{operation} is not unitary")


def powered(
    operations: Sequence[Unitary],
    exponent: float,
    qubits: tuple[int, ...],
    angles: Angles | None = None,
) -> list[Unitary]:
    """The ``exponent``-th power of ``operations``, all of which act on ``qubits``; ``angles`` are
    those of the parametric ones.

    A fractional power is the principal one: each eigenvalue's phase lies in (-pi, pi].

    Raises:
        NeedsValuesError: for a power of parametric gates that needs their numbers, and there are
            none.
        ProgramError: if a fractional power is of a gate that is too wide to be one matrix, or a
            whole power repeats too many operations.
    """
    whole = float(exponent).is_integer()
    if whole and exponent < 0:
        return powered(inverted(operations), -int(exponent), qubits, angles)
    if not operations or exponent == 0:
        return []
    if any(isinstance(operation, Parametric) for operation in operations):
        if whole and exponent * len(operations) <= _MAX_PARAMETRIC:
            return list(operations) * int(exponent)
        assert angles is not None, "parametric gates have angles"
        operations = [_with_numbers(operation, angles) for operation in operations]
    return [*_power(cast("Sequence[GateOperation]", operations), exponent, whole, qubits)]


def _with_numbers(operation: Unitary, angles: Angles) -> Unitary:
    if not isinstance(operation, Parametric):
        return operation
    values = np.array([angles.number(index) for index in operation.angles])
    return operation.holding(FORMULAS[operation.formula].at(values, operation.adjoint))


def _power(
    operations: Sequence[GateOperation], exponent: float, whole: bool, qubits: tuple[int, ...]
) -> list[GateOperation]:
    """The power, if it is not negative, of one operation or more."""
    if len(operations) == 1:
        single = _power_of_one(operations[0], exponent, whole)
        if single is not None:
            return [single]
    if whole:
        count = int(exponent)
        if count == 1:
            return list(operations)
        if len(qubits) > _SMALL:
            if count * len(operations) > _MAX_REPEATED:
                raise ProgramError(
                    f"power {count} of {len(operations)} operations on {len(qubits)} qubits "
                    f"repeats more than {_MAX_REPEATED} operations; give the power as a gate"
                )
            return list(operations) * count
    elif len(qubits) > MAX_DENSE_QUBITS:
        raise ProgramError(
            f"power {exponent} is fractional and needs the matrix of a gate on {len(qubits)} "
            f"qubits; at most {MAX_DENSE_QUBITS} are supported"
        )
    matrix = _matrix_power(dense_matrix(operations, qubits), exponent, whole)
    return [Matrix(freeze(matrix), qubits)]


def _power_of_one(operation: GateOperation, exponent: float, whole: bool) -> GateOperation | None:
    """The power of one operation; None where it is not one operation."""
    if isinstance(operation, Diagonal):
        return replace(operation, diagonal=freeze(_diagonal_power(operation.diagonal, exponent)))
    if isinstance(operation, Matrix):
        matrix = _matrix_power(operation.matrix, exponent, whole)
        return replace(operation, matrix=freeze(matrix))
    if not whole:
        if isinstance(operation, Permutation):
            # The eigenvalues where the controls do not hold are 1: only the rest takes a power.
            size = len(operation.table)
            matrix = np.zeros((size, size), complex)
            matrix[operation.table, np.arange(size)] = 1
            matrix = _matrix_power(matrix, exponent, whole)
            return Matrix(
                freeze(matrix), operation.qubits, operation.controls, operation.control_state
            )
        return None
    if isinstance(operation, Permutation):
        table = _table_power(operation.table, int(exponent))
        return replace(operation, table=freeze(table))
    if isinstance(operation, Relabel):
        position = {qubit: j for j, qubit in enumerate(operation.qubits)}
        steps = np.array([position[source] for source in operation.sources], dtype=np.intp)
        steps = _table_power(steps, int(exponent))
        return Relabel(operation.qubits, tuple(operation.qubits[j] for j in steps))
    raise AssertionError(f"{operation} is not unitary")


def _table_power(table: NDArray[np.intp], exponent: int) -> NDArray[np.intp]:
    """``table`` followed ``exponent`` (0 or more) times, by repeated squaring."""
    result = np.arange(len(table))
    while exponent:
        if exponent & 1:
            result = table[result]
        table = table[table]
        exponent >>= 1
    return result


def _diagonal_power(diagonal: ComplexArray, exponent: float) -> ComplexArray:
    angles = np.angle(diagonal * cmath.rect(1, -_BRANCH_CUT)) + _BRANCH_CUT
    result: ComplexArray = np.exp(1j * exponent * angles)
    return result


def _matrix_power(matrix: ComplexArray, exponent: float, whole: bool) -> ComplexArray:
    if whole:
        result: ComplexArray = np.linalg.matrix_power(matrix, int(exponent))
        return result
    # The Schur form of a unitary is diagonal, and its basis is unitary even where eigenvalues
    # coincide, which that of an eigenvalue routine is not.
    from scipy.linalg import schur

    triangle, basis = schur(matrix, output="complex")
    powers = _diagonal_power(np.diagonal(triangle), exponent)
    product: ComplexArray = (basis * powers) @ basis.conj().T
    return product


def dense_matrix(operations: Sequence[GateOperation], qubits: tuple[int, ...]) -> ComplexArray:
    """The matrix of ``operations`` over ``qubits``, shape ``(2**k, 2**k)``."""
    columns: ComplexArray = np.eye(1 << len(qubits), dtype=np.complex128)
    order = list(qubits)  # the qubit of each bit of a row
    for operation in operations:
        if isinstance(operation, Relabel):
            order = list(operation.renamed(order))
            continue
        if not isinstance(operation, (Matrix, Diagonal, Permutation)):
            raise AssertionError(f"{operation} is not unitary")
        where = [order.index(qubit) for qubit in operation.qubits]
        controls = [order.index(control) for control in operation.controls]
        others = [bit for bit in range(len(order)) if bit not in (*where, *controls)]
        held = sum((operation.control_state >> j & 1) << bit for j, bit in enumerate(controls))
        # rows[i] are the rows where the gate's qubits are i, and the controls hold.
        rows = spread(where)[:, None] + held + spread(others)
        if isinstance(operation, Diagonal):
            columns[rows] *= operation.diagonal[:, None, None]
        elif isinstance(operation, Permutation):
            columns[rows[operation.table]] = columns[rows]
        else:
            columns[rows] = np.tensordot(operation.matrix, columns[rows], 1)
    result: ComplexArray = columns[spread([order.index(qubit) for qubit in qubits])]
    return result
