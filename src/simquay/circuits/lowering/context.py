"""The context of handlers: the instruction that is read, and further reading.

A handler is a function of one :class:`Site`. It appends operations to ``site.block``, and calls
``site.lowering`` for what lies inside its instruction: a definition, a body, a base gate. Handlers
import this module; the table of handlers is in ``circuit.py``, above them, and comes here as
``Lowering.instruction``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from copy import deepcopy
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias, cast

from qiskit import QuantumCircuit
from qiskit.circuit import CircuitInstruction, Parameter, Qubit
from qiskit.circuit.classical import expr
from qiskit.exceptions import QiskitError

from simquay.circuits.lowering import expansion
from simquay.circuits.lowering.angles import Angles, is_parametric
from simquay.circuits.lowering.expansion import MAX_DEPTH
from simquay.circuits.lowering.gates import SEVERAL, SKIPPED, Makers
from simquay.circuits.lowering.scopes import BlockBuilder, Scope
from simquay.circuits.parameters import unbound_parameters
from simquay.errors import NoiseModelError, ProgramError, UnsupportedInstructionError
from simquay.program import (
    Gate,
    GateOperation,
    Matrix,
    Parametric,
)
from simquay.program.formulas import Formula, NotFiniteError
from simquay.program.gates import standard_gates

__all__ = ["Handler", "Handlers", "Lowering", "Places", "Site"]

_LARGE = 100_000
"""The size of definitions and bodies so far at which that of all is computed."""


class Places(dict[tuple[Qubit, ...], tuple[int, ...]]):
    """The program's indices of some qubits of a circuit; made when they are first asked for."""

    __slots__ = ("_index_of",)

    def __init__(self, index_of: dict[Qubit, int]) -> None:
        self._index_of = index_of

    def __missing__(self, qubits: tuple[Qubit, ...]) -> tuple[int, ...]:
        index_of = self._index_of
        places = self[qubits] = tuple([index_of[qubit] for qubit in qubits])
        return places


@dataclass(slots=True)
class Site:
    """One instruction to lower, and its place.

    Its text (``str(site)``) names both, for messages. :meth:`Lowering.read` uses one site for all
    instructions of a circuit, so handlers do not keep it.

    Attributes:
        lowering: of the whole circuit.
        operation: the instruction's Qiskit operation.
        qubits: the program's index of each of its qubits.
        clbits: the program's index of each of its classical bits.
        scope: the circuit that it stands in.
        block: where its operations go.
    """

    lowering: Lowering
    operation: Any
    qubits: tuple[int, ...]
    clbits: tuple[int, ...]
    scope: Scope
    block: BlockBuilder

    def __str__(self) -> str:
        return f"instruction {self.operation.name!r} ({self.scope.place()})"

    def refuse_in_gate(self) -> None:
        """Refuse the instruction, which is no gate, where only gates may be.

        Raises:
            UnsupportedInstructionError: in a controlled, inverted or powered definition.
        """
        if self.scope.unitary:
            raise UnsupportedInstructionError(
                f"{self} is no gate, but belongs to something that is controlled, inverted or "
                "raised to a power"
            )

    def definition(self) -> QuantumCircuit | None:
        """The circuit that defines the operation, or None where there is none.

        Raises:
            UnsupportedInstructionError: where Qiskit cannot make it.
            NeedsValuesError: where Qiskit cannot make it while parameters have no values.
        """
        operation = self.operation
        definition: QuantumCircuit | None = None
        try:
            # Asked of the type, so that an AttributeError inside the definition is not taken for
            # there being none.
            if hasattr(type(operation), "definition"):
                definition = operation.definition
            elif hasattr(operation, "to_circuit"):
                definition = operation.to_circuit()
        except QiskitError as error:
            if self.give_values():
                return self.definition()
            raise UnsupportedInstructionError(
                f"{self} has no usable definition: {error.message}"
            ) from error
        except (TypeError, ValueError):  # a number is asked of a parameter
            if self.give_values():
                return self.definition()
            raise
        return definition

    def give_values(self) -> bool:
        """Make the operation one whose parameters are numbers; false if they are so already.

        Raises:
            NeedsValuesError: if there are no values: the circuit is then lowered for each set of
                values by itself.
        """
        angles, params = self.lowering.angles, self.operation.params
        if angles is None or not any(map(is_parametric, params)):
            return False
        numbers = [
            angles.number(angles.column(one)) if is_parametric(one) else one for one in params
        ]
        self.operation = deepcopy(self.operation)
        self.operation.params = numbers
        self.block.has_phase = True
        return True

    def define(self, definition: QuantumCircuit) -> None:
        """Lower ``definition`` in place of the operation."""
        role = f"definition of {self.operation.name!r}"
        inner = self.scope.inner(definition, self.qubits, self.clbits, role)
        self.lowering.read(definition, inner, self.block)


