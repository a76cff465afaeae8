"""Real vectors in an engine's complex ones: half the memory, and half the work.

The coefficients of a density matrix are real, and so are the gates of a doubled program, but for
those of :meth:`~.doubling._Doubling._turned`. A real vector of ``N`` qubits is kept as a complex
one of ``N - 1``: the real part of an amplitude is the coefficient where the *packed* qubit is 0,
and its imaginary part the one where it is 1. As a vector of real numbers, that is one whose storage
bit 0 is the packed qubit.

A real matrix acts on both parts alike. So the engine inside applies all gates that neither act on
the packed qubit nor depend on it, by plans of its own. Planning therefore divides the gates into
parts, each with another packed qubit; between two parts it changes places with the next one's. Each
part has as many gates as can be applied without a look at one qubit: on a chain of ``n`` qubits
those of about ``n / 2`` layers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simquay.control import Control
from simquay.engines.base import BaseEngine, Engine, check_plan
from simquay.errors import ProgramError
from simquay.planning import Layout, Plan, Profile, make_plan
from simquay.planning.planner import Strategy, register_strategy
from simquay.program import (
    Channel,
    Diagonal,
    Gate,
    GateOperation,
    Matrix,
    Operation,
    Permutation,
    Precision,
    Prepare,
    Program,
    Relabel,
)
from simquay.program.gates import constructor
from simquay.program.program import most_stored_qubits

__all__ = ["PackedPlan", "PackingEngine", "density_qubits", "packed"]

_LEAST = 20
"""Stored qubits of the doubled program from which on packing pays."""

_PREFIX = "packed "
"""Of the names of strategies: a profile of the engine inside, and that word, is one of its packed
vectors."""

_MAKE: dict[type, Any] = {
    Matrix: (constructor(Matrix), "matrix"),
    Diagonal: (constructor(Diagonal), "diagonal"),
    Permutation: (constructor(Permutation), "table"),
}


def density_qubits(program: Program, engine: Engine) -> int:
    """Qubits of the state vector, at most, that holds the density matrix of ``program``."""
    count = 2 * most_stored_qubits(program)
    narrow = engine.packs and count >= _LEAST and all(map(_is_narrow, program.operations))
    return count - narrow


def _is_narrow(operation: Operation) -> bool:
    """Whether what an operation becomes is real, and acts on two qubits at most. If all are, they
    are packed, or few X parts are moved."""
    if not isinstance(operation, (Gate, Channel)):
        return True
    if type(operation) in (Prepare, Relabel):
        return type(operation) is Relabel
    return len(operation.qubits + operation.controls) <= 2


def packed(program: Program, engine: Engine) -> Engine:
    """The engine for a doubled program: one of packed vectors where that is possible and pays.

    The first qubit that is packed has the X part of a qubit, the last such part that is moved: a
    reader may take one of these for stored before it is, and some are free whatever a gate acts on.
    """
    if not engine.packs or most_stored_qubits(program) < _LEAST:
        return engine
    if not all(map(_is_real, program.operations)):
        return engine
    gates: list[Any] = [one for one in program.operations if isinstance(one, Gate)]
    keys = [*map(_key, _on_wires(gates)[0])]
    count = program.num_qubits // 2
    moved, last = 0, -1
    for moves, _, ones in keys:
        if not ones & ~moved:
            if (moves & ~moved) >> count:
                last = (moves & ~moved).bit_length() - 1
            moved |= moves
    widest = max([wires.bit_count() for _, wires, _ in keys])
    return PackingEngine(engine, last) if (moved >> count).bit_count() > widest else engine


def _is_real(operation: Operation) -> bool:
    """Whether an operation is no gate, or has real numbers."""
    if isinstance(operation, Matrix):
        return not operation.matrix.imag.any()
    if isinstance(operation, Diagonal):
        return not operation.diagonal.imag.any()
    return not isinstance(operation, Prepare)


@dataclass(frozen=True, slots=True, eq=False)
class PackedPlan(Plan):
    """A plan for packed vectors; its layouts have the packed qubit first.

    Attributes:
        parts: plans of the engine inside, in order, each with the qubit that is packed meanwhile.
    """

    parts: Sequence[tuple[int, Plan]] = field(default=())


def _plan(gates: Sequence[GateOperation], layout: Layout, profile: Profile) -> PackedPlan:
    """The strategy: a plan of ``gates``, which are real, for a state of ``layout``."""
    inside = replace(profile, strategy=profile.strategy.removeprefix(_PREFIX))
    placed, sources = _on_wires(gates)
    now, at = layout.order[0], Layout(layout.order[1:])
    cuts = _cuts(tuple([_key(gate) for gate in placed]), layout.order) or ((now, ()),)
    parts = []
    for number, (wire, places) in enumerate(cuts, start=1):
        if wire != now:
            at, now = _exchanged(at, wire, now), wire
        some = [placed[place] for place in places]
        if number == len(cuts) and sources:
            some.append(Relabel(tuple(sources), tuple(sources.values())))
        parts.append((now, make_plan(some, at, inside)))
        at = parts[-1][1].final
    names = {wire: qubit for qubit, wire in sources.items()}
    final = Layout((names.get(now, now), *at.order))
    passes = [*chain.from_iterable([part.passes for _, part in parts])]
    return PackedPlan(profile, layout, final, passes, parts)


def _on_wires(gates: Sequence[GateOperation]) -> tuple[list[GateOperation], dict[int, int]]:
    """Gates without relabels, on the names that qubits had before; and these, by the new ones."""
    sources: dict[int, int] = {}
    find = sources.get
    placed: list[Any] = []
    for gate in gates:
        if isinstance(gate, Relabel):
            old = [find(source, source) for source in gate.sources]
            sources.update(zip(gate.qubits, old, strict=True))
        elif sources:
            make, array = _MAKE[type(gate)]
            qubits = tuple([find(qubit, qubit) for qubit in gate.qubits])
            controls = tuple([find(qubit, qubit) for qubit in gate.controls])
            placed.append(make(getattr(gate, array), qubits, controls, gate.control_state))
        else:
            placed.append(gate)
    return placed, sources


def _exchanged(layout: Layout, wire: int, other: int) -> Layout:
    """The layout in which ``other`` has the place of ``wire``, or a new one if that has none."""
    order = layout.order
    if wire not in order:
        return Layout((*order, other))
    return Layout(tuple([other if one == wire else one for one in order]))


_Key = tuple[int, int, int]
"""Of a gate, as masks: the wires along which it moves coefficients, all of its wires, and those on
which it asks for a 1."""


def _key(gate: Any) -> _Key:
    mask = sum([1 << wire for wire in gate.qubits])
    wires, ones = mask, 0
    for place, wire in enumerate(gate.controls):
        wires |= 1 << wire
        ones |= (gate.control_state >> place & 1) << wire
    return 0 if type(gate) is Diagonal else mask, wires, ones


@lru_cache(maxsize=16)
def _cuts(
    keys: tuple[_Key, ...], order: tuple[int, ...]
) -> tuple[tuple[int, tuple[int, ...]], ...]:
    """The gates of each part, by their places, and its packed wire.

    That is a wire that is stored or will be, since readers take all wires of a layout for stored.
    ``order`` is the layout before, ``keys`` are those of all gates.
    """
    moved = every = sum([1 << wire for wire in order])
    for moves, wires, ones in keys:
        every |= wires
        if not ones & ~moved:
            moved |= moves
    choices = [wire for wire in range(moved.bit_length()) if moved >> wire & 1]
    cuts: list[tuple[int, tuple[int, ...]]] = []
    now, pending = order[0], [*range(len(keys))]
    while pending:
        # On a tie the one that is packed now, which need not change places.
        choices.sort(key=lambda wire: wire != now)
        options = [(wire, *_divided(keys, pending, 1 << wire, every)) for wire in choices]
        now, taken, pending = min(options, key=lambda option: len(option[2]))
        assert taken, "some wire is free, whatever a gate acts on"
        cuts.append((now, tuple(taken)))
    return tuple(cuts)


def _divided(
    keys: Sequence[_Key], pending: Sequence[int], packed: int, every: int
) -> tuple[list[int], list[int]]:
    """The gates that can be applied while the wire of the mask ``packed`` is, and the others.

    Two gates commute if both are diagonal on all wires that they share.
    """
    # On the wires ``closed`` one of the others moves coefficients, on the wires ``held`` one acts.
    closed, held = packed, 0
    taken: list[int] = []
    left: list[int] = []
    for number, place in enumerate(pending):
        moves, wires, _ = keys[place]
        if wires & closed or moves & held:
            closed |= moves
            held |= wires
            if closed == every:
                return taken, [*left, *pending[number:]]
            left.append(place)
        else:
            taken.append(place)
    return taken, left


@dataclass(slots=True, eq=False)
class _Packed:
    """A packed vector: the engine's state, and the packed qubit."""

    inside: Any
    qubit: int

    batch = 1

    @property
    def num_qubits(self) -> int:
        return int(self.inside.num_qubits)

    @property
    def precision(self) -> Precision:
        precision: Precision = self.inside.precision
        return precision

    @property
    def layout(self) -> Layout:
        return Layout((self.qubit, *self.inside.layout.order))


