"""Plans: the result of planning.

A plan says, for a list of gates without measurement or branching, which passes over the state
compute it. It is plain data, and holds for one :class:`~simquay.planning.profile.Profile`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from simquay.planning.profile import Layout, Profile
from simquay.program.equality import same
from simquay.program.gates import GateOperation

__all__ = ["GatePass", "Pass", "Plan", "SweepPlan"]


@dataclass(frozen=True, slots=True, eq=False)
class GatePass:
    """One gate on qubits, as in the program; the layout stays as it is."""

    gate: GateOperation


Pass: TypeAlias = object
"""A pass over a state. Its class belongs to the strategy; an engine knows those that it applies."""


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """Passes that take a state from layout ``initial`` to layout ``final``.

    Attributes:
        profile: the profile that the plan was made for; an engine refuses another strategy.
        initial: the layout that the state must have.
        final: the layout that the state has afterwards.
        passes: the passes over the state, in order. Cancellation is checked between them.
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


@dataclass(frozen=True, slots=True, eq=False)
class SweepPlan:
    """The plans of several gate lists that differ in numbers alone: one for each vector of a state.

    Attributes:
        profile, initial, final: as a :class:`Plan` has them, the same for all vectors.
        batch: how many gate lists there are.
        passes: as a :class:`Plan` has them. In a dense plan every array of gates' numbers
            (matrices, tables, amplitudes) has one more axis in front, of length ``batch``: entry
            ``i`` of it is for vector ``i``. In a tiled plan each entry is a
            tuple with a pass for each vector. A plan without a search has one
            :class:`~simquay.planning.direct.GateListPass`, which says the changes.
        lists: None: gate list ``i`` is that of vector ``i``. Else int64, the list of each vector,
            and the arrays of a tiled plan have one more axis in front, as those of a dense one.
        strings: with ``lists``, a Pauli string that follows each list, up to a phase: the masks of
            its X and of its Z part by storage bits of ``final``, int64, shape ``(2, batch)``.
    """

    profile: Profile
    initial: Layout
    final: Layout
    batch: int
    passes: Sequence[Pass] = field(default=())
    lists: NDArray[np.int64] | None = None
    strings: NDArray[np.int64] | None = None

    @property
    def vectors(self) -> int:
        """How many vectors it is for."""
        return self.batch if self.lists is None else len(self.lists)

    def __len__(self) -> int:
        return len(self.passes)

    def of_vector(self, number: int) -> Plan | None:
        """The plan of one vector; None unless each entry of the passes has one for each vector."""
        passes = [own[number] for own in self.passes if isinstance(own, tuple)]
        if len(passes) < len(self.passes):
            return None
        return Plan(self.profile, self.initial, self.final, passes)
