"""What planning makes: a plan, its passes, and where it leaves each qubit.

A plan says, for a run of gates without measurement or branching, which passes over the state
compute it. It is plain data and holds for one profile: an engine's way of working.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias, Union

from simquay.planning.dense.steps import DensePass
from simquay.planning.tiled.passes import TilePass, WidePass
from simquay.program.operations import GateOperation
from simquay.program.plain import same
from simquay.program.precision import Precision

__all__ = ["GatePass", "Layout", "Pass", "Plan", "Profile", "SweepPlan"]


@dataclass(frozen=True, slots=True)
class Layout:
    """Where each qubit is stored.

    ``order[p]`` is the qubit at bit ``p`` of the storage index. A qubit that is not in ``order``
    is exactly |0> and has no place in the vector yet; a vector with this layout has
    ``2**len(order)`` amplitudes.
    """

    order: tuple[int, ...] = ()

    def positions(self) -> dict[int, int]:
        """The storage bit of each stored qubit."""
        return {qubit: position for position, qubit in enumerate(self.order)}


@dataclass(frozen=True, slots=True)
class Profile:
    """How an engine works, as far as planning must know.

    Attributes:
        strategy: ``gates`` (one pass a gate, as written), ``dense`` (clusters of up to ``width``
            qubits become one matrix) or ``tiled`` (passes over tiles of ``2**tile`` amplitudes,
            of which the lowest ``low`` storage bits are always active).
        width: the most qubits of a dense cluster.
        tile: qubits of a tile.
        low: storage bits that every tile holds.
        span: the most target bits of a round within a tiled pass; 0 for no limit.
        search: from so many stored qubits on a tiled plan is searched for with more care, which
            may save a pass, and takes about a millisecond; 0: where that pays on any device.
        start: the most qubits of the vector that a dense plan begins with, computed by planning.
        costs: what a dense cluster costs by its number of qubits, from the engine's calibration;
            empty for the planner's own numbers.
    """

    strategy: Literal["gates", "dense", "tiled"] = "gates"
    width: int = 0
    tile: int = 0
    low: int = 0
    span: int = 0
    search: int = 0
    start: int = 0
    costs: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class GatePass:
    """One gate on logical qubits, as written in the program; the layout stays as it is."""

    gate: GateOperation


Pass: TypeAlias = Union[GatePass, TilePass, WidePass, DensePass]


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """Passes that take a state from layout ``initial`` to layout ``final``.

    Attributes:
        profile: what the plan was made for; an engine refuses a plan for another strategy.
        initial: the layout that the state must have.
        final: the layout that the state has afterwards.
        passes: the trips over the state, in order. Cancellation is checked between them.
    """

    profile: Profile
    initial: Layout
    final: Layout
    passes: Sequence[Pass] = field(default=())

    def __eq__(self, other: object) -> bool:
        """By value: the same profile, layouts and passes, numbers and all."""
        return isinstance(other, Plan) and same(self, other)

    __hash__ = None  # type: ignore[assignment]  # arrays inside: equal plans have no cheap hash

    def __len__(self) -> int:
        return len(self.passes)

    def explain(self, precision: Precision = Precision.DOUBLE) -> str:
        """A table for people: each pass with its qubits, operations, flops, bytes and share."""
        from simquay.planning.explain import explain_plan  # it knows all passes: a circle

        return explain_plan(self, precision)


@dataclass(frozen=True, slots=True, eq=False)
class SweepPlan:
    """The plans of several gate lists that differ in numbers alone: one for each vector of a state.

    Attributes:
        profile, initial, final: as a :class:`Plan` has them, the same for all vectors.
        batch: how many vectors there are.
        passes: as a :class:`Plan` has them. In a dense plan every array of gates' numbers
            (matrices, tables, amplitudes) has one more axis in front, of length ``batch``: entry
            ``i`` of it is what the pass does to vector ``i``. In a tiled plan each entry is a
            tuple with a pass for each vector.
    """

    profile: Profile
    initial: Layout
    final: Layout
    batch: int
    passes: Sequence[Pass | tuple[Pass, ...]] = field(default=())

    def __len__(self) -> int:
        return len(self.passes)