class PackingEngine(BaseEngine[_Packed]):
    """Packed vectors on an engine.

    Args:
        inner: one that :attr:`~simquay.engines.base.BaseEngine.packs`.
        first: the qubit that is packed in the beginning.

    Attributes:
        start: the layout of a new state.
    """

    def __init__(self, inner: Engine, first: int) -> None:
        self._inner = inner
        self.start = Layout((first,))
        self.name = inner.name
        self.device = inner.device
        self.block_bits = inner.block_bits

    def profile(self, precision: Precision, num_qubits: int) -> Profile:
        """That of the engine inside, for one qubit less."""
        profile = self._inner.profile(precision, num_qubits - 1)
        name = _PREFIX + profile.strategy
        register_strategy(name, _STRATEGY)
        return replace(profile, strategy=name, direct_sweeps=False)

    def required_bytes(self, num_qubits: int, precision: Precision, batch: int = 1) -> int:
        """As the engine inside, for one qubit less."""
        return self._inner.required_bytes(num_qubits - 1, precision, batch)

    def available_bytes(self) -> int:
        """As the engine inside."""
        return self._inner.available_bytes()

    def allocate(
        self, num_qubits: int, precision: Precision, *, capacity: int, batch: int = 1
    ) -> _Packed:
        """All qubits |0>; the packed one is stored."""
        assert batch == 1
        inside = self._inner.allocate(num_qubits, precision, capacity=capacity - 1)
        return _Packed(inside, *self.start.order)

    def apply(self, state: _Packed, plan: Plan, control: Control) -> None:
        """Apply ``plan`` part by part."""
        assert isinstance(plan, PackedPlan)
        check_plan(self.name, state, plan, (plan.profile.strategy,))
        count = len(plan.parts)
        for number, (qubit, part) in enumerate(plan.parts):
            control.check()
            if qubit != state.qubit:
                self._inner.exchange_parts(state.inside, qubit, state.qubit)
                state.qubit = qubit
            section = control.section(number / count, (number + 1) / count)
            self._inner.apply(state.inside, part, section)
        state.qubit = plan.final.order[0]

    def gather(self, state: _Packed, indices: NDArray[np.uint64]) -> NDArray[Any]:
        """The coefficients at ``indices``."""
        bit = np.uint64(1 << state.qubit)
        found = self._inner.gather(state.inside, indices & ~bit)
        return np.where(indices & bit, found.imag, found.real)

    def probabilities(self, state: _Packed, qubits: Sequence[int], given: Any) -> NDArray[Any]:
        """Raises an error: coefficients are no amplitudes."""
        raise ProgramError("a packed vector has no probabilities")

    def amplitudes(self, state: _Packed) -> NDArray[Any]:
        """Raises an error, likewise."""
        raise ProgramError("a packed vector has no amplitudes")

    def copy(self, state: _Packed) -> _Packed:
        """Another state with the same coefficients."""
        return _Packed(self._inner.copy(state.inside), state.qubit)

    def release(self, state: _Packed) -> None:
        """Give the memory back."""
        self._inner.release(state.inside)


_STRATEGY = Strategy(plan=_plan)
