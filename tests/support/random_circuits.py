"""Random Qiskit circuits over all that Simquay lowers: for hypothesis, and from a seed.

One generator makes both: it asks a :class:`Source` for every choice. From hypothesis
(:func:`unitary_circuits`, :func:`dynamic_circuits`) a failing circuit shrinks; from a NumPy
generator (:func:`random_unitary_circuit`, :func:`random_dynamic_circuit`) it is made in a
millisecond and depends on the generator's seed alone.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray
from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister
from qiskit.circuit import (
    CASE_DEFAULT,
    AnnotatedOperation,
    Clbit,
    ControlModifier,
    InverseModifier,
    Operation,
    ParameterVector,
    PowerModifier,
)
from qiskit.circuit.classical import expr, types
from qiskit.circuit.library import (
    DiagonalGate,
    Initialize,
    PauliGate,
    PermutationGate,
    StatePreparation,
    UCGate,
    UnitaryGate,
    get_standard_gate_name_mapping,
)

from simquay.circuits.lowering.angles import is_parametric

__all__ = [
    "STANDARD_GATES",
    "dynamic_circuits",
    "make_gate",
    "parametric_circuits",
    "parametric_dynamic_circuits",
    "random_dynamic_circuit",
    "random_unitary",
    "random_unitary_circuit",
    "unitary_circuits",
]

STANDARD_GATES: dict[str, Any] = {
    name: gate
    for name, gate in get_standard_gate_name_mapping().items()
    if name not in ("delay", "measure", "reset")
}
"""A sample of each of Qiskit's standard gates, by name."""


class Source(Protocol):
    """Where choices come from."""

    def integer(self, low: int, high: int) -> int:
        """A whole number from ``low`` to ``high``, both possible."""

    def angle(self) -> float:
        """An angle in radians."""

    def parameter(self) -> Any:
        """An angle of a standard gate, in radians: a number, or an expression of parameters."""


class _Drawn:
    """Choices that hypothesis makes, and can shrink."""

    def __init__(self, draw: st.DrawFn) -> None:
        self._draw = draw

    def integer(self, low: int, high: int) -> int:
        return self._draw(st.integers(low, high))

    def angle(self) -> float:
        special = st.sampled_from([0.0, math.pi, -math.pi / 2, math.pi / 4, 2 * math.pi, 1.0])
        return self._draw(st.one_of(special, st.floats(-7, 7, allow_subnormal=False)))

    parameter = angle