Handler: TypeAlias = Callable[[Site], None]
"""Lowers one instruction."""
Handlers: TypeAlias = dict[str, tuple[type[Any], Handler]]
"""By instruction name: the class that the operation must have, and its handler."""


@dataclass(slots=True)
class Lowering:
    """The lowering of one circuit.

    Attributes:
        num_qubits: of the whole circuit.
        instruction: lowers an instruction that is no standard gate.
        variables: the program's index of each classical variable, in the order of first mention.
        duration_unit: ``"dt"`` or ``"s"``, the unit of all durations; empty before the first.
        makers: make the standard gates that are one operation.
        check_size: raises a ``ProgramError`` if the circuit's definitions and bodies are too large.
        expanded: the size of the definitions and bodies so far, in instructions.
        bound: the size at which something is to be done.
        saved: by label, the path (:meth:`Scope.path`) of the instruction that saves under it.
        hit: the names and labels by which instructions have errors of a noise model.
    """

    num_qubits: int
    instruction: Handler
    makers: Makers
    check_size: Callable[[], None]
    variables: dict[expr.Var, int] = field(default_factory=dict)
    duration_unit: str = ""
    expanded: int = 0
    bound: int = _LARGE
    saved: dict[str, tuple[int, ...]] = field(default_factory=dict)
    hit: set[str] = field(default_factory=set)

    def read(self, circuit: QuantumCircuit, scope: Scope, block: BlockBuilder) -> None:
        """Lower every instruction of ``circuit`` to the end of ``block``.

        Raises:
            UnsupportedInstructionError: for an instruction that cannot be run.
            ProgramError: for unbound parameters, and values that make no gate.
            NoiseModelError: for errors of an instruction that are no channel.
            NotFiniteError: as :meth:`Makers.fill`; the gate is not known then.
        """
        if circuit.num_parameters:
            self._check_parameters(circuit, scope)
        data = circuit.data
        if scope.outer is not None:
            self._guard(scope, len(data))
        try:
            if circuit.global_phase:
                self._add_phase(circuit.global_phase, block)
            self.each(data, scope, block)
        except (ProgramError, NotFiniteError, NoiseModelError):
            raise
        except (ValueError, OverflowError) as error:
            name = data[scope.index].name if len(data) else "circuit"
            raise ProgramError(f"instruction {name!r} ({scope.place()}): {error}") from error

    def each(self, data: Sequence[CircuitInstruction], scope: Scope, block: BlockBuilder) -> None:
        """Lower the instructions of a circuit; ``scope.index`` is that of the last, at the end."""
        places, clbit_of, makers = Places(scope.qubits), scope.clbits, self.makers
        append = block.operations.append
        site: Site | None = None
        index = 0
        try:
            # Most instructions are standard gates: these make no Qiskit operation and no Site.
            for index, item in enumerate(data):
                qubits = places[item.qubits]
                if item.is_standard_gate():
                    maker = makers[item.name]
                    if maker is not None:
                        append(maker(qubits, item.params))
                        continue
                    if self._other_standard(item, qubits, block):
                        continue
                scope.index = index
                clbits = tuple([clbit_of[bit] for bit in item.clbits])
                if site is None:
                    site = Site(self, item.operation, qubits, clbits, scope, block)
                else:
                    site.operation, site.qubits, site.clbits = item.operation, qubits, clbits
                self.instruction(site)
        finally:
            scope.index = index

    def standard(
        self, item: CircuitInstruction, qubits: tuple[int, ...], block: BlockBuilder
    ) -> bool:
        """Lower a standard gate; false where the instruction is none, or is in no table."""
        if not item.is_standard_gate():
            return False
        maker = self.makers[item.name]
        if maker is None:
            return self._other_standard(item, qubits, block)
        block.operations.append(maker(qubits, item.params))
        return True

    @property
    def angles(self) -> Angles | None:
        """Those of parametric gates; None where all parameters have values."""
        return self.makers.angles

    def _check_parameters(self, circuit: QuantumCircuit, scope: Scope) -> None:
        """Refuse parameters other than those of the whole circuit, which may have values."""
        missing: Iterable[Parameter] = circuit.parameters
        if self.angles is not None:
            if scope.outer is None:
                return
            missing = set(missing).difference(self.angles.parameters)
        if missing and (unbound := [one for one in unbound_parameters(circuit) if one in missing]):
            names = ", ".join(parameter.name for parameter in unbound)
            where = "" if scope.outer is None else f" in the {scope.role} ({scope.outer.place()})"
            raise ProgramError(
                f"circuit {circuit.name!r} has unbound parameters{where}: {names}; "
                "give them values with assign_parameters first"
            )

    def matrix(
        self, formula: Formula, angles: Sequence[Any], qubits: tuple[int, ...]
    ) -> Matrix | Parametric:
        """The gate of a formula that gives matrices, at ``angles``, which may be parameters."""
        if self.angles is None or not any(map(is_parametric, angles)):
            return Matrix(formula(*angles), qubits)
        return Parametric(formula.name, tuple([self.angles.column(one) for one in angles]), qubits)

    def _add_phase(self, angle: Any, block: BlockBuilder) -> None:
        """Multiply by ``exp(i * angle)``, where the angle may be a parameter."""
        if self.angles is None or not is_parametric(angle):
            block.add_phase(angle)
        else:
            block.operations.append(Parametric("phase", (self.angles.column(angle),), ()))

    def gates(
        self, operation: Any, qubits: tuple[int, ...], scope: Scope
    ) -> Sequence[GateOperation | Parametric]:
        """The operations of one gate, for a modifier to change; their numbers may not be computed
        before ``self.makers.fill()``."""
        inside = replace(scope, unitary=True, depth=scope.depth + 1)
        self._guard(inside, 1)
        block = BlockBuilder("unknown")
        if not self.standard(CircuitInstruction(operation, ()), qubits, block):
            self.instruction(Site(self, operation, qubits, (), inside, block))
        gates = cast("Sequence[Gate]", block.finish())  # the scope is unitary
        if self.angles is None:
            return standard_gates(gates)
        return [
            one
            for gate in gates
            for one in ((gate,) if isinstance(gate, Parametric) else standard_gates((gate,)))
        ]

    def _guard(self, scope: Scope, instructions: int) -> None:
        """Stop definitions that contain themselves, or that expand to too many instructions."""
        if scope.depth > MAX_DEPTH:
            outer = scope.outer or scope
            raise UnsupportedInstructionError(
                f"definitions and bodies are nested more than {MAX_DEPTH} deep, the innermost "
                f"the {scope.role} at index {outer.index} of circuit {outer.name!r}; "
                "does a gate's definition hold the gate itself?"
            )
        self.grow(scope, expansion.CIRCUIT + instructions)

    def grow(self, scope: Scope, size: int) -> None:
        """Count what a definition, body or power brings in; a ``ProgramError`` if too much."""
        self.expanded += size
        if self.expanded > self.bound:
            if self.expanded > expansion.MAX_EXPANDED:
                raise ProgramError(
                    f"the circuit's definitions and bodies hold more than {expansion.MAX_EXPANDED} "
                    f"instructions, the last in the {scope.role} ({scope.place()})"
                )
            self.bound = expansion.MAX_EXPANDED
            self.check_size()

    def _other_standard(
        self, item: CircuitInstruction, qubits: tuple[int, ...], block: BlockBuilder
    ) -> bool:
        """Lower a standard gate that is not one operation; false where it is in no table."""
        name = item.name
        if name in SEVERAL:
            block.operations.extend(SEVERAL[name](qubits, item.params))
        elif name == "global_phase":
            self._add_phase(item.params[0], block)
        else:
            return name in SKIPPED
        return True