class _Random:
    """Choices of a NumPy generator."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng

    def integer(self, low: int, high: int) -> int:
        return int(self._rng.integers(low, high, endpoint=True))

    def angle(self) -> float:
        return float(self._rng.uniform(-7, 7))

    parameter = angle


class _Parametric:
    """Choices of another source, where half of the angles depend on two parameters."""

    def __init__(self, source: Source) -> None:
        self.integer = source.integer
        self.angle = source.angle
        self._parameters = ParameterVector("t", 2)

    def parameter(self) -> Any:
        one, other = _shuffled(self, list(self._parameters))
        choice = self.integer(0, 11)
        if choice < 4:
            return one
        if choice < 8:
            return self.angle()
        expressions = [
            2 * one,
            1 - one / 3 + 0.25 * other,
            one * other,
            (one.sin() + 0.5) / (2 + other**2),
        ]
        return expressions[choice - 8]


def random_unitary(num_qubits: int, seed: int) -> NDArray[np.complex128]:
    """A random unitary, Haar distributed, of shape ``(2**num_qubits, 2**num_qubits)``."""
    rng = np.random.default_rng(seed)
    size = 1 << num_qubits
    q, r = np.linalg.qr(rng.normal(size=(size, size)) + 1j * rng.normal(size=(size, size)))
    phases = np.diagonal(r) / abs(np.diagonal(r))
    unitary: NDArray[np.complex128] = q * phases
    return unitary


def _pick(source: Source, things: Any) -> Any:
    return things[source.integer(0, len(things) - 1)]


def _shuffled(source: Source, things: list[Any]) -> list[Any]:
    rest = list(things)
    return [rest.pop(source.integer(0, len(rest) - 1)) for _ in things]


def _standard(source: Source, width: int) -> Operation:
    fitting = [gate for gate in STANDARD_GATES.values() if gate.num_qubits <= width]
    gate = _pick(source, fitting)
    return gate.base_class(*[source.parameter() for _ in gate.params])


def _unitary(source: Source, width: int) -> Operation:
    return UnitaryGate(random_unitary(min(width, source.integer(1, 3)), source.integer(0, 999)))


def _diagonal(source: Source, width: int) -> Operation:
    size = 1 << min(width, source.integer(1, 3))
    return DiagonalGate([complex(np.exp(1j * source.angle())) for _ in range(size)])


def _permutation(source: Source, width: int) -> Operation:
    return PermutationGate(_shuffled(source, list(range(min(width, source.integer(1, 4))))))


def _pauli(source: Source, width: int) -> Operation:
    letters = [_pick(source, "IXYZ") for _ in range(min(width, source.integer(1, 4)))]
    return PauliGate("".join(letters))


def _multiplexed(source: Source, width: int) -> Operation:
    controls = min(width - 1, source.integer(0, 2))
    seed = source.integer(0, 999)
    return UCGate([random_unitary(1, seed + j) for j in range(1 << controls)])


def _preparation(source: Source, width: int) -> Operation:
    return StatePreparation(random_unitary(min(width, 2), source.integer(0, 999))[0])


def _defined(source: Source, width: int) -> Operation:
    """A gate of the user's own, with a global phase inside."""
    inner = QuantumCircuit(min(width, source.integer(1, 3)), global_phase=source.parameter())
    _append_gates(source, inner, source.integer(1, 3), depth=1)
    return inner.to_gate()


def _modified(source: Source, width: int) -> Operation:
    """A gate with controls, inverted, or to a power."""
    kind = source.integer(0, 4)
    if kind <= 1 and width > 1:
        controls = source.integer(1, min(width - 1, 3))
        base = make_gate(source, width - controls, depth=1)
        state = source.integer(0, (1 << controls) - 1)
        # A ControlledGate of anything but a plain gate would be synthesized by Qiskit right here.
        plain = base.name in STANDARD_GATES and base.name != "global_phase"
        if kind == 0 and plain and not any(map(is_parametric, base.params)):
            return base.control(controls, ctrl_state=state, annotated=False)
        return AnnotatedOperation(base, ControlModifier(controls, state))
    base = make_gate(source, width, depth=1)
    if kind <= 2:
        return AnnotatedOperation(base, InverseModifier())
    power = source.integer(-3, 3)
    modifiers = [PowerModifier(power), InverseModifier()][: kind - 2]
    return AnnotatedOperation(base, modifiers)


_MAKERS: list[Callable[[Source, int], Operation]] = [
    _standard,
    _standard,
    _standard,
    _unitary,
    _diagonal,
    _permutation,
    _pauli,
    _multiplexed,
    _preparation,
]
_DEEP: list[Callable[[Source, int], Operation]] = [_defined, _modified, _modified]


def make_gate(source: Source, width: int, depth: int = 0) -> Operation:
    """A gate on at most ``width`` (1 or more) qubits; deeper gates hold simple ones alone."""
    makers = _MAKERS + ([] if depth else _DEEP)
    return _pick(source, makers)(source, width)


def _append_gates(source: Source, circuit: QuantumCircuit, count: int, depth: int = 0) -> None:
    for _ in range(count):
        _append_gate(source, circuit, depth)


def _append_gate(source: Source, circuit: QuantumCircuit, depth: int = 0) -> None:
    gate = make_gate(source, circuit.num_qubits, depth)
    qubits = _shuffled(source, list(range(circuit.num_qubits)))[: gate.num_qubits]
    circuit.append(gate, qubits)


def _unitary_circuit(source: Source, num_qubits: int, num_gates: int) -> QuantumCircuit:
    circuit = QuantumCircuit(num_qubits, global_phase=source.parameter())
    _append_gates(source, circuit, num_gates)
    return circuit


def _dynamic_circuit(
    source: Source, num_qubits: int, num_clbits: int, size: int, plain: bool = False
) -> QuantumCircuit:
    """A circuit with nested control flow.

    Unless it is ``plain``, it has a loose bit, two registers that share one, a variable, while
    loops and boxes.
    """
    loose = [Clbit() for _ in range(1 if num_clbits > 2 and not plain else 0)]
    first = ClassicalRegister(num_clbits - len(loose), "c")
    shared = first if plain else ClassicalRegister(name="shared", bits=[*loose, first[0]])
    registers = [first] if plain else [first, shared]
    circuit = QuantumCircuit(QuantumRegister(num_qubits, "q"), loose, *registers)
    counter = None if plain else circuit.add_var("counter", expr.lift(0, types.Uint(3)))
    _append_events(source, circuit, size, _Classical(first, shared, counter), nesting=2, loops=0)
    return circuit


class _Classical:
    """What the events of a dynamic circuit read and write."""

    def __init__(
        self, register: ClassicalRegister, shared: ClassicalRegister, counter: expr.Var | None
    ) -> None:
        self.register = register
        self.shared = shared
        self.counter = counter
        self._names = itertools.count()

    def new_name(self) -> str:
        return f"steps_{next(self._names)}"

    def condition(self, source: Source) -> Any:
        register = _pick(source, [self.register, self.shared])
        value = source.integer(0, (1 << len(register)) - 1)
        bit = _pick(source, list(register))
        conditions = [
            (bit, source.integer(0, 1)),
            (register, value),
            expr.less_equal(register, value),
            expr.not_equal(expr.bit_xor(register, value), 0),
            expr.logic_and(expr.logic_not(bit), expr.greater(register, 0)),
        ]
        if self.counter is not None:
            conditions.append(expr.logic_or(bit, expr.equal(self.counter, 1)))
        return _pick(source, conditions)


def _append_events(
    source: Source,
    circuit: QuantumCircuit,
    count: int,
    classical: _Classical,
    nesting: int,
    loops: int,
) -> None:
    qubits = list(range(circuit.num_qubits))
    for _ in range(count):
        kind = source.integer(0, 12 if nesting else 6)
        if kind <= 2:
            _append_gate(source, circuit)
        elif kind <= 4:
            circuit.measure(_pick(source, qubits), _pick(source, circuit.clbits))
        elif kind == 5:
            circuit.reset(_pick(source, qubits))
        elif kind == 6:
            _append_rare_event(source, circuit, classical, loops)
        else:
            _append_control_flow(source, circuit, classical, nesting, loops)


def _append_rare_event(
    source: Source, circuit: QuantumCircuit, classical: _Classical, loops: int
) -> None:
    qubits = list(range(circuit.num_qubits))
    kind = source.integer(0, 3)
    if kind == 0:
        width = min(2, len(qubits))
        state = random_unitary(width, source.integer(0, 999))[0]
        circuit.append(Initialize(state), _shuffled(source, qubits)[:width])
    elif kind == 1 and classical.counter is not None:
        circuit.initialize(_pick(source, "01+-rl"), _pick(source, qubits))
    elif kind == 2:
        circuit.barrier()
        if classical.counter is not None:
            circuit.store(classical.counter, expr.bit_xor(classical.counter, 1))
    elif loops:
        with circuit.if_test(classical.condition(source)):
            if source.integer(0, 1):
                circuit.break_loop()
            else:
                circuit.continue_loop()


def _append_control_flow(
    source: Source, circuit: QuantumCircuit, classical: _Classical, nesting: int, loops: int
) -> None:
    def body(inside: int = loops) -> None:
        _append_events(source, circuit, source.integer(1, 2), classical, nesting - 1, inside)

    kind = source.integer(0, 3 if classical.counter is None else 5)
    if kind <= 1:
        with circuit.if_test(classical.condition(source)) as otherwise:
            body()
        if kind:
            with otherwise:
                body()
    elif kind == 2:
        with circuit.switch(classical.shared) as case:
            with case(source.integer(0, 1)):
                body()
            with case(CASE_DEFAULT):
                body()
    elif kind == 3:
        with circuit.for_loop(range(source.integer(0, 2))) as index:
            if source.integer(0, 1):
                angle = 0.5 + index * (source.parameter() if loops else 1)
                circuit.rx(angle, source.integer(0, circuit.num_qubits - 1))
            body(loops + 1)
    elif kind == 4:
        # The loop counts by itself, before anything can continue it: it always ends.
        limit = source.integer(0, 2)
        counter = expr.Var.new(classical.new_name(), types.Uint(3))
        with circuit.box():
            circuit.add_var(counter, expr.lift(0, types.Uint(3)))
            with circuit.while_loop(expr.less(counter, limit)):
                circuit.store(counter, expr.add(counter, 1))
                body(loops + 1)
    else:
        with circuit.box():
            body(0)


@st.composite
def unitary_circuits(
    draw: st.DrawFn, max_qubits: int = 8, max_gates: int = 10, min_qubits: int = 1
) -> QuantumCircuit:
    """Circuits of gates alone."""
    source = _Drawn(draw)
    num_qubits = source.integer(min_qubits, max_qubits)
    return _unitary_circuit(source, num_qubits, source.integer(0, max_gates))


@st.composite
def dynamic_circuits(
    draw: st.DrawFn, max_qubits: int = 4, max_clbits: int = 4, max_size: int = 8
) -> QuantumCircuit:
    """Circuits with measurement, reset, preparation, stores and nested control flow.

    ``max_size`` counts events at the top level. Every loop ends.
    """
    source = _Drawn(draw)
    num_qubits, num_clbits = source.integer(1, max_qubits), source.integer(1, max_clbits)
    return _dynamic_circuit(source, num_qubits, num_clbits, source.integer(1, max_size))


@st.composite
def parametric_circuits(
    draw: st.DrawFn, max_qubits: int = 4, max_gates: int = 8
) -> tuple[QuantumCircuit, NDArray[np.float64]]:
    """Circuits of gates with at most two parameters, and values for them at three points, shape
    ``(3, parameters)``."""
    source = _Parametric(_Drawn(draw))
    num_qubits = source.integer(1, max_qubits)
    circuit = _unitary_circuit(source, num_qubits, source.integer(0, max_gates))
    return circuit, _values(source, circuit)


@st.composite
def parametric_dynamic_circuits(
    draw: st.DrawFn, max_qubits: int = 3, max_clbits: int = 3, max_size: int = 6
) -> tuple[QuantumCircuit, NDArray[np.float64]]:
    """Circuits as :func:`dynamic_circuits` makes, with at most two parameters, and values for them
    at three points, shape ``(3, parameters)``."""
    source = _Parametric(_Drawn(draw))
    num_qubits, num_clbits = source.integer(1, max_qubits), source.integer(1, max_clbits)
    circuit = _dynamic_circuit(source, num_qubits, num_clbits, source.integer(1, max_size))
    return circuit, _values(source, circuit)


def _values(source: Source, circuit: QuantumCircuit) -> NDArray[np.float64]:
    values = [source.angle() for _ in range(3 * circuit.num_parameters)]
    return np.array(values).reshape(3, circuit.num_parameters)


def random_unitary_circuit(
    rng: np.random.Generator, num_qubits: int, num_gates: int
) -> QuantumCircuit:
    """A circuit of ``num_gates`` gates."""
    return _unitary_circuit(_Random(rng), num_qubits, num_gates)


def random_dynamic_circuit(
    rng: np.random.Generator, num_qubits: int, num_clbits: int, size: int, *, plain: bool = False
) -> QuantumCircuit:
    """A circuit as :func:`dynamic_circuits` makes it, with ``size`` events at the top level.

    A ``plain`` one has a single classical register, no loose bits, no variables, no while loops
    and no boxes: the control flow that Aer runs.
    """
    return _dynamic_circuit(_Random(rng), num_qubits, num_clbits, size, plain)
